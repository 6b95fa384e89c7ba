# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets, NUMA nodes and caches as boxes around the cores, each node with its memory and its GPUs.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cards import PAIR
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import PAD
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.svg import (
    Block,
    column,
    framed,
    grid,
    label,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.words import bytes_of, memory, share_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cells import Cells
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Part
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import Group

    Cards = Callable[[Part, int], "Block | None"]

_LISTED = 230


class Boxes:
    """Draws groups of CPUs with ``cells``; ``cards`` gives the GPUs of a node in a given width."""

    def __init__(self, cells: Cells, cards: Cards) -> None:
        self.cells = cells
        self.cards = cards

    def machine(self, root: Group, limit: int) -> Block | None:
        """Everything that has CPUs; None where no CPU is known."""
        parts = self._contents(root, limit)
        return column(parts) if parts else None

    def bare_node(self, part: Part, limit: int, note: str) -> Block:
        """A node that is drawn without cores: memory alone, a GPU's memory, or CPUs that are no box."""
        own = "gpumem" if part.facts.get("gpu_memory") else "node"
        inner = limit - 2 * PAD
        blocks = [*self._node_head(part), label(note, "small", "muted", inner), self.cards(part, inner)]
        return framed(f"{own} bare", column([block for block in blocks if block], 4))

    def _contents(self, group: Group, limit: int, least: int = 0) -> list[Block]:
        blocks = []
        if group.inside:
            blocks.append(grid([self._group(inner, limit) for inner in group.inside], limit))
        rest = group.rest
        if rest and group.inside:
            words = [label(f"CPUs {rest}, in none of these boxes", "small", "muted", max(limit, 1))]
            blocks.append(framed("loose bare", column([*words, *self._cores(rest, limit - 2 * PAD, 0)], 4)))
        elif rest:
            blocks += self._cores(rest, limit, least)
        return blocks

    def _cores(self, cpus: CpuSet, limit: int, least: int) -> list[Block]:
        block = self.cells.cores(cpus, limit, least)
        if self.cells.size.font:
            return [block]
        # Cells too small for numbers: the list says which they are.
        return [label(f"CPUs {cpus}", "small", "muted", max(block.width, _LISTED)), block]

    def _group(self, group: Group, limit: int) -> Block:
        """The frames from the outside in, around the boxes inside or the cores."""
        inner = limit - 2 * PAD * len(group.parts)
        heads = [self._head(part, inner) for part in group.parts]
        least = max(block.width for head in heads for block in head)
        blocks = self._contents(group, inner, least)
        for part, head in zip(reversed(group.parts), reversed(heads)):
            # Cards side by side must not make a node much wider than its cores do.
            room = min(inner, max(PAIR, *(block.width for block in blocks), 0))
            tail = [self.cards(part, room)] if part.level == "node" else []
            gap = 4 if part.level == "cache" else 6
            content = column([*head, *blocks, *(block for block in tail if block)], gap)
            blocks = [framed(part.level, content, PAD if part.level != "cache" else PAD - 3)]
        return blocks[0]

    def _head(self, part: Part, limit: int) -> list[Block]:
        if part.level == "socket":
            return [label(f"Socket {part.number}", "head")]
        if part.level == "cache":
            size = part.facts.get("bytes")
            return [label("cache, size not read" if size is None else f"cache {bytes_of(size)}", "small")]
        return self._node_head(part, limit)

    @staticmethod
    def _node_head(part: Part, limit: int = 0) -> list[Block]:
        number = "?" if part.number is None else part.number
        name = "GPU memory, NUMA node" if part.facts.get("gpu_memory") else "NUMA node"
        total, free = part.facts.get("memory_bytes"), part.facts.get("free_bytes")
        blocks = [label(f"{name} {number}", "head"), label(memory(total, free), "text", limit=limit)]
        if total and free is not None:
            blocks.append(share_bar(total, free))
        pages = part.facts.get("hugepages") or {}
        some = [f"{count} of {bytes_of(int(size) << 10)}" for size, count in pages.items() if count]
        if some:
            blocks.append(label(f"huge pages: {', '.join(some)}", "small", "muted", limit))
        return [column(blocks, 2)]


__all__ = ("Boxes",)
