# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything about a host in one dictionary, topology schema 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._process import bounded
from ansible_collections.inference.ollama.plugins.module_utils._topology.cache import read_last_level
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import (
    Processors,
    count_cores,
    read_processors,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpuinfo import read_identity
from ansible_collections.inference.ollama.plugins.module_utils._topology.governor import read_frequency
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import SOURCES, read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.kernel import read_kernel
from ansible_collections.inference.ollama.plugins.module_utils._topology.kinds import read_kinds
from ansible_collections.inference.ollama.plugins.module_utils._topology.limits import Limits, read_limits
from ansible_collections.inference.ollama.plugins.module_utils._topology.memory import read_memory
from ansible_collections.inference.ollama.plugins.module_utils._topology.node import (
    Node,
    read_gpu_memory,
    read_nodes,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.software import read_software
from ansible_collections.inference.ollama.plugins.module_utils._topology.virtualization import read_virtualization

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

SCHEMA = 1
# One name for several subsets.
GROUPS = {"gpus": SOURCES, "software": frozenset({"systemd", "numactl", "ollama"})}
SUBSETS = frozenset(
    {"cpu", "cache", "governor", "numa", "memory", "kernel", "virtualization", "allowed", *GROUPS["gpus"]}
    | GROUPS["software"]
)
MINIMAL = frozenset({"cpu", "memory", "kernel"})

_KEYS = ("cpu", "numa", "memory", "kernel", "virtualization", "allowed", "gpus", "drivers", "software", "problems")
_CPU_KEYS = (
    *("architecture", "vendor", "model", "online", "offline", "isolated", "sockets", "packages", "cores", "threads"),
    *("threads_per_core", "smt_active", "siblings", "kinds", "llc", "governors", "frequency_driver"),
)


def gather(root: Root, run: Runner | None, subset: set[str]) -> dict[str, Any]:
    """The topology of the machine under ``root``; parts that ``subset`` leaves out are None.

    ``run`` asks programs such as nvidia-smi; with None only files are read.
    """
    run = None if run is None else bounded(run)
    topology: dict[str, Any] = {"schema": SCHEMA, **dict.fromkeys(_KEYS)}
    if not subset.isdisjoint({"cpu", "cache", "governor", "numa", "allowed"}):
        topology.update(_processors(root, subset))
    if "memory" in subset:
        topology["memory"] = _memory(root)
    if "kernel" in subset:
        topology["kernel"] = read_kernel(root)._asdict()
    if "virtualization" in subset:
        topology["virtualization"] = read_virtualization(root)._asdict()
    if not subset.isdisjoint(GROUPS["gpus"]):
        topology["gpus"], topology["drivers"] = read_gpus(root, run, GROUPS["gpus"] & subset)
    if not subset.isdisjoint(GROUPS["software"]):
        topology["software"] = read_software(root, run, GROUPS["software"] & subset)
    topology["problems"] = list(root.problems)
    return topology


def _processors(root: Root, subset: set[str]) -> dict[str, Any]:
    """The parts that all need the CPUs first."""
    processors = read_processors(root)
    found: dict[str, Any] = {}
    if not subset.isdisjoint({"cpu", "cache", "governor"}):
        found["cpu"] = _cpu(root, processors, subset)
    if not subset.isdisjoint({"numa", "allowed"}):
        nodes = read_nodes(root, processors.online)
        if "numa" in subset and nodes is not None:
            found["numa"] = [_node(node, processors) for node in nodes]
        if "allowed" in subset:
            found["allowed"] = _allowed(root, processors, nodes)
    return found


def _cpu(root: Root, processors: Processors, subset: set[str]) -> dict[str, Any]:
    cpu: dict[str, Any] = dict.fromkeys(_CPU_KEYS)
    if "cpu" in subset:
        cpu.update(_cores(root, processors))
    if "cache" in subset:
        caches = read_last_level(root, processors.online)
        cpu["llc"] = None if caches is None else [{"cpus": str(cache.cpus), "bytes": cache.size} for cache in caches]
    if "governor" in subset:
        cpu.update(read_frequency(root, processors.online)._asdict())
    return cpu


def _cores(root: Root, processors: Processors) -> dict[str, Any]:
    online, siblings, packages = processors.online, processors.siblings, processors.packages
    kinds = read_kinds(root, processors)
    sizes = None if siblings is None else sorted({len(core) for core in siblings})
    return {
        **read_identity(root)._asdict(),
        "online": _text(online),
        "offline": _text(processors.offline),
        "isolated": _text(processors.isolated),
        "sockets": None if packages is None else len(packages),
        "packages": None if packages is None else [str(package) for package in packages],
        "cores": count_cores(siblings, online),
        "threads": None if online is None else len(online),
        "threads_per_core": sizes,
        "smt_active": None if sizes is None else sizes[-1] > 1,
        "siblings": None if siblings is None else [str(core) for core in siblings],
        "kinds": None
        if kinds is None
        else [{"kind": kind.kind, "cpus": str(kind.cpus), "cores": count_cores(siblings, kind.cpus)} for kind in kinds],
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


def _memory(root: Root) -> dict[str, Any]:
    memory = read_memory(root)._asdict()
    total, on_gpus = memory["total_bytes"], read_gpu_memory(root)
    host = None if total is None or on_gpus is None else max(0, total - on_gpus)
    return {"total_bytes": total, "host_bytes": host, **memory}


def _allowed(root: Root, processors: Processors, nodes: list[Node] | None) -> dict[str, Any]:
    with_memory = CpuSet(node.id for node in nodes or () if node.memory_bytes != 0)
    limits = read_limits(root, processors.online, with_memory)
    return {
        **_within(root, limits, processors, nodes),
        "system_slice": None if limits.system_slice is None else list(limits.system_slice),
        "instance_cpu_quota": limits.each_quota,
        "instance_memory_bytes": limits.each_memory,
        "slices": None
        if limits.system_slice is None
        else [{"name": name, **_within(root, other, processors, nodes)} for name, other in limits.elsewhere],
    }


def _within(root: Root, limits: Limits, processors: Processors, nodes: list[Node] | None) -> dict[str, Any]:
    cpus = processors.online
    if cpus is not None and limits.cpus is not None:
        cpus = cpus & limits.cpus
        if not cpus:
            root.problem(f"allowed: control groups and affinity leave CPUs {limits.cpus}, none of which is online")
            cpus = None
    return {
        "cpus": _text(cpus),
        "cores": count_cores(processors.siblings, cpus),
        "mems": _mems(root, limits, nodes),
        "cpu_quota": limits.cpu_quota,
        "memory_bytes": _memory_limit(limits, nodes or []),
    }


def _mems(root: Root, limits: Limits, nodes: list[Node] | None) -> str | None:
    """The nodes that have memory, or may have it, and that the control groups leave."""
    if nodes is None:
        return None
    mems = CpuSet(node.id for node in nodes if node.memory_bytes != 0)
    if limits.mems is not None and mems:
        if not mems & limits.mems:
            root.problem(f"allowed: control groups leave the memory of nodes {limits.mems}, none of which has any")
            return None
        mems = mems & limits.mems
    return str(mems)


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
