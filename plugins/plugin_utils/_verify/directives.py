# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a planned directive is in effect: in the server's process where it shows there, else in the loaded files.

systemd.exec(5) for what each does to a process, proc(5) for where it shows. What no process shows, as Restart=, holds
where our file says it, systemd has loaded that file as it is, and no later one says otherwise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._systemd.numbers import size
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import as_text
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause, protection, secret
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import PASS
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import cpu_list, mapping, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Process
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

_LIMITS = {"LimitNOFILE": "nofile", "LimitMEMLOCK": "memlock"}
_NUMACTL = re.compile(r"(?:.*/)?numactl")


def check_directive(subject: Subject, name: str, value: Any) -> Check:  # noqa: ANN401 - text, number or words
    """The verdict on one directive."""
    if name == protection.NAME:
        return protection.check_slice(subject, str(value))
    if name in secret.FILES:
        loaded = _in_files(subject, name, value)
        return secret.check_file(subject, name, str(value)) if loaded.verdict == PASS else loaded
    in_process = _IN_PROCESS.get(name)
    if in_process is None:
        return _in_files(subject, name, value)
    planned = as_text(value) or ""
    missing = subject.no_server(name, planned)
    server = subject.observed.server
    if missing is not None or server is None:
        return missing or subject.unread(name, planned, f"the server of {subject.unit}")
    return in_process(subject, server, name, planned)


def check_container(subject: Subject, name: str, value: Any) -> Check:  # noqa: ANN401 - text or words
    """The verdict on what a container is made of beside its variables: no process shows it, and its file says it."""
    return _in_files(subject, name, as_text(value))


def check_found(subject: Subject, name: str, value: Any) -> Check:  # noqa: ANN401 - text
    """The verdict on a directive that another file of the unit sets, in the forms that systemd takes."""
    if name in _LIMITS:
        return check_directive(subject, name, _hard(str(value)))
    if name in _IN_PROCESS or name == protection.NAME:
        return check_directive(subject, name, value)
    observed = subject.observed
    if observed.dropins is None or observed.need_daemon_reload is None:
        return subject.unread(name, value, "whether systemd has loaded the unit's files", "systemctl")
    if observed.need_daemon_reload:
        seen = "changed since systemd read it"
        return subject.fails(name, value, seen, f"systemctl show {subject.unit}", cause.reload(subject))
    return subject.passes(name, value, value, f"another file of {subject.unit}, loaded")


def _hard(value: str) -> str:
    """The hard limit of ``SOFT:HARD`` or of one for both, K to E counting in 1024 (systemd.exec(5), "LimitCPU=")."""
    text = value.rpartition(":")[2].strip()
    amount = size(text)
    return text if amount is None else str(amount)


def _limit(subject: Subject, server: Process, name: str, planned: str) -> Check:
    pair, place = mapping(server.limits.get(_LIMITS[name])), server.file("limits")
    soft, hard = _amount(pair, "soft"), _amount(pair, "hard")
    if soft is None or hard is None:
        return subject.unread(name, planned, place, place)
    # A soft limit that the process has lowered or, as Go does with files, raised does not count.
    if planned == hard:
        return subject.passes(name, planned, hard, place)
    return subject.fails(name, planned, f"soft {soft}, hard {hard}", place, cause.remedy(subject, name))


def _amount(pair: Mapping[str, Any], key: str) -> str | None:
    if key in pair and pair[key] is None:
        return "infinity"
    found = number(pair.get(key))
    return None if found is None else str(found)


def _oom_score(subject: Subject, server: Process, name: str, planned: str) -> Check:
    seen, place = server.oom_score_adjust, server.file("oom_score_adj")
    if seen is None:
        return subject.unread(name, planned, place, place)
    return _compared(subject, name, planned, str(seen), place)


def _affinity(subject: Subject, server: Process, name: str, planned: str) -> Check:
    place = server.file("status")
    if server.cpus is None:
        return subject.unread(name, planned, place, place, server.file(""))
    same = server.cpus == cpu_list(planned.replace(" ", ","))
    return _compared(subject, name, planned, planned if same else str(server.cpus), place)


def _command(subject: Subject, server: Process, name: str, planned: str) -> Check:
    place = server.file("cmdline")
    if server.command_line is None:
        return subject.unread(name, planned, place, place)
    words = planned.split(" ")
    # numactl becomes the server; what it did shows in "binding".
    while len(words) > 1 and (_NUMACTL.fullmatch(words[0]) or words[0].startswith("-")):
        words = words[1:]
    seen = " ".join(server.command_line)
    if seen == " ".join(words):
        return subject.passes(name, planned, seen, place)
    return subject.fails(name, planned, seen, place, cause.remedy(subject, name))


def _compared(subject: Subject, name: str, planned: str, seen: str, place: str) -> Check:
    if planned == seen:
        return subject.passes(name, planned, seen, place)
    return subject.fails(name, planned, seen, place, cause.remedy(subject, name))


_IN_PROCESS: dict[str, Callable[[Subject, Process, str, str], Check]] = {
    "AllowedCPUs": _affinity,
    "CPUAffinity": _affinity,
    "ExecStart": _command,
    "LimitMEMLOCK": _limit,
    "LimitNOFILE": _limit,
    "OOMScoreAdjust": _oom_score,
}


def _in_files(subject: Subject, name: str, value: object) -> Check:
    observed = subject.observed
    found = cause.overridden(subject, name)
    if found is not None:
        return subject.fails(name, value, f"what {found.kept} says", found.kept, cause.remedy(subject, name))
    if subject.files is None:
        remedy = "compare the files too (the filter file_drift), as the playbook inference.ollama.verify does"
        return subject.unknown(name, value, None, f"no process shows it, and {subject.path} was not compared", remedy)
    seen = _written(subject, name)
    if seen is not None:
        return subject.fails(name, value, seen, subject.path, cause.remedy(subject, name))
    if observed.dropins is None or observed.need_daemon_reload is None:
        return subject.unread(name, value, f"whether systemd has loaded {subject.path}", "systemctl")
    if subject.path not in observed.dropins or observed.need_daemon_reload:
        seen = "not loaded" if subject.path not in observed.dropins else "changed since systemd read it"
        return subject.fails(name, value, seen, f"systemctl show {subject.unit}", cause.remedy(subject, name))
    return subject.passes(name, value, value, f"{subject.path}, loaded, and overridden by none")


def _written(subject: Subject, name: str) -> str | None:
    """What our file sets in place of the planned value; None where it sets that."""
    whole = cause.edited(subject)
    if whole is not None:
        return f"the file {whole}"
    for row in subject.own:
        if row.get("setting") in (name, f"[Unit]{name}"):
            return str(row.get("on_host") or "nothing")
    return None
