# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a host as it may be shown: nothing in it moves a cursor, colours a line, reverses it or hides a part of it.

Journals, APIs, files and programs may say anything. What is not a printable character (str.isprintable(): controls,
formats such as U+202E and U+200B, separators, surrogates, private and unassigned ones) is written as Python escapes it.
"""

from __future__ import annotations

from typing import Any

# More of what one host says in one place helps nobody.
LONGEST = 2000
MOST = 1000


def visible(text: str) -> str:
    """The text with what is not printed escaped, as Python does; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else _escaped(char) for char in text)


def one_line(text: str, longest: int = LONGEST) -> str:
    """The same on one line of at most ``longest`` characters."""
    text = visible(" ".join(text.splitlines()).replace("\t", " "))
    if len(text) <= longest:
        return text
    # A word is left out as a whole, so that what hides secrets later sees an address whole or not at all.
    blank = text.rfind(" ", longest // 2, longest - 1)
    return f"{text[: longest - 1] if blank < 0 else text[: blank + 1]}…"


def visible_everywhere(value: Any) -> Any:  # noqa: ANN401 - any nested value
    """A nested value whose every text, keys too, is visible()."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible_everywhere(key): visible_everywhere(inner) for key, inner in value.items()}
    return [visible_everywhere(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
