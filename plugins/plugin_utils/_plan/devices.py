# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the server is told which GPUs to use, in which order, through which library, spread or not.

Sources: docs/policy.md, rules G2 to G4 and G7.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

VISIBLE, ORDER, SPREAD = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OLLAMA_SCHED_SPREAD"
ROCR, VULKAN, LIBRARY = "ROCR_VISIBLE_DEVICES", "OLLAMA_VULKAN", "OLLAMA_LLM_LIBRARY"
# From then on discovery keeps only the libraries of that name, and knows cuda_v12 and cuda_v13 (ml/device.go).
LIBRARY_SINCE = "0.12.4"
# cuda_v13 has kernels from here on; cuda_v12 up to 9.0 and, of the later ones, for 12.0 (CMakePresets.json).
CUDA_13_FROM = (7, 5)
CUDA_12_LAST, CUDA_12_ALSO = (9, 0), (12, 0)


def show(case: Case, cards: list[Gpu]) -> dict[str, str]:
    """The environment by which the server sees ``case.gpus`` alone of all usable ``cards`` of the host."""
    environment = _cuda(case, cards)
    environment.update(_rocm(case, cards))
    if environment and any(gpu not in case.gpus for gpu in case.machine.gpus if gpu.vendor in ("nvidia", "amd")):
        environment.update(_vulkan(case))
    nvidia = [gpu for gpu in case.gpus if gpu.vendor == "nvidia"]
    if len([gpu for gpu in cards if gpu.vendor == "nvidia"]) > 1 and nvidia:
        reason = "CUDA then numbers the cards by PCI address as nvidia-smi does; its own order is fastest first"
        environment[ORDER] = str(case.decide(ORDER, "PCI_BUS_ID", POLICY, reason))
    environment.update(_library(case, nvidia))
    environment.update(_spread(case))
    return environment


def _cuda(case: Case, cards: list[Gpu]) -> dict[str, str]:
    wish = case.policy.cuda_visible_devices
    mine = [gpu for gpu in case.gpus if gpu.vendor == "nvidia"]
    here = [gpu for gpu in case.machine.gpus if gpu.vendor == "nvidia" and case.machine.nvidia_driver]
    names = "; ".join(gpu.label for gpu in mine)
    if wish == ():
        reason = "ollama_cuda_visible_devices is none: -1 hides every NVIDIA GPU; an empty value would count as unset"
        return {VISIBLE: str(case.decide(VISIBLE, "-1", OPERATOR, reason))}
    if wish is not None:
        reason = f"ollama_cuda_visible_devices names {names or 'no card that this release would use'}"
        return {VISIBLE: str(case.decide(VISIBLE, ",".join(wish), OPERATOR, reason))}
    if not here or (case.count == 1 and not mine and not [gpu for gpu in cards if gpu.vendor == "nvidia"]):
        case.decide(VISIBLE, None, POLICY, _why_none(case))
        return {}
    if not mine:
        reason = f"none of the {len(here)} NVIDIA GPU(s) is this instance's; -1 hides them, empty would count as unset"
        return {VISIBLE: str(case.decide(VISIBLE, "-1", POLICY, reason))}
    if len(mine) == len(here) and not any(gpu.partition for gpu in mine):
        case.decide(VISIBLE, None, POLICY, f"not set, so that the server sees every GPU: {names}")
        return {}
    ordered = sorted(mine, key=lambda gpu: (gpu.pci_bus_id or "", gpu.index or 0))
    reason = f"of {len(here)} NVIDIA GPU(s) these, by UUID in the order of their PCI addresses: {names}"
    value = ",".join(gpu.uuid or str(gpu.index) for gpu in ordered)
    return {VISIBLE: str(case.decide(VISIBLE, value, POLICY, reason))}


def _rocm(case: Case, cards: list[Gpu]) -> dict[str, str]:
    here = [gpu for gpu in cards if gpu.vendor == "amd"]
    mine = [gpu for gpu in case.gpus if gpu.vendor == "amd"]
    if len(mine) == len(here):
        return {}
    value = ",".join(gpu.uuid or str(gpu.index) for gpu in mine) or "-1"
    names = "; ".join(gpu.label for gpu in mine) or "none; an index that no card has hides them all"
    return {ROCR: str(case.decide(ROCR, value, POLICY, f"of {len(here)} AMD GPU(s) this instance uses {names}"))}


def _vulkan(case: Case) -> dict[str, str]:
    if not case.at_least("0.30.0"):
        return {}
    source = OPERATOR if case.policy.cuda_visible_devices is not None else POLICY
    reason = "without it a card that is hidden here can come back as a Vulkan device"
    return {VULKAN: str(case.decide(VULKAN, "0", source, reason))}


def _why_none(case: Case) -> str:
    if not case.machine.gpus_read:
        return "not set: the host's GPUs were not read"
    others = "; ".join(gpu.label for gpu in case.machine.gpus if gpu not in case.gpus)
    return f"not set: left to the server are {others}" if others else "not set: the host has no NVIDIA GPU"


def _library(case: Case, nvidia: list[Gpu]) -> dict[str, str]:
    computes = [gpu.compute for gpu in nvidia]
    old = [gpu for gpu in nvidia if gpu.compute is not None and gpu.compute < CUDA_13_FROM]
    if not nvidia:
        return {}
    if not old or None in computes or len(nvidia) < len(case.gpus):
        case.decide(LIBRARY, None, POLICY, "not set: the server chooses the CUDA library by card and driver")
        return {}
    if not case.at_least(LIBRARY_SINCE):
        reason = f"not set: {case.release_text} chooses by itself, and an exact name counts from {LIBRARY_SINCE} on"
        case.decide(LIBRARY, None, POLICY, reason)
        return {}
    beyond = [gpu for gpu in nvidia if gpu.compute and gpu.compute > CUDA_12_LAST and gpu.compute != CUDA_12_ALSO]
    if beyond:
        case.decide(
            LIBRARY,
            None,
            POLICY,
            f"not set: {old[0].label} needs cuda_v12 and {beyond[0].label} needs cuda_v13, so no model spans both",
        )
        return {}
    reason = (
        f"{old[0].label} has no kernels in cuda_v13, which starts at {CUDA_13_FROM[0]}.{CUDA_13_FROM[1]}; cuda_v12"
        f" serves all {len(nvidia)} card(s), so that a model may span them"
    )
    return {LIBRARY: str(case.decide(LIBRARY, "cuda_v12", POLICY, reason))}


def _spread(case: Case) -> dict[str, str]:
    wish = case.policy.sched_spread
    if wish is None:
        reason = "not set: a model that fits one card answers faster from one card"
        if len(case.gpus) < 2:
            reason = f"not set: there is nothing to spread over on {len(case.gpus)} GPU(s)"
        case.decide(SPREAD, None, POLICY, reason)
        return {}
    if wish and len(case.gpus) < 2:
        case.warn(
            "nothing-to-spread",
            f"ollama_sched_spread is true, and the server will see {len(case.gpus)} usable GPU(s)",
            "leave ollama_sched_spread on auto on this host",
        )
    how = (
        "the server no longer puts a model on a single card even if it fits there"
        if wish
        else "a model goes to the fewest cards that hold it"
    )
    reason = f"ollama_sched_spread is {str(wish).lower()}: {how}"
    return {SPREAD: str(case.decide(SPREAD, "1" if wish else "0", OPERATOR, reason))}


__all__ = ("show",)
