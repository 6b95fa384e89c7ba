# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of SVG that know their size, and how they are put beside, below and around each other. Escapes all text."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import FONTS, GAP, PAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NARROW = frozenset(" .,:;|!'()[]{}iIjlft·/-")
_WIDE = frozenset("mwMW@%")


class Block(NamedTuple):
    """Something to draw: the space it needs, and its SVG in a space of at least that size."""

    width: int
    height: int
    draw: Callable[[int, int], str]


def text(words: str, classes: str, left: float = 0, base: float | str = 0, title: str = "") -> str:
    """A line of text from a place on its base line, and what a pointer over it shows."""
    place = f' x="{left:g}"' if left else ""
    return (
        f'<text class="{classes}"{place} y="{base}">{_escaped(words)}{element("title", title) if title else ""}</text>'
    )


def element(name: str, words: str) -> str:
    """An element that holds a text and nothing else."""
    return f"<{name}>{_escaped(words)}</{name}>"


def measure(words: str, font: str = "text") -> int:
    """The width in pixels, rather too much than too little, since the reader's font is not known."""
    height, weight = FONTS[font]
    total = 0.0
    for char in words:
        if char in _NARROW:
            total += 0.38
        elif char in _WIDE or ord(char) > 0x2E80:
            total += 1.0
        else:
            total += 0.7 if char.isupper() else 0.62
    return math.ceil(total * height * (1.08 if weight > 500 else 1))


def shortened(words: str, width: int, font: str = "text") -> str:
    """The words, or as much of their beginning as fits the width."""
    if measure(words, font) <= width:
        return words
    while words and measure(words + "…", font) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def label(words: str, font: str = "text", more: str = "", limit: int = 0) -> Block:
    """A line of text; one that is cut to ``limit`` pixels shows the whole under the pointer."""
    short, height = shortened(words, limit, font) if limit else words, FONTS[font][0]
    drawn = text(short, f"{font} {more}".strip(), 0, height, words if short != words else "")
    return fixed(measure(short, font), round(height * 1.4), drawn)


def fixed(width: int, height: int, drawn: str) -> Block:
    """SVG that looks the same in any space."""
    return Block(width, height, lambda _width, _height: drawn)


def rect(classes: str, width: int, height: int, radius: float = 0, place: tuple[float, float] = (0, 0)) -> str:
    """A rectangle, without the attributes that are 0."""
    given = {"x": place[0], "y": place[1], "rx": round(radius, 1)}
    some = "".join(f' {name}="{value:g}"' for name, value in given.items() if value)
    return f'<rect class="{classes}"{some} width="{width}" height="{height}"/>'


def at(x: int, y: int, drawn: str) -> str:
    """SVG moved to a place."""
    return f'<g transform="translate({x} {y})">\n{drawn}\n</g>' if x or y else drawn


def column(blocks: Sequence[Block], gap: int = GAP) -> Block:
    """One below the other; each gets the whole width, the last one what is left of the height."""

    def draw(width: int, height: int) -> str:
        parts, top = [], 0
        for block in blocks[:-1]:
            parts.append(at(0, top, block.draw(width, block.height)))
            top += block.height + gap
        parts.append(at(0, top, blocks[-1].draw(width, height - top)))
        return "\n".join(parts)

    return Block(
        max(block.width for block in blocks), sum(block.height for block in blocks) + gap * (len(blocks) - 1), draw
    )


def row(blocks: Sequence[Block], gap: int = GAP, *, stretch: bool = True) -> Block:
    """Side by side, all of one height; space that is left over is shared among them or stays empty."""
    needed = sum(block.width for block in blocks) + gap * (len(blocks) - 1)

    def draw(width: int, height: int) -> str:
        spare = max(0, width - needed) if stretch else 0
        parts, left = [], 0
        for number, block in enumerate(blocks):
            own = block.width + spare * (number + 1) // len(blocks) - spare * number // len(blocks)
            parts.append(at(left, 0, block.draw(own, height if stretch else block.height)))
            left += own + gap
        return "\n".join(parts)

    return Block(needed, max(block.height for block in blocks), draw)


def grid(blocks: Sequence[Block], limit: int, gap: int = GAP) -> Block:
    """Rows of equally many, as wide as the limit allows; the columns are as wide as the widest."""
    widest = max(block.width for block in blocks)
    count = len(blocks)
    if sum(block.width for block in blocks) + gap * (count - 1) <= limit:
        return row(blocks, gap)
    fitting = max(1, (limit + gap) // (widest + gap))
    # Full rows look better than the fewest.
    even = [each for each in range(fitting, fitting // 2, -1) if count % each == 0]
    each = even[0] if even else -(-count // -(-count // fitting))
    blank = fixed(widest, 0, "")
    cells = [block._replace(width=widest) for block in blocks] + [blank] * (-count % each)
    return column([row(cells[first : first + each], gap) for first in range(0, len(cells), each)], gap)


def flow(blocks: Sequence[Block], limit: int, gap: int = GAP, between: int = GAP, *, stretch: bool = True) -> Block:
    """As many side by side as fit, then the next row ``between`` pixels below."""
    rows: list[list[Block]] = []
    used = 0
    for block in blocks:
        if not rows or used + gap + block.width > limit:
            rows.append([])
            used = -gap
        rows[-1].append(block)
        used += gap + block.width
    return column([row(each, gap, stretch=stretch) for each in rows], between)


def framed(classes: str, inner: Block, pad: int = PAD, radius: int = 6) -> Block:
    """A box with a margin around its contents."""

    def draw(width: int, height: int) -> str:
        return rect(f"box {classes}", width, height, radius) + at(
            pad, pad, inner.draw(width - 2 * pad, height - 2 * pad)
        )

    return Block(inner.width + 2 * pad, inner.height + 2 * pad, draw)


def _escaped(words: str) -> str:
    """Text as XML may hold it: names come from hosts, and control characters are not allowed even escaped."""
    return html.escape("".join(char if char.isprintable() else "\ufffd" for char in words))
