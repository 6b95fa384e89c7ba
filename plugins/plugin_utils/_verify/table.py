# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification as one line and a table of what is not as planned, to read in a terminal.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 118
# A longer value, as a command line, goes on a line of its own beneath.
_LONGEST = 32
_HEAD = {"verdict": "VERDICT", "instance": "INSTANCE", "setting": "SETTING", "planned": "PLANNED", "seen": "SEEN"}
_ORDER = ("fail", "unknown")


def verify_table(verification: Mapping[str, Any], host: str) -> str:
    """The line of the host, then what differs and what is unknown with evidence and remedy. Ends without a break."""
    counts = verification["counts"]
    numbers = f"{counts['pass']} as planned, {counts['fail']} not, {counts['unknown']} unknown"
    lines = [f"{host}: {verification['verdict']}: {numbers}"]
    rows = [check for verdict in _ORDER for check in verification["checks"] if check["verdict"] == verdict]
    if not rows:
        return lines[0]
    table = [_HEAD, *({column: row[column] or "-" for column in _HEAD} for row in rows)]
    widths = {column: min(_LONGEST, max(len(cells[column]) for cells in table)) for column in _HEAD}
    lines += ["", _line(_HEAD, widths)]
    for number, (row, cells) in enumerate(zip(rows, table[1:]), 1):
        lines.append(_line(cells, widths))
        for column in ("planned", "seen"):
            if len(cells[column]) > _LONGEST:
                lines += _wrapped(f"{column}: ", cells[column])
        # What one cause has brought about is told once.
        following = rows[number] if number < len(rows) else {}
        if (row["evidence"], row["remedy"]) != (following.get("evidence"), following.get("remedy")):
            lines += _wrapped("by: ", row["evidence"])
            lines += _wrapped("-> ", row["remedy"])
    return "\n".join(lines)


def _line(cells: Mapping[str, str], widths: Mapping[str, int]) -> str:
    shown = (cell if len(cell) <= _LONGEST else cell[: _LONGEST - 1] + "…" for cell in cells.values())
    return "  ".join(f"{cell:{width}}" for cell, width in zip(shown, widths.values())).rstrip()


def _wrapped(start: str, words: str) -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=" " * 9 + start,
        subsequent_indent=" " * (9 + len(start)),
        break_long_words=False,
        break_on_hyphens=False,
    )


__all__ = ("verify_table",)
