# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NUMA nodes: /sys/devices/system/node.

Documentation/ABI/stable/sysfs-devices-node in the kernel.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import LIMIT, CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import brief
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import BASE as CPUS
from ansible_collections.inference.ollama.plugins.module_utils._topology.memory import read_sizes

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

BASE = "/sys/devices/system/node"

_NODE = re.compile(r"node(0|[1-9][0-9]{0,3})", re.ASCII)
_CPU = re.compile(r"cpu(0|[1-9][0-9]{0,4})", re.ASCII)
_HUGEPAGES = re.compile(r"hugepages-([0-9]{1,10})kB")
# Patterns of what few hosts have are compiled there alone.
_NUMA_STATUS = r"^Node:\s*(-?[0-9]{1,4})$"
_POWER9 = r"^cpu\s*: POWER9\b"
# include/linux/topology.h: the distance of a node to itself.
_LOCAL_DISTANCE = 10
_NVIDIA = "0x10de"
_CONTROLLER_3D = "0x0302"


class Node(NamedTuple):
    """One node; None for what could not be read.

    ``cpus`` are its online CPUs, none for a node of memory alone; ``hugepages`` counts the pages of each size
    in kB; ``distances`` gives the cost of reaching each node, 10 for itself; ``gpu_memory`` is true for a
    node without CPUs that is the memory of a GPU, where no program should be put.
    """

    id: int
    cpus: Optional[CpuSet]
    memory_bytes: Optional[int]
    free_bytes: Optional[int]
    hugepages: dict[str, Optional[int]]
    distances: Optional[dict[str, int]]
    gpu_memory: bool


def read_nodes(root: Root, online: CpuSet | None) -> list[Node] | None:
    """The nodes ordered by number; a kernel without NUMA has one, as lscpu and hwloc say too.

    That kernel has no folder of nodes. One that is there and has none in it is damaged, or hidden.
    """
    ids = _node_ids(root)
    if not ids and (root.exists(BASE) or root.target(BASE) is not None):
        root.problem(f"{BASE}: expected a folder such as node0 for each node, found none; the nodes are unknown")
        return None
    if not ids:
        return None if online is None else [_only_node(root, online)]
    gpu_nodes = _gpu_nodes(root)
    nodes = []
    for number in ids:
        cpus = _read_cpus(root, number, online)
        memory = read_sizes(root, f"{BASE}/node{number}/meminfo", ("MemTotal", "MemFree"))
        nodes.append(
            Node(
                id=number,
                cpus=cpus,
                memory_bytes=memory.get("MemTotal"),
                free_bytes=memory.get("MemFree"),
                hugepages=_read_hugepages(root, f"{BASE}/node{number}/hugepages"),
                distances=_read_distances(root, number, ids),
                gpu_memory=number in gpu_nodes and not cpus,
            )
        )
    _check_membership(root, nodes, online)
    _check_memory(root, nodes, online)
    if any(not node.cpus and node.memory_bytes for node in nodes) and _has_power9_with_gpus(root):
        # Its NVLink makes the memory of a GPU a node, and it has no other memory without CPUs.
        nodes = [node._replace(gpu_memory=not node.cpus) for node in nodes]
    return nodes


def read_gpu_memory(root: Root) -> int | None:
    """Bytes of the nodes that are a GPU's memory, which /proc/meminfo counts too; 0 on most hosts."""
    # Checked first, so that the nodes of a host without such GPUs are not read.
    if not _gpu_nodes(root) and not _has_power9_with_gpus(root):
        return 0
    sizes = [node.memory_bytes for node in read_nodes(root, None) or () if node.gpu_memory]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _node_ids(root: Root) -> list[int]:
    matches = (_NODE.fullmatch(name) for name in root.names(BASE))
    return sorted(int(match[1]) for match in matches if match)


def _only_node(root: Root, online: CpuSet) -> Node:
    memory = read_sizes(root, "/proc/meminfo", ("MemTotal", "MemFree"))
    return Node(
        id=0,
        cpus=online,
        memory_bytes=memory.get("MemTotal"),
        free_bytes=memory.get("MemFree"),
        hugepages=_read_hugepages(root, "/sys/kernel/mm/hugepages"),
        distances={"0": _LOCAL_DISTANCE},
        gpu_memory=False,
    )


def _read_cpus(root: Root, number: int, online: CpuSet | None) -> CpuSet | None:
    cpus = root.cpus(f"{BASE}/node{number}/cpulist")
    if cpus is None:
        cpus = root.cpu_mask(f"{BASE}/node{number}/cpumap")
    if cpus is None:
        cpus = _linked_cpus(root, number, online)
    if cpus is None:
        root.problem(
            f"{BASE}/node{number}/cpulist: expected the list of the node's CPUs, also found no cpumap and no links "
            f"such as cpu0"
        )
        return None
    # Some kernels leave offline CPUs in the map.
    return cpus if online is None else cpus & online


def _linked_cpus(root: Root, number: int, online: CpuSet | None) -> CpuSet | None:
    """The CPUs to which the node has links, or those that have one to it; None where no node has links of its CPUs."""
    linked = _links(root, f"{BASE}/node{number}", _CPU)
    if linked:
        return linked
    # A node of memory alone has none, where the others do.
    if any(_links(root, f"{BASE}/node{other}", _CPU) for other in _node_ids(root)):
        return linked
    nodes = {cpu: _links(root, f"{CPUS}/cpu{cpu}", _NODE) for cpu in online or ()}
    return CpuSet(cpu for cpu, links in nodes.items() if number in links) if any(nodes.values()) else None


