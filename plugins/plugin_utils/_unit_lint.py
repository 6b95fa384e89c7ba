# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the unit of a server that somebody has set up: its environment, and the directives around it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import DEFAULT_ADDRESS, listens
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.plugin_utils import _lint_cpus as cpus
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import is_loopback
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import CODES, OURS, SEVERITIES, lint
from ansible_collections.inference.ollama.plugins.plugin_utils._lint_commands import commands, launched
from ansible_collections.inference.ollama.plugins.plugin_utils._lint_hardening import hardening
from ansible_collections.inference.ollama.plugins.plugin_utils._lint_lines import lines, readable
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import GUARD
from ansible_collections.inference.ollama.plugins.plugin_utils._sandbox import hidden, why
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_finding import UnitFinding, at
from ansible_collections.inference.ollama.plugins.plugin_utils._values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# Every kind of finding on a unit.
UNIT_CODES = CODES | {
    "bad-setting",
    "binding-without-threads",
    "comment-in-value",
    "environment-file-missing",
    "exposed",
    "hides-files",
    "hides-gpu",
    "ignored-line",
    "membind",
    "no-network",
    "not-a-folder",
    "option",
    "other-unit",
    "port-taken",
    "quota-below-one-cpu",
    "stops-runner",
    "set-twice",
    "store-out-of-reach",
    "threads-oversubscribed",
    "threads-throttled",
    "two-commands",
    "unprotected-cpus",
    "unread-command",
    "unused-memlock",
    "weight-inside-slice",
}


# What a value may hold that stands for something else than it says.
_OF_VALUES = frozenset({"malformed", "fatal-value", "empty"})


def lint_unit(written: Service, release: Release | None, missing: Mapping[str, str] | None = None) -> list[UnitFinding]:
    """The findings on a service, the worst first, then by place. None holds the value of a variable that is secret.

    An unknown release (None) could be any supported one. ``missing`` says of environment files why they were not read.
    """
    read = readable(written)
    launch = launched(read)
    service = launch.apply(read)
    found = [
        *_environment(service, release),
        *_overridden(service),
        *_comments(service),
        *lines(written),
        *commands(read, launch),
        *_files(read, missing or {}),
        *_exposed(service, written),
        *_store(service),
        *hardening(service),
        *cpus.locked(service, release),
        *cpus.bound(service, launch, release),
        *cpus.unprotected(service),
        *cpus.crowded(service, release),
    ]
    hide = Redactor().text
    clean = (finding._replace(name=hide(finding.name), message=hide(finding.message)) for finding in found)
    return worst_first(clean)


def worst_first(findings: Iterable[UnitFinding]) -> list[UnitFinding]:
    """The findings by severity, then by place."""
    return sorted(findings, key=lambda finding: (-SEVERITIES.index(finding.severity), finding))


_MANAGERS = {
    "snap": "snap's own, whose settings are those of snap set ollama",
    "homebrew": "Homebrew's, whose settings are those of brew services",
    "user": "one of a user's systemd, whose settings are those of systemctl --user edit",
    "openrc": "one of OpenRC, whose settings are in /etc/conf.d/ollama",
    "unit": "another unit of this host",
}


def around(
    others: Sequence[Mapping[str, str]], not_folders: Sequence[str], listeners: Sequence[Mapping[str, Any]]
) -> list[UnitFinding]:
    """Findings on what else starts Ollama, on files that should be folders, and on who holds its port."""
    found = [
        UnitFinding(
            row["path"],
            1,
            "",
            "advice",
            "other-unit",
            f"Ollama is started by this too, {_MANAGERS.get(row['manager'], row['manager'])};"
            " its drop-ins and environment files were not read",
            "keep one of them, or give each a port of its own by OLLAMA_HOST",
        )
        for row in others
    ]
    for path in not_folders:
        message = "systemd reads a folder of this name, and nothing of this file"
        remedy = f"move it away, make the folder, and put it there: {path}/override.conf"
        found.append(UnitFinding(path, 1, "", "inert", "not-a-folder", message, remedy))
    for row in listeners:
        unit = row.get("unit")
        if unit is None or unit == "ollama.service" or str(unit).startswith("ollama@"):
            continue
        place = next((str(other["path"]) for other in others), f"/proc/{row.get('pid')}")
        message = f"port {row['port']} is held by {unit} (process {row.get('pid')}, {row.get('program')})"
        found.append(UnitFinding(place, 1, "", "advice", "port-taken", message, "stop it, or give one another port"))
    return found


