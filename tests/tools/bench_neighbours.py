# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens per second of a llama-server alone, and beside busy programs with and without a weight that protects it.

    bench_neighbours.py --server .../llama-server --model .../model.gguf [--cpus 0-3 --threads 4 --busy 4 ...]

The runner is in a control group of its own and the busy programs are in another one beside it, as ollama.slice and
user.slice are. Without --server and --model, as in ``make bench``, it takes the lab's llama-server and a model of
random weights. Needs root, control groups of version 1 or 2 with the controller cpu, and of this repository
tests/lab/speed.py; Python 3.9, standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAB = Path(__file__).resolve().parents[1] / "lab"
sys.path.insert(0, str(LAB))

import speed

# The weight of every group that nobody gives another one, and how version 1 writes it.
DEFAULT_WEIGHT, SHARES_OF_DEFAULT = 100, 1024
GREATEST_WEIGHT = 10000
# Many layers and narrow ones: a token has barriers as that of a real model, and takes several milliseconds.
MODEL = ("16", "256", "1024")
# Of one answer, in multiples of what it takes alone. What is slower is cut, and counts with the tokens it has then.
PATIENCE = 4


class UnavailableError(Exception):
    """Why nothing can be measured here."""


def hierarchy(mounts: str) -> tuple[Path, int]:
    """Where the controller cpu is mounted, by lines of /proc/self/mounts, and the version of that hierarchy."""
    lines = [line.split() for line in mounts.splitlines()]
    for _what, place, kind, options, *_rest in lines:
        if kind == "cgroup" and "cpu" in options.split(","):
            return Path(place), 1
    for _what, place, kind, *_rest in lines:
        if kind == "cgroup2" and "cpu" in Path(place, "cgroup.controllers").read_text().split():
            return Path(place), 2
    raise UnavailableError("no mounted hierarchy of control groups has the controller cpu")


