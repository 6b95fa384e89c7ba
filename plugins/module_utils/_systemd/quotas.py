# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU time that control groups of both versions may use, and the groups that a process is in.

Documentation/admin-guide/cgroup-v2.rst, cpu.max; Documentation/scheduler/sched-bwc.rst; proc(5), /proc/PID/cgroup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root


# No path of the kernel is longer (PATH_MAX).
_LONGEST_PATH = 4096


class Quota(NamedTuple):
    """Microseconds of CPU time that a group may use in each period of so many microseconds."""

    quota_usec: int
    period_usec: int

    @property
    def cpus(self) -> float:
        """The quota in CPUs: 1.5 is one and a half."""
        return self.quota_usec / self.period_usec


def read_quota(root: Root, directory: str) -> Quota | None:
    """The quota of the group itself, whatever those above it have; None without one."""
    text = root.text(f"{directory}/cpu.max")
    if text is not None:
        return _quota(root, f"{directory}/cpu.max", text.split())
    quota = root.text(f"{directory}/cpu.cfs_quota_us")
    if quota is None or quota == "-1":
        return None
    period = root.text(f"{directory}/cpu.cfs_period_us") or ""
    return _quota(root, f"{directory}/cpu.cfs_quota_us", [quota, period])


def _quota(root: Root, path: str, words: list[str]) -> Quota | None:
    if words[:1] == ["max"]:
        return None
    if len(words) == 2 and all(re.fullmatch("[0-9]{1,15}", word) and int(word) for word in words):
        return Quota(int(words[0]), int(words[1]))
    root.problem(f"{path}: read {' '.join(words)[:80]!r}, expected a quota and a period in microseconds")
    return None


def levels_by_controller(text: str | None) -> dict[str, tuple[str, ...]]:
    """The groups in a file /proc/PID/cgroup from the top down, for each controller of version 1, "" for version 2."""
    groups = {}
    for line in (text or "").splitlines():
        _number, controllers, path = [*line.split(":", 2), "", ""][:3]
        for name in controllers.split(","):
            groups[name] = levels(path)
    return groups


def levels(path: str) -> tuple[str, ...]:
    """A group and all above it, from the top, which is empty, down."""
    parts = [part for part in path.split("/") if part]
    # A process outside the group namespace has ".." there, and its own levels cannot be seen.
    if ".." in parts or len(path) > _LONGEST_PATH:
        return ("",)
    return tuple("".join(f"/{part}" for part in parts[:depth]) for depth in range(len(parts) + 1))
