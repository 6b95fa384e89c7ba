# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write several paths as one change: all of them or none.

Everything that needs disk space is written beside its place first; only renames are left then. rename(2) is atomic, so
no reader sees half a file, and a power cut leaves the old file or the new one.

A large program is never copied or written: it gets a second name beside its place, or goes back to it, and its last
name is never taken from it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import found_program
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LINK,
    PROGRAM,
    Entry,
    read_entry,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import (
    FOLDER_FLAGS,
    opened,
    write_all,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.scratch import SUFFIX, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Permissions of a new folder.
_FOLDER_MODE = 0o755
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class CommitError(OllamaError):
    """A change that was not made. ``lost`` are the paths that could not be put back as they were."""

    def __init__(self, message: str, lost: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lost = list(lost)


class _Folders:
    """Descriptors of the folders that a change writes in; below ``root`` no link is followed to them."""

    def __init__(self, root: str | None) -> None:
        self._root = root
        self._open: dict[str, int] = {}

    def at(self, path: str) -> int:
        folder = os.path.dirname(path)
        if folder not in self._open:
            self._open[folder] = self._descriptor(folder)
        return self._open[folder]

    def _descriptor(self, folder: str) -> int:
        if self._root is None or folder == self._root:
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return os.open(os.path.basename(folder), FOLDER_FLAGS, dir_fd=self.at(folder))

    def make(self, folder: str, mode: int, made: list[str]) -> None:
        """Make a folder and those above it that do not exist."""
        missing = []
        while folder not in ("", "/") and not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for path in reversed(missing):
            at = None if self._root is None or not path.startswith(f"{self._root}/") else self.at(path)
            name = path if at is None else os.path.basename(path)
            try:
                os.mkdir(name, dir_fd=at)
            except FileExistsError:
                # Another run has made it since.
                if not os.path.isdir(path):
                    raise
                continue
            made.append(path)
            # Whatever umask says.
            os.chmod(name, mode, dir_fd=at)

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)


def differs(found: Entry, wanted: Entry) -> bool:
    """Whether the path has to be written. An owner that is not asked for makes no difference."""
    if (found.kind, found.target, found.identity) != (wanted.kind, wanted.target, wanted.identity):
        return True
    if wanted.kind != FILE:
        return False
    owner = wanted.owner not in (None, found.owner) and os.geteuid() == 0
    return owner or (found.data, found.mode) != (wanted.data, wanted.mode)


def commit(
    wanted: Sequence[Entry],
    folder_mode: int = _FOLDER_MODE,
    before: Sequence[Entry] | None = None,
    root: str | None = None,
) -> None:
    """Write, link and remove; after a CommitError every path is as before, or the error lists those that are not.

    A path that no longer has what ``before`` says of it is not written. Files of more than LARGEST bytes are never
    overwritten.
    """
    found = [read_entry(entry.path) for entry in wanted] if before is None else before
    made: list[str] = []
    staged: list[Entry] = []
    done: list[tuple[Entry, Entry]] = []
    folders = _Folders(root)
    path = ""
    try:
        for entry in wanted:
            path = entry.path
            if entry.kind not in (ABSENT, PROGRAM):
                folders.make(os.path.dirname(path), folder_mode, made)
                staged.append(entry)
                _stage(entry, folders.at(path))
        # A program has its other name before the one is taken from it.
        for entry, old in sorted(zip(wanted, found), key=lambda pair: pair[0].kind != PROGRAM):
            path = entry.path
            moved = _is_moved(old, entry)
            if not moved:
                _require_same(old)
            done.append((old, entry))
            if not moved:
                _swap(entry, old, folders)
        for folder in sorted({os.path.dirname(entry.path) for entry in wanted}):
            _sync_folder(folder)
    except (OSError, OllamaError) as error:
        lost = _undo(done, staged, made, folders)
        reason = error.strerror if isinstance(error, OSError) else error
        state = f"these could not be restored: {', '.join(lost)}" if lost else "nothing was changed"
        raise CommitError(f"{path}: cannot be written ({reason}); {state}", lost) from None
    finally:
        folders.close()


def _is_moved(old: Entry, entry: Entry) -> bool:
    """Whether a program that is to go has been moved back to its place a moment ago."""
    return old.kind == PROGRAM and entry.kind == ABSENT and read_entry(old.path, None).kind == ABSENT


def _require_same(old: Entry) -> None:
    if read_entry(old.path, None) != old:
        raise OSError(errno.EAGAIN, "somebody else changed it at the same time")


def _stage(entry: Entry, at: int) -> None:
    scratch = os.path.basename(entry.path) + SUFFIX
    with contextlib.suppress(FileNotFoundError):
        if is_ours(os.stat(scratch, dir_fd=at, follow_symlinks=False)):
            os.unlink(scratch, dir_fd=at)
    if entry.kind == LINK:
        os.symlink(entry.target or "", scratch, dir_fd=at)
        return
    # Nobody else may read it before its mode is set.
    with opened(scratch, _CREATE, 0o600, at) as file:
        write_all(file, entry.data or b"")
        if entry.owner is not None and os.geteuid() == 0:
            os.fchown(file, *entry.owner)
        os.fchmod(file, entry.mode or 0)
        os.fsync(file)


def _swap(entry: Entry, old: Entry, folders: _Folders) -> None:
    name = os.path.basename(entry.path)
    if old.kind == PROGRAM and read_entry(found_program(old.path), None).identity != old.identity:
        raise OSError(errno.EEXIST, "it is a program that is kept nowhere else; move it away")
    if entry.kind == PROGRAM:
        _move(entry, old, folders)
        return
    if entry.kind == ABSENT:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(name, dir_fd=folders.at(entry.path))
        return
    at = folders.at(entry.path)
    os.replace(name + SUFFIX, name, src_dir_fd=at, dst_dir_fd=at)


def _move(entry: Entry, old: Entry, folders: _Folders) -> None:
    """Give a program the name ``entry.path`` too where that is free, else that alone: nothing is lost at any point."""
    source, name = found_program(entry.path), os.path.basename(entry.path)
    if read_entry(source, None).identity != entry.identity:
        raise OSError(errno.ENOENT, f"the program that was there was kept as {source}, and is there no more")
    names, at = (os.path.basename(source), name), folders.at(entry.path)
    move = os.link if old.kind == ABSENT else os.replace
    move(*names, src_dir_fd=at, dst_dir_fd=at)


def _sync_folder(folder: str) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), opened(folder, os.O_RDONLY) as descriptor:
        os.fsync(descriptor)


