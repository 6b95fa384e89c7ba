# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topology, policy and release in; the plan out. Pure: the same input gives the same bytes.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load, parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import (
    attention,
    capacity,
    cpu,
    devices,
    environment,
    gpu,
    instances,
    kernel,
    service,
    supervision,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import memory_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share

SCHEMA = 1
# What decisions on the host as a whole have for an instance; no instance can have this name.
HOST = "(host)"


class PlanError(OllamaError):
    """What cannot be planned, a line for each wrong setting."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        count = f"{len(lines)} setting{'s' if len(lines) > 1 else ''} cannot be used:"
        super().__init__("\n".join([count, *(f"- {line}" for line in lines)]))


def refusals(topology: Mapping[str, Any], wishes: Mapping[str, Any], release: str | None) -> list[str]:
    """Why there is no plan, a line for each wrong setting; none where there is one."""
    try:
        make_plan(topology, wishes, release)
    except PlanError as error:
        return error.lines
    return []


def make_plan(topology: Mapping[str, Any], wishes: Mapping[str, Any], release: str | None) -> dict[str, Any]:
    """The plan of one host, schema 1 (docs/architecture.md).

    ``wishes`` maps role variables without their prefix to what the operator said. ``release`` is the operator's
    word on the installed release; without it the topology's is taken. Raises PlanError with one line for
    everything that is wrong, so that a single run shows it all.
    """
    machine = Machine(topology)
    installed = _release(machine, release)
    policy, errors = parse(wishes)
    policy, clashes, lint_warnings = environment.ready(policy, installed)
    case = Case(machine, policy, installed, load())
    case.errors += errors + clashes
    case.warnings += lint_warnings
    _look_at_release(case)
    _look_at_facts(case)
    cards = gpu.usable(case)
    shares = instances.split(case, gpu.wanted(case, cards))
    planned = [_instance(case.of(share), share, cards) for share in shares]
    host = case.of(shares[0]) if shares else case
    host.instance, host.gpus = HOST, cards
    spans = len(machine.cpu_nodes) > 1 and any(entry["numa_node"] is None for entry in planned)
    settings = kernel.tune(host, spans_nodes=spans)
    if case.errors:
        raise PlanError(case.errors)
    return {
        "schema": SCHEMA,
        "release": str(installed) if installed else None,
        "instances": planned,
        "kernel": settings,
        "template": service.template(case) if len(planned) > 1 else None,
        "upstreams": [
            {"instance": entry["name"], "host": entry["host"], "port": entry["port"], "weight": entry["threads"] or 1}
            for entry in planned
        ],
        "decisions": case.decisions,
        "warnings": case.warnings,
    }


def _release(machine: Machine, named: str | None) -> Release | None:
    if named and named != "auto":
        try:
            return parse_release(named)
        except OllamaError as error:
            raise PlanError([f"ollama_version: {error}; allowed is auto, or a release such as 0.34.1"]) from error
    found = machine.ollama.get("version")
    try:
        return parse_release(found) if found else None
    except OllamaError as error:
        machine.problems.append(f"software.ollama.version: {error}")
        return None


def _instance(case: Case, share: Share, cards: list[Gpu]) -> dict[str, Any]:
    case.decide("instance", share.name, share.source, share.why)
    address, port, variables = service.listen(case)
    variables |= devices.show(case, cards)
    placement = cpu.place(case, share)
    variables |= placement.environment
    if placement.bind != NONE and share.cpus is None:
        case.memory_bytes = memory_of(case.machine, placement.node, 1, 1)
    variables |= capacity.fill(case, placement.threads)
    variables |= attention.attend(case)
    variables |= service.store(case)
    _refuse_undone_binding(case, placement)
    order = supervision.order(case)
    unit = {**service.command(case, placement), **service.limits(case), **supervision.supervise(case)}
    return {
        "name": case.instance,
        "unit": share.unit,
        "host": address,
        "port": port,
        "url": url_of(address, port),
        "numa_node": placement.node.id if placement.node else None,
        "cpus": None if placement.cpus is None else str(placement.cpus),
        "threads": placement.threads,
        "bind": placement.bind,
        "gpus": [_address(card) for card in case.gpus],
        "memory_bytes": case.memory_bytes,
        "budget": case.budget,
        "environment": environment.merge(case, variables),
        "order": order,
        "service": unit,
    }


def _address(card: Gpu) -> str | None:
    # The partitions of a card share its address.
    return card.uuid if card.partition else card.pci_bus_id or card.uuid


def _refuse_undone_binding(case: Case, placement: cpu.Placement) -> None:
    spread = case.policy.environment.get("LLAMA_ARG_NUMA")
    if placement.bind != NONE and spread in ("distribute", "isolate"):
        case.refuse(
            f"ollama_environment.LLAMA_ARG_NUMA: {spread!r} contradicts the binding to CPUs {placement.cpus}: it"
            " resets each thread's CPU affinity; allowed is numactl or nothing, or set ollama_numa_node: none"
        )


def url_of(address: str, port: int) -> str:
    """Where a server that listens there is asked: one that listens on every address, on the loopback one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"http://{address}:{port}"
    if parsed.is_unspecified:
        parsed = ipaddress.ip_address("127.0.0.1" if parsed.version == 4 else "::1")
    return f"http://{parsed}:{port}" if parsed.version == 4 else f"http://[{parsed}]:{port}"


def _look_at_release(case: Case) -> None:
    release, oldest, newest = case.release, case.contract.oldest_supported, case.contract.newest_known
    if release is None:
        case.warn(
            "release-unknown",
            "no installed Ollama answered with its release; only what is right or harmless in every supported release"
            " is set",
            "install Ollama first, or name the release in ollama_version",
        )
    elif release < oldest:
        case.warn(
            "release-too-old",
            f"Ollama {release} is older than {oldest}, the oldest release that these rules were checked against",
            "upgrade Ollama",
        )
    elif release > newest:
        case.warn(
            "release-not-yet-known",
            f"Ollama {release} is newer than {newest}, the newest release that these rules were checked against",
            "look for a newer inference.ollama, and at the server's log after the restart",
        )


def _look_at_facts(case: Case) -> None:
    if case.machine.problems:
        shown = [*case.machine.problems[:3], *(["…"] if len(case.machine.problems) > 3 else [])]
        case.warn(
            "facts-incomplete",
            f"{len(case.machine.problems)} fact(s) could not be read or contradict each other: {'; '.join(shown)}",
            "see ollama_topology.problems; what depends on them is left to the server",
        )
    unit = case.machine.ollama.get("unit") or {}
    own = case.policy.dropin_name
    later = [path for path in unit.get("dropins") or [] if path.rsplit("/", 1)[-1] > own]
    if later:
        case.warn(
            "dropins-read-later",
            f"{', '.join(later)} is read after {own} and may override it",
            "remove what it sets twice, or choose a later name in ollama_dropin_name",
        )


__all__ = ("HOST", "SCHEMA", "PlanError", "make_plan", "refusals", "url_of")
