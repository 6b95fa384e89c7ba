# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines, words and escapes of the text that capture.py describes.

Errors in a text are ValueErrors that complete a sentence.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# A line that ends without a line break has this below it.
_UNENDED = "\\"
_WIDTH = 110

_SPECIAL = re.compile(r"[^ -\[\]-~]")
_ESCAPED = re.compile(r"\\(?:(\\)|(t)|x([0-9a-f]{2})|)")


class Record(NamedTuple):
    """One record: the number of its first line, the first word there, what follows it, and the lines below."""

    number: int
    keyword: str
    rest: str
    body: tuple[str, ...]


def records_of(text: str, header: str) -> list[Record]:
    """The records between the header and the line ``end``."""
    # A capture may have travelled through a program that ends lines its own way; none of its own bytes is a bare CR.
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if lines[0] != header:
        raise ValueError(f"the first line is {lines[0][:80]!r}, expected {header!r}")
    if lines[-1] != "end":
        raise ValueError(f"the last line is {lines[-1][:80]!r}, expected 'end': the text was cut short")
    found: list[Record] = []
    for number, line in enumerate(lines[1:-1], 2):
        if line.startswith("#"):
            continue
        if line[:1] in ("|", _UNENDED):
            if not found:
                raise ValueError(f"line {number} belongs to nothing")
            found[-1] = found[-1]._replace(body=(*found[-1].body, line))
        else:
            keyword, _blank, rest = line.partition(" ")
            found.append(Record(number, keyword, rest, ()))
    return found


def escape_bytes(data: bytes) -> str:
    """One line of printable text, without a blank at its end."""
    text = _SPECIAL.sub(_escaped, data.decode("utf-8", "surrogateescape"))
    return f"{text[:-1]}\\x20" if text.endswith(" ") else text


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\\\t":
        return "\\\\" if character == "\\" else "\\t"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def unescape_bytes(text: str) -> bytes:
    """Reverse ``escape_bytes``."""
    parts, end = [], 0
    for match in _ESCAPED.finditer(text):
        backslash, tab, number = match.groups()
        if backslash is None and tab is None and number is None:
            raise ValueError(
                f"{text[match.start() : match.start() + 4]!r} is not an escape; a backslash is written twice"
            )
        parts.append(text[end : match.start()].encode("utf-8"))
        parts.append(b"\\" if backslash else b"\t" if tab else bytes([int(number, 16)]))
        end = match.end()
    return b"".join([*parts, text[end:].encode("utf-8")])


def join_words(texts: Iterable[str]) -> str:
    """Words separated by blanks, their own blanks escaped."""
    return " ".join(escape_bytes(text.encode("utf-8", "surrogateescape")).replace(" ", "\\x20") for text in texts)


def parse_words(text: str) -> list[str]:
    """Reverse ``join_words``; at least one word."""
    found = [unescape_bytes(word).decode("utf-8", "surrogateescape") for word in text.split(" ")]
    if "" in found:
        raise ValueError("expected words with a single blank between them")
    return found


def wrap(names: Iterable[str]) -> str:
    """Lines of words for the body of a record."""
    escaped = join_words(names)
    lines = textwrap.wrap(escaped, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"\n| {line}" for line in lines)


def unwrap(body: tuple[str, ...]) -> list[str]:
    """The words in a record's body."""
    if not all(line.startswith("| ") for line in body):
        raise ValueError("expected lines of names below")
    return [word for line in body for word in parse_words(line[2:])]


def write_content(data: bytes, *, inline: bool = True) -> str:
    """The content of a record: on the line of its head if it is one line and ``inline``, else below."""
    if not data:
        return ""
    lines = data.split(b"\n")
    if inline and len(lines) == 2 and lines[0] and not lines[1]:
        return f" {escape_bytes(lines[0])}"
    unended = lines.pop()
    texts = [f"| {escape_bytes(line)}" if line else "|" for line in [*lines, *([unended] if unended else [])]]
    return "\n".join(["", *texts, *([_UNENDED] if unended else [])])


def content_of(line: str | None, body: tuple[str, ...]) -> bytes:
    """Reverse ``write_content``; ``line`` is the content on the line of the head."""
    if line is not None:
        if body or not line:
            raise ValueError("expected content either on this line or below it")
        return unescape_bytes(line) + b"\n"
    unended = body[-1:] == (_UNENDED,)
    texts = body[:-1] if unended else body
    if not all(text == "|" or text.startswith("| ") for text in texts) or (unended and not texts):
        raise ValueError("expected lines of content below, each '| ' and text")
    return b"\n".join(unescape_bytes(text[2:]) for text in texts) + (b"\n" if texts and not unended else b"")


__all__ = (
    "Record",
    "content_of",
    "escape_bytes",
    "join_words",
    "parse_words",
    "records_of",
    "unescape_bytes",
    "unwrap",
    "wrap",
    "write_content",
)
