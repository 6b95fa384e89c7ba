# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry of the file system: a path with a file, a symbolic link or nothing, read from disk and kept as JSON.

A program is too large to be kept as JSON. Of it the size and the time are known, by which it is found under another
name.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import os
import stat
from typing import Any, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import is_program
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import FILE_FLAGS, read_bounded

FILE, LINK, ABSENT, PROGRAM = "file", "link", "absent", "program"
# A unit or a drop-in has a few kilobytes; a far larger file is not one.
LARGEST = 1 << 20
# chmod(2) and chown(2): the largest number of 32 bits leaves the owner as it is.
_MODES, _MOST_USERS = 0o7777, (1 << 32) - 1


class Entry(NamedTuple):
    """A path and its content. A file has ``data`` and ``mode``, a link has ``target``.

    ``owner`` is a user and a group id; None leaves them to the process that writes. A program of more than LARGEST
    bytes has ``identity``, its size and the time when it was last written, in nanoseconds.
    """

    path: str
    kind: str
    data: Optional[bytes] = None
    mode: Optional[int] = None
    owner: Optional[Tuple[int, int]] = None
    target: Optional[str] = None
    identity: Optional[Tuple[int, int]] = None

    @property
    def private(self) -> bool:
        """Whether only the owner may read the file, so that its contents are never shown."""
        return self.kind == FILE and not (self.mode or 0) & 0o077


def read_entry(path: str, largest: int | None = LARGEST) -> Entry:
    """Read what is at a path; OllamaError for anything else than a file or a link, too large, or unreadable."""
    try:
        return _read(path, largest)
    except (FileNotFoundError, NotADirectoryError):
        return Entry(path, ABSENT)
    except OSError as error:
        # A socket cannot be opened.
        if error.errno == errno.ENXIO:
            raise _neither(path) from None
        raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None


def _read(path: str, largest: int | None) -> Entry:
    try:
        descriptor = os.open(path, FILE_FLAGS)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return Entry(path, LINK, target=os.readlink(path))
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise _neither(path)
        if is_program(path) and facts.st_size > LARGEST:
            return Entry(path, PROGRAM, identity=(facts.st_size, facts.st_mtime_ns))
        if largest is not None and facts.st_size > largest:
            raise _too_large(path, facts.st_size, largest)
        data = read_bounded(descriptor, largest)
    finally:
        os.close(descriptor)
    if largest is not None and len(data) > largest:
        raise _too_large(path, len(data), largest)
    return Entry(path, FILE, data, stat.S_IMODE(facts.st_mode), (facts.st_uid, facts.st_gid))


def _neither(path: str) -> OllamaError:
    return OllamaError(f"{path}: neither a file nor a link, so it is left as it is; move it away")


def _too_large(path: str, size: int, largest: int) -> OllamaError:
    return OllamaError(f"{path}: {size} bytes, more than {largest}, the largest size of a unit file")


def fingerprint(entry: Entry) -> str | None:
    """SHA-256 of a file's bytes; None for a link and for nothing."""
    return hashlib.sha256(entry.data or b"").hexdigest() if entry.kind == FILE else None


def identity(path: str) -> str | None:
    """What changes with a file and says nothing of its contents; None where there is none (stat(2))."""
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return f"{facts.st_dev}:{facts.st_ino}:{facts.st_mtime_ns}"


def encode(entry: Entry) -> dict[str, Any]:
    """The entry as JSON data."""
    return {
        "path": entry.path,
        "kind": entry.kind,
        "content": None if entry.data is None else base64.b64encode(entry.data).decode("ascii"),
        "mode": None if entry.mode is None else f"{entry.mode:04o}",
        "owner": None if entry.owner is None else list(entry.owner),
        "target": entry.target,
        "identity": None if entry.identity is None else list(entry.identity),
    }


def decode(value: Any) -> Entry:  # noqa: ANN401 - whatever JSON holds
    """The entry that encode() wrote; OllamaError for other data."""
    try:
        owner, identity = value["owner"], value.get("identity")
        entry = Entry(
            value["path"],
            value["kind"],
            None if value["content"] is None else base64.b64decode(value["content"], validate=True),
            None if value["mode"] is None else int(value["mode"], 8),
            None if owner is None else (owner[0], owner[1]),
            value["target"],
            None if identity is None else (identity[0], identity[1]),
        )
        fits = _fits(entry)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, binascii.Error):
        fits = False
    if not fits:
        raise OllamaError("an entry of a snapshot does not have the form that this collection writes")
    return entry


def _fits(entry: Entry) -> bool:
    """Whether system calls accept every value; they raise ValueError or TypeError, not OSError, for the others."""
    numbers = entry.owner is None or all(isinstance(each, int) and 0 <= each < _MOST_USERS for each in entry.owner)
    whole = {
        FILE: entry.data is not None and entry.mode is not None and 0 <= entry.mode <= _MODES,
        LINK: entry.target is not None,
        ABSENT: True,
        PROGRAM: all(isinstance(each, int) for each in entry.identity or [None]) and is_program(entry.path),
    }
    names = b"".join(os.fsencode(name) for name in (entry.path, entry.target or ""))
    return whole.get(entry.kind, False) and numbers and entry.path.startswith("/") and b"\0" not in names
