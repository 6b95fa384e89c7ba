# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of memory as text and as a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = ("KiB", "MiB", "GiB", "TiB")
_BAR = 140


def bytes_of(count: int) -> str:
    """``137438953472`` as ``128 GiB``; at most one decimal, in the largest unit that gives 1 or more."""
    value, unit = count / 1024, 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    # 140.4 GiB tells a card from its neighbour; 1007.3 does not tell more than 1007.
    return f"{value:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"


def memory(facts: Mapping[str, Any], limit: int) -> list[svg.Block]:
    """The memory of a node or a card, and a bar of the part in use, if that is known."""
    total, free = facts.get("memory_bytes"), facts.get("free_bytes")
    if not total:
        return [svg.label("memory not read" if total is None else "no memory", limit=limit)]
    unused = "free not read" if free is None else f"{bytes_of(free)} free"
    words = svg.label(f"{bytes_of(total)}, {unused}", limit=limit)
    return [words] if free is None else [words, _bar(total, free)]


def _bar(total: int, free: int) -> svg.Block:
    def draw(width: int, _height: int) -> str:
        long = min(width, 2 * _BAR)
        used = round(long * (1 - min(1.0, max(0.0, free / total))))
        return svg.rect("bar", long, 6, 3) + (svg.rect("used", used, 6, 3) if used else "")

    return svg.Block(_BAR, 9, draw)
