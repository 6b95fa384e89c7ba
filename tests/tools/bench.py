# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much CPU and time reading a host takes, beside ansible.builtin.setup: ``make bench``.

Every module runs as a target runs it: ``ansible`` wraps it into one program (AnsiballZ) and leaves that where it is
asked to, and the programs are then run in turn on this host, all of them once a round. Ansible's own share, which every
module pays, is what ansible.builtin.ping takes; each round's is taken off what the others took in that round.

``bench.py wrap FOLDER`` writes the programs and ``bench.py run FOLDER`` runs them, on another host too: that needs a
Python and nothing else. ``ROUNDS`` is how often (7), ``BESIDE`` the ``build/collections`` of another checkout, whose
topology_facts takes its turn with this one's.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
LARGE = "synth__hwloc-xml-192em64t-24n8c2t"
ROUNDS = int(os.environ.get("ROUNDS", "7"))
BESIDE = os.environ.get("BESIDE")
# Kept with the programs: their names in the order of a round.
LIST = "programs.json"
PING, SETUP = "ping", "setup, hardware"


def large_machine(folder):
    """The files of a machine of 24 sockets, 24 nodes and 384 CPUs, captured or generated, in a folder."""
    sys.path.insert(0, str(COLLECTIONS))
    from ansible_collections.inference.ollama.tests.unit.support import trees  # noqa: PLC0415 to run needs none of it
    from ansible_collections.inference.ollama.tests.unit.support.machine import Machine  # noqa: PLC0415

    if LARGE in trees.names():
        shutil.copytree(trees.tree(LARGE), folder, symlinks=True)
        return "captured"
    Machine(sockets=24, cores=8, threads=2, nodes=24).write(folder)
    return "generated"


def wrapped(place, module, args, collections):
    """The program that Ansible would copy to a target, at a place."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "ANSIBLE_REMOTE_TEMP": folder,
            "ANSIBLE_LOCALHOST_WARNING": "0",
        }
        command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-c", "local", "-m", module, "-a", args]
        command += ["-e", f"ansible_python_interpreter={sys.executable}"]
        subprocess.run(command, env=environment, cwd=place.parent, check=True, capture_output=True)
        (program,) = Path(folder).glob("*/AnsiballZ_*.py")
        shutil.copy(program, place)


def wrap(folder):
    """Write the programs, and the machine that one of them reads, which it names by its place beside the program."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    origin = large_machine(folder / "large")
    facts = "inference.ollama.topology_facts"
    wanted = {
        PING: ("ansible.builtin.ping", "", COLLECTIONS),
        SETUP: ("ansible.builtin.setup", "gather_subset=hardware", COLLECTIONS),
        "topology_facts": (facts, "", COLLECTIONS),
        f"topology_facts, 384 CPUs ({origin})": (facts, "root=large", COLLECTIONS),
    }
    if BESIDE:
        wanted["topology_facts, the other"] = (facts, "", BESIDE)
        wanted["topology_facts, 384 CPUs, the other"] = (facts, "root=large", BESIDE)
    programs = {}
    for number, (name, asked) in enumerate(wanted.items()):
        programs[name] = f"{number}.py"
        wrapped(folder / programs[name], *asked)
    (folder / LIST).write_text(json.dumps(programs), encoding="utf-8")


def taken_by(program):
    """Seconds of CPU, the programs that it starts included, and seconds on the clock."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, program.name], cwd=program.parent, stdout=subprocess.DEVNULL)
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
            taken[name].append(taken_by(program))
    return taken


def beyond_ping(taken, name, column):
    """What each round took beyond ping in the same round, since a host's speed changes meanwhile."""
    return [mine[column] - floor[column] for mine, floor in zip(taken[name], taken[PING])]


def shares(taken, name, column):
    """Each round's share of what setup took beyond ping, in ascending order."""
    pairs = zip(beyond_ping(taken, name, column), beyond_ping(taken, SETUP, column))
    return sorted(ours / max(theirs, 0.001) for ours, theirs in pairs)


def share_of_least(taken, name):
    """The same of the least CPU that each one ever took, which other work on the host lengthens least."""
    least = {program: min(cpu for cpu, _clock in rows) for program, rows in taken.items()}
    return (least[name] - least[PING]) / max(least[SETUP] - least[PING], 0.001)


def report(taken):
    lines = [f"this host: {os.cpu_count()} CPUs, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"]
    heading = f"median of {ROUNDS} runs"
    lines.append(f"{heading:38} {'CPU s':>7} {'less ping':>10} {'clock s':>8} {'less ping':>10}")
    for name, rows in taken.items():
        cells = [
            statistics.median(cell)
            for column in (0, 1)
            for cell in (list(zip(*rows))[column], beyond_ping(taken, name, column))
        ]
        lines.append(f"{name:38} {cells[0]:7.3f} {cells[1]:10.3f} {cells[2]:8.3f} {cells[3]:10.3f}")
    lines.append("")
    heading = "share of setup's, both less ping's"
    lines.append(f"{heading:38} {'CPU':>7} {'of the least':>13} {'of rounds':>14} {'clock':>8} {'of rounds':>14}")
    for name in taken:
        if name not in (PING, SETUP):
            cpu, clock = (shares(taken, name, column) for column in (0, 1))
            spread = [f"{found[0]:.2f} to {found[-1]:.2f}" for found in (cpu, clock)]
            middle = [statistics.median(found) for found in (cpu, clock)]
            row = f"{name:38} {middle[0]:7.2f} {share_of_least(taken, name):13.2f} {spread[0]:>14}"
            lines.append(f"{row} {middle[1]:8.2f} {spread[1]:>14}")
    sys.stdout.write("\n".join(lines) + "\n")


def run(folder):
    programs = json.loads(Path(folder, LIST).read_text(encoding="utf-8"))
    report(table({name: Path(folder, program) for name, program in programs.items()}))


def main():
    steps = {"wrap": wrap, "run": run}
    if len(sys.argv) == 1:
        with tempfile.TemporaryDirectory() as folder:
            wrap(folder)
            run(folder)
    elif len(sys.argv) == 3 and sys.argv[1] in steps:
        steps[sys.argv[1]](sys.argv[2])
    else:
        raise SystemExit("bench.py, bench.py wrap FOLDER, or bench.py run FOLDER")


if __name__ == "__main__":
    main()
