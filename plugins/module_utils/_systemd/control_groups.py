# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the hierarchies of control groups are mounted, and where in them a unit is.

proc(5), /proc/mounts; cgroups(7); cpuset(7) for the file system of its own that cpusets had before version 1;
systemd.slice(5) for the groups of slices.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, FrozenSet, NamedTuple

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

USUAL = "/sys/fs/cgroup"
# PATH_MAX of the kernel, and what it takes to write each byte as an octal number.
_LONGEST = 4 * 4096
_NAMES = re.compile(r"[a-z_ ]*")


class Mount(NamedTuple):
    """A hierarchy of version 1 or 2; ``options`` of version 1 have its controllers, or ``name=systemd``."""

    path: str
    version: int
    options: FrozenSet[str] = frozenset()


def read_mounts(root: Root) -> list[Mount]:
    """The hierarchies in the order of /proc/mounts; the usual one of version 2 if that cannot be read."""
    text = root.text("/proc/mounts")
    if text is None:
        return [Mount(USUAL, 2)]
    mounts = []
    for line in filter(None, text.splitlines()):
        device, path, kind, options, *_rest = [*line.split(" "), "", "", "", ""]
        if not options or max(len(device), len(path), len(kind)) > _LONGEST:
            root.problem(f"/proc/mounts: read {line[:80]!r}, expected a device, a path, a type and options")
            continue
        if kind.startswith("cgroup") and not path.isascii():
            root.problem(f"/proc/mounts: read {line[:80]!r}, expected a hierarchy at a path such as {USUAL}")
        if kind in ("cgroup", "cgroup2", "cpuset") and path.startswith("/") and ".." not in path:
            mounts.append(
                Mount(path, 2) if kind == "cgroup2" else Mount(path, 1, frozenset([kind, *options.split(",")]))
            )
    if not mounts and root.names(USUAL):
        root.problem(f"/proc/mounts: no hierarchy of control groups, expected one at {USUAL}, which is not empty")
    return mounts


def slices_with(root: Root, mount: str, unit: str) -> list[str]:
    """The slices directly below the root of a hierarchy in which the unit has a group, such as ``/system.slice``."""
    return [
        f"/{name}" for name in root.names(mount) if name.endswith(".slice") and root.exists(f"{mount}/{name}/{unit}")
    ]


def cpu_controller(root: Root) -> tuple[int | None, bool | None]:
    """The version of the hierarchy that divides CPU time among groups, and whether there is one that can.

    None for what is unknown. A controller belongs to one hierarchy: what version 1 has is not in version 2.
    """
    if root.text("/proc/mounts") is None:
        return None, None
    mount = cpu_mount(root)
    if mount is None:
        return None, False
    if mount.version == 1:
        return 1, True
    path = f"{mount.path}/cgroup.controllers"
    controllers = root.text(path)
    if controllers is not None and _NAMES.fullmatch(controllers) is None:
        root.problem(f"{path}: read {controllers[:80]!r}, expected names such as cpuset cpu io")
        return 2, None
    return 2, None if controllers is None else "cpu" in controllers.split()


def cpu_mount(root: Root) -> Mount | None:
    """The hierarchy that divides CPU time: that of version 1 if it has the controller, else that of version 2."""
    mounts = read_mounts(root)
    old = (mount for mount in mounts if mount.version == 1 and "cpu" in mount.options)
    return next(old, next((mount for mount in mounts if mount.version == 2), None))
