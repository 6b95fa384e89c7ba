# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole picture of a host: title, boxes, cards, tables, legend.

Pure: the same facts give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import cards, style, svg, tables
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.boxes import Boxes
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cells import Cells
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Host
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.frame import NARROWEST, Frame
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.legend import legend
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import nest
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.summary import remarks, totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Part
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import Group


def topology_svg(topology: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]] | None = None) -> str:
    """One SVG document that ends in a line break.

    ``host`` is the name in the title. With the ``instances`` of a plan, their CPUs and GPUs are marked. Raises
    OllamaError where the topology is not what topology_facts returns.
    """
    return _Picture(Host(topology, instances), str(host)).frame().document()


def inline_svg(topology: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The same as an element of a page that has shared_sheet(); one image to assistive programs."""
    return _Picture(Host(topology, instances), str(host)).frame().element()


class _Picture:
    def __init__(self, host: Host, name: str) -> None:
        self.host = host
        self.name = name
        caches = host.caches
        # Each core its own cache: a box around each would say the same as its core.
        self.private = len(caches) > 1 and all(sum(1 for c in host.cores if c & each.cpus) < 2 for each in caches)
        levels = [host.nodes, host.sockets, [] if self.private else caches]
        self.root, self.crossing = nest(levels, host.online)
        self.levels = {part.level for group in _all(self.root) for part in group.parts}

    def frame(self) -> Frame:
        """The picture with the words and the page around it."""
        size = style.SIZES[0]
        machine: svg.Block | None = None
        for size in style.SIZES:
            machine = self._boxes(size).machine(self.root, style.WIDTH)
            if machine is None or (machine.height <= size.tallest and machine.width <= style.WIDTH):
                break
        top = [self._title(), *_beside(machine, self._panels(size))]
        across = max(NARROWEST, *(block.width for block in top))
        page = svg.column([*top, *legend(self.host, self.levels, across)], 14)
        words = "; ".join([totals(self.host), *self._remarks()])
        return Frame(f"Topology of {self.name}", words, page, size)

    def _remarks(self) -> list[str]:
        return remarks(self.host, self.crossing, private_cache=self.private)

    def _title(self) -> svg.Block:
        model = str(self.host.cpu.get("model") or "CPU model not read")
        lines = [svg.label(self.name, "title", limit=style.WIDTH), svg.label(model, "head", "muted", style.WIDTH)]
        lines.append(svg.label(totals(self.host), limit=style.WIDTH))
        lines += [svg.label(text, limit=style.WIDTH) for text in self._remarks()]
        return svg.column(lines, 2)

    def _boxes(self, size: style.Size) -> Boxes:
        return Boxes(Cells(self.host, size), self._cards)

    def _cards(self, node: Part, limit: int) -> svg.Block | None:
        gpus = self.host.gpus if node.number is not None else []
        own = [gpu for gpu in gpus if gpu.facts.get("numa_node") == node.number]
        return cards.strip(own, limit, wired=len(self.host.gpus) == 2)

    def _panels(self, size: style.Size) -> list[svg.Block]:
        host, boxes = self.host, self._boxes(size)
        unread = {"CPUs": not host.online, "NUMA nodes": not host.nodes_known, "GPUs": not host.gpus_known}
        missing = svg.framed("loose bare", svg.label("not read"))
        panels = [_panel(what, missing) for what, lacking in unread.items() if lacking]
        bare = [boxes.bare_node(node, style.WIDTH // 3, _note(node)) for node in host.nodes if not self._boxed(node)]
        if bare:
            panels.append(_panel("NUMA nodes without cores", svg.grid(bare, style.WIDTH)))
        if host.offline:
            panels.append(_panel("Offline CPUs", boxes.cells.switched_off(style.WIDTH // 3)))
        known = {node.number for node in host.nodes}
        lost = [gpu for gpu in host.gpus if gpu.facts.get("numa_node") not in known - {None}]
        astray = cards.strip(lost, style.WIDTH, wired=len(host.gpus) == 2)
        if astray:
            panels.append(_panel("GPUs whose NUMA node is unknown", astray))
        distances = tables.distances(host.nodes)
        if distances:
            panels.append(distances)
        if not (cards.fits_wired(lost) or self._wired_on_a_node()):
            panels += tables.links(host.gpus)
        return panels

    def _wired_on_a_node(self) -> bool:
        gpus = self.host.gpus
        return cards.fits_wired(gpus) and len({gpu.facts.get("numa_node") for gpu in gpus}) == 1

    def _boxed(self, node: Part) -> bool:
        return bool(node.cpus) and "node" in self.levels


def _beside(machine: svg.Block | None, panels: list[svg.Block]) -> list[svg.Block]:
    """The boxes with the panels at their side where both are small, else the panels below."""
    if machine is None or not panels:
        return [block for block in (machine, *panels) if block]
    left = style.WIDTH - machine.width - 2 * style.GAP
    if max(panel.width for panel in panels) <= left:
        side = svg.flow(panels, left, 2 * style.GAP, 2 * style.GAP, stretch=False)
        if side.height <= machine.height + 60:
            return [svg.row([machine, side], 2 * style.GAP, stretch=False)]
    return [machine, svg.flow(panels, style.WIDTH, 2 * style.GAP, 2 * style.GAP, stretch=False)]


def _all(group: Group) -> list[Group]:
    return [group, *(found for inner in group.inside for found in _all(inner))]


def _note(node: Part) -> str:
    listed = node.facts.get("cpus")
    if listed is None:
        return "its CPUs were not read"
    return f"lists CPUs {listed}" if listed else "memory without CPUs"


def _panel(heading: str, inner: svg.Block) -> svg.Block:
    return svg.column([svg.label(heading, "head"), inner], 4)
