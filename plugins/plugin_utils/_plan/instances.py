# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many servers the host runs, and the share of it that each one gets.

Sources: docs/policy.md, rules I1 to I5. Instances that the operator lists are in listed.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import gpu, listed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.partition import partition
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share, memory_of, within
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import SETTABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy

SINGLE, PER_NODE, PER_GPU = "single", "per_numa_node", "per_gpu"
# What auto is where nodes are parts of sockets; nobody asks for it by name.
_PER_SOCKET = "per_socket"


def split(planning: Planning, cards: list[Gpu]) -> list[Share]:
    """The host's instances, at least one, in the order of their ports."""
    option = planning.policy.instances
    if isinstance(option, tuple):
        return listed.split(planning, cards, option)
    source = OPERATOR if option else POLICY
    mode, why = (option, f"ollama_instances is {option}") if option else _automatic(planning, cards)
    if mode != SINGLE:
        _check_contradictions(planning, mode)
    ways = {PER_NODE: _per_node, _PER_SOCKET: _per_socket, PER_GPU: _per_gpu}
    shares = within(planning.machine, ways.get(mode, _none)(planning, cards))
    _check_shared_cpus(planning, mode, shares)
    if len(shares) < 2:
        return [_single(planning, cards, source, why if mode == SINGLE else f"{why}, and there is one to run")]
    return numbered([replace(share, source=source, why=f"{why}: {share.why}") for share in shares])


def numbered(shares: list[Share]) -> list[Share]:
    """The shares with their index and count, and each with a port of its own, counted up from the first."""
    address, port = split_host(shares[0].policy.host) or ("127.0.0.1", 11434)
    host = f"[{address}]" if ":" in address else address
    return [
        replace(
            share,
            index=index,
            count=len(shares),
            policy=share.policy if not index else share.policy.replace(host=f"{host}:{port + index}"),
        )
        for index, share in enumerate(shares)
    ]


def _automatic(planning: Planning, cards: list[Gpu]) -> tuple[str, str]:
    machine, policy = planning.machine, planning.policy
    homes = _with_memory(machine.homes)
    nodes, apart = len(homes), not _twice(home.cpus for home in homes)
    if policy.objective != "throughput":
        return SINGLE, f"one server for the host: the objective {policy.objective} wants few answers quickly"
    if cards:
        return SINGLE, f"one server for {len(cards)} GPU(s): it places models on all of them by itself"
    if nodes < 2 or machine.sockets is None or nodes > machine.sockets or not apart:
        found = f"{len(_hosting(planning))} node(s){'' if apart else ' that share CPUs'}"
        return SINGLE, f"one server: {found} on {machine.sockets or 'an unknown number of'} socket(s)"
    if policy.numa_node is not None or policy.bind_method == NONE:
        return SINGLE, "one server, since ollama_numa_node or ollama_bind_method says where it runs"
    if not planning.reached(SETTABLE):
        return SINGLE, f"one server: {planning.release_text} takes no thread count for each of several"
    cut = any(home.parts for home in homes)
    where = f"{nodes} sockets cut into {len(_hosting(planning))} nodes" if cut else f"{nodes} nodes"
    return _PER_SOCKET if cut else PER_NODE, f"objective throughput on {where}: each socket reads its own memory"


def _hosting(planning: Planning) -> list[Node]:
    """Nodes with usable CPUs and memory of their own."""
    return _with_memory(planning.machine.cpu_nodes)


def _with_memory(homes: list[Node]) -> list[Node]:
    return [home for home in homes if home.memory_bytes != 0]


def _check_contradictions(planning: Planning, mode: str) -> None:
    if planning.policy.numa_node is not None:
        planning.error(
            f"ollama_numa_node: {planning.policy.numa_node!r} contradicts ollama_instances: {mode}, which runs on every"
            " node; set only one of them"
        )
    if planning.policy.bind_method == NONE:
        planning.error(
            f"ollama_bind_method: 'none' contradicts ollama_instances: {mode}: several servers that are not bound"
            " would fight for the same cores; allowed is auto, numactl or affinity"
        )


def _check_shared_cpus(planning: Planning, mode: str, shares: list[Share]) -> None:
    """The kernel lists a CPU in one node; a container's or a damaged sysfs may list it in several."""
    shared = _twice(share.cpus for share in shares)
    if shared:
        planning.error(
            f"ollama_instances: {mode!r} is not possible on this host: CPUs {shared} are in several NUMA nodes, so that"
            " several servers would run on the same ones; allowed is single"
        )


def _twice(sets: Iterable[CpuSet | None]) -> CpuSet:
    """What is in more than one of the sets."""
    seen, twice = CpuSet(), CpuSet()
    for cpus in sets:
        twice |= seen & (cpus or CpuSet())
        seen |= cpus or CpuSet()
    return twice


def _single(planning: Planning, cards: list[Gpu], source: str, why: str) -> Share:
    mine = cards if planning.policy.cuda_visible_devices else gpu.one_process(planning, cards)
    return Share("ollama", planning.policy, tuple(mine), planning.machine.memory_bytes, source, why)


def _none(_planning: Planning, _cards: list[Gpu]) -> list[Share]:
    return []


def _per_node(planning: Planning, cards: list[Gpu]) -> list[Share]:
    return _each(planning, cards, planning.machine.cpu_nodes)


