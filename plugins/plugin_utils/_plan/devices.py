# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs the server uses, in which order, through which library, spread or not.

Sources: docs/policy.md, rules G2 to G4, G6 and G7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.served import vulkan_serves
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import VARIABLE
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import (
    EXACT_LIBRARY,
    LIBRARY,
    OVERRIDE,
    VENDORS,
    VULKAN,
    VULKAN_ENABLE,
    VULKAN_VISIBLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import Vendor

ORDER, SPREAD = "CUDA_DEVICE_ORDER", "OLLAMA_SCHED_SPREAD"
# cuda_v13 has kernels from here on; cuda_v12 up to 9.0 and, of the later ones, for 12.0 (CMakePresets.json).
CUDA_13_FROM = (7, 5)
CUDA_12_LAST, CUDA_12_ALSO = (9, 0), (12, 0)


def show(planning: Planning, cards: list[Gpu]) -> None:
    """Decide how the server sees ``planning.gpus`` alone of all usable ``cards`` of the host."""
    cuda = [_cuda(planning, vendor, cards) for vendor in VENDORS.values() if vendor.cuda]
    others = [vendor for vendor in VENDORS.values() if vendor.visible and not vendor.cuda]
    named = [*cuda, *(_visible(planning, vendor, cards, cuda=any(cuda)) for vendor in others)]
    _vulkan(planning, cards, named=any(named))
    nvidia = [gpu for gpu in planning.gpus if gpu.maker.cuda]
    if len([gpu for gpu in cards if gpu.maker.cuda]) > 1 and nvidia:
        reason = "CUDA then numbers the cards by PCI address as nvidia-smi does; its own order is fastest first"
        planning.record(VARIABLE, ORDER, "PCI_BUS_ID", POLICY, reason)
    _library(planning, nvidia)
    _spread(planning)


def _cuda(planning: Planning, vendor: Vendor, cards: list[Gpu]) -> bool:
    """Decide which NVIDIA cards the server sees; return whether a variable names them."""
    option, value, source = planning.policy.cuda_visible_devices, None, POLICY
    mine = [gpu for gpu in planning.gpus if gpu.maker.cuda]
    here = [gpu for gpu in planning.machine.gpus if gpu.maker.cuda and _shown(planning, gpu)]
    names = "; ".join(gpu.label for gpu in mine)
    if option == ():
        value, source = "-1", OPERATOR
        reason = "ollama_cuda_visible_devices is none: -1 hides every NVIDIA GPU; an empty value would count as unset"
    elif option is not None:
        value, source = ",".join(option), OPERATOR
        reason = f"ollama_cuda_visible_devices names {names or 'no card that this release would use'}"
    elif not here or (planning.count == 1 and not mine and not any(gpu.maker.cuda for gpu in cards)):
        reason = _why_none(planning)
    elif not mine:
        value = "-1"
        reason = f"none of the {len(here)} NVIDIA GPU(s) is this instance's; -1 hides them, empty would count as unset"
    elif len(mine) == len(here) and not any(gpu.partition for gpu in mine):
        reason = f"not set, so that the server sees every GPU: {names}"
    else:
        ordered = sorted(mine, key=lambda gpu: (gpu.pci_bus_id or "", gpu.index or 0))
        value = _names(planning, ordered)
        reason = f"of {len(here)} NVIDIA GPU(s) these, by UUID in the order of their PCI addresses: {names}"
    planning.record(VARIABLE, str(vendor.visible), value, source, reason)
    return value is not None


def _shown(planning: Planning, gpu: Gpu) -> bool:
    """Whether CUDA would show the card to a server."""
    return planning.machine.has_driver(gpu) and gpu.answers is not False and not gpu.undivided


def _visible(planning: Planning, vendor: Vendor, cards: list[Gpu], *, cuda: bool) -> bool:
    """Decide which of a vendor's cards the server sees; return whether a variable names them.

    ``cuda``: CUDA's variable is set, which this vendor's library reads too where its own for indexes is empty.
    """
    served = [gpu for gpu in cards if gpu.maker == vendor and gpu.library == vendor.library]
    mine = [gpu for gpu in planning.gpus if gpu in served]
    ordinal = bool(cuda and mine and vendor.ordinal)
    # Its indexes count what the other variable leaves, cards that the server would drop by itself among them.
    here = [gpu for gpu in planning.machine.gpus if gpu.maker == vendor and gpu.answers is not False]
    of = here if ordinal else served
    if len(mine) == len(of):
        named = False
    else:
        value = _names(planning, mine) if mine else "-1"
        names = "; ".join(gpu.label for gpu in mine) or "none; an index that no card has hides them all"
        reason = f"of {len(of)} {vendor.title} GPU(s) this instance uses {names}"
        planning.record(VARIABLE, str(vendor.visible), value, POLICY, reason)
        named = value is not None
    if ordinal:
        reason = (
            f"{vendor.title}'s library takes {vendor.mistaken} for its own where this is empty, and would find none of"
            f" its {len(mine)} card(s); indexes of what {vendor.visible} leaves"
        )
        planning.record(VARIABLE, str(vendor.ordinal), ",".join(map(str, range(len(mine)))), POLICY, reason)
    return named


def _names(planning: Planning, cards: list[Gpu]) -> str | None:
    """The cards as a variable names them, all by UUID or all by index; without either the plan is refused."""
    for names in ([gpu.uuid for gpu in cards], [gpu.index for gpu in cards]):
        if all(name is not None and name != "" for name in names):
            return ",".join(map(str, names))
    unnamed = "; ".join(f"{gpu.label} at {gpu.place}" for gpu in cards if not gpu.uuid)
    planning.error(
        f"{_asked(planning)}: cards of an instance cannot be named apart from the others, because neither UUID nor"
        f" index of {unnamed} was read; allowed is one server that sees every card (ollama_instances: single);"
        " ollama_topology.problems says what was tried"
    )
    return None


def _asked(planning: Planning) -> str:
    """The variable by which an operator divides the cards."""
    return "ollama_instances" if planning.count > 1 else "ollama_cuda_visible_devices"


def _vulkan(planning: Planning, cards: list[Gpu], *, named: bool) -> None:
    """Keep cards that are hidden from the server, or are another one's, from coming back as Vulkan devices.

    Vulkan numbers cards by what its loader and drivers on the host say, which no fact tells, so cards cannot be hidden
    from a server that has others of them.
    """
    mine = [gpu for gpu in planning.gpus if gpu.library == VULKAN]
    hidden = [gpu for gpu in cards if gpu not in planning.gpus]
    if mine and hidden:
        if VULKAN_VISIBLE not in planning.policy.environment:
            planning.error(
                f"{_asked(planning)}: Ollama reaches {'; '.join(_at(mine))} through {VULKAN}, where the host's other"
                f" {len(hidden)} card(s) cannot be hidden for certain: no fact tells which index of {VULKAN_VISIBLE}"
                f" means which card. Allowed is one server that sees every card, or {OVERRIDE} in ollama_environment"
                f" where the card's library has kernels for its family, or {VULKAN_VISIBLE} in ollama_environment of"
                " each instance (vulkaninfo --summary numbers the cards)"
            )
        return
    elsewhere = [gpu for gpu in planning.machine.gpus if gpu.maker.visible and gpu.answers is not False]
    elsewhere = [gpu for gpu in elsewhere if gpu not in planning.gpus]
    foreign = any(gpu.library == VULKAN for gpu in hidden)
    if mine or not (foreign or (named and elsewhere)):
        return
    source = OPERATOR if planning.policy.cuda_visible_devices is not None else POLICY
    if foreign and VULKAN_ENABLE in planning.policy.environment and vulkan_serves(planning):
        reason = f"hides the cards of other instances, since ollama_environment has {VULKAN} on"
        planning.record(VARIABLE, VULKAN_VISIBLE, "-1", source, reason)
    elif planning.reached("llama_server"):
        reason = "without it a card that is hidden here can come back as a Vulkan device"
        planning.record(VARIABLE, VULKAN_ENABLE, "0", source, reason)


def _at(cards: Iterable[Gpu]) -> list[str]:
    return [f"{gpu.label} at {gpu.place}" for gpu in cards]


def _why_none(planning: Planning) -> str:
    if not planning.machine.gpus_read:
        return "not set: the host's GPUs were not read"
    left = [gpu for gpu in planning.machine.gpus if gpu not in planning.gpus and gpu.answers is not False]
    others = "; ".join(gpu.label for gpu in left)
    return f"not set: left to the server are {others}" if others else "not set: the host has no NVIDIA GPU"


def _library(planning: Planning, nvidia: list[Gpu]) -> None:
    if not nvidia:
        return
    computes = [gpu.compute for gpu in nvidia]
    old = [gpu for gpu in nvidia if gpu.compute is not None and gpu.compute < CUDA_13_FROM]
    beyond = [gpu for gpu in nvidia if gpu.compute and gpu.compute > CUDA_12_LAST and gpu.compute != CUDA_12_ALSO]
    value = None
    if any(gpu.integrated for gpu in nvidia):
        # A board has a library of its own there (cuda_jetpack5, cuda_jetpack6), and GB10 is in cuda_v13 alone.
        reason = "not set: the server chooses the CUDA library by card, driver and board"
    elif not old or None in computes or len(nvidia) < len(planning.gpus):
        reason = "not set: the server chooses the CUDA library by card and driver"
    elif not planning.reached(EXACT_LIBRARY):
        since = planning.since(EXACT_LIBRARY)
        reason = f"not set: {planning.release_text} chooses by itself, and an exact name counts from {since} on"
    elif beyond:
        reason = f"not set: {old[0].label} needs cuda_v12 and {beyond[0].label} needs cuda_v13, so no model spans both"
    else:
        value = "cuda_v12"
        reason = (
            f"{old[0].label} has no kernels in cuda_v13, which starts at {CUDA_13_FROM[0]}.{CUDA_13_FROM[1]}; cuda_v12"
            f" serves all {len(nvidia)} card(s), so that a model may span them"
        )
    planning.record(VARIABLE, LIBRARY, value, POLICY, reason)


def _spread(planning: Planning) -> None:
    option, count = planning.policy.sched_spread, len(planning.gpus)
    if option is None:
        reason = "not set: a model that fits one card answers faster from one card"
        if count < 2:
            reason = f"not set: there is nothing to spread over on {count} GPU(s)"
        planning.record(VARIABLE, SPREAD, None, POLICY, reason)
        return
    if option and count < 2:
        planning.warn(
            "nothing-to-spread",
            f"ollama_sched_spread is true, and the server will see {count} usable GPU(s)",
            "leave ollama_sched_spread on auto on this host",
        )
    how = (
        "the server no longer puts a model on a single card even if it fits there"
        if option
        else "a model goes to the fewest cards that hold it"
    )
    reason = f"ollama_sched_spread is {str(option).lower()}: {how}"
    planning.record(VARIABLE, SPREAD, "1" if option else "0", OPERATOR, reason)
