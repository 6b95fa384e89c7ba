# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topology, policy and release in; the plan out. Pure: the same input gives the same bytes."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import (
    attention,
    capacity,
    cpu,
    deployment,
    devices,
    environment,
    exposure,
    gpu,
    instances,
    kernel,
    known,
    measured,
    protection,
    readiness,
    secrets,
    service,
    supervision,
    threads,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.alone import fit_of_those_that_fit
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import (
    PLACES,
    adopt,
    conflicts,
    planned_variables,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.named import name_models
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Notes, Planning
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import memory_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import PLACEMENT, SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._values import integer

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import Fit
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.records import Record
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release


_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Inputs(NamedTuple):
    """What make_plan() was given."""

    topology: Mapping[str, Any]
    options: Mapping[str, Any]
    release: Optional[str]
    found: Optional[Mapping[str, Any]]


class PlanError(OllamaError):
    """A plan is not possible: a line for each wrong setting."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        count = f"{len(lines)} setting{'s' if len(lines) > 1 else ''} cannot be used:"
        super().__init__("\n".join([count, *(f"- {line}" for line in lines)]))


def make_plan(
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    release: str | None = None,
    found: Mapping[str, Any] | None = None,
    models: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the plan of one host, schema 2 (docs/architecture.md).

    ``options`` maps role variables without their prefix to the operator's values. ``release`` is the installed release
    as the operator names it, in place of the option ``version``; without either the topology's is taken.
    ``found`` is what the unit's other files set, ``found_unit`` of the module unit_files_info; ``models`` what the
    module models_info has read, for reference models by name and the digests of records. Raises PlanError with one
    line for everything that is wrong, so that a single run shows it all.
    """
    options, unnamed, unread = name_models(options, models)
    inputs = _Inputs(topology, measured.read_once(options), release, found)
    notes, made = _attempt(inputs)
    unusable: dict[str, str] = {}
    if notes.errors and found:
        # What was found is no mistake of the role's variables: a value that cannot be planned with stays in its file.
        for name in planned_variables(found):
            left, without = _attempt(inputs, {**unusable, name: ""})
            fixed = [error for error in notes.errors if error not in left.errors]
            if name not in PLACES and fixed:
                unusable[name] = fixed[0]
                notes, made = left, without
        notes, made = _attempt(inputs, unusable)
    if unnamed or notes.errors:
        raise PlanError([*unnamed, *notes.errors])
    made, said = _with_record(inputs, models, made, lambda record: _attempt(inputs, unusable, record))
    return {**made, "warnings": [*unread, *said, *made["warnings"]]}


def fits_of(
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any] | None = None,
    models: Mapping[str, Any] | None = None,
) -> list[Fit]:
    """Return how the models fit the memory of each server of the plan, without records of what was measured."""
    named, _unnamed, _unread = name_models(options, models)
    return _attempt(_Inputs(topology, measured.read_once(named), None, found))[0].fits


def _upstream(entry: Mapping[str, Any], count: int, decisions: list[dict[str, Any]]) -> dict[str, Any]:
    """An instance as a reverse proxy names it; ``slots`` is null where the plan leaves them to the server."""
    planned = {each["setting"]: each["value"] for each in decisions if each["instance"] == entry["name"]}
    slots = integer(str(planned.get(capacity.PARALLEL)))
    return {
        "instance": entry["name"],
        "host": entry["host"],
        "port": entry["port"],
        "weight": count,
        "slots": slots or None,
    }


