# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements as the module benchmark returns them, of servers whose speed is given, and records of hosts."""

from __future__ import annotations

import random
from statistics import fmean, stdev

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import machine_profile, make_record
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, workstation

MOMENT = "2026-11-27T10:57:27Z"
DIGEST = "46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e"
LIMITS = {"time_to_first_token_ms": 2000, "output_token_throughput_per_user": 20}
WORKLOAD = {
    "prompt_tokens": 256,
    "output_tokens": 128,
    "output_tokens_stdev": 0,
    "prompt_cache": "defeat",
    "warmup_requests": None,
    "duration": 30,
    "requests": 10000,
    "request_timeout": 60,
    "seed": 0,
    "arrival": "poisson",
    "goodput": LIMITS,
}
# Tokens a second of all streams by concurrency, as an H100 with eight slots has them.
SPEEDS = {1: 151, 2: 274, 4: 452, 8: 679, 16: 671}
SLOTS, SECONDS = 8, 30
_LEAST = {"p50": 100, "p95": 500, "p99": 1000}


def summary(values):
    """The summary of values; percentiles only of enough."""
    ordered = sorted(values)
    found = {
        "count": len(values),
        "mean": fmean(values) if values else None,
        "std_dev": stdev(values) if len(values) > 1 else None,
        "min": ordered[0] if values else None,
        "max": ordered[-1] if values else None,
    }
    reasons = {}
    for name, least in _LEAST.items():
        enough = len(values) >= least
        found[name] = ordered[int(len(values) * int(name[1:]) / 100)] if enough else None
        if not enough:
            reasons[name] = f"{len(values)} values; {name} takes {least}"
    return {**found, "reasons": reasons}


def point(load, speed, profile="concurrent", noise=0.02, seed=0):
    """A point at a load, of a server that generates so many tokens a second in all."""
    rng = random.Random(f"{load}-{seed}")

    def near(value, count):
        return [max(0.001, rng.gauss(value, noise * value)) for _each in range(count)]

    tokens = WORKLOAD["output_tokens"]
    streams = load if profile == "concurrent" else min(SLOTS, max(1, round(load * tokens / speed * 4)))
    each = speed / min(streams, SLOTS)
    count = max(2, round(speed * SECONDS / tokens))
    waits = max(0, streams - SLOTS) / SLOTS * tokens / each * 1000
    first, gap = 70 + 25 * min(streams, SLOTS) + waits, 1000 / each
    windows = near(speed, 10)
    requests = [window / tokens for window in windows]
    good = requests if first < LIMITS["time_to_first_token_ms"] and each > 20 else [0.0] * 10
    metrics = {
        "time_to_first_token_ms": near(first, count),
        "inter_token_latency_ms": near(gap, count),
        "request_latency_ms": near(first + gap * (tokens - 1), count),
        "output_token_throughput_per_user": near(each, count),
        "prompt_tokens_per_second": near(256_000 / first, count),
        "prompt_tokens": [256.0] * count,
        "output_tokens": [float(tokens)] * count,
        "output_token_throughput": windows,
        "request_throughput": requests,
        "goodput": good,
    }
    return {
        "profile": profile,
        "concurrency": load if profile == "concurrent" else None,
        "request_rate": None if profile == "concurrent" else float(load),
        "seconds": float(SECONDS),
        "stop": {"reason": "duration", "message": f"it took the {SECONDS} s that it was given"},
        "requests": {"total": count, "successful": count, "errored": 0, "incomplete": 0, "refused": 0},
        "errors": [],
        "request_concurrency": float(streams),
        "metrics": {name: summary(values) for name, values in metrics.items()},
        "windows": {
            "seconds": SECONDS / 10,
            "output_token_throughput": windows,
            "request_throughput": requests,
            "goodput": good,
        },
        "server": None,
    }


def result(model="llama3.1:8b", speeds=None, rates=(), factor=1.0, digest=DIGEST, **options):
    """What the module returns of a server with these speeds, each times a factor."""
    speeds = SPEEDS if speeds is None else speeds
    points = [point(load, speed * factor, **options) for load, speed in speeds.items()]
    points += [
        point(each, min(each * 128, max(speeds.values()) * factor), profile="poisson", **options) for each in rates
    ]
    return {
        "schema": 1,
        "began_at": MOMENT,
        "seconds": 30.0 * len(points) + 7,
        "urls": ["http://127.0.0.1:11434"],
        "release": "0.34.1",
        "model": {
            "name": model,
            "digest": digest,
            "size_bytes": 5_000_000_000,
            "size_vram_bytes": 5_000_000_000,
            "context_length": 8192,
        },
        "workload": dict(WORKLOAD),
        "load": {"already_loaded": False, "load_duration_ms": 3120.5, "seconds": 3.4},
        "points": points,
        "problems": [],
    }


def machine(**options):
    """The profile of a workstation with a card."""
    facts = workstation(card(0))
    made = plan(facts, **options)
    checks = {"verdict": "pass", "checks": [{"setting": "numa_node", "verdict": "pass"}]}
    return machine_profile(facts, made, checks)


def measured(*results, host="node1", at=MOMENT, failed=(), **options):
    """The record of a host."""
    found = [{"model": each["model"]["name"], "benchmark": each} for each in results or [result()]]
    found += [{"model": name, "benchmark": {"error": reason}} for name, reason in failed]
    return make_record(found, host, machine(**options), at)


def trial(number, value, phase="explore", failed=None, **settings):
    """A measurement of a search."""
    return {
        "number": number,
        "settings": settings,
        "phase": phase,
        "value": value,
        "std_error": None if value is None else value * 0.01,
        "windows": [],
        "success": None if failed else 1.0,
        "stop": "duration",
        "failed": failed,
        "seconds": 41.0,
    }


def tuned(gain=18.5, host="node1", **changes):
    """What the search for better settings of a host has found."""
    before, best = 572.0, 572.0 * (1 + (gain or 0) / 100)
    trials = [
        trial(1, before, num_parallel=8),
        trial(2, best, num_parallel=16),
        trial(3, None, failed="the service did not start", num_parallel=32),
    ]
    return {
        "schema": 1,
        "objective": "throughput",
        "metric": "output_token_throughput",
        "unit": "tokens/s",
        "before": {"settings": {"num_parallel": 8}, "value": before},
        "best": {"settings": {"num_parallel": 16}, "value": best},
        "gain_percent": gain,
        "comparison": None
        if gain is None
        else {
            "before": before,
            "after": best,
            "ratio": best / before,
            "low": 1.14,
            "high": 1.23,
            "confidence": 0.95,
            "verdict": "faster",
            "reason": "the interval lies above 1",
        },
        "concurrency": 16,
        "profile": {"model": "llama3.1:8b", "release": "0.34.1", "at": MOMENT, "host": host},
        "proven": gain is not None,
        "points": 3,
        "trials": len(trials),
        "failed": 1,
        "seconds": 123.0,
        "left_out": [],
        "stop": {"reason": "converged", "message": "no neighbour of the best point is left to try"},
        "history": trials,
        "measured": None,
        **changes,
    }
