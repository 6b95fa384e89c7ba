# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the load generator itself takes, and how true its figures are: a part of ``make bench``.

    bench_load.py [--seconds 10] [--rounds 3] [--shared] [--json FILE]

A server of this program, in a process of its own, answers with delays that are known beforehand. ``overhead`` keeps 256
streams at 2,000 tokens per second in all and measures the generator's CPU; it has to be under one core. ``accuracy``
compares percentiles with those of the delays that the server was given, and with those at which it really sent, since
the server is as late as any program on a busy host; they have to be within 2 ms of the first.

As root both processes come before all other programs of the host (SCHED_FIFO), so that what else it does is not what is
measured; ``--shared`` leaves that out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import selectors
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.options import SPEC, check
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.summary import summary
from ansible_collections.inference.ollama.plugins.modules.benchmark import run
from ansible_collections.inference.ollama.tests.unit.support import streamed

STREAMS, RATE, CORES, LIMIT_MS = 256, 2000, 1.0, 2.0
ACCURATE_STREAMS, ACCURATE_REQUESTS, ACCURATE_TOKENS = 16, 1200, 8
NAMES = ("time_to_first_token_ms", "inter_token_latency_ms", "request_latency_ms")
PERCENTILES = ("p50", "p95", "p99")


def delays(kind, number):
    """Seconds to the first token and from each to the next, by the number of the request."""
    draw = random.Random(number)
    if kind == "overhead":
        return draw.uniform(0.05, 0.3), STREAMS / RATE
    return min(draw.lognormvariate(-3.2, 0.5), 0.4), draw.uniform(0.004, 0.012)


def serve(kind):
    """Answer until the standard input ends, then print what was scripted and what was sent, request by request."""
    log = []
    piece = streamed.part(" word")

    def script(request, number):
        received = time.monotonic()
        tokens = request["options"]["num_predict"]
        first, each = delays(kind, number)
        entry = {"scripted": times(first, first + each * (tokens - 1), tokens), "sent": None}
        log.append(entry)
        yield 0, streamed.HEAD
        sent = []
        for token in range(tokens - 1):
            yield first + each * token, piece
            sent.append(time.monotonic() - received)
        # The last part comes with the last line, as their times are one.
        yield (
            first + each * (tokens - 1),
            piece + streamed.last(tokens, streamed.tokens_of(request["prompt"])),
        )
        sent.append(time.monotonic() - received)
        entry["sent"] = times(sent[0], sent[-1], tokens)

    async def listen():
        server = streamed.Streaming(script)
        listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, backlog=512)
        print(listening.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the other process learns of it
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    # epoll waits in whole milliseconds, select in microseconds.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(listen())
    print(json.dumps(log), flush=True)  # noqa: T201 - same
    os._exit(0)  # the streams that are left have nobody to answer


def times(first, last, tokens):
    """The values of a request whose first and last token come so many seconds after it."""
    between = (last - first) / (tokens - 1) if tokens > 1 else None
    return dict(zip(NAMES, (first * 1000, None if between is None else between * 1000, last * 1000)))


def measured(kind, **options):
    """The one point of a measurement, the CPU seconds that it took, and what the server logged."""
    params = {name: entry.get("default") for name, entry in SPEC.items()}
    argv = [sys.executable, __file__, "--serve", kind]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        params.update(urls=[f"http://127.0.0.1:{server.stdout.readline().strip()}"], model="m", **options)
        checked = check(params)
        spent = time.process_time()
        result = run(checked)
        spent = time.process_time() - spent
        server.stdin.close()
        log = json.loads(server.stdout.readline())
    return result, spent, log


def overhead(seconds):
    """Cores that the generator takes, with the rate that it saw."""
    tokens = int(seconds * RATE / STREAMS * 0.4)
    result, spent, _log = measured(
        "overhead", concurrency=[STREAMS], duration=seconds, output_tokens=tokens, request_timeout=60, prompt_tokens=256
    )
    point = result["points"][0]
    # The warm-up is a load as the point is.
    return {
        "cores": spent / result["seconds"],
        "tokens_per_second": point["metrics"]["output_token_throughput"]["mean"],
        "request_concurrency": point["request_concurrency"],
        "requests": point["requests"],
    }


def accuracy():
    """Differences in milliseconds, by metric and percentile."""
    result, _spent, log = measured(
        "accuracy",
        concurrency=[ACCURATE_STREAMS],
        duration=120,
        requests=ACCURATE_REQUESTS,
        output_tokens=ACCURATE_TOKENS,
        prompt_tokens=64,
    )
    point = result["points"][0]
    rows = {}
    for name in NAMES:
        rows[name] = {"measured": {key: point["metrics"][name][key] for key in PERCENTILES}}
        for against in ("scripted", "sent"):
            true = summary([entry[against][name] for entry in log[-ACCURATE_REQUESTS:]])
            rows[name][against] = {key: true[key] for key in PERCENTILES}
    return {"requests": point["requests"], "metrics": rows}


def come_first():
    """Come before all other programs, where that is allowed; the name of the policy that holds."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "real-time" if os.sched_getscheduler(0) == os.SCHED_FIFO else "normal"


def worst(found, against):
    """The greatest difference of a percentile."""
    return max(
        abs(row["measured"][key] - row[against][key]) for row in found["metrics"].values() for key in PERCENTILES
    )


def table(found):
    cores = [each["cores"] for each in found["overhead"]]
    host = (
        f"this host: {os.cpu_count()} CPUs, Python {platform.python_version()}, load {found['load']:.1f} at the start"
    )
    lines = [f"{host}, {found['priority']} priority", f"{'overhead':38} {'cores':>7} {'tokens/s':>9} {'streams':>8}"]
    lines += [
        f"{f'  run {number}':38} {each['cores']:7.3f} {each['tokens_per_second']:9.0f}"
        f" {each['request_concurrency']:8.1f}"
        for number, each in enumerate(found["overhead"], 1)
    ]
    middle = statistics.median(cores)
    lines.append(f"  median {middle:.3f}, {min(cores):.3f} to {max(cores):.3f} cores; allowed is under {CORES:g}")
    lines.append(f"{'accuracy, milliseconds':38} {'p50':>9} {'p95':>9} {'p99':>9}")
    for number, each in enumerate(found["accuracy"], 1):
        for name, row in each["metrics"].items():
            for against in ("scripted", "sent"):
                cells = [row["measured"][key] - row[against][key] for key in PERCENTILES]
                label = f"  run {number}: {name[:-3]}, less {against}"
                lines.append(f"{label:38.50} " + " ".join(f"{cell:+9.3f}" for cell in cells))
    for against in ("scripted", "sent"):
        each = [worst(run_of, against) for run_of in found["accuracy"]]
        lines.append(f"  greatest difference from what was {against}: {min(each):.3f} to {max(each):.3f} ms")
    lines.append(f"  allowed is {LIMIT_MS:g} ms from what was scripted")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", choices=["overhead", "accuracy"], help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=10, help="how long a run of the overhead takes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shared", action="store_true", help="with the priority of any program")
    parser.add_argument("--json", help="a file for all figures")
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
    found = {"load": os.getloadavg()[0], "priority": "normal", "overhead": [], "accuracy": []}
    if not asked.shared:
        found["priority"] = come_first()
    for _round in range(asked.rounds):
        found["overhead"].append(overhead(asked.seconds))
        found["accuracy"].append(accuracy())
    if asked.json:
        Path(asked.json).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(table(found) + "\n")
    fits = max(each["cores"] for each in found["overhead"]) < CORES
    return 0 if fits and max(worst(each, "scripted") for each in found["accuracy"]) <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
