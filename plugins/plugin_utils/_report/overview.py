# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page shows of a whole fleet in one table: its measurements side by side, and where its models fit."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import (
    load_text,
    milliseconds,
    rate,
    summary,
    value,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import name_of
from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import CPU, GPU, NO, PARTLY
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping, rows, text

# Where a model may fit, the best first.
PLACES = {GPU: "On GPUs", PARTLY: "Partly", CPU: "In memory", NO: "Nowhere"}
_SPEED = "output_token_throughput"
_LATENCIES = {"first": "time_to_first_token_ms", "next": "inter_token_latency_ms"}


def best_speed(host: Mapping[str, Any]) -> float | None:
    """Return the most tokens per second that were measured on a host, of any model at any load."""
    found = [value(point, _SPEED) for result in _results(host) for point in rows(result.get("points"))]
    return max((each for each in found if each is not None), default=None)


def measured_rows(hosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each model of each host that was measured, at the load with most tokens per second; the fastest first.

    ``{host, model, load, speed, first, next, spread, at, moved}``; ``speed``, ``first`` and ``next`` are pairs of a
    number and its text: tokens/s, and the milliseconds of the first and of each next token. ``spread`` is the standard
    deviation of the windows of the speed as a text, ``moved`` how its metrics moved since the baseline.
    """
    found = [row for host in hosts for row in _measured(host)]
    return sorted(found, key=lambda row: -row["speed"][0])


def model_rows(hosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each model of the stores with the names of the hosts by where it fits; that of most hosts first."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for host in hosts:
        for server in rows(mapping(host.get("fit")).get("servers")):
            for model in rows(server.get("models")):
                places = found.setdefault(str(model.get("name")), {place: {} for place in PLACES})
                if str(model.get("fits")) in PLACES:
                    places[str(model["fits"])][str(host["name"])] = None
    made = [{"model": name, "places": [list(names) for names in places.values()]} for name, places in found.items()]
    return sorted(made, key=lambda row: (-sum(map(len, row["places"])), row["model"]))


def _results(host: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return rows(mapping(host.get("measurement")).get("benchmarks"))


def _measured(host: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for result in _results(host):
        speeds = [(value(point, _SPEED), point) for point in rows(result.get("points"))]
        known = [(speed, point) for speed, point in speeds if speed is not None]
        if not known:
            continue
        speed, point = max(known, key=lambda pair: pair[0])
        model, spread = name_of(result), amount(summary(point, _SPEED).get("std_dev"))
        moved = [row for row in rows(mapping(host.get("since")).get("measurements")) if row.get("model") == model]
        yield {
            "host": host["name"],
            "model": model,
            "load": load_text(point),
            "speed": (speed, rate(speed)),
            "spread": None if spread is None else rate(spread),
            **{key: (value(point, name), milliseconds(value(point, name))) for key, name in _LATENCIES.items()},
            "at": text(mapping(host.get("measurement")).get("at")),
            "moved": sorted({str(row.get("verdict")) for row in moved}),
        }
