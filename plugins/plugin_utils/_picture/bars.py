# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a device as a bar: what a model takes of it by part, what others have, what stays free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.remedies import LABELS, named
from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME, _BAR, _SUM = 210, 560, 190
_HEIGHT = 20
# Of each part: the name of its look in style.py.
PARTS = {part: part.removesuffix("_bytes") for part in LABELS}
OTHERS, FREE = "others", "free"
WORDS = {**{PARTS[part]: label for part, label in LABELS.items()}, OTHERS: "in use by others", FREE: "free"}


def bar_of(device: Mapping[str, Any]) -> svg.Block:
    """A device's name, its bar, and how much of it is taken; each part is named under the pointer."""
    amounts = dict(_amounts(device))
    whole = max(1, sum(amounts.values()))
    drawn = [svg.text(svg.shortened(named(device), _NAME - 10), "text", 0, 15, named(device))]
    left, passed = float(_NAME), 0
    for look, amount in amounts.items():
        if amount <= 0:
            continue
        passed += amount
        # Where a part ends follows from the sum, so that no rounding adds up.
        end = _NAME + round(_BAR * passed / whole, 1)
        drawn.append(_part(look, amount, left, end))
        left = end
    total = device["memory_bytes"]
    used = bytes_of(device["total_bytes"]) if device["total_bytes"] else "nothing"
    words = f"{used} of {'an unknown size' if total is None else bytes_of(total)}"
    drawn.append(svg.text(words, "small", _NAME + _BAR + 10, 15))
    return svg.fixed(_NAME + _BAR + _SUM, _HEIGHT + 4, "".join(drawn))


def samples(looks: set[str]) -> list[svg.Block]:
    """The legend's samples of the parts that were drawn."""
    return [
        svg.row([svg.fixed(22, 16, svg.rect(f"part-{look}", 22, 16, 3)), svg.label(words, "small")], 8, stretch=False)
        for look, words in WORDS.items()
        if look in looks
    ]


def looks_of(device: Mapping[str, Any]) -> set[str]:
    """The parts that its bar shows."""
    return {look for look, amount in _amounts(device) if amount > 0}


def _amounts(device: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    total, free, used = device["memory_bytes"], device["free_bytes"], device["total_bytes"]
    if total is not None and free is not None:
        yield OTHERS, max(0, total - free)
    for part, look in PARTS.items():
        yield look, device[part]
    rest = free if free is not None else total
    if rest is not None:
        yield FREE, max(0, rest - used)


def _part(look: str, amount: int, left: float, end: float) -> str:
    words = f"{WORDS[look]} {bytes_of(amount)}"
    width = round(end - left, 1)
    place = f'x="{left:g}" y="1" width="{width:g}" height="{_HEIGHT - 2}"'
    return f'<g>{svg.element("title", words)}<rect class="part-{look}" {place}/></g>'
