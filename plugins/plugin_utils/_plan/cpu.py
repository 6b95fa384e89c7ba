# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which CPUs, bound by what, with how many compute threads.

Sources: docs/policy.md, rules C1 to C3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import PLACEMENT, VARIABLE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share

THREADS = "LLAMA_ARG_THREADS"
# The first release whose model process takes its thread count from the environment.
SETTABLE = "llama_server"


class Placement(NamedTuple):
    """Where an instance runs. ``cpus`` and ``threads`` are None where the host's CPUs could not be read."""

    node: Node | None
    cpus: CpuSet | None
    binding: str
    threads: int | None


def place(planning: Planning, share: Share) -> Placement:
    """Decide on node, CPUs, binding and threads, each from the one before."""
    given = share.cpus is not None
    node = _given_node(planning, share) if given else _node(planning)
    cpus = _given_cpus(planning, share, share.cpus) if share.cpus is not None else _cpus(planning, node)
    binding = _binding(planning, node, cpus, given=given)
    threads, source = _threads(planning, cpus, node)
    if threads is not None:
        _announce(planning, threads, source, bound=binding != NONE)
    return Placement(node, cpus, binding, threads)


def _given_node(planning: Planning, share: Share) -> Node | None:
    reason = "all of its CPUs lie there" if share.node else "its CPUs lie on several nodes, or on none"
    planning.record(PLACEMENT, "numa_node", share.node.id if share.node else None, share.source, reason)
    return share.node


def _given_cpus(planning: Planning, share: Share, cpus: CpuSet) -> CpuSet:
    reason = (
        f"the instance's own {len(cpus)} logical CPUs on {planning.machine.cores_in(cpus)} physical cores; no other"
        " instance has any of them"
    )
    planning.record(PLACEMENT, "cpus", str(cpus), share.source, reason)
    return cpus


def _node(planning: Planning) -> Node | None:
    nodes, option = planning.machine.cpu_nodes, planning.policy.numa_node
    ids = ", ".join(str(node.id) for node in nodes) or "none"
    if option is None:
        return _chosen_node(planning, nodes)
    node = next((node for node in nodes if node.id == option), None)
    reason = f"ollama_numa_node is {option}; nodes with CPUs on this host: {ids}"
    if option == NONE:
        reason = "ollama_numa_node is none: the service is not bound to a node"
    elif node is None:
        planning.error(
            f"ollama_numa_node: {option!r} is not allowed; nodes with usable CPUs on this host: {ids}; or auto, or none"
        )
    planning.record(PLACEMENT, "numa_node", node.id if node else None, OPERATOR, reason)
    return node


def _chosen_node(planning: Planning, nodes: list[Node]) -> Node | None:
    machine = planning.machine
    reason = None
    if not nodes:
        reason = "the host's NUMA nodes could not be read"
    elif len(nodes) < 2:
        reason = "the host has one NUMA node with CPUs: there is nothing to choose"
    elif planning.policy.bind_method == NONE:
        reason = "ollama_bind_method is none"
    elif planning.gpus:
        cards = len(planning.gpus)
        reason = f"models run on {cards} GPU(s): binding the host's side to one of {len(nodes)} nodes gains little"
    elif not planning.reached(SETTABLE):
        reason = (
            f"{planning.release_text} starts a thread per physical core of the host whatever it is bound to, so a"
            " binding would slow it"
        )
    elif machine.sockets is None or len(nodes) > machine.sockets:
        reason = (
            f"{len(nodes)} nodes on {machine.sockets or 'an unknown number of'} socket(s): one node would be only a"
            " part of a socket and of its memory channels"
        )
    if reason:
        planning.record(PLACEMENT, "numa_node", None, POLICY, reason)
        return None
    best = max(nodes, key=lambda node: (machine.cores_in(node.cpus), node.memory_bytes or 0, -node.id))
    planning.record(
        PLACEMENT,
        "numa_node",
        best.id,
        POLICY,
        f"of {len(nodes)} nodes, node {best.id} has the most cores ({machine.cores_in(best.cpus)}), then the most"
        " memory, then the lowest id; generation waits for memory, and the other socket's memory is slower to reach",
    )
    planning.warn(
        "one-node-of-many",
        f"one instance is bound to node {best.id}; the CPUs of {len(nodes) - 1} other node(s) stay free",
        "leave it for the shortest answers; set ollama_numa_node: none to let one instance spread over all nodes",
    )
    return best


def _cpus(planning: Planning, node: Node | None) -> CpuSet | None:
    machine = planning.machine
    if machine.allowed is None:
        reason = "the host's CPUs could not be read; see the topology's problems"
        planning.record(PLACEMENT, "cpus", None, POLICY, reason)
        return None
    usable = machine.allowed & node.cpus if node else machine.allowed
    cpus = usable - machine.isolated or usable
    cores = machine.cores_in(cpus)
    where = f"node {node.id}'s" if node else "the host's"
    reason = f"{where} {len(cpus)} logical CPUs on {cores} physical cores"
    if cpus != usable:
        reason += f", without the isolated CPUs {usable & machine.isolated}"
    if len(cpus) > cores:
        reason += "; SMT siblings stay in the set, so that the server's other threads need not run on the compute cores"
    source = OPERATOR if node and planning.policy.numa_node is not None else POLICY
    planning.record(PLACEMENT, "cpus", str(cpus), source, reason)
    return cpus


