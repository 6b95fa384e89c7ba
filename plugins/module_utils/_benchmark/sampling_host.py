# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host and the processes of its units do, read once an interval by psutil; in a process of its own.

psutil.readthedocs.io; proc(5). psutil counts the switches of a process's main thread alone, so those of all threads are
read from /proc. Reading the memory by node makes the kernel walk page tables, so it is done seldom.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import runner
from ansible_collections.inference.ollama.plugins.module_utils._service.contention import switches_by_thread
from ansible_collections.inference.ollama.plugins.module_utils._service.maps import memory_by_node
from ansible_collections.inference.ollama.plugins.module_utils._service.members import kind_of, members
from ansible_collections.inference.ollama.plugins.module_utils._service.process import is_copy
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc, encodable
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit, read_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    Roots = Callable[[], Proc]

# What systemctl may take, in seconds.
_ASKING = 5.0
# What is dear is read at most so often, in seconds, and takes at most this share of the time.
_SELDOM = 5.0
_SHARE = 0.005
_MOST_PROCESSES = 256
_ONLINE = "/sys/devices/system/cpu/online"


class Pace:
    """When something that may be dear is to be read again."""

    def __init__(self) -> None:
        self._due = 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self._due

    def took(self, begun: float) -> None:
        now = time.monotonic()
        self._due = now + max(_SELDOM, (now - begun) / _SHARE)


class Seen(NamedTuple):
    """A process at an earlier reading: its start, CPU time in seconds, switches by thread, and when that was."""

    created: float
    cpu: float
    switches: dict[str, int]
    at: float


def prepare(units: Sequence[str]) -> Callable[[], dict[str, Any]]:
    """What reads the host; OllamaError without psutil."""
    return Host(library(), units, lambda: Proc("/")).read


def library() -> Any:  # noqa: ANN401 a module without types
    """psutil; OllamaError where it is not installed or cannot be imported.

    To be called in a process of its own: an import runs what is installed, whatever that is.
    """
    try:
        import psutil  # noqa: PLC0415 in no process but that one
    except Exception as error:
        said = "" if isinstance(error, ModuleNotFoundError) else f" ({type(error).__name__}: {error})"
        raise OllamaError(
            f"not sampled, since the Python package psutil cannot be imported by {_python()}{said}"
        ) from error
    return psutil


def _python() -> str:
    import sys  # noqa: PLC0415 only where something is missing

    return sys.executable or "this Python"


