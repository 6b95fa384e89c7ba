# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write several paths as one change: all of them or none.

Everything that needs disk space is written beside its place first; only renames are left then. rename(2) is atomic, so
no reader sees half a file, and a power cut leaves the old file or the new one.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LARGEST,
    LINK,
    Entry,
    read_entry,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# systemd reads neither a drop-in nor a unit of such a name, and the next run writes over one that was left.
_SUFFIX = ".ollama-new"
# Permissions of a new folder.
_FOLDER_MODE = 0o755


def differs(found: Entry, wanted: Entry) -> bool:
    """Whether the path has to be written. An owner that is not asked for makes no difference."""
    if found.kind != wanted.kind or found.target != wanted.target:
        return True
    if wanted.kind != FILE:
        return False
    owner = wanted.owner not in (None, found.owner) and os.geteuid() == 0
    return owner or (found.data, found.mode) != (wanted.data, wanted.mode)


def commit(wanted: Sequence[Entry], folder_mode: int = _FOLDER_MODE, largest: int | None = LARGEST) -> None:
    """Write, link and remove; after an OllamaError every path is as before, or the error lists those that are not.

    Files of more than ``largest`` bytes are never overwritten.
    """
    before = [read_entry(entry.path, largest) for entry in wanted]
    made: list[str] = []
    staged: list[str] = []
    done: list[Entry] = []
    path = ""
    try:
        for entry in wanted:
            path = entry.path
            if entry.kind != ABSENT:
                _folders(os.path.dirname(path), folder_mode, made)
                staged.append(path + _SUFFIX)
                _stage(entry)
        for entry, old in zip(wanted, before):
            path = entry.path
            done.append(old)
            _swap(entry)
        for folder in sorted({os.path.dirname(entry.path) for entry in wanted}):
            _sync_folder(folder)
    except OSError as error:
        lost = _undo(done, staged, made)
        state = f"these could not be restored: {', '.join(lost)}" if lost else "nothing was changed"
        raise OllamaError(f"{path}: cannot be written ({error.strerror}); {state}") from None


def _folders(folder: str, mode: int, made: list[str]) -> None:
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        os.mkdir(path)
        made.append(path)
        # Whatever umask says.
        os.chmod(path, mode)


def _stage(entry: Entry) -> None:
    scratch = entry.path + _SUFFIX
    with contextlib.suppress(FileNotFoundError):
        os.unlink(scratch)
    if entry.kind == LINK:
        os.symlink(entry.target or "", scratch)
        return
    # Nobody else may read it before its mode is set.
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(entry.data or b"")
        file.flush()
        if entry.owner is not None and os.geteuid() == 0:
            os.fchown(file.fileno(), *entry.owner)
        os.fchmod(file.fileno(), entry.mode or 0)
        os.fsync(file.fileno())


def _swap(entry: Entry) -> None:
    if entry.kind == ABSENT:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(entry.path)
    else:
        os.replace(entry.path + _SUFFIX, entry.path)


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _undo(done: Iterable[Entry], staged: Iterable[str], made: Sequence[str]) -> list[str]:
    """Undo a part of a change; return the paths that could not be restored."""
    for scratch in staged:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
    lost = [old.path for old in done if not _put_back(old)]
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return lost


def _put_back(old: Entry) -> bool:
    try:
        if differs(read_entry(old.path, None), old):
            if old.kind != ABSENT:
                _stage(old)
            _swap(old)
    except (OSError, OllamaError):
        with contextlib.suppress(OSError):
            os.unlink(old.path + _SUFFIX)
        return False
    return True
