# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search on simulated servers of known curves, and compare the result with the best point of the full grid.

``python tests/tools/tuning_proof.py 2000`` searches so many servers of each kind, and prints how many searches ended
within 5 % of the best, with how many points and measurements. The test run takes 50 of each.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
import sys
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, Dict, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "build" / "collections"), str(ROOT / "tests" / "lab" / "ollama")]

from standin.speed import Speed

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import Budget
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.memory import fitted
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.search import End, run
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.space import tuning_space
from ansible_collections.inference.ollama.tests.unit.support.plans import topology

# What a search has to reach, and with which part of the grid.
NEAR, PART = 0.95, 0.25
# Of the rate of one request, or of one of ten windows; and of the host over a search of a hundred measurements.
NOISE, DRIFT, LENGTH = 0.1, 0.1, 100
CORES = (4, 8, 16, 24, 32, 64)
# The kinds of noise, and the kinds of servers.
NOISES = ("requests", "windows", "drift")
KINDS = ("varied", "flat", "failing")


class Server(NamedTuple):
    """A simulated server: its curve, how the best threads move with the slots, and what fails."""

    speed: Speed
    tilt: float
    space: Dict[str, Any]
    most_slots: int

    def loads(self, settings: dict[str, Any]) -> bool:
        plain = settings.get("kv_cache_type", "f16") == "f16" or settings["flash_attention"]
        return plain and self.speed.loads(settings) and settings["num_parallel"] <= self.most_slots

    def rate(self, settings: dict[str, Any]) -> float:
        knee = self.speed.thread_knee * (1 + self.tilt * math.log2(settings["num_parallel"]))
        curve = self.speed._replace(thread_knee=max(1, min(self.speed.cpus, knee)))
        return curve.rate(settings, self.space["concurrency"])


class Outcome(NamedTuple):
    """How one search ended, against the whole grid."""

    seed: int
    share: float  # of the best point of the grid
    start_share: float
    points: int
    measurements: int
    grid: int
    end: End
    changed: bool
    failing: bool

    @property
    def good(self) -> bool:
        return self.share >= NEAR and self.points <= PART * self.grid


@functools.cache
def space_of(cores: int, kv_cache_types: tuple[str, ...]) -> dict[str, Any]:
    """The space of a host with so many cores, from its plan."""
    machine = topology(sockets=1, cores=cores, threads=1, nodes=1, memory_gib=4 * cores)
    options = {"context_minimum": 4096, "kv_cache_types": kv_cache_types}
    return tuning_space(machine, {"version": "0.34.1", "objective": "throughput"}, options)


def server(seed: int, kind: str) -> Server:
    """Draw a server."""
    draw = random.Random(f"server {kind} {seed}")
    cores = draw.choice(CORES)
    space = space_of(cores, ("q8_0",) if draw.random() < 0.3 else ())
    slots = next(knob for knob in space["knobs"] if knob["name"] == "num_parallel")
    speed = Speed(
        cpus=cores,
        thread_knee=max(1, round(cores * draw.uniform(0.3, 1.0))),
        slot_gain=draw.uniform(0.1, 0.9),
        slot_knee=draw.randint(1, slots["high"] + 4),
        no_flash=draw.choice([0.3, 0.5, 0.9, 1.15]),
        quantised=draw.choice([0.85, 1.0, 1.2]),
        flat=kind == "flat",
    )
    most = 1024
    if kind == "failing":
        fails = [
            (name, draw.randint(1, draw.choice((cores, 8)))) for name in ("num_threads", "num_parallel", "num_threads")
        ]
        fails = [(name, value) for name, value in fails if value != space["start"][name]]
        fails += [("flash_attention", False)] if draw.random() < 0.3 else []
        speed = speed._replace(fails=tuple(fails))
        most = draw.randint(space["start"]["num_parallel"], slots["high"])
    return Server(speed, draw.choice([0.0, 0.0, 0.1, -0.1]), space, most)


def grid(one: Server) -> list[dict[str, Any]]:
    """Every combination of the knobs that are searched by themselves."""
    knobs = [knob for knob in one.space["knobs"] if not knob.get("follows")]
    values = [knob["values"] or range(knob["low"], knob["high"] + 1) for knob in knobs]
    names = [knob["name"] for knob in knobs]
    return [fitted(dict(zip(names, each)), one.space) for each in itertools.product(*values)]


@functools.cache
def best_rate(seed: int, kind: str) -> tuple[int, float]:
    """The points of the grid, and the rate of the best one."""
    one = server(seed, kind)
    points = grid(one)
    return len(points), max(one.rate(settings) for settings in points if one.loads(settings))


def search(seed: int, kind: str = "varied", noise: str = "requests", budget: Budget | None = None) -> Outcome:
    """Search one server, and compare the end with its grid."""
    one = server(seed, kind)
    draw = random.Random(f"noise {noise} {seed}")
    direction = draw.choice((-1, 1))
    seen: list[dict[str, Any]] = []

    def ask(step: dict[str, Any]) -> dict[str, Any]:
        settings = step["settings"]
        seen.append(settings)
        trial = {**step, "seconds": 45.0, "failed": None, "value": None, "std_error": None}
        if not one.loads(settings):
            return {**trial, "failed": "the model did not load"}
        rate = one.rate(settings)
        if noise == "drift":
            rate *= 1 + direction * DRIFT * len(seen) / LENGTH
        many = draw.randint(30, 60) if noise == "requests" else 10
        parts = [rate * max(0.1, draw.gauss(1, NOISE)) for _number in range(many)]
        value = fmean(parts)
        return {**trial, "value": value, "std_error": stdev(parts) / math.sqrt(many), "output_token_throughput": value}

    end = run([], one.space, budget or Budget(), ask)
    count, best = best_rate(seed, kind)
    start = one.space["start"]
    return Outcome(
        seed=seed,
        share=one.rate(end.settings) / best,
        start_share=one.rate(start) / best,
        points=len({tuple(settings.items()) for settings in seen}),
        measurements=len(seen),
        grid=count,
        end=end,
        changed=end.settings != start,
        failing=not one.loads(end.settings),
    )


def main(count: int) -> None:
    for kind, noise in itertools.product(KINDS, NOISES):
        found = [search(seed, kind, noise) for seed in range(count)]
        line = f"{kind:8} {noise:9} {len(found)} searches"
        if kind == "flat":
            line += f", {sum(each.changed for each in found)} changed something"
        else:
            line += f", {sum(not each.good for each in found)} missed; share worst {min(e.share for e in found):.3f},"
            line += f" median {median(e.share for e in found):.3f} (start {median(e.start_share for e in found):.3f})"
            line += f", failing settings kept {sum(each.failing for each in found)}"
        part = max(each.points / each.grid for each in found)
        counts = sorted(each.measurements for each in found)
        line += f"; points median {median(e.points for e in found):.0f} most {max(e.points for e in found)}"
        line += f", most {part:.1%} of the grid; measurements median {median(counts):.0f}"
        sys.stdout.write(f"{line} 95% {counts[int(len(counts) * 0.95)]} most {counts[-1]}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
