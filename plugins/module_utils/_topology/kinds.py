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
# The margin of the kernel's own capacity_greater() in kernel/sched/fair.c: what differs by less counts as alike.
_MARGIN = (1078, 1024)
# What the fastest clock of a core is, in kHz or on a scale of the firmware, and what it always has.
_FASTEST = ("cpufreq/cpuinfo_max_freq", "acpi_cppc/highest_perf")
_SUSTAINED = ("cpufreq/base_frequency", "acpi_cppc/nominal_perf")
# Favoured cores of one kind differ by less from the next: 14 % at most (Core i7-6950X, 4.0 and 3.5 GHz), while 20 %
# and more lie between the kinds of most hybrid processors.
_GAP = (118, 100)
# Hybrid processors have one socket and far fewer cores; servers of many are spared the question.
_MOST_CORES = 128
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
    if _cores_differ(root, processors):
        return _by_frequency(root, online)
    # A capacity takes clocks into account.
    unlike = None if kinds else _unlike(root, processors)
    if unlike is None:
        return [Kind("uniform", online)]
    root.problem(
        f"{BASE}/cpu*/{unlike}: the cores differ by more than favoured cores of one kind do, and neither "
        f"/sys/devices/cpu_core/cpus nor cpu_capacity tells which is which; their kinds are unknown"
    )
    return None


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


def _unlike(root: Root, processors: Processors) -> str | None:
    """The file by which cores differ that nothing else tells apart; None where they may be of one kind.

    Favoured cores alone have a faster clock at most, and Speed Select alone another one that is sustained; kinds that
    differ have both, or far faster clocks.
    """
    cores = processors.siblings or ()
    several = processors.packages is not None and len(processors.packages) > 1 and not read_arm_cores(root)
    if several or not 1 < len(cores) <= _MOST_CORES:
        return None
    cpus = [core.first() for core in cores]
    fastest = {name: found for name in _FASTEST for found in [_values(root, cpus, name)] if found}
    far = next((name for name, values in fastest.items() if _widest(values, _GAP)), None)
    if far is not None:
        return far
    faster = next((name for name, values in fastest.items() if _widest(values, _MARGIN)), None)
    if faster is None and fastest:
        return None
    names = _SUSTAINED if fastest else _SUSTAINED[1:]
    sustained = {name: _values(root, cpus, name) for name in names}
    return next((faster or name for name, values in sustained.items() if _widest(values, _MARGIN)), None)


def _values(root: Root, cpus: list[int], name: str) -> list[int]:
    """A number of each core; empty where one has none."""
    values = []
    for cpu in cpus:
        value = root.natural(f"{BASE}/cpu{cpu}/{name}")
        if not value:
            return []
        values.append(value)
    return values


def _widest(values: list[int], ratio: tuple[int, int]) -> bool:
    """Whether neighbours among the sorted values differ by more than a ratio: ranks of favoured cores are a ladder."""
    ordered = sorted(set(values))
    return any(high * ratio[1] > low * ratio[0] for low, high in zip(ordered, ordered[1:]))


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
        if not grades or top * _MARGIN[1] > value * _MARGIN[0]:
            grades.append([])
            top = value
        grades[-1].extend(members[value])
    names = ["performance", *["middle"] * (len(grades) - 2), "efficiency"]
    return [Kind(kind, CpuSet(cpus)) for kind, cpus in zip(names, grades)]
