# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AMD GPUs: KFD for those that can compute, sysfs for the others, rocm-smi for the names."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.amd_kfd import (
    architecture_of,
    read_kfd,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.amd_smi import ARGV, parse_rocm
from ansible_collections.inference.ollama.plugins.module_utils._topology.drm import read_card
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DEVICES, fill, find_card
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import KFD
from ansible_collections.inference.ollama.plugins.module_utils._topology.virtualization import read_container

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

# Some captures have the files of KFD alone.
_BUS = "/sys/bus"
# A problem with the list itself, or with what says that a node is a GPU.
_KFD_PROBLEM = re.compile(rf"{KFD}(?:/[^/]*|/[^/]*/properties)?: ")
_NOT_PERMITTED = f"({os.strerror(errno.EPERM)})"


def read_amd(
    root: Root, run: Runner | None, cards: list[PciDevice]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Entries in KFD's order, then the cards that KFD does not list (``index`` None); ``{driver, error}`` or None.

    ``driver`` is the version of AMD's own amdgpu module, or what rocm-smi calls so (the kernel's release
    where the module came with the kernel). ``cards`` are AMD's among the PCI devices.
    """
    gpus = read_kfd(root)
    by_address = {card.address: card for card in cards}
    for gpu in gpus:
        card = find_card(root, by_address, gpu["pci_bus_id"])
        if card is not None:
            fill(gpu, driver=card.driver, numa_node=card.numa_node, cpus=card.cpus)
        elif gpu["pci_bus_id"] is not None and (root.exists(_BUS) or root.target(_BUS)):
            root.problem(f"{DEVICES}/{gpu['pci_bus_id']}: absent, expected the card of that address, which KFD lists")
    if run is not None and gpus and read_container(root) is not None:
        _mark_devices(root, gpus)
    computing = {gpu["pci_bus_id"] for gpu in gpus}
    unread = _unread(root)
    error = unread if not computing and any(card.driver in (None, "amdgpu") for card in cards) else None
    for card in cards:
        if card.address not in computing:
            unknown = unread is not None and card.driver in (None, "amdgpu")
            gpus.append({**read_card(root, card), "answers": None if unknown else False})
            bound = f"bound to the driver {card.driver}" if card.driver else "bound to no driver"
            root.problem(f"{card.address}: an AMD GPU, {bound}, that the compute driver (KFD) does not list")
    if not gpus:
        return [], None
    version = root.word("/sys/module/amdgpu/version", "a version such as 6.12.12")
    if run is not None and root.program(ARGV[0]) is not None:
        said = _ask_rocm(root, run, gpus)
        version = version or said
    loaded = version is not None or bool(computing) or any(card.driver == "amdgpu" for card in cards)
    return gpus, {"driver": version, "error": error} if loaded or error is not None else None


def _unread(root: Root) -> str | None:
    """What kept KFD's list from being read whole; None where it was.

    The kernel does not permit a container to read the nodes of GPUs that its control group leaves out
    (kfd_devcgroup_check_permission), which is as good as not listing them.
    """
    found = (text for text in root.problems if _KFD_PROBLEM.match(text) and not text.endswith(_NOT_PERMITTED))
    return next(found, None)


def _mark_devices(root: Root, gpus: list[dict[str, Any]]) -> None:
    """Say of the GPUs that a container was given no device of that they answer nobody in it.

    sysfs shows a container all of the host's; ROCm opens /dev/kfd and the card's render node (ROCm's "Running ROCm
    Docker containers").
    """
    has_kfd = root.exists("/dev/kfd")
    for gpu in gpus:
        nodes = [name for name in root.names(f"{DEVICES}/{gpu['pci_bus_id']}/drm") if name.startswith("renderD")]
        if has_kfd and (not nodes or any(root.exists(f"/dev/dri/{name}") for name in nodes)):
            continue
        gpu["answers"] = False
        missing = "/dev/kfd" if not has_kfd else f"/dev/dri/{nodes[0]}"
        root.problem(f"{gpu['pci_bus_id']}: an AMD GPU that this container has no device of, expected {missing}")


def _ask_rocm(root: Root, run: Runner, gpus: list[dict[str, Any]]) -> str | None:
    outcome = run(ARGV)
    if outcome.out is None:
        root.problem(outcome.problem or "")
        return None
    try:
        known, version = parse_rocm(outcome.out)
    except (ValueError, RecursionError) as error:
        root.problem(f"rocm-smi: {error}")
        return None
    if version is None:
        root.problem(f"rocm-smi: read {outcome.out[:80]!r}, expected a driver version in it")
    addresses = [gpu["pci_bus_id"] for gpu in gpus]
    for card in known:
        if card["pci_bus_id"] is not None and card["pci_bus_id"] not in addresses:
            root.problem(f"rocm-smi: has a card at {card['pci_bus_id']}, which neither KFD nor the PCI bus has")
        # rocm-smi gives the memory of a whole board, which is none of its partitions'.
        if card["pci_bus_id"] is not None and addresses.count(card["pci_bus_id"]) == 1:
            gpu = gpus[addresses.index(card["pci_bus_id"])]
            # On an APU rocm-smi's VRAM is the carve-out, which is not the memory that KFD offers.
            same = gpu["memory_bytes"] in (None, card["memory_bytes"])
            fill(gpu, **{**card, "free_bytes": card["free_bytes"] if same else None})
            fill(gpu, architecture=architecture_of(gpu["gfx_target"]))
    return version
