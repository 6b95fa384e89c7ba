# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens per second of a llama-server, and programs that keep CPUs busy meanwhile.

The scenario ``busy`` and ``make bench`` measure with it. Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import socket
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Mapping, NamedTuple

PROMPT = "Threads?"
# A busy program: it computes for ever and never waits.
COMPUTE = [sys.executable or "/usr/bin/python3", "-c", "while True: pass"]


# The least share of a measurement that a busy program has computed or waited for a CPU.
ALWAYS = 0.8


class Answer(NamedTuple):
    """What a runner made of one request, by its own clock."""

    tokens: int
    seconds: float
    cut: bool  # it took too long and counts with the tokens that it had

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds if self.seconds else 0.0


def generate(port: int, tokens: int, limit: float) -> Answer:
    """Ask for so many tokens, and hang up after ``limit`` seconds."""
    body = {"prompt": PROMPT, "n_predict": tokens, "ignore_eos": True, "cache_prompt": False}
    began, last = time.monotonic(), {"predicted_n": 0, "predicted_ms": 0.0}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    # Until Python 3.9 a socket's timeout is an error of its own.
    with contextlib.closing(connection), contextlib.suppress(TimeoutError, socket.timeout):
        connection.request("POST", "/completion", json.dumps({**body, "stream": True, "timings_per_token": True}))
        with contextlib.closing(connection.getresponse()) as answer:
            if answer.status != 200:
                raise http.client.HTTPException(f"/completion: {answer.status} {answer.read(400)!r}")
            for line in answer:
                if line.startswith(b"data: {"):
                    last = json.loads(line[6:]).get("timings", last)
                if last["predicted_n"] >= tokens:
                    return Answer(last["predicted_n"], last["predicted_ms"] / 1000, cut=False)
                if time.monotonic() - began > limit:
                    break
    return Answer(last["predicted_n"], time.monotonic() - began, cut=True)


def generate_at_once(ports: Iterable[int], tokens: int, limit: float) -> list[Answer]:
    """The answers of several runners to the same request at the same time."""
    ports = list(ports)
    with ThreadPoolExecutor(len(ports)) as pool:
        return list(pool.map(lambda port: generate(port, tokens, limit), ports))


def tokens_for(port: int, seconds: float, limit: float = 60.0) -> int:
    """How many tokens the runner makes in about so many seconds, by the best of a few short answers."""
    return max(8, math.ceil(max(generate(port, 16, limit).rate for _answer in range(4)) * seconds))


class Demand(NamedTuple):
    """What processes have had of the CPUs since they started, and for how long they would have taken more."""

    computed: float
    waited: float


def demand(pids: Iterable[int]) -> Demand:
    """Sums over processes of one thread, in seconds (Documentation/scheduler/sched-stats.rst)."""
    computed = waited = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as file:
            own, queued, _slices = file.read().split()
        computed, waited = computed + int(own), waited + int(queued)
    return Demand(computed / 1e9, waited / 1e9)


def wait_until_computed(pids: list[int], seconds: float, limit: float = 60.0) -> None:
    """Until each process has computed for so long from now on."""
    end, before = time.monotonic() + limit, {pid: demand([pid]).computed for pid in pids}
    for pid in pids:
        while demand([pid]).computed <= before[pid] + seconds:
            if time.monotonic() > end:
                raise TimeoutError(f"process {pid} has not computed for {seconds} s within {limit:.0f} s")
            time.sleep(0.01)


class Busy(NamedTuple):
    """What busy programs did during a measurement, as shares of its time, on average over the programs."""

    programs: int
    computed: float  # 1.0: each had a CPU all the time
    wanted: float  # 1.0: each computed or waited for a CPU all the time


@contextlib.contextmanager
def watch(pids: list[int]) -> Any:
    """Give a list that holds one Busy after the block."""
    seen: list[Busy] = []
    # An interpreter takes some 20 ms to start.
    wait_until_computed(pids, 0.1)
    before, began = demand(pids), time.monotonic()
    yield seen
    spent = (time.monotonic() - began) * len(pids)
    # The kernel counts a wait when it ends.
    wait_until_computed(pids, 0.0)
    after = demand(pids)
    computed, waited = after.computed - before.computed, after.waited - before.waited
    seen.append(Busy(len(pids), computed / spent, (computed + waited) / spent))


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least and greatest."""
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(rounds: Iterable[Mapping[str, float]], name: str, base: str) -> dict[str, float]:
    """One arrangement against another of the same round, so that a host whose speed changes does not matter."""
    return spread(each[name] / each[base] for each in rounds)
