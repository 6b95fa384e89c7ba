# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings a search may change on a host, between which bounds, and why it leaves the others alone.

Everything comes from the plan: what the operator or a file of the host decided is not searched.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import fits_of, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import decisions_of
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.knobs import (
    VARIABLES,
    Host,
    floor,
    knob_of,
    most_slots,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.memory import CHOICES, table
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import (
    BALANCED,
    LATENCY,
    OBJECTIVES,
    THROUGHPUT,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import CONTEXT, KNOBS, SLOTS, checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import Fit
    from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.memory import Fits, Table

# Callers that a measurement has at the same time: the most and the least where nobody says a number.
_CALLERS = {THROUGHPUT: (32, 256), BALANCED: (4, 64), LATENCY: (1, 1)}


def tuning_space(
    topology: Mapping[str, Any],
    variables: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    found: Mapping[str, Any] | None = None,
    models: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``{objective, metric, unit, concurrency, limits, start, knobs, held, grid, left_out}``.

    The plan is that of ``topology``, ``variables``, ``found`` and ``models`` (make_plan). ``options`` may
    have ``objective``, ``knobs`` (names of the role's variables without their prefix), ``kv_cache_types``,
    ``context_minimum`` and ``concurrency``. ``start`` maps each knob to what the plan has; a knob is ``{name, kind,
    start, low, high, values}``, with ``follows`` where another knob decides it. ``held`` is what memory leaves for
    slots, ``grid`` how many points all values make. ``left_out`` says why a knob is not searched. Raises OllamaError
    with a line for each option that is wrong.
    """
    plan = make_plan(topology, variables, found=found, models=models)
    kept = {name: value for name, value in ((plan["measured"] or {}).get("settings") or {}).items() if name != SLOTS}

    def fits(choices: Mapping[str, Any]) -> Sequence[Fit]:
        return fits_of(topology, {**variables, **kept, **choices}, found, models)

    return space_of(plan, topology, fits, options)


def space_of(
    plan: Mapping[str, Any], topology: Mapping[str, Any], fits: Fits, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the space of a plan whose models fit the memory with other choices as ``fits`` says."""
    given = checked(options or {})
    objective, asked = given["objective"], given["knobs"]
    slots = sum(_slots(plan))
    least, most = _CALLERS[objective]
    callers = given["concurrency"] or max(least, min(most, 2 * slots))
    host = Host(plan, topology, objective, callers, given["kv_cache_types"], given["context_minimum"])
    host = host._replace(held=_held(host, fits, asked))
    knobs, left_out = [], []
    for name in KNOBS:
        if name in asked:
            knob = knob_of(host, name)
            if knob.reason is not None:
                left_out.append({"name": name, "reason": knob.reason})
                continue
            one = {"name": name, "kind": knob.kind, "start": knob.start, "low": knob.low, "high": knob.high}
            knobs.append({**one, "values": list(knob.values), **(knob.extra or {})})
    if not any(knob["name"] == SLOTS for knob in knobs) and any(knob["name"] == CONTEXT for knob in knobs):
        knobs = [knob for knob in knobs if knob["name"] != CONTEXT]
        left_out.append({"name": CONTEXT, "reason": "it follows from the slots, which are not searched"})
    metric = OBJECTIVES[objective]
    return {
        "objective": objective,
        "metric": metric.metric,
        "unit": metric.unit,
        "concurrency": callers,
        "limits": dict(metric.limits),
        "start": {knob["name"]: knob["start"] for knob in knobs},
        "knobs": knobs,
        "held": list(host.held),
        "grid": math.prod(_count(knob) for knob in knobs if not knob.get("follows")),
        "left_out": left_out,
    }


def _held(host: Host, fits: Fits, asked: Sequence[str]) -> Table:
    """What memory leaves for slots; nothing where it could not be read, or servers differ."""
    slots, context = host.number(SLOTS), host.number(CONTEXT)
    known = all(server["budget"]["usable_bytes"] is not None for server in host.plan["instances"])
    if slots is None or context is None or not known:
        return []
    choices = {name: knob_of(host, name).values for name in CHOICES if name in asked}
    searched = {name: values for name, values in choices.items() if values}
    return table(fits, searched, (slots, context), floor(host), most_slots(host))


def _count(knob: Mapping[str, Any]) -> int:
    """The values that a setting can have."""
    return len(knob["values"]) or int(knob["high"] - knob["low"] + 1)


def _slots(plan: Mapping[str, Any]) -> list[int]:
    return [
        int(each["value"] or 1)
        for server in plan["instances"]
        for each in decisions_of(plan, server["name"])
        if each["setting"] == VARIABLES[SLOTS]
    ]
