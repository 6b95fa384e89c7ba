# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the text of an EnvironmentFile= as systemd does.

After systemd.exec(5) "EnvironmentFile=" and the behaviour of systemd 252, whose rules are a subset of a shell's:
no ``export``, no variables, and a value may go on behind a quote.
"""

from __future__ import annotations

import re

BLANKS = " \t\n\r"
ENDS = "\n\r"
# Characters that a backslash escapes between double quotes.
_END = re.compile(f"[{ENDS}]")
_ESCAPED = '"\\`$'


def parse_environment_file(text: str) -> list[tuple[str, str, int]]:
    """Name, value and first line of each assignment, in order. Names are not checked."""
    found: list[tuple[str, str, int]] = []
    position = counted = 0
    line = 1
    while position < len(text):
        character = text[position]
        if character in BLANKS:
            position += 1
        elif character in "#;":
            position = _end(text, position)
        else:
            end = _end(text, position)
            # To systemd the first character belongs to a name, whatever it is.
            equals = text.find("=", position + 1, end)
            if equals < 0:
                position = end
                continue
            name = text[position:equals].rstrip(BLANKS)
            line += text.count("\n", counted, position)
            counted = position
            value, position = _value(text, equals + 1)
            found.append((name, value, line))
    return found


def _end(text: str, position: int) -> int:
    """Where the line ends."""
    match = _END.search(text, position)
    return match.start() if match else len(text)


def _value(text: str, position: int) -> tuple[str, int]:
    """The value that begins here, and the position behind it."""
    value = ""
    # Blanks count between words, not at the end of a value; what is escaped or quoted is never dropped.
    kept = 0
    bare = False
    while position < len(text) and text[position] not in ENDS:
        character = text[position]
        position += 1
        if character == "\\":
            escaped = text[position : position + 1]
            value += "" if escaped in ENDS else escaped
            position += 1
            bare, kept = True, len(value)
        elif character in "\"'" and not bare:
            quoted, position = _quoted(text, position, character)
            value += quoted
            kept = len(value)
        elif bare or character not in BLANKS:
            value += character
            bare = True
            kept = kept if character in BLANKS else len(value)
    return value[:kept], position


def _quoted(text: str, position: int, quote: str) -> tuple[str, int]:
    value = ""
    while position < len(text) and text[position] != quote:
        character = text[position]
        if character == "\\" and quote == '"':
            position += 1
            escaped = text[position : position + 1]
            value += escaped if escaped and escaped in _ESCAPED else "" if escaped == "\n" else character + escaped
        else:
            value += character
        position += 1
    return value, position + 1
