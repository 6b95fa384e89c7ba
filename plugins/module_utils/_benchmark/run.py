# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure: load the model, find out how long a prompt is, load the servers at each point, and put the result together.

Everything ends by ``max_duration``, whatever the servers do.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import server, summary
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.client import Client, Target, target
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.point import Load, Point, Stop
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.prompts import (
    DEFEAT,
    Prompts,
    answer_tokens,
    corrected,
)
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import SUCCESSFUL, Record
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.load import number_of

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._benchmark.options import Options
    from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

SCHEMA = 1
_TRIES = 3
# Of one core, in a point of so many seconds: from here on the generator may be what is measured.
_BUSY, _LONG = 0.8, 1.0
# Prompts that differ so much from what was asked for are named.
_OFF = 0.1


class Samples(Protocol):
    """What samples the host meanwhile: ``Sampler`` of ``sampling.py``."""

    def start(self) -> None: ...

    def window(self, begin: float, end: float) -> dict[str, Any] | None: ...

    def stop(self) -> None: ...


class World(NamedTuple):
    """What a measurement needs from outside; ``own`` are bytes that no other call has."""

    fetch: Fetch
    progress: Progress
    sampler: Samples | None
    began_at: str
    own: bytes
    problems: list[str]


def measure(options: Options, world: World) -> dict[str, Any]:
    """Return the result, schema 1; OllamaError where the model does not answer at all."""
    began = time.monotonic()
    # A sampler forks, which it does before anything else runs.
    if world.sampler is not None:
        world.sampler.start()
    try:
        release, here = _before(options, world)
        targets = [target(url) for url in options.urls]
        run = Run(options, world, targets, began + options.max_duration, already_loaded=here)
        load, points = asyncio.run(run.all())
        model = server.described(world.fetch, options.urls, options.model, world.problems)
    finally:
        if world.sampler is not None:
            world.sampler.stop()
    problems = [*world.problems, *_doubts(options, model, points)]
    return {
        "schema": SCHEMA,
        "began_at": world.began_at,
        "seconds": time.monotonic() - began,
        "urls": list(options.urls),
        "release": release,
        "model": model,
        "workload": options.workload,
        "load": load,
        "points": points,
        "problems": list(dict.fromkeys(problems)),
    }


def _before(options: Options, world: World) -> tuple[str | None, bool]:
    """Return the release of the first server, and whether all have the model in memory."""
    states = [server.state(world.fetch, url, options.model) for url in options.urls]
    for _release, _entry, problems in states:
        world.problems.extend(problems)
    releases = {release for release, _entry, _problems in states if release}
    if len(releases) > 1:
        world.problems.append(f"the servers are of several releases: {', '.join(sorted(releases))}")
    return states[0][0], all(entry is not None for _release, entry, _problems in states)


