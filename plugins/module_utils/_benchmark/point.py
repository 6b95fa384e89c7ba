# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load a server at one point: so many requests at a time, or so many per second, until something ends it.

The clock is that of the event loop. How a request is sent is given, so that a point runs in simulated time as well.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Awaitable, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import stops
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.bounds import MOST_IN_FLIGHT
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import SUCCESSFUL, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONCURRENT, CONSTANT, POISSON = "concurrent", "constant", "poisson"
_TICK = 0.25
# After a request that failed, a stream waits, so that a server that refuses is not asked thousands of times.
_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

# Makes the body of a request by its number, and sends it and fills the record. Making it is no part of the request.
Prepare = Callable[[int], bytes]
Send = Callable[[Record, bytes], Awaitable[None]]


class Load(NamedTuple):
    """What a point is: a concurrency, or requests per second; what ends it."""

    profile: str
    concurrency: int | None
    request_rate: float | None
    duration: float
    requests: int
    warmup_requests: int
    give_up_below: float | None
    seed: int
    first_number: int

    @property
    def streams(self) -> int:
        return self.concurrency or 1

    def text(self) -> str:
        """Name it for a person."""
        if self.concurrency is not None:
            return f"concurrency {self.concurrency}"
        return f"{self.request_rate:g} requests/s, {self.profile}"


class Stop(NamedTuple):
    """Why a point ended."""

    reason: str
    message: str


def arrivals(load: Load) -> Iterator[float]:
    """Give the time of each request from the start on: in equal steps, or as a Poisson process, by the seed."""
    rate = load.request_rate or 1.0
    draw = random.Random(f"arrivals {load.seed} {load.first_number}")  # noqa: S311 - no secret
    time = 0.0
    while True:
        yield time
        time += 1 / rate if load.profile == CONSTANT else draw.expovariate(rate)


