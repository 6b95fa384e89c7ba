# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The threads of a process: how many there are, where they may run, and how many of them compute.

proc(5), /proc/PID/task/TID/stat and status. No file shows which threads compute, so it is estimated from the time
that they spent: those of llama.cpp share every step of the work and wait for each other on the CPU, which makes their
times alike, while all others wait for requests and use next to none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import natural

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

# Below this no step of inference has run yet.
_LEAST_SECONDS = 0.2
# A thread computes that spent at least this share of the busiest one's time.
_SHARE = 0.5


class Threads(NamedTuple):
    """``cpus`` and ``mems`` are what any of the threads may use; ``computing`` is None before any has worked."""

    total: Optional[int]
    computing: Optional[int]
    cpus: Optional[CpuSet]
    mems: Optional[CpuSet]


def read_threads(root: Proc, folder: str) -> Threads:
    """The threads of the process in ``/proc/PID``."""
    tasks = [name for name in root.names(f"{folder}/task") if name.isascii() and name.isdigit()]
    # Threads that have ended meanwhile are left out.
    places = [f"{folder}/task/{name}" for name in tasks if root.exists(f"{folder}/task/{name}/stat")] or [folder]
    ticks = [user for user in (user_ticks(root, f"{place}/stat") for place in places) if user is not None]
    declared = root.fields(f"{folder}/status").get("Threads")
    return Threads(
        total=len(tasks) or natural(declared),
        computing=computing(ticks) if tasks else None,
        cpus=_union(root, places, "Cpus_allowed_list"),
        mems=_union(root, places, "Mems_allowed_list"),
    )


def computing(ticks: list[int]) -> int | None:
    """How many threads compute, from the clock ticks that each spent in user mode since it was started."""
    busiest = max(ticks, default=0)
    if busiest < _LEAST_SECONDS * clock():
        return None
    return sum(1 for each in ticks if each >= _SHARE * busiest)


def clock() -> int:
    """Clock ticks a second, as /proc counts them."""
    return os.sysconf("SC_CLK_TCK")


def stat_fields(root: Proc, path: str) -> list[str]:
    """The fields of a stat file from the third, state, on; [] where it cannot be read. The name may hold anything."""
    text = root.text(path) or ""
    fields = text.rpartition(")")[2].split()
    # utime and stime are the fields 14 and 15, starttime is 22.
    if len(fields) >= 20 and all(natural(fields[number]) is not None for number in (1, 11, 12, 19)):
        return fields
    if text:
        root.problem(f"{path}: read {len(fields)} fields after the name, expected those of proc(5)")
    return []


def user_ticks(root: Proc, path: str) -> int | None:
    fields = stat_fields(root, path)
    return int(fields[11]) if fields else None


def _union(root: Proc, places: list[str], name: str) -> CpuSet | None:
    found: CpuSet | None = None
    for place in places:
        fields = root.fields(f"{place}/status")
        if name not in fields:
            # Every kernel prints the CPUs, and the nodes where it knows cpusets.
            if fields and name.startswith("Cpus"):
                root.problem(f"{place}/status: it has no {name}, expected a list such as 0-3,8")
            continue
        try:
            cpus = CpuSet.parse(fields[name])
        except ValueError as error:
            root.problem(f"{place}/status: expected {name} to be a list such as 0-3,8: {error}")
            return None
        found = cpus if found is None else found | cpus
    return found
