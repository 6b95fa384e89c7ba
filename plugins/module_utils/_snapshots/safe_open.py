# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open files and folders so that what was judged is what is read: open(2), O_NOFOLLOW, O_NONBLOCK; path_resolution(7).

A name may mean another file a moment later, so only the open descriptor is judged. No link is followed, and nothing
that would block, such as a pipe without a writer, is waited for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Rights to write for the group and for others.
SHARED = 0o022
_PART = 1 << 16
# As the kernel does.
_MOST_LINKS = 40


def read_bounded(descriptor: int, largest: int | None) -> bytes:
    """The file's bytes, at most one more than ``largest``."""
    parts, size = [], 0
    while largest is None or size <= largest:
        part = os.read(descriptor, _PART if largest is None else min(_PART, largest + 1 - size))
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def read_regular(path: str, largest: int) -> bytes:
    """The first bytes of a regular file; OSError for a link and for everything else."""
    descriptor = os.open(path, FILE_FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return read_bounded(descriptor, largest)[:largest]
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, which write(2) may do in parts."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


@contextlib.contextmanager
def opened(path: str, flags: int, mode: int = 0o600, at: int | None = None) -> Iterator[int]:
    """A descriptor that is closed at the end; ``at`` is the folder that a relative path begins in."""
    descriptor = os.open(path, flags, mode, dir_fd=at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_trusted(path: str, *, create: bool = False) -> int:
    """The descriptor of a folder that nobody but this user and root can have put there or can change.

    The folder is this user's, and no other user may write in it. Each folder above it is this user's or root's; others
    may write there only if it is sticky, as /tmp is. FileNotFoundError without ``create``.
    """
    descriptor, links = os.open("/", FOLDER_FLAGS), 0
    todo, seen = _parts(path), "/"
    try:
        _require_trusted(descriptor, seen, last=not todo)
        while todo:
            name = todo.pop(0)
            try:
                below = os.open(name, FOLDER_FLAGS, dir_fd=descriptor)
            except FileNotFoundError:
                if not create:
                    raise
                os.mkdir(name, 0o700, dir_fd=descriptor)
                below = os.open(name, FOLDER_FLAGS, dir_fd=descriptor)
                # Whatever umask says.
                os.fchmod(below, 0o700)
            except OSError as error:
                target = _target(name, descriptor, os.path.join(seen, name), error)
                links += 1
                if links > _MOST_LINKS:
                    raise
                if target.startswith("/"):
                    os.close(descriptor)
                    descriptor, seen = os.open("/", FOLDER_FLAGS), "/"
                todo = [*_parts(target), *todo]
                continue
            os.close(descriptor)
            descriptor, seen = below, os.path.normpath(os.path.join(seen, name))
            _require_trusted(descriptor, seen, last=not todo)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _target(name: str, folder: int, path: str, error: OSError) -> str:
    """The target of a link that root or this user made; raises the error of opening the folder for anything else."""
    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISLNK(facts.st_mode):
        raise error
    if facts.st_uid not in (0, os.geteuid()):
        raise OllamaError(f"{path}: a link of user {facts.st_uid}; it is not followed, only one of root's is")
    return os.readlink(name, dir_fd=folder)


def _require_trusted(descriptor: int, path: str, *, last: bool) -> None:
    facts, me = os.fstat(descriptor), os.geteuid()
    owners = (me,) if last else (0, me)
    shared = facts.st_mode & SHARED and (last or not facts.st_mode & stat.S_ISVTX)
    if facts.st_uid not in owners or shared:
        raise OllamaError(
            f"{path}: owned by user {facts.st_uid}, mode {stat.S_IMODE(facts.st_mode):04o}; whoever may write there can"
            f" change what a host goes back to. Allowed is owner {me} and no right to write for group and others, as"
            f" after chown {me} and chmod {'0700' if last else 'go-w'}"
        )


def require_file(descriptor: int, path: str) -> None:
    """OllamaError unless the open file is a regular one of this user's, with one name, which no other may write."""
    facts, me = os.fstat(descriptor), os.geteuid()
    if not stat.S_ISREG(facts.st_mode):
        raise OllamaError(f"{path}: cannot be read (it is not a regular file)")
    if facts.st_uid != me or facts.st_mode & SHARED or facts.st_nlink > 1:
        raise OllamaError(
            f"{path}: owned by user {facts.st_uid}, mode {stat.S_IMODE(facts.st_mode):04o}, {facts.st_nlink} name(s);"
            f" somebody else may have written it. Allowed is a file of user {me} with mode 0600 and one name"
        )


def require_no_links(root: str, paths: list[str]) -> None:
    """OllamaError where a folder between ``root`` and one of the paths is a link or no folder, or a path leaves it.

    A link in an image means a place in that image, and here would mean one of this machine.
    """
    for path in paths:
        parts = path[len(root) :].split("/")
        if not path.startswith(f"{root}/") or ".." in parts:
            raise OllamaError(f"{path}: allowed is a path below {root}")
        folder = root
        for part in filter(None, parts[:-1]):
            folder = os.path.join(folder, part)
            if os.path.islink(folder):
                raise OllamaError(
                    f"{folder}: a link to {os.readlink(folder)}; below {root} no link is followed, since it could lead"
                    " out of it. Make it a folder"
                )
