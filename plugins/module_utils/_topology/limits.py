# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a service on this host: control groups of both versions, and the affinity it inherits.

Documentation/admin-guide/cgroup-v2.rst; Documentation/admin-guide/cgroup-v1/cpusets.rst and memory.rst;
Documentation/scheduler/sched-bwc.rst. A limit of any level above holds too, so every level is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import read_mounts, slices_with
from ansible_collections.inference.ollama.plugins.module_utils._systemd.quotas import (
    levels,
    levels_by_controller,
    read_quota,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_SERVICE = "ollama.service"
# Where systemd puts services by itself.
_USUAL = "/system.slice"
_CONTROLLERS = ("cpuset", "cpu", "memory")
# cpuset(7): the last names are those of a hierarchy mounted with "noprefix".
_CPUS = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus", "cpus")
_MEMS = ("cpuset.mems.effective", "cpuset.effective_mems", "cpuset.mems", "mems")
# Version 1 prints the greatest multiple of the page size in a signed word for "no limit".
_UNLIMITED = 1 << 62


class Limits(NamedTuple):
    """Limits; None for unlimited.

    ``mems`` are the NUMA nodes that memory may come from, ``cpu_quota`` is in cores (1.5 is one and a half).
    ``system_slice`` names those that system.slice sets for everything in it, None where there is no such group.
    """

    cpus: Optional[CpuSet]
    mems: Optional[CpuSet]
    cpu_quota: Optional[float]
    memory_bytes: Optional[int]
    system_slice: Optional[Tuple[str, ...]]


def read_limits(root: Root) -> Limits:
    """The limits of ``ollama.service``, or of this process where no manager made groups for services."""
    groups = _levels(root)
    cpus = [_first_set(root, level, _CPUS) for level in groups["cpuset"]]
    mems = [_first_set(root, level, _MEMS) for level in groups["cpuset"]]
    quotas = [read_quota(root, level) for level in groups["cpu"]]
    limits = [_read_memory(root, level) for level in groups["memory"]]
    return Limits(
        cpus=_common([*cpus, _inherited(root, "Cpus_allowed_list", groups["cpuset"], _CPUS)]),
        mems=_common([*mems, _inherited(root, "Mems_allowed_list", groups["cpuset"], _MEMS)]),
        cpu_quota=min((quota.cpus for quota in quotas if quota is not None), default=None),
        memory_bytes=min((limit for limit in limits if limit is not None), default=None),
        system_slice=_of_system_slice(root),
    )


def _of_system_slice(root: Root) -> tuple[str, ...] | None:
    """The limits that a service leaves behind when it moves to another slice."""
    found: dict[str, bool] = {}
    there = False
    for mount in read_mounts(root):
        group = f"{mount.path}{_USUAL}"
        if not root.exists(group):
            continue
        there = True
        for name, files in (("cpus", _CPUS), ("mems", _MEMS)):
            own, above = (_first_set(root, folder, files) for folder in (group, mount.path))
            found[name] = found.get(name, False) or (own is not None and above is not None and own != above)
        found["cpu_quota"] = found.get("cpu_quota", False) or read_quota(root, group) is not None
        found["memory_bytes"] = found.get("memory_bytes", False) or _read_memory(root, group) is not None
    return tuple(name for name, limited in found.items() if limited) if there else None


def _levels(root: Root) -> dict[str, list[str]]:
    """For each controller the group directories from the top down to the service."""
    own = _own_groups(root)
    found: dict[str, list[str]] = {name: [] for name in _CONTROLLERS}
    for mount in read_mounts(root):
        for name in _CONTROLLERS:
            if mount.version == 1 and name not in mount.options:
                continue
            if root.exists(f"{mount.path}{_USUAL}"):
                place = next(iter(slices_with(root, mount.path, _SERVICE)), _USUAL)
                groups: tuple[str, ...] = ("", place, f"{place}/{_SERVICE}")
            else:
                groups = own.get(name if mount.version == 1 else "", ("",))
            found[name] += [mount.path + group for group in groups]
    return found


def _own_groups(root: Root) -> dict[str, tuple[str, ...]]:
    """This process's groups: the levels for each controller of version 1, and "" for version 2."""
    cpuset = root.text("/proc/self/cpuset")
    groups = {} if cpuset is None else {"cpuset": levels(cpuset)}
    return {**groups, **levels_by_controller(root.text("/proc/self/cgroup"))}


def _first_set(root: Root, directory: str, names: tuple[str, ...]) -> CpuSet | None:
    """The first set that is not empty; an empty one has not been configured yet."""
    for name in names:
        found = root.cpus(f"{directory}/{name}")
        if found:
            return found
    return None


def _inherited(root: Root, key: str, levels: list[str], names: tuple[str, ...]) -> CpuSet | None:
    """What every service gets from process 1: isolcpus=, and CPUAffinity= in systemd's own configuration.

    Documentation/filesystems/proc.rst, /proc/PID/status.
    """
    path = next((path for path in ("/proc/1/status", "/proc/self/status") if root.text(path)), None)
    text = (root.text(path) if path else None) or ""
    match = re.search(rf"^{key}:\s*(\S+)$", text, re.MULTILINE)
    if match is None:
        # Every kernel prints the CPUs, and the nodes where it knows cpusets.
        if text and (key == "Cpus_allowed_list" or "Mems_allowed" in text):
            root.problem(f"{path}: read {text[:80]!r}, expected a line such as '{key}: 0-3'")
        return None
    try:
        found = CpuSet.parse(match[1])
    except ValueError as error:
        root.problem(f"{path}: expected {key} to be a list such as 0-3,8: {error}")
        return None
    # The group of process 1 confines process 1 alone; a service leaves it.
    scopes = [_first_set(root, f"{level}/init.scope", names) for level in levels[:1]]
    return None if found in scopes else found


def _common(sets: list[CpuSet | None]) -> CpuSet | None:
    result = None
    for found in sets:
        if found is not None:
            result = found if result is None else result & found
    return result


def _read_memory(root: Root, directory: str) -> int | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        if root.text(f"{directory}/{name}") == "max":
            return None
        limit = root.natural(f"{directory}/{name}")
        if limit is not None:
            return limit if limit < _UNLIMITED else None
    return None
