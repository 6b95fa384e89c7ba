# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which CPUs, and bound by what.

Sources: docs/policy.md, rules C1, C2 and C4; the threads are in threads.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import SETTABLE, Room, room_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import PLACEMENT

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine, Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share


class Placement(NamedTuple):
    """Where an instance runs. ``cpus`` and ``room`` are None where the host's CPUs could not be read."""

    node: Node | None
    cpus: CpuSet | None
    binding: str
    room: Room | None


def place(planning: Planning, share: Share) -> Placement:
    """Decide on node, CPUs and binding, each from the one before."""
    given = share.cpus is not None
    node = _given_node(planning, share) if given else _node(planning)
    cpus = _given_cpus(planning, share, share.cpus) if share.cpus is not None else _cpus(planning, node)
    binding = _binding(planning, node, cpus, given=given)
    return Placement(node, cpus, binding, room_of(planning, cpus, node))


def _given_node(planning: Planning, share: Share) -> Node | None:
    reason = "all of its CPUs lie there" if share.node else "its CPUs lie on several nodes, or on none"
    planning.record(PLACEMENT, "numa_node", share.node.number if share.node else None, share.source, reason)
    return share.node


def _given_cpus(planning: Planning, share: Share, cpus: CpuSet) -> CpuSet:
    if planning.machine.binds_itself and not planning.index:
        planning.error(
            f"ollama_instances: each has CPUs of its own, and the command of {SINGLE}, {planning.machine.wrapped},"
            " chooses CPUs by itself and so wins; take numactl or taskset out of it, or set ollama_instances to single"
        )
    reason = (
        f"the instance's own {len(cpus)} logical CPUs on {planning.machine.cores_in(cpus)} physical cores; no other"
        " instance has any of them"
    )
    planning.record(PLACEMENT, "cpus", str(cpus), share.source, reason)
    return cpus


def _node(planning: Planning) -> Node | None:
    machine = planning.machine
    nodes, option = machine.cpu_nodes, planning.policy.numa_node
    ids = ", ".join(str(node.id) for node in nodes) or "none"
    if option is None:
        return _chosen_node(planning)
    node = next((node for node in nodes if node.id == option), None)
    reason = f"ollama_numa_node is {option}; nodes with CPUs on this host: {ids}"
    if option == NONE:
        reason = "ollama_numa_node is none: the service is not bound to a node"
    elif machine.binds_itself:
        planning.error(
            f"ollama_numa_node: {option!r} contradicts the command of {SINGLE}, {machine.wrapped}, which chooses CPUs"
            " by itself and so wins; take numactl or taskset out of it, or leave ollama_numa_node on auto"
        )
    elif node is None:
        planning.error(
            f"ollama_numa_node: {option!r} is not allowed; nodes with usable CPUs on this host: {ids}; or auto, or none"
        )
    planning.record(PLACEMENT, "numa_node", node.id if node else None, OPERATOR, reason)
    return node


def _chosen_node(planning: Planning) -> Node | None:
    machine = planning.machine
    nodes, homes = machine.cpu_nodes, machine.homes
    reason = None
    if not nodes:
        reason = "the host's NUMA nodes could not be read"
    elif len(nodes) < 2:
        reason = "the host has one NUMA node with CPUs: there is nothing to choose"
    elif machine.binds_itself:
        reason = f"the installed unit's own command, {machine.wrapped}, chooses CPUs by itself"
        planning.warn(
            "command-binds-by-itself",
            f"the command of {SINGLE}, {machine.wrapped}, chooses the server's CPUs, which this plan does not know",
            "take numactl or taskset out of it, so that the plan binds the server and counts its threads by the node;"
            " or set ollama_num_threads to the cores that it is bound to",
        )
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
    elif machine.sockets is None or len(homes) > machine.sockets or len(homes) < 2:
        reason = (
            f"{len(nodes)} nodes on {machine.sockets or 'an unknown number of'} socket(s): one node would be only a"
            " part of a socket and of its memory channels"
        )
    if reason:
        planning.record(PLACEMENT, "numa_node", None, POLICY, reason)
        return None
    best = max(homes, key=lambda home: (_cores(machine, home), home.memory_bytes or 0, -home.id))
    kind = "socket" if best.parts else "node"
    cut = f", which firmware cuts into {len(nodes)} nodes" if best.parts else ""
    planning.record(
        PLACEMENT,
        "numa_node",
        best.number,
        POLICY,
        f"of {len(homes)} {kind}s{cut}, {best.label} has the most cores ({_cores(machine, best)}), then the most"
        " memory, then the lowest id; generation waits for memory, and the other socket's memory is slower to reach",
    )
    planning.warn(
        "one-node-of-many",
        f"one instance is bound to {best.label}; the CPUs of {len(homes) - 1} other {kind}(s) stay free",
        "leave it for the shortest answers; set ollama_numa_node: none to let one instance spread over all nodes",
    )
    return best


