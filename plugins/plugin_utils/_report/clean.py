# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a host's record may be shown: plain data, printable text, no secrets.

A record comes from a host that may answer anything. Whatever comes out of here can be written as JSON, and no text in
it moves a cursor, turns a line around or holds a key or a password.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor

# A page is read by people: what is longer is a program's output, and its beginning tells what it is.
LONGEST = 4000
_DEEPEST = 40
_LARGEST = 1 << 63
# In a row about one setting these hold its value.
_VALUES = frozenset({"value", "planned", "seen", "on_host"})


def printable(text: str) -> str:
    """The text with a space for each odd space and a replacement for each character that is not printed."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else " " if char.isspace() else "\ufffd" for char in text)


def cleaned(record: object) -> Any:  # noqa: ANN401 - any nested value
    """A copy of nested data that holds nothing but what JSON has, without secrets."""
    cleaner = _Cleaner()
    found = cleaner.value(record, 0)
    return cleaner.redactor.everywhere(found) if cleaner.hidden else found


class _Cleaner:
    """Cleans the parts of one record; a secret that is told by its name in one place is hidden in all others."""

    def __init__(self) -> None:
        self.redactor = Redactor()
        self.hidden = False
        # The same sentences stand beside many settings.
        self._known: dict[tuple[str, str], str] = {}

    def value(self, found: object, depth: int) -> Any:  # noqa: ANN401 - any nested value
        if isinstance(found, str):
            return self.text(found)
        if isinstance(found, Mapping):
            return self._mapping(found, depth) if depth < _DEEPEST else None
        if isinstance(found, (list, tuple)):
            return self._list(found, depth) if depth < _DEEPEST else None
        return _number(found)

    def text(self, text: str, name: str = "") -> str:
        """A text; under the name of a variable that holds secrets it is one."""
        if (name, text) not in self._known:
            short = self._shortened(text)
            clean = self.redactor.environment({name: short})[name] if name else self.redactor.text(short)
            self.hidden = self.hidden or clean != short
            self._known[name, text] = clean
        return self._known[name, text]

    def _list(self, found: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        if all(isinstance(entry, str) for entry in found):
            return self._words([self._shortened(entry) for entry in found])
        return [self.value(entry, depth + 1) for entry in found]

    def _mapping(self, found: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        setting = found.get("setting")
        for key, inner in found.items():
            # A variable tells by its own name what it holds, a row by that of its setting.
            name = str(setting if key in _VALUES else key)
            kept = self.text(inner, name) if isinstance(inner, str) else self.value(inner, depth + 1)
            clean[self._shortened(str(key))] = kept
        return clean

    def _words(self, words: list[str]) -> list[str]:
        found = self.redactor.command_line(words)
        self.hidden = self.hidden or found != words
        return found

    @staticmethod
    def _shortened(text: str) -> str:
        more = len(text) - LONGEST
        # str() takes off whatever a subclass carries along.
        short = printable(str(text[:LONGEST]))
        return f"{short} … ({more} more characters)" if more > 0 else short


def _number(found: object) -> bool | int | float | None:
    """A number that JSON has; None for all others and for what is none."""
    if isinstance(found, bool):
        return found
    if isinstance(found, int):
        # Longer ones are no amounts of anything, and Python refuses to print the longest.
        return int(found) if abs(found) < _LARGEST else None
    return float(found) if isinstance(found, float) and math.isfinite(found) else None


__all__ = ("LONGEST", "cleaned", "printable")
