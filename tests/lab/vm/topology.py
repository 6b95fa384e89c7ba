# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A named CPU and memory layout, as QEMU's arguments and as the order in which Linux numbers the CPUs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import firmware

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path(__file__).resolve().parents[1] / "topologies.json"


def width(count: int) -> int:
    """How many bits of an APIC id a level with so many members takes."""
    return max(count - 1, 0).bit_length()


class Topology:
    """One entry of topologies.json.

    ``smp`` is sockets, cores per socket, threads per core; ``nodes`` share the cores evenly unless they say
    how many they own, in core order; ``order`` "adjacent" numbers SMT siblings side by side;
    ``single_thread_cores`` lose their second thread.
    """

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        self.name, self.spec = name, spec
        self.sockets, self.cores, self.threads = spec["smp"]
        self.count = self.sockets * self.cores * self.threads

    @classmethod
    def load(cls, name: str, file: Path = FILE) -> Topology:
        known = json.loads(file.read_text())
        if name not in known:
            raise ValueError(f"There is no topology {name!r}; {file.name} has {', '.join(sorted(known))}.")
        return cls(name, known[name])

    def args(self, backend: Callable[[int, int], str]) -> list[str]:
        """QEMU's arguments; ``backend(node, MiB)`` gives the -object of the memory backend ``m<node>``."""
        nodes = self.spec["nodes"]
        args = [
            *("-m", str(sum(node["mem"] for node in nodes))),
            *("-smp", f"{self.count},sockets={self.sockets},cores={self.cores},threads={self.threads}"),
        ]
        first = 0
        for number, (node, cores) in enumerate(zip(nodes, self._cores_of_nodes(), strict=True)):
            line = f"node,nodeid={number}"
            if node["mem"]:
                args += ["-object", backend(number, node["mem"])]
                line += f",memdev=m{number}"
            if cores:
                line += f",cpus={first}-{first + cores * self.threads - 1}"
                first += cores * self.threads
            args += ["-numa", line]
        if first != self.count:
            raise ValueError(f"The nodes of topology {self.name} own {first} of its {self.count} CPUs.")
        if "distance" in self.spec:
            pairs = ((i, j) for i in range(len(nodes)) for j in range(i))
            for i, j in pairs:
                args += ["-numa", f"dist,src={i},dst={j},val={self.spec['distance']}"]
        return args

    def _cores_of_nodes(self) -> list[int]:
        nodes = self.spec["nodes"]
        owners = sum("cores" not in node for node in nodes)
        fixed = sum(node.get("cores", 0) for node in nodes)
        share = (self.sockets * self.cores - fixed) // max(owners, 1)
        return [node.get("cores", share) for node in nodes]

    def cpus(self) -> list[tuple[int, int]]:
        """(QEMU's CPU index, APIC id) in the order in which Linux shall number them.

        QEMU lists SMT siblings next to each other (0,1); the firmware of real Xeons lists all first threads,
        then all second ones (0,28).
        """
        single = set(self.spec.get("single_thread_cores", []))
        adjacent = self.spec.get("order") == "adjacent"
        found = []
        for index in range(self.count):
            core, thread = divmod(index, self.threads)
            socket, core_in_socket = divmod(core, self.cores)
            apic = (socket << width(self.cores) | core_in_socket) << width(self.threads) | thread
            if not (thread and core in single):
                found.append((0 if adjacent else thread, index, apic))
        return [(index, apic) for _order, index, apic in sorted(found)]

    def madt(self) -> bytes:
        return firmware.madt(self.cpus())
