# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a measurement: their names, units and words, and which way is better.

Names and definitions are those of GuideLLM and AIPerf; docs/measurements.md has them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping


class Metric(NamedTuple):
    """A metric of a point, and how a table calls it.

    With ``windows`` its values are those of equal parts of the point's time, else those of requests.
    """

    name: str
    unit: str
    words: str
    less_is_better: bool = False
    windows: bool = False


METRICS = (
    Metric("output_token_throughput", "tokens/s", "tokens/s in all", windows=True),
    Metric("request_throughput", "requests/s", "requests/s", windows=True),
    Metric("goodput", "requests/s", "goodput", windows=True),
    Metric("output_token_throughput_per_user", "tokens/s", "tokens/s a stream"),
    Metric("prompt_tokens_per_second", "tokens/s", "prompt tokens/s"),
    Metric("time_to_first_token_ms", "ms", "first token", less_is_better=True),
    Metric("inter_token_latency_ms", "ms", "next token", less_is_better=True),
    Metric("request_latency_ms", "ms", "request", less_is_better=True),
)
PERCENTILES = ("p50", "p95", "p99")


def summary(point: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the summary of a metric of a point; an empty one where there is none."""
    return mapping(mapping(point.get("metrics")).get(name))


def value(point: Mapping[str, Any], name: str, part: str = "mean") -> float | None:
    """Return the mean of a metric of a point, or another part of its summary; None where it is not a number."""
    found = amount(summary(point, name).get(part))
    return found if found is not None and math.isfinite(found) else None


def load_of(point: Mapping[str, Any]) -> tuple[str, float | None]:
    """Return what a point was loaded with: its profile, and its concurrency or its requests a second."""
    profile = str(point.get("profile"))
    return profile, amount(point.get("concurrency" if profile == "concurrent" else "request_rate"))


def load_text(point: Mapping[str, Any]) -> str:
    """``8`` for so many streams, ``2.5/s`` for so many requests a second."""
    profile, load = load_of(point)
    return "?" if load is None else f"{load:g}{'' if profile == 'concurrent' else '/s'}"


def milliseconds(duration: float | None) -> str:
    """``87 ms``, ``1.24 s``, ``3:25 min``; ``-`` for None."""
    if duration is None:
        return "-"
    if duration < 1000:
        return f"{duration:.3g} ms" if duration < 100 else f"{duration:.0f} ms"
    if duration < 100_000:
        return f"{duration / 1000:.3g} s"
    seconds = round(duration / 1000)
    return f"{seconds // 60}:{seconds % 60:02} min"


def rate(found: float | None) -> str:
    """``0.42``, ``57.2``, ``1001``; ``-`` for None."""
    if found is None:
        return "-"
    return f"{found:.3g}" if abs(found) < 100 else f"{found:.0f}"
