# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as a table to read in a terminal.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 118
INDENT = 9


def lint_table(findings: Iterable[Mapping[str, Any]], host: str, release: str | None = None) -> str:
    """A heading, then for every finding its severity, place and name, what was found, and what to do about it.

    ``findings`` are dictionaries of the fields of UnitFinding, printed in the order in which they come.
    """
    rows = list(findings)
    counts = [f"{sum(row['severity'] == kind for row in rows)} {kind}" for kind in ("fatal", "inert", "advice")]
    lines = [f"{host}: Ollama {release or '(release unknown)'}: {', '.join(counts) if rows else 'nothing is wrong'}"]
    for row in rows:
        lines += ["", f"{row['severity']:{INDENT - 2}}  {row['file']}:{row['line']}  {row['name']}".rstrip()]
        lines += _wrapped(" " * INDENT, row["message"], INDENT)
        lines += _wrapped(f"{' ' * INDENT}-> ", row["remedy"], INDENT + 3)
    return "\n".join(lines)


def _wrapped(start: str, text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


__all__ = ("lint_table",)
