# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search makes more of: the objectives, each a metric of a measurement, and what a point must reach to count."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

THROUGHPUT, BALANCED, LATENCY = "throughput", "balanced", "latency"
# Of the requests of a measurement, those that must end well for it to count.
SUCCESS = 0.95
# Of the requests under the objective ``balanced``, those that must be within the limits for its full value.
WITHIN = 0.95
# Against the settings at the start, what counts as a gain.
GAIN = 0.03
LIMITS: Dict[str, float] = {"time_to_first_token_ms": 2000, "output_token_throughput_per_user": 20}


class Objective(NamedTuple):
    """``metric`` and ``unit`` name the value; ``limits`` are the goodput that the measurement is asked for."""

    metric: str
    unit: str
    limits: Dict[str, float]


OBJECTIVES: Dict[str, Objective] = {
    THROUGHPUT: Objective("output_token_throughput", "tokens/s", {}),
    BALANCED: Objective("output_token_throughput within limits", "tokens/s", LIMITS),
    LATENCY: Objective("requests/s of one caller", "1/s", {}),
}


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - values of settings, as a playbook or JSON has them
    """Return whether two values of a setting mean the same, whatever a template has made of them."""
    return text(one) == text(other)


def text(value: Any) -> str:  # noqa: ANN401 - as above
    """Return a setting's value as one text."""
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def key_of(settings: Dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what identifies settings as a point of the search."""
    return tuple(sorted((name, text(value)) for name, value in settings.items()))
