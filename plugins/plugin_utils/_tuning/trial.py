# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one measurement says of the settings that it was made with."""

from __future__ import annotations

import math
from statistics import stdev
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import (
    BALANCED,
    LATENCY,
    SUCCESS,
    WITHIN,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def tuning_trial(benchmark: Mapping[str, Any], step: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return the trial of a step, an entry of the history; ``benchmark`` is the result of the module, or ``{error}``.

    ``value`` is null where the measurement failed or does not count, with the reason in ``failed``.
    """
    trial: dict[str, Any] = {
        "number": step["number"],
        "settings": dict(step["settings"]),
        "phase": step["phase"],
        "value": None,
        "std_error": None,
        "output_token_throughput": None,
        "windows": [],
        "success": None,
        "stop": None,
        "failed": None,
        "seconds": float(seconds),
    }
    if benchmark.get("error"):
        return {**trial, "failed": str(benchmark["error"])}
    points = benchmark.get("points") or []
    if not points:
        problems = "; ".join(str(problem) for problem in benchmark.get("problems") or [])
        return {**trial, "failed": f"nothing was measured{f': {problems}' if problems else ''}"}
    point = points[0]
    requests = point["requests"]
    # Requests that are under way when the time is over say nothing: with many callers of a slow server they are many.
    ended = requests["total"] - requests["incomplete"]
    trial["stop"] = point["stop"]
    trial["success"] = requests["successful"] / ended if ended else 0.0
    if trial["success"] < SUCCESS:
        return {**trial, "failed": _too_few(point, trial["success"])}
    rate = point["metrics"]["output_token_throughput"]
    trial["output_token_throughput"] = rate and rate["mean"]
    return {**trial, **_value(point, str(step["objective"]))}


def _too_few(point: Mapping[str, Any], success: float) -> str:
    first = next((str(error["message"]) for error in point["errors"] or []), None)
    ended = point["requests"]["total"] - point["requests"]["incomplete"]
    of = f"{point['requests']['successful']} of {ended} requests that ended did so well"
    return f"{of} ({success:.0%}, {SUCCESS:.0%} are needed){f': {first}' if first else ''}"


def _value(point: Mapping[str, Any], objective: str) -> dict[str, Any]:
    metrics = point["metrics"]
    if objective == LATENCY:
        summary = metrics["request_latency_ms"]
        if not summary or not summary["mean"]:
            return {"failed": "no request's latency was measured"}
        value = 1000 / summary["mean"]
        spread = (summary["std_dev"] or 0.0) / summary["mean"] / math.sqrt(summary["count"])
        return {"value": value, "std_error": value * spread if summary["count"] > 1 else None, "windows": []}
    rate = metrics["output_token_throughput"]
    if not rate or rate["mean"] is None:
        return {"failed": "no tokens per second were measured"}
    share = 1.0
    if objective == BALANCED:
        good, each = metrics["goodput"], metrics["request_throughput"]
        if not good or not each or not each["mean"]:
            return {"failed": "how many requests were within the limits was not measured"}
        share = min(1.0, good["mean"] / each["mean"] / WITHIN)
    windows = [share * value for value in point["windows"]["output_token_throughput"]]
    error = stdev(windows) / math.sqrt(len(windows)) if len(windows) > 1 else None
    return {"value": share * rate["mean"], "std_error": error, "windows": windows}
