# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attack a gateway with requests that must not come through, and say what came instead.

    fleet_attack.py HOST:PORT [--ca FILE] [--name NAME] [--keys FILE] [--requests 10000] [--seed 1] --out FILE

The requests are those of fleet_kinds.py and fleet_framing.py. The file has, by kind, the statuses that came, the first
answers that were not expected, and how long slow requests were borne; whether something came through is what the
servers' canary says (standin/received.py). Meanwhile good requests are sent from another address (``--good-source``),
and their answers counted. The file of keys is JSON: ``{"key": ..., "limited": ..., "allowed": model, "other": model}``,
each of them optional.

Needs Python 3.11 and the three files fleet_*.py beside it, and nothing else, so that it runs on any test host.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import re
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_framing import oversized, slow, smuggled
from fleet_kinds import forged_host, keyless, method_trick, model_trick, path_trick, two_keys, wrong_key
from fleet_requests import CLOSED, Attack, Draw, Known, good

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
# The gateway waits for the rest of a request that it reads otherwise than it was meant; nothing came through.
WAITS = -1
QUIET_S = 0.25
# On a busy host a good request takes its time, and may wait for a slot.
GOOD_S = 30.0
KEPT = 40


# Kind, its share, and the keys that it needs.
KINDS: list[tuple[Callable[[Draw], Attack], float, str]] = [
    (keyless, 0.2, ""),
    (wrong_key, 0.2, ""),
    (two_keys, 0.05, "key"),
    (forged_host, 0.1, "key"),
    (path_trick, 0.12, "key"),
    (method_trick, 0.05, "key"),
    (smuggled, 0.15, "key"),
    (oversized, 0.04, ""),
    (slow, 0.01, "key"),
    (model_trick, 0.08, "limited"),
]


def attack(known: Known, seed: int, number: int) -> Attack:
    """Return the request of a number: the same one for the same seed."""
    draw = Draw(known, seed, number)
    able = [(make, share) for make, share, needs in KINDS if not needs or getattr(known, needs)]
    makers, shares = zip(*able, strict=True)
    return draw.chance.choices(makers, shares)[0](draw)


