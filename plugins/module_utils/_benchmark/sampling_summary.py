# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What samples of a stretch of time amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from typing import Dict, List

    Record = Dict[str, Any]
    Records = List[Record]

# Values and how much each one counts.
Weighted = Sequence[Tuple[float, float]]
# The most processes that are in a summary: those with the most CPU time.
_MOST_PROCESSES = 64
_GPU = {
    "utilization": "utilization",
    "memory": "memory in use",
    "power": "power",
    "sm_clock": "clock of its processors",
    "memory_clock": "clock of its memory",
    "temperature": "temperature",
    "reasons": "reasons of its clocks",
}


def within(records: Records, begin: float, end: float) -> Records:
    """Those that were read between two times, and each of the time before it that lies there for the greater part."""
    return [record for record in records if begin <= record["at"] - (record.get("seconds") or 0.0) / 2 <= end]


def summarize(interval: float, host: Records, gpus: Records, memory: dict[Any, Any]) -> dict[str, Any]:
    """Return ``{interval_s, count, processes, cpus, gpus, problems}`` of records of a stretch of time.

    ``memory`` is what is known of memory by node, by pid and start of the process. Means are over time; sizes and
    temperatures are the greatest that were seen.
    """
    problems: list[str] = []
    return {
        "interval_s": interval,
        "count": max(len(host), len(gpus)),
        "processes": _processes(host, memory, problems),
        "cpus": _cpus(host),
        "gpus": _gpus(gpus, problems),
        "problems": problems,
    }


def _processes(records: Records, memory: dict[Any, Any], problems: list[str]) -> list[dict[str, Any]] | None:
    known = [record for record in records if record.get("processes") is not None]
    if not known:
        return None
    seen: dict[tuple[int, float], list[Record]] = {}
    for record in known:
        weight = record.get("seconds") or 0.0
        for process in record["processes"]:
            seen.setdefault((process["pid"], process["created"]), []).append({**process, "weight": weight})
    found = []
    for key, samples in seen.items():
        last = samples[-1]
        found.append(
            {
                "pid": last["pid"],
                "name": last["name"],
                "role": last["role"],
                "cpu_percent": _summary(_weighted(samples, "cpu"), "mean", "max"),
                "involuntary_context_switches_per_s": _mean(_weighted(samples, "switches")),
                "memory_bytes": max(sample["memory"] for sample in samples),
                "memory_by_node_bytes": memory.get(key),
            }
        )
    if len(found) > _MOST_PROCESSES:
        problems.append(f"{len(found)} processes were seen, of which the {_MOST_PROCESSES} with the most CPU are named")
        found.sort(key=lambda process: -(process["cpu_percent"] or {"mean": 0.0})["mean"])
    return sorted(found[:_MOST_PROCESSES], key=lambda process: (process["role"] != "server", process["pid"]))


def _cpus(records: Records) -> dict[str, Any] | None:
    shares: dict[str, list[tuple[float, float]]] = {}
    clocks: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        weight = record.get("seconds") or 0.0
        for into, key, counts in ((shares, "cpus", weight), (clocks, "mhz", 1.0)):
            for number, value in zip(record.get("online") or (), record.get(key) or ()):
                into.setdefault(str(number), []).append((value, counts))
    if not shares and not clocks:
        return None
    return {
        "cpu_percent": {number: _mean(values) for number, values in shares.items()} or None,
        "frequency_mhz": {number: _mean(values) for number, values in clocks.items()} or None,
    }


def _gpus(records: Records, problems: list[str]) -> list[dict[str, Any]] | None:
    seen: dict[int, list[Record]] = {}
    for record in records:
        for gpu in record.get("gpus") or ():
            seen.setdefault(gpu["index"], []).append({**gpu, "weight": 1.0})
    found = []
    for index, samples in sorted(seen.items()):
        missing = [words for key, words in _GPU.items() if all(sample[key] is None for sample in samples)]
        if missing:
            problems.append(f"GPU {index}: its driver does not report its {', '.join(missing)}")
        reasons = [sample["reasons"] for sample in samples if sample["reasons"] is not None]
        named = sorted({name for each in reasons for name in each})
        found.append(
            {
                "uuid": samples[-1]["uuid"],
                "index": index,
                "name": samples[-1]["name"],
                "utilization_percent": _summary(_weighted(samples, "utilization"), "mean", "max"),
                "memory_used_bytes": _greatest(samples, "memory"),
                "power_watts": _summary(_weighted(samples, "power"), "mean", "max"),
                "sm_clock_mhz": _summary(_weighted(samples, "sm_clock"), "mean", "min", "max"),
                "memory_clock_mhz": _summary(_weighted(samples, "memory_clock"), "mean", "min", "max"),
                "temperature_celsius": _greatest(samples, "temperature"),
                "throttle_reasons": {
                    name: round(sum(name in each for each in reasons) / len(reasons), 3) for name in named
                }
                if reasons
                else None,
            }
        )
    return found or None


def _weighted(samples: Iterable[Record], key: str) -> list[tuple[float, float]]:
    return [(sample[key], sample["weight"]) for sample in samples if sample[key] is not None]


def _greatest(samples: Iterable[Record], key: str) -> Any:  # noqa: ANN401 a number, as it was read
    return max((sample[key] for sample in samples if sample[key] is not None), default=None)


def _mean(values: Weighted) -> Optional[float]:
    if not values:
        return None
    weight = sum(counts for _value, counts in values)
    if not weight:
        return round(sum(value for value, _counts in values) / len(values), 2)
    return round(sum(value * counts for value, counts in values) / weight, 2)


def _summary(values: Weighted, *which: str) -> dict[str, Any] | None:
    if not values:
        return None
    numbers = [value for value, _counts in values]
    figures = {"mean": _mean(values), "min": min(numbers), "max": max(numbers)}
    return {name: figures[name] for name in which}
