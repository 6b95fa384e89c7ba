# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attacker knows, what is random in a request, and requests as bytes.

What must not arrive is marked with ``attack-NUMBER`` where standin/received.py looks: in the request line, in a header
or in the model that is asked for. A request that is allowed to arrive, as the outer one of a smuggled pair, has none.
"""

from __future__ import annotations

import json
import random
import string
from typing import Any, NamedTuple, Sequence

# Nothing came: the connection was closed.
CLOSED = 0
# RFC 9110 section 15.5, and the gateway's own words for what it refuses.
MALFORMED = {400, 401, 403, 404, 405, 408, 411, 413, 414, 417, 421, 422, 426, 431, 501, 505, CLOSED}


class Known(NamedTuple):
    """What the attacker has: a name that the gateway accepts, and the keys of two who are no administrators.

    ``limited`` may ask for the model ``allowed`` alone; either key may be empty, which leaves out what needs it.
    """

    host: str
    key: str = ""
    limited: str = ""
    allowed: str = "standin:latest"
    other: str = "standin:other"
    body_bytes: int = 1 << 30


class Attack(NamedTuple):
    """``parts`` are sent one after the other, ``pause`` seconds apart; every status that comes is in ``allowed``."""

    kind: str
    parts: tuple[bytes, ...]
    allowed: frozenset[int]
    pause: float = 0.0
    alone: bool = True  # the connection is of no use afterwards


class Draw:
    """A request's random choices, and the mark of what must not arrive."""

    def __init__(self, known: Known, seed: int, number: int) -> None:
        self.known, self.mark = known, f"attack-{number}"
        self.chance = random.Random(f"{seed} {number}")

    def any_of(self, choices: Sequence[Any]) -> Any:
        return self.chance.choice(choices)

    def letters(self, least: int, most: int) -> str:
        return "".join(self.chance.choices(string.ascii_letters + string.digits, k=self.chance.randint(least, most)))

    def cased(self, text: str) -> str:
        """The text with another case somewhere."""
        changed = "".join(self.any_of((letter.upper(), letter.lower())) for letter in text)
        return changed if changed != text else text.swapcase()

    def body(self, model: str = "") -> bytes:
        return json.dumps({"model": model or self.known.allowed, "prompt": "count", "stream": False}).encode()


def head(line: str, headers: Sequence[str]) -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1")


def request(  # noqa: PLR0913 - each part of a request is one that an attack changes
    draw: Draw,
    *,
    path: str,
    method: str = "",
    headers: Sequence[str] = (),
    key: str = "",
    host: str = "",
    body: bytes = b"",
) -> bytes:
    """A well-formed request but for what its parts say."""
    method = method or ("POST" if body else "GET")
    own = [f"Host: {host or draw.known.host}", *([f"Authorization: Bearer {key}"] if key else []), *headers]
    length = [f"Content-Length: {len(body)}"] if body or method in ("POST", "PUT", "PATCH") else []
    return head(f"{method} {path} HTTP/1.1", [*own, *length]) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def good(known: Known, *, model: str = "") -> bytes:
    """Return a request that must be answered."""
    draw = Draw(known, 0, 0)
    return request(draw, path="/api/generate", key=known.key, body=draw.body(model))
