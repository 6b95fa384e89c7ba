# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the text of a unit file or a drop-in as systemd does.

After systemd.syntax(7) and the behaviour of systemd 252 on what it leaves open.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import BLANKS

_END = re.compile(r"\r\n|[\n\r\0]")


_NO_HEADER = "it begins a section and does not end in ], and systemd refuses to load the unit"


class Setting(NamedTuple):
    """One assignment; ``line`` is the first of its lines, ``value`` is as written, quotes and escapes included."""

    file: str
    line: int
    section: str
    directive: str
    value: str


class Ignored(NamedTuple):
    """A line that systemd ignores; ``reason`` and ``remedy`` are clauses without any value.

    ``fatal`` is true of one for which it loads nothing of the unit.
    """

    file: str
    line: int
    directive: str
    reason: str
    remedy: str = ""
    fatal: bool = False


def parse_unit(text: str, file: str = "") -> tuple[list[Setting], list[Ignored]]:
    """The assignments of one unit file or drop-in, in order, and the lines that systemd ignores."""
    settings: list[Setting] = []
    ignored: list[Ignored] = []
    section: str | None = None
    for line, content in _logical_lines(text):
        name, separator, value = (part.strip(BLANKS) for part in content.partition("="))
        if content.startswith("["):
            section = content[1:-1] if content.endswith("]") else content
            if not content.endswith("]"):
                ignored.append(
                    Ignored(file, line, "", _NO_HEADER, "close the bracket, with nothing behind it", fatal=True)
                )
        elif section is not None and section.startswith("X-") and not (separator and name):
            # Whoever reads that section has a syntax of their own.
            continue
        elif not separator or not name:
            ignored.append(Ignored(file, line, "", "it is not of the form name=value"))
        elif section is None:
            ignored.append(Ignored(file, line, name, "it is before the first section"))
        else:
            settings.append(Setting(file, line, section, name, value))
    return settings, ignored


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Number and text of each line, continued ones joined, comments and blank lines left out."""
    lines: list[tuple[int, str]] = []
    # Joined once at their end: a file of a million continued lines takes no time so.
    pending: list[str] = []
    first = 0
    for number, line in enumerate(_END.split(text.removeprefix("\ufeff")), 1):
        if line.lstrip(BLANKS).startswith(("#", ";")):
            continue
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending.append(f"{line[:-1]} ")
            first = first or number
            continue
        lines.append((first or number, "".join([*pending, line]).strip(BLANKS)))
        pending, first = [], 0
    if pending:
        lines.append((first, "".join(pending).strip(BLANKS)))
    return [entry for entry in lines if entry[1]]
