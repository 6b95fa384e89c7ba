# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances between NUMA nodes and links between GPUs as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.cards import direct, link_kind
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Gpu, Part

# A larger table would be larger than the picture above it.
LARGEST = 36
_HEIGHT = 18
# The ways over PCI from the shortest to the longest, as nvidia-smi(1) explains them.
_WAYS = ("PIX", "PXB", "PHB", "NODE", "SYS")


def distances(nodes: Sequence[Part]) -> svg.Block | None:
    """What reaching each node's memory costs from each node, 10 being the own one; None for a single node."""
    if len(nodes) < 2:
        return None
    heading = "NUMA distances"
    known = [int(cost) for node in nodes for cost in (node.facts.get("distances") or {}).values() if cost]
    if len(nodes) > LARGEST or not known:
        text = f"from {min(known)} to {max(known)}" if known else "not read"
        return svg.column([svg.label(heading, "head"), svg.label(text)], 4)
    ranks = {cost: rank for rank, cost in enumerate(sorted(set(known)))}
    most = max(3, len(ranks) - 1)

    def cell(row: int, column_: int) -> tuple[str, int]:
        cost = (nodes[row].facts.get("distances") or {}).get(str(nodes[column_].number))
        return ("?", 0) if cost is None else (str(cost), 3 * ranks[cost] // most)

    names = ["?" if node.number is None else str(node.number) for node in nodes]
    return _table(heading, "node", names, cell, "10 is the own memory; more is farther")


def links(gpus: Sequence[Gpu]) -> list[svg.Block]:
    """For each vendor with several GPUs how they reach each other; none where none of them is linked."""
    tables = []
    for vendor in dict.fromkeys(gpu.facts.get("vendor") for gpu in gpus):
        own = [gpu for gpu in gpus if gpu.facts.get("vendor") == vendor and gpu.facts.get("index") is not None]
        if len(own) < 2 or not any(gpu.facts.get("links") for gpu in own):
            continue
        heading = f"Links between {vendor_of(vendor).title} GPUs"
        if len(own) > LARGEST:
            kinds = sorted({str(link["kind"]) for gpu in own for link in gpu.facts.get("links") or [] if link})
            tables.append(svg.column([svg.label(heading, "head"), svg.label(", ".join(kinds))], 4))
            continue
        tables.append(_table(heading, "GPU", [str(gpu.facts["index"]) for gpu in own], _link_cells(own)))
    return tables


def _link_cells(gpus: Sequence[Gpu]) -> Callable[[int, int], tuple[str, int]]:
    def cell(row: int, column_: int) -> tuple[str, int]:
        if row == column_:
            return "·", 0
        kind = link_kind(gpus[row], gpus[column_])
        if kind is None:
            return "?", 0
        if direct(kind):
            return kind, 0
        return kind, 1 + 2 * _WAYS.index(kind) // (len(_WAYS) - 1) if kind in _WAYS else 1

    return cell


def _table(
    heading: str, what: str, names: Sequence[str], cell: Callable[[int, int], tuple[str, int]], note: str = ""
) -> svg.Block:
    """A square table; a cell is its text and a shade from 0, the nearest, to 3."""
    cells = [[cell(row, column_) for column_ in range(len(names))] for row in range(len(names))]
    texts = [text for row in cells for text, _shade in row]
    width = max(svg.measure(text, "small") for text in [*texts, *names, "00"]) + 8
    first = svg.measure(what, "small") + 8
    parts = [svg.text(what, "small muted", 0, 13)]
    for number, name in enumerate(names):
        parts.append(_centred(name, "muted", first + number * width, 0, width))
        top = (number + 1) * _HEIGHT
        parts.append(_centred(name, "muted", 0, top, first))
        for column_, (text, shade) in enumerate(cells[number]):
            left = first + column_ * width
            parts.append(svg.rect(f"line d{shade}", width, _HEIGHT, 0, (left, top)))
            parts.append(_centred(text, "", left, top, width))
    body = svg.fixed(first + len(names) * width + 1, (len(names) + 1) * _HEIGHT + 1, "\n".join(parts))
    notes = [svg.label(note, "small", "muted")] if note else []
    return svg.column([svg.label(heading, "head"), *notes, body], 4)


def _centred(text: str, more: str, left: int, top: int, width: int) -> str:
    return svg.text(text, f"small mid {more}".strip(), left + width / 2, top + 13)
