# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a gateway for streams while its servers change, and say of each whether it came whole (fleet_stream.py).

    fleet_load.py URL --out FILE [--key-file FILE] [--ca FILE] [--least 10000] [--until FILE] [--rate 200]

What did not come whole is counted by what a client saw: ``cut`` (an answer that began and ended early), ``lost`` (none
began), ``wrong`` (words of another sequence), or a status. A kept connection that the other side closed before anything
of an answer came is tried once more on a new one, as HTTP clients do, and counted as ``retried``. The file has counts,
times, and every stream that failed; FILE.now has them while the load runs, and a line on standard error says every few
seconds how far it is. Streams are asked for until there were ``--least``, and on until the file
``--until`` exists.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import ssl
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fleet_stream import Stream

SHOWN_EVERY_S = 5.0
MOST_FAILURES = 500


class Plan(NamedTuple):
    """How long answers are: ``(tokens, share)``, the shares add up to 1."""

    lengths: tuple[tuple[int, float], ...]

    def draw(self, chance: random.Random) -> int:
        """Return the tokens of the next answer."""
        tokens, shares = zip(*self.lengths, strict=True)
        return chance.choices(tokens, shares)[0]


class Connection(asyncio.Protocol):
    """A connection that carries a stream at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._stream: Stream | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.usable = True
        self.used = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self, request: bytes, stream: Stream) -> asyncio.Future[None]:
        """Send a request; the result is there when the stream has ended."""
        self._stream, self._waiter = stream, self._loop.create_future()
        self.used += 1
        self._transport.write(request)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        stream = self._stream
        if stream is None:  # a status that nobody asked for, such as 408 before the connection is closed
            self.close()
        elif stream.feed(data, self._loop.time()):
            self.usable = self.usable and stream.answer.keep and stream.answer.done
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._stream is not None:
            self._stream.closed(self._loop.time(), str(exc or ""))
        self._finish()

    def close(self) -> None:
        self.usable, self._stream = False, None
        self._transport.abort()

    def _finish(self) -> None:
        self._stream = None
        if not self.usable:
            self._transport.abort()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Load:
    """All streams of a run."""

    def __init__(self, asked: argparse.Namespace, loop: asyncio.AbstractEventLoop) -> None:
        self.asked, self.loop = asked, loop
        self.origin, self.epoch = loop.time(), time.time()
        self.counts: collections.Counter[str] = collections.Counter()
        self.statuses: collections.Counter[int] = collections.Counter()
        self.hosts: collections.Counter[str] = collections.Counter()
        self.begun, self.retried, self.most = 0, 0, 0
        self.first_ms: list[float] = []
        self.total_ms: list[float] = []
        self.failures: list[dict[str, Any]] = []
        self._kept: list[Connection] = []
        self._active: set[Stream] = set()
        self._due = self.origin
        self._chance = random.Random(asked.seed)
        parts = urlsplit(asked.url)
        self._address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        self._tls = ssl.create_default_context(cafile=asked.ca) if parts.scheme == "https" else None
        self._name = asked.server_name or parts.hostname
        key = Path(asked.key_file).read_text().strip() if asked.key_file else ""
        head = [f"POST {parts.path.rstrip('/')}/api/generate HTTP/1.1", f"Host: {asked.server_name or parts.netloc}"]
        head += [f"Authorization: Bearer {key}"] if key else []
        self._head = "\r\n".join([*head, "Content-Type: application/json", "Content-Length: "]).encode()

    def request(self, tokens: int) -> bytes:
        body = {
            "model": self.asked.model,
            "prompt": self.asked.prompt,
            "stream": True,
            "options": {"num_predict": tokens},
            **({"keep_alive": self.asked.keep_alive} if self.asked.keep_alive else {}),
        }
        raw = json.dumps(body).encode()
        return b"%s%d\r\n\r\n%s" % (self._head, len(raw), raw)

    def goes_on(self) -> bool:
        """Whether another stream is to be asked for."""
        if self.asked.seconds and self.loop.time() - self.origin > self.asked.seconds:
            return False
        return self.begun < self.asked.least or bool(self.asked.until and not os.path.exists(self.asked.until))

    async def run(self) -> None:
        """Ask for streams until there were enough."""
        shown = self.loop.create_task(self._show())
        callers = [self._caller() for _number in range(self.asked.concurrency)]
        await asyncio.gather(*callers)
        shown.cancel()
        for connection in self._kept:
            connection.close()

    async def _caller(self) -> None:
        while self.goes_on():
            self.begun += 1
            if self.asked.rate:
                self._due = max(self._due + 1 / self.asked.rate, self.loop.time() - 1)
                await asyncio.sleep(max(0.0, self._due - self.loop.time()))
            stream = await self._stream(self.asked.lengths.draw(self._chance))
            self._count(stream)
            if stream.outcome != "whole":
                # As a client that was sent away does; one that asked again at once would be a flood.
                await asyncio.sleep(self.asked.pause)

    async def _stream(self, tokens: int) -> Stream:
        request = self.request(tokens)
        began = self.loop.time()
        while True:
            stream = Stream(tokens, began)
            self._active.add(stream)
            self.most = max(self.most, len(self._active))
            try:
                if await self._exchange(request, stream):
                    return stream
            finally:
                self._active.discard(stream)
            self.retried += 1

    async def _exchange(self, request: bytes, stream: Stream) -> bool:
        """Fill a stream; False where a kept connection ended before any of it came."""
        kept = None
        while self._kept and kept is None:
            kept = self._kept.pop()
            kept = kept if kept.usable else None
        try:
            connection = kept or await self._connect()
            async with asyncio.timeout(self.asked.timeout):
                await connection.ask(request, stream)
        except TimeoutError:
            connection.close()
            stream.closed(self.loop.time(), f"no end within {self.asked.timeout:g} s")
        except OSError as error:
            stream.end("lost", f"no connection: {error}", self.loop.time())
        else:
            if connection.usable and not self.asked.fresh:
                self._kept.append(connection)
            elif connection.usable:
                connection.close()
        return not (kept and stream.outcome == "lost" and not stream.answer.status)

    async def _connect(self) -> Connection:
        _transport, connection = await self.loop.create_connection(
            lambda: Connection(self.loop),
            *self._address,
            ssl=self._tls,
            server_hostname=self._name if self._tls else None,
        )
        return connection

    def _count(self, stream: Stream) -> None:
        self.counts[stream.outcome] += 1
        self.statuses[stream.answer.status] += 1
        self.hosts[stream.answer.host] += 1
        if stream.outcome == "whole" and stream.first is not None and stream.ended is not None:
            self.first_ms.append((stream.first - stream.began) * 1e3)
            self.total_ms.append((stream.ended - stream.began) * 1e3)
        elif len(self.failures) < MOST_FAILURES:
            self.failures.append(stream.shown(self.origin))

    async def _show(self) -> None:
        """Say how far it is; the file is there too for who waits until the load runs."""
        while True:
            await asyncio.sleep(SHOWN_EVERY_S if self.begun > self.asked.concurrency else 0.2)
            seconds = self.loop.time() - self.origin
            done = sum(self.counts.values())
            sys.stderr.write(f"{seconds:6.1f} s  {done} streams, {done / seconds:.0f}/s, {dict(self.counts)}\n")
            sys.stderr.flush()
            write(self.asked.out + ".now", self.result())

    def result(self) -> dict[str, Any]:
        """The counts and times of what has ended so far."""
        seconds = self.loop.time() - self.origin
        done = sum(self.counts.values())
        return {
            "began": round(self.epoch, 3),
            "seconds": round(seconds, 3),
            "streams": done,
            "per_second": round(done / seconds, 1) if seconds else None,
            **{name: self.counts[name] for name in ("whole", "cut", "lost", "wrong", "status")},
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "server_errors": sum(count for status, count in self.statuses.items() if status >= 500),
            "retried": self.retried,
            "most_at_once": self.most,
            "answering": sum(stream.first is not None for stream in self._active),
            "hosts": dict(sorted(self.hosts.items())),
            "first_ms": percentiles(self.first_ms),
            "total_ms": percentiles(self.total_ms),
            "failures": self.failures,
        }


def percentiles(values: list[float]) -> dict[str, float]:
    """The usual ones, by rank; nothing of no values."""
    values = sorted(values)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(values[min(len(values) - 1, int(len(values) * at))], 3) for name, at in ranks.items() if values}


def write(path: str, content: dict[str, Any]) -> None:
    """Replace a file, so that no reader meets half of it."""
    scratch = Path(f"{path}.part")
    scratch.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    scratch.replace(path)


def lengths(text: str) -> Plan:
    """Read ``4=0.95,100=0.05``: tokens, and the share of answers that have so many."""
    pairs = (part.partition("=") for part in text.split(","))
    return Plan(tuple((int(tokens), float(share or 1)) for tokens, _equals, share in pairs))


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the gateway")
    parser.add_argument("--key-file", help="a file with the bearer key")
    parser.add_argument("--ca", help="a certificate to trust")
    parser.add_argument("--server-name", help="the gateway's name, where the URL has its address")
    parser.add_argument("--model", default="standin")
    parser.add_argument("--prompt", default="count", help="hold: the stand-in's answers end when they are released")
    parser.add_argument(
        "--keep-alive", default="30m", help="how long the model stays in memory; empty: as the server has it"
    )
    parser.add_argument("--least", type=int, default=1000, help="streams to ask for at least")
    parser.add_argument("--until", help="a file that ends the load once it exists")
    parser.add_argument("--seconds", type=float, help="the longest that streams are asked for")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rate", type=float, help="streams per second, at most")
    parser.add_argument("--lengths", type=lengths, default=lengths("4=0.97,80=0.03"), help="TOKENS=SHARE,...")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for a stream")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds after a stream that failed")
    parser.add_argument("--fresh", action="store_true", help="a new connection for each stream")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, help="a file for the result as JSON")
    return parser.parse_args(argv)


async def measure(asked: argparse.Namespace) -> dict[str, Any]:
    load = Load(asked, asyncio.get_running_loop())
    await load.run()
    return load.result()


def main() -> int:
    """0 where every stream came whole."""
    asked = arguments()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(asked.out)
    found = asyncio.run(measure(asked))
    write(asked.out, found)
    sys.stdout.write(json.dumps({name: value for name, value in found.items() if name != "failures"}) + "\n")
    return 0 if found["whole"] == found["streams"] else 1


if __name__ == "__main__":
    sys.exit(main())
