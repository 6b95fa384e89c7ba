# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the unit runs, as systemd has it loaded, and whether its processes are those of its last start.

org.freedesktop.systemd1(5) for states and NeedDaemonReload. Times are only compared with each other: which process is
the older one needs no clock.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._service.redact import MASK
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case, Check
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import Process

_UNIT, _RELOADED, _CURRENT = "unit", "unit_reloaded", "processes_current"
# A runner may be counted a moment after its server.
_SLACK_SECONDS = 2.0


def look(case: Case) -> list[Check]:
    return [_unit(case), _reloaded(case), _current(case)]


def _unit(case: Case) -> Check:
    state, evidence, planned = case.state, f"systemctl show {case.unit}", "loaded, active"
    if not state.there:
        remedy = f"{SITE}; if it is installed, ask service_info for it"
        return case.fails(_UNIT, planned, "missing", f"the state has no {case.unit}", remedy)
    seen = ", ".join(filter(None, (state.load_state, state.active_state, state.sub_state, state.result)))
    if state.load_state is not None and state.load_state != "loaded":
        what = "systemctl unmask it" if state.load_state == "masked" else "install Ollama where there is none"
        return case.fails(_UNIT, planned, seen, evidence, f"{what}; then {SITE}")
    if state.active_state is None or state.load_state is None:
        return case.unread(_UNIT, planned, evidence, "systemctl")
    if state.active_state != "active":
        remedy = f"journalctl -u {case.unit} tells why; then systemctl start {case.unit}"
        return case.fails(_UNIT, planned, seen, cause.words(case, evidence), remedy)
    return case.passes(_UNIT, planned, seen, evidence)


def _reloaded(case: Case) -> Check:
    evidence, planned = f"systemctl show {case.unit}: NeedDaemonReload", "no"
    reload = case.state.need_daemon_reload
    if reload is None:
        return case.unread(_RELOADED, planned, evidence, "systemctl")
    if reload:
        return case.fails(_RELOADED, planned, "yes", evidence, cause.reload(case))
    return case.passes(_RELOADED, planned, "no", evidence)


def _current(case: Case) -> Check:
    planned, state = "those of the unit's last start", case.state
    if state.active_state not in (None, "active", "reloading") and (state.servers or state.version is not None):
        seen = f"a server answers while the unit is {state.active_state}"
        remedy = (
            f"the last restart failed, or somebody started a server by hand: end that one, then {cause.restart(case)}"
        )
        return case.fails(_CURRENT, planned, seen, f"systemctl show {case.unit}", remedy)
    missing = case.no_server(_CURRENT, planned)
    server = state.server
    if missing is not None or server is None:
        return missing or case.unread(_CURRENT, planned, f"the server of {case.unit}")
    for found in (_several(case), _replaced(case, server), _left_behind(case, server), _older(case, server)):
        if found is not None:
            seen, evidence = found
            return case.fails(_CURRENT, planned, seen, evidence, cause.restart(case))
    if server.environment is None or state.environment is None:
        place = server.file("environ")
        return case.unread(
            _CURRENT, planned, place if server.environment is None else "Environment=", place, "systemctl"
        )
    return case.passes(_CURRENT, planned, planned, f"{server.file('environ')}, {server.file('exe')}")


def _several(case: Case) -> tuple[str, str] | None:
    servers = case.state.servers or ()
    if len(servers) < 2:
        return None
    pids = ", ".join(str(each.pid) for each in servers)
    return f"{len(servers)} servers, {pids}, in the one unit", f"the control group of {case.unit}"


def _replaced(case: Case, server: Process) -> tuple[str, str] | None:
    for process in (server, *case.state.runners):
        if process.exe is not None and process.exe.endswith(" (deleted)"):
            return f"the {process.kind}'s program was replaced since it was started", process.file("exe")
    return None


def _left_behind(case: Case, server: Process) -> tuple[str, str] | None:
    """A runner that is older than its server belongs to an earlier one."""
    for runner in case.state.runners:
        ages = (runner.started_seconds, server.started_seconds)
        if ages[0] is not None and ages[1] is not None and ages[0] > ages[1] + _SLACK_SECONDS:
            return f"the runner {runner.pid} is older than the server", runner.file("stat")
    return None


def _older(case: Case, server: Process) -> tuple[str, str] | None:
    """A variable of the loaded unit that the process was not started with; files of variables come after those."""
    if server.environment is None:
        return None
    ours = {case.path, case.state.fragment, *(case.state.dropins or ())}
    for name, value in sorted((case.state.environment or {}).items()):
        override, seen = case.state.override(name), server.environment.get(name)
        hidden = MASK in value or MASK in (seen or "")
        elsewhere = override is not None and override.kept not in ours
        # Programs in front of the server may change what is not Ollama's, as PATH.
        if load().get(name) is not None and not hidden and not elsewhere and seen != value:
            was = "not set" if seen is None else f"{seen!r}"
            return f"{name} is {was}, and {value!r} in the unit that systemd has loaded", server.file("environ")
    return None


__all__ = ("look",)
