# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of the host: /proc/meminfo.

Documentation/filesystems/proc.rst, "meminfo". The files of the NUMA nodes have the same lines with a prefix.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

_LINE = re.compile(r"^(?:Node +[0-9]+ +)?(\w+): +([0-9]{1,15}) kB$", re.MULTILINE)
# A line that is not of the kernel's form; few hosts have one, so the pattern is compiled there alone.
_DAMAGED = r"^(?![A-Za-z0-9_()]+: +[0-9]{1,15}(?: kB)?$).+$"


class Memory(NamedTuple):
    """Bytes; ``available_bytes`` is what a new program could have without swapping."""

    total_bytes: Optional[int]
    available_bytes: Optional[int]
    swap_total_bytes: Optional[int]
    swap_free_bytes: Optional[int]


def read_memory(root: Root) -> Memory:
    """The host's memory. MemAvailable is there since Linux 3.14."""
    path = "/proc/meminfo"
    sizes = read_sizes(root, path, ("MemTotal", "SwapTotal", "SwapFree"))
    damaged = None
    if "MemAvailable" not in sizes:
        damaged = re.search(_DAMAGED, root.text(path) or "", re.MULTILINE)
    if damaged:
        root.problem(f"{path}: read {damaged[0][:80]!r}, expected lines such as 'MemTotal: 131072 kB'")
    return Memory(sizes.get("MemTotal"), sizes.get("MemAvailable"), sizes.get("SwapTotal"), sizes.get("SwapFree"))


def read_sizes(root: Root, path: str, needed: tuple[str, ...]) -> dict[str, int]:
    """Every ``Name:  123 kB`` line in bytes; a needed name that is not there is a problem."""
    text = root.required(path, "lines such as 'MemTotal: 131072 kB'")
    if text is None:
        return {}
    sizes = {match[1]: int(match[2]) * 1024 for match in _LINE.finditer(text)}
    for name in needed:
        if name not in sizes:
            root.problem(f"{path}: expected a line such as '{name}: 131072 kB', found none")
    return sizes
