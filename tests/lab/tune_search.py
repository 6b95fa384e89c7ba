# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's search over settings that somebody has listed, in place of those of a plan.

For tune_grid.py. Needs the collection on PYTHONPATH and no other package: the contract, for PyYAML, is not read.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
import types
from typing import Any, Dict, List

Settings = Dict[str, Any]


def part(name: str) -> Any:
    """A file of the search; a grid needs none of it."""
    if importlib.util.find_spec("yaml") is None:
        sys.modules["yaml"] = types.ModuleType("yaml")
    return importlib.import_module(f"ansible_collections.inference.ollama.plugins.plugin_utils._tuning.{name}")


class Search:
    """A space, and what the search makes of it."""

    def __init__(self, varied: Dict[str, List[Any]], start: Settings, objective: str, concurrency: int) -> None:
        metric = part("objective").OBJECTIVES[objective]
        knobs = [knob(name, values, start.get(name, values[0])) for name, values in varied.items()]
        # As tuning_space makes it of a plan with these starts and bounds.
        self.space = {
            "objective": objective,
            "metric": metric.metric,
            "unit": metric.unit,
            "concurrency": concurrency,
            "limits": dict(metric.limits),
            "start": {each["name"]: each["start"] for each in knobs},
            "knobs": knobs,
            "grid": math.prod(len(each["values"]) or each["high"] - each["low"] + 1 for each in knobs),
            "left_out": [],
        }

    def step(self, history: List[Dict[str, Any]], budget: Dict[str, Any]) -> Dict[str, Any]:
        return part("search").tuning_step(history, self.space, budget)

    def trial(self, benchmark: Dict[str, Any], step: Dict[str, Any], seconds: float) -> Dict[str, Any]:
        return part("trial").tuning_trial(benchmark, step, seconds)


def knob(name: str, values: List[Any], start: Any) -> Dict[str, Any]:
    """Numbers are searched between the least and the greatest, all else by trying each."""
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        numbers = [*values, start]
        return {
            "name": name, "kind": "integer", "start": start, "low": min(numbers), "high": max(numbers), "values": []
        }  # fmt: skip
    others = [value for value in values if value != start]
    return {"name": name, "kind": "choice", "start": start, "low": None, "high": None, "values": [start, *others]}
