# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which CPUs, bound by what, with how many compute threads.

Sources: docs/policy.md, rules C1 to C5.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share

THREADS = "LLAMA_ARG_THREADS"
# The first release whose model process takes its thread count from the environment.
THREADS_SINCE = "0.30.0"


class Placement(NamedTuple):
    """Where an instance runs, and the environment that makes it so.

    ``cpus`` and ``threads`` are None where the host's CPUs could not be read.
    """

    node: Node | None
    cpus: CpuSet | None
    bind: str
    threads: int | None
    environment: dict[str, str]


def place(case: Case, share: Share) -> Placement:
    """Answer the three questions in the order in which each needs the one before."""
    node = _node(case) if share.cpus is None else _given_node(case, share)
    cpus = _cpus(case, node) if share.cpus is None else _given_cpus(case, share, share.cpus)
    bind = _bind(case, node, cpus, given=share.cpus is not None)
    threads, source = _threads(case, cpus, node)
    environment = {} if threads is None else _announce(case, threads, source, bound=bind != NONE)
    return Placement(node, cpus, bind, threads, environment)


def _given_node(case: Case, share: Share) -> Node | None:
    reason = "all of its CPUs lie there" if share.node else "its CPUs lie on several nodes, or on none"
    case.decide("numa_node", share.node.id if share.node else None, share.source, reason)
    return share.node


def _given_cpus(case: Case, share: Share, cpus: CpuSet) -> CpuSet:
    reason = (
        f"the instance's own {len(cpus)} logical CPUs on {case.machine.cores_in(cpus)} physical cores; no other"
        " instance has any of them"
    )
    case.decide("cpus", str(cpus), share.source, reason)
    return cpus


def _node(case: Case) -> Node | None:
    nodes, wish = case.machine.cpu_nodes, case.policy.numa_node
    ids = ", ".join(str(node.id) for node in nodes) or "none"
    if wish == NONE:
        case.decide("numa_node", None, OPERATOR, "ollama_numa_node is none: the service is not bound to a node")
        return None
    if wish is not None:
        for node in nodes:
            if node.id == wish:
                reason = f"ollama_numa_node is {wish}; nodes with CPUs on this host: {ids}"
                case.decide("numa_node", node.id, OPERATOR, reason)
                return node
        case.refuse(
            f"ollama_numa_node: {wish!r} is not allowed; nodes with usable CPUs on this host: {ids}; or auto, or none"
        )
        return None
    return _chosen_node(case, nodes)


def _chosen_node(case: Case, nodes: list[Node]) -> Node | None:
    machine = case.machine
    reason = None
    if not nodes:
        reason = "the host's NUMA nodes could not be read"
    elif len(nodes) < 2:
        reason = "the host has one NUMA node with CPUs: there is nothing to choose"
    elif case.policy.bind_method == NONE:
        reason = "ollama_bind_method is none"
    elif case.gpus:
        reason = (
            f"models run on {len(case.gpus)} GPU(s): binding the host's side to one of {len(nodes)} nodes gains little"
        )
    elif not case.at_least(THREADS_SINCE):
        reason = (
            f"{case.release_text} starts a thread per physical core of the host whatever it is bound to, so a binding"
            " would slow it"
        )
    elif machine.sockets is None or len(nodes) > machine.sockets:
        reason = (
            f"{len(nodes)} nodes on {machine.sockets or 'an unknown number of'} socket(s): one node would be only a"
            " part of a socket and of its memory channels"
        )
    if reason:
        case.decide("numa_node", None, POLICY, reason)
        return None
    best = max(nodes, key=lambda node: (machine.cores_in(node.cpus), node.memory_bytes or 0, -node.id))
    case.decide(
        "numa_node",
        best.id,
        POLICY,
        f"of {len(nodes)} nodes, node {best.id} has the most cores ({machine.cores_in(best.cpus)}), then the most"
        " memory, then the lowest id; generation waits for memory, and the other socket's memory is slower to reach",
    )
    case.warn(
        "one-node-of-many",
        f"one instance is bound to node {best.id}; the CPUs of {len(nodes) - 1} other node(s) stay free",
        "leave it for the shortest answers; set ollama_numa_node: none to let one instance spread over all nodes",
    )
    return best


def _cpus(case: Case, node: Node | None) -> CpuSet | None:
    machine = case.machine
    if machine.allowed is None:
        case.decide("cpus", None, POLICY, "the host's CPUs could not be read; see the topology's problems")
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
    source = OPERATOR if node and case.policy.numa_node is not None else POLICY
    case.decide("cpus", str(cpus), source, reason)
    return cpus


