# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cores and their logical CPUs as small cells."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import KIND_LOOKS, PAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Host
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import Size

# Width to height of a box of cores that is pleasant to look at.
_SHAPE = 2.0
_CORE_GAP = 4


class Cells:
    """Draws the CPUs of one host in one size."""

    def __init__(self, host: Host, size: Size) -> None:
        self.host = host
        self.size = size
        numbers = [*host.online, *host.offline]
        self.width = size.width(len(str(max(numbers, default=0))))

    def kind(self, cpu: int) -> str:
        """The key of the CPU's looks."""
        return self.host.kinds.get(cpu, "unread")

    def cores(self, cpus: CpuSet, limit: int, least: int = 0) -> svg.Block:
        """A grid of the cores that have some of the CPUs, at most ``limit`` wide.

        ``least`` is the width that the box around it takes anyway.
        """
        kinds: dict[str, list[CpuSet]] = {}
        for core in self.host.cores:
            if core & cpus:
                kinds.setdefault(self.kind((core & cpus).first()), []).append(core & cpus)
        parts = []
        for kind, cores in kinds.items():
            if len(kinds) > 1:
                words = "of a kind that was not read" if kind == "unread" else f"({kind.replace('_', ' ')})"
                plural = "s" if len(cores) > 1 else ""
                parts.append(svg.label(f"{len(cores)} core{plural} {words}", "small", "muted"))
            parts.append(_grid([self.core(core) for core in cores], limit, least))
        return svg.column(parts, 4)

    def switched_off(self, limit: int) -> svg.Block:
        """The offline CPUs; the kernel does not say which cores they would be."""
        width, height = self.width, self.size.height
        blocks = [
            svg.fixed(width, height, f"<g>{svg.element('title', f'CPU {cpu}: offline')}{self._cell(cpu, 0, 0)}</g>")
            for cpu in self.host.offline
        ]
        return _grid(blocks, limit, 0)

    def core(self, cpus: CpuSet) -> svg.Block:
        """One core with its online CPUs, which a pointer over it names."""
        host, numbers = self.host, list(cpus)
        words = [self.kind(numbers[0]).replace("_", " ")]
        words = [] if words[0] in ("uniform", "unread") else words
        several = len(host.servers) > 1
        servers = [(f"{name if several else 'the service'} runs here", running) for name, running in host.servers]
        for name, members in (("isolated", host.isolated), ("not for the service", host.barred), *servers):
            some = cpus & members
            if some:
                words.append(name if some == cpus else f"{name}: {some}")
        plural = "s" if len(numbers) > 1 else ""
        return self._siblings(numbers, ", ".join([f"CPU{plural} {cpus}", *words]))

    def _siblings(self, cpus: Sequence[int], words: str) -> svg.Block:
        # Up to two siblings stand on each other, four and eight make a block.
        columns = 1 if len(cpus) < 3 else 2 if len(cpus) < 5 else 4
        rows = math.ceil(len(cpus) / columns)
        cell_height, pad = self.size.height, 2 if self.size.height > 8 else 1
        width, height = columns * (self.width + 1) + 2 * pad - 1, rows * (cell_height + 1) + 2 * pad - 1
        parts = [svg.element("title", words), svg.rect("core", width, height, 3)]
        for number, cpu in enumerate(cpus):
            left, top = pad + number % columns * (self.width + 1), pad + number // columns * (cell_height + 1)
            parts.append(self._cell(cpu, left, top))
        return svg.fixed(width, height, "<g>" + "".join(parts) + "</g>")

    def _cell(self, cpu: int, left: int, top: int) -> str:
        host, kind, height = self.host, self.kind(cpu), self.size.height
        radius = height * KIND_LOOKS[kind][3]
        classes, ink = [kind], "no"
        if cpu in host.offline:
            classes, ink = ["offline"], "no dim"
        elif cpu in host.running:
            classes, ink = [kind, "run"], "no run"
        elif cpu in host.barred:
            classes, ink = ["barred"], "no dim"
        if cpu in host.isolated and cpu in host.online:
            classes.append("isolated")
        drawn = svg.rect(" ".join(classes), self.width, height, radius, (left, top))
        if cpu in host.barred:
            drawn += f'<path class="slash" d="M{left + 2} {top + height - 2}l{self.width - 4} {4 - height}"/>'
        if self.size.font:
            # Digits have no descenders: their middle is above that of the line.
            base = top + height / 2 + self.size.font * 0.36
            drawn += svg.text(str(cpu), ink, left + self.width / 2, f"{base:.1f}")
        return drawn


def _grid(blocks: Sequence[svg.Block], limit: int, least: int) -> svg.Block:
    """Rows of equal cells in as pleasant a shape as the limit allows."""
    width, height = max(block.width for block in blocks), max(block.height for block in blocks)
    step_x, step_y, count = width + _CORE_GAP, height + _CORE_GAP, len(blocks)

    def cost(columns: int) -> float:
        rows = math.ceil(count / columns)
        # The head of a box is about 50 pixels high.
        shape = (max(columns * step_x, least) + 2 * PAD) / (rows * step_y + 50)
        blank = (rows * columns - count) / count
        return round(abs(math.log(shape / _SHAPE)) + blank, 6)

    most = max(1, min(count, (limit + _CORE_GAP) // step_x))
    columns = min(range(most, 0, -1), key=cost)
    drawn = "\n".join(
        svg.at(number % columns * step_x, number // columns * step_y, block.draw(width, height))
        for number, block in enumerate(blocks)
    )
    rows = math.ceil(count / columns)
    return svg.fixed(columns * step_x - _CORE_GAP, rows * step_y - _CORE_GAP, drawn)