class Point:
    """One point as it runs. ``records`` has every request that was sent in it, those of the warm-up left out."""

    def __init__(self, load: Load, prepare: Prepare, send: Send, deadline: float) -> None:
        self.load = load
        self.records: list[Record] = []
        self.began = 0.0
        self.ended = 0.0
        self._prepare = prepare
        self._send = send
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._in_flight: set[Record] = set()
        self._waiting: list[Record] = []
        self._saturation = stops.Saturation()
        self._tokens = 0
        self._finished = 0
        self._failed = 0
        self._crowded = False
        self._number = 0

    async def warm_up(self) -> None:
        """Send requests that do not count, as many at a time as the point has, for its duration at most."""
        left = iter(range(self.load.warmup_requests))

        async def stream() -> None:
            for number in left:
                body = self._prepare(self.load.first_number - 1 - number)
                await self._send(Record(self._loop.time()), body)

        streams = min(self.load.streams, self.load.warmup_requests)
        if streams:
            seconds = min(self.load.duration, self._deadline - self._loop.time())
            tasks = [asyncio.ensure_future(stream()) for _number in range(streams)]
            await asyncio.wait(tasks, timeout=max(0.0, seconds))
            await _cancel(tasks)

    async def run(self, tick: Callable[[Point], None]) -> Stop:
        """Load the server; ``tick`` is called several times a second."""
        self.began = self._loop.time()
        if self.load.concurrency is None:
            drivers = [asyncio.ensure_future(self._dispatch())]
        else:
            drivers = [asyncio.ensure_future(self._stream()) for _number in range(self.load.concurrency)]
        end = min(self.began + self.load.duration, self._deadline)
        stop = None
        pending: set[asyncio.Future[None]] = set(drivers)
        while stop is None:
            left = max(0.0, end - self._loop.time())
            _done, pending = await asyncio.wait(pending, timeout=min(_TICK, left))
            stop = self._stop(end) if pending else Stop("requests", f"{len(self.records)} requests were answered")
            tick(self)
        self.ended = max(self._loop.time(), self.began)
        await _cancel(drivers)
        return stop

    @property
    def elapsed(self) -> float:
        return self._loop.time() - self.began

    @property
    def tokens(self) -> int:
        """The parts with text so far."""
        return self._tokens + sum(len(record.arrivals) for record in self._in_flight)

    def _stop(self, end: float) -> Stop | None:
        """Return why the point ends now, None where it goes on."""
        self._note_first_tokens()
        early = self._early()
        if early is None and self._loop.time() >= end:
            if end == self._deadline:
                return Stop("time_limit", f"max_duration was reached after {self.elapsed:.1f} s of this point")
            return Stop("duration", f"{self.load.duration:g} s were over")
        return early

    def _note_first_tokens(self) -> None:
        waiting = []
        for record in self._waiting:
            if record.arrivals:
                self._saturation.first_token(record.arrivals[0] - self.began, record.arrivals[0] - record.start)
            elif record.end is None:
                waiting.append(record)
        self._waiting = waiting

    def _early(self) -> Stop | None:
        load, seconds = self.load, self.elapsed
        if stops.mostly_errors(self._finished, self._failed, load.streams):
            return Stop("errors", f"{self._failed} of the {self._finished} requests that ended had failed")
        if self._crowded:
            return Stop(
                "over_saturation", f"{MOST_IN_FLIGHT} requests were in flight, the most that are sent at a time"
            )
        if load.concurrency is None and self._saturation.reached(seconds):
            return Stop(
                "over_saturation",
                f"after {seconds:.0f} s the requests in flight and the time to first token rose, most of them above"
                f" {stops.FIRST_TOKEN:g} s",
            )
        if stops.too_slow(self.tokens, load.streams, seconds, load.duration, load.give_up_below):
            return Stop(
                "too_slow",
                f"{self.tokens / seconds:.3g} tokens/s after {seconds:.1f} s, and give_up_below is"
                f" {load.give_up_below:g}",
            )
        return None

    def _begin(self, start: float) -> Record | None:
        if len(self.records) >= self.load.requests:
            return None
        record = Record(start)
        self.records.append(record)
        self._in_flight.add(record)
        if self.load.concurrency is None:
            self._waiting.append(record)
            self._saturation.started(start - self.began, len(self._in_flight))
        return record

    def _next_body(self) -> bytes:
        self._number += 1
        return self._prepare(self.load.first_number + self._number - 1)

    async def _ask(self, record: Record, body: bytes) -> None:
        await self._send(record, body)
        self._in_flight.discard(record)
        self._finished += 1
        self._failed += record.status != SUCCESSFUL
        self._tokens += len(record.arrivals)

    async def _stream(self) -> None:
        pause = 0.0
        while True:
            body = self._next_body()
            record = self._begin(self._loop.time())
            if record is None:
                return
            await self._ask(record, body)
            pause = 0.0 if record.status == SUCCESSFUL else min(max(_PAUSE, pause * 2), _LONGEST_PAUSE)
            if pause:
                await asyncio.sleep(pause)

    async def _dispatch(self) -> None:
        tasks: set[asyncio.Future[None]] = set()
        try:
            for offset in arrivals(self.load):
                body = self._next_body()
                wait = self.began + offset - self._loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                self._crowded = self._crowded or len(self._in_flight) >= MOST_IN_FLIGHT
                record = None if self._crowded else self._begin(self.began + offset)
                if record is None:
                    break
                task = asyncio.ensure_future(self._ask(record, body))
                tasks.add(task)
                task.add_done_callback(lambda done: None if _broken(done) else tasks.discard(done))
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await _cancel(tasks)


def _broken(task: asyncio.Future[None]) -> bool:
    """Whether a task ended with an error, which is one of this program."""
    return not task.cancelled() and task.exception() is not None


async def _cancel(tasks: Iterable[asyncio.Future[None]]) -> None:
    """End the tasks; an error in one of them is raised."""
    left = list(tasks)
    for task in left:
        task.cancel()
    for outcome in await asyncio.gather(*left, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome
