# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how fast a service's runners answer beside busy programs in user.slice, and print it as JSON.

neighbours.py ROUNDS SECONDS MODEL...

Each round measures, one after the other: the service as it is, alone and beside as many busy programs as there are
CPUs, and the service in system.slice beside them, which is where a unit without ``Slice=`` is. Several models answer at
the same time, each by a runner of its own. Answers take about SECONDS where nothing else runs. At the end the service
runs as before.
Run as root; probe.py and speed.py lie beside it. Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Iterator

from probe import UNIT, api, children, process, read, shown
from speed import COMPUTE, Answer, generate_at_once, ratios, tokens_for, watch

DROPIN = f"/etc/systemd/system/{UNIT}.d/zz-hand.conf"
NEIGHBOURS = "lab-neighbours.service"
# Of one answer, in multiples of what it takes alone. What is slower is cut, and counts with the tokens it has then.
PATIENCE = 2


def systemctl(*argv: str) -> None:
    subprocess.run(["systemctl", *argv], check=True)


def settle(lines: str) -> None:
    """Restart the service with lines of [Service] in a drop-in by hand, or without one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(DROPIN)
    if lines:
        with open(DROPIN, "w") as file:
            file.write(f"[Service]\n{lines}\n")
    systemctl("daemon-reload")
    systemctl("restart", UNIT)


class Runner:
    """The process that has loaded a model, and where it listens."""

    def __init__(self, pid: int) -> None:
        self.argv = process(pid)["argv"]
        self.pid, self.port = pid, int(self.argv[self.argv.index("--port") + 1])

    def group(self) -> str:
        """The control group that decides its share of the CPUs."""
        lines = [line.split(":", 2) for line in read(f"/proc/{self.pid}/cgroup").splitlines()]
        return next((path for _number, names, path in lines if "cpu" in names.split(",")), lines[-1][2])


def load(models: list[str], limit: float = 60.0) -> list[Runner]:
    """The runner of each model, of a server that may have just been started."""
    server, end = int(shown()["MainPID"]), time.monotonic() + limit
    for model in models:
        while True:
            address = process(server)["environ"].get("OLLAMA_HOST", "127.0.0.1:11434")
            answer = api(address, "/api/generate", {"model": model, "keep_alive": "1h"})
            if "error" not in answer:
                break
            if time.monotonic() > end:
                sys.exit(f"{model} is not loaded: {answer['error']}")
            time.sleep(0.1)
    runners = [Runner(pid) for pid in sorted(children(server))]
    if len(runners) != len(models):
        sys.exit(f"{UNIT} has {len(runners)} child processes for {len(models)} models")
    return runners


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[list[int]]:
    """Programs in user.slice that keep so many CPUs busy: their process IDs."""
    start = " & ".join([subprocess.list2cmdline(COMPUTE[:1]) + " -c 'while True: pass'"] * count)
    systemd = ["systemd-run", "--quiet", "--collect", f"--unit={NEIGHBOURS}", "--slice=user.slice"]
    subprocess.run([*systemd, "sh", "-c", f"{start} & wait"], check=True)
    try:
        shell = int(shown(NEIGHBOURS)["MainPID"])
        end = time.monotonic() + 30
        while len(pids := children(shell)) != count:
            if time.monotonic() > end:
                sys.exit(f"{NEIGHBOURS} has started {len(pids)} of {count} programs")
        yield pids
    finally:
        systemctl("stop", NEIGHBOURS)


CONTROL = "Package: neighbours\nVersion: 1\nArchitecture: all\nMaintainer: root <root@localhost>\nDescription: a file\n"


def result(answers: list[Answer]) -> dict[str, Any]:
    return {"rates": [answer.rate for answer in answers], "cut": any(answer.cut for answer in answers)}


def beside(runners: list[Runner], tokens: int, limit: float) -> dict[str, Any]:
    with neighbours(os.cpu_count() or 1) as pids, watch(pids) as seen:
        found = result(generate_at_once([runner.port for runner in runners], tokens, limit))
    return {**found, "neighbours": seen[0]._asdict(), "group": runners[0].group()}


def took(work: Callable[[], None]) -> float:
    """Seconds on the clock."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def greet() -> None:
    """Wait for the line with which sshd begins, which it sends from a process of its own."""
    with socket.create_connection(("127.0.0.1", 22), timeout=60) as connection:
        assert connection.recv(4) == b"SSH-"


def build_package(folder: str) -> str:
    """Make a package of one file, and return its path."""
    tree = pathlib.Path(folder, "package")
    for name, text in (("DEBIAN/control", CONTROL), ("usr/share/neighbours/file", "x" * 100_000)):
        path = tree / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    deb = f"{folder}/neighbours.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", str(tree), deb], check=True, stdout=subprocess.DEVNULL)
    return deb


def install(deb: str) -> None:
    subprocess.run(["dpkg", "--install", deb], check=True, stdout=subprocess.DEVNULL, timeout=300)


def administered(runners: list[Runner], tokens: int, limit: float) -> dict[str, float]:
    """Seconds that an administrator waits for sshd, systemctl and dpkg while runners and busy programs compute."""
    done = threading.Event()

    def compute() -> None:
        while not done.is_set():
            generate_at_once([runner.port for runner in runners], tokens, limit)

    with tempfile.TemporaryDirectory() as folder, neighbours(os.cpu_count() or 1):
        deb = build_package(folder)
        computing = threading.Thread(target=compute)
        computing.start()
        found = {
            "sshd": took(greet),
            "systemctl": took(lambda: systemctl("is-active", "--quiet", "ssh.service")),
            "dpkg": took(lambda: install(deb)),
        }
        found["computing"] = float(computing.is_alive())
        done.set()
        computing.join()
    return found


def measure(rounds: int, seconds: float, models: list[str]) -> dict[str, Any]:
    limit, found = seconds * PATIENCE, []
    settle("")
    runners = load(models)
    tokens = tokens_for(runners[0].port, seconds)
    for _round in range(rounds):
        alone = result(generate_at_once([runner.port for runner in runners], tokens, limit))
        protected = beside(runners, tokens, limit)
        settle("Slice=system.slice")
        stock = beside(load(models), tokens, limit)
        settle("")
        runners = load(models)
        generate_at_once([runner.port for runner in runners], 8, limit)
        found.append({"alone": alone, "protected": protected, "stock": stock})
    answers = administered(runners, tokens, limit)
    sums = [{name: sum(seen["rates"]) for name, seen in each.items()} for each in found]
    return {
        "argv": [runner.argv for runner in runners],
        "threads": process(runners[0].pid)["environ"].get("LLAMA_ARG_THREADS"),
        "group": runners[0].group(),
        "tokens": tokens,
        "rounds": found,
        "rate": {name: statistics.median(each[name] for each in sums) for name in sums[0]},
        "of_alone": {name: ratios(sums, name, "alone") for name in ("protected", "stock")},
        "answers": answers,
    }


if __name__ == "__main__":
    try:
        outcome = measure(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    finally:
        if os.path.exists(DROPIN):
            settle("")
    json.dump(outcome, sys.stdout)
