# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words with quotes, as systemd reads them in units and as systemctl prints lists of them.

systemd.syntax(7) "Quoting"; ``systemctl show`` quotes what a shell would take for more than one word.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "s": " "}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# An escape, a quotation ($'' is the shell's for control characters), plain characters, blanks, and what should not be.
_PART = re.compile(r"""(\\.)|\$?'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|([^\s\\'"]+)|(\s+)|(.)""", re.DOTALL)


def split_words(text: str) -> list[str] | None:
    """The words of a line, quotes and escapes taken away; None where a quotation does not end."""
    words: list[str] = []
    inside = False
    for match in _PART.finditer(text):
        escape, single, double, plain, _blank, wrong = match.groups()
        if wrong is not None:
            return None
        if match[5] is not None:
            inside = False
            continue
        if not inside:
            words.append("")
        inside = True
        quoted = next((part for part in (escape, single, double) if part is not None), None)
        words[-1] += plain if quoted is None else _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), quoted)
    return words


__all__ = ("split_words",)
