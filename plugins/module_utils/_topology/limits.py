# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a service on this host: control groups of both versions, and the affinity it inherits.

Documentation/admin-guide/cgroup-v2.rst; Documentation/admin-guide/cgroup-v1/cpusets.rst and memory.rst;
Documentation/scheduler/sched-bwc.rst. A limit of any level above holds too, so every level is read.

What the service itself will have stands in its files, whether it runs or not. A slice is there before and after it:
what no file says of it is read from its group.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple, TypeVar

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import read_mounts, slices_with
from ansible_collections.inference.ollama.plugins.module_utils._systemd.quotas import (
    levels,
    levels_by_controller,
    read_quota,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.memory import read_sizes

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import Planned

_SERVICE, _TEMPLATE = "ollama.service", "ollama@.service"
# Where systemd puts services by itself.
_USUAL = "/system.slice"
_FIELDS = ("cpus", "mems", "cpu_quota", "memory_bytes")
_CONTROLLERS = ("cpuset", "cpu", "memory")
_UNIFIED = 2
# systemd.special(7): slices that are there for others. A dash nests a slice in another one.
_SYSTEMDS = frozenset({"system.slice", "user.slice", "machine.slice", "-.slice", "init.slice"})
_OWN = re.compile(r"[\w:.@\\]{1,240}\.slice", re.ASCII)
_ROLES = "ollama.slice"
# cpuset(7): the last names are those of a hierarchy mounted with "noprefix".
_CPUS = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus", "cpus")
_MEMS = ("cpuset.mems.effective", "cpuset.effective_mems", "cpuset.mems", "mems")
# Version 1 prints the greatest multiple of the page size in a signed word for "no limit".
_UNLIMITED = 1 << 62


class Limits(NamedTuple):
    """Limits; None for unlimited.

    ``mems`` are the NUMA nodes that memory may come from, ``cpu_quota`` is in cores (1.5 is one and a half).
    ``system_slice`` names those that system.slice sets for everything in it, None where there is no such group.
    ``elsewhere`` are the limits in other slices below the root, none where they are the same in all of them; the name
    None stands for every slice that is not among them. ``each_quota`` and ``each_memory`` are what files for all
    instances of the role's template leave each of them.
    """

    cpus: Optional[CpuSet]
    mems: Optional[CpuSet]
    cpu_quota: Optional[float]
    memory_bytes: Optional[int]
    system_slice: Optional[Tuple[str, ...]]
    elsewhere: Tuple[Tuple[Optional[str], Limits], ...] = ()
    each_quota: Optional[float] = None
    each_memory: Optional[int] = None


class Level(NamedTuple):
    """The directory of a group, and the fields of ``Limits`` that files decide there, so that it is not asked."""

    path: str
    said: Tuple[str, ...] = ()


def read_limits(root: Root, online: CpuSet | None = None, nodes: CpuSet | None = None) -> Limits:
    """The limits of ``ollama.service``, or of this process where no manager made groups for services.

    Of a set in a file that leaves none of the ``online`` CPUs, or of the ``nodes`` with memory, the kernel takes
    nothing, and it is a problem.
    """
    planned = _planned(root)
    here = _within(root, planned, online, nodes)._replace(system_slice=_of_system_slice(root))
    if planned is None:
        return here
    found = tuple((name, _in_slice(root, name, planned, online, nodes)) for name in (None, *_own_slices(root)))
    same = all(limits == here._replace(system_slice=None) for _name, limits in found)
    quota, memory = _of_each(root)
    return here._replace(elsewhere=() if same else found, each_quota=quota, each_memory=memory)


def _of_each(root: Root) -> tuple[float | None, int | None]:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import (  # noqa: PLC0415 compiled only where needed
        read_instances,
    )

    found = read_instances(root, _TEMPLATE, _physical(root))
    return found.cpu_quota if _acts(root, "cpu") else None, found.memory_bytes if _acts(root, "memory") else None


def _own_slices(root: Root) -> list[str]:
    """The slices below the root that may be the servers': the role's, and those that are nobody else's."""
    there = {name for mount in read_mounts(root) for name in root.names(mount.path) if _OWN.fullmatch(name)}
    return sorted({_ROLES, *there} - _SYSTEMDS)


def _in_slice(root: Root, name: str | None, planned: Planned, online: CpuSet | None, nodes: CpuSet | None) -> Limits:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import (  # noqa: PLC0415 compiled only where needed
        slices_of,
    )

    slices = () if name is None else slices_of(root, name, _physical(root))
    return _within(root, planned._replace(slices=slices), online, nodes)


def _within(root: Root, planned: Planned | None, online: CpuSet | None, nodes: CpuSet | None) -> Limits:
    groups = _levels(root, planned)
    cpus = [_first_set(root, level.path, _CPUS) for level in groups["cpuset"] if "cpus" not in level.said]
    mems = [_first_set(root, level.path, _MEMS) for level in groups["cpuset"] if "mems" not in level.said]
    quotas = [read_quota(root, level.path) for level in groups["cpu"] if "cpu_quota" not in level.said]
    limits = [_read_memory(root, level.path) for level in groups["memory"] if "memory_bytes" not in level.said]
    top = [level.path for level in groups["cpuset"][:1]]
    cpus.append(_inherited(root, "Cpus_allowed_list", top, _CPUS))
    mems.append(_inherited(root, "Mems_allowed_list", top, _MEMS))
    found = Limits(
        cpus=_common(cpus),
        mems=_common(mems),
        cpu_quota=min((quota.cpus for quota in quotas if quota is not None), default=None),
        memory_bytes=min((limit for limit in limits if limit is not None), default=None),
        system_slice=None,
    )
    return found if planned is None else _with_files(root, found, planned, online, nodes)


def _with_files(root: Root, limits: Limits, planned: Planned, online: CpuSet | None, nodes: CpuSet | None) -> Limits:
    """The limits with those that files set, as far as a controller of this host has them."""
    cpus, mems, quota, memory = limits.cpus, limits.mems, limits.cpu_quota, limits.memory_bytes
    sets, time, sizes = (_acts(root, name) for name in _CONTROLLERS)
    for _group, each in [*planned.slices, ("", planned.unit)]:
        if sets:
            cpus = _narrowed(root, "AllowedCPUs", cpus, each.cpus, online)
            mems = _narrowed(root, "AllowedMemoryNodes", mems, each.mems, nodes)
        quota = _least(quota, each.cpu_quota if time else None)
        memory = _least(memory, each.memory_bytes if sizes else None)
    return limits._replace(cpus=cpus, mems=mems, cpu_quota=quota, memory_bytes=memory)


def _narrowed(
    root: Root, directive: str, before: CpuSet | None, added: CpuSet | None, there: CpuSet | None
) -> CpuSet | None:
    if added is None:
        return before
    left = added if before is None else before & added
    if left & there if there else left:
        return left
    root.problem(
        f"{directive}={added} in the files of {_SERVICE} or its slice leaves nothing of {before or there}, so that the"
        " kernel passes it over"
    )
    return before


_Number = TypeVar("_Number", int, float)


def _least(*numbers: _Number | None) -> _Number | None:
    return min((each for each in numbers if each is not None), default=None)


def _acts(root: Root, controller: str) -> bool:
    """Whether systemd sets a controller here: of version 2 it sets them all, of version 1 all but cpusets."""
    for mount in read_mounts(root):
        if mount.version == 1 and controller in mount.options and controller != "cpuset":
            return True
        names = root.text(f"{mount.path}/cgroup.controllers") if mount.version == _UNIFIED else ""
        if names is None or controller in names.split():
            return True
    return False


def _planned(root: Root) -> Planned | None:
    """What the files of the service say; None without any, or where no systemd runs."""
    runs = root.exists("/run/systemd/system") or any(
        root.exists(f"{mount.path}{_USUAL}") for mount in read_mounts(root)
    )
    if not runs:
        return None
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import (  # noqa: PLC0415 compiled only where needed
        read_planned,
    )

    return read_planned(root, _SERVICE, _physical(root))


def _physical(root: Root) -> int | None:
    """The bytes that systemd takes for the whole memory: the host's, or what the topmost group leaves of it."""
    total = read_sizes(root, "/proc/meminfo", ()).get("MemTotal") if root.text("/proc/meminfo") else None
    return _least(total, *(_read_memory(root, mount.path) for mount in read_mounts(root)[:1]))


def _of_system_slice(root: Root) -> tuple[str, ...] | None:
    """The limits that a service leaves behind when it moves to another slice."""
    found: dict[str, bool] = {}
    there = False
    for mount in read_mounts(root):
        group = f"{mount.path}{_USUAL}"
        if not root.exists(group):
            if not root.names(mount.path) and root.exists(mount.path):
                root.problem(
                    f"{mount.path}: expected the files of the control groups that are mounted there, found none"
                )
            continue
        there = True
        for name, files in (("cpus", _CPUS), ("mems", _MEMS)):
            own, above = (_first_set(root, folder, files) for folder in (group, mount.path))
            found[name] = found.get(name, False) or (own is not None and above is not None and own != above)
        found["cpu_quota"] = found.get("cpu_quota", False) or read_quota(root, group) is not None
        found["memory_bytes"] = found.get("memory_bytes", False) or _read_memory(root, group) is not None
    if not there:
        return None
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.resources import (  # noqa: PLC0415 compiled only where needed
        slices_of,
    )

    for _group, files_say in slices_of(root, _USUAL[1:], _physical(root)):
        found.update({name: getattr(files_say, name) is not None for name in files_say.said})
    return tuple(name for name in _FIELDS if found.get(name))


def _levels(root: Root, planned: Planned | None) -> dict[str, list[Level]]:
    """For each controller the groups from the top down to the service.

    Where files say what the service will have, its own group ends with it and is left out.
    """
    own = _own_groups(root)
    found: dict[str, list[Level]] = {name: [] for name in _CONTROLLERS}
    for mount in read_mounts(root):
        for name in _CONTROLLERS:
            if mount.version == 1 and name not in mount.options:
                continue
            if not root.exists(f"{mount.path}{_USUAL}"):
                groups = own.get(name, ("",)) if mount.version == 1 else own.get("", own.get("cpuset", ("",)))
                levels_here = [Level(group) for group in groups]
            elif planned is None:
                place = next(iter(slices_with(root, mount.path, _SERVICE)), _USUAL)
                levels_here = [Level(""), Level(place), Level(f"{place}/{_SERVICE}")]
            else:
                levels_here = [Level(""), *(Level(group, each.said) for group, each in planned.slices)]
            found[name] += [level._replace(path=mount.path + level.path) for level in levels_here]
    return found


def _own_groups(root: Root) -> dict[str, tuple[str, ...]]:
    """This process's groups: the levels for each controller of version 1, and "" for version 2.

    Where that of version 2 is not named, /proc/self/cpuset names the nearest one above it that divides CPUs.
    """
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


def _inherited(root: Root, key: str, top: list[str], names: tuple[str, ...]) -> CpuSet | None:
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
    scopes = [_first_set(root, f"{level}/init.scope", names) for level in top]
    return None if found in scopes else found


def _common(sets: list[CpuSet | None]) -> CpuSet | None:
    result = None
    for found in sets:
        if found is not None:
            result = found if result is None else result & found
    return result


def _read_memory(root: Root, directory: str) -> int | None:
    """The least of the limit and of the mark from which on a group is slowed down and its memory taken back."""
    return _least(
        _read_limit(root, directory, ("memory.max", "memory.limit_in_bytes")),
        _read_limit(root, directory, ("memory.high",)),
    )


def _read_limit(root: Root, directory: str, names: tuple[str, ...]) -> int | None:
    for name in names:
        if root.text(f"{directory}/{name}") == "max":
            return None
        limit = root.natural(f"{directory}/{name}")
        if limit is not None:
            return limit if limit < _UNLIMITED else None
    return None
