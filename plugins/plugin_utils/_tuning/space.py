# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings a search may change on a host, between which bounds, and why it leaves the others alone.

Everything comes from the plan: what the operator or a file of the host decided is not searched.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Dict

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import decisions_of
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.knobs import VARIABLES, Host, knob_of
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import (
    BALANCED,
    LATENCY,
    OBJECTIVES,
    THROUGHPUT,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import CONTEXT, KNOBS, SLOTS, checked

if TYPE_CHECKING:
    from collections.abc import Mapping

# Callers that a measurement has at the same time: the most and the least where nobody says a number.
_CALLERS = {THROUGHPUT: (32, 256), BALANCED: (4, 64), LATENCY: (1, 1)}
_TOKEN_STEP = 256


def tuning_space(
    plan: Mapping[str, Any], topology: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return ``{objective, metric, unit, concurrency, limits, start, knobs, grid, left_out}``.

    ``options`` may have ``objective``, ``knobs`` (names of the role's variables without their prefix),
    ``kv_cache_types``, ``context_minimum`` and ``concurrency``. ``start`` maps each knob to what the plan has; a knob
    is ``{name, kind, start, low, high, values}``, with ``follows`` where another knob decides it. ``grid`` is how many
    points all their values make. ``left_out`` says why
    a knob is not searched. Raises OllamaError with a line for each option that is wrong.
    """
    given = checked(options or {})
    objective, asked = given["objective"], given["knobs"]
    slots = sum(_slots(plan))
    least, most = _CALLERS[objective]
    callers = given["concurrency"] or max(least, min(most, 2 * slots))
    host = Host(plan, topology, objective, callers, given["kv_cache_types"], given["context_minimum"])
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
        "grid": math.prod(_count(knob) for knob in knobs if not knob.get("follows")),
        "left_out": left_out,
    }


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


def with_context(settings: Dict[str, Any], space: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the settings with the context of each slot that memory leaves for so many slots."""
    for knob in space["knobs"]:
        if knob.get("follows") in settings:
            each = knob["tokens"] // max(1, int(settings[knob["follows"]]))
            if each < knob["start"]:
                settings[knob["name"]] = max(knob["low"], each // _TOKEN_STEP * _TOKEN_STEP)
            else:
                settings[knob["name"]] = knob["start"]
    return settings
