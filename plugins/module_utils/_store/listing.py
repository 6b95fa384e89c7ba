# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a store, and its folders by descriptors: the user of the service may put links there while root works.

manifest/paths.go of Ollama 0.32.15: blobs/sha256-HEX, of which HEX is the SHA-256, and
manifests/HOST/NAMESPACE/MODEL/TAG.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Below it lies what is not whole yet.
SCRATCH = ".inference-ollama-move"
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Ollama before 0.1.30 had a colon there.
_BLOB = re.compile(r"blobs/sha256[-:]([0-9a-f]{64})")
# The largest stores have hundreds of models and thousands of layers.
_MOST = 1 << 17


class Entry(NamedTuple):
    """A file or a link; ``target`` is where a link leads, None for a file."""

    size_bytes: int
    device: int
    inode: int
    mtime_ns: int
    mode: int
    uid: int
    target: str | None = None

    def is_same(self, other: Entry) -> bool:
        """Whether both are one file with two names."""
        return (self.device, self.inode) == (other.device, other.inode)


class Listing(NamedTuple):
    """Files and links by their path below the store, the modes of its folders, and what is neither."""

    entries: dict[str, Entry]
    folders: dict[str, int]
    others: list[str]

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.entries.values())

    @property
    def models(self) -> int:
        """How many names of models there are."""
        return len(
            {name.partition("/")[2] for name in self.entries if name.startswith(("manifests/", "manifests-v2/"))}
        )


def digest_of(name: str) -> str | None:
    """The SHA-256 that the name of a blob says; None for anything else."""
    match = _BLOB.fullmatch(name)
    return match[1] if match else None


@contextlib.contextmanager
def opened_root(path: str) -> Iterator[int]:
    """The descriptor of a store, whose own path may be a link; FileNotFoundError where there is none."""
    descriptor = os.open(path, FOLDER_FLAGS & ~os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened_folder(root: int, name: str) -> Iterator[int]:
    """The descriptor of a folder below another one; no link on the way is followed."""
    descriptor = os.dup(root)
    try:
        for part in filter(None, name.split("/")):
            deeper = os.open(part, FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
        yield descriptor
    finally:
        os.close(descriptor)


def listing(path: str) -> Listing:
    """Everything in a store; nothing where there is no such folder. OllamaError for what cannot be listed."""
    found = Listing({}, {}, [])
    try:
        with opened_root(path) as root:
            _list(root, "", found)
    except FileNotFoundError:
        return found
    except OSError as error:
        raise OllamaError(f"{path}: the store cannot be listed ({error.strerror})") from None
    if len(found.entries) >= _MOST:
        raise OllamaError(f"{path}: more than {_MOST} files, which no store of models has; is it the right folder?")
    return found


def _list(root: int, name: str, found: Listing) -> None:
    with opened_folder(root, name) as folder:
        names = sorted(os.listdir(folder))
        for each in names:
            path = f"{name}/{each}" if name else each
            if path == SCRATCH or len(found.entries) >= _MOST:
                continue
            known = os.stat(each, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(known.st_mode):
                found.folders[path] = stat.S_IMODE(known.st_mode)
                _list(root, path, found)
            elif stat.S_ISREG(known.st_mode) or stat.S_ISLNK(known.st_mode):
                target = os.readlink(each, dir_fd=folder) if stat.S_ISLNK(known.st_mode) else None
                found.entries[path] = Entry(
                    known.st_size,
                    known.st_dev,
                    known.st_ino,
                    known.st_mtime_ns,
                    stat.S_IMODE(known.st_mode),
                    known.st_uid,
                    target,
                )
            else:
                found.others.append(path)
