# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sum up what was measured: distributions of the requests' values, rates over windows, and what cannot be known.

A percentile is reported from a number of samples on of which at least ten lie outside it: p50 from 100, p95 from 500,
p99 from 1,000. Below, it would say more of chance than of the server.
"""

from __future__ import annotations

import math
from collections import Counter
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.bounds import GOODPUT
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import (
    ERRORED,
    INCOMPLETE,
    REFUSED,
    SUCCESSFUL,
    Record,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WINDOWS = 10
FLOORS = {"p50": (0.50, 100), "p95": (0.95, 500), "p99": (0.99, 1000)}
_MOST_ERRORS = 10
_AT_LEAST = "output_token_throughput_per_user"


def summary(values: Sequence[float]) -> dict[str, Any] | None:
    """Return ``{count, mean, std_dev, min, max, p50, p95, p99, reasons}``; None without a value.

    The standard deviation is that of the population, percentiles lie between their neighbours (numpy's ``linear``).
    """
    if not values:
        return None
    ordered = sorted(values)
    mean = fmean(ordered)
    found: dict[str, Any] = {
        "count": len(ordered),
        # The mean of equal numbers may differ from them in its last digit.
        "mean": min(max(mean, ordered[0]), ordered[-1]),
        "std_dev": pstdev(ordered, mean),
        "min": ordered[0],
        "max": ordered[-1],
    }
    reasons = {}
    for name, (share, floor) in FLOORS.items():
        found[name] = _quantile(ordered, share) if len(ordered) >= floor else None
        if found[name] is None:
            reasons[name] = f"{name} needs {floor} samples, and there are {len(ordered)}"
    return {**found, "reasons": reasons}


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def values(record: Record) -> dict[str, float | None]:
    """Return the values of a request by their names; None where it has none."""
    first, latency, between = record.time_to_first_token, record.latency, record.inter_token_latency
    return {
        "time_to_first_token_ms": None if first is None else first * 1000,
        "inter_token_latency_ms": None if between is None else between * 1000,
        "request_latency_ms": None if latency is None else latency * 1000,
        "output_token_throughput_per_user": 1 / between if between else None,
        "prompt_tokens_per_second": record.prompt_rate,
        "prompt_tokens": record.prompt_tokens,
        "output_tokens": record.tokens,
    }


def good(record: Record, limits: Mapping[str, float]) -> bool:
    """Whether a request was successful and within all limits; a value that it has not got breaks none but the first."""
    if record.status != SUCCESSFUL:
        return False
    found = values(record)
    for name, limit in limits.items():
        value = found[name]
        if value is None:
            # An answer of one token has no time between tokens.
            if name in ("time_to_first_token_ms", "request_latency_ms"):
                return False
        elif value < limit if name == _AT_LEAST else value > limit:
            return False
    return True


def _rates(weighed: Iterable[tuple[float, float]], began: float, seconds: float) -> list[float]:
    """Return what falls into each window, per second, of pairs of a time and a weight."""
    sums = [0.0] * WINDOWS
    width = seconds / WINDOWS
    for time, weight in weighed:
        place = int((time - began) / width)
        if 0 <= place < WINDOWS or time == began + seconds:
            sums[min(place, WINDOWS - 1)] += weight
    return [each / width for each in sums]


def _tokens(records: Iterable[Record]) -> Iterable[tuple[float, float]]:
    """Give each arrival and how many tokens it stands for."""
    for record in records:
        if record.arrivals and record.status in (SUCCESSFUL, INCOMPLETE):
            each = record.tokens / len(record.arrivals) if record.status == SUCCESSFUL else 1.0
            for time in record.arrivals:
                yield time, each


def windows(records: Sequence[Record], began: float, ended: float, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return ``{seconds, output_token_throughput, request_throughput, goodput}`` of ten equal windows of the point."""
    seconds = ended - began
    if seconds <= 0:
        return {"seconds": 0.0, "output_token_throughput": [], "request_throughput": [], "goodput": None}
    done = [record for record in records if record.status == SUCCESSFUL and record.end is not None]
    kept = [record for record in done if good(record, limits)] if limits else []
    return {
        "seconds": seconds / WINDOWS,
        "output_token_throughput": _rates(_tokens(records), began, seconds),
        "request_throughput": _rates(((record.end or 0.0, 1.0) for record in done), began, seconds),
        "goodput": _rates(((record.end or 0.0, 1.0) for record in kept), began, seconds) if limits else None,
    }


def counts(records: Iterable[Record]) -> dict[str, int]:
    """Return how many requests there were, by how they ended."""
    found = Counter(record.status for record in records)
    return {"total": sum(found.values()), **{name: found[name] for name in (SUCCESSFUL, ERRORED, INCOMPLETE, REFUSED)}}


def errors(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return ``[{message, count}]``, the most frequent first, the rest of many in one entry."""
    found = Counter(record.error for record in records if record.error).most_common()
    listed = [{"message": message, "count": count} for message, count in found[:_MOST_ERRORS]]
    rest = found[_MOST_ERRORS:]
    if rest:
        listed.append({"message": f"{len(rest)} other messages", "count": sum(count for _message, count in rest)})
    return listed


def concurrency(records: Iterable[Record], began: float, ended: float) -> float:
    """Return how many requests were in flight, on average."""
    if ended <= began:
        return 0.0
    spans = (min(ended if record.end is None else record.end, ended) - max(record.start, began) for record in records)
    return sum(max(0.0, span) for span in spans) / (ended - began)


def point(records: Sequence[Record], began: float, ended: float, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return the parts of a point that are reckoned from its requests."""
    done = [values(record) for record in records if record.status == SUCCESSFUL]
    names = (*GOODPUT, "prompt_tokens_per_second", "prompt_tokens", "output_tokens")
    metrics = {name: summary([each[name] for each in done if each[name] is not None]) for name in names}  # type: ignore[misc]
    over = windows(records, began, ended, limits)
    for name in ("output_token_throughput", "request_throughput", "goodput"):
        metrics[name] = summary(over[name] or [])
    return {
        "seconds": ended - began,
        "requests": counts(records),
        "errors": errors(records),
        "request_concurrency": concurrency(records, began, ended),
        "metrics": metrics,
        "windows": over,
    }
