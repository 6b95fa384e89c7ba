# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scratch files beside the files that a change writes, and the copies of what somebody wrote by hand.

A run that is killed leaves its scratch files, with a key in them where the file has one. The next run removes those of
all paths that it knows of.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import FILE, Entry, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    Owner = tuple[int, int]

# systemd reads neither a drop-in nor a unit of such a name.
SUFFIX = ".ollama-new"
_COPY = re.compile(r"\.[0-9]{8}T[0-9]{6}Z(?:-[0-9]+)?~")


def is_ours(facts: os.stat_result, owners: Iterable[Owner] = ()) -> bool:
    """Whether this collection can have left a file or link: it has one name, and an owner that the file is to have."""
    known = (facts.st_uid, facts.st_gid) in owners or facts.st_uid == os.geteuid()
    return known and facts.st_nlink == 1 and (stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode))


def sweep(entries: Iterable[Entry]) -> tuple[list[str], list[str]]:
    """Remove the scratch files of these paths and of their copies; return those removed and those left.

    Left is what this collection cannot have made.
    """
    known: dict[str, set[Owner]] = {}
    for entry in entries:
        known.setdefault(entry.path, set()).update([] if entry.owner is None else [entry.owner])
    removed: list[str] = []
    left: list[str] = []
    for folder in sorted({os.path.dirname(path) for path in known}):
        for name in _names(folder):
            scratch = os.path.join(folder, name)
            path = scratch[: -len(SUFFIX)]
            path = path if path in known else _COPY.sub("", path)
            if name.endswith(SUFFIX) and path in known:
                (removed if _remove(scratch, known[path]) else left).append(scratch)
    return removed, left


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _remove(path: str, owners: Iterable[Owner]) -> bool:
    try:
        if is_ours(os.lstat(path), owners):
            os.unlink(path)
            return True
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def copies(found: Iterable[Entry], now: datetime) -> list[Entry]:
    """Copies to make of files that somebody else wrote: the file's name, the time, and a tilde.

    Where there is such a copy already, none is made.
    """
    wanted: list[Entry] = []
    for entry in found:
        if entry.kind != FILE:
            continue
        beside = _names(os.path.dirname(entry.path))
        named = [name for name in beside if _COPY.fullmatch(name[len(os.path.basename(entry.path)) :])]
        folder = os.path.dirname(entry.path)
        mine = (os.path.join(folder, name) for name in named if name.startswith(os.path.basename(entry.path)))
        if not any(_is_copy(path, entry) for path in mine):
            name = stem = f"{os.path.basename(entry.path)}.{now:%Y%m%dT%H%M%SZ}"
            number = 0
            while f"{name}~" in beside:
                number += 1
                name = f"{stem}-{number}"
            wanted.append(entry._replace(path=os.path.join(folder, f"{name}~")))
    return wanted


def _is_copy(path: str, entry: Entry) -> bool:
    with contextlib.suppress(OllamaError):
        return read_entry(path) == entry._replace(path=path)
    return False
