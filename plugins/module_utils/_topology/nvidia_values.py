# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that nvidia-smi prints in place of values, in CSV and in XML.

Source: nvidia-smi(1), "Return value" and the notes on N/A.
"""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable

MIB = 1 << 20

# Forms of values, so that a damaged one is not taken for another.
CAPABILITY = re.compile(r"[0-9]{1,2}\.[0-9]")
UUID = re.compile(r"(?:GPU|MIG)-[0-9A-Za-z/-]{1,120}")
VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")
ADDRESS = re.compile(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")
_NUMBER = re.compile(r"([0-9]{1,12})(?: MiB)?")
LINK = re.compile(r"NV[0-9]{1,3}|PIX|PXB|PHB|NODE|SYS|SOC")

_NOT_KNOWN = (
    "",
    "N/A",
    "None",
    "Not Found",
    "Not Supported",
    "Function Not Found",
    "Requested functionality has been deprecated",
)
_ERRORS = (
    "ERR!",
    "Unknown Error",
    "Unknown error",
    "GPU is lost",
    "GPU requires reset",
    "Insufficient Permissions",
)


class Values:
    """Turns printed words into values; a word that reports an error is None and a line in ``problems``."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def text(self, printed: str | None, what: str, pattern: re.Pattern[str] | None = None) -> str | None:
        """The word itself; None for ``[N/A]`` and its like, and for one that ``pattern`` does not describe."""
        word = (printed or "").strip()
        bare = word[1:-1].strip() if word.startswith("[") and word.endswith("]") else word
        if bare in _NOT_KNOWN:
            return None
        if bare != word or bare in _ERRORS:
            self.problems.append(f"nvidia-smi: {what} reads {word!r}")
            return None
        if not printable(word) or (pattern is not None and pattern.fullmatch(word) is None):
            self.problems.append(f"nvidia-smi: {what} reads {word[:80]!r}, expected a value of another form")
            return None
        return word

    def number(self, printed: str | None, what: str) -> int | None:
        """A whole number, with or without ``MiB`` behind it."""
        word = self.text(printed, what)
        if word is None:
            return None
        match = _NUMBER.fullmatch(word)
        if match is None:
            self.problems.append(f"nvidia-smi: {what} reads {word[:80]!r}, expected a whole number")
            return None
        return int(match[1])

    def mebibytes(self, printed: str | None, what: str) -> int | None:
        """Bytes of a number of MiB."""
        number = self.number(printed, what)
        return None if number is None else number * MIB

    def flag(self, printed: str | None, what: str) -> bool | None:
        """``Enabled`` and ``Disabled``."""
        word = self.text(printed, what)
        if word is None:
            return None
        if word not in ("Enabled", "Disabled"):
            self.problems.append(f"nvidia-smi: {what} reads {word[:80]!r}, expected Enabled or Disabled")
            return None
        return word == "Enabled"
