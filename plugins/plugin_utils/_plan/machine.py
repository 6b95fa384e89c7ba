# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology as the policy questions ask for it.

A view over the facts of ``topology_facts`` (schema 1). Facts that could not be read are None there and stay
None here: no question is answered from a guess.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu, gpu_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Where systemd puts a service whose files name no slice.
_USUAL_SLICE = "system.slice"
_BINDERS = frozenset({"numactl", "taskset"})


@dataclass(frozen=True)
class Node:
    """One NUMA node: its online CPUs, none on a node that is memory alone.

    Or a socket that firmware cuts into several nodes: then ``parts`` are their numbers, ``id`` is the lowest of them,
    and ``socket`` counts the sockets.
    """

    id: int
    cpus: CpuSet
    memory_bytes: int | None
    parts: tuple[int, ...] = ()
    socket: int | None = None

    @property
    def label(self) -> str:
        """How a reason names it: ``node 1``, ``socket 1 (nodes 4-7)``."""
        return f"{self.name} (nodes {self.list})" if self.parts else self.name

    @property
    def name(self) -> str:
        """The same in two words: ``node 1``, ``socket 1``."""
        return f"socket {self.socket}" if self.parts else f"node {self.id}"

    @property
    def list(self) -> str:
        """Its nodes as a kernel list."""
        return str(CpuSet(self.parts or (self.id,)))

    @property
    def number(self) -> int | str:
        """The node as a plan has it: its number, of a socket the list of its nodes."""
        return self.list if self.parts else self.id


def check_topology(topology: Mapping[str, Any]) -> None:
    """Raise OllamaError where the facts are of another shape than topology_facts returns."""
    if not hasattr(topology, "get") or topology.get("schema") != 1:
        raise OllamaError(
            "topology: expected the mapping that topology_facts returns, with schema 1; "
            f"found {type(topology).__name__} {str(topology)[:80]!r}"
        )


