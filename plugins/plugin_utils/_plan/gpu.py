# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs the models run on.

Sources: docs/policy.md, rules G1, G2, G5 and G6.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import LOWEST_COMPUTE, Gpu

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case


def usable(case: Case) -> list[Gpu]:
    """The host's cards that a server of this release would use, partitions in place of the card that they divide."""
    cards: list[Gpu] = []
    for gpu in case.machine.gpus:
        if _counts(case, gpu):
            cards += gpu.partitions or [gpu]
    return cards


def wanted(case: Case, cards: list[Gpu]) -> list[Gpu]:
    """Those of the cards that ``ollama_cuda_visible_devices`` leaves, in its order; cards of other vendors stay."""
    wish = case.policy.cuda_visible_devices
    if wish is None:
        return cards
    others = [gpu for gpu in cards if gpu.vendor != "nvidia"]
    known = _by_name(case)
    unknown = [device for device in wish if device not in known and not _unread_partition(case, device)]
    if unknown:
        names = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in _nvidia(case)) or "none"
        case.refuse(
            f"ollama_cuda_visible_devices: {', '.join(unknown)!r} is not on this host; NVIDIA GPUs here: {names}; or"
            " auto, or none"
        )
    chosen = [known[device] for device in wish if device in known]
    return [gpu for card in chosen for gpu in (card.partitions or [card]) if gpu in cards] + others


def one_process(case: Case, cards: list[Gpu]) -> list[Gpu]:
    """Those of the cards that a single server can use: CUDA shows a process one partition, or cards that are whole."""
    partitions = [gpu for gpu in cards if gpu.partition]
    if not partitions:
        return cards
    whole = [gpu for gpu in cards if not gpu.partition]
    best = max(partitions, key=lambda gpu: gpu.memory_bytes or 0)
    kept = whole if any(gpu.vendor == "nvidia" for gpu in whole) else [best, *whole]
    idle = len(cards) - len(kept)
    if idle:
        case.warn(
            "partitions-idle",
            f"{idle} of {len(partitions)} MIG partition(s) stay unused: CUDA shows one process a single partition, or"
            " the cards that are not partitioned",
            "set ollama_instances: per_gpu, which runs a server for each",
        )
    return kept


def _counts(case: Case, gpu: Gpu) -> bool:
    if gpu.vendor == "nvidia" and gpu.compute is not None and gpu.compute < LOWEST_COMPUTE:
        case.warn(
            "gpu-too-old",
            f"{gpu.label} is below compute capability {LOWEST_COMPUTE[0]}.{LOWEST_COMPUTE[1]}, the least that any"
            " Ollama release was built for",
            "nothing to set: models run on the other devices",
        )
        return False
    if gpu.integrated or gpu.vendor not in ("nvidia", "amd"):
        return False
    if not (gpu.memory_bytes or gpu.gfx_target or (gpu.vendor == "nvidia" and case.machine.nvidia_driver)):
        case.warn(
            "gpu-without-driver",
            f"no driver answered for {gpu.label} at {gpu.pci_bus_id}; the plan does not count on it",
            "install the vendor's driver; ollama_topology.problems says what was tried",
        )
        return False
    return gpu.vendor != "nvidia" or _driver_serves(case, gpu)


def _driver_serves(case: Case, gpu: Gpu) -> bool:
    driver = case.machine.nvidia_driver
    major = driver.partition(".")[0] if driver else ""
    needed = 0
    if case.at_least("0.30.0") and gpu.compute is not None and gpu.compute < (7, 0):
        needed = 570
    elif case.at_least("0.30.11"):
        needed = 550
    if not major.isdigit() or int(major) >= needed:
        return True
    case.warn(
        "driver-too-old",
        f"{case.release_text} drops {gpu.label} with driver {driver}: it wants driver {needed} or later for this card",
        f"upgrade the NVIDIA driver to {needed} or later, or run a release before 0.30.0",
    )
    return False


def _nvidia(case: Case) -> list[Gpu]:
    return [gpu for gpu in case.machine.gpus if gpu.vendor == "nvidia"]


def _by_name(case: Case) -> dict[str, Gpu]:
    cards = [gpu for card in _nvidia(case) for gpu in (card, *card.partitions)]
    return {str(gpu.index): gpu for gpu in cards if gpu.index is not None} | {
        gpu.uuid: gpu for gpu in cards if gpu.uuid
    }


def _unread_partition(case: Case, device: str) -> bool:
    return device.startswith("MIG-") and not any(gpu.partitions for gpu in case.machine.gpus)


__all__ = ("one_process", "usable", "wanted")
