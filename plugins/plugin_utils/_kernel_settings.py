# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the kernel that a plan may have: where each is written, where it acts, and what applies it."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    HUGE_PAGES,
    HUGE_PAGES_FILE,
    NUMA_BALANCING,
    NUMA_BALANCING_FILE,
)


class KernelSetting(NamedTuple):
    """A setting of the kernel: its file for the next boots, where it acts, and the program that applies the file."""

    name: str
    source: str
    path: str
    file: str
    command: tuple[str, ...]


KERNEL = (
    KernelSetting(
        "transparent_hugepage",
        "tmpfiles.conf.j2",
        HUGE_PAGES_FILE,
        HUGE_PAGES,
        ("systemd-tmpfiles", "--create"),
    ),
    KernelSetting(
        "numa_balancing",
        "sysctl.conf.j2",
        NUMA_BALANCING_FILE,
        NUMA_BALANCING,
        ("/usr/lib/systemd/systemd-sysctl",),
    ),
)
