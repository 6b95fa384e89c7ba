# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on how far a search is: what it may try, and before each step what was found until then."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._table import wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def tuning_progress(
    step: Mapping[str, Any],
    space: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    budget: Mapping[str, Any],
    host: str,
) -> list[str]:
    """Return the lines before a step; before the first one they say what may be tried."""
    lines = [] if history else outline(space, budget, host)
    points = {_key(trial["settings"]) for trial in history}
    minutes = f"{budget.get('minutes_used') or 0:.1f} of {budget['minutes']} minutes"
    done = f"{len(points)} of {budget['points']} points, {minutes}; {_best(space, history)}"
    following = f"next, {step['number']}: {_text(step['settings'])} ({step['why']})"
    return lines + wrapped(f"{done}; {following}", f"{host}: ", 4)


def outline(space: Mapping[str, Any], budget: Mapping[str, Any], host: str) -> list[str]:
    """Return lines on what a search may try, and why it leaves other settings alone."""
    goal = f"searches for the most {space['metric']} in {space['unit']}, as {space['objective']} counts it"
    bounds = f"with {budget['points']} points in {budget['minutes']} minutes at most"
    lines = wrapped(f"{goal}, {bounds}", f"{host}: ", 4)
    for knob in space["knobs"]:
        choices = ", ".join(map(_value, knob["values"] or []))
        values = choices if knob["kind"] == "choice" else f"{knob['low']} to {knob['high']}"
        lines += wrapped(f"{knob['name']}: {values}; now {_value(knob['start'])}", "    ", 8)
    for left in space["left_out"]:
        lines += wrapped(f"{left['name']} stays: {left['reason']}", "    ", 8)
    return lines


def _best(space: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    values: dict[tuple[tuple[str, str], ...], list[float]] = {}
    settings = {}
    for trial in history:
        if trial.get("value") is not None:
            values.setdefault(_key(trial["settings"]), []).append(trial["value"])
            settings[_key(trial["settings"])] = trial["settings"]
    if not values:
        return "nothing is measured yet" if not history else "nothing that counts is measured yet"
    means = {key: fmean(found) for key, found in values.items()}
    best, start = max(means, key=lambda key: means[key]), means.get(_key(_start(space)))
    gain = f", {(means[best] / start - 1) * 100:+.0f} %" if start else ""
    return f"best so far {means[best]:.4g} {space['unit']}{gain}, with {_text(settings[best])}"


def _start(space: Mapping[str, Any]) -> Mapping[str, Any]:
    start: Mapping[str, Any] = space["start"].get("settings", space["start"])
    return start


def _key(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, _value(value)) for name, value in settings.items()))


def _text(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in settings.items()) or "the settings as they are"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
