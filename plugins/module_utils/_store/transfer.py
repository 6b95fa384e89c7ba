# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring files of one store into another one, each of them whole or not at all, and take away what both have.

link(2) on one file system. On another one a file is written below the folder SCRATCH, read again and compared, and only
then renamed to its place: what has its name is whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import (
    SCRATCH,
    Entry,
    digest_of,
    opened_folder,
    opened_root,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CHUNK = 1 << 22
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
# A file that a killed run has begun goes on where it ended.
_APPEND = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
# Where no hard link can be made: another file system, one without them, too many of them, a policy of the kernel.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)


class Owner(NamedTuple):
    """Whom new files and folders belong to."""

    uid: int
    gid: int


class Transfer:
    """From one store into another; ``say`` is called with the bytes that are done."""

    def __init__(self, source: str, target: str, owner: Owner, say: Callable[[int], None] = lambda _done: None) -> None:
        self.source, self.target, self._owner, self._say = source, target, owner, say
        self.linked_bytes = self.copied_bytes = 0
        self.problems: list[str] = []

    def bring(self, entries: Mapping[str, Entry], folders: Mapping[str, int]) -> None:
        """Bring files and links, blobs before what names them. OllamaError where one cannot be brought."""
        name = ""
        if not entries and not folders:
            return
        try:
            with opened_root(self.source) as source, opened_root(self.target) as target:
                for name, mode in sorted(folders.items()):
                    self._folder(target, name, mode)
                for name in sorted(entries, key=lambda each: (not each.startswith("blobs/"), each)):
                    self._bring(source, target, name, entries[name])
                    self._say(self.linked_bytes + self.copied_bytes)
                _sync(target, folders)
        except OSError as error:
            reason = "no space left on the device" if error.errno == errno.ENOSPC else error.strerror
            raise OllamaError(
                f"{os.path.join(self.source, name)}: it cannot be brought to {self.target} ({reason}); nothing was"
                " taken away, and another run goes on here"
            ) from None

    def _folder(self, root: int, name: str, mode: int) -> None:
        parent, _slash, last = name.rpartition("/")
        with opened_folder(root, parent) as folder:
            with contextlib.suppress(FileExistsError):
                os.mkdir(last, 0o700, dir_fd=folder)
            known = os.stat(last, dir_fd=folder, follow_symlinks=False)
            # One that a killed run has made is like one made now.
            if known.st_uid == os.geteuid() and stat.S_IMODE(known.st_mode) == 0o700:
                self._own(last, folder, mode)

    def _own(self, name: str, folder: int, mode: int) -> None:
        os.chown(name, *self._owner, dir_fd=folder, follow_symlinks=False)
        with opened_folder(folder, name) as made:
            os.fchmod(made, mode)

    def _bring(self, source: int, target: int, name: str, entry: Entry) -> None:
        parent, _slash, last = name.rpartition("/")
        with opened_folder(source, parent) as here, opened_folder(target, parent) as there:
            if entry.target is not None:
                self._link_to(target, there, last, entry.target)
            elif digest_of(name) is None or not self._linked(here, there, last, entry):
                self._copy(here, target, there, name, entry)

    def _link_to(self, target: int, there: int, last: str, leads: str) -> None:
        # A link into the store leads into the new one.
        if leads.startswith(f"{self.source}/"):
            leads = f"{self.target}{leads[len(self.source) :]}"
        with _scratch(target) as scratch:
            with contextlib.suppress(FileNotFoundError):
                os.unlink("link", dir_fd=scratch)
            os.symlink(leads, "link", dir_fd=scratch)
            os.chown("link", *self._owner, dir_fd=scratch, follow_symlinks=False)
            os.replace("link", last, src_dir_fd=scratch, dst_dir_fd=there)

    def _linked(self, here: int, there: int, last: str, entry: Entry) -> bool:
        if entry.uid != self._owner.uid and not entry.mode & stat.S_IROTH:
            return False  # the new user could not read it, and the old one shall keep it
        try:
            os.link(last, last, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
        except FileExistsError:
            return False  # what is there is to be replaced
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise
        self.linked_bytes += entry.size_bytes
        return True

    def _copy(self, here: int, target: int, there: int, name: str, entry: Entry) -> None:
        last, path = name.rpartition("/")[2], os.path.join(self.source, name)
        scratch_name = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        with _scratch(target) as scratch:
            digest = self._write(here, last, scratch, scratch_name)
            if _digest(scratch, scratch_name) != digest:
                os.unlink(scratch_name, dir_fd=scratch)
                raise OllamaError(
                    f"{path}: what was written to {self.target} reads as something else; the disk or the file changes."
                    " Nothing was taken away"
                )
            if digest_of(name) not in (None, digest):
                self.problems.append(f"{path}: its content is not what its name says; it was brought as it is")
            os.chown(scratch_name, *self._owner, dir_fd=scratch, follow_symlinks=False)
            number = os.open(scratch_name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=scratch)
            try:
                os.fchmod(number, entry.mode)
                os.utime(number, ns=(entry.mtime_ns, entry.mtime_ns))
                os.fsync(number)
            finally:
                os.close(number)
            os.replace(scratch_name, last, src_dir_fd=scratch, dst_dir_fd=there)
        self.copied_bytes += entry.size_bytes

    def _write(self, here: int, last: str, scratch: int, scratch_name: str) -> str:
        """Write what is still missing of a file, and return the digest of all of it."""
        reader = os.open(last, _READ, dir_fd=here)
        try:
            writer = os.open(scratch_name, _APPEND, 0o600, dir_fd=scratch)
            try:
                return self._pump(reader, writer)
            finally:
                os.close(writer)
        finally:
            os.close(reader)

    def _pump(self, reader: int, writer: int) -> str:
        found, done = hashlib.sha256(), 0
        # What a crash of the host may have left as zeros at the end is written again.
        there = max(os.fstat(writer).st_size - _CHUNK, 0) // _CHUNK * _CHUNK
        os.ftruncate(writer, there)
        while data := os.read(reader, _CHUNK if done >= there else min(_CHUNK, there - done)):
            found.update(data)
            if done >= there:
                view = memoryview(data)
                os.lseek(writer, done, os.SEEK_SET)
                while view:
                    view = view[os.write(writer, view) :]
            done += len(data)
            self._say(self.linked_bytes + self.copied_bytes + done)
        os.fsync(writer)
        with contextlib.suppress(OSError):
            # Read again what the disk has, not what memory still holds.
            os.posix_fadvise(writer, 0, 0, os.POSIX_FADV_DONTNEED)
        return found.hexdigest()


class _scratch(contextlib.AbstractContextManager[int]):  # noqa: N801 - used as a function
    """The folder for what is not whole, for root alone."""

    def __init__(self, root: int) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(SCRATCH, 0o700, dir_fd=root)
        self._number = os.open(SCRATCH, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        if os.fstat(self._number).st_uid != os.geteuid():
            os.close(self._number)
            raise OllamaError(f"{SCRATCH} in the new store belongs to somebody else; remove it")

    def __enter__(self) -> int:
        return self._number

    def __exit__(self, *_error: object) -> None:
        os.close(self._number)


def _digest(folder: int, name: str) -> str:
    found = hashlib.sha256()
    number = os.open(name, _READ, dir_fd=folder)
    try:
        while data := os.read(number, _CHUNK):
            found.update(data)
    finally:
        os.close(number)
    return found.hexdigest()


def holds(path: str, name: str) -> bool:
    """Whether the content of a blob is what its name says."""
    parent, _slash, last = name.rpartition("/")
    with opened_root(path) as root, opened_folder(root, parent) as folder:
        return _digest(folder, last) == digest_of(name)


def content(path: str, name: str) -> str:
    """The digest of a file of a store."""
    parent, _slash, last = name.rpartition("/")
    with opened_root(path) as root, opened_folder(root, parent) as folder:
        return _digest(folder, last)


def _sync(root: int, folders: Iterable[str]) -> None:
    for name in ["", *folders]:
        with opened_folder(root, name) as folder:
            os.fsync(folder)


def take_away(path: str, entries: Iterable[str], folders: Iterable[str]) -> None:
    """Remove files, what names blobs before the blobs, and the folders that are empty then."""
    name = ""
    try:
        with opened_root(path) as root:
            for name in sorted(entries, key=lambda each: (each.startswith("blobs/"), each)):
                parent, _slash, last = name.rpartition("/")
                with contextlib.suppress(FileNotFoundError), opened_folder(root, parent) as folder:
                    os.unlink(last, dir_fd=folder)
            for name in sorted(folders, reverse=True):
                parent, _slash, last = name.rpartition("/")
                with contextlib.suppress(OSError), opened_folder(root, parent) as folder:
                    os.rmdir(last, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OllamaError(f"{os.path.join(path, name)}: cannot be removed ({error.strerror}); run again") from None


def sweep(path: str) -> None:
    """Remove what a transfer has left half written."""
    with contextlib.suppress(OSError), opened_root(path) as root:
        with opened_folder(root, SCRATCH) as scratch:
            for name in os.listdir(scratch):
                os.unlink(name, dir_fd=scratch)
        os.rmdir(SCRATCH, dir_fd=root)
