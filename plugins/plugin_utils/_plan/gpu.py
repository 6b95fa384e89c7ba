# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs the models run on.

Sources: docs/policy.md, rules G1, G2, G5, G6 and G7; what a library serves is in served.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.served import serve

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning


def check_drivers(planning: Planning) -> None:
    """Refuse a host whose driver answered for none of its cards: a plan without them would be that of a smaller one."""
    for vendor, cause in planning.machine.driver_errors.items():
        cards = [gpu for gpu in planning.machine.gpus if gpu.vendor == vendor and gpu.answers is None]
        maker = cards[0].maker if cards else None
        if maker is None or (maker.cuda and planning.policy.cuda_visible_devices == ()):
            continue
        planning.error(
            f"{maker.title}'s driver answers for none of {len(cards)} GPU(s) on this host: {cause}. A server that"
            " restarts now runs on the CPUs, and a plan without these cards would take settings away that the next run"
            f" brings back. After an upgrade of the driver reboot, or stop what uses the cards and reload the module"
            f" {maker.module}; until {maker.tool} shows them this host is left as it is"
            + (", unless ollama_cuda_visible_devices is none" if maker.cuda else "")
        )


def usable(planning: Planning) -> list[Gpu]:
    """The host's cards that a server of this release would use, partitions in place of the card that they divide."""
    judged = [(gpu, serve(planning, gpu)) for gpu in planning.machine.gpus]
    some = any(service.library for _gpu, service in judged)
    cards: list[Gpu] = []
    for gpu, service in judged:
        if service.hint is not None and not (some and not service.library and service.hint.quiet):
            planning.warn(service.hint.code, service.hint.message, service.hint.remedy)
        if service.library is not None:
            cards += [replace(card, library=service.library) for card in gpu.partitions or (gpu,)]
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
    parts = [part for card in chosen for part in (card.partitions or (card,))]
    # Those of the host do not know yet what serves them.
    return [card for part in parts for card in cards if card == part] + others


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


def _nvidia(planning: Planning) -> list[Gpu]:
    return [gpu for gpu in planning.machine.gpus if gpu.maker.cuda and gpu.answers is not False]


def _by_name(planning: Planning) -> dict[str, Gpu]:
    cards = [gpu for card in _nvidia(planning) for gpu in (card, *card.partitions)]
    return {str(gpu.index): gpu for gpu in cards if gpu.index is not None} | {
        gpu.uuid: gpu for gpu in cards if gpu.uuid
    }


def _unread_partition(planning: Planning, device: str) -> bool:
    return device.startswith("MIG-") and not any(gpu.partitions for gpu in planning.machine.gpus)
