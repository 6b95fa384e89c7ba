# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that nobody lent us: a shape in numbers, written as the kernel would show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"
KIB = 1024


def mask(cpus):
    """The mask format of the kernel: words of 32 bits, the highest first."""
    value = sum(1 << cpu for cpu in cpus)
    words = []
    while value or not words:
        words.append(f"{value & 0xFFFFFFFF:08x}")
        value >>= 32
    return ",".join(reversed(words))


@dataclass
class Machine:
    """A host's shape.

    ``cores`` and ``efficiency_cores`` (which have one thread) count for one socket, ``nodes`` for the whole
    machine; nodes take equal shares of the cores in order. ``numbering`` is how CPUs are numbered:
    ``spread`` (0-13,28-41: all first threads, socket after socket, then all second ones), ``adjacent``
    (0-27: siblings are neighbours) or ``alternating`` (0,2,4 and so on: sockets take turns).
    ``memory_gib`` is the memory of each node, one number for all or one for each.
    """

    sockets: int = 1
    cores: int = 4
    threads: int = 1
    nodes: int = 1
    numbering: str = "spread"
    memory_gib: int | list[int] = 16
    memory_only_nodes: list[int] = field(default_factory=list)
    efficiency_cores: int = 0
    offline: str = ""
    isolated: str = ""
    vendor: str = "GenuineIntel"
    model: str = "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz"
    release: str = "6.12.0"
    architecture: str = "x86_64"
    transparent_hugepage: str = "madvise"
    numa_balancing: int = 1
    cpu_max: str = "max 100000"
    memory_max: str = "max"
    cpuset: str = ""
    lists: bool = True

    def cpu(self, socket, core, thread):
        """The number of one logical CPU; efficiency cores are numbered after all others."""
        if core >= self.cores:
            before = self.sockets * self.cores * self.threads
            return before + socket * self.efficiency_cores + core - self.cores
        if self.numbering == "adjacent":
            return (socket * self.cores + core) * self.threads + thread
        first = core * self.sockets + socket if self.numbering == "alternating" else socket * self.cores + core
        return thread * self.sockets * self.cores + first

    def physical(self):
        """Every core as (socket, node, its CPUs), whether they are online or not."""
        share = self.cores + self.efficiency_cores
        for socket in range(self.sockets):
            for core in range(share):
                threads = self.threads if core < self.cores else 1
                node = (socket * share + core) * self.nodes // (self.sockets * share)
                yield socket, node, CpuSet(self.cpu(socket, core, thread) for thread in range(threads))

    @property
    def present(self):
        return CpuSet(cpu for _socket, _node, cpus in self.physical() for cpu in cpus)

    @property
    def online(self):
        return self.present - CpuSet.parse(self.offline)

    def write(self, folder):
        """Write the machine under a folder and return that folder as text, ready for Root or the module."""
        return plant(folder, {**self._proc(), **self._cpus(), **self._nodes(), **self._groups()})

    def _node_gib(self):
        memory = self.memory_gib if isinstance(self.memory_gib, list) else [self.memory_gib] * self.nodes
        return [*memory, *self.memory_only_nodes]

    def _proc(self):
        total = sum(self._node_gib()) * KIB * KIB
        blocks = [
            f"processor\t: {cpu}\nvendor_id\t: {self.vendor}\nmodel name\t: {self.model}\nflags\t\t: fpu lm\n"
            for cpu in self.online
        ]
        return {
            "/proc/cpuinfo": "\n".join(blocks),
            "/proc/meminfo": f"MemTotal: {total} kB\nMemFree: {total // 2} kB\n"
            f"MemAvailable: {total // 10 * 9} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB",
            "/proc/sys/kernel/osrelease": self.release,
            "/proc/sys/kernel/arch": self.architecture,
            "/proc/sys/kernel/numa_balancing": str(self.numa_balancing),
            "/sys/kernel/mm/transparent_hugepage/enabled": " ".join(
                f"[{word}]" if word == self.transparent_hugepage else word for word in ("always", "madvise", "never")
            ),
        }

    def _sets(self, path, name, cpus):
        files = {f"{path}/{name}": mask(cpus)}
        if self.lists:
            files[f"{path}/{name}_list"] = str(cpus)
        return files

    def _cpus(self):
        online, present = self.online, self.present
        files = {
            f"{CPU}/online": str(online),
            f"{CPU}/offline": str(present - online),
            f"{CPU}/present": str(present),
            f"{CPU}/possible": str(present),
            f"{CPU}/isolated": self.isolated,
        }
        cores = list(self.physical())
        packages = [
            CpuSet(cpu for socket, _node, cpus in cores if socket == number for cpu in cpus) & online
            for number in range(self.sockets)
        ]
        for number, (socket, _node, cpus) in enumerate(cores):
            for cpu in cpus:
                base = f"{CPU}/cpu{cpu}"
                if cpu:
                    files[f"{base}/online"] = str(int(cpu in online))
                if cpu not in online:
                    continue
                files[f"{base}/topology/core_id"] = str(number % (self.cores + self.efficiency_cores))
                files[f"{base}/topology/physical_package_id"] = str(socket)
                files.update(self._sets(f"{base}/topology", "thread_siblings", cpus & online))
                files.update(self._sets(f"{base}/topology", "core_siblings", packages[socket]))
                files.update(
                    {
                        f"{base}/cache/index3/level": "3",
                        f"{base}/cache/index3/type": "Unified",
                        f"{base}/cache/index3/size": "35840K",
                        f"{base}/cache/index3/shared_cpu_list": str(packages[socket]),
                        f"{base}/cache/index3/shared_cpu_map": mask(packages[socket]),
                    }
                )
        if self.efficiency_cores:
            fast = CpuSet(range(self.sockets * self.cores * self.threads))
            files["/sys/devices/cpu_core/cpus"] = str(fast & online)
            files["/sys/devices/cpu_atom/cpus"] = str(online - fast)
        return files

    def _nodes(self):
        gib = self._node_gib()
        files = {f"{NODE}/online": f"0-{len(gib) - 1}" if len(gib) > 1 else "0"}
        for number, size in enumerate(gib):
            base = f"{NODE}/node{number}"
            cpus = CpuSet(cpu for _socket, node, cpus in self.physical() if node == number for cpu in cpus)
            total = size * KIB * KIB
            files[f"{base}/meminfo"] = f"Node {number} MemTotal: {total} kB\nNode {number} MemFree: {total // 2} kB"
            files[f"{base}/distance"] = " ".join("10" if other == number else "21" for other in range(len(gib)))
            files[f"{base}/hugepages/hugepages-2048kB/nr_hugepages"] = "0"
            files[f"{base}/cpumap"] = mask(cpus & self.online)
            if self.lists:
                files[f"{base}/cpulist"] = str(cpus & self.online)
        return files

    def _groups(self):
        base = "/sys/fs/cgroup"
        files = {
            "/proc/mounts": f"cgroup2 {base} cgroup2 rw 0 0",
            f"{base}/system.slice/cpu.max": self.cpu_max,
            f"{base}/system.slice/memory.max": self.memory_max,
        }
        if self.cpuset:
            files[f"{base}/system.slice/cpuset.cpus.effective"] = self.cpuset
        return files
