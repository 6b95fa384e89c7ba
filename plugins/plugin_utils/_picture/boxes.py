# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets, NUMA nodes and caches as boxes around the cores, each node with its memory and its GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cards import PAIR
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of, memory
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import PAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cells import Cells
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Part
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import Group

    Cards = Callable[[Part, int], "svg.Block | None"]

_LISTED = 230


class Boxes:
    """Draws groups of CPUs with ``cells``; ``cards`` gives the GPUs of a node in a given width."""

    def __init__(self, cells: Cells, cards: Cards) -> None:
        self.cells = cells
        self.cards = cards

    def machine(self, root: Group, limit: int) -> svg.Block | None:
        """Everything that has CPUs; None where no CPU is known."""
        parts = self._contents(root, limit)
        return svg.column(parts) if parts else None

    def bare_node(self, part: Part, limit: int, note: str) -> svg.Block:
        """A node that is drawn without cores: memory alone, a GPU's memory, or CPUs that are no box."""
        own = "gpumem" if part.facts.get("gpu_memory") else "node"
        inner = limit - 2 * PAD
        blocks = [*self._node_head(part), svg.label(note, "small", "muted", inner), self.cards(part, inner)]
        return svg.framed(f"{own} bare", svg.column([block for block in blocks if block], 4))

    def _contents(self, group: Group, limit: int, least: int = 0) -> list[svg.Block]:
        blocks = []
        if group.inside:
            blocks.append(svg.grid([self._group(inner, limit) for inner in group.inside], limit))
        rest = group.rest
        if rest and group.inside:
            words = [svg.label(f"CPUs {rest}, in none of these boxes", "small", "muted", max(limit, 1))]
            blocks.append(svg.framed("loose bare", svg.column([*words, *self._cores(rest, limit - 2 * PAD, 0)], 4)))
        elif rest:
            blocks += self._cores(rest, limit, least)
        return blocks

    def _cores(self, cpus: CpuSet, limit: int, least: int) -> list[svg.Block]:
        block = self.cells.cores(cpus, limit, least)
        if self.cells.size.font:
            return [block]
        # Cells too small for numbers: the list says which they are.
        return [svg.label(f"CPUs {cpus}", "small", "muted", max(block.width, _LISTED)), block]

    def _group(self, group: Group, limit: int) -> svg.Block:
        """The frames from the outside in, around the boxes inside or the cores."""
        inner = limit - 2 * PAD * len(group.parts)
        heads = [self._head(part, inner) for part in group.parts]
        least = max(block.width for head in heads for block in head)
        blocks = self._contents(group, inner, least)
        for part, head in zip(reversed(group.parts), reversed(heads)):
            # Cards side by side must not make a node much wider than its cores do.
            width = min(inner, max(PAIR, *(block.width for block in blocks), 0))
            tail = [self.cards(part, width)] if part.level == "node" else []
            gap = 4 if part.level == "cache" else 6
            content = svg.column([*head, *blocks, *(block for block in tail if block)], gap)
            blocks = [svg.framed(part.level, content, PAD if part.level != "cache" else PAD - 3)]
        return blocks[0]

    def _head(self, part: Part, limit: int) -> list[svg.Block]:
        if part.level == "socket":
            return [svg.label(f"Socket {part.number}", "head")]
        if part.level == "cache":
            size = part.facts.get("bytes")
            return [svg.label("cache, size not read" if size is None else f"cache {bytes_of(size)}", "small")]
        return self._node_head(part, limit)

    @staticmethod
    def _node_head(part: Part, limit: int = 0) -> list[svg.Block]:
        number = "?" if part.number is None else part.number
        name = "GPU memory, NUMA node" if part.facts.get("gpu_memory") else "NUMA node"
        blocks = [svg.label(f"{name} {number}", "head"), *memory(part.facts, limit)]
        pages = part.facts.get("hugepages") or {}
        some = [f"{count} of {bytes_of(int(size) << 10)}" for size, count in pages.items() if count]
        if some:
            blocks.append(svg.label(f"huge pages: {', '.join(some)}", "small", "muted", limit))
        return [svg.column(blocks, 2)]