def _per_socket(planning: Planning, cards: list[Gpu]) -> list[Share]:
    return _each(planning, cards, planning.machine.homes)


def _each(planning: Planning, cards: list[Gpu], places: list[Node]) -> list[Share]:
    """A server for each of these nodes or sockets that has memory, with the cards that are close to it."""
    machine, nodes = planning.machine, _with_memory(places)
    idle = [node for node in places if node not in nodes]
    if idle:
        planning.warn(
            "node-without-memory",
            f"node {', '.join(node.list for node in idle)} has CPUs and no memory, so no server runs there",
            "populate the node's memory slots, or leave its CPUs to other programs",
        )
    if len(nodes) < 2:
        return []
    homes = {node.id: [card for card in cards if card.numa_node in (node.parts or (node.id,))] for node in nodes}
    homeless = [card for card in cards if card not in [mine for near in homes.values() for mine in near]]
    if homeless:
        homes[nodes[0].id] += homeless
        planning.warn(
            "gpu-without-node",
            f"{'; '.join(card.label for card in homeless)}: no server runs on the node, or the node is not known;"
            f" taken by {nodes[0].name}'s",
            "list the instances in ollama_instances, each with its cuda_visible_devices",
        )
    return [
        Share(
            f"socket{node.socket}" if node.parts else f"node{node.id}",
            _own(planning.policy),
            tuple(homes[node.id]),
            memory_of(machine, node, 1, len(nodes)),
            POLICY,
            f"{node.label} with {_cores(planning, usable(planning, node))}, {gib(node.memory_bytes)} and"
            f" {len(homes[node.id])} GPU(s)",
            cpus=usable(planning, node),
            node=node,
        )
        for node in nodes
    ]


def _per_gpu(planning: Planning, cards: list[Gpu]) -> list[Share]:
    if not cards:
        planning.warn(
            "no-gpu-for-instances",
            "ollama_instances is per_gpu, and no usable GPU was found; one server runs on the CPUs",
            "set ollama_instances: auto on hosts without GPU; ollama_topology.problems says what was tried",
        )
    if len(cards) < 2 or planning.machine.allowed is None:
        return []
    ordered = sorted(cards, key=lambda card: (card.pci_bus_id or "", card.uuid or ""))
    places = _places(planning, ordered)
    if any(not cpus for _node, cpus, _neighbours in places):
        planning.error(
            f"ollama_instances: 'per_gpu' would divide fewer cores than GPUs ({len(planning.machine.allowed)} logical"
            f" CPUs, {len(cards)} GPUs); allowed here is single, or a list"
        )
    return [
        Share(
            f"gpu{number}",
            _own(planning.policy),
            (card,),
            memory_of(planning.machine, node, neighbours, len(ordered)),
            POLICY,
            f"{card.label} at {card.place} with {_cores(planning, cpus)}" + (f" of {node.label}" if node else ""),
            cpus=cpus,
            node=node,
        )
        for number, (card, (node, cpus, neighbours)) in enumerate(zip(ordered, places))
    ]


def _places(planning: Planning, cards: list[Gpu]) -> list[tuple[Node | None, CpuSet, int]]:
    """Node or socket, CPUs and number of servers there, for each card. Where one card's is unknown, so are all."""
    places = _with_memory(planning.machine.homes)
    nodes: dict[int | None, Node] = {part: home for home in places for part in home.parts or (home.id,)}
    nodes.update({node.id: node for home in places for node in _evenly(planning, home, cards)})
    only = places[0] if len(places) == 1 else None
    homes = [home for card in cards if (home := nodes.get(card.numa_node, only)) is not None]
    if len(homes) < len(cards):
        shares = deal(planning, planning.machine.allowed or CpuSet(), len(cards))
        return [(None, cpus, len(cards)) for cpus in shares]
    dealt = {node.id: deal(planning, usable(planning, node), homes.count(node)) for node in homes}
    return [(node, dealt[node.id].pop(0), homes.count(node)) for node in homes]


def _evenly(planning: Planning, home: Node, cards: list[Gpu]) -> list[Node]:
    """The nodes of a socket, where each of them has as many cards as the others; else none."""
    parts = [node for node in _hosting(planning) if node.id in home.parts]
    counts = {sum(card.numa_node == node.id for card in cards) for node in parts}
    return parts if len(parts) == len(home.parts) and len(counts) == 1 and counts != {0} else []


def usable(planning: Planning, node: Node) -> CpuSet:
    """The CPUs of a node that a service may use, isolated ones only where there is nothing else."""
    allowed = node.cpus & planning.machine.allowed if planning.machine.allowed is not None else node.cpus
    return allowed - planning.machine.isolated or allowed


def deal(planning: Planning, cpus: CpuSet, parts: int) -> list[CpuSet]:
    """CPUs for each of several servers, without the isolated ones."""
    kinds = [kind for _name, kind in planning.machine.kinds]
    return partition(cpus - planning.machine.isolated or cpus, planning.machine.siblings, kinds, parts)


def _own(policy: Policy) -> Policy:
    """The policy of one of several servers, whose cards and node are chosen already."""
    return policy.replace(cuda_visible_devices=None, numa_node=None)


def _cores(planning: Planning, cpus: CpuSet) -> str:
    return f"{planning.machine.cores_in(cpus)} cores"
