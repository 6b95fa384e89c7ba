# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the running kernel that decide how memory is used and CPU time is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    HUGE_PAGES,
    HUGE_PAGES_DEFRAG,
    NUMA_BALANCING,
)
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import chosen
from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import cpu_controller

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root


class Kernel(NamedTuple):
    """The release as in uname -r; None for a setting that this kernel is built without.

    ``cgroup_version`` is of the hierarchy that divides CPU time, ``cgroup_cpu`` whether it has the controller for it.
    """

    release: Optional[str]
    transparent_hugepage: Optional[str]
    transparent_hugepage_defrag: Optional[str]
    numa_balancing: Optional[bool]
    cgroup_version: Optional[int]
    cgroup_cpu: Optional[bool]


def read_kernel(root: Root) -> Kernel:
    """Read the release and the settings."""
    return Kernel(
        _read_release(root),
        _read_choice(root, HUGE_PAGES, ("always", "madvise", "never")),
        _read_choice(root, HUGE_PAGES_DEFRAG, ("always", "defer", "defer+madvise", "madvise", "never")),
        _read_numa_balancing(root),
        *cpu_controller(root),
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
