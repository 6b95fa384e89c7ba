# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the hierarchies of control groups are mounted.

proc(5), /proc/mounts; cgroups(7); cpuset(7) for the file system of its own that cpusets had before version 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, FrozenSet, NamedTuple

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

USUAL = "/sys/fs/cgroup"


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
    for line in text.splitlines():
        _device, path, kind, options, *_rest = [*line.split(" "), "", "", "", ""]
        if kind in ("cgroup", "cgroup2", "cpuset") and path.startswith("/") and ".." not in path:
            mounts.append(
                Mount(path, 2) if kind == "cgroup2" else Mount(path, 1, frozenset([kind, *options.split(",")]))
            )
    return mounts
