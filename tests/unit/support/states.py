# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders with files and links to change: as data, on a disk, and drawn."""

from __future__ import annotations

import os
import stat
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import ABSENT, FILE, LINK, Entry

NAMES = ("a", "b", "ollama.service.d/a", "ollama.service.d/b", "new/deep/a")
# A file with bytes and mode, a link with a target, or nothing.
KINDS = st.one_of(
    st.tuples(st.just(FILE), st.sampled_from([b"", b"1", b"2\n", b"\xff\0"]), st.sampled_from([0o600, 0o644, 0o755])),
    st.tuples(st.just(LINK), st.sampled_from(["a", "/no/such"])),
    st.none(),
)
SETS = st.dictionaries(st.sampled_from(NAMES), KINDS, max_size=5)
MOMENT = datetime(2026, 11, 22, 8, 12, 2, tzinfo=timezone.utc)


def tree(folder):
    """Everything below a folder by its name: ``(file, bytes, mode)``, ``(link, target)`` or ``(folder, mode)``."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(where, name)
            mode = os.lstat(path).st_mode
            entry = ("folder", stat.S_IMODE(mode))
            if stat.S_ISLNK(mode):
                entry = (LINK, os.readlink(path))
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    entry = (FILE, file.read(), stat.S_IMODE(mode))
            found[os.path.relpath(path, folder)] = entry
    return found


def plant(folder, things):
    """Create the files and links of a tree() with their folders; skip those that are None."""
    for name, entry in things.items():
        path = os.path.join(folder, name)
        if entry is None:
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if entry[0] == LINK:
            os.symlink(entry[1], path)
            continue
        with open(path, "wb") as file:
            file.write(entry[1])
        os.chmod(path, entry[2])


def wanted(folder, things):
    """The entries that ask for these things."""
    entries = []
    for name, entry in things.items():
        path = os.path.join(folder, name)
        if entry is None:
            entries.append(Entry(path, ABSENT))
        elif entry[0] == LINK:
            entries.append(Entry(path, LINK, target=entry[1]))
        else:
            entries.append(Entry(path, FILE, entry[1], entry[2]))
    return entries


def systemctl(units=None, calls=None):
    """A runner where these units run, each with the number of its process; None for a systemd that is not there."""

    def run(argv):
        if calls is not None:
            calls.append(argv)
        if units is None:
            return Outcome(None, "systemctl is not installed")
        if argv[1] == "list-units":
            return Outcome("".join(f"{name} loaded active running Ollama\n" for name in units), None)
        return Outcome(f"MainPID={units.get(argv[2], 0)}\n", None)

    return run


def ticking(step=1):
    """A clock that goes on by some seconds whenever it is read."""
    moments = iter(range(0, 1 << 20, step)) if step else None
    return lambda: MOMENT + timedelta(seconds=next(moments) if moments else 0)
