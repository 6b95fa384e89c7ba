# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream of the stand-in as a client sees it: whole, or in which way not.

A stream is whole when every word of the known sequence came once and in order, the last line says ``done`` and counts
them, and the framing ended with it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.response import Response
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LARGEST_BYTES = 1 << 24


class Answer(Response):
    """An answer, with the host of the stand-in that gave it and the seconds after which to come again."""

    host = ""
    retry_after: int | None = None

    def _header(self, line: bytes) -> None:
        super()._header(line)
        name, _colon, value = line.partition(b":")
        if name.lower() == b"x-standin-host":
            self.host = value.strip().decode("latin-1")
        elif name.lower() == b"retry-after":
            self.retry_after = int(value)


class Stream:
    """One request. ``outcome`` is ``whole``, ``cut``, ``lost``, ``wrong`` or ``status``."""

    def __init__(self, tokens: int, began: float) -> None:
        self.tokens, self.began = tokens, began
        self.answer = Answer(LARGEST_BYTES)
        self.first: float | None = None
        self.ended: float | None = None
        self.outcome, self.why = "", ""
        self._seen, self._rest, self._done = 0, b"", False

    def feed(self, data: bytes, now: float) -> bool:
        """Take a piece; return whether nothing more is waited for."""
        try:
            body = self.answer.feed(data)
            if self.answer.status == 200:
                self._lines(body, now)
            elif body:
                self._rest += body[:300]
        except (OllamaError, ValueError) as error:
            self.end("wrong", str(error), now)
            return True
        if self.answer.done:
            if self.answer.status != 200:
                self.end("status", self._rest.decode("utf-8", "replace"), now)
            elif not self._done:
                self.end("cut", "the framing ended before the last line", now)
            else:
                self.end("whole", "", now)
        return bool(self.outcome)

    def closed(self, now: float, why: str) -> None:
        """Take the end of the connection."""
        if not self.outcome:
            begun = self.answer.status == 200
            self.end("cut" if begun else "lost", f"{why or 'closed'} after {self._seen} of {self.tokens} words", now)

    def end(self, outcome: str, why: str, now: float) -> None:
        self.outcome, self.why, self.ended = outcome, why, now

    def _lines(self, body: bytes, now: float) -> None:
        *lines, self._rest = (self._rest + body).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "error" in said:
                raise ValueError(f"an error in the stream: {said['error']}")
            if self._done:
                raise ValueError("a line after the last")
            if said["done"] is True:
                self._finish(said)
            else:
                self._word(said["response"], now)

    def _word(self, said: str, now: float) -> None:
        if said != f" {WORDS[self._seen % len(WORDS)]}":
            raise ValueError(f"word {self._seen} is {said!r}")
        self.first = now if self.first is None else self.first
        self._seen += 1

    def _finish(self, said: dict[str, Any]) -> None:
        if self._seen != self.tokens or said.get("eval_count") != self.tokens:
            raise ValueError(f"{self._seen} words came, {said.get('eval_count')} were counted, of {self.tokens}")
        self._done = True

    def shown(self, origin: float) -> dict[str, Any]:
        """What a report says of a stream that failed, with times in seconds since the load began."""
        return {
            "outcome": self.outcome,
            "status": self.answer.status,
            "host": self.answer.host,
            "began": round(self.began - origin, 3),
            "first": None if self.first is None else round(self.first - origin, 3),
            "ended": None if self.ended is None else round(self.ended - origin, 3),
            "retry_after": self.answer.retry_after,
            "why": self.why[:300],
        }
