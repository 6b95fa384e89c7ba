# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole picture of a host: title, boxes, cards, tables, legend.

Pure: the same facts give the same bytes. Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import cards, tables
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.boxes import Boxes
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cells import Cells
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Host
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.legend import legend
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import nest
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import (
    GAP,
    ROOT,
    SIZES,
    WIDTH,
    sheet,
    size_class,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.summary import remarks, totals
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.svg import (
    Block,
    at,
    column,
    escape,
    flow,
    framed,
    grid,
    label,
    rect,
    row,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Part
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.nest import Group
    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import Size

_MARGIN = 20
_NARROWEST = 620


def topology_svg(topology: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]] | None = None) -> str:
    """One SVG document that ends in a line break.

    ``host`` is the name in the title. With the ``instances`` of a plan, their CPUs and GPUs are marked. Raises
    OllamaError where the topology is not what topology_facts returns.
    """
    return _Picture(Host(topology, instances), str(host)).document()


def inline_svg(topology: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The same as an element for a page that has shared_sheet(), to assistive programs one image."""
    return _Picture(Host(topology, instances), str(host)).element()


class _Picture:
    def __init__(self, host: Host, name: str) -> None:
        self.host = host
        self.name = name
        caches = host.caches
        # Each core its own cache: a box around each would say the same as its core.
        self.private = len(caches) > 1 and all(sum(1 for c in host.cores if c & each.cpus) < 2 for each in caches)
        levels = [host.nodes, host.sockets, [] if self.private else caches]
        self.root, self.crossing = nest(levels, host.online)
        drawn = {part.level for group in _all(self.root) for part in group.parts}
        self.levels = drawn

    def document(self) -> str:
        size, room, inside = self._drawn()
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{ROOT}" role="graphics-document"{room}>\n'
            f"{self._words()}{sheet(size)}{inside}\n</svg>\n"
        )

    def element(self) -> str:
        size, room, inside = self._drawn()
        return f'<svg class="{ROOT} {size_class(size)}" role="img"{room}>\n{self._words()}{inside}\n</svg>\n'

    def _words(self) -> str:
        heading, words = escape(f"Topology of {self.name}"), escape("; ".join([totals(self.host), *self._remarks()]))
        return f"<title>{heading}</title>\n<desc>{words}</desc>\n"

    def _drawn(self) -> tuple[Size, str, str]:
        """The size of its CPUs, the attributes that tell how large the picture is, and what is drawn."""
        size = SIZES[0]
        machine: Block | None = None
        for size in SIZES:
            machine = self._boxes(size).machine(self.root, WIDTH)
            if machine is None or (machine.height <= size.tallest and machine.width <= WIDTH):
                break
        top = [self._title(), *_beside(machine, self._panels(size))]
        across = max(_NARROWEST, *(block.width for block in top))
        page = column([*top, *legend(self.host, self.levels, across)], 14)
        width, height = max(page.width, _NARROWEST), page.height
        outer, down = width + 2 * _MARGIN, height + 2 * _MARGIN
        room = f' width="{outer}" height="{down}" viewBox="0 0 {outer} {down}"'
        background = rect("page", outer - 1, down - 1, 10, (0.5, 0.5))
        return size, room, f"{background}\n{at(_MARGIN, _MARGIN, page.draw(width, height))}"

    def _remarks(self) -> list[str]:
        return remarks(self.host, self.crossing, private_cache=self.private)

    def _title(self) -> Block:
        model = str(self.host.cpu.get("model") or "CPU model not read")
        lines = [label(self.name, "title", limit=WIDTH), label(model, "head", "muted", WIDTH)]
        lines.append(label(totals(self.host), limit=WIDTH))
        lines += [label(text, limit=WIDTH) for text in self._remarks()]
        return column(lines, 2)

    def _boxes(self, size: Size) -> Boxes:
        return Boxes(Cells(self.host, size), self._cards)

    def _cards(self, node: Part, limit: int) -> Block | None:
        gpus = self.host.gpus if node.number is not None else []
        own = [gpu for gpu in gpus if gpu.facts.get("numa_node") == node.number]
        return cards.strip(own, limit, wired=len(self.host.gpus) == 2)

    def _panels(self, size: Size) -> list[Block]:
        host, boxes = self.host, self._boxes(size)
        unread = {"CPUs": not host.online, "NUMA nodes": not host.nodes_known, "GPUs": not host.gpus_known}
        panels = [_panel(what, framed("loose bare", label("not read"))) for what, lacking in unread.items() if lacking]
        bare = [boxes.bare_node(node, WIDTH // 3, _note(node)) for node in host.nodes if not self._boxed(node)]
        if bare:
            panels.append(_panel("NUMA nodes without cores", grid(bare, WIDTH)))
        if host.offline:
            panels.append(_panel("Offline CPUs", boxes.cells.switched_off(WIDTH // 3)))
        known = {node.number for node in host.nodes}
        lost = [gpu for gpu in host.gpus if gpu.facts.get("numa_node") not in known - {None}]
        astray = cards.strip(lost, WIDTH, wired=len(host.gpus) == 2)
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


def _beside(machine: Block | None, panels: list[Block]) -> list[Block]:
    """The boxes with the panels at their side where both are small, else the panels below."""
    if machine is None or not panels:
        return [block for block in (machine, *panels) if block]
    left = WIDTH - machine.width - 2 * GAP
    if max(panel.width for panel in panels) <= left:
        side = flow(panels, left, 2 * GAP, 2 * GAP, stretch=False)
        if side.height <= machine.height + 60:
            return [row([machine, side], 2 * GAP, stretch=False)]
    return [machine, flow(panels, WIDTH, 2 * GAP, 2 * GAP, stretch=False)]


def _all(group: Group) -> list[Group]:
    return [group, *(found for inner in group.inside for found in _all(inner))]


def _note(node: Part) -> str:
    listed = node.facts.get("cpus")
    if listed is None:
        return "its CPUs were not read"
    return f"lists CPUs {listed}" if listed else "memory without CPUs"


def _panel(heading: str, inner: Block) -> Block:
    return column([label(heading, "head"), inner], 4)


__all__ = ("inline_svg", "topology_svg")
