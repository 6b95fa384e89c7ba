# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which library serves a card on the release, or what keeps the server from it.

Sources: docs/policy.md, rules G1, G5 and G7; the facts of the vendors are in _vendors.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._values import GO_FALSE
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import (
    EXACT_LIBRARY,
    INTEGRATED_CHOSEN,
    INTEGRATED_ENABLE,
    LIBRARY,
    OVERRIDE,
    VULKAN,
    VULKAN_DEFAULT,
    VULKAN_ENABLE,
    VULKAN_OFF,
    VULKAN_SINCE,
    VULKAN_VISIBLE,
    from_release,
    overridden,
    target_of,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning


class Hint(NamedTuple):
    """What the operator can change. ``quiet``: not worth a word where the host has a card that counts."""

    code: str
    message: str
    remedy: str
    quiet: bool = False


class Service(NamedTuple):
    """What serves a card, None where the plan does not count on it, and what to say about it."""

    library: str | None
    hint: Hint | None = None


NOT = Service(None)
# Releases with libraries for JetPack, and what they serve no more (Dockerfile).
_JETPACK_SINCE = "0.4.3"


def serve(planning: Planning, gpu: Gpu) -> Service:
    """How the server would use a card, a partitioned one as a whole."""
    if gpu.maker.visible is None:
        return NOT
    for hindrance in (_absent, _too_old, _without_instances, _driver, _integrated):
        found = hindrance(planning, gpu)
        if found is not None:
            return Service(None, found)
    return _chosen(planning, gpu, _kernels(planning, gpu) if gpu.maker.kernels else Service(gpu.maker.library))


def _chosen(planning: Planning, gpu: Gpu, service: Service) -> Service:
    """The same within the library that the operator names, which leaves all others out."""
    name = planning.policy.environment.get(LIBRARY, "")
    if not name or not service.library or not planning.reached(EXACT_LIBRARY):
        return service
    if name.startswith(service.library.lower()):
        return service
    if name.startswith(VULKAN.lower()) and vulkan_serves(planning):
        return Service(VULKAN)
    return Service(
        None,
        Hint(
            "gpu-without-library",
            f"{LIBRARY}={name} leaves {gpu.label} out, which {planning.release_text} uses through {service.library}",
            f"take {LIBRARY} out of ollama_environment, or name a library of the card's there",
        ),
    )


def vulkan_serves(planning: Planning) -> bool:
    """Whether the server looks for cards through Vulkan, by the release and the variables that are set."""
    free = planning.policy.environment
    if VULKAN_OFF in free or free.get(VULKAN_VISIBLE) == "-1" or not from_release(planning.release, VULKAN_SINCE):
        return False
    own = free.get(VULKAN_ENABLE, "")
    return own not in GO_FALSE if own else from_release(planning.release, VULKAN_DEFAULT)


def _absent(planning: Planning, gpu: Gpu) -> Hint | None:
    known = gpu.memory_bytes or gpu.gfx_target or planning.machine.has_driver(gpu)
    if gpu.answers is not False and (known or gpu.vendor in planning.machine.driver_errors):
        return None
    return Hint(
        "gpu-without-driver",
        f"no driver answered for {gpu.label} at {gpu.place}; the plan does not count on it",
        f"look at its driver (lspci -k) and at the kernel's log: a card falls off the bus, belongs to another container"
        f" or a virtual machine, or lacks {gpu.maker.title}'s driver; ollama_topology.problems says what was tried",
    )


def _too_old(planning: Planning, gpu: Gpu) -> Hint | None:
    own_library = gpu.integrated and from_release(planning.release, _JETPACK_SINCE)
    lowest = gpu.maker.lowest_integrated if own_library else gpu.maker.lowest_compute
    if not lowest or gpu.compute is None or gpu.compute >= lowest:
        return None
    least = f"{planning.release_text} was built for on boards" if own_library else "any Ollama release was built for"
    return Hint(
        "gpu-too-old",
        f"{gpu.label} is below compute capability {lowest[0]}.{lowest[1]}, the least that {least}",
        "nothing to set: models run on the other devices",
    )


def _without_instances(_planning: Planning, gpu: Gpu) -> Hint | None:
    if not gpu.undivided:
        return None
    card = gpu.pci_bus_id or gpu.uuid or "CARD"
    return Hint(
        "mig-without-instances",
        f"MIG is on and has no instances on {gpu.label} at {gpu.place}: CUDA shows no device of it, so the plan"
        " does not count on it",
        f"make instances (nvidia-smi mig -i {card} -cgi PROFILES -C), or switch MIG off (nvidia-smi -i {card} -mig 0)",
    )


def _driver(planning: Planning, gpu: Gpu) -> Hint | None:
    # The driver of a board is part of its system, and the board's own library goes with it.
    if not gpu.maker.cuda or gpu.integrated:
        return None
    driver = planning.machine.nvidia_driver
    major = driver.partition(".")[0] if driver else ""
    needed = 0
    if planning.reached("llama_server") and gpu.compute is not None and gpu.compute < (7, 0):
        needed = 570
    elif planning.reached("newer_nvidia_driver"):
        needed = 550
    if not (major.isascii() and major.isdigit()) or int(major[:9]) >= needed:
        return None
    return Hint(
        "driver-too-old",
        f"{planning.release_text} drops {gpu.label} with driver {driver}: it needs driver {needed} or later for this"
        " card",
        f"upgrade the NVIDIA driver to {needed} or later, or run a release before {planning.since('llama_server')}",
    )


def _integrated(planning: Planning, gpu: Gpu) -> Hint | None:
    """What keeps the server from an integrated GPU: a choice of its own since 0.30.0, which a variable replaces."""
    free = planning.policy.environment
    if not gpu.integrated or not from_release(planning.release, INTEGRATED_CHOSEN):
        return None
    own = free.get(INTEGRATED_ENABLE, "")
    since = gpu.maker.integrated_since(gpu.gfx_target)
    if own not in GO_FALSE if own else since is not None and from_release(planning.release, since):
        return None
    what = f"{gpu.label}{f', {gpu.gfx_target},' if gpu.gfx_target else ''}"
    but = f"; {OVERRIDE} alone does not change that" if overridden(free, gpu.index) else ""
    why = f"{INTEGRATED_ENABLE} is {own}" if own else f"it is integrated, unless {INTEGRATED_ENABLE} is 1"
    later = f"run {since} or later, which takes it by itself, or " if since and not own else ""
    return Hint(
        "integrated-gpu-dropped",
        f"{planning.release_text} drops {what} because {why}{but}; without another card models run on the CPUs",
        f"{later}set {INTEGRATED_ENABLE}: 1 in ollama_environment to have models on it",
        quiet=not overridden(free, gpu.index) and not own,
    )


def _kernels(planning: Planning, gpu: Gpu) -> Service:
    """The vendor's library where the release has kernels for the card, else Vulkan where it looks for cards."""
    maker, release = gpu.maker, planning.release or planning.contract.newest_known
    version = overridden(planning.policy.environment, gpu.index)
    target = (target_of(version) if version else None) or gpu.gfx_target
    vulkan = vulkan_serves(planning)
    if target is None:
        return Service(VULKAN if vulkan else maker.library)
    if maker.served(target, release):
        return Service(maker.library)
    as_what = f"{gpu.gfx_target} as {target} ({OVERRIDE}={version})" if version else target
    advice = maker.override(gpu.gfx_target or "", release)
    remedies = [f"{OVERRIDE}: {advice}"] if advice and version != advice else []
    if vulkan:
        return Service(
            VULKAN,
            Hint(
                "gpu-through-vulkan",
                f"{maker.library} of {planning.release_text} has no kernels for {as_what}, so {gpu.label} is used"
                f" through {VULKAN}, which needs a Vulkan driver (Mesa's) on the host",
                f"install one; or set {remedies[0]} in ollama_environment, and {maker.library} uses the card as one of"
                " the same family"
                if remedies
                else "install one, or use a card that the library has kernels for",
                quiet=gpu.integrated,
            ),
        )
    if from_release(release, VULKAN_DEFAULT):
        remedies.append(f"leave {VULKAN} on ({VULKAN_ENABLE}, {VULKAN_OFF}, {VULKAN_VISIBLE})")
    elif from_release(release, VULKAN_SINCE):
        remedies.append(f"{VULKAN_ENABLE}: 1")
    set_here = f"set {', or '.join(remedies)} in ollama_environment; or " if remedies else ""
    return Service(
        None,
        Hint(
            "gpu-without-kernels",
            f"{maker.library} of {planning.release_text} has no kernels for {as_what}, so models do not run on"
            f" {gpu.label} but on the other devices or the CPUs",
            f"{set_here}run {VULKAN_DEFAULT} or later, which uses it through {VULKAN}"
            if not from_release(release, VULKAN_DEFAULT)
            else set_here.rpartition("; or ")[0] or "use a card that the library has kernels for",
            quiet=gpu.integrated,
        ),
    )