def _links(root: Root, folder: str, form: re.Pattern[str]) -> CpuSet:
    matches = (form.fullmatch(name) for name in root.names(folder))
    return CpuSet(number for match in matches if match for number in [int(match[1])] if number < LIMIT)


def _read_hugepages(root: Root, base: str) -> dict[str, int | None]:
    matches = (_HUGEPAGES.fullmatch(name) for name in root.names(base))
    sizes = sorted(int(match[1]) for match in matches if match)
    pages: dict[str, int | None] = {}
    for size in sizes:
        path = f"{base}/hugepages-{size}kB/nr_hugepages"
        root.required(path, "a count of pages")
        pages[str(size)] = root.natural(path)
    return pages


def _read_distances(root: Root, number: int, ids: list[int]) -> dict[str, int] | None:
    """The columns stand for the online nodes in order, whose numbers may have gaps."""
    path = f"{BASE}/node{number}/distance"
    text = root.required(path, f"{len(ids)} numbers")
    if text is None:
        return None
    words = text.split()
    if len(words) != len(ids) or not all(re.fullmatch("[0-9]{1,3}", word) for word in words):
        root.problem(f"{path}: read {text[:80]!r}, expected {len(ids)} numbers")
        return None
    return {str(other): int(word) for other, word in zip(ids, words)}


def _check_membership(root: Root, nodes: list[Node], online: CpuSet | None) -> None:
    seen, several = CpuSet(), CpuSet()
    for node in nodes:
        if node.cpus is None:
            return
        several |= seen & node.cpus
        seen |= node.cpus
    if several:
        root.problem(f"{BASE}/node*/cpulist: CPUs {brief(several)} are in several nodes, expected each in one")
    if online is not None and online - seen:
        root.problem(f"{BASE}/node*/cpulist: CPUs {brief(online - seen)} are online and in no node")


def _check_memory(root: Root, nodes: list[Node], online: CpuSet | None) -> None:
    known = [node.memory_bytes for node in nodes if node.memory_bytes is not None]
    if len(known) < len(nodes) or not root.exists("/proc/meminfo"):
        return
    total, host = sum(known), read_sizes(root, "/proc/meminfo", ("MemTotal",)).get("MemTotal")
    if host is None:
        return
    # Fewer: seen in virtual machines whose memory was plugged in after the start. More: old kernels count in the nodes'
    # files what they keep for themselves, 1.4 to 3.4 % on captured machines of Linux 2.6 and 3.
    if host - total > host / 100 or (total - host > host / 20 and not _has_own_meminfo(root, nodes, host, online)):
        root.problem(f"{BASE}/node*/meminfo: the nodes have {total} bytes together, /proc/meminfo says {host}")


def _has_own_meminfo(root: Root, nodes: list[Node], total: int, online: CpuSet | None) -> bool:
    """Whether /proc/meminfo is a container's: a file mounted there (lxcfs), or the kernel's with its group's limit.

    The nodes' files are then still those of the whole machine. lxcfs also leaves CPUs out of those that are online
    which are not offline.
    """
    if any(line.split(" ")[1:2] == ["/proc/meminfo"] for line in (root.text("/proc/mounts") or "").splitlines()):
        return True
    offline = root.cpus("/sys/devices/system/cpu/offline")
    if online is not None and offline is not None:
        everywhere = [root.cpus(f"{BASE}/node{node.id}/cpulist") for node in nodes]
        if any(cpus and cpus - online - offline for cpus in everywhere):
            return True
    # Compiled where the numbers differ alone.
    from ansible_collections.inference.ollama.plugins.module_utils._topology.limits import (  # noqa: PLC0415
        read_limits,
    )
    from ansible_collections.inference.ollama.plugins.module_utils._topology.virtualization import (  # noqa: PLC0415
        read_container,
    )

    return read_limits(root).memory_bytes == total or read_container(root) is not None


def _gpu_nodes(root: Root) -> set[int]:
    """Nodes that the NVIDIA driver made of GPU memory: /proc/driver/nvidia/gpus/*/numa_status."""
    base = "/proc/driver/nvidia/gpus"
    nodes = set()
    for path in [f"{base}/{gpu}/numa_status" for gpu in root.names(base)]:
        text = root.text(path)
        match = re.search(_NUMA_STATUS, text or "", re.MULTILINE)
        if match:
            nodes.add(int(match[1]))
        elif text is not None:
            root.problem(f"{path}: read {text[:80]!r}, expected a line such as 'Node: 1'")
    return nodes


def _has_power9_with_gpus(root: Root) -> bool:
    cpus = root.text("/proc/cpuinfo") or ""
    # Looking for a word alone takes no time on the hosts without it.
    if "POWER9" not in cpus or not re.search(_POWER9, cpus, re.MULTILINE):
        return False
    base = "/sys/bus/pci/devices"
    return any(
        root.text(f"{base}/{device}/vendor") == _NVIDIA
        and (root.text(f"{base}/{device}/class") or "").startswith(_CONTROLLER_3D)
        for device in root.names(base)
    )
