# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a placed model takes of each device, and how the filter model_placement returns it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import CPU

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load
    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Device, Host

# Whether a model fits: all layers on cards, a part of them, none, or not at all.
ON_GPU, PARTLY, ON_CPU, NOT = "gpu", "partly", "cpu", "no"
SCHEMA = 1


@dataclass
class Use:
    """Bytes of a model on one device, by part; ``layers`` are those that it has there."""

    layers: int = 0
    weights: int = 0
    kv: int = 0
    compute: int = 0
    projector: int = 0
    runtime: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.compute + self.projector + self.runtime


@dataclass(frozen=True)
class Placed:
    """A model where the server puts it: what it takes of each card, by the card's number, and of the host.

    ``layers`` counts the output as one. With ``fits`` NOT, or None where a figure of the model is missing, it takes
    nothing.
    """

    fits: str | None
    reason: str
    cards: Mapping[int, Use] = field(default_factory=dict)
    host: Use = field(default_factory=Use)
    load: Load | None = None
    layers: int | None = None

    @property
    def on_cards(self) -> int:
        """Layers on cards, in whole or in part."""
        return sum(use.layers for use in self.cards.values())


def placed(found: Placed, names: Sequence[Device], *, whole: bool = True) -> Placed:
    """A model that fits, with the sentence that says where; ``whole`` where nothing of a layer is left to the host."""
    total, count = found.layers or 0, found.on_cards
    where = " and ".join(names[card].name for card, use in found.cards.items() if use.layers)
    if not count:
        why = "No layer is placed on a card." if names else "The server uses no card for this model."
        return replace(found, fits=ON_CPU, reason=f"{why} All {total} layers are on the CPUs.")
    if count == total and whole:
        return replace(found, fits=ON_GPU, reason=f"All {total} layers are on {where}.")
    left = f"the CPUs have {total - count}" if count < total else "the CPUs have a part of their experts"
    return replace(found, fits=PARTLY, reason=f"{count} of {total} layers are on {where}, and {left}.")


def model_entry(
    name: str, found: Placed, devices: Sequence[Device], evicts: list[str], *, resident: bool
) -> dict[str, Any]:
    """One model of the result."""
    uses = [(devices[card].key, use) for card, use in sorted(found.cards.items())]
    uses += [(CPU, found.host)] if found.host.total else []
    load = found.load
    return {
        "name": name,
        "context": load.context if load else None,
        "parallel": load.parallel if load else None,
        "rows": load.rows if load else None,
        "layers": found.layers,
        "layers_on_gpu": found.on_cards if found.fits is not None else None,
        "fits": found.fits,
        "devices": [
            {
                "device": key,
                "layers": use.layers,
                "weights_bytes": use.weights,
                "kv_bytes": use.kv,
                "compute_bytes": use.compute,
                "projector_bytes": use.projector,
                "runtime_bytes": use.runtime,
                "total_bytes": use.total,
            }
            for key, use in uses
        ],
        "evicts": evicts,
        "resident": resident,
        "reason": found.reason,
    }


def device_entries(
    devices: Sequence[Device], host: Host, now: Sequence[Device], host_now: Host
) -> list[dict[str, Any]]:
    """The devices of the result: before any model was loaded, and with those that are in memory at the end."""
    return [
        {
            "device": device.key,
            "name": device.name,
            "library": device.library,
            "memory_bytes": device.memory,
            "free_bytes": device.free,
            "left_bytes": left.free,
        }
        for device, left in zip(devices, now)
    ] + [
        {
            "device": CPU,
            "name": CPU,
            "library": CPU,
            "memory_bytes": host.total,
            "free_bytes": host.free,
            "left_bytes": host_now.free,
        }
    ]
