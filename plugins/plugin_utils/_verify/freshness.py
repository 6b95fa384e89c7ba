# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the unit runs, as systemd has it loaded, and whether its processes are those of its last start.

org.freedesktop.systemd1(5) for states and NeedDaemonReload. Times are only compared with each other: which process is
the older one needs no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._service.redact import MASK
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Process
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

UNIT, RELOADED, CURRENT = "unit", "unit_reloaded", "processes_current"
# A runner may be counted a moment after its server.
_SLACK_SECONDS = 2.0


def check_unit(subject: Subject) -> Check:
    """Whether systemd has the unit, loaded and active."""
    observed, evidence, planned = subject.observed, f"systemctl show {subject.unit}", "loaded, active"
    if not observed.there:
        remedy = f"{SITE}; if it is installed, ask service_info for it"
        return subject.fails(UNIT, planned, "missing", f"service_info was not asked for {subject.unit}", remedy)
    seen = ", ".join(filter(None, (observed.load_state, observed.active_state, observed.sub_state, observed.result)))
    if observed.load_state is not None and observed.load_state != "loaded":
        what = "systemctl unmask it" if observed.load_state == "masked" else "install Ollama if it is missing"
        return subject.fails(UNIT, planned, seen, evidence, f"{what}; then {SITE}")
    if observed.active_state is None or observed.load_state is None:
        return subject.unread(UNIT, planned, evidence, "systemctl")
    if observed.active_state != "active":
        remedy = f"journalctl -u {subject.unit} shows why; then systemctl start {subject.unit}"
        return subject.fails(UNIT, planned, seen, cause.with_last_words(subject, evidence), remedy)
    return subject.passes(UNIT, planned, seen, evidence)


def check_reloaded(subject: Subject) -> Check:
    """Whether systemd has read the unit's files since they changed."""
    evidence, planned = f"systemctl show {subject.unit}: NeedDaemonReload", "no"
    reload = subject.observed.need_daemon_reload
    if reload is None:
        return subject.unread(RELOADED, planned, evidence, "systemctl")
    if reload:
        return subject.fails(RELOADED, planned, "yes", evidence, cause.reload(subject))
    return subject.passes(RELOADED, planned, "no", evidence)


def check_processes(subject: Subject) -> Check:
    """Whether the processes are those of the unit's last start."""
    planned, observed = "those of the unit's last start", subject.observed
    if observed.active_state not in (None, "active", "reloading") and (
        observed.servers or observed.version is not None
    ):
        seen = f"a server answers while the unit is {observed.active_state}"
        remedy = (
            "the last restart failed, or somebody started a server by hand: end that one, then"
            f" {cause.restart(subject)}"
        )
        return subject.fails(CURRENT, planned, seen, f"systemctl show {subject.unit}", remedy)
    missing = subject.no_server(CURRENT, planned)
    server = observed.server
    if missing is not None or server is None:
        return missing or subject.unread(CURRENT, planned, f"the server of {subject.unit}")
    for found in (
        _several(subject),
        _replaced(subject, server),
        _left_behind(subject, server),
        _older(subject, server),
    ):
        if found is not None:
            seen, evidence = found
            return subject.fails(CURRENT, planned, seen, evidence, cause.restart(subject))
    if server.environment is None or observed.environment is None:
        place = server.file("environ")
        return subject.unread(
            CURRENT, planned, place if server.environment is None else "Environment=", place, "systemctl"
        )
    return subject.passes(CURRENT, planned, planned, f"{server.file('environ')}, {server.file('exe')}")


def _several(subject: Subject) -> tuple[str, str] | None:
    servers = subject.observed.servers or ()
    if len(servers) < 2:
        return None
    pids = ", ".join(str(each.pid) for each in servers)
    return f"{len(servers)} servers, {pids}, in the one unit", f"the control group of {subject.unit}"


def _replaced(subject: Subject, server: Process) -> tuple[str, str] | None:
    for process in (server, *subject.observed.runners):
        if process.exe is not None and process.exe.endswith(" (deleted)"):
            return f"the {process.kind}'s program was replaced since it was started", process.file("exe")
    return None


def _left_behind(subject: Subject, server: Process) -> tuple[str, str] | None:
    """A runner that is older than its server belongs to an earlier one."""
    for runner in subject.observed.runners:
        ages = (runner.started_seconds, server.started_seconds)
        if ages[0] is not None and ages[1] is not None and ages[0] > ages[1] + _SLACK_SECONDS:
            return f"the runner {runner.pid} is older than the server", runner.file("stat")
    return None


def _older(subject: Subject, server: Process) -> tuple[str, str] | None:
    """A variable of the loaded unit that the process was not started with; files of variables come after those."""
    if server.environment is None:
        return None
    ours = {subject.path, subject.observed.fragment, *(subject.observed.dropins or ())}
    for name, value in sorted((subject.observed.environment or {}).items()):
        override, seen = subject.observed.override(name), server.environment.get(name)
        hidden = MASK in value or MASK in (seen or "")
        elsewhere = override is not None and override.kept not in ours
        # Programs in front of the server may change what is not Ollama's, as PATH.
        if load().get(name) is not None and not hidden and not elsewhere and seen != value:
            was = "not set" if seen is None else f"{seen!r}"
            return f"{name} is {was}, and {value!r} in the unit that systemd has loaded", server.file("environ")
    return None
