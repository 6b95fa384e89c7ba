# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the CPUs and the memory that a unit leaves its server: bindings, quotas, weights, locks."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.plugin_utils._combinations import locks_memory
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_finding import UnitFinding, at
from ansible_collections.inference.ollama.plugins.plugin_utils._values import check_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.plugin_utils._lint_commands import Launch
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# A server for which the cards of both vendors are hidden computes on CPUs; of any other one only the host knows.
_CARDS = (("CUDA_VISIBLE_DEVICES",), ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"))
_MEMBIND = ("--membind", "-m")
_CPUS = ("--cpunodebind", "-N", "--physcpubind", "-C")


def locked(service: Service, release: Release | None) -> Iterator[UnitFinding]:
    limits = service.values("LimitMEMLOCK")
    environment = {name: variable.value for name, variable in service.environment.items()}
    since = getattr(load().get("LLAMA_ARG_LOAD_MODE"), "since", None)
    if limits and not locks_memory(environment, release):
        yield at(
            limits[-1],
            "advice",
            "unused-memlock",
            "the limit alone locks nothing, and no setting here asks the runner to lock its weights",
            f"set LLAMA_ARG_LOAD_MODE, which acts from {since} on, or leave the limit out",
        )


def bound(service: Service, launch: Launch, release: Release | None) -> Iterator[UnitFinding]:
    """A binding or a quota without matching threads, and memory that may come from one node alone."""
    bindings = [setting for name in ("CPUAffinity", "AllowedCPUs") for setting in service.values(name)[-1:]]
    command, options = launch.setting, _options(launch)
    if command is not None and any(option.startswith(_CPUS) for option in options):
        bindings.append(command)
    if command is not None and any(option.startswith(_MEMBIND) for option in options):
        yield at(
            command,
            "advice",
            "membind",
            "--membind fails an allocation where the node is full, in place of taking memory of another one",
            "use --preferred, or --cpunodebind alone, under which memory comes from the node as long as it has any",
        )
    policies, masks = service.values("NUMAPolicy")[-1:], service.values("NUMAMask")[-1:]
    if policies and policies[0].value == "bind" and masks:
        yield at(
            policies[0],
            "advice",
            "membind",
            "bind fails an allocation where the nodes of NUMAMask= are full, in place of taking memory of another one",
            "write NUMAPolicy=preferred, or bind CPUs alone: memory comes from their node as long as it has any",
        )
    if policies and policies[0].value in ("bind", "interleave") and not masks:
        message = f"systemd cannot apply {policies[0].value} without NUMAMask=, and the service does not start"
        yield at(
            policies[0], "fatal", "bad-setting", f"{message} (242/NUMA_POLICY)", "write NUMAMask= with nodes beside it"
        )
    if policies and policies[0].value == "preferred" and masks and _several(masks[0].value):
        message = "systemd takes preferred with one node alone, and the service does not start (242/NUMA_POLICY)"
        yield at(masks[0], "fatal", "bad-setting", message, "name one node")
    quota = _quota_of(service)
    if quota is not None and quota < 1:
        setting = service.values("CPUQuota")[-1]
        message = (
            f"the server and its runners together may use {quota:g} of one CPU, and stand still the rest of the time"
        )
        yield at(
            setting, "advice", "quota-below-one-cpu", message, "leave it out, or write 100% for each physical core"
        )
    if quota is not None:
        bindings += service.values("CPUQuota")[-1:]
    if release is None or load().reached("llama_server", release):
        for binding in bindings if "LLAMA_ARG_THREADS" not in service.environment else []:
            what = "allowed by the quota" if binding.directive == "CPUQuota" else "bound to"
            name = "a quota" if binding.directive == "CPUQuota" else "a binding"
            yield at(
                binding,
                "advice",
                "binding-without-threads",
                f"the runner starts a thread for every core of the host, whatever it is {what}, and {name} without"
                " matching threads can halve the speed",
                f"set LLAMA_ARG_THREADS to the number of physical cores {what}",
            )


def unprotected(service: Service) -> Iterator[UnitFinding]:
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
        yield at(weight, "advice", "weight-inside-slice", message, remedy)
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


def crowded(service: Service, release: Release | None) -> Iterator[UnitFinding]:
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


def _several(nodes: str) -> bool:
    """Whether NUMAMask= names more than one node."""
    try:
        return nodes == "all" or len(CpuSet.parse(",".join(re.split(r"[\s,]+", nodes.strip())))) > 1
    except ValueError:
        return False


def _options(launch: Launch) -> list[str]:
    """The options of numactl or taskset before the program that they start."""
    for place, word in enumerate(launch.words):
        name = word.rpartition("/")[2]
        if name == "taskset":
            return ["-C"]
        if name == "numactl":
            before = itertools.takewhile(lambda each: each.rpartition("/")[2] != "ollama", launch.words[place + 1 :])
            return [each for each in before if each.startswith("-")]
        if name == "ollama":
            break
    return []
