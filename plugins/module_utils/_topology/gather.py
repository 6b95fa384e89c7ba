# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything about a host in one dictionary, topology schema 1.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._topology.cache import read_last_level
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import (
    Processors,
    count_cores,
    read_processors,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpuinfo import read_identity
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.kernel import read_kernel
from ansible_collections.inference.ollama.plugins.module_utils._topology.kinds import read_kinds
from ansible_collections.inference.ollama.plugins.module_utils._topology.limits import Limits, read_limits
from ansible_collections.inference.ollama.plugins.module_utils._topology.memory import read_memory
from ansible_collections.inference.ollama.plugins.module_utils._topology.node import Node, read_nodes
from ansible_collections.inference.ollama.plugins.module_utils._topology.software import read_software

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

SCHEMA = 1
SUBSETS = frozenset({"cpu", "numa", "memory", "kernel", "allowed", "gpus", "software"})
MINIMAL = frozenset({"cpu", "memory", "kernel"})


def gather(root: Root, run: Runner | None, subset: set[str]) -> dict[str, Any]:
    """The topology of the machine under ``root``; parts that ``subset`` leaves out are None.

    ``run`` asks programs such as nvidia-smi; with None only files are read.
    """
    keys = ("schema", "cpu", "numa", "memory", "kernel", "allowed", "gpus", "drivers", "software", "problems")
    topology: dict[str, Any] = {**dict.fromkeys(keys), "schema": SCHEMA}
    if not subset.isdisjoint({"cpu", "numa", "allowed"}):
        processors = read_processors(root)
        if "cpu" in subset:
            topology["cpu"] = _cpu(root, processors)
        if not subset.isdisjoint({"numa", "allowed"}):
            nodes = read_nodes(root, processors.online)
            if "numa" in subset and nodes is not None:
                topology["numa"] = [_node(node, processors) for node in nodes]
            if "allowed" in subset:
                topology["allowed"] = _allowed(root, processors, nodes or [])
    if "memory" in subset:
        topology["memory"] = read_memory(root)._asdict()
    if "kernel" in subset:
        topology["kernel"] = read_kernel(root)._asdict()
    if "gpus" in subset:
        topology["gpus"], topology["drivers"] = read_gpus(root, run)
    if "software" in subset:
        topology["software"] = read_software(root, run)
    topology["problems"] = list(root.problems)
    return topology


def _cpu(root: Root, processors: Processors) -> dict[str, Any]:
    online, siblings, packages = processors.online, processors.siblings, processors.packages
    kinds = read_kinds(root, processors)
    caches = read_last_level(root, online)
    sizes = None if siblings is None else sorted({len(core) for core in siblings})
    return {
        **read_identity(root)._asdict(),
        "online": _text(online),
        "offline": _text(processors.offline),
        "isolated": _text(processors.isolated),
        "sockets": None if packages is None else len(packages),
        "cores": count_cores(siblings, online),
        "threads": None if online is None else len(online),
        "threads_per_core": sizes,
        "smt_active": None if sizes is None else sizes[-1] > 1,
        "siblings": None if siblings is None else [str(core) for core in siblings],
        "kinds": None
        if kinds is None
        else [{"kind": kind.kind, "cpus": str(kind.cpus), "cores": count_cores(siblings, kind.cpus)} for kind in kinds],
        "llc": None if caches is None else [{"cpus": str(cache.cpus), "bytes": cache.size} for cache in caches],
    }


def _node(node: Node, processors: Processors) -> dict[str, Any]:
    return {
        "id": node.id,
        "cpus": _text(node.cpus),
        "cores": count_cores(processors.siblings, node.cpus),
        "memory_bytes": node.memory_bytes,
        "free_bytes": node.free_bytes,
        "hugepages": node.hugepages,
        "distances": node.distances,
        "gpu_memory": node.gpu_memory,
    }


def _allowed(root: Root, processors: Processors, nodes: list[Node]) -> dict[str, Any]:
    limits = read_limits(root)
    cpus = processors.online
    if cpus is not None and limits.cpus is not None:
        cpus = cpus & limits.cpus
        if not cpus:
            root.problem(f"allowed: control groups and affinity leave CPUs {limits.cpus}, none of which is online")
            cpus = None
    return {
        "cpus": _text(cpus),
        "cores": count_cores(processors.siblings, cpus),
        "cpu_quota": limits.cpu_quota,
        "memory_bytes": _memory_limit(limits, nodes),
    }


def _memory_limit(limits: Limits, nodes: list[Node]) -> int | None:
    """The group's limit or, where only some nodes may be used, their memory if that is less."""
    sizes = {node.id: node.memory_bytes for node in nodes if node.memory_bytes != 0 and not node.gpu_memory}
    bounds = [] if limits.memory_bytes is None else [limits.memory_bytes]
    if limits.mems is not None and not CpuSet(sizes) <= limits.mems:
        within = [size for number, size in sizes.items() if number in limits.mems]
        if None not in within:
            bounds.append(sum(size for size in within if size is not None))
    return min(bounds, default=None)


def _text(cpus: CpuSet | None) -> str | None:
    return None if cpus is None else str(cpus)


__all__ = ("MINIMAL", "SCHEMA", "SUBSETS", "gather")