class Run:
    """The part of a measurement that runs in an event loop."""

    # Belongs to the loop, so that `all` makes it.
    _client: Client

    def __init__(
        self, options: Options, world: World, targets: list[Target], deadline: float, *, already_loaded: bool
    ) -> None:
        self._options = options
        self._world = world
        self._targets = targets
        self._deadline = deadline
        self._already_loaded = already_loaded
        self._prompts = Prompts(options.seed, options.prompt_cache, world.own)
        self._words = options.prompt_tokens
        self._turns = itertools.cycle(range(len(targets)))

    async def all(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return what loading took, and the points."""
        loop = asyncio.get_running_loop()
        self._client = Client(loop)
        try:
            loaded = await self._load(loop)
            points = []
            for place, load in enumerate(self._options.points):
                if loop.time() >= self._deadline:
                    left = ", ".join(each.text() for each in self._options.points[place:])
                    self._world.problems.append(f"max_duration: no time was left for {left}")
                    break
                points.append(await self._point(load, f"point {place + 1} of {len(self._options.points)}"))
        finally:
            self._client.close()
        return loaded, points

    async def _load(self, loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
        """Bring the model into the memory of each server, and find out how many words the prompt has."""
        self._world.progress.say(f"loading {self._options.model}", now=True)
        first = [Record(loop.time()) for _target in self._targets]
        left = self._deadline - loop.time()
        await asyncio.gather(
            *(self._ask(place, record, self._body(-1 - place, 1), left) for place, record in enumerate(first))
        )
        for record, each in zip(first, self._targets):
            if record.status != SUCCESSFUL:
                raise OllamaError(f"model {self._options.model}: {each.url} did not answer: {record.error}")
        await self._calibrate(loop, first[0])
        if self._already_loaded:
            return {"already_loaded": True, "load_duration_ms": None, "seconds": None}
        durations = [record.load_seconds for record in first if record.load_seconds is not None]
        seconds = max(record.time_to_first_token or record.latency or 0.0 for record in first)
        return {
            "already_loaded": False,
            "load_duration_ms": max(durations) * 1000 if durations else None,
            "seconds": seconds,
        }

    async def _calibrate(self, loop: asyncio.AbstractEventLoop, last: Record) -> None:
        """Correct the number of words until the server counts as many tokens as were asked for."""
        if last.prompt_tokens is None:
            self._world.problems.append(
                f"{self._targets[0].url}/api/generate: its answer has no prompt_eval_count; prompts have"
                f" {self._words} words, whatever that is in tokens"
            )
        for attempt in range(1, _TRIES):
            better = corrected(self._words, last.prompt_tokens, self._options.prompt_tokens)
            if better is None or loop.time() >= self._deadline:
                return
            self._words = better
            last = Record(loop.time())
            body = self._body(-1 - attempt - len(self._targets), 1)
            await self._ask(0, last, body, self._options.request_timeout)
        better = corrected(self._words, last.prompt_tokens, self._options.prompt_tokens)
        self._words = better or self._words

    async def _point(self, load: Load, name: str) -> dict[str, Any]:
        progress = self._world.progress
        point = Point(load, self._body, self._send, self._deadline)
        progress.say(f"{name} ({load.text()}): warming up with {load.warmup_requests} requests", now=True)
        await point.warm_up()
        # What is there already is not looked at again by the collector while times are taken.
        gc.collect()
        gc.freeze()
        spent = time.process_time()
        stop = await point.run(lambda running: progress.say(_line(name, running)))
        spent = time.process_time() - spent
        gc.unfreeze()
        seconds = point.ended - point.began
        if seconds >= _LONG and spent / seconds > _BUSY:
            self._world.problems.append(
                f"{load.text()}: sending and receiving took {spent / seconds:.0%} of a core, so that the times may be"
                " those of this program"
            )
        ended = [record for record in point.records if record.end is not None]
        if point.records and not ended:
            self._world.problems.append(
                f"{load.text()}: no request ended within {seconds:.1f} s, so that only tokens per second are known; a"
                f" longer duration, or fewer output_tokens than {self._options.output_tokens}, would help"
            )
        return self._result(point, stop)

    def _result(self, point: Point, stop: Stop) -> dict[str, Any]:
        load, sampler = point.load, self._world.sampler
        found = summary.point(point.records, point.began, point.ended, self._options.goodput)
        return {
            "profile": load.profile,
            "concurrency": load.concurrency,
            "request_rate": load.request_rate,
            "seconds": found.pop("seconds"),
            "stop": {"reason": stop.reason, "message": stop.message},
            **found,
            "server": None if sampler is None else sampler.window(point.began, point.ended),
        }

    async def _send(self, record: Record, body: bytes) -> None:
        """Send a measured request to the server whose turn it is."""
        await self._ask(next(self._turns), record, body, self._options.request_timeout)

    def _body(self, number: int, output_tokens: int | None = None) -> bytes:
        """Return the body of a request with the prompt of this number."""
        said = {
            "model": self._options.model,
            "prompt": self._prompts.make(number, self._words),
            "raw": True,
            "stream": True,
            "keep_alive": number_of(self._options.keep_alive),
            "options": {
                "num_predict": output_tokens or self._answer_tokens(number),
                "temperature": 0,
                "seed": self._options.seed % (1 << 31),
            },
        }
        return json.dumps(said).encode()

    def _answer_tokens(self, number: int) -> int:
        options = self._options
        return answer_tokens(options.seed, number, options.output_tokens, options.output_tokens_stdev)

    async def _ask(self, place: int, record: Record, body: bytes, timeout: float) -> None:
        most = self._options.output_tokens + 2 * self._options.output_tokens_stdev
        await self._client.send(self._targets[place], body, record, most, timeout)


def _line(name: str, point: Point) -> str:
    seconds, load = point.elapsed, point.load
    rate = point.tokens / seconds if seconds else 0.0
    return (
        f"{name} ({load.text()}): {seconds:.0f} of {load.duration:g} s, {len(point.records)} requests,"
        f" {rate:.1f} tokens/s"
    )


def _doubts(options: Options, model: dict[str, Any], points: list[dict[str, Any]]) -> list[str]:
    """Say what makes the figures other than they were asked for."""
    doubts = []
    context = model["context_length"]
    asked = options.prompt_tokens + options.output_tokens
    if context is not None and asked > context:
        doubts.append(f"a prompt and its answer have {asked} tokens, and the context of the model {context}")
    for name, wanted in (("prompt_tokens", options.prompt_tokens), ("output_tokens", options.output_tokens)):
        found = [point["metrics"][name] for point in points if point["metrics"][name]]
        # The mean of lengths that vary is not that of all of them.
        varied = options.output_tokens_stdev if name == "output_tokens" else 0
        off = [
            each["mean"]
            for each in found
            if abs(each["mean"] - wanted) > wanted * _OFF + 1 + 3 * varied / math.sqrt(each["count"])
        ]
        if off and (name == "output_tokens" or options.prompt_cache == DEFEAT):
            why = {
                "prompt_tokens": "the server counts only what its prompt cache did not have, or cuts prompts",
                "output_tokens": "the model ended its answers earlier",
            }[name]
            doubts.append(f"{name}: {wanted} were asked for, and on average there were {off[0]:.1f}; {why}")
    return doubts
