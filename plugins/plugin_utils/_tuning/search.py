# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search the best settings: the next step of a search, from what has been measured.

The order: the start, each knob by bracket and bisection (explore.py), then pairs of the start and the best (proof.py).
Sources: docs/tuning.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Dict, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.explore import Explorer
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import (
    EXPLORE,
    Budget,
    Measurements,
    Pending,
    Spent,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import key_of
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.proof import Proof, prove

CONVERGED, POINTS, MINUTES, NO_GAIN = "converged", "points", "minutes", "no_gain"
NOTHING, START_FAILED = "nothing_to_tune", "start_failed"
# The part of all points that a search may take, a quarter, and what it may take of the smallest spaces.
PART, _LEAST_POINTS = 4, 4
# Settings that are put to the proof where the first of them failed there.
_CANDIDATES = 2


class End(NamedTuple):
    """How a search ended: why, with which settings, and what proves that they are better than those at the start."""

    reason: str
    message: str
    settings: Dict[str, Any]
    proof: Optional[Proof] = None

    @property
    def proven(self) -> bool:
        return self.proof is not None and self.proof.proven


def tuning_step(
    history: Sequence[Mapping[str, Any]], space: Mapping[str, Any], budget: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the next measurement of a search, or how it ended.

    ``history`` are the trials so far in order, ``space`` is what tuning_space returns, ``budget`` has ``points``,
    ``minutes`` and ``minutes_used``. The same input gives the same step. Raises OllamaError where the history is not
    one of this space.
    """
    try:
        end = run(history, space, _budget(budget or {}), _pending)
    except Pending as pending:
        return pending.step
    return {
        "done": True,
        "stop": {"reason": end.reason, "message": end.message},
        "settings": end.settings,
        "proven": end.proven,
    }


def run(
    history: Sequence[Mapping[str, Any]],
    space: Mapping[str, Any],
    budget: Budget,
    ask: Callable[[dict[str, Any]], Mapping[str, Any]],
) -> End:
    """Search to the end; ``ask`` gets each step that is not in the history, and returns its trial or raises Pending."""
    start = dict(space["start"])
    if not space["knobs"]:
        return End(NOTHING, "no setting is left to search", start)
    most = max(_LEAST_POINTS, space["grid"] // PART)
    budget = budget._replace(points=most if budget.points is None else min(most, budget.points))
    measurements = Measurements(space, history, budget, ask)
    spent = None
    try:
        value = measurements.measure(start, EXPLORE, "the plan as it is")
    except Spent as stopped:
        return End(stopped.reason, f"the {stopped.reason} allow no measurement", start)
    if value is None:
        return End(START_FAILED, f"the plan as it is: {measurements.done[-1].get('failed')}", start)
    explorer = Explorer(measurements)
    try:
        explorer.explore()
    except Spent as stopped:
        spent = stopped.reason
    return _proven(measurements, explorer, spent)


def _proven(measurements: Measurements, explorer: Explorer, spent: str | None) -> End:
    """Put the best settings to the proof, and the next ones where they fail there."""
    start, budget = dict(measurements.space["start"]), measurements.budget
    if spent is not None and budget.points is not None and measurements.points >= budget.points:
        spent = POINTS
    proof = None
    for _time in range(_CANDIDATES):
        best = explorer.best
        if key_of(best) == key_of(start):
            break
        try:
            proof = prove(measurements, start, best)
        except Spent:
            message = "the minutes were used up before a gain was proven; the settings stay as they were"
            return End(MINUTES, message, start, proof)
        if proof.proven:
            message = f"{measurements.points} points: {proof.message}"
            return End(spent or CONVERGED, message, best, proof)
        if not measurements.failed(best):
            break
        explorer.retreat()
    message = proof.message if proof else f"none of {measurements.points} points was better than the plan"
    return End(spent or NO_GAIN, message, start, proof)


def _budget(given: Mapping[str, Any]) -> Budget:
    """Return the budget; refuse one that is wrong."""
    if not isinstance(given, Mapping):
        raise OllamaError("the budget is a mapping of points, minutes and minutes_used")
    errors = [f"{name}: no such part of the budget" for name in given if name not in Budget._fields]
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None and not errors}
    for name, value in values.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= value < float("inf") or (name == "points" and value != int(value)):
            errors.append(f"budget.{name}: {value!r} is not allowed; allowed is a number from 0 on")
    if errors:
        raise OllamaError("\n".join(errors))
    return Budget(**values)


def _pending(step: dict[str, Any]) -> Mapping[str, Any]:
    raise Pending(step)