class Machine:
    """Typed access to one host's topology. Raises OllamaError where the facts are of another shape."""

    def __init__(self, topology: Mapping[str, Any], found: Mapping[str, Any] | None = None) -> None:
        check_topology(topology)
        cpu = topology.get("cpu") or {}
        allowed = topology.get("allowed") or {}
        self._allowed: Mapping[str, Any] = allowed
        memory = topology.get("memory") or {}
        self.online = _cpus(cpu.get("online"))
        self.isolated = _cpus(cpu.get("isolated")) or CpuSet()
        self.sockets: int | None = cpu.get("sockets")
        self.cores: int | None = cpu.get("cores")
        self.architecture: str | None = cpu.get("architecture")
        self.siblings = [_parse(text) for text in cpu.get("siblings") or []]
        self.kinds = [(str(kind["kind"]), _parse(kind["cpus"])) for kind in cpu.get("kinds") or []]
        self._cores: dict[CpuSet, int] = {}
        self.allowed = _cpus(allowed.get("cpus")) or self.online
        self.quota: float | None = allowed.get("cpu_quota")
        # Of each of several servers by itself.
        self.instance_quota: float | None = allowed.get("instance_cpu_quota")
        self.instance_memory: int | None = allowed.get("instance_memory_bytes")
        self.slice_limits: list[str] = list(allowed.get("system_slice") or [])
        # Where GPU memory is a node of the host, the total counts it too.
        host_bytes = memory.get("host_bytes") or memory.get("total_bytes")
        entries = topology.get("numa") or []
        self.memory_limit = _least(allowed.get("memory_bytes"), _own_total(entries, host_bytes))
        self.memory_bytes = _least(host_bytes, self.memory_limit)
        self.packages = [_parse(text) for text in cpu.get("packages") or []]
        self.nodes = [
            Node(node["id"], _cpus(node.get("cpus")) or CpuSet(), node.get("memory_bytes")) for node in entries
        ]
        self.gpus_read = topology.get("gpus") is not None
        self.gpus = [gpu_of(entry, self.memory_bytes) for entry in topology.get("gpus") or []]
        self.problems: list[str] = list(topology.get("problems") or [])
        software = topology.get("software") or {}
        self.numactl: str | None = software.get("numactl")
        self.systemd: int | None = software.get("systemd")
        kernel = topology.get("kernel") or {}
        self.transparent_hugepage: str | None = kernel.get("transparent_hugepage")
        self.numa_balancing: bool | None = kernel.get("numa_balancing")
        self.cgroup_cpu: bool | None = kernel.get("cgroup_cpu")
        self.sleep_states: list[str] | None = kernel.get("sleep_states")
        self.container = (topology.get("virtualization") or {}).get("type") == "container"
        self.ollama: Mapping[str, Any] = software.get("ollama") or {}
        # Variables by the files of the installed unit, those of every program such as HOME among them, without secrets.
        said = (found or {}).get("variables") or {}
        self.unit_variables = {name: str(each["value"]) for name, each in said.items() if each["value"] is not None}
        self.unit_variable_files = {name: str(each.get("file")) for name, each in said.items()}
        # The installed unit's command where it is more than the program and "serve".
        self.wrapped: str | None = (self.ollama.get("unit") or {}).get("wrapped_command")
        drivers = topology.get("drivers") or {}
        self.nvidia_driver: str | None = (drivers.get("nvidia") or {}).get("driver")
        # Why a vendor's driver answered for none of its cards.
        self.driver_errors: dict[str, str] = {
            str(name): str(driver["error"]) for name, driver in drivers.items() if driver and driver.get("error")
        }

    @property
    def binds_itself(self) -> bool:
        """Whether the installed unit's own command chooses CPUs, which then wins over the unit's directives."""
        return bool(_BINDERS & {word.rpartition("/")[2] for word in (self.wrapped or "").split()})

    def allowed_in(self, name: str | None) -> dict[str, Any] | None:
        """What the service may use in a slice that its files do not name, in the topology's form; None for the same."""
        named = ((self.ollama.get("unit") or {}).get("slice") or {}).get("name") or _USUAL_SLICE
        limits = {each["name"]: each for each in self._allowed.get("slices") or []}
        found = limits.get(name, limits.get(None))
        if name is None or name == named or found is None:
            return None
        return {**self._allowed, **{key: value for key, value in found.items() if key != "name"}, "slices": []}

    def has_driver(self, gpu: Gpu) -> bool:
        """Whether CUDA's driver is there for a card; only its files show one that is on no PCI bus (WSL2, Tegra)."""
        return gpu.maker.cuda and (self.nvidia_driver is not None or gpu.pci_bus_id is None)

    @property
    def cpu_nodes(self) -> list[Node]:
        """Nodes that have online CPUs a service may use, by id."""
        usable = self.allowed
        return [node for node in self.nodes if node.cpus and (usable is None or node.cpus & usable)]

    @functools.cached_property
    def homes(self) -> list[Node]:
        """What servers are bound to: the nodes with usable CPUs, or sockets where nodes are parts of them.

        A socket that is cut into nodes has all of its memory channels only as a whole. Nodes that are not within one
        socket, or share CPUs, stay what they are.
        """
        nodes = [node for node in self.nodes if node.cpus]
        owned = [[node for node in nodes if node.cpus <= package] for package in self.packages]
        apart = sum(len(node.cpus) for node in nodes) == len(CpuSet(cpu for node in nodes for cpu in node.cpus))
        if not apart or sum(map(len, owned)) != len(nodes):
            return self.cpu_nodes
        homes = [_socket(number, parts) for number, parts in enumerate(owned) if parts]
        return sorted(
            (home for home in homes if self.allowed is None or home.cpus & self.allowed), key=lambda home: home.id
        )

    def home_of(self, cpus: CpuSet) -> Node | None:
        """The node or, where nodes are parts of sockets, the socket that all of these CPUs lie on."""
        return next((home for home in (*self.cpu_nodes, *self.homes) if cpus and cpus <= home.cpus), None)

    def cores_in(self, cpus: CpuSet) -> int:
        """Physical cores with at least one logical CPU in the set."""
        if cpus not in self._cores:
            self._cores[cpus] = sum(1 for core in self.siblings if core & cpus)
        return self._cores[cpus]

    def performance(self) -> CpuSet | None:
        """The CPUs of performance cores on a machine that has efficiency cores too; else None."""
        if len(self.kinds) < 2:
            return None
        fast = [cpus for kind, cpus in self.kinds if kind == "performance"]
        return fast[0] if fast else None


def _cpus(text: str | None) -> CpuSet | None:
    return None if text is None else _parse(text)


# A fleet of like hosts has the same few hundred texts again and again.
_parse = functools.lru_cache(maxsize=8192)(CpuSet.parse)


def _least(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return min(known) if known else None


def _own_total(entries: Iterable[Mapping[str, Any]], total: int | None) -> int | None:
    """The memory of a container whose nodes' files are those of the whole machine; None where the nodes have no more.

    It bounds the service as a limit does, and may come from any node.
    """
    sizes = [node.get("memory_bytes") or 0 for node in entries if not node.get("gpu_memory")]
    return total if total is not None and sum(sizes) > total + total // 100 else None


def _socket(number: int, parts: list[Node]) -> Node:
    """A socket of these nodes; a node that is all of a socket stays one."""
    if len(parts) == 1:
        return parts[0]
    sizes = [node.memory_bytes for node in parts if node.memory_bytes is not None]
    return Node(
        id=min(node.id for node in parts),
        cpus=CpuSet(cpu for node in parts for cpu in node.cpus),
        memory_bytes=sum(sizes) if len(sizes) == len(parts) else None,
        parts=tuple(sorted(node.id for node in parts)),
        socket=number,
    )
