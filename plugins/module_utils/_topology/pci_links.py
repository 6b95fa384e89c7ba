# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far apart GPUs are on PCI, for those without links from their driver.

The kernel's path of a device names the host bridge and every bridge on the way to it; the words are those of
``nvidia-smi topo -m`` (nvidia-smi(1), "Topology"). Whether GPUs are joined by links of their own is not in sysfs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DEVICES

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_NODES = "/sys/devices/system/node"
_NODE = re.compile(r"node[0-9]+")


def add_links(root: Root, gpus: list[dict[str, Any]]) -> None:
    """Fill ``links`` where it is None; unknown links stay None, with a problem for GPUs that have a number."""
    for gpu in gpus:
        if gpu["links"] is not None:
            continue
        others = [other for other in gpus if other["vendor"] == gpu["vendor"] and other is not gpu]
        if not others:
            gpu["links"] = []
        elif gpu["index"] is not None and gpu["pci_bus_id"] is not None:
            gpu["links"] = _links(root, gpu, others)


def _links(root: Root, gpu: dict[str, Any], others: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    numbered = [other for other in others if other["index"] is not None]
    kinds = [relation(root, gpu, other) for other in numbered]
    if None in kinds:
        root.problem(
            f"{DEVICES}/{gpu['pci_bus_id']}: expected a link such as ../../../devices/pci0000:00/0000:00:01.0/"
            f"0000:01:00.0 and a NUMA node that tell what lies between the GPUs; the links are unknown"
        )
        return None
    return [{"to": other["index"], "kind": kind} for other, kind in zip(numbered, kinds)]


def relation(root: Root, one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """PIX for one bridge (or one switch) between two GPUs, PXB for several, PHB, NODE, SYS; None for unknown."""
    paths = [_path(root, gpu["pci_bus_id"]) for gpu in (one, other)]
    if not all(paths):
        return None
    common = next((i for i, (a, b) in enumerate(zip(*paths)) if a != b), min(map(len, paths)))
    if common > 1:
        # The ports of one switch on the way to each, or the functions of one board.
        return "PIX" if max(map(len, paths)) - common <= 2 else "PXB"
    if common == 1:
        return "PHB"
    nodes = {one["numa_node"], other["numa_node"]}
    if None not in nodes:
        return "NODE" if len(nodes) == 1 else "SYS"
    only = sum(1 for name in root.names(_NODES) if _NODE.fullmatch(name)) <= 1
    return "NODE" if only else None


def _path(root: Root, address: str | None) -> list[str]:
    """``["pci0000:00", "0000:00:01.0", "0000:01:00.0"]``; empty where no link says so, as in a capture."""
    target = root.target(f"{DEVICES}/{address}") or ""
    _before, slash, path = target.partition("/devices/")
    return path.split("/") if slash else []
