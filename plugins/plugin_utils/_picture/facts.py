# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of a host that its picture needs: a tolerant view of the facts of ``topology_facts`` (schema 1).

Whatever is null in the facts is None or left out here, and drawn as "not read".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import check_topology
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KINDS = ("performance", "middle", "efficiency", "low_power", "uniform")


@dataclass(frozen=True)
class Part:
    """A socket, a NUMA node or a last-level cache, with the online CPUs that belong to it."""

    level: str
    number: int | None
    cpus: CpuSet
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Gpu:
    """A GPU, its name in the picture, and whether the service uses it."""

    label: str
    used: bool
    facts: Mapping[str, Any]


class Host:
    """Typed access to one host's facts and to what the instances of a plan use of it.

    Raises OllamaError where the facts are of another shape.
    """

    def __init__(self, topology: Mapping[str, Any], instances: Sequence[Mapping[str, Any]] | None) -> None:
        check_topology(topology)
        self.cpu: Mapping[str, Any] = topology.get("cpu") or {}
        self.memory: Mapping[str, Any] = topology.get("memory") or {}
        self.allowed: Mapping[str, Any] = topology.get("allowed") or {}
        self.virtualization: Mapping[str, Any] = topology.get("virtualization") or {}
        self.problems = len(topology.get("problems") or [])
        numa = _entries(topology.get("numa"))
        self.nodes_known = topology.get("numa") is not None
        self.nodes = [Part("node", entry.get("id"), _set(entry.get("cpus"), "numa"), entry) for entry in numa]
        online = _set(self.cpu.get("online"), "cpu.online")
        self.cpus_known = bool(online)
        # With the subset "numa" alone the nodes tell which CPUs there are.
        self.online = online or CpuSet(cpu for node in self.nodes for cpu in node.cpus)
        self.offline = _set(self.cpu.get("offline"), "cpu.offline") - self.online
        self.isolated = _set(self.cpu.get("isolated"), "cpu.isolated")
        allowed = self.allowed.get("cpus")
        self.barred = CpuSet() if allowed is None else self.online - _set(allowed, "allowed.cpus")
        self.cores_known = bool(self.cpu.get("siblings"))
        self.cores = self._cores()
        self.kinds = self._kinds()
        self.sockets = self._sockets()
        caches = [(_set(entry.get("cpus"), "cpu.llc"), entry) for entry in _entries(self.cpu.get("llc"))]
        self.caches = [Part("cache", None, cpus & self.online, entry) for cpus, entry in caches if cpus & self.online]
        self.planned = instances is not None
        self.servers = [
            (str(entry.get("name") or "the service"), _set(entry.get("cpus"), "instances.cpus") & self.online)
            for entry in instances or []
        ]
        self.running = CpuSet(cpu for _name, cpus in self.servers for cpu in cpus)
        self.gpus_known = topology.get("gpus") is not None
        used = {gpu for entry in instances or [] for gpu in entry.get("gpus") or [] if gpu}
        self.gpus = _gpus(_entries(topology.get("gpus")), used)

    def _cores(self) -> list[CpuSet]:
        """Sets of siblings; a CPU that no set names is drawn alone."""
        cores, seen = [], CpuSet()
        for text in self.cpu.get("siblings") or []:
            core = (_set(text, "cpu.siblings") & self.online) - seen
            if core:
                cores.append(core)
                seen |= core
        return sorted([*cores, *(CpuSet([cpu]) for cpu in self.online - seen)], key=CpuSet.first)

    def _kinds(self) -> dict[int, str]:
        entries = _entries(self.cpu.get("kinds"))
        return {
            cpu: str(entry.get("kind"))
            for entry in entries
            if entry.get("kind") in KINDS
            for cpu in _set(entry.get("cpus"), "cpu.kinds")
        }

    def _sockets(self) -> list[Part]:
        packages = self.cpu.get("packages")
        if packages is None and self.cpu.get("sockets") == 1 and self.cpus_known:
            # Facts that were saved before they had packages.
            packages = [str(self.online)]
        found = [_set(text, "cpu.packages") & self.online for text in packages or []]
        return [Part("socket", number, cpus, {}) for number, cpus in enumerate(found) if cpus]


def _entries(found: Iterable[Any] | None) -> list[Mapping[str, Any]]:
    return [entry for entry in found or [] if entry]


def _set(text: str | None, where: str) -> CpuSet:
    try:
        return CpuSet() if text is None else CpuSet.parse(text)
    except (ValueError, AttributeError) as error:
        raise OllamaError(f"topology: {where}: expected a list such as 0-3,8, found {text!r}") from error


def _gpus(entries: list[Mapping[str, Any]], used: set[str]) -> list[Gpu]:
    vendors = {entry.get("vendor") for entry in entries}
    found = []
    for entry in entries:
        # Each vendor's driver counts from 0.
        name = ("GPU" if len(vendors) < 2 else f"{vendor_of(entry.get('vendor')).title} GPU").strip()
        number = entry.get("index")
        # What a plan calls a card that has neither, as in Gpu.address of _plan/machine.py.
        named = entry.get("name") or f"{vendor_of(entry.get('vendor')).title} GPU"
        place = entry.get("pci_bus_id") or entry.get("uuid")
        chosen = place in used or entry.get("uuid") in used or (place is None and named in used)
        found.append(Gpu(name if number is None else f"{name} {number}", chosen, entry))
    return found
