# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process: what it was started with, what it may use, and what it uses.

proc(5); Documentation/filesystems/proc.rst. Without root the environment, the memory by node and the huge pages of
another user's process cannot be read; all else can, unless /proc is mounted with hidepid.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.cards import read_use
from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import model_of
from ansible_collections.inference.ollama.plugins.module_utils._service.contention import read_switches
from ansible_collections.inference.ollama.plugins.module_utils._service.maps import read_maps
from ansible_collections.inference.ollama.plugins.module_utils._service.members import kind_of, members
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import encodable
from ansible_collections.inference.ollama.plugins.module_utils._service.threads import (
    clock,
    read_threads,
    stat_fields,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
    from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit

_LIMITS = {"nofile": "Max open files", "memlock": "Max locked memory"}
_ORDER = ("server", "runner")
# A process runs another program once, or twice where a script starts it.
_ATTEMPTS = 3


def read_processes(root: Proc, unit: Unit, redactor: Redactor) -> list[dict[str, Any]] | None:
    """The server and the runners of a unit; None where its processes cannot be identified."""
    name = unit.name
    pids = members(root, name, unit.control_group, unit.main_pid)
    if pids is None:
        if unit.load_state is not None and unit.active_state in ("inactive", "failed"):
            return []
        root.problem(
            f"{name}: neither a control group nor a main process is known, so its processes cannot be identified"
        )
        return None
    # The main process may be a container's monitor, or a wrapper.
    named = any(_kind(root, pid) == "server" for pid in pids)
    read = (read_process(root, pid, redactor, main=pid == unit.main_pid and not named) for pid in pids)
    there = [each for each in read if each]
    servers = {each["pid"]: each for each in there if each["kind"] == "server"}
    copies = [pid for pid, each in servers.items() if is_copy(root, each, servers)]
    for pid in copies:
        root.problem(f"/proc/{pid}: a child of the server that does not run its own program yet, so it was not read")
    found = sorted(
        (each for each in there if each["pid"] not in copies),
        key=lambda each: (_ORDER.index(each["kind"]), each["pid"]),
    )
    return None if not found and _hidden(root, unit) else found


def is_copy(root: Proc, process: dict[str, Any], servers: dict[int, dict[str, Any]]) -> bool:
    """Whether its parent is a server with the same command line: fork(2) copies that, and no server starts servers."""
    fields = stat_fields(root, f"/proc/{process['pid']}/stat")
    parent = servers.get(int(fields[1])) if fields else None
    return parent is not None and parent["command_line"] == process["command_line"]


def _hidden(root: Proc, unit: Unit) -> bool:
    """Whether systemd still names a main process that cannot be seen; proc(5), hidepid."""
    pid = unit.main_pid
    if (
        pid is None
        or root.exists(f"/proc/{pid}/stat")
        or pid not in (members(root, unit.name, unit.control_group, None) or [])
    ):
        return False
    root.problem(
        f"/proc/{pid}: the main process of {unit.name} is hidden from this user, as the option hidepid of /proc does;"
        " root sees it"
    )
    return True


def _kind(root: Proc, pid: int) -> str | None:
    return kind_of(_comm(root, f"/proc/{pid}"), root.strings(f"/proc/{pid}/cmdline") or [], main=False)


def read_process(root: Proc, pid: int, redactor: Redactor, *, main: bool) -> dict[str, Any] | None:
    """Read a process; None for one that is neither server nor runner, and for one that ended meanwhile.

    A process changes while it is read: before execve(2) a runner is a copy of its server, and a zombie's files are
    empty. Both change its command line, so one that is the same before and after makes all between them one process's.
    """
    folder = f"/proc/{pid}"
    for _attempt in range(_ATTEMPTS):
        root.forget(folder)
        argv = root.strings(f"{folder}/cmdline")
        kind = None if argv is None else kind_of(_comm(root, folder), argv, main=main)
        if argv is not None and kind is None:
            return None
        found = None if argv is None or kind is None else _read(root, folder, kind, argv, redactor)
        after = root.strings(f"{folder}/cmdline")
        there = root.exists(f"{folder}/stat")
        if there and after == argv:
            return None if found is None else {"kind": kind, "pid": pid, **found}
        if not there or not after:
            root.forget(folder)
            root.problem(f"{folder}: the process ended while it was read, or this user may not see it")
            return None
    root.forget(folder)
    root.problem(f"{folder}: its command line changed each of the {_ATTEMPTS} times that it was read")
    return None


def _read(root: Proc, folder: str, kind: str, argv: list[str], redactor: Redactor) -> dict[str, Any]:
    threads = read_threads(root, folder)
    model = model_of(argv)
    return {
        "exe": _exe(root, folder),
        "command_line": redactor.command_line(argv),
        "environment": _environment(root, folder, redactor),
        "model": None if model is None else redactor.text(model),
        "cpus_allowed": None if threads.cpus is None else str(threads.cpus),
        "mems_allowed": None if threads.mems is None else str(threads.mems),
        "threads": threads.total,
        "compute_threads": threads.computing if kind == "runner" else None,
        **read_switches(root, folder),
        **read_maps(root, folder),
        "gpu": read_use(root, folder) if kind == "runner" else None,
        "limits": _limits(root, f"{folder}/limits"),
        "oom_score": root.natural(f"{folder}/oom_score"),
        "oom_score_adjust": root.integer(f"{folder}/oom_score_adj"),
        "started_seconds": _age(root, f"{folder}/stat"),
    }


def _comm(root: Proc, folder: str) -> str:
    return encodable(root.text(f"{folder}/comm") or "")


def _exe(root: Proc, folder: str) -> str | None:
    path = root.target(f"{folder}/exe")
    if path is None:
        root.problem(f"{folder}/exe: cannot be read, expected a link to the program")
        return None
    return encodable(path)


def _environment(root: Proc, folder: str, redactor: Redactor) -> dict[str, str] | None:
    entries = root.strings(f"{folder}/environ")
    if entries is None:
        return None
    pairs = (entry.partition("=") for entry in entries)
    return redactor.environment({name: value for name, equals, value in pairs if name and equals})


def _limits(root: Proc, path: str) -> dict[str, dict[str, int | None]] | None:
    """``{nofile: {soft, hard}, memlock: …}``; None means no limit."""
    text = root.required(path, "the limits of the process")
    if text is None:
        return None
    found = {}
    for key, title in _LIMITS.items():
        match = re.search(rf"^{title}\s+(unlimited|[0-9]{{1,20}})\s+(unlimited|[0-9]{{1,20}})\s", text, re.MULTILINE)
        if match is None:
            root.problem(f"{path}: no line of it begins with '{title}' and has two limits")
            return None
        soft, hard = (None if word == "unlimited" else int(word) for word in match.groups())
        found[key] = {"soft": soft, "hard": hard}
    return found


def _age(root: Proc, path: str) -> float | None:
    """Seconds since the process was started."""
    fields = stat_fields(root, path)
    uptime = (root.text("/proc/uptime") or "").split(" ")[0]
    if not fields:
        return None
    if re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,6}", uptime) is None:
        root.problem(f"/proc/uptime: read {uptime[:80]!r}, expected seconds such as 350735.47")
        return None
    return max(0.0, round(float(uptime) - int(fields[19]) / clock(), 1))
