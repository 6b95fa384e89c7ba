# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of memory in words and as a bar.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.svg import Block, rect

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


def memory(total: int | None, free: int | None) -> str:
    """What there is and what is unused."""
    if total is None:
        return "memory not read"
    if total == 0:
        return "no memory"
    return f"{bytes_of(total)}, " + ("free not read" if free is None else f"{bytes_of(free)} free")


def share_bar(total: int, free: int) -> Block:
    """A bar whose filled part is in use."""

    def draw(width: int, _height: int) -> str:
        long = min(width, 2 * _BAR)
        used = round(long * (1 - min(1.0, max(0.0, free / total))))
        return rect("bar", long, 6, 3) + (rect("used", used, 6, 3) if used else "")

    return Block(_BAR, 9, draw)


__all__ = ("bytes_of", "memory", "share_bar")