def _undo(
    done: Sequence[tuple[Entry, Entry]], staged: Iterable[Entry], made: Sequence[str], folders: _Folders
) -> list[str]:
    """Undo a part of a change; return the paths that could not be restored."""
    for entry in staged:
        _unstage(entry, folders)
    # Backwards, so that a program is back before its second name goes.
    lost = [old.path for old, new in reversed(done) if not _put_back(old, new, folders)]
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return lost


def _unstage(entry: Entry, folders: _Folders) -> None:
    scratch = os.path.basename(entry.path) + SUFFIX
    with contextlib.suppress(OSError):
        at = folders.at(entry.path)
        if is_ours(os.stat(scratch, dir_fd=at, follow_symlinks=False), [entry.owner] if entry.owner else []):
            os.unlink(scratch, dir_fd=at)


def _put_back(old: Entry, new: Entry, folders: _Folders) -> bool:
    try:
        found = read_entry(old.path, None)
        if not differs(found, old):
            return True
        if differs(found, new):
            # Somebody has written it since; their file stays, and is named.
            return False
        if old.kind not in (ABSENT, PROGRAM):
            _stage(old, folders.at(old.path))
        _swap(old, found, folders)
    except (OSError, OllamaError):
        _unstage(old, folders)
        return False
    return True
