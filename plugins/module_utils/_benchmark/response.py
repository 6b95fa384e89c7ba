# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an answer of HTTP/1.1 as it arrives, in pieces of any size: its status, and its body without the framing.

RFC 9112, sections 6 and 7: the length of a body is that of its chunks, of Content-Length, or up to the connection's
end. Whatever a server sends is bounded: headers, lines that give the size of a chunk, trailers, the body.
"""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

_MOST_HEADERS = 1 << 16
_LONGEST_SIZE = 256
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,18}")

_HEADERS, _BODY, _SIZE_LINE, _CHUNK, _CHUNK_END, _TRAILER, _DONE = range(7)


class Response:
    """One answer. ``status`` is 0 until it is known, ``done`` is true once the body is complete.

    ``keep`` says whether the connection can carry another request then. OllamaError where it is no HTTP, or more than
    ``largest`` bytes of body.
    """

    def __init__(self, largest: int) -> None:
        self.status = 0
        self.keep = True
        self._largest = largest
        self._state = _HEADERS
        self._buffer = b""
        self._headers = 0
        self._left: int | None = None
        self._seen = 0

    @property
    def done(self) -> bool:
        return self._state == _DONE

    def feed(self, data: bytes) -> bytes:
        """Take what has arrived; return the part of the body that is in it."""
        buffer = self._buffer + data if self._buffer else data
        body: list[bytes] = []
        place = 0
        # The buffer is cut once at the end: thousands of the smallest chunks may come at a time.
        while place < len(buffer) and self._state != _DONE:
            if self._state == _CHUNK or (self._state == _BODY and self._left is not None):
                part = buffer[place : place + (self._left or 0)]
                self._left = (self._left or 0) - len(part)
                body.append(self._counted(part))
                place += len(part)
                if not self._left:
                    self._state = _CHUNK_END if self._state == _CHUNK else _DONE
            elif self._state == _BODY:
                body.append(self._counted(buffer[place:]))
                place = len(buffer)
            else:
                end = buffer.find(b"\n", place)
                self._bounded((len(buffer) if end < 0 else end) - place)
                if end < 0:
                    break
                line, place = buffer[place:end], end + 1
                self._line(line[:-1] if line.endswith(b"\r") else line)
        if self._state == _DONE:
            # Nothing was asked for that the rest would answer.
            self.keep = self.keep and place == len(buffer)
            place = len(buffer)
        self._buffer = buffer[place:]
        return body[0] if len(body) == 1 else b"".join(body)

    def close(self) -> None:
        """Take the end of the connection; OllamaError where the answer was not complete."""
        self.keep = False
        if self._state == _BODY and self._left is None:
            self._state = _DONE
        if self._state != _DONE:
            raise OllamaError("the connection ended before the answer was complete")

    def _counted(self, part: bytes) -> bytes:
        self._seen += len(part)
        if self._seen > self._largest:
            raise OllamaError(f"the answer has more than {self._largest} bytes")
        return part

    def _bounded(self, length: int) -> None:
        if self._state in (_SIZE_LINE, _CHUNK_END):
            if length > _LONGEST_SIZE:
                raise OllamaError("the answer is not HTTP: a line with the size of a chunk has no end")
        elif self._headers + length > _MOST_HEADERS:
            raise OllamaError(f"the answer has more than {_MOST_HEADERS} bytes of headers")

    def _line(self, line: bytes) -> None:
        if self._state == _SIZE_LINE:
            self._begin_chunk(line)
        elif self._state == _CHUNK_END:
            if line:
                raise OllamaError("the answer is not HTTP: a chunk is longer than its size")
            self._state = _SIZE_LINE
        else:
            self._headers += len(line) + 2
            if self._state == _TRAILER:
                self._state = _TRAILER if line else _DONE
            elif not self.status:
                self._begin(line)
            elif line:
                self._header(line)
            else:
                self._end_headers()

    def _begin(self, line: bytes) -> None:
        match = _STATUS.fullmatch(line)
        if match is None:
            raise OllamaError(f"the answer is not HTTP: it begins with {line[:40].decode('utf-8', 'replace')!r}")
        self.keep = match[1] == b"1"
        self.status = int(match[2])
        self._chunked, self._left = False, None

    def _header(self, line: bytes) -> None:
        name, _colon, text = line.decode("latin-1").partition(":")
        name, text = name.strip().lower(), text.strip()
        if name == "transfer-encoding":
            self._chunked = text.lower().split(",")[-1].strip() == "chunked"
        elif name == "content-length":
            if _LENGTH.fullmatch(text) is None:
                raise OllamaError(f"the answer is not HTTP: its Content-Length is {text[:40]!r}")
            self._left = int(text)
        elif name == "connection":
            self.keep = self.keep and "close" not in text.lower()

    def _end_headers(self) -> None:
        if self.status < 200:
            # One that announces the answer, such as 100 Continue.
            self.status = 0
        elif self._chunked:
            self._left, self._state = None, _SIZE_LINE
        elif self.status in (204, 304) or self._left == 0:
            self._state = _DONE
        else:
            self._state = _BODY

    def _begin_chunk(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise OllamaError(f"the answer is not HTTP: {line[:40].decode('utf-8', 'replace')!r} is no size of a chunk")
        self._left = int(match[1], 16)
        self._state = _CHUNK if self._left else _TRAILER
        if self._left > self._largest:
            raise OllamaError(f"the answer has more than {self._largest} bytes")
