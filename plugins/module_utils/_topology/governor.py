# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the kernel chooses the clock of the CPUs: /sys/devices/system/cpu/cpuN/cpufreq.

Documentation/admin-guide/pm/cpufreq.rst, "Policy Interface in sysfs".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import BASE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# include/linux/cpufreq.h: CPUFREQ_NAME_LEN is 16, the closing zero included.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")


class Frequency(NamedTuple):
    """The distinct governors of the online CPUs in alphabetical order, and the driver that obeys them.

    None without cpufreq, as in most virtual machines, and where a CPU's governor cannot be read.
    """

    governors: Optional[list[str]]
    frequency_driver: Optional[str]


def read_frequency(root: Root, online: CpuSet | None) -> Frequency:
    """Read scaling_governor and scaling_driver; the kernel has one driver at a time."""
    governors: set[str] | None = set()
    driver = None
    for cpu in online or ():
        folder = f"{BASE}/cpu{cpu}/cpufreq"
        governor = _name(root, f"{folder}/scaling_governor", "a governor such as performance")
        if governor is not None:
            if governors is not None:
                governors.add(governor)
            driver = driver or _name(root, f"{folder}/scaling_driver", "a driver such as intel_pstate")
        elif root.text(f"{folder}/scaling_governor") is not None:
            governors = None
    return Frequency(sorted(governors) if governors else None, driver)


def _name(root: Root, path: str, expected: str) -> str | None:
    text = root.text(path)
    if text is None or _NAME.fullmatch(text):
        return text
    root.problem(f"{path}: read {text[:80]!r}, expected {expected}")
    return None
