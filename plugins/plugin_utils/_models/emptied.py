# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as it would be if its servers held no model: they would unload one to load another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def emptied(topology: Mapping[str, Any], loaded: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], list[str]]:
    """The facts with what the models take of cards counted as free, and a sentence that says so.

    ``loaded`` are the models of ``/api/ps`` as service_info returns them. On which card one lies is not said there, so
    each card gets back a part of what is used of it. What the driver keeps for their processes is not in that number
    and stays used. The host's available memory has the weights already, since they are files that can be read again.
    """
    held = [model for model in loaded if model.get("size_vram_bytes")]
    cards = topology.get("gpus") or []
    used = [_used(card) for card in cards]
    back = min(sum(int(model["size_vram_bytes"]) for model in held), sum(used))
    if not back:
        return topology, []
    given = [
        {**card, "free_bytes": card["free_bytes"] + back * part // sum(used)} if part else card
        for card, part in zip(cards, used)
    ]
    names = ", ".join(str(model.get("name")) for model in held)
    words = f"{names} {'is' if len(held) == 1 else 'are'} in memory; {bytes_of(back)} of the cards count as free"
    return {**topology, "gpus": given}, [words]


def _used(card: Mapping[str, Any]) -> int:
    total, free = card.get("memory_bytes"), card.get("free_bytes")
    return 0 if total is None or free is None else max(0, total - free)
