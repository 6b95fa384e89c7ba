# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there of a file that is being downloaded, and whether a later download may go on with it.

Beside FILE stands FILE.partial, and FILE.partial.json with what tells one content of an address from another: a strong
ETag or the date of its last change (RFC 9110, 13.1.5), and its length. It is written before the first byte.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from typing import Any

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_PART = 1 << 20
_LONGEST_NOTE = 4096
FULL = (errno.ENOSPC, errno.EDQUOT)


def opened(path: str, url: str) -> contextlib.closing[Partial]:
    """Return a context that has the part and closes it. Raise OSError."""
    return contextlib.closing(Partial(path, url))


class Partial:
    """The part of one address's file: how much is there, of what, and how much of it was before this run."""

    def __init__(self, path: str, url: str) -> None:
        self.path, self._note, self._aim = f"{path}.partial", f"{path}.partial.json", path
        # An address may hold what nobody may read.
        self._whose = hashlib.sha256(url.encode()).hexdigest()
        self.size = self.resumed = 0
        self.validator: str | None = None
        self.total: int | None = None
        self.digest = hashlib.sha256()
        self._file = os.open(self.path, _FLAGS, 0o600)
        try:
            self._find()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._file)

    def _find(self) -> None:
        """Go on with what is there where the note is of this address."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        known = self._noted()
        if known.get("address") == self._whose:
            validator, total = known.get("validator"), known.get("total")
            self.validator = validator if isinstance(validator, str) else None
            self.total = total if isinstance(total, int) else None
            while True:
                part = os.read(self._file, _PART)
                if not part:
                    break
                self.digest.update(part)
                self.size += len(part)
        if self.size == 0 or self.total is None or self.size > self.total:
            self._empty()
        self.resumed = self.size

    def _noted(self) -> dict[str, Any]:
        try:
            number = os.open(self._note, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                known = json.loads(os.read(number, _LONGEST_NOTE))
            finally:
                os.close(number)
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}

    def _empty(self) -> None:
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        self.size = self.resumed = 0
        self.total, self.validator, self.digest = None, None, hashlib.sha256()

    def begin(self, validator: str | None, total: int | None) -> None:
        """Begin from scratch with a content of the address. Raise OSError."""
        self._empty()
        note = {"address": self._whose, "validator": validator, "total": total}
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._note)
        number = os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(number, json.dumps(note).encode())
        finally:
            os.close(number)
        self.validator, self.total = validator, total

    def add(self, data: bytes) -> None:
        """Append what arrived. Raise OSError."""
        left = memoryview(data)
        while left:
            count = os.write(self._file, left)
            self.digest.update(left[:count])
            self.size += count
            left = left[count:]

    def drop(self) -> None:
        """Remove what is there of the file."""
        for path in (self.path, self._note):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def finish(self) -> None:
        """Give the file its name, once it is on the disk. Raise OSError."""
        os.fsync(self._file)
        os.replace(self.path, self._aim)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._note)