class Groups:
    """A group at the root with one child for the runner and one for the busy programs, gone at the end."""

    def __init__(self, mount: Path, version: int) -> None:
        self.mount, self.version = mount, version
        self.root = self.mount / f"ollama-bench-{os.getpid()}"

    def weigh(self, group: Path, weight: int) -> None:
        if self.version == 1:
            (group / "cpu.shares").write_text(str(weight * SHARES_OF_DEFAULT // DEFAULT_WEIGHT))
        else:
            (group / "cpu.weight").write_text(str(weight))

    def __enter__(self):
        try:
            if self.version == 2:
                (self.mount / "cgroup.subtree_control").write_text("+cpu")
            self.root.mkdir()
            if self.version == 2:
                (self.root / "cgroup.subtree_control").write_text("+cpu")
            for name in ("runner", "busy"):
                (self.root / name).mkdir()
            # What else the host does is not what is measured.
            self.weigh(self.root, GREATEST_WEIGHT)
        except OSError as error:
            self.__exit__()
            raise UnavailableError(f"no control group can be made in {self.mount}: {error}") from None
        return self

    def __exit__(self, *_error: object) -> None:
        for folder in (self.root / "runner", self.root / "busy", self.root):
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()

    def start(self, name: str, argv: list[str], cpus: set[int], output: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a program in the child group, on these CPUs."""
        own = os.sched_getaffinity(0)
        enter = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.root / name / "cgroup.procs")]
        with open(output or os.devnull, "wb") as file:
            os.sched_setaffinity(0, cpus)
            try:
                return subprocess.Popen([*enter, *argv], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
            finally:
                os.sched_setaffinity(0, own)


@contextlib.contextmanager
def ended(processes: list[subprocess.Popen[bytes]]):
    """Kill the processes after the block, and wait until their control group is empty."""
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def command(server: Path) -> list[str]:
    """The lab's program names a loader that only a test host has; here the one beside it starts it."""
    loader = server.with_name("ld.so")
    return [str(loader), "--library-path", str(server.parent), str(server)] if loader.is_file() else [str(server)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path, limit: float = 300.0) -> None:
    end = time.monotonic() + limit
    while not healthy(port):
        with contextlib.suppress(subprocess.TimeoutExpired):
            status, said = process.wait(timeout=0.1), log.read_text(errors="replace")[-600:]
            raise UnavailableError(f"llama-server ended with {status}: {said}")
        if time.monotonic() > end:
            raise UnavailableError(f"llama-server was not healthy within {limit:.0f} s")


def measure(groups: Groups, asked: argparse.Namespace, folder: Path) -> list[dict[str, float]]:
    """A round measures every arrangement once, one after the other."""
    port, log = free_port(), folder / "llama-server.log"
    argv = [*command(asked.server), "-m", str(asked.model), "--host", "127.0.0.1", "--port", str(port)]
    argv += ["-t", str(asked.threads), "-c", "4096", "-np", "1", "--offline"]
    rounds, limit = [], asked.seconds * PATIENCE
    runner = groups.start("runner", argv, asked.cpus, log)
    with ended([runner]):
        wait_until_healthy(runner, port, log)
        tokens = speed.tokens_for(port, asked.seconds)
        for _round in range(asked.rounds):
            row = {"alone": speed.generate(port, tokens, limit).rate}
            with ended([groups.start("busy", speed.COMPUTE, asked.cpus) for _program in range(asked.busy)]) as programs:
                pids = [program.pid for program in programs]
                for name, weight in (("protected", asked.weight), ("unprotected", DEFAULT_WEIGHT)):
                    groups.weigh(groups.root / "runner", weight)
                    with speed.watch(pids) as seen:
                        row[name] = speed.generate(port, tokens, limit).rate
                    row[f"{name}, busy"] = seen[0].computed
                    if seen[0].wanted < speed.ALWAYS:
                        raise UnavailableError(
                            f"the busy programs wanted a CPU in {seen[0].wanted:.0%} of the time only"
                        )
            rounds.append(row)
    return rounds


def lab_server(folder: Path) -> tuple[Path, Path]:
    """The lab's llama-server and a model of random weights."""
    if importlib.util.find_spec("gguf") is None:
        raise UnavailableError("this Python lacks the package gguf to make a model; name one with --model")
    done = subprocess.run([LAB / "get-llama.sh"], capture_output=True, check=False)
    if done.returncode:
        raise UnavailableError(done.stderr.decode(errors="replace").strip())
    model = folder / "model.gguf"
    subprocess.run([sys.executable, LAB / "tiny_model.py", model, *MODEL], check=True)
    return Path(done.stdout.decode().strip(), "lib", "llama-server"), model


def cpu_list(text: str) -> set[int]:
    ranges = [part.split("-") for part in text.split(",")]
    return {cpu for ends in ranges for cpu in range(int(ends[0]), int(ends[-1]) + 1)}


def arguments() -> argparse.Namespace:
    own = os.sched_getaffinity(0)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, help="a llama-server")
    parser.add_argument("--model", type=Path, help="a GGUF file")
    parser.add_argument("--cpus", type=cpu_list, default=own, help="of the runner and the busy programs, such as 0-3")
    parser.add_argument("--threads", type=int, help="compute threads of the runner; as many as CPUs")
    parser.add_argument("--busy", type=int, help="busy programs; as many as CPUs")
    parser.add_argument("--weight", type=int, help="of the runner's group, beside 100; as planned: 900 a thread")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one answer where nothing else runs (default 2)")
    parser.add_argument("--json", action="store_true", help="print every round as JSON")
    asked = parser.parse_args()
    if bool(asked.server) != bool(asked.model):
        parser.error("--server and --model go together")
    asked.threads, asked.busy = asked.threads or len(asked.cpus), asked.busy or len(asked.cpus)
    asked.weight = asked.weight or min(900 * asked.threads, GREATEST_WEIGHT)
    return asked


def processor() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(asked: argparse.Namespace, groups: Groups, rounds: list[dict[str, float]]) -> str:
    host = f"{processor()}: {len(asked.cpus)} CPUs, {asked.threads} threads, {asked.busy} busy programs, "
    host += f"control groups of version {groups.version}, load {os.getloadavg()[0]:.1f}"
    columns = f"{'tokens/s':>9} {'min':>8} {'max':>8} {'of alone':>9} {'min':>6} {'max':>6}"
    lines = [host, f"{f'median of {len(rounds)} rounds':26} {columns}"]
    beside = {"unprotected": DEFAULT_WEIGHT, "protected": asked.weight}
    for key, name in {"alone": "alone", **{key: f"beside them, {beside[key]} : 100" for key in beside}}.items():
        rate, ratio = speed.spread(row[key] for row in rounds), speed.ratios(rounds, key, "alone")
        line = f"{name:26} {rate['median']:9.2f} {rate['min']:8.2f} {rate['max']:8.2f} "
        lines.append(f"{line}{ratio['median']:9.3f} {ratio['min']:6.3f} {ratio['max']:6.3f}")
    return "\n".join(lines)


def run(asked: argparse.Namespace) -> str:
    if os.geteuid() != 0:
        raise UnavailableError("control groups need root")
    found = hierarchy(Path("/proc/self/mounts").read_text())
    with tempfile.TemporaryDirectory() as folder, Groups(*found) as groups:
        if not asked.server:
            asked.server, asked.model = lab_server(Path(folder))
        rounds = measure(groups, asked, Path(folder))
        return json.dumps(rounds) if asked.json else table(asked, groups, rounds)


def main() -> int:
    asked = arguments()
    given = bool(asked.server)
    try:
        sys.stdout.write(run(asked) + "\n")
    except UnavailableError as error:
        sys.stdout.write(f"A runner beside busy programs: not measured, {error}\n")
        # As a part of make bench it leaves the others' results what they are.
        return 1 if given else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
