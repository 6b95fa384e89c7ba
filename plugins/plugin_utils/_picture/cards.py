# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs as cards, and the link between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of, memory
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import PAD
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Gpu

CARD = 232
_BAND = 22
_LONGEST_WIRE = 90
# The width of two cards with a wire between them.
PAIR = 2 * (CARD + 2 * PAD) + _LONGEST_WIRE


def card(gpu: Gpu) -> svg.Block:
    """One GPU: what it is, its memory, its generation, where it is plugged in."""
    facts = gpu.facts
    lines = [svg.label(str(facts.get("name") or _unnamed(facts)), "strong", limit=CARD), *memory(facts, CARD)]
    target, generation = _target(facts), facts.get("architecture")
    if target or generation:
        words = f"{target} ({generation})" if target and generation else str(target or generation)
        lines.append(svg.label(words, limit=CARD))
    lines.append(svg.label(str(facts.get("pci_bus_id") or "PCI address not read"), "small", "muted", CARD))
    lines += [svg.label(text, "small", "muted", CARD) for text in _remarks(facts)]
    inner = svg.column(lines, 1)
    run = " run" if gpu.used else ""

    def draw(width: int, height: int) -> str:
        parts = [
            svg.rect(f"box gpu{run}", width, height, 6),
            svg.rect(f"band{run}", width - 2, _BAND, 5, (1, 1)),
            svg.text(gpu.label, f"strong{run}", PAD, 16),
        ]
        if gpu.used:
            parts.append(svg.text("in use", "small run", PAD + 8 + svg.measure(gpu.label, "strong"), 16))
        return "".join(parts) + svg.at(PAD, _BAND + 4, inner.draw(width - 2 * PAD, inner.height))

    return svg.Block(CARD + 2 * PAD, inner.height + _BAND + 10, draw)


def _unnamed(facts: Mapping[str, Any]) -> str:
    return f"{vendor_of(facts.get('vendor')).title} (name not read)".strip()


def _target(facts: Mapping[str, Any]) -> str | None:
    compute, gfx = facts.get("compute_capability"), facts.get("gfx_target")
    if compute:
        return f"compute capability {compute}"
    return str(gfx) if gfx else vendor_of(facts.get("vendor")).unread


def _remarks(facts: Mapping[str, Any]) -> list[str]:
    remarks = []
    if facts.get("integrated"):
        remarks.append("shares the host's memory")
    if facts.get("display_active"):
        remarks.append("drives a display")
    if facts.get("answers") is False:
        remarks.append("no driver answers for it")
    mig = facts.get("mig") or {}
    if mig.get("enabled"):
        remarks.append("MIG partitions:" if mig.get("instances") else "MIG is on, without partitions")
        remarks += [f"  {_partition(instance)}" for instance in mig.get("instances") or [] if instance]
    return remarks


def _partition(instance: Mapping[str, Any]) -> str:
    size = instance.get("memory_bytes")
    return f"{instance.get('name') or '?'}" + ("" if size is None else f", {bytes_of(size)}")


def strip(gpus: Sequence[Gpu], limit: int, *, wired: bool) -> svg.Block | None:
    """The cards side by side, at least PAIR wide; ``wired`` draws the link between two of them as a line."""
    if not gpus:
        return None
    cards = [card(gpu) for gpu in gpus]
    kind = link_kind(gpus[0], gpus[1]) if wired and len(gpus) == 2 else None
    if kind is None:
        return svg.grid(cards, limit)
    return svg.row([cards[0], _wire(kind), cards[1]], 0, stretch=False)


def fits_wired(gpus: Sequence[Gpu]) -> bool:
    """Whether a line between two cards shows their link, so that no table is needed."""
    return len(gpus) == 2 and link_kind(gpus[0], gpus[1]) is not None


def link_kind(one: Gpu, other: Gpu) -> str | None:
    """How one GPU reaches another of its vendor, in the words of nvidia-smi or KFD."""
    if one.facts.get("vendor") != other.facts.get("vendor"):
        return None
    for first, second in ((one, other), (other, one)):
        for link in first.facts.get("links") or []:
            number = second.facts.get("index")
            if link and number is not None and link.get("to") == number and link.get("kind"):
                return str(link["kind"])
    return None


def direct(kind: str) -> bool:
    """Whether the link connects the two GPUs directly, not over PCI."""
    return kind.startswith(("NV", "XGMI"))


def _wire(kind: str) -> svg.Block:
    kind = svg.shortened(kind, _LONGEST_WIRE - 24, "strong")
    width, thick = svg.measure(kind, "strong") + 24, " thick" if direct(kind) else ""
    line = f'<path class="wire{thick}" d="M2 52h{width - 4}"/>'
    return svg.fixed(width, 60, line + svg.text(kind, "strong mid", width / 2, 44))
