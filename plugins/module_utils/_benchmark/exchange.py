# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer of POST /api/generate as it arrives: lines of JSON, of which the last one has the server's counts.

docs/api.md of Ollama: with ``stream`` each line is an object with ``response`` and ``done``; the last one has
``load_duration``, ``prompt_eval_count``, ``prompt_eval_duration`` and ``eval_count``, durations in nanoseconds. An
error is ``{"error": text}``, with a status before the answer began, and as a line after that.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import REFUSED, SUCCESSFUL, Record
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.response import Response
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

_BUSY = 503
_LONGEST_LINE = 1 << 20
_LONGEST_REASON = 300
# Of headers of a line, of other fields and of the last line there is more than of text.
_BYTES_OF_A_TOKEN = 4096
# A token may come in several parts, such as the bytes of a character.
_PARTS_OF_A_TOKEN = 4
_NANO = 1e9


def _whole(text: str) -> int:
    """Read a number of at most 64 bits; longer ones would take long."""
    if len(text) > 20:
        raise ValueError(text[:20])
    return int(text)


_decode = json.JSONDecoder(parse_int=_whole).decode


class Exchange:
    """Takes the bytes of an answer, with the time at which they came, and fills a record."""

    def __init__(self, record: Record, output_tokens: int) -> None:
        self.record = record
        self.response = Response(2 * _LONGEST_LINE + output_tokens * _BYTES_OF_A_TOKEN)
        self._most_parts = 64 + output_tokens * _PARTS_OF_A_TOKEN
        self._rest = b""
        self._last: float | None = None

    @property
    def begun(self) -> bool:
        """Whether anything of the answer has come."""
        return self.response.status > 0

    @property
    def over(self) -> bool:
        """Whether nothing more is waited for."""
        return self.record.end is not None

    def feed(self, data: bytes, now: float) -> None:
        """Take a piece; what is wrong in it ends the record as errored."""
        if self.over:
            return
        try:
            body = self.response.feed(data)
            if body:
                self._body(body, now)
            if self.response.done:
                self._complete(now)
        except OllamaError as error:
            self.response.keep = False
            self.record.fail(now, str(error))

    def close(self, now: float, why: str = "") -> None:
        """Take the end of the connection, and why it ended."""
        if self.over:
            return
        try:
            self.response.close()
            self._complete(now)
        except OllamaError as error:
            self.record.fail(now, f"{error} ({why})" if why else str(error))

    def _body(self, body: bytes, now: float) -> None:
        lines = (self._rest + body).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_LINE:
            raise OllamaError(f"a line of the answer has more than {_LONGEST_LINE} bytes")
        if self.response.status == 200:
            for line in lines:
                if line.strip():
                    self._take(line, now)
        elif lines:
            # The reason is JSON, in lines or not.
            self._rest = b"\n".join([*lines, self._rest])[:_LONGEST_LINE]

    def _take(self, line: bytes, now: float) -> None:
        said = _object(line)
        if self._last is not None:
            raise OllamaError("the answer goes on after its last line")
        if "error" in said:
            raise OllamaError(f"the server answered in the stream: {_reason(said)}")
        if said.get("response") or said.get("thinking"):
            self.record.arrivals.append(now)
            if len(self.record.arrivals) > self._most_parts:
                raise OllamaError(f"the answer has more than {self._most_parts} parts")
        if said.get("done") is True:
            self._last = now
            record = self.record
            record.output_tokens = _count(said, "eval_count")
            record.prompt_tokens = _count(said, "prompt_eval_count")
            record.prompt_seconds = _seconds(said, "prompt_eval_duration")
            record.load_seconds = _seconds(said, "load_duration")

    def _complete(self, now: float) -> None:
        status = self.response.status
        if status != 200:
            reason = _reason_of(self._rest)
            self.record.fail(
                now,
                f"the server answered with status {status}{': ' if reason else ''}{reason}",
                *((REFUSED,) if status == _BUSY else ()),
            )
            return
        rest, self._rest = self._rest, b""
        if rest.strip():
            self._take(rest, now)
        if self._last is None:
            raise OllamaError("the answer ended before its last line")
        self.record.end, self.record.status = self._last, SUCCESSFUL


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = _decode(line.decode("utf-8", "replace").strip())
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise OllamaError(f"a line of the answer is {line[:40].decode('utf-8', 'replace')!r}, expected a JSON object")
    return said


def _reason(said: dict[str, Any]) -> str:
    text = said.get("error")
    return one_line(text, _LONGEST_REASON) if isinstance(text, str) else "an error without a text"


def _reason_of(body: bytes) -> str:
    try:
        return _reason(_object(body)) if body.strip() else ""
    except OllamaError:
        return one_line(body[:_LONGEST_REASON].decode("utf-8", "replace"), _LONGEST_REASON)


def _count(said: dict[str, Any], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None


def _seconds(said: dict[str, Any], name: str) -> float | None:
    value = _count(said, name)
    return None if value is None else value / _NANO
