# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often threads of a process had to leave their CPU and how long they waited for one, and how long the kernel
stopped a service for its quota.

proc(5), /proc/PID/task/TID/status and stat; Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat;
Documentation/admin-guide/cgroup-v2.rst, cpu.stat; Documentation/scheduler/sched-bwc.rst for version 1, which counts in
nanoseconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import natural
from ansible_collections.inference.ollama.plugins.module_utils._service.threads import clock, stat_fields
from ansible_collections.inference.ollama.plugins.module_utils._systemd.control_groups import cpu_mount
from ansible_collections.inference.ollama.plugins.module_utils._systemd.quotas import levels_by_controller, read_quota

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.quotas import Quota

NANOSECONDS = 1_000_000_000
# Time on a CPU, time ready without one, turns on a CPU.
_COUNTS = 3
_SWITCHES = "nonvoluntary_ctxt_switches"
_SWITCHED = re.compile(rf"^{_SWITCHES}:\s*(.*?)\s*$", re.MULTILINE)
# More threads than this are not read: a runner has some for each core and each request.
_MOST_TASKS = 4096


def read_switches(root: Proc, folder: str) -> dict[str, Any]:
    """Switches that a process's threads did not ask for, the CPU time of the same threads, and how long the one that
    waited longest for a CPU ran and waited; None for not known.
    """
    # A thread may end meanwhile.
    places = [f"{folder}/task/{name}" for name in _tasks(root, folder) if root.exists(f"{folder}/task/{name}/stat")]
    counted = [each for each in (_switches(root, place) for place in places) if each is not None]
    waits = [each for each in (_waited(root, place) for place in places) if each is not None]
    wait = None
    if waits:
        waited, ran = max(waits)
        wait = {"cpu_seconds": round(ran / NANOSECONDS, 2), "wait_seconds": round(waited / NANOSECONDS, 2)}
    if not counted:
        return {"involuntary_switches": None, "cpu_seconds": None, "longest_wait": wait}
    switches, ticks = (sum(part) for part in zip(*counted))
    return {"involuntary_switches": switches, "cpu_seconds": round(ticks / clock(), 2), "longest_wait": wait}


def switches_by_thread(root: Proc, folder: str) -> dict[str, int]:
    """How often each thread of a process was switched out without asking for it, since it was started, by its number.

    Threads that cannot be read are left out.
    """
    counts = ((name, _switched_out(root, f"{folder}/task/{name}")) for name in _tasks(root, folder))
    return {name: count for name, count in counts if count is not None}


def _tasks(root: Proc, folder: str) -> list[str]:
    tasks = [name for name in root.names(f"{folder}/task") if name.isascii() and name.isdigit()]
    if len(tasks) > _MOST_TASKS:
        root.problem(f"{folder}/task: {len(tasks)} threads, of which the switches of at most {_MOST_TASKS} are read")
        return []
    return tasks


def _waited(root: Proc, place: str) -> tuple[int, int] | None:
    """Nanoseconds for which a thread was ready and had no CPU, and for which it ran; None on a kernel without them."""
    text = root.text(f"{place}/schedstat")
    if text is None:
        return None
    words = text.split(" ")
    ran, waited = (natural(word) for word in [*words, "", ""][:2])
    if len(words) != _COUNTS or ran is None or waited is None:
        root.problem(f"{place}/schedstat: read {text[:80]!r}, expected three counts")
        return None
    return waited, ran


def _switches(root: Proc, place: str) -> tuple[int, int] | None:
    """Switches and clock ticks of one thread."""
    switches, stat = _switched_out(root, place), stat_fields(root, f"{place}/stat")
    return None if switches is None or not stat else (switches, int(stat[11]) + int(stat[12]))


def _switched_out(root: Proc, place: str) -> int | None:
    text = root.text(f"{place}/status")
    if not text:
        return None
    found = _SWITCHED.search(text)
    said = found[1] if found else ""
    switches = natural(said)
    if switches is None:
        root.problem(f"{place}/status: read {said[:80]!r} for {_SWITCHES}, expected a count")
    return switches


def read_quotas(root: Proc, processes: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """The quotas of the groups that a service's first process is in, from the top down, and what each has stopped.

    None where the groups are not known; a service without a process has none.
    """
    if not processes:
        return processes
    path = f"/proc/{processes[0]['pid']}/cgroup"
    text = root.required(path, "the control groups of the process")
    if text is None:
        return None
    mount = cpu_mount(root)
    if mount is None:
        return []
    found, groups = [], levels_by_controller(text)
    for level in groups.get("cpu" if mount.version == 1 else "", ("",)):
        quota = read_quota(root, f"{mount.path}{level}")
        if quota is not None:
            found.append({"group": level or "/", **_throttling(root, f"{mount.path}{level}/cpu.stat", quota)})
    return found


def _throttling(root: Proc, path: str, quota: Quota) -> dict[str, Any]:
    text = root.required(path, "how often the quota of the group was used up")
    counts = {
        name: natural(count) for name, _blank, count in (line.partition(" ") for line in (text or "").splitlines())
    }
    nanoseconds = counts.get("throttled_time")
    usec = counts.get("throttled_usec", None if nanoseconds is None else nanoseconds // 1000)
    found = {
        "nr_periods": counts.get("nr_periods"),
        "nr_throttled": counts.get("nr_throttled"),
        "throttled_usec": usec,
    }
    missing = [name for name, value in found.items() if value is None]
    if text is not None and missing:
        root.problem(f"{path}: read {text[:80]!r}, expected a count for {', '.join(missing)}")
    return {"quota_cpus": quota.cpus, "period_usec": quota.period_usec, **found}
