# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cores are fast and which are frugal on a hybrid CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import BASE, Processors
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpuinfo import read_arm_cores

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# Documentation/ABI/testing/sysfs-bus-event_source-devices; "lowpower" are the cores of the SoC tile.
_PMUS = (("performance", "cpu_core"), ("efficiency", "cpu_atom"), ("low_power", "cpu_lowpower"))


class Kind(NamedTuple):
    """Online CPUs of one sort: performance, middle, efficiency, low_power, or uniform if there is but one."""

    kind: str
    cpus: CpuSet


def read_kinds(root: Root, processors: Processors) -> list[Kind] | None:
    """The sorts of cores, the fastest first; None where the cores differ and the kernel does not grade them.

    Intel: /sys/devices/cpu_core/cpus and its companions. Arm, RISC-V, and x86 since Linux 6.12:
    /sys/devices/system/cpu/cpuN/cpu_capacity (Documentation/ABI/testing/sysfs-devices-system-cpu),
    1024 for the fastest core.
    """
    online = processors.online
    if online is None:
        return None
    kinds = _by_pmu(root, online)
    if kinds is None or len(kinds) > 1:
        return kinds
    kinds = _graded(root, online, "cpu_capacity")
    if kinds is None or len(kinds) > 1:
        return kinds
    if not _cores_differ(root, processors):
        return [Kind("uniform", online)]
    return _by_frequency(root, online)


def _by_pmu(root: Root, online: CpuSet) -> list[Kind] | None:
    """Kinds by Intel's counters; None where a list is unreadable: calling cores alike would be a guess."""
    kinds = []
    for kind, pmu in _PMUS:
        path = f"/sys/devices/{pmu}/cpus"
        cpus = root.cpus(path)
        if cpus is None and root.exists(path):
            return None
        if cpus and cpus & online:
            kinds.append(Kind(kind, cpus & online))
    return kinds


def _by_frequency(root: Root, online: CpuSet) -> list[Kind] | None:
    """Frequencies may grade cores that are known to differ. Alone they prove nothing: Speed Select gives like
    cores of a server unlike base frequencies, and favoured cores have a higher maximum.
    """
    for name in ("cpufreq/base_frequency", "cpufreq/cpuinfo_max_freq"):
        kinds = _graded(root, online, name)
        if kinds is None or len(kinds) > 1:
            return kinds
    root.problem(
        f"{BASE}: the cores are not all of one kind, and neither /sys/devices/cpu_core/cpus nor "
        f"cpu_capacity, base_frequency or cpuinfo_max_freq tells which is which"
    )
    return None


def _cores_differ(root: Root, processors: Processors) -> bool:
    """Whether with every CPU online cores differ in threads, or Arm cores in part numbers."""
    sizes = {len(core) for core in processors.siblings or ()}
    return (len(sizes) > 1 and not processors.offline) or len(read_arm_cores(root)) > 1


def _graded(root: Root, online: CpuSet, name: str) -> list[Kind] | None:
    """Grades by a number that each CPU has; empty where a CPU has none, None where one cannot be understood."""
    members: dict[int, list[int]] = {}
    for cpu in online:
        path = f"{BASE}/cpu{cpu}/{name}"
        value = root.natural(path)
        if not value:
            return [] if value == 0 or not root.exists(path) else None
        members.setdefault(value, []).append(cpu)
    grades: list[list[int]] = []
    top = 0
    for value in sorted(members, reverse=True):
        # The margin of the kernel's own capacity_greater() in kernel/sched/fair.c: favoured cores of one kind
        # differ by less.
        if not grades or top * 1024 > value * 1078:
            grades.append([])
            top = value
        grades[-1].extend(members[value])
    names = ["performance", *["middle"] * (len(grades) - 2), "efficiency"]
    return [Kind(kind, CpuSet(cpus)) for kind, cpus in zip(names, grades)]