def _binding(planning: Planning, node: Node | None, cpus: CpuSet | None, *, given: bool) -> str:
    option = planning.policy.bind_method
    source = OPERATOR if option else POLICY
    binding, reason = NONE, "no node is chosen, so nothing is bound"
    if cpus is None or not (node or given):
        source = OPERATOR if option == NONE else POLICY
        if option in ("numactl", "affinity") and planning.policy.numa_node == NONE:
            planning.error(
                f"ollama_bind_method: {option!r} contradicts ollama_numa_node: none; name a node, or leave one of them"
                " on auto"
            )
    elif option == NONE:
        what = f"ollama_numa_node: {node.id}" if node and not given else "ollama_instances, which divides the CPUs"
        planning.error(f"ollama_bind_method: 'none' contradicts {what}; set only one of them")
    elif node is not None and cpus == node.cpus and option != "affinity" and planning.machine.numactl:
        binding = "numactl"
        reason = (
            f"numactl --cpunodebind={node.id} sets the CPU affinity and no memory policy: memory comes from the node"
            " first, and a strict policy could keep khugepaged from making huge pages of the model"
        )
    elif option == "numactl":
        _numactl_error(planning, node, cpus)
    else:
        binding = "affinity"
        reason = (
            "CPUAffinity= sets the same affinity without a program in front of the"
            f" server{_why_not_numactl(planning, node, cpus)}"
        )
    planning.record(PLACEMENT, "binding", binding, source, reason)
    return binding


def _numactl_error(planning: Planning, node: Node | None, cpus: CpuSet) -> None:
    if planning.machine.numactl is None:
        planning.error(
            "ollama_bind_method: 'numactl' is not allowed here: the host has no numactl; install it, or use affinity or"
            " auto"
        )
        return
    what = f"node {node.id}'s {node.cpus}, of which only {cpus} are usable" if node else f"a node, and {cpus} are none"
    planning.error(f"ollama_bind_method: 'numactl' would bind {what}; use affinity or auto")


def _why_not_numactl(planning: Planning, node: Node | None, cpus: CpuSet) -> str:
    if planning.policy.bind_method:
        return ""
    if planning.machine.numactl is None:
        return "; the host has no numactl"
    if node is None:
        return "; the CPUs are no node's"
    return f"; numactl would bind all of node {node.id}'s {node.cpus}, not {cpus} alone"


def _threads(planning: Planning, cpus: CpuSet | None, node: Node | None) -> tuple[int | None, str]:
    option, machine = planning.policy.num_threads, planning.machine
    if cpus is None or not machine.siblings:
        threads, reason = option, "the host's physical cores could not be read"
    else:
        threads, reason = _count(planning, cpus, node)
    source = POLICY
    if option is not None:
        source = OPERATOR
        _check_option(planning, option, threads, cpus)
        rule = f"; the rule would give {threads}: {reason}" if option != threads else ""
        threads, reason = option, f"ollama_num_threads is {option}{rule}" if rule else reason
    planning.record(PLACEMENT, "compute_threads", threads, source, reason)
    return threads, source


def _count(planning: Planning, cpus: CpuSet, node: Node | None) -> tuple[int, str]:
    machine = planning.machine
    where = "the instance's CPUs" if planning.count > 1 else f"node {node.id}" if node else "the host"
    fast = machine.performance()
    if fast is not None and cpus & fast:
        cores = machine.cores_in(cpus & fast)
        reason = (
            f"{cores} performance cores on {where}; one efficiency core among them would hold all others up at every"
            " step"
        )
    else:
        cores = machine.cores_in(cpus)
        siblings = ", which SMT siblings share" if len(cpus) > cores else ""
        reason = f"{cores} physical cores on {where}; generation waits for memory{siblings}"
    quota = None if machine.quota is None else machine.quota / planning.count
    if quota is not None and quota < cores:
        limited = max(1, math.floor(quota))
        each = f" to each of {planning.count} instances" if planning.count > 1 else ""
        return limited, f"the CPU quota allows {quota:g}{each} of {reason.split(';', maxsplit=1)[0]}"
    return cores, reason


def _check_option(planning: Planning, option: int, cores: int | None, cpus: CpuSet | None) -> None:
    if cpus is None or cores is None:
        return
    if option > len(cpus):
        planning.error(
            f"ollama_num_threads: {option} is not allowed; the service may use {len(cpus)} logical CPUs ({cpus}) on"
            f" {cores} physical cores; allowed is auto, or a whole number from 1 to {len(cpus)}"
        )
    elif option > cores:
        planning.warn(
            "threads-oversubscribed",
            f"{option} threads share {cores} physical cores",
            f"set ollama_num_threads to {cores} or leave it on auto; SMT siblings add no memory bandwidth",
        )


def _announce(planning: Planning, threads: int, source: str, *, bound: bool) -> None:
    """Decide on the variable that carries the count to the model process."""
    acts, value, since = planning.acts(THREADS), str(threads), planning.since(SETTABLE)
    reason = (
        f"the model process takes its {threads} compute threads from this variable, and its default counts the whole"
        " host"
    )
    if not acts and planning.release is None:
        reason = f"acts from {since} on; the installed release is unknown, and an earlier one ignores it"
    if acts or planning.release is None:
        planning.record(VARIABLE, THREADS, value, source, reason)
    else:
        reason = f"{planning.release_text} does not read it: it acts from {since} on"
        planning.record(VARIABLE, THREADS, None, CONTRACT, reason)
    if not acts and (bound or planning.policy.num_threads is not None):
        known = planning.release_text if planning.release else f"a release before {since}"
        planning.warn(
            "threads-not-settable",
            f"{known} takes no thread count from its environment and starts one thread per physical core of the"
            f" host{', so the binding cannot be matched by the unit' if bound else ''}",
            f"put PARAMETER num_thread {threads} into the models' Modelfiles or num_thread: {threads} into the"
            f" requests' options, or upgrade to Ollama {since} or later",
        )