def _environment(service: Service, release: Release | None) -> Iterator[UnitFinding]:
    variables = service.environment
    contract = load()
    for finding in lint({name: variable.value for name, variable in variables.items()}, release):
        variable = variables[finding.name]
        if not variable.known and finding.code in _OF_VALUES:
            continue
        setting = contract.get(finding.name)
        # A file that root alone can read is where a key belongs, so all that is left to say is who reads it.
        kept = variable.from_file and setting is not None and setting.type == "secret" and finding.code != "dangerous"
        said = finding._replace(severity="advice", remedy="let the gateway check keys") if kept else finding
        if finding.code != "secret" or not variable.from_file:
            said = said._replace(remedy=_in_a_unit(said.remedy, release))
            yield UnitFinding(variable.file, variable.line, *said)


def _in_a_unit(remedy: str, release: Release | None) -> str:
    """The remedy with the environment's own name beside a variable of the role, for who writes units by hand."""
    match = re.match(r"use ollama_(\w+)", remedy)
    option = load().options.get(match[1]) if match else None
    name = None if option is None or option.own_type else option.variable
    if match is None or name is None or not (release is None or load().acts(name, release)):
        return remedy
    return f"{match[0]}, which sets {name}{remedy[match.end() :]}"


def _overridden(service: Service) -> Iterator[UnitFinding]:
    for name, variable in service.environment.items():
        for override in variable.overrides:
            says = "the same" if override.same else "something else"
            yield UnitFinding(
                override.file,
                override.line,
                name,
                "advice",
                "set-twice",
                f"{variable.file}:{variable.line} says {says} later, and wins",
                "keep one of the two",
            )


def _comments(service: Service) -> Iterator[UnitFinding]:
    """Values with what was meant for a comment: in both kinds of files it belongs to the value."""
    for name, variable in service.environment.items():
        if re.search(r"\s#", variable.value):
            ours = name.upper().startswith(OURS) or load().get(name) is not None
            message = f"what is behind # is no comment here, and {name} is {quoted(variable.value)}"
            remedy = "give the comment a line of its own, which begins with #"
            severity = "fatal" if ours else "advice"
            yield UnitFinding(variable.file, variable.line, name, severity, "comment-in-value", message, remedy)


def _files(service: Service, missing: Mapping[str, str]) -> Iterator[UnitFinding]:
    for setting in service.values("EnvironmentFile"):
        path = setting.value.removeprefix("-")
        if path in missing and not setting.value.startswith("-"):
            message = f"{missing[path]}, so the service does not start (result resources)"
            remedy = f"make the file, or write EnvironmentFile=-{path} for one that may be absent"
            yield at(setting, "fatal", "environment-file-missing", message, remedy)


def _exposed(service: Service, written: Service) -> Iterator[UnitFinding]:
    """An address beyond loopback, unless the unit itself closes it or says what does."""
    host = service.environment.get("OLLAMA_HOST")
    address, port = listens(host.value) if host is not None else (DEFAULT_ADDRESS, 0)
    closed = service.values("IPAddressDeny") or service.values("PrivateNetwork")
    if host is None or is_loopback(address) or closed or _declared(written):
        return
    message = f"port {port} of {address} can be reached by other hosts, and no Ollama release checks a key on requests"
    remedy = (
        "listen on 127.0.0.1 behind a reverse proxy that authenticates, or let known networks alone in, as"
        " ollama_exposure: firewall does"
    )
    yield UnitFinding(host.file, host.line, "OLLAMA_HOST", "advice", "exposed", message, remedy)


def _declared(service: Service) -> bool:
    """Whether a line of the unit says what guards the address; those that the role writes do."""
    return any(each.section == "Unit" and each.directive == GUARD for each in service.settings)


def _store(service: Service) -> Iterator[UnitFinding]:
    models = service.environment.get("OLLAMA_MODELS")
    names = dict.fromkeys(setting.directive for setting in service.settings)
    settings = [setting._asdict() for name in names for setting in service.values(name)]
    mount = hidden(settings, models.value) if models is not None and models.value.startswith("/") else None
    if models is not None and mount is not None:
        message = f"the server cannot write there: {why(mount)}"
        remedy = "take that out, write ReadWritePaths= or BindPaths= beside it, or choose another folder"
        yield UnitFinding(models.file, models.line, "OLLAMA_MODELS", "fatal", "store-out-of-reach", message, remedy)
