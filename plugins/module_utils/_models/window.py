# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The beginning of a large file, read in parts: no more of it than is asked for, and no more in all than a bound."""

from __future__ import annotations

import struct
import time
from typing import IO

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

# Few parts for the header of a large vocabulary, and little more than the header of a small model.
_PART = 1 << 20
# The largest headers are those of vocabularies of 256 Ki tokens with their merges: about 16 MiB.
_MOST = 1 << 26
# A sound disk gives as much in a fraction of it.
_SECONDS = 20.0


class Window:
    """A file from its beginning on. ``size`` is the file's length in bytes, as the file system says.

    Every method raises OllamaError, with the offset, for what ends beyond the file and for more than 64 MiB in all.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self.size = file, size
        self._data = b""
        # Where in the file the data begins, and where in the data the next byte is.
        self._base = self._next = 0
        self._read = 0
        self._end = time.monotonic() + _SECONDS

    @property
    def offset(self) -> int:
        """The offset in the file of the next byte."""
        return self._base + self._next

    @property
    def left(self) -> int:
        """The bytes from there to the file's end."""
        return self.size - self.offset

    def take(self, length: int, what: str) -> bytes:
        """The next bytes, which a caller has bounded."""
        self._have(length, what)
        self._next += length
        return self._data[self._next - length : self._next]

    def number(self, form: struct.Struct, what: str) -> int | float | bool:
        """The next number of a form such as ``<I``."""
        end = self._next + form.size
        if end > len(self._data):
            self._have(form.size, what)
            end = self._next + form.size
        found: int | float | bool = form.unpack_from(self._data, self._next)[0]
        self._next = end
        return found

    def skip(self, length: int, what: str) -> None:
        """Leave bytes out unread."""
        if length > self.left:
            raise self._cut(length, what)
        self._next += length
        if self._next > len(self._data):
            self._base, self._data, self._next = self.offset, b"", 0

    def skip_texts(self, count: int, length: struct.Struct, longest: int, what: str) -> None:
        """Leave out texts, each of which has its length in front."""
        unpack, done = length.unpack_from, 0
        self._have(0, what)
        while done < count:
            data, at = self._data, self._next
            try:
                # A vocabulary has hundreds of thousands of texts, so nothing else is done for each of them.
                for done in range(done, count):  # noqa: B007, B020 used after it, where the data ended
                    (size,) = unpack(data, at)
                    at += 8 + size
                done = count
            except (struct.error, OverflowError):
                pass
            if at - len(data) > longest:
                raise self._too_long(at - len(data), longest, what)
            self._next = min(at, len(data))
            self.skip(at - self._next, what)
            if done < count:
                self._have(length.size, what)

    def _have(self, length: int, what: str) -> None:
        """See that the next bytes are in the data."""
        missing = length - (len(self._data) - self._next)
        if missing <= 0:
            return
        if length > self.left:
            raise self._cut(length, what)
        part = min(max(missing, _PART), self.size - self._base - len(self._data))
        self._read += part
        if self._read > _MOST:
            raise OllamaError(f"at byte {self.offset}, {what}: the header goes on beyond {_MOST} bytes")
        if time.monotonic() > self._end:
            raise OllamaError(f"at byte {self.offset}, {what}: reading took more than {_SECONDS:g} s")
        self._file.seek(self._base + len(self._data))
        data = self._file.read(part)
        self._base, self._data, self._next = self.offset, self._data[self._next :] + data, 0
        if len(self._data) < length:
            self.size = self._base + len(self._data)
            raise self._cut(length, what)

    def _cut(self, length: int, what: str) -> OllamaError:
        return OllamaError(
            f"at byte {self.offset}, {what}: {length} bytes are announced, and the file ends after {self.left}"
        )

    def _too_long(self, length: int, longest: int, what: str) -> OllamaError:
        return OllamaError(
            f"after byte {self.offset}, {what}: a text has {length} bytes or more, expected {longest} at most"
        )
