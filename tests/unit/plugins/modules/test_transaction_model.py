# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction as a model: runs that are killed or fail at any system call, and the runs after them.

Each case is a first run with one fault, one to three runs after it of any kind, and a last one without a fault. Cases
that leave the same files are the same from there on, so each of these is computed once.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sys
import tempfile
from typing import NamedTuple
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots import lock
from ansible_collections.inference.ollama.tests.unit.support.faulty import ERRORS, KILL, Faults, Killed
from ansible_collections.inference.ollama.tests.unit.support.transactions import FOREIGN, KEY, Host

pytestmark = pytest.mark.untraced

# The same code is tried whole on the controller's Python; on the oldest of a target a part shows that it is understood.
PART = 1 if sys.version_info >= (3, 10) else 5
CASES = 5000 // PART
KEPT = 3
FIRST, LATER = {"run": {"run": "first"}, "takeover": "later"}, {"run": {"run": "later"}, "takeover": "first"}
# Every fault at every call: killed, and each error once and from there on; then, at every 7th, calls that only read.
FAULTS = [
    (KILL, False, False, 1),
    *((name, on, False, 1) for name in ERRORS for on in (False, True)),
    ("EIO", False, True, 7),
]
RUNS = ("site", "rollback", "undo")
AFTER = [runs for length in (1, 2, 3) for runs in itertools.product(RUNS, repeat=length)]
# The plans of the runs of site, in this order.
NUMBERS = (2, 3, 4, 5, 6)


class Model(NamedTuple):
    """What a host may be like: its files, the states before (the newest first), and where going back leads.

    ``back`` is None where nothing is pending, else the state that finishes what is.
    """

    now: frozenset
    kept: tuple
    back: frozenset | None = None

    def good(self, run, site):
        """What it is like after a run without a fault; ``site`` are the files that a run of site writes."""
        if run == "site":
            return self._at(site)
        aim = self.back
        if aim is None:
            aim = self.kept[0] if run == "rollback" and self.kept else self.now
        return self._at(aim)

    def _at(self, files):
        if files == self.now:
            return self._replace(back=None)
        return Model(files, (self.now, *self.kept)[:KEPT])

    def cut_off(self, run, site):
        """All that it may be like after one that was killed or failed."""
        begun = {self, self.good(run, site), self._replace(back=None)}
        if run == "site" or self.back is not None:
            begun.add(self._replace(back=self.now))
        if run == "rollback" and self.back is None and self.kept:
            begun.add(self._replace(back=self.kept[0]))
        return begun


class World:
    """A host in memory of which each state is computed once."""

    def __init__(self, host):
        self.host = host
        self.known = {}
        self.on_disk = None

    def read(self):
        self.on_disk = frozenset(self.host.read().items())
        return self.on_disk

    def go_to(self, files):
        if files != self.on_disk:
            self.host.restore(dict(files))
            self.on_disk = files

    def act(self, files, run, number, who, faults=None):
        """The files after a run, and whether it ended well."""
        self.go_to(files)
        well, faults = True, faults or Faults()
        self.on_disk = None
        try:
            with faults.acting():
                if run == "site":
                    self.host.site(number, **who)
                else:
                    getattr(self.host, run)(**who)
        except (OllamaError, Killed):
            well = False
        return self.read(), well

    def good(self, files, run, number):
        """The same without a fault, once for each."""
        key = (files, run, number if run == "site" else 0)
        if key not in self.known:
            self.known[key] = self.act(files, run, number, LATER)
            self.check(self.known[key][0], f"after {run} {number}")
        return self.known[key]

    def check(self, files, said):
        """What must hold at any time: no key for others, and nothing that somebody wrote is gone."""
        everywhere = b""
        for path, entry in files:
            if entry[0] == "file":
                assert KEY not in entry[1] or entry[2] & 0o077 == 0, f"{said}: {path}"
                everywhere += entry[1]
        # As it is, or within a snapshot.
        assert FOREIGN in everywhere or b"W1NlcnZpY2VdCkVudmlyb25tZW50PUZPUkVJR049MQo=" in everywhere, said

    def managed(self, files):
        return frozenset(
            (path, entry)
            for path, entry in files
            if entry[0] != "folder" and not path.startswith(self.host.state) and not path.endswith("~")
        )

    def finish(self, files, models, said):
        """After a good run: files as intended, nothing pending or left over, and the state before is reachable."""
        now = self.managed(files)
        fitting = {model for model in models if model.now == now}
        assert fitting, f"{said}: the files are none of the intended ones"
        names = [path for path, _entry in files]
        assert not [name for name in names if name.endswith((".ollama-new", "pending.json"))], said
        back, well = self.good(files, "rollback", 0)
        reached = self.managed(back)
        assert [model for model in fitting if reached == (model.kept[0] if model.kept else model.now)], (
            f"{said}: the state before is not reached, but {'another' if well else 'none'}"
        )