class Host:
    """Reads units' processes and all CPUs. Shares and rates are those since the reading before."""

    def __init__(self, psutil: Any, units: Sequence[str], roots: Roots) -> None:  # noqa: ANN401 a module
        self._psutil, self._roots = psutil, roots
        root, run = roots(), runner(_ASKING)
        self._units: list[Unit] = [read_unit(root, run, unit) for unit in units]
        self._first: list[str] = root.problems
        self._seen: dict[int, Seen] = {}
        self._maps: dict[int, Pace] = {}
        self._clocks = Pace()
        self._before: Optional[float] = None

    def read(self) -> dict[str, Any]:
        """``{seconds, online, cpus, mhz, processes, nodes, problems}``; what was not read is left out or None."""
        root = self._roots()
        root.problems += self._first
        self._first = []
        now = time.monotonic()
        found: dict[str, Any] = {"seconds": None if self._before is None else now - self._before}
        processes = self._processes(root)
        found["processes"], found["nodes"] = processes, self._nodes(root, processes or [])
        found.update(self._cpus(root))
        self._before = now
        return {**found, "problems": root.problems}

    def _processes(self, root: Proc) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = []
        known = True
        for unit in self._units:
            pids = members(root, unit.name, unit.control_group, unit.main_pid)
            if pids is None:
                root.problem(f"{unit.name}: it has no known control group and no main process, so it is not sampled")
                known = False
                continue
            for process in self._kinds(root, pids, unit.main_pid):
                figures = self._figures(root, process["pid"])
                if figures is not None:
                    found.append({**process, **figures})
        if len(found) > _MOST_PROCESSES:
            root.problem(f"{len(found)} processes, of which {_MOST_PROCESSES} are sampled")
        alive = {process["pid"] for process in found}
        self._seen = {pid: seen for pid, seen in self._seen.items() if pid in alive}
        self._maps = {pid: pace for pid, pace in self._maps.items() if pid in alive}
        return found[:_MOST_PROCESSES] if found or known else None

    def _kinds(self, root: Proc, pids: list[int], main_pid: int | None) -> list[dict[str, Any]]:
        """Pid, name and role of the servers and runners among processes."""
        lines = {pid: root.strings(f"/proc/{pid}/cmdline") for pid in pids}
        names = {pid: encodable(root.text(f"/proc/{pid}/comm") or "") for pid in pids}
        kinds = {pid: kind_of(names[pid], argv, main=False) for pid, argv in lines.items() if argv}
        if "server" not in kinds.values() and kinds.get(main_pid or 0, "runner") is None:
            # A container's monitor, or a wrapper.
            kinds[main_pid or 0] = "server"
        servers = {pid: {"command_line": lines[pid]} for pid, kind in kinds.items() if kind == "server"}
        return [
            {"pid": pid, "name": names[pid], "role": kind}
            for pid, kind in kinds.items()
            if kind == "runner"
            # What is a copy of its server will be a runner at the next reading.
            or (kind and not is_copy(root, {"pid": pid, "command_line": lines[pid]}, servers))
        ]

    def _figures(self, root: Proc, pid: int) -> dict[str, Any] | None:
        """CPU, switches and memory of a process; None of one that ended."""
        try:
            process = self._psutil.Process(pid)
            with process.oneshot():
                created, times, memory = process.create_time(), process.cpu_times(), process.memory_info()
        except self._psutil.NoSuchProcess:
            return None
        except self._psutil.Error as error:
            root.problem(f"/proc/{pid}: psutil: {error}")
            return None
        now = time.monotonic()
        seen = Seen(created, times.user + times.system, switches_by_thread(root, f"/proc/{pid}"), now)
        before, self._seen[pid] = self._seen.get(pid), seen
        found = {"created": created, "memory": memory.rss, "cpu": None, "switches": None}
        # The number of a process that ended may be another one's.
        if before is not None and before.created == created and now > before.at:
            seconds = now - before.at
            found["cpu"] = round(max(0.0, seen.cpu - before.cpu) / seconds * 100, 1)
            if seen.switches:
                found["switches"] = round(_more(before.switches, seen.switches) / seconds, 1)
        return found

    def _nodes(self, root: Proc, processes: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        """Bytes by node of those processes whose turn it is, by pid."""
        found = {}
        for pid in (process["pid"] for process in processes):
            pace = self._maps.setdefault(pid, Pace())
            if not pace.is_due():
                continue
            begun = time.monotonic()
            nodes, _policy = memory_by_node(root, f"/proc/{pid}/numa_maps")
            pace.took(begun)
            if nodes is not None:
                found[str(pid)] = nodes
        return found

    def _cpus(self, root: Proc) -> dict[str, Any]:
        """Busy shares and frequencies, in the order of the numbers of the CPUs that are online."""
        online = root.cpus(_ONLINE)
        numbers = list(range(os.cpu_count() or 0)) if online is None else list(online)
        shares = [round(share, 1) for share in self._psutil.cpu_percent(interval=None, percpu=True)]
        found: dict[str, Any] = {"online": numbers, "cpus": None, "mhz": None}
        if len(shares) != len(numbers):
            root.problem(f"{_ONLINE}: {len(numbers)} CPUs, but {len(shares)} by psutil, so none is sampled")
            return found
        # The first shares are of no time.
        found["cpus"] = None if self._before is None else shares
        if self._clocks.is_due():
            begun = time.monotonic()
            found["mhz"] = self._frequencies(root, len(numbers))
            self._clocks.took(begun)
        return found

    def _frequencies(self, root: Proc, count: int) -> list[int] | None:
        try:
            read = self._psutil.cpu_freq(percpu=True) or []
            clocks = [round(each.current) for each in read]
        except Exception as error:  # noqa: BLE001 - psutil raises of many types where a kernel lacks files
            root.problem(f"the frequency of the CPUs: psutil: {type(error).__name__}: {error}")
            return None
        if len(clocks) != count or not all(clocks):
            root.problem(f"the frequency of the CPUs: psutil knows {len(clocks)} of {count}, as in virtual machines")
            return None
        return clocks


def _more(before: dict[str, int], now: dict[str, int]) -> int:
    """What was added to counts; one that is less than it was is another thread's, of the same number."""
    pairs = ((before.get(name, 0), count) for name, count in now.items())
    return sum(count - old if count >= old else count for old, count in pairs)
