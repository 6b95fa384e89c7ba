# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a planned directive is in effect: in the server's process where it shows there, else in the loaded files.

systemd.exec(5) for what each does to a process, proc(5) for where it shows. What no process shows, as Restart=, holds
where our file says it, systemd has loaded that file as it is, and no later one says otherwise.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import SITE
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import cpu_list, mapping, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case, Check
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import Process

_LIMITS = {"LimitNOFILE": "nofile", "LimitMEMLOCK": "memlock"}
# What the role keeps in the file that EnvironmentFile= names.
_KEY = "OLLAMA_API_KEY"
_NUMACTL = re.compile(r"(?:.*/)?numactl")


def look(case: Case, name: str, value: Any) -> Check:  # noqa: ANN401
    """The verdict on one directive."""
    in_process = _IN_PROCESS.get(name)
    if in_process is None:
        return _in_files(case, name, value)
    planned = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    missing = case.no_server(name, planned)
    server = case.state.server
    if missing is not None or server is None:
        return missing or case.unread(name, planned, f"the server of {case.unit}")
    return in_process(case, server, name, planned)


def _limit(case: Case, server: Process, name: str, planned: str) -> Check:
    pair, place = mapping(server.limits.get(_LIMITS[name])), server.file("limits")
    soft, hard = _amount(pair, "soft"), _amount(pair, "hard")
    if soft is None or hard is None:
        return case.unread(name, planned, place, place)
    # A soft limit that the process has lowered or, as Go does with files, raised is its own affair.
    if planned == hard:
        return case.passes(name, planned, hard, place)
    return case.fails(name, planned, f"soft {soft}, hard {hard}", place, cause.remedy(case, name))


def _amount(pair: Mapping[str, Any], key: str) -> str | None:
    if key in pair and pair[key] is None:
        return "infinity"
    found = number(pair.get(key))
    return None if found is None else str(found)


def _oom_score(case: Case, server: Process, name: str, planned: str) -> Check:
    seen, place = server.oom_score_adjust, server.file("oom_score_adj")
    if seen is None:
        return case.unread(name, planned, place, place)
    return _compared(case, name, planned, str(seen), place)


def _affinity(case: Case, server: Process, name: str, planned: str) -> Check:
    place = server.file("status")
    if server.cpus is None:
        return case.unread(name, planned, place, place, server.file(""))
    same = server.cpus == cpu_list(planned.replace(" ", ","))
    return _compared(case, name, planned, planned if same else str(server.cpus), place)


def _command(case: Case, server: Process, name: str, planned: str) -> Check:
    place = server.file("cmdline")
    if server.command_line is None:
        return case.unread(name, planned, place, place)
    words = planned.split(" ")
    # numactl becomes the server; what it did shows in "binding".
    while len(words) > 1 and (_NUMACTL.fullmatch(words[0]) or words[0].startswith("-")):
        words = words[1:]
    seen = " ".join(server.command_line)
    if seen == " ".join(words):
        return case.passes(name, planned, seen, place)
    return case.fails(name, planned, seen, place, cause.remedy(case, name))


def _environment_file(case: Case, server: Process, name: str, planned: str) -> Check:
    place = server.file("environ")
    if server.environment is None:
        return case.unread(name, planned, place, place)
    if _KEY in server.environment:
        return case.passes(name, planned, f"{_KEY} is set", place)
    remedy = (
        f"{planned} is not there, does not set {_KEY}, or was written after the start: {SITE}, or {cause.restart(case)}"
    )
    return case.fails(name, planned, f"{_KEY} is not set", place, remedy)


def _compared(case: Case, name: str, planned: str, seen: str, place: str) -> Check:
    if planned == seen:
        return case.passes(name, planned, seen, place)
    return case.fails(name, planned, seen, place, cause.remedy(case, name))


_IN_PROCESS: dict[str, Callable[[Case, Process, str, str], Check]] = {
    "CPUAffinity": _affinity,
    "EnvironmentFile": _environment_file,
    "ExecStart": _command,
    "LimitMEMLOCK": _limit,
    "LimitNOFILE": _limit,
    "OOMScoreAdjust": _oom_score,
}


def _in_files(case: Case, name: str, value: object) -> Check:
    state = case.state
    found = cause.overridden(case, name)
    if found is not None:
        return case.fails(name, value, f"what {found.kept} says", found.kept, cause.remedy(case, name))
    if case.files is None:
        remedy = "compare the files too (the filter file_drift), as the playbook inference.ollama.verify does"
        return case.unknown(name, value, None, f"no process shows it, and {case.path} was not compared", remedy)
    seen = _written(case, name)
    if seen is not None:
        return case.fails(name, value, seen, case.path, cause.remedy(case, name))
    if state.dropins is None or state.need_daemon_reload is None:
        return case.unread(name, value, f"whether systemd has loaded {case.path}", "systemctl")
    if case.path not in state.dropins or state.need_daemon_reload:
        seen = "not loaded" if case.path not in state.dropins else "changed since systemd read it"
        return case.fails(name, value, seen, f"systemctl show {case.unit}", cause.remedy(case, name))
    return case.passes(name, value, value, f"{case.path}, loaded, and overridden by none")


def _written(case: Case, name: str) -> str | None:
    """What our file says in place of the planned value; None where it says that."""
    whole = cause.edited(case)
    if whole is not None:
        return f"the file {whole}"
    for row in case.own:
        if row.get("setting") in (name, f"[Unit]{name}"):
            return str(row.get("on_host") or "nothing")
    return None


__all__ = ("look",)
