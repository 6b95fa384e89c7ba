# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes from a host's record what may not be shown: odd data, control characters, secrets.

A host may answer anything. The result can be written as JSON, and no text in it moves a cursor, reverses a line or
holds a key or a password.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._text import visible

# Longer texts are the output of programs, and their beginning shows what they are.
LONGEST = 4000
_DEEPEST = 40
_LARGEST = 1 << 63
# The keys that hold the value of a row's setting.
_VALUES = frozenset({"value", "planned", "seen", "on_host"})


def cleaned(record: object) -> Any:  # noqa: ANN401 - any nested value
    """A copy of nested data with JSON types only, without secrets."""
    cleaner = _Cleaner()
    found = cleaner.value(record, 0)
    return cleaner.redactor.everywhere(found) if cleaner.hidden else found


class _Cleaner:
    """Cleans the parts of one record; a secret that its name gives away in one place is hidden in all others."""

    def __init__(self) -> None:
        self.redactor = Redactor()
        self.hidden = False
        # Many settings share the same sentences.
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
        """The text; as the value of a variable with secrets it is hidden."""
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
            # A variable is recognised by its name, the value in a row by the name of its setting.
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
        # str() drops what a subclass adds.
        short = visible(str(text[:LONGEST]))
        return f"{short} … ({more} more characters)" if more > 0 else short


def _number(found: object) -> bool | int | float | None:
    """A number that JSON can hold; None for anything else."""
    if isinstance(found, bool):
        return found
    if isinstance(found, int):
        # Larger ones measure nothing, and Python refuses to print the largest.
        return int(found) if abs(found) < _LARGEST else None
    return float(found) if isinstance(found, float) and math.isfinite(found) else None
