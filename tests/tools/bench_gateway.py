# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway adds to a request, and what 2,000 streams cost it: a part of ``make bench``.

    bench_gateway.py [--rounds 5] [--pairs 1000] [--streams 2000] [--tokens 20] [--shared] [--json FILE]

``overhead`` sends a request straight to a server and the same one through the gateway, in turns over kept connections,
so that both meet the same host; the server is another HAProxy that answers from memory. Each round has the median of
the differences of its pairs, which has to be under a millisecond. ``streams`` lets a server stream to 2,000 clients at
once through a gateway that has one thread on one processor; all have to come whole, and the share of the processor is
what the kernel has counted. The configuration is the one that the role writes.

As root all programs of the measurement come before all others of the host (SCHED_FIFO), so that what else it does is
not what is measured; ``--shared`` leaves that out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "build" / "collections"), str(ROOT / "tests" / "lab")]

from bench_load import come_first
from fleet_load import Load, lengths
from fleet_load import arguments as load_arguments
from fleet_stream import WORDS
from gateway_config import KEY, MODEL, configuration

from ansible_collections.inference.ollama.tests.unit.support import streamed

LIMIT_MS = 1.0
# A stream has a token each half second, as one of several on a large model.
TOKEN_S = 0.5
ANSWER = json.dumps({"model": MODEL, "response": "ok", "done": True, "done_reason": "stop", "eval_count": 1})
BODY = json.dumps({"model": MODEL, "prompt": "why is the sky blue? " * 20, "stream": False}).encode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def haproxy(folder, name, text, *, processor=None):
    """A HAProxy with this configuration, once it listens: its process."""
    file = Path(folder, f"{name}.cfg")
    file.write_text(text, encoding="utf-8")
    argv = ["haproxy", "-db", "-f", str(file)]
    with open(Path(folder, f"{name}.log"), "wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:
        if processor is not None:
            os.sched_setaffinity(process.pid, {processor})
        yield process
    finally:
        process.terminate()
        process.wait()


def answers_from_memory(port):
    """A server that says the same to everybody, at once."""
    quoted = ANSWER.replace("\\", "\\\\").replace('"', '\\"')
    return f"""\
global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend server
  bind 127.0.0.1:{port}
  http-request return status 200 content-type application/json string "{quoted}"
"""


class Asker:
    """A kept connection that sends the same request again and again."""

    def __init__(self, port, key=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}

    def ask(self):
        """Milliseconds of an answer."""
        began = time.perf_counter_ns()
        self.connection.request("POST", "/api/generate", BODY, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        spent = (time.perf_counter_ns() - began) / 1e6
        if answer.status != 200:
            raise SystemExit(f"status {answer.status}: {text[:200]!r}")
        return spent


def until_it_answers(asker):
    for _look in range(200):
        with contextlib.suppress(OSError, http.client.HTTPException, SystemExit):
            asker.ask()
            return
        asker.connection.close()
        time.sleep(0.05)
    asker.ask()


def overhead(folder, asked):
    """Medians of each round: straight, through the gateway, and of the differences of the pairs, in milliseconds."""
    server, gateway = free_port(), free_port()
    rounds = []
    text = configuration(folder, gateway, [server], slots=64)
    with haproxy(folder, "server", answers_from_memory(server)), haproxy(folder, "gateway", text):
        straight, through = Asker(server), Asker(gateway, KEY)
        until_it_answers(straight)
        until_it_answers(through)
        for _round in range(asked.rounds):
            pairs = []
            for number in range(asked.pairs):
                if number % 2:
                    pairs.append((straight.ask(), through.ask()))
                else:
                    later = through.ask()
                    pairs.append((straight.ask(), later))
            rounds.append(
                {
                    "straight_ms": statistics.median(one for one, _other in pairs),
                    "gateway_ms": statistics.median(other for _one, other in pairs),
                    "added_ms": statistics.median(other - one for one, other in pairs),
                }
            )
    return rounds


def serve_streams(port):
    """Stream the stand-in's sequence until this process is ended."""
    parts = [streamed.part(f" {text}") for text in WORDS]

    def script(request, _number):
        tokens = request["options"]["num_predict"]
        yield 0, streamed.HEAD
        for token in range(tokens):
            yield token * TOKEN_S, parts[token % len(parts)]
        yield (tokens - 1) * TOKEN_S, streamed.last(tokens, 1)

    async def listen():
        server = streamed.Streaming(script)
        async with await asyncio.start_server(server.handle, "127.0.0.1", port, backlog=4096) as listening:
            await listening.serve_forever()

    asyncio.run(listen())


def processor_seconds(pid):
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ask_for_streams(folder, port, asked):
    """The result of the load, all streams at once."""
    argv = [
        f"http://127.0.0.1:{port}",
        "--key-file",
        f"{folder}/key",
        "--model",
        MODEL,
        "--out",
        str(Path(folder, "load")),
    ]
    options = load_arguments([*argv, "--least", str(asked.streams), "--concurrency", str(asked.streams)])
    options.lengths = lengths(str(asked.tokens))
    load = Load(options, asyncio.get_running_loop())
    await load.run()
    return load.result()


def streams(folder, asked):
    """Streams at once through one thread on one processor, and the share of it that they took."""
    server, gateway = free_port(), free_port()
    last = max(os.sched_getaffinity(0))
    text = configuration(
        folder, gateway, [server], slots=asked.streams, threads=1, connections=8192, connections_per_address=8192
    )
    Path(folder, "key").write_text(KEY)
    child = subprocess.Popen([sys.executable, __file__, "--serve", str(server)], stdin=subprocess.DEVNULL)
    try:
        wait_for(server)
        with haproxy(folder, "streams", text, processor=last) as process:
            wait_for(gateway)
            before, began = processor_seconds(process.pid), time.monotonic()
            found = asyncio.run(ask_for_streams(folder, gateway, asked))
            spent, seconds = processor_seconds(process.pid) - before, time.monotonic() - began
            memory = Path(f"/proc/{process.pid}/status").read_text().partition("VmRSS:")[2].split()[0]
    finally:
        child.terminate()
        child.wait()
    return {
        "streams": found["streams"],
        "whole": found["whole"],
        "most_at_once": found["most_at_once"],
        "seconds": round(seconds, 2),
        "tokens_per_second": round(asked.streams * asked.tokens / seconds),
        "share_of_processor": round(spent / seconds, 4),
        "resident_kib": int(memory),
        "failures": found["failures"][:5],
    }


def wait_for(port):
    for _look in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens at port {port}")


def spread(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def table(found):
    """Figures of each part, with the least and the greatest of all rounds."""
    lines = [f"{found['haproxy']}; load {found['load']:.1f}; priority {found['priority']}"]
    names = ("straight_ms", "gateway_ms", "added_ms")
    lines += [f"{name:14} {spread([each[name] for each in found['overhead']])}" for name in names]
    for each in found["streams"]:
        whole, at_once = f"{each['whole']} of {each['streams']} whole", f"{each['most_at_once']} at once"
        rate = f"{each['tokens_per_second']} tokens/s"
        lines.append(
            f"streams        {whole}, {at_once}, {rate}, {100 * each['share_of_processor']:.1f} % of a processor"
        )
    lines.append(f"allowed is {LIMIT_MS:g} ms at the median, and no stream that is not whole")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=1000, help="requests of a round, straight and through the gateway")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=20, help="of each stream, two a second")
    parser.add_argument("--stream-rounds", type=int, default=3)
    parser.add_argument("--shared", action="store_true", help="with the priority of any program")
    parser.add_argument("--json", help="a file for all figures")
    asked = parser.parse_args()
    if asked.serve:
        serve_streams(asked.serve)
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    found = {"haproxy": version, "load": os.getloadavg()[0], "priority": "normal"}
    if not asked.shared:
        found["priority"] = come_first()  # and so do the programs that are started from here
    with tempfile.TemporaryDirectory() as folder:
        found["overhead"] = overhead(folder, asked)
        found["streams"] = [streams(folder, asked) for _round in range(asked.stream_rounds)]
    if asked.json:
        Path(asked.json).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(table(found) + "\n")
    added = statistics.median(each["added_ms"] for each in found["overhead"])
    return 0 if added < LIMIT_MS and all(each["whole"] == each["streams"] for each in found["streams"]) else 1


if __name__ == "__main__":
    sys.exit(main())
