# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Last-level cache domains: /sys/devices/system/cpu/cpuN/cache.

Documentation/ABI/testing/sysfs-devices-system-cpu, "cpuX/cache/indexY".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import BASE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_SIZE = re.compile(r"([0-9]{1,12})([KMG]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Cache(NamedTuple):
    """Online CPUs that share a last-level cache, and its bytes (None if unknown)."""

    cpus: CpuSet
    size: Optional[int]


def read_last_level(root: Root, online: CpuSet | None) -> list[Cache] | None:
    """The caches of the highest level, ordered by first CPU; empty where the kernel describes none."""
    if online is None:
        return None
    caches: list[Cache] = []
    seen: set[int] = set()
    for cpu in online:
        # One member speaks for all: with hundreds of CPUs asking each of them costs most of the time.
        cache = None if cpu in seen else _last_of(root, cpu, online)
        if cache is not None:
            caches.append(cache)
            seen.update(cache.cpus)
    return caches


def _last_of(root: Root, cpu: int, online: CpuSet) -> Cache | None:
    base = f"{BASE}/cpu{cpu}/cache"
    best, best_level = None, 0
    for name in root.names(base):
        if not name.startswith("index") or root.text(f"{base}/{name}/type") == "Instruction":
            continue
        level = root.natural(f"{base}/{name}/level")
        if level is None:
            # The highest level may be this one. Another CPU that shares the cache can still speak for it.
            root.problem(
                f"{base}/{name}/level: the last-level cache of CPU {cpu} is unknown, expected a level such as 3"
            )
            return None
        if level > best_level:
            best, best_level = f"{base}/{name}", level
    if best is None:
        return None
    shared = root.cpus(f"{best}/shared_cpu_list")
    if shared is None or cpu not in shared:
        shared = root.cpu_mask(f"{best}/shared_cpu_map")
    if shared is None or cpu not in shared:
        root.problem(f"{best}/shared_cpu_list: expected a list of CPUs with CPU {cpu} in it")
        return None
    return Cache(shared & online, _size(root, f"{best}/size"))


def _size(root: Root, path: str) -> int | None:
    text = root.text(path)
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        root.problem(f"{path}: read {text[:80]!r}, expected a size such as 32768K")
        return None
    return int(match[1]) * _UNITS[match[2]]
