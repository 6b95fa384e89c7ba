# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan and what was read of the services in, a verdict on every setting out. The same input gives the same bytes.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import HOST
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import SCHEMA as PLAN_SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import (
    devices,
    directives,
    environment,
    freshness,
    host,
    others,
    placement,
    release,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import FAIL, PASS, UNKNOWN, Case, Check
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import SCHEMA as STATE_SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import (
    mapping,
    nothing,
    rows,
    states,
)

SCHEMA = 1


def plan_drift(
    plan: Mapping[str, Any],
    service: Mapping[str, Any],
    drift: Mapping[str, Any] | None = None,
    kernel: Mapping[str, Any] | None = None,
    dropin_name: str = "override.conf",
) -> dict[str, Any]:
    """``{schema, verdict, counts: {pass, fail, unknown}, checks: [Check as a dictionary, …]}``, in the plan's order.

    ``service`` is what service_info returned, ``drift`` what file_drift() did, ``kernel`` that part of the topology;
    without one of the last two what only it shows is unknown. Raises OllamaError where plan or service is of another
    schema; no value within the service raises anything.
    """
    _right(plan, "plan", PLAN_SCHEMA, "the filter tuning_plan")
    _right(service, "service", STATE_SCHEMA, "the module service_info")
    known, files = states(service), unit_files(plan, dropin_name)
    paths = {file["instance"]: str(file["path"]) for file in files}
    intended = release.parsed(plan["release"])
    checks: list[Check] = []
    for instance in plan["instances"]:
        state = known.get(instance["unit"]) or nothing(service)
        differences = None if drift is None else _of_unit(drift, instance["unit"])
        case = Case(instance, state, intended, release.parsed(state.version), paths[instance["name"]], differences)
        checks += _instance(case, plan["decisions"])
    checks += host.look(plan, drift, kernel, HOST)
    counts = {verdict: sum(check.verdict == verdict for check in checks) for verdict in (PASS, FAIL, UNKNOWN)}
    return {
        "schema": SCHEMA,
        "verdict": FAIL if counts[FAIL] else UNKNOWN if counts[UNKNOWN] else PASS,
        "counts": counts,
        "checks": [check._asdict() for check in checks],
    }


def _right(value: object, name: str, schema: int, source: str) -> None:
    found = mapping(value).get("schema")
    if found != schema:
        raise OllamaError(
            f"{name}: its schema is {found!r}; expected {schema}, as {source} of this collection returns it"
        )


def _of_unit(drift: Mapping[str, Any], unit: str) -> tuple[Mapping[str, Any], ...]:
    """What concerns the unit: its own files, and the template's, which have no instance of their own."""
    found = (row for row in rows(drift.get("differences")) if row.get("kind") != "stale")
    return tuple(row for row in found if row.get("unit") == unit or row.get("instance") is None)


def _instance(case: Case, decisions: Iterable[Mapping[str, Any]]) -> Iterator[Check]:
    yield from freshness.look(case)
    yield release.answers(case)
    yield release.look(case)
    yield from others.look(case)
    yield from placement.look(case)
    yield from devices.look(case)
    planned = case.planned
    written = {**planned.get("order", {}), **planned["service"]}
    for decision in decisions:
        setting = decision["setting"]
        if decision["instance"] != planned["name"]:
            continue
        if setting in planned["environment"]:
            yield environment.look(case, setting, planned["environment"][setting])
        elif setting in written:
            yield directives.look(case, setting, written[setting])


__all__ = ("SCHEMA", "plan_drift")
