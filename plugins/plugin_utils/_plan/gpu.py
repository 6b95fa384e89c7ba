# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs the models run on.

Sources: docs/policy.md, rules G1, G2, G5 and G6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning


def usable(planning: Planning) -> list[Gpu]:
    """The host's cards that a server of this release would use, partitions in place of the card that they divide."""
    cards: list[Gpu] = []
    for gpu in planning.machine.gpus:
        if _counts(planning, gpu):
            cards += gpu.partitions or [gpu]
    return cards


def wanted(planning: Planning, cards: list[Gpu]) -> list[Gpu]:
    """Those of the cards that ``ollama_cuda_visible_devices`` leaves, in its order; cards of other vendors stay."""
    option = planning.policy.cuda_visible_devices
    if option is None:
        return cards
    others = [gpu for gpu in cards if not gpu.maker.cuda]
    known = _by_name(planning)
    unknown = [device for device in option if device not in known and not _unread_partition(planning, device)]
    if unknown:
        names = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in _nvidia(planning)) or "none"
        planning.error(
            f"ollama_cuda_visible_devices: {', '.join(unknown)!r} is not on this host; NVIDIA GPUs here: {names}; or"
            " auto, or none"
        )
    chosen = [known[device] for device in option if device in known]
    return [gpu for card in chosen for gpu in (card.partitions or [card]) if gpu in cards] + others


def one_process(planning: Planning, cards: list[Gpu]) -> list[Gpu]:
    """Those of the cards that a single server can use: CUDA shows a process one partition, or cards that are whole."""
    partitions = [gpu for gpu in cards if gpu.partition]
    if not partitions:
        return cards
    whole = [gpu for gpu in cards if not gpu.partition]
    best = max(partitions, key=lambda gpu: gpu.memory_bytes or 0)
    kept = whole if any(gpu.maker.cuda for gpu in whole) else [best, *whole]
    idle = len(cards) - len(kept)
    if idle:
        planning.warn(
            "partitions-idle",
            f"{idle} of {len(partitions)} MIG partition(s) stay unused: CUDA shows one process a single partition, or"
            " the cards that are not partitioned",
            "set ollama_instances: per_gpu, which runs a server for each",
        )
    return kept


def _counts(planning: Planning, gpu: Gpu) -> bool:
    lowest = gpu.maker.lowest_compute
    if lowest and gpu.compute is not None and gpu.compute < lowest:
        planning.warn(
            "gpu-too-old",
            f"{gpu.label} is below compute capability {lowest[0]}.{lowest[1]}, the least that any"
            " Ollama release was built for",
            "nothing to set: models run on the other devices",
        )
        return False
    if gpu.integrated or gpu.maker.visible is None:
        return False
    if not (gpu.memory_bytes or gpu.gfx_target or (gpu.maker.cuda and planning.machine.nvidia_driver)):
        planning.warn(
            "gpu-without-driver",
            f"no driver answered for {gpu.label} at {gpu.pci_bus_id}; the plan does not count on it",
            "install the vendor's driver; ollama_topology.problems says what was tried",
        )
        return False
    return not gpu.maker.cuda or _driver_serves(planning, gpu)


def _driver_serves(planning: Planning, gpu: Gpu) -> bool:
    driver = planning.machine.nvidia_driver
    major = driver.partition(".")[0] if driver else ""
    needed = 0
    if planning.reached("llama_server") and gpu.compute is not None and gpu.compute < (7, 0):
        needed = 570
    elif planning.reached("newer_nvidia_driver"):
        needed = 550
    if not major.isdigit() or int(major) >= needed:
        return True
    planning.warn(
        "driver-too-old",
        f"{planning.release_text} drops {gpu.label} with driver {driver}: it needs driver {needed} or later for this"
        " card",
        f"upgrade the NVIDIA driver to {needed} or later, or run a release before {planning.since('llama_server')}",
    )
    return False


def _nvidia(planning: Planning) -> list[Gpu]:
    return [gpu for gpu in planning.machine.gpus if gpu.maker.cuda]


def _by_name(planning: Planning) -> dict[str, Gpu]:
    cards = [gpu for card in _nvidia(planning) for gpu in (card, *card.partitions)]
    return {str(gpu.index): gpu for gpu in cards if gpu.index is not None} | {
        gpu.uuid: gpu for gpu in cards if gpu.uuid
    }


def _unread_partition(planning: Planning, device: str) -> bool:
    return device.startswith("MIG-") and not any(gpu.partitions for gpu in planning.machine.gpus)