class Peer:
    """A connection, and all that came over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.open = True

    async def more(self, seconds: float) -> bytes:
        """What comes next; nothing where the time is over or the other side has closed."""
        try:
            async with asyncio.timeout(seconds):
                data = await self.reader.read(65536)
        except TimeoutError:
            return b""
        except (OSError, ssl.SSLError):
            data = b""
        if not data:
            self.open = False
        return data

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (OSError, ssl.SSLError):
            self.open = False

    def close(self) -> None:
        self.open = False
        with contextlib.suppress(Exception):
            self.writer.transport.abort()


class Raid:
    """All requests of a run, and their outcomes."""

    def __init__(self, asked: argparse.Namespace, known: Known) -> None:
        self.asked, self.known = asked, known
        self.host, _colon, port = asked.target.rpartition(":")
        self.port = int(port)
        self.tls = None
        if asked.ca:
            self.tls = ssl.create_default_context(cafile=asked.ca)
        self.statuses: dict[str, collections.Counter[int]] = collections.defaultdict(collections.Counter)
        self.unexpected: list[dict[str, Any]] = []
        self.unexpected_count = 0
        self.slow_s: list[float] = []
        self.good_ms: list[float] = []
        self.good_failed: list[str] = []
        self.refused = 0
        self.done = 0

    async def connect(self, source: str | None = None) -> Peer:
        name = self.asked.name or self.host
        local = (source, 0) if source else None
        made = asyncio.open_connection(
            self.host, self.port, ssl=self.tls, server_hostname=name if self.tls else None, local_addr=local
        )
        async with asyncio.timeout(10):
            return Peer(*await made)

    async def run(self) -> None:
        numbers = iter(range(self.asked.requests))
        attacks = [attack(self.known, self.asked.seed, number) for number in numbers]
        slow = [each for each in attacks if each.kind == "slow"]
        self._left = iter([each for each in attacks if each.kind != "slow"])
        over = asyncio.Event()
        well = asyncio.create_task(self._good(over))
        shown = asyncio.create_task(self._show())
        await asyncio.gather(
            *(self._slow(each) for each in slow), *(self._worker() for _each in range(self.asked.concurrency))
        )
        over.set()
        await well
        shown.cancel()

    async def _worker(self) -> None:
        peer: Peer | None = None
        for each in self._left:
            try:
                if peer is None or not peer.open or each.alone:
                    if peer is not None:
                        peer.close()
                    peer = await self.connect()
            except (OSError, ssl.SSLError, TimeoutError):
                # Too many connections from here: that too is an answer, but none that proves anything of this request.
                self.refused += 1
                self._judge(each, [CLOSED])
                await asyncio.sleep(0.1)
                continue
            self._judge(each, await (self._alone(peer, each) if each.alone else self._kept(peer, each)))
        if peer is not None:
            peer.close()

    async def _alone(self, peer: Peer, each: Attack) -> list[int]:
        """Send it, and take all that comes until the other side closes or is quiet."""
        seen = b""
        for number, part in enumerate(each.parts):
            if number:
                seen += await peer.more(each.pause)
            if peer.open:
                await peer.send(part)
        until = time.monotonic() + self.asked.patience
        while peer.open and time.monotonic() < until:
            data = await peer.more(QUIET_S if _STATUS.search(seen) else max(0.01, until - time.monotonic()))
            seen += data
            if not data and _STATUS.search(seen):
                break
        found = [int(status) for status in _STATUS.findall(seen)]
        answer = found or [CLOSED if not peer.open else WAITS]
        peer.close()
        return answer

    async def _kept(self, peer: Peer, each: Attack, patience: float = 0.0) -> list[int]:
        """Send it, and take one answer, after which the connection is used again."""
        await peer.send(each.parts[0])
        seen, until = b"", time.monotonic() + (patience or self.asked.patience)
        while peer.open and time.monotonic() < until:
            seen += await peer.more(max(0.01, until - time.monotonic()))
            before, end, rest = seen.partition(b"\r\n\r\n")
            length = _LENGTH.search(before)
            if end and length and len(rest) >= int(length[1]):
                if b"connection: close" in before.lower():
                    peer.close()
                return [int(status) for status in _STATUS.findall(before)]
        found = [int(status) for status in _STATUS.findall(seen)]
        answer = found or [CLOSED if not peer.open else WAITS]
        peer.close()
        return answer

    async def _slow(self, each: Attack) -> None:
        """Send it piece by piece; how long it is borne is what counts."""
        try:
            peer = await self.connect()
        except (OSError, ssl.SSLError, TimeoutError):
            self.refused += 1
            self._judge(each, [CLOSED])
            return
        began, seen = time.monotonic(), b""
        for part in each.parts:
            if not peer.open or _STATUS.search(seen):
                break
            await peer.send(part)
            seen += await peer.more(each.pause)
        ended = not peer.open or bool(_STATUS.search(seen))
        self.slow_s.append(time.monotonic() - began)
        found = [int(status) for status in _STATUS.findall(seen)]
        self._judge(each, found or [CLOSED if ended else WAITS], bears=False)
        peer.close()

    def _judge(self, each: Attack, statuses: list[int], *, bears: bool = True) -> None:
        self.done += 1
        allowed = each.allowed | ({WAITS} if bears else set()) | {CLOSED}
        for status in statuses:
            self.statuses[each.kind][status] += 1
        if not set(statuses) <= allowed:
            self.unexpected_count += 1
            if len(self.unexpected) < KEPT:
                sent = b"".join(each.parts)[:600].decode("latin-1")
                self.unexpected.append({"kind": each.kind, "statuses": statuses, "sent": sent})

    async def _good(self, over: asyncio.Event) -> None:
        """Ask well, again and again; the last time after all else."""
        if not self.known.key:
            return
        last = False
        while not last:
            last = over.is_set()
            began = time.monotonic()
            try:
                peer = await self.connect(self.asked.good_source)
                statuses = await self._kept(peer, Attack("good", (good(self.known),), frozenset({200})), GOOD_S)
                peer.close()
            except (OSError, ssl.SSLError, TimeoutError) as error:
                statuses = []
                self.good_failed.append(f"{type(error).__name__}: {error}")
            if statuses == [200]:
                self.good_ms.append((time.monotonic() - began) * 1e3)
            elif statuses:
                self.good_failed.append(str(statuses))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.asked.good_every):
                    await over.wait()

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(5)
            sys.stderr.write(f"{self.done} of {self.asked.requests}, {self.unexpected_count} not as expected\n")
            sys.stderr.flush()

    def result(self, seconds: float) -> dict[str, Any]:
        times = sorted(self.good_ms)
        return {
            "requests": self.done,
            "seconds": round(seconds, 2),
            "kinds": {
                kind: {str(status): count for status, count in sorted(found.items())}
                for kind, found in sorted(self.statuses.items())
            },
            "unexpected": self.unexpected_count,
            "unexpected_first": self.unexpected,
            "connections_refused": self.refused,
            "slow_longest_s": round(max(self.slow_s, default=0.0), 1),
            "good": {
                "answered": len(times),
                "failed": self.good_failed[:KEPT],
                "p50_ms": round(times[len(times) // 2], 2) if times else None,
                "max_ms": round(times[-1], 2) if times else None,
            },
        }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="HOST:PORT")
    parser.add_argument("--ca", help="a certificate to trust: the gateway speaks TLS")
    parser.add_argument("--name", help="the gateway's name, where the target has its address")
    parser.add_argument("--keys", help="a file with keys as JSON")
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--concurrency", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=1.5, help="seconds to wait for an answer")
    parser.add_argument("--good-source", help="an address of this host to send good requests from")
    parser.add_argument("--good-every", type=float, default=0.5, help="seconds between good requests")
    parser.add_argument("--out", required=True)
    return parser.parse_args()


async def measure(asked: argparse.Namespace, known: Known) -> dict[str, Any]:
    raid = Raid(asked, known)
    began = time.monotonic()
    await raid.run()
    return raid.result(time.monotonic() - began)


def main() -> int:
    """0 where everything was answered as expected, and every good request."""
    asked = arguments()
    given = json.loads(Path(asked.keys).read_text()) if asked.keys else {}
    known = Known(host=asked.name or asked.target.rpartition(":")[0], **given)
    found = asyncio.run(measure(asked, known))
    Path(asked.out).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps({name: value for name, value in found.items() if name != "unexpected_first"}) + "\n")
    return 0 if not found["unexpected"] and not found["good"]["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