def _bind(case: Case, node: Node | None, cpus: CpuSet | None, *, given: bool) -> str:
    wish = case.policy.bind_method
    if cpus is None or not (node or given):
        if wish in ("numactl", "affinity") and case.policy.numa_node == NONE:
            case.refuse(
                f"ollama_bind_method: {wish!r} contradicts ollama_numa_node: none; name a node, or leave one of them on"
                " auto"
            )
        case.decide("bind", NONE, OPERATOR if wish == NONE else POLICY, "no node is chosen, so nothing is bound")
        return NONE
    if wish == NONE:
        what = f"ollama_numa_node: {node.id}" if node and not given else "ollama_instances, which divides the CPUs"
        case.refuse(f"ollama_bind_method: 'none' contradicts {what}; set only one of them")
        return NONE
    whole = node if node is not None and cpus == node.cpus else None
    if wish == "numactl" and (case.machine.numactl is None or whole is None):
        _refuse_numactl(case, node, cpus)
        return NONE
    if whole and wish != "affinity" and case.machine.numactl:
        how = (
            f"numactl --cpunodebind={whole.id} sets the CPU affinity and no memory policy: memory comes from the node"
            " first, and a strict policy could keep khugepaged from making huge pages of the model"
        )
        return str(case.decide("bind", "numactl", OPERATOR if wish else POLICY, how))
    how = (
        "CPUAffinity= sets the same affinity without a program in front of the"
        f" server{_why_not_numactl(case, node, cpus)}"
    )
    return str(case.decide("bind", "affinity", OPERATOR if wish else POLICY, how))


def _refuse_numactl(case: Case, node: Node | None, cpus: CpuSet) -> None:
    if case.machine.numactl is None:
        case.refuse(
            "ollama_bind_method: 'numactl' is not allowed here: the host has no numactl; install it, or use affinity or"
            " auto"
        )
        return
    what = f"node {node.id}'s {node.cpus}, of which only {cpus} are usable" if node else f"a node, and {cpus} are none"
    case.refuse(f"ollama_bind_method: 'numactl' would bind {what}; use affinity or auto")


def _why_not_numactl(case: Case, node: Node | None, cpus: CpuSet) -> str:
    if case.policy.bind_method:
        return ""
    if case.machine.numactl is None:
        return "; the host has no numactl"
    if node is None:
        return "; the CPUs are no node's"
    return f"; numactl would bind all of node {node.id}'s {node.cpus}, not {cpus} alone"


def _threads(case: Case, cpus: CpuSet | None, node: Node | None) -> tuple[int | None, str]:
    wish, machine = case.policy.num_threads, case.machine
    if cpus is None or not machine.siblings:
        threads, reason = wish, "the host's physical cores could not be read"
    else:
        threads, reason = _count(case, cpus, node)
    source = POLICY
    if wish is not None:
        source = OPERATOR
        _check_wish(case, wish, threads, cpus)
        reason = f"ollama_num_threads is {wish}; the rule would give {threads}: {reason}" if wish != threads else reason
        threads = wish
    case.decide("threads", threads, source, reason)
    return threads, source


def _count(case: Case, cpus: CpuSet, node: Node | None) -> tuple[int, str]:
    machine = case.machine
    where = "the instance's CPUs" if case.count > 1 else f"node {node.id}" if node else "the host"
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
    quota = None if machine.quota is None else machine.quota / case.count
    if quota is not None and quota < cores:
        limited = max(1, math.floor(quota))
        each = f" to each of {case.count} instances" if case.count > 1 else ""
        return limited, f"the CPU quota allows {quota:g}{each} of {reason.split(';', maxsplit=1)[0]}"
    return cores, reason


def _check_wish(case: Case, wish: int, cores: int | None, cpus: CpuSet | None) -> None:
    if cpus is None or cores is None:
        return
    if wish > len(cpus):
        case.refuse(
            f"ollama_num_threads: {wish} is not allowed; the service may use {len(cpus)} logical CPUs ({cpus}) on"
            f" {cores} physical cores; allowed is auto, or a whole number from 1 to {len(cpus)}"
        )
    elif wish > cores:
        case.warn(
            "threads-oversubscribed",
            f"{wish} threads share {cores} physical cores",
            f"set ollama_num_threads to {cores} or leave it on auto; SMT siblings add no memory bandwidth",
        )


def _announce(case: Case, threads: int, source: str, *, bound: bool) -> dict[str, str]:
    if case.acts(THREADS):
        case.decide(
            THREADS,
            str(threads),
            source,
            f"the model process takes its {threads} compute threads from this variable, and its default counts the"
            " whole host",
        )
        return {THREADS: str(threads)}
    if case.release is None:
        case.decide(
            THREADS,
            str(threads),
            source,
            f"acts from {THREADS_SINCE} on; the installed release is unknown, and an earlier one ignores it",
        )
    else:
        case.decide(THREADS, None, CONTRACT, f"{case.release_text} does not read it: it acts from {THREADS_SINCE} on")
    if bound or case.policy.num_threads is not None:
        known = case.release_text if case.release else f"a release before {THREADS_SINCE}"
        case.warn(
            "threads-not-settable",
            f"{known} takes no thread count from its environment and starts one thread per physical core of the"
            f" host{', so the binding cannot be matched by the unit' if bound else ''}",
            f"put PARAMETER num_thread {threads} into the models' Modelfiles or num_thread: {threads} into the"
            f" requests' options, or upgrade to Ollama {THREADS_SINCE} or later",
        )
    return {THREADS: str(threads)} if case.release is None else {}


__all__ = ("Placement", "place")
