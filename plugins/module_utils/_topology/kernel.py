# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the running kernel that decide how memory is used and CPU time is divided."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, List, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    HUGE_PAGES,
    HUGE_PAGES_DEFRAG,
    NUMA_BALANCING,
    UNITS_FOLDER,
)
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import chosen
from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import cpu_controller

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_STATES = "/sys/power/state"
# systemctl(1): a link to /dev/null is a mask. Each of them keeps the host awake.
_MASKS = ("sleep.target", "suspend.target")


class Kernel(NamedTuple):
    """The release as in uname -r; None for a setting that this kernel is built without.

    ``cgroup_version`` is of the hierarchy that divides CPU time, ``cgroup_cpu`` whether it has the controller for it.
    ``sleep_states`` are those that the host can be put to, none where systemd may not do that.
    """

    release: Optional[str]
    transparent_hugepage: Optional[str]
    transparent_hugepage_defrag: Optional[str]
    numa_balancing: Optional[bool]
    cgroup_version: Optional[int]
    cgroup_cpu: Optional[bool]
    sleep_states: Optional[List[str]]


def read_kernel(root: Root) -> Kernel:
    """Read the release and the settings."""
    return Kernel(
        _read_release(root),
        _read_choice(root, HUGE_PAGES, ("always", "madvise", "never")),
        _read_choice(root, HUGE_PAGES_DEFRAG, ("always", "defer", "defer+madvise", "madvise", "never")),
        _read_numa_balancing(root),
        *cpu_controller(root),
        _read_sleep_states(root),
    )


def _read_release(root: Root) -> str | None:
    path = "/proc/sys/kernel/osrelease"
    if root.required(path, "the kernel's release") == "":
        root.problem(f"{path}: empty, expected the kernel's release")
    return root.word(path, "the kernel's release")


def _read_choice(root: Root, path: str, words: tuple[str, ...]) -> str | None:
    text = root.text(path)
    word = None if text is None else chosen(text)
    if text is None or word in words:
        return word
    root.problem(f"{path}: read {text[:80]!r}, expected {' '.join(words)!r} with one in brackets")
    return None


def _read_numa_balancing(root: Root) -> bool | None:
    """Documentation/admin-guide/sysctl/kernel.rst: 0 off, 1 balancing between nodes, 2 tiering, 3 both."""
    value = root.natural(NUMA_BALANCING)
    return None if value is None else value != 0


def _read_sleep_states(root: Root) -> list[str] | None:
    """Documentation/admin-guide/pm/sleep-states.rst; systemd-sleep.conf(5) on how administrators forbid all of it."""
    text = root.text(_STATES)
    if text is None:
        return None
    words = text.split()
    if [word for word in words if word not in ("freeze", "standby", "mem", "disk")]:
        root.problem(f"{_STATES}: read {text[:80]!r}, expected words such as 'freeze mem disk'")
        return None
    return [] if any(root.target(f"{UNITS_FOLDER}/{unit}") == os.devnull for unit in _MASKS) else words
