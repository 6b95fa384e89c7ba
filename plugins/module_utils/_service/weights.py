# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control groups of a service from its own up to the root, and their weights.

Documentation/admin-guide/cgroup-v2.rst: cpu.weight from 1 to 10000, 100 by default, counts among groups of the same
parent. Version 1 has cpu.shares for it, 1024 by default; systemd writes 10.24 of them for each of a weight
(src/basic/cgroup-util.h).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import cpu_mount

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# More than any slice is nested.
_DEEPEST = 32
_SHARES, _WEIGHT = 1024, 100


def read_groups(root: Root, unit: Unit) -> list[dict[str, Any]] | None:
    """``{path, cpu_weight}`` of each level, the service's own first; None where its group is not known.

    A service that does not run has no group, and the list is empty.
    """
    if unit.control_group is None:
        return [] if unit.active_state in ("inactive", "failed") else None
    parts = [part for part in unit.control_group.split("/") if part]
    if len(parts) > _DEEPEST:
        root.problem(f"{unit.name}: its control group has {len(parts)} levels, of which the lowest {_DEEPEST} are read")
    paths = ["/" + "/".join(parts[:depth]) for depth in range(len(parts), max(-1, len(parts) - _DEEPEST), -1)]
    mount = cpu_mount(root)
    if mount is None:
        root.problem("/proc/mounts: no hierarchy of control groups that divides CPU time, so no CPU weight was read")
        return [{"path": path, "cpu_weight": None} for path in paths]
    read = _shares if mount.version == 1 else _weight
    return [{"path": path, "cpu_weight": read(root, mount.path + path.rstrip("/"))} for path in paths]


def _weight(root: Root, folder: str) -> int | None:
    return root.natural(f"{folder}/cpu.weight")


def _shares(root: Root, folder: str) -> int | None:
    shares = root.natural(f"{folder}/cpu.shares")
    return None if shares is None else max(1, round(shares * _WEIGHT / _SHARES))
