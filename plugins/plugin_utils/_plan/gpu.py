# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs the models run on, and how the server is told.

Sources: docs/policy.md, rules G1 to G4.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import LOWEST_COMPUTE, Gpu
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

VISIBLE, ORDER, SPREAD = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OLLAMA_SCHED_SPREAD"


def choose(case: Case) -> dict[str, str]:
    """Set ``case.gpus`` to the GPUs that models will run on, and return the environment that makes it so."""
    environment: dict[str, str] = {}
    case.gpus = [gpu for gpu in case.machine.gpus if _usable(case, gpu)]
    wish = case.policy.cuda_visible_devices
    if wish is not None:
        environment.update(_visible(case, wish))
    elif case.gpus:
        names = "; ".join(gpu.label for gpu in case.gpus)
        case.decide(VISIBLE, None, POLICY, f"not set, so that the server sees every GPU: {names}")
    else:
        case.decide(VISIBLE, None, POLICY, _why_none(case))
    nvidia = [gpu for gpu in case.gpus if gpu.vendor == "nvidia"]
    if len(nvidia) > 1:
        reason = "CUDA then numbers the cards by PCI address as nvidia-smi does; its own order is fastest first"
        environment[ORDER] = str(case.decide(ORDER, "PCI_BUS_ID", POLICY, reason))
    environment.update(_spread(case))
    _check_driver(case, nvidia)
    return environment


def _usable(case: Case, gpu: Gpu) -> bool:
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
    driven = bool(gpu.memory_bytes or gpu.gfx_target or (gpu.vendor == "nvidia" and case.machine.nvidia_driver))
    if not driven:
        case.warn(
            "gpu-without-driver",
            f"no driver answered for {gpu.label} at {gpu.pci_bus_id}; the plan does not count on it",
            "install the vendor's driver; ollama_topology.problems says what was tried",
        )
    return driven


def _why_none(case: Case) -> str:
    if not case.machine.gpus_read:
        return "not set: the host's GPUs were not read"
    others = "; ".join(gpu.label for gpu in case.machine.gpus)
    return f"not set: left to the server are {others}" if others else "not set: the host has no GPU"


def _visible(case: Case, wish: tuple[str, ...]) -> dict[str, str]:
    if not wish:
        case.gpus = [gpu for gpu in case.gpus if gpu.vendor != "nvidia"]
        reason = "ollama_cuda_visible_devices is none: -1 hides every NVIDIA GPU; an empty value would count as unset"
        environment = {VISIBLE: str(case.decide(VISIBLE, "-1", OPERATOR, reason))}
        if case.at_least("0.30.0"):
            reason = "without it a card hidden from CUDA can come back as a Vulkan device"
            environment["OLLAMA_VULKAN"] = str(case.decide("OLLAMA_VULKAN", "0", OPERATOR, reason))
        return environment
    cards = [gpu for gpu in case.machine.gpus if gpu.vendor == "nvidia"]
    known = {str(gpu.index): gpu for gpu in cards} | {gpu.uuid: gpu for gpu in cards if gpu.uuid}
    unknown = [device for device in wish if device not in known and not device.startswith("MIG-")]
    if unknown:
        names = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in cards) or "none"
        case.errors.append(
            f"ollama_cuda_visible_devices: {', '.join(unknown)!r} is not on this host; NVIDIA GPUs here: {names}; or"
            " auto, or none"
        )
    chosen = [known[device] for device in wish if device in known]
    case.gpus = [gpu for gpu in case.gpus if gpu.vendor != "nvidia" or gpu in chosen]
    reason = "ollama_cuda_visible_devices names " + "; ".join(gpu.label for gpu in chosen)
    return {VISIBLE: str(case.decide(VISIBLE, ",".join(wish), OPERATOR, reason))}


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
    return {
        SPREAD: str(
            case.decide(SPREAD, "1" if wish else "0", OPERATOR, f"ollama_sched_spread is {str(wish).lower()}: {how}")
        )
    }


def _check_driver(case: Case, nvidia: list[Gpu]) -> None:
    driver = case.machine.nvidia_driver
    major = driver.partition(".")[0] if driver else ""
    if not major.isdigit():
        return
    for gpu in nvidia:
        needed = 0
        if case.at_least("0.30.0") and gpu.compute is not None and gpu.compute < (7, 0):
            needed = 570
        elif case.at_least("0.30.11"):
            needed = 550
        if int(major) < needed:
            case.warn(
                "driver-too-old",
                f"{case.release_text} drops {gpu.label} with driver {driver}: it wants driver {needed} or later for"
                " this card",
                f"upgrade the NVIDIA driver to {needed} or later, or run a release before 0.30.0",
            )


__all__ = ("choose",)