def sites(world, start):
    """The files that each plan's run of site leads to."""
    found = {}
    for number in (1, *NUMBERS):
        found[number] = world.managed(world.act(start, "site", number, FIRST)[0])
    return found


def first_runs(world, start, site):
    """Each run that may be cut off: its kind, the files before it, and what the host is like then."""
    begun = {"now": world.managed(start), "kept": ()}
    files, models = start, Model(**begun)
    for number in (1, 2):
        files, _well = world.act(files, "site", number, FIRST)
        models = models.good("site", site[number])
    # A change that failed: written, and neither confirmed nor taken back.
    world.go_to(files)
    world.host.write(3, **FIRST)
    half = world.read()
    return [
        ("site", start, Model(**begun)),
        ("site", files, models),
        ("rollback", files, models),
        ("undo", half, models._replace(back=models.now)),
        ("site", half, models._replace(back=models.now)),
    ]


@pytest.fixture
def folder():
    """Where files are written fastest."""
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = tempfile.mkdtemp(dir=shm)
    yield path
    shutil.rmtree(path)


def cases(world, start, site, known=FAULTS):
    """Every first run with every fault at every call, with what the host may be like after it."""
    for run, files, model in first_runs(world, start, site):
        number = 3
        for fault, on, reads, step in known:
            for at in itertools.count(1, step):
                faults = Faults(fault, at, on=on, reads=reads)
                after, well = world.act(files, run, number, FIRST, faults)
                if faults.calls < at:
                    break
                said = f"{run}, {fault}{' from' if on else ' at'} call {at}{' of all' if reads else ''}"
                world.check(after, said)
                done = model.good(run, site[number])
                yield said, after, {done} if well else {done, *model.cut_off(run, site[number])}


def test_any_run_that_is_cut_off_and_any_runs_after_it(folder, capsys):
    """The host ends in an intended state, the one before is reachable, and nothing is lost, left over or readable."""
    drawn = random.Random(4711)
    with patch.object(lock, "_now", lambda: 1000.0):
        world = World(Host(f"{folder}/host"))
        start = world.read()
        site = sites(world, start)
        count = 0
        for said, files, models in cases(world, start, site, FAULTS[::PART]):
            # Each kind of run next, and then two drawn ones of up to three runs.
            for runs in [*AFTER[:3], *drawn.sample(AFTER[3:], 2)]:
                after, possible = files, models
                for number, run in zip(NUMBERS[2:], runs):
                    after, well = world.good(after, run, number)
                    assert well or (run == "rollback" and not all(model.kept for model in possible)), f"{said}, {run}"
                    possible = {model.good(run, site[number]) for model in possible}
                    possible = {model for model in possible if model.now == world.managed(after)}
                world.finish(after, possible, f"{said}, then {', '.join(runs)}")
                count += 1
    with capsys.disabled():
        sys.stdout.write(f" {count} cases, {len(world.known)} different ones ")
    assert count >= CASES
