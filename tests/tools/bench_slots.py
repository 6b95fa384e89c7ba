# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens per second of a llama-server with several numbers of slots, each with as many callers as slots.

    bench_slots.py --server .../llama-server --model .../model.gguf [--slots 1,8,16,32,64 --context 4096 ...]

The server has the options that Ollama gives its own. A caller asks again as soon as it has its answer; prompts are
random tokens, which no cache serves, and answers are of 64 to 192 tokens. Of each run the last two thirds count. Runs
on CPUs and on cards alike. Needs bench_neighbours.py beside it and tests/lab/speed.py; Python 3.9, standard library.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from bench_neighbours import UnavailableError, command, ended, free_port, wait_until_healthy

ANSWER = (64, 192)
# What begins within this time began with all others.
TOGETHER = 0.5
# A stream of fewer tokens is too short for a speed.
LEAST_TOKENS = 16
# Rows of a batch by tokens in all slots, as Ollama chooses them (server/sched.go of August 2026).
BATCHES = ((4096, 512), (32768, 1024), (1 << 62, 2048))


class Stream(NamedTuple):
    """An answer: when it was asked for, and when each token came."""

    asked: float
    tokens: list[float]


class Point(NamedTuple):
    """``slowest`` is the speed that one stream in twenty does not reach, ``first`` the 95th percentile of the time to
    the first token when all callers begin at once; None where no stream has it.
    """

    rate: float
    slowest: float | None
    first: float | None
    streams: int


def percentile(values: list[float], share: float) -> float | None:
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def point(streams: list[Stream], began: float, seconds: float) -> Point:
    start, end = began + seconds / 3, began + seconds
    counted = sum(start <= came <= end for stream in streams for came in stream.tokens)
    long = [stream.tokens for stream in streams if len(stream.tokens) > LEAST_TOKENS]
    speeds = [(len(tokens) - 1) / (tokens[-1] - tokens[0]) for tokens in long if tokens[-1] > tokens[0]]
    burst = [each.tokens[0] - each.asked for each in streams if each.tokens and each.asked - began < TOGETHER]
    return Point(counted / (end - start), percentile(speeds, 0.05), percentile(burst, 0.95), len(streams))


def ask(port: int, prompt: list[int], tokens: int, end: float) -> Stream:
    """Hang up at ``end``, and keep the tokens that came until then."""
    body = {"prompt": prompt, "n_predict": tokens, "ignore_eos": True, "cache_prompt": False, "stream": True}
    stream = Stream(time.monotonic(), [])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=max(1.0, end - stream.asked))
    with contextlib.closing(connection), contextlib.suppress(TimeoutError, socket.timeout):
        connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
        with contextlib.closing(connection.getresponse()) as answer:
            if answer.status != 200:
                raise http.client.HTTPException(f"/completion: {answer.status} {answer.read(400)!r}")
            for line in answer:
                if line.startswith(b"data: {"):
                    stream.tokens.append(time.monotonic())
                if time.monotonic() > end:
                    break
    return stream


def vocabulary(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/v1/models")
        return int(json.loads(connection.getresponse().read())["data"][0]["meta"]["n_vocab"])


def load(port: int, callers: int, prompt: int, seconds: float) -> Point:
    """The server's answers to so many callers, each of which asks again at once."""
    words, streams = vocabulary(port), []
    ask(port, [1] * prompt, 8, time.monotonic() + 300)
    began = time.monotonic()
    end = began + seconds

    def call(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            asked = [1, *(chance.randrange(words // 2, words) for _token in range(prompt - 1))]
            streams.append(ask(port, asked, chance.randint(*ANSWER), end))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return point(streams, began, seconds)


def options(asked: argparse.Namespace, slots: int) -> list[str]:
    total = asked.context * slots
    batch = str(next(rows for most, rows in BATCHES if total <= most))
    found = ["-c", str(total), "-np", str(slots), "--flash-attn", "auto", "-b", batch, "-ub", batch]
    return [
        *found,
        "--context-shift",
        "--keep",
        "4",
        "--offline",
        *(["-t", str(asked.threads)] if asked.threads else []),
    ]


def measure(asked: argparse.Namespace, folder: Path) -> Iterator[tuple[int, Point]]:
    for slots in asked.slots:
        port, log = free_port(), folder / "llama-server.log"
        argv = [*command(asked.server), "-m", str(asked.model), "--host", "127.0.0.1", "--port", str(port)]
        with open(log, "wb") as file:
            server = subprocess.Popen(
                [*argv, *options(asked, slots)], stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        with ended([server]):
            wait_until_healthy(server, port, log)
            yield slots, load(port, slots, asked.prompt, asked.seconds)


def row(slots: int, found: Point) -> str:
    slowest, first = ("-" if value is None else f"{value:.2f}" for value in (found.slowest, found.first))
    return f"{slots:5} {found.rate:9.1f} {slowest:>14} {first:>14} {found.streams:8}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, required=True, help="a llama-server")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument(
        "--slots", type=lambda text: [int(part) for part in text.split(",")], default=[1, 8, 16, 32, 64]
    )
    parser.add_argument("--context", type=int, default=4096, help="tokens of each slot")
    parser.add_argument("--prompt", type=int, default=256, help="tokens of a prompt")
    parser.add_argument("--threads", type=int, help="compute threads; the server's own number without it")
    parser.add_argument("--seconds", type=float, default=26.0, help="of each run; short ones flatter many slots")
    parser.add_argument("--json", action="store_true", help="print each point as JSON")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    if not asked.json:
        sys.stdout.write(f"{asked.model.name}, {asked.context} tokens a slot, load {os.getloadavg()[0]:.1f}\n")
        sys.stdout.write("slots  tokens/s  slowest stream  first token, s  answers\n")
    try:
        with tempfile.TemporaryDirectory() as folder:
            for slots, found in measure(asked, Path(folder)):
                entry: dict[str, Any] = {"slots": slots, **found._asdict()}
                sys.stdout.write(f"{json.dumps(entry) if asked.json else row(slots, found)}\n")
                sys.stdout.flush()
    except (UnavailableError, OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"Slots: not measured, {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