def _with_record(
    inputs: _Inputs, models: Mapping[str, Any] | None, plain: dict[str, Any], planner: measured.Planner
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The plan with what was measured, where a record fits it, and warnings of records that do not."""
    if not inputs.options.get("measured"):
        return plain, []
    release = parse_release(plain["release"]) if plain["release"] else None
    found = measured.choose(inputs.topology, parse(inputs.options)[0], release, models)
    if found.record is None:
        return plain, found.warnings
    made, warnings = measured.take(found.record, plain, planner)
    return made, [*found.warnings, *warnings]


def _attempt(
    inputs: _Inputs, unusable: Mapping[str, str] = _NOTHING, record: Record | None = None
) -> tuple[Notes, dict[str, Any]]:
    """The plan, which counts only where there is no error.

    ``unusable`` says why a found variable is left out; ``record`` was measured and is taken where nothing else decides.
    """
    topology, options, release, found = inputs
    topology, found = deployment.topology_with(topology, options), deployment.found_of(found, options)
    machine = Machine(topology, found)
    policy, errors = parse({**options, **({"version": release} if release else {})})
    installed = _release(machine, policy.version)
    policy, clashes, lint_warnings = environment.ready(policy, installed)
    notes = Notes(warnings=lint_warnings, errors=errors + clashes)
    policy, kept = adopt(policy, found, installed, notes, unusable)
    policy, taken = measured.adopt(policy, record)
    host = Planning(machine, policy, installed, load(), instance=None, found=kept, measured=taken, notes=notes)
    deployment.check(host)
    known.check_release(host)
    known.check_facts(host)
    gpu.check_drivers(host)
    cards = gpu.usable(host)
    shares = instances.split(host, gpu.wanted(host, cards))
    protected = protection.choose(host, shares)
    moved = machine.allowed_in(protected.slice)
    if moved is not None:
        return _attempt(inputs._replace(topology={**topology, "allowed": moved}), unusable, record)
    planned = [_instance(host.of(share), share, cards, protected) for share in shares]
    exposure.guard(host, [entry for entry, _placement, _threads in planned])
    places = [placement.node for _entry, placement, _threads in planned]
    spans = len(machine.cpu_nodes) > 1 and any(node is None or node.parts for node in places)
    kernel.tune(replace(host, gpus=tuple(cards)), spans_nodes=spans)
    readiness.beside(host, [card for share in shares for card in share.gpus])
    engine = engine_of(policy.deployment)
    weighed = protection.weigh(host, protected, sum(count for _entry, _placement, count in planned))
    made = {
        "schema": SCHEMA,
        "release": str(installed) if installed else None,
        "instances": [entry for entry, _placement, _threads in planned],
        "deployment": policy.deployment,
        "template": service.template(host) if len(planned) > 1 and engine is None else None,
        "slice": weighed,
        "upstreams": [_upstream(entry, count, notes.decisions) for entry, _placement, count in planned],
        "decisions": notes.decisions,
        "measured": measured.as_planned(record, taken),
        "warnings": notes.warnings,
    }
    for sentence in conflicts(found, made, policy.dropin_name):
        host.warn("found-wins", sentence, "the role refuses to change the host until then")
    return notes, made


def _release(machine: Machine, named: str | None) -> Release | None:
    if named:
        return parse_release(named)
    found = machine.ollama.get("version")
    try:
        return parse_release(found) if found else None
    except OllamaError as error:
        machine.problems.append(f"software.ollama.version: {error}")
        return None


def _instance(
    planning: Planning, share: Share, cards: list[Gpu], protected: protection.Protection
) -> tuple[dict[str, Any], cpu.Placement, int]:
    """Decide on one instance; return what identifies it and follows from the decisions, where it runs, its threads."""
    planning.record(PLACEMENT, "instance", share.name, share.source, share.why)
    planning, share = _with_found_cpus(planning, share)
    placement = cpu.place(planning, share)
    if placement.binding != NONE and share.cpus is None:
        planning = replace(planning, memory_bytes=memory_of(planning.machine, placement.node, 1, 1))
    planning, found = fit_of_those_that_fit(planning, placement.room)
    planning.notes.fits.append(found)
    loaded = found.chosen.loaded
    threads.announce(planning, placement.room, loaded, on_cards=found.on_cards, bound=placement.binding != NONE)
    address, port = service.listen(planning)
    devices.show(planning, cards)
    budget = capacity.fill(planning, found)
    attention.attend(planning)
    service.store(planning)
    planning.record_unruled()
    environment.check_written(planning)
    _check_binding(planning, placement)
    supervision.order(planning, exposure.guard_of(planning, address))
    readiness.wait(planning, share.unit)
    service.command(planning, placement)
    service.limits(planning)
    secrets.hand_over(planning)
    supervision.supervise(planning)
    protection.place(planning, protected)
    deployment.contain(planning)
    identity = {
        "name": share.name,
        "unit": share.unit,
        "host": address,
        "port": port,
        "url": url_of(address, port),
        "gpus": [card.address for card in planning.gpus],
        "devices": readiness.devices(planning.gpus),
        "memory_bytes": planning.memory_bytes,
        "budget": budget,
    }
    return identity, placement, threads.at_once(planning, placement.room, loaded)


def _with_found_cpus(planning: Planning, share: Share) -> tuple[Planning, Share]:
    """The only server with those of the CPUs that another file of its unit binds it to which the service may use."""
    cpus, machine = planning.found.cpus, planning.machine
    if cpus is None or share.count > 1 or share.cpus is not None:
        return planning, share
    cpus = cpus & (machine.allowed or CpuSet())
    if not cpus:
        return replace(planning, found=planning.found._replace(cpus=None)), share
    node = machine.home_of(cpus)
    policy = share.policy.replace(bind_method="affinity")
    return replace(planning, policy=policy), replace(share, cpus=cpus, node=node, policy=policy)


def _check_binding(planning: Planning, placement: cpu.Placement) -> None:
    spread = planning.policy.environment.get("LLAMA_ARG_NUMA")
    if placement.binding != NONE and spread in ("distribute", "isolate"):
        kept = planning.found.variables.get("LLAMA_ARG_NUMA")
        where = "ollama_environment.LLAMA_ARG_NUMA" if kept is None else f"LLAMA_ARG_NUMA, found in {kept.where}"
        planning.error(
            f"{where}: {spread!r} contradicts the binding to CPUs {placement.cpus}: it"
            " resets each thread's CPU affinity; allowed is numactl or nothing, or set ollama_numa_node: none"
        )


def url_of(address: str, port: int) -> str:
    """The URL by which this host reaches a server; one that listens on every address answers on loopback."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"http://{address}:{port}"
    if parsed.is_unspecified:
        parsed = ipaddress.ip_address("127.0.0.1" if parsed.version == 4 else "::1")
    # In a URL the sign before the name of a network card is written as RFC 6874 has it.
    return f"http://{parsed}:{port}" if parsed.version == 4 else f"http://[{str(parsed).replace('%', '%25')}]:{port}"
