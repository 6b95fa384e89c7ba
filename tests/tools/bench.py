# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much CPU and time reading a host takes, beside ansible.builtin.setup: ``make bench``.

Every module runs as a target runs it: ``ansible`` wraps it into one program (AnsiballZ) and leaves that where it is
asked to, and the programs are then run in turn on this host. Ansible's own share, which every module pays, is what
ansible.builtin.ping takes.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
sys.path.insert(0, str(COLLECTIONS))

from ansible_collections.inference.ollama.tests.unit.support import trees
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine

LARGE = "synth__hwloc-xml-192em64t-24n8c2t"
ROUNDS = int(os.environ.get("ROUNDS", "7"))


def large_machine(folder):
    """The root of a machine of 24 sockets, 24 nodes and 384 CPUs: the captured one, or a generated one."""
    if LARGE in trees.names():
        return trees.tree(LARGE), "captured"
    return Machine(sockets=24, cores=8, threads=2, nodes=24).write(f"{folder}/large"), "generated"


def wrapped(folder, name, module, args):
    """The program that Ansible would copy to a target."""
    place = Path(folder, name)
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TEMP": str(place),
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-c", "local", "-m", module, "-a", args]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (program,) = place.glob("*/AnsiballZ_*.py")
    return program


def run(program):
    """Seconds of CPU, the programs that it starts included, and seconds on the clock."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{program} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


def table(programs):
    """CPU and clock time of each program, a row a round; the programs take turns, so that all see the same load."""
    taken = {name: [] for name in programs}
    for _round in range(ROUNDS):
        for name, program in programs.items():
            taken[name].append(run(program))
    return taken


def less_ping(taken, name):
    """Medians of CPU and clock time beyond what ping took in the same round, since a host's speed changes meanwhile."""
    beyond = [[mine - floor for mine, floor in zip(*pair)] for pair in zip(taken[name], taken["ping"])]
    return [statistics.median(column) for column in zip(*beyond)]


def share(ours, theirs):
    return f"{ours / max(theirs, 0.001):.2f}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        root, origin = large_machine(folder)
        large = f"topology_facts, 384 CPUs ({origin})"
        wanted = {
            "ping": ("ansible.builtin.ping", ""),
            "setup, hardware": ("ansible.builtin.setup", "gather_subset=hardware"),
            "topology_facts": ("inference.ollama.topology_facts", ""),
            large: ("inference.ollama.topology_facts", f"root={root}"),
        }
        programs = {name: wrapped(folder, str(number), *asked) for number, (name, asked) in enumerate(wanted.items())}
        taken = table(programs)
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in taken.items()}
    lines = [f"this host: {os.cpu_count()} CPUs, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"]
    heading = f"median of {ROUNDS} runs"
    lines.append(f"{heading:38} {'CPU s':>7} {'less ping':>10} {'clock s':>8} {'less ping':>10}")
    for name, (cpu, clock) in medians.items():
        more_cpu, more_clock = less_ping(taken, name)
        lines.append(f"{name:38} {cpu:7.3f} {more_cpu:10.3f} {clock:8.3f} {more_clock:10.3f}")
    rows = medians["topology_facts"], medians["setup, hardware"]
    beyond = less_ping(taken, "topology_facts"), less_ping(taken, "setup, hardware")
    for number, what in enumerate(("CPU", "clock time")):
        whole, own = (share(ours[number], theirs[number]) for ours, theirs in (rows, beyond))
        lines.append(f"topology_facts takes {whole} of setup's {what}; less ping's, which every module pays, {own}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
