# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logical CPUs, physical cores and sockets: /sys/devices/system/cpu.

Documentation/admin-guide/cputopology.rst and Documentation/ABI/stable/sysfs-devices-system-cpu in the kernel.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import LIMIT, CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

BASE = "/sys/devices/system/cpu"

_DIRECTORY = re.compile(r"cpu(0|[1-9][0-9]*)", re.ASCII)
# The first of each kind is what every kernel since 2.6.30 has; the masks are older still.
_DIGITS = len(str(LIMIT))
_CORE_LISTS = ("thread_siblings_list", "core_cpus_list")
_CORE_MASKS = ("thread_siblings", "core_cpus")
_PACKAGE_LISTS = ("core_siblings_list", "package_cpus_list")
_PACKAGE_MASKS = ("core_siblings", "package_cpus")
# On s390 a socket number counts within a book, and a book number within a drawer.
_PACKAGE_ID = "physical_package_id"
_WITHIN = ("book_id", "drawer_id")


class Processors(NamedTuple):
    """CPUs as the kernel reports them; None for what could not be read.

    ``siblings`` are the sets of online CPUs that share a physical core, ordered by their first CPU;
    ``packages`` are the sets of online CPUs that share a socket.
    """

    online: Optional[CpuSet]
    offline: Optional[CpuSet]
    isolated: Optional[CpuSet]
    siblings: Optional[list[CpuSet]]
    packages: Optional[list[CpuSet]]


def read_processors(root: Root) -> Processors:
    """All CPUs with their cores and sockets."""
    directories = _directories(root)
    online = _read_online(root, directories)
    present = root.cpus(f"{BASE}/present") or directories
    isolated = root.cpus(f"{BASE}/isolated")
    if online is None:
        return Processors(None, None, isolated, None, None)
    if not directories:
        root.problem(f"{BASE}: expected a directory such as cpu0 for each CPU; cores and sockets are unknown")
        return Processors(online, present - online, isolated, None, None)
    return Processors(online, present - online, isolated, _read_siblings(root, online), _read_packages(root, online))


def count_cores(siblings: Iterable[CpuSet] | None, cpus: CpuSet | None) -> int | None:
    """How many physical cores have at least one of ``cpus``."""
    if siblings is None or cpus is None:
        return None
    return sum(1 for core in siblings if not core.isdisjoint(cpus))


def _directories(root: Root) -> CpuSet:
    found = [match[1] for match in map(_DIRECTORY.fullmatch, root.names(BASE)) if match]
    numbers = [int(text) if len(text) <= _DIGITS else LIMIT for text in found]
    if any(number >= LIMIT for number in numbers):
        strange = next(text for text, number in zip(found, numbers) if number >= LIMIT)
        root.problem(f"{BASE}/cpu{brief(strange)}: left out, expected a number from 0 to {LIMIT - 1}")
    return CpuSet(number for number in numbers if number < LIMIT)


def _read_online(root: Root, directories: CpuSet) -> CpuSet | None:
    cpus = root.cpus(f"{BASE}/online")
    if cpus and (cpus <= directories or not directories):
        return cpus
    if cpus:
        root.problem(f"{BASE}/online: names CPUs {brief(cpus - directories)}, which have no directory such as cpu0")
    # Kernels before 2.6.26 have no list, but each CPU that can be switched off says whether it is on.
    found = CpuSet(cpu for cpu in directories if _is_online(root, cpu))
    if found:
        return found
    root.problem(f"{BASE}/online: no online CPU found, expected a list such as 0-31 or directories such as cpu0")
    return None


def _is_online(root: Root, cpu: int) -> bool:
    state = root.text(f"{BASE}/cpu{cpu}/online")
    if state in {"0", "1"}:
        return state == "1"
    if state is not None:
        root.problem(f"{BASE}/cpu{cpu}/online: read {state[:80]!r}, expected 0 or 1")
    # The kernel removes the topology of a CPU that goes offline. CPU 0 often has no switch.
    return root.exists(f"{BASE}/cpu{cpu}/topology")


def _read_siblings(root: Root, online: CpuSet) -> list[CpuSet] | None:
    sets, doubtful = _partition(root, online, _CORE_LISTS, _CORE_MASKS)
    if sets is None:
        root.problem(
            f"{BASE}/cpu*/topology/thread_siblings_list: expected each online CPU in exactly one set of "
            f"siblings, which does not hold for CPUs {brief(doubtful)}; the physical cores are unknown"
        )
    return sets


def _read_packages(root: Root, online: CpuSet) -> list[CpuSet] | None:
    sets, doubtful = _partition(root, online, _PACKAGE_LISTS, _PACKAGE_MASKS)
    by_id = _packages_by_id(root, online)
    if sets is None and by_id is None:
        root.problem(
            f"{BASE}/cpu*/topology/core_siblings_list: expected each online CPU in exactly one socket, "
            f"which does not hold for CPUs {brief(doubtful)}, and physical_package_id does not tell either; "
            f"the sockets are unknown"
        )
    if sets is None or by_id is None:
        return sets or by_id
    # With Cluster-on-Die older kernels list the halves of a package, which lscpu and lstopo then count as sockets.
    if all(any(group <= package for package in by_id) for group in sets):
        return sets
    root.problem(
        f"{BASE}/cpu*/topology: core_siblings_list names {len(sets)} sockets and physical_package_id "
        f"{len(by_id)}, expected them to agree; the sockets are unknown"
    )
    return None


def _partition(
    root: Root, online: CpuSet, lists: tuple[str, ...], masks: tuple[str, ...]
) -> tuple[list[CpuSet] | None, CpuSet]:
    """The distinct sets that the CPUs name, and the CPUs that are in none or in several.

    A CPU whose own files cannot be read belongs where its siblings say.
    """
    readers: list[tuple[Callable[[str], CpuSet | None], str]] = [
        *((root.cpus, name) for name in lists),
        *((root.cpu_mask, name) for name in masks),
    ]
    named: dict[CpuSet, None] = {}
    for cpu in online:
        for read, name in readers:
            group = read(f"{BASE}/cpu{cpu}/topology/{name}")
            if group is not None and cpu in group:
                named[group & online] = None
                break
    seen = several = CpuSet()
    for group in named:
        several |= seen & group
        seen |= group
    doubtful = several | (online - seen)
    return (None if doubtful else sorted(named, key=CpuSet.first)), doubtful


def _packages_by_id(root: Root, online: CpuSet) -> list[CpuSet] | None:
    members: dict[tuple[int | None, ...], list[int]] = {}
    first = f"{BASE}/cpu{next(iter(online), None)}/topology"
    # No other kernel has books and drawers, so that not every CPU is asked for its own.
    names = [_PACKAGE_ID, *(name for name in _WITHIN if root.text(f"{first}/{name}") is not None)]
    for cpu in online:
        ids = tuple(root.integer(f"{BASE}/cpu{cpu}/topology/{name}") for name in names)
        # -1 is the kernel's word for unknown.
        if ids[0] is None or ids[0] < 0:
            return None
        members.setdefault(ids, []).append(cpu)
    return [CpuSet(cpus) for cpus in members.values()]