def _cores(machine: Machine, home: Node) -> int:
    """The physical cores of a node or socket that a service may use."""
    return machine.cores_in(home.cpus if machine.allowed is None else home.cpus & machine.allowed)


def _cpus(planning: Planning, node: Node | None) -> CpuSet | None:
    machine = planning.machine
    if machine.allowed is None:
        reason = "the host's CPUs could not be read; see the topology's problems"
        planning.record(PLACEMENT, "cpus", None, POLICY, reason)
        return None
    usable = machine.allowed & node.cpus if node else machine.allowed
    cpus = usable - machine.isolated or usable
    cores = machine.cores_in(cpus)
    where = f"{node.name}'s" if node else "the host's"
    reason = f"{where} {len(cpus)} logical CPUs on {cores} physical cores"
    if cpus != usable:
        reason += f", without the isolated CPUs {usable & machine.isolated}"
    if len(cpus) > cores:
        reason += "; SMT siblings stay in the set, so that the server's other threads need not run on the compute cores"
    source = OPERATOR if node and planning.policy.numa_node is not None else POLICY
    planning.record(PLACEMENT, "cpus", str(cpus), source, reason)
    return cpus


def _binding(planning: Planning, node: Node | None, cpus: CpuSet | None, *, given: bool) -> str:
    option, machine = planning.policy.bind_method, planning.machine
    engine = engine_of(planning.policy.deployment)
    by_numactl = option != "affinity" and machine.numactl and not machine.wrapped and engine is None
    source = OPERATOR if option else POLICY
    binding, reason = NONE, "no node is chosen, so nothing is bound"
    if option == "numactl" and machine.wrapped:
        if not planning.index:
            planning.error(
                f"ollama_bind_method: 'numactl' would replace the command of {SINGLE}, {machine.wrapped}, which is more"
                " than the program; use affinity or auto, which bind without another command"
            )
    elif cpus is None or not (node or given):
        source = OPERATOR if option == NONE else POLICY
        if option in ("numactl", "affinity") and planning.policy.numa_node == NONE:
            planning.error(
                f"ollama_bind_method: {option!r} contradicts ollama_numa_node: none; name a node, or leave one of them"
                " on auto"
            )
    elif option == NONE:
        what = f"ollama_numa_node: {node.number}" if node and not given else "ollama_instances, which divides the CPUs"
        planning.error(f"ollama_bind_method: 'none' contradicts {what}; set only one of them")
    elif node is not None and cpus == node.cpus and by_numactl and (not node.parts or option == "numactl"):
        binding = "numactl"
        reason = (
            f"numactl --cpunodebind={node.list} sets the CPU affinity and no memory policy: memory comes from the node"
            " first, and a strict policy could keep khugepaged from making huge pages of the model"
        )
    elif engine is not None:
        binding = "affinity"
        reason = f"the control group of the unit has these CPUs alone, and {engine} makes the container's within it"
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
    what = f"{node.name}'s {node.cpus}, of which only {cpus} are usable" if node else f"a node, and {cpus} are none"
    planning.error(f"ollama_bind_method: 'numactl' would bind {what}; use affinity or auto")


def _why_not_numactl(planning: Planning, node: Node | None, cpus: CpuSet) -> str:
    if planning.policy.bind_method:
        return ""
    if planning.machine.wrapped:
        return f" and without another command than the unit's own, {planning.machine.wrapped}"
    if planning.machine.numactl is None:
        return "; the host has no numactl"
    if node is None:
        return "; the CPUs are no node's"
    if node.parts and cpus == node.cpus:
        return f", on all of {node.label}"
    return f"; numactl would bind all of {node.name}'s {node.cpus}, not {cpus} alone"
