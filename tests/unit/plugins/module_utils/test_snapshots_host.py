# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose files are changed and taken back: after any changes each kept state is exactly what there was."""

from __future__ import annotations

import errno
import os
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import pending_changes
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import ABSENT, FILE, Entry
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import (
    Host,
    remove_empty,
    save,
    write,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.restore import (
    confirm,
    go_back,
    plan_restore,
    restore,
    services,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.states import SETS, plant, systemctl, ticking, tree, wanted

WANTS = "multi-user.target.wants"
LINKS = tuple(f"{WANTS}/ollama@{name}.service" for name in "ab")


class Machine:
    """A host below a folder: its units, its one file of the kernel, its states, and a clock that goes on."""

    def __init__(self, folder, units=None):
        self.units, self.switch = f"{folder}/units", f"{folder}/switch"
        os.makedirs(f"{self.units}/{WANTS}")
        self.set_kernel("0")
        self.store = Store(f"{folder}/kept")
        self.host = Host(systemctl({} if units is None else units), ticking(), self.units, (self.switch,))

    def set_kernel(self, value):
        with open(self.switch, "w", encoding="utf-8") as file:
            file.write(value)

    def now(self):
        """All files and links, and the kernel's setting."""
        with open(self.switch, encoding="utf-8") as file:
            return tree(self.units), file.read()

    def enable(self, name, *, on):
        """Change a link as systemctl enable and disable do, without a snapshot."""
        path = f"{self.units}/{name}"
        if os.path.lexists(path):
            os.unlink(path)
        if on:
            os.symlink("/etc/systemd/system/ollama@.service", path)

    def change(self, things, reason="a reason"):
        """Write as file_transaction does; the id of the state that was saved."""
        entries = wanted(self.units, things)
        return write(self.store, self.host, entries, pending_changes(entries), reason)

    def restore(self, name):
        return restore(plan_restore(self.store, self.host, name))


@pytest.fixture
def machine(tmp_path):
    return Machine(str(tmp_path))


STEPS = st.fixed_dictionaries(
    {
        "things": SETS,
        "kernel": st.sampled_from("01"),
        # Files that are removed, or links that somebody makes or takes away after the state was saved.
        "absent": st.sets(st.sampled_from(LINKS), max_size=2),
        "enable": st.dictionaries(st.sampled_from(LINKS), st.booleans(), max_size=2),
        "confirm": st.sampled_from([True, True, False]),
    }
)


def assert_same(now, moment):
    """Nothing is there that was not, and nothing is gone but a folder that was empty."""
    (found, kernel), (known, setting) = now, moment
    gone = known.keys() - found.keys()
    assert (found, kernel) == ({name: entry for name, entry in known.items() if name not in gone}, setting)
    assert all(known[name][0] == "folder" for name in gone)


@settings(max_examples=examples(60))
@given(SETS, st.lists(STEPS, min_size=1, max_size=5), st.data())
def test_any_kept_state_is_what_there_was(before, steps, data):
    """After any changes, finished or not, a rollback restores the tree of that moment and can itself be undone."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder)
        plant(machine.units, before)
        moments = {}
        for step in steps:
            moment = machine.now()
            moments[machine.change({**step["things"], **dict.fromkeys(step["absent"])})] = moment
            machine.set_kernel(step["kernel"])
            for name, on in step["enable"].items():
                machine.enable(name, on=on)
            if step["confirm"]:
                machine.store.confirm(None, 3)
        for _number in range(2):
            asked = data.draw(st.sampled_from(machine.store.ids()))
            back, moment, known = plan_restore(machine.store, machine.host, asked), machine.now(), machine.store.ids()
            go_back(machine.store, machine.host, back)
            moments.update((name, moment) for name in machine.store.ids() if name not in known)
            assert_same(machine.now(), moments[asked])
            confirm(machine.store, machine.host, None, 3)
            if not machine.store.ids():
                break


def test_without_a_store_nothing_is_kept(machine):
    """The files are written all the same."""
    entries = wanted(machine.units, {"a": ("file", b"1", 0o644)})
    assert write(None, machine.host, entries, pending_changes(entries), "") is None
    assert tree(machine.units)["a"] == ("file", b"1", 0o644)
    assert machine.store.ids() == []


def test_what_a_state_keeps(tmp_path):
    """All that was asked for and not only what changes, links, units, values of the kernel, and new folders."""
    machine = Machine(str(tmp_path), {"ollama.service": 0})
    plant(machine.units, {"same": ("file", b"1", 0o644)})
    machine.enable(LINKS[0], on=True)
    name = machine.change({"same": ("file", b"1", 0o644), "new/deep/a": ("file", b"2", 0o644)}, "change 4711")
    kept = machine.store.snapshot(name)
    assert [(entry.path, entry.kind) for entry in kept.entries] == [
        (f"{machine.units}/same", FILE),
        (f"{machine.units}/new/deep/a", ABSENT),
    ]
    assert kept.changes == [{"path": f"{machine.units}/new/deep/a", "change": "created"}]
    assert kept.folders == [f"{machine.units}/new", f"{machine.units}/new/deep"]
    assert list(kept.links) == [f"{machine.units}/{LINKS[0]}"]
    assert (kept.active, kept.kernel, kept.reason) == ({"ollama.service": ""}, {machine.switch: "0"}, "change 4711")


def test_a_copy_beside_a_file_is_not_recorded(machine):
    """It is written with the change, but is not part of the snapshot and is not restored."""
    entries = wanted(machine.units, {"a": ("file", b"1", 0o644)})
    copy = (Entry(f"{machine.units}/a~", ABSENT), Entry(f"{machine.units}/a~", FILE, b"0", 0o644))
    name = write(machine.store, machine.host, entries, [*pending_changes(entries), copy], "")
    assert [change["path"] for change in machine.store.snapshot(name).changes] == [f"{machine.units}/a"]
    machine.restore(name)
    assert set(tree(machine.units)) == {WANTS, "a~"}


def test_a_change_that_cannot_be_written_has_not_begun(machine):
    """Neither the files nor the states are other than before; a change that had begun before still has."""
    plant(machine.units, {"file": ("file", b"x", 0o644)})
    before = machine.now()
    with pytest.raises(OllamaError, match="nothing was changed"):
        machine.change({"a": ("file", b"1", 0o644), "file/below": ("file", b"1", 0o644)})
    assert (machine.now(), machine.store.ids(), machine.store.pending()) == (before, [], None)
    first = machine.change({"a": ("file", b"1", 0o644)})
    with pytest.raises(OllamaError):
        machine.change({"file/below": ("file", b"1", 0o644)})
    assert (machine.store.ids(), machine.store.pending().id) == ([first], first)


def test_a_disk_too_full_to_keep_a_state_is_not_written_to(machine, monkeypatch):
    """Without a snapshot there is no change."""
    before = machine.now()

    def refuse(_file):
        raise OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OllamaError, match="No space left"):
        machine.change({"a": ("file", b"1", 0o644)})
    assert machine.now() == before
    assert machine.store.ids() == []


def test_the_complaint_is_of_the_files_whatever_becomes_of_the_note(machine, monkeypatch):
    """A store that fails too is no news."""
    plant(machine.units, {"file": ("file", b"x", 0o644)})

    def discard(_name, _before):
        raise OllamaError("another complaint")

    monkeypatch.setattr(machine.store, "discard", discard)
    with pytest.raises(OllamaError, match="file/below: cannot be written"):
        machine.change({"file/below": ("file", b"1", 0o644)})


def test_a_systemd_that_does_not_answer_changes_nothing(machine):
    """Nobody would know which services to start again."""
    before = machine.now()
    machine.host = machine.host._replace(run=systemctl(None))
    with pytest.raises(OllamaError, match="the services that run cannot be listed"):
        machine.change({"a": ("file", b"1", 0o644)})
    assert machine.now() == before
    assert machine.store.ids() == []


def test_a_boot_link_that_the_change_removed_comes_back(machine):
    """It is known both as a file of the change and as a link of the host, and is written once."""
    machine.enable(LINKS[0], on=True)
    before = machine.now()
    name = machine.change({LINKS[0]: None, "a": ("file", b"1", 0o644)})
    machine.restore(name)
    assert machine.now() == before


def test_a_service_that_did_not_start_at_boot_then_does_not_again(machine):
    """What a later state saw of the link does not count where the state itself knows."""
    first = machine.change({"a": ("file", b"1", 0o644)})
    machine.enable(LINKS[0], on=True)
    machine.store.confirm(None, 3)
    machine.change({LINKS[0]: None})
    machine.store.confirm(None, 3)
    machine.restore(first)
    assert set(tree(machine.units)) == {WANTS}


def test_a_state_in_between_that_is_damaged_is_in_the_way(machine):
    """It may be the only one that knows of a file; the newest one can be gone back to all the same."""
    names = [machine.change({"a": ("file", str(number).encode(), 0o644)}) for number in range(3)]
    with open(f"{machine.store.folder.path}/{names[1]}.json", "w", encoding="utf-8") as file:
        file.write("{")
    with pytest.raises(OllamaError, match=rf"{names[1]}.json: cannot be read"):
        machine.restore(names[0])
    machine.restore(names[2])
    assert tree(machine.units)["a"] == ("file", b"1", 0o644)


def test_an_unknown_snapshot_is_an_error(machine):
    """The message names it."""
    with pytest.raises(OllamaError, match="no snapshot 'x'"):
        machine.restore("x")


def test_kernel_values_that_differ_are_set_and_returned(machine):
    """Values that are the same are left alone."""
    name = machine.change({"a": ("file", b"1", 0o644)})
    assert machine.restore(name) == []
    machine.set_kernel("1")
    assert machine.restore(name) == [machine.switch]


def test_folders_with_something_in_them_stay(machine):
    """What somebody has put into a folder that the change had made is theirs."""
    name = machine.change({"new/deep/a": ("file", b"1", 0o644), "other/a": ("file", b"1", 0o644)})
    plant(machine.units, {"new/theirs": ("file", b"x", 0o644)})
    machine.restore(name)
    assert set(tree(machine.units)) == {WANTS, "new", "new/theirs"}
    remove_empty([f"{machine.units}/none", f"{machine.units}/new"])
    assert "new/theirs" in tree(machine.units)


def test_services_to_stop_and_to_start(tmp_path):
    """Those that run and did not then are stopped; those that ran then are started, as their files are others now."""
    machine = Machine(str(tmp_path), {"ollama.service": 0, "ollama@a.service": 0})
    entries = wanted(machine.units, {"a": ("file", b"1", 0o644)})
    name = save(machine.store, machine.host, entries, pending_changes(entries), "")
    now = systemctl({"ollama@a.service": 0, "ollama@b.service": 0})
    assert services(machine.store.snapshot(name), machine.host._replace(run=now)) == {
        "stop": ["ollama@b.service"],
        "start": {"ollama.service": "", "ollama@a.service": ""},
    }
