# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the unit of a server that somebody has set up: its environment, and the directives around it."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import split_words
from ansible_collections.inference.ollama.plugins.plugin_utils._combinations import locks_memory
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import CODES, SEVERITIES, lint
from ansible_collections.inference.ollama.plugins.plugin_utils._sandbox import hidden, why
from ansible_collections.inference.ollama.plugins.plugin_utils._values import check_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# Every kind of finding on a unit.
UNIT_CODES = CODES | {
    "binding-without-threads",
    "ignored-line",
    "membind",
    "set-twice",
    "store-out-of-reach",
    "threads-oversubscribed",
    "threads-throttled",
    "two-commands",
    "unprotected-cpus",
    "unused-memlock",
    "weight-inside-slice",
}
# Directives that mean something in [Service] alone, so that elsewhere a line of them is a slip.
_OF_SERVICE = frozenset(
    {
        *("Environment", "EnvironmentFile", "ExecStart", "LimitMEMLOCK", "CPUAffinity", "AllowedCPUs", "CPUWeight"),
        "Slice",
    }
)
# A server for which the cards of both vendors are hidden computes on CPUs; of any other one only the host knows.
_CARDS = (("CUDA_VISIBLE_DEVICES",), ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"))
_MEMBIND = ("--membind", "-m")
_CPUS = ("--cpunodebind", "-N", "--physcpubind", "-C")


class UnitFinding(NamedTuple):
    """A finding of _lint.py with its place; ``name`` is a variable or a directive, empty for a line that is neither."""

    file: str
    line: int
    name: str
    severity: str
    code: str
    message: str
    remedy: str


def lint_unit(service: Service, release: Release | None) -> list[UnitFinding]:
    """The findings on a service, the worst first, then by place. None holds the value of a variable that is secret.

    An unknown release (None) could be any supported one.
    """
    found = [
        *_environment(service, release),
        *_overridden(service),
        *_ignored(service),
        *_commands(service),
        *_store(service),
        *_locked(service, release),
        *_bound(service, release),
        *_unprotected(service),
        *_crowded(service, release),
    ]
    hide = Redactor().text
    clean = (finding._replace(name=hide(finding.name), message=hide(finding.message)) for finding in found)
    return sorted(clean, key=lambda finding: (-SEVERITIES.index(finding.severity), finding))


def _environment(service: Service, release: Release | None) -> Iterator[UnitFinding]:
    variables = service.environment
    contract = load()
    for finding in lint({name: variable.value for name, variable in variables.items()}, release):
        variable = variables[finding.name]
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


def _ignored(service: Service) -> Iterator[UnitFinding]:
    for line in service.ignored:
        message = f"systemd passes this over: {line.reason}"
        yield UnitFinding(line.file, line.line, line.directive, "inert", "ignored-line", message, "correct it")
    for setting in service.settings:
        if setting.directive in _OF_SERVICE and setting.section != "Service":
            yield _at(
                setting,
                "inert",
                "ignored-line",
                f"systemd passes this over: it stands in [{setting.section}]",
                "put it under [Service]",
            )


def _commands(service: Service) -> Iterator[UnitFinding]:
    commands = service.values("ExecStart")
    kinds = service.values("Type")
    if len(commands) > 1 and not (kinds and kinds[-1].value == "oneshot"):
        yield _at(
            commands[-1],
            "fatal",
            "two-commands",
            "the service has two commands, and systemd refuses to load it",
            "write ExecStart= with nothing behind it on the line before, which takes back the first",
        )


def _store(service: Service) -> Iterator[UnitFinding]:
    models = service.environment.get("OLLAMA_MODELS")
    names = dict.fromkeys(setting.directive for setting in service.settings)
    settings = [setting._asdict() for name in names for setting in service.values(name)]
    mount = hidden(settings, models.value) if models is not None and models.value.startswith("/") else None
    if models is not None and mount is not None:
        message = f"the server cannot write there: {why(mount)}"
        remedy = "take that out, write ReadWritePaths= or BindPaths= beside it, or choose another folder"
        yield UnitFinding(models.file, models.line, "OLLAMA_MODELS", "fatal", "store-out-of-reach", message, remedy)


def _locked(service: Service, release: Release | None) -> Iterator[UnitFinding]:
    limits = service.values("LimitMEMLOCK")
    environment = {name: variable.value for name, variable in service.environment.items()}
    since = getattr(load().get("LLAMA_ARG_LOAD_MODE"), "since", None)
    if limits and not locks_memory(environment, release):
        yield _at(
            limits[-1],
            "advice",
            "unused-memlock",
            "the limit alone locks nothing, and no setting here asks the runner to lock its weights",
            f"set LLAMA_ARG_LOAD_MODE, which acts from {since} on, or leave the limit out",
        )


def _bound(service: Service, release: Release | None) -> Iterator[UnitFinding]:
    bindings = [setting for name in ("CPUAffinity", "AllowedCPUs") for setting in service.values(name)[-1:]]
    for command in service.values("ExecStart")[-1:]:
        options = _numactl(command)
        if any(option.startswith(_CPUS) for option in options):
            bindings.append(command)
        if any(option.startswith(_MEMBIND) for option in options):
            yield _at(
                command,
                "advice",
                "membind",
                "--membind fails an allocation where the node is full, in place of taking memory of another one",
                "use --preferred, or --cpunodebind alone, under which memory comes from the node as long as it has any",
            )
    if release is None or load().reached("llama_server", release):
        for binding in bindings if "LLAMA_ARG_THREADS" not in service.environment else []:
            yield _at(
                binding,
                "advice",
                "binding-without-threads",
                "the runner starts a thread for every core of the host, whatever it is bound to, and a binding without"
                " matching threads can halve the speed",
                "set LLAMA_ARG_THREADS to the number of physical cores bound to",
            )


def _unprotected(service: Service) -> Iterator[UnitFinding]:
    """Advice where busy programs can take the CPUs of a server: a weight that counts in part, or none without a GPU."""
    names = [setting.value for setting in service.values("Slice")[-1:]]
    if names and names[0].endswith(".slice") and check_value(load().options["slice"], names[0]) is None:
        # Its weight is in a file of the slice.
        return
    where = names[0] if names else "system.slice"
    remedy = (
        "put the server into a slice directly below the root, Slice=ollama.slice, and give that one CPUWeight= in"
        " /etc/systemd/system/ollama.slice.d/weight.conf"
    )
    weights = service.values("CPUWeight")[-1:]
    for weight in weights:
        message = f"it counts among what runs in {where} alone, not against logins, containers and virtual machines"
        yield _at(weight, "advice", "weight-inside-slice", message, remedy)
    environment = service.environment
    hidden = [
        next((name for name in names if name in environment and environment[name].value == "-1"), None)
        for names in _CARDS
    ]
    if all(hidden) and not weights:
        name = str(hidden[0])
        variable = environment[name]
        message = (
            "the server computes on CPUs, where one busy program on a CPU of its threads holds all of them up, and"
            " nothing protects them"
        )
        yield UnitFinding(variable.file, variable.line, name, "advice", "unprotected-cpus", message, remedy)


def _crowded(service: Service, release: Release | None) -> Iterator[UnitFinding]:
    """More compute threads of all models together than the unit's own CPUs or its quota hold."""
    threads, models = (_count(service, name) for name in ("LLAMA_ARG_THREADS", "OLLAMA_MAX_LOADED_MODELS"))
    if threads is None or not (release is None or load().reached("llama_server", release)):
        return
    if any(name in service.environment for names in _CARDS for name in names):
        # The host has cards, perhaps of another vendor. Threads of models there mostly poll, so those of one count.
        models = None
    # Without a number of models there is at least one.
    total = threads * (models or 1)
    several = f"{models} models with {threads} threads each are {total}" if models and models > 1 else str(total)
    cpus, quota = _cpus_of(service), _quota_of(service)
    place = service.environment["LLAMA_ARG_THREADS"]
    where: list[tuple[str, str, int]] = []
    if cpus is not None and total > cpus:
        where.append(("threads-oversubscribed", f"on {cpus} CPUs, and those that share one wait for each other", cpus))
    if quota is not None and total > max(1.0, quota):
        stops = "for the rest of each period"
        where.append(("threads-throttled", f"under a quota of {quota:g} CPUs, which stops them {stops}", int(quota)))
    for code, what, held in where:
        fewer = f"set LLAMA_ARG_THREADS to {max(1, held // (models or 1))}"
        less = f", or OLLAMA_MAX_LOADED_MODELS to {max(1, held // threads)}" if (models or 1) > 1 else ""
        message = f"where models run on CPUs, {several} compute threads {what}"
        yield UnitFinding(place.file, place.line, "LLAMA_ARG_THREADS", "advice", code, message, fewer + less)


def _count(service: Service, name: str) -> int | None:
    variable = service.environment.get(name)
    return int(variable.value) if variable is not None and re.fullmatch("[1-9][0-9]{0,4}", variable.value) else None


def _cpus_of(service: Service) -> int | None:
    """How many CPUs CPUAffinity= and AllowedCPUs= leave; None where neither says so in numbers."""
    found: CpuSet | None = None
    for name in ("CPUAffinity", "AllowedCPUs"):
        settings = service.values(name)
        try:
            own = CpuSet.parse(",".join(re.split(r"[\s,]+", " ".join(each.value for each in settings).strip())))
        except ValueError:
            continue
        if settings:
            found = own if found is None else found & own
    return len(found) if found else None


def _quota_of(service: Service) -> float | None:
    """The CPUs of CPUQuota=; None without one that limits anything."""
    found = service.values("CPUQuota")[-1:]
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)%", found[0].value) if found else None
    return float(match[1]) / 100 or None if match else None


def _numactl(command: Setting) -> list[str]:
    """The options of numactl or taskset in a command line, up to the program that it starts."""
    words = split_words(command.value)[0]
    program = words[0].lstrip("@-:+!").rpartition("/")[2] if words else ""
    if program == "taskset":
        return ["-C"]
    before = itertools.takewhile(lambda word: word.rpartition("/")[2] != "ollama", words)
    return [word for word in before if word.startswith("-")] if program == "numactl" else []


def _at(setting: Setting, *parts: str) -> UnitFinding:
    return UnitFinding(setting.file, setting.line, setting.directive, *parts)
