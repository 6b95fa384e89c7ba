# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a plan with what was observed of its services: a verdict on every setting.

The same input gives the same bytes.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import (
    contention,
    dangerous,
    devices,
    directives,
    environment,
    freshness,
    host,
    model,
    others,
    placement,
    protection,
    reach,
    release,
    secret,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import observation as observed
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import (
    PASS,
    VERDICTS,
    Check,
    Subject,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows

SCHEMA = 3
# Checks of a server beside its settings, then those of a decision by its kind.
_BESIDE: dict[str, Callable[[Subject], Check | None]] = {
    freshness.UNIT: freshness.check_unit,
    freshness.RELOADED: freshness.check_reloaded,
    freshness.CURRENT: freshness.check_processes,
    release.API: release.check_api,
    release.RELEASE: release.check_release,
    others.FILES: others.check_files,
    others.OVERRIDDEN: others.check_overridden,
    others.BESIDE: others.check_unplanned,
    dangerous.DANGEROUS: dangerous.check_dangerous,
    model.LOADS: model.check_loads,
    devices.NODES: devices.check_nodes,
    devices.FOUND: devices.check_found,
    devices.USED: devices.check_used,
    contention.OVERSUBSCRIBED: contention.check_oversubscribed,
    contention.THROTTLED: contention.check_throttled,
}
_OF_KIND = {
    views.PLACEMENT: placement.check_placement,
    views.VARIABLE: environment.check_variable,
    views.SECRET: secret.check_secret,
    views.DIRECTIVE: directives.check_directive,
    views.ORDER: directives.check_directive,
    views.CONTAINER: directives.check_container,
}
# Those that are no setting of Ollama or of systemd (docs/verify.md).
CHECKS = frozenset({*_BESIDE, *placement.CHECKS, host.STALE, reach.EXPOSURE})


def verify(  # noqa: PLR0913, PLR0917
    plan: Mapping[str, Any],
    service: Mapping[str, Any],
    file_drift: Mapping[str, Any] | None = None,
    kernel: Mapping[str, Any] | None = None,
    dropin_name: str = "override.conf",
    loads: Mapping[str, Any] | None = None,
    exposure: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``{schema, verdict, counts: {pass, configured, unknown, fail}, checks: [Check as a dictionary, …]}``.

    The checks are in the plan's order.

    ``service`` is what service_info returned, ``file_drift`` what file_drift() did, ``kernel`` that part of the
    topology; without one of the last two what only it shows is unknown. ``loads`` is the outcome of loading a model:
    ``{model, not_loadable, loaded, left}``, names of checks and results of the module model; ``exposure`` is what
    exposure_info returned. Raises OllamaError where plan or service is of another schema; no value within the
    service raises anything.
    """
    _check_schema(plan, "plan", views.SCHEMA, "the filter tuning_plan")
    _check_schema(service, "service", observed.SCHEMA, "the module service_info")
    known, files = observed.observations(service), unit_files(plan, dropin_name)
    paths = {file["instance"]: str(file["path"]) for file in files}
    intended = release.parsed(plan["release"])
    checks: list[Check] = []
    for instance in plan["instances"]:
        name, unit = instance["name"], instance["unit"]
        found = known.get(unit) or observed.nothing(service)
        subject = Subject(
            instance,
            views.environment(plan, name),
            views.directives(plan, name),
            views.placement(plan, name),
            found,
            intended,
            release.parsed(found.version),
            paths[name],
            None if file_drift is None else _of_unit(file_drift, unit),
            model.load_of(loads, unit),
        )
        checks += _instance(subject, plan, views.decisions_of(plan, name))
    planned = {instance["unit"] for instance in plan["instances"]}
    checks += protection.check_weight(plan, [each for unit, each in known.items() if unit in planned])
    checks += host.check_kernel(plan, kernel)
    checks += host.check_stale_files(file_drift)
    checks += reach.check_exposure(plan, exposure)
    counts = {verdict: sum(check.verdict == verdict for check in checks) for verdict in VERDICTS}
    return {
        "schema": SCHEMA,
        "verdict": next((verdict for verdict in reversed(VERDICTS) if counts[verdict]), PASS),
        "counts": counts,
        "checks": [check._asdict() for check in checks],
    }


def unknown_checks(accepted: Iterable[str], plan: Mapping[str, Any]) -> list[str]:
    """The names of no check, be it of this plan or another host's."""
    planned = {decision["setting"] for decision in plan["decisions"]}
    return [name for name in accepted if name not in CHECKS | planned and load().get(name) is None]


def _check_schema(value: object, name: str, schema: int, source: str) -> None:
    found = mapping(value).get("schema")
    if found != schema:
        raise OllamaError(
            f"{name}: its schema is {found!r}; expected {schema}, as {source} of this collection returns it"
        )


def _of_unit(drift: Mapping[str, Any], unit: str) -> tuple[Mapping[str, Any], ...]:
    """The differences that concern the unit: its own files, and the template's, which have no instance."""
    found = (row for row in rows(drift.get("differences")) if row.get("kind") != "stale")
    return tuple(row for row in found if row.get("unit") == unit or row.get("instance") is None)


def _in_other_files(decision: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
    """Whether a directive stands in another file of the only server's unit and not in ours."""
    return (decision["kind"], decision.get("source")) == (views.DIRECTIVE, views.FOUND) and not plan["template"]


def _instance(subject: Subject, plan: Mapping[str, Any], decisions: list[Mapping[str, Any]]) -> Iterator[Check]:
    found = [check(subject) for check in _BESIDE.values()]
    found += [
        (directives.check_found if _in_other_files(decision, plan) else _OF_KIND[decision["kind"]])(
            subject, decision["setting"], decision["value"]
        )
        for decision in decisions
        if decision["value"] is not None
    ]
    return (check for check in found if check is not None)
