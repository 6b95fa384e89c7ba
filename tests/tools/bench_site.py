# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``site`` takes where nothing is to change, beside the smallest play that templates one file with a handler.

Without an inventory each host is a folder of this machine (``ollama_staging_root``), which the first run fills, and
``--hosts`` says how many there are. With ``--inventory`` they are the hosts of its group ``ollama``, which ``site`` has
tuned and whose services are asked too; the small play writes below ``/tmp`` there. The two take turns. What follows
``--`` goes to both, as ``-- --forks 50``.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "playbooks" / "site.yml"
SMALL = """\
- name: Template one file
  hosts: ollama
  gather_facts: {facts}
  become: {become}
  tasks:
    - name: Write the file
      ansible.builtin.template:
        src: small.conf.j2
        dest: "{place}"
        mode: "0644"
      notify: Say so
  handlers:
    - name: Say so
      ansible.builtin.debug:
        msg: The file has changed
"""
# A host's line in the recap of a run that has changed nothing.
STEADY = re.compile(r"^\S+ +: ok=\d+ +changed=0 +unreachable=0 +failed=0 ", re.MULTILINE)


class Taken(NamedTuple):
    """Seconds on the clock, and of CPU: the controller's, and that of what it has started on this machine."""

    clock: float
    cpu: float


def run(command, folder, hosts):
    """Run a playbook. An error where it fails, or changes one of so many hosts; None is a run that may change them."""
    began = time.perf_counter()
    with (folder / "output").open("w+", encoding="utf-8") as output:
        child = subprocess.Popen(
            [str(Path(sys.executable).with_name("ansible-playbook")), *command],
            cwd=folder,
            env={
                "ANSIBLE_CONFIG": str(ROOT / "playbooks" / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _pid, status, usage = os.wait4(child.pid, 0)
        clock = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode or hosts not in (None, len(STEADY.findall(text))):
        raise SystemExit(
            f"{text}\n{' '.join(command)}: ended with {child.returncode}, or did not find every host steady"
        )
    return Taken(clock, usage.ru_utime + usage.ru_stime)


def local_hosts(folder, count):
    """The inventory of so many hosts that are folders of this machine."""
    shared = ["ansible_connection=local", f"ansible_python_interpreter={sys.executable}", "ollama_version=0.34.1"]
    names = [f"node{number:03}" for number in range(count)]
    lines = [f"{name} ollama_staging_root={folder}/hosts/{name} small_folder={folder}/small/{name}" for name in names]
    for name in names:
        (folder / "small" / name).mkdir(parents=True, exist_ok=True)
        (folder / "hosts" / name).mkdir(parents=True, exist_ok=True)
    place = folder / f"hosts-{count}"
    place.write_text("\n".join(["[ollama]", *lines, "[ollama:vars]", *shared, ""]), encoding="utf-8")
    return place


def measure(folder, inventory, hosts, asked):
    """Each round's run of the small play and of ``site``, in turn, after a run of both that may change something."""
    (folder / "small.conf.j2").write_text("host = {{ inventory_hostname }}\n", encoding="utf-8")
    place = "{{ small_folder | default('/tmp') }}/bench-site.conf"
    become = str(asked.inventory is not None).lower()
    small = SMALL.format(place=place, facts=str(asked.facts).lower(), become=become)
    (folder / "small.yml").write_text(small, encoding="utf-8")
    plays = [[play, "-i", str(inventory), *asked.rest] for play in ("small.yml", str(SITE))]
    for play in plays:
        run([*play, "-e", "ollama_serial=100%"], folder, None)
    return [[run(play, folder, hosts) for play in plays] for _round in range(asked.rounds)]


def spread(values, form):
    values = sorted(values)
    return f"{statistics.median(values):{form}} ({values[0]:{form}} to {values[-1]:{form}})"


def row(hosts, rounds):
    """A line of the table: what each took for each host, and how many times as long ``site`` took, by round."""
    cells = [spread([pair[1].clock / pair[0].clock for pair in rounds], ".2f")]
    cells += [spread([pair[1].cpu / pair[0].cpu for pair in rounds], ".2f")]
    cells += [spread([pair[play].clock for pair in rounds], ".1f") for play in (0, 1)]
    cells += [f"{statistics.median([pair[play].cpu for pair in rounds]) / hosts:.3f}" for play in (0, 1)]
    return f"{hosts:5} " + " ".join(f"{cell:>24}" for cell in cells[:4]) + " ".join(f"{cell:>12}" for cell in cells[4:])


def line(sizes, seconds):
    """Seconds of a run and for each host by least squares, and the greatest distance of a run from the line."""
    slope, start = statistics.linear_regression(sizes, seconds)
    away = max(abs(start + slope * size - taken) / taken for size, taken in zip(sizes, seconds))
    return f"{start:.1f} s and {slope:.3f} s for each host, no run further from that than {100 * away:.0f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, nargs="+", default=[5, 50, 100, 300], help="how many folders are hosts")
    parser.add_argument("--inventory", type=Path, help="hosts to measure in the place of folders")
    parser.add_argument("--rounds", type=int, default=3, help="how often each play runs")
    parser.add_argument("--facts", action="store_true", help="let the small play gather facts, as plays do by default")
    parser.add_argument("rest", nargs="*", help="options of ansible-playbook, after --")
    asked = parser.parse_args()
    sys.stdout.write(f"{os.cpu_count()} CPUs, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    heads = ["site : small, clock", "site : small, CPU", "small, s", "site, s"]
    sys.stdout.write("hosts " + " ".join(f"{head:>24}" for head in heads) + "   CPU s a host, small and site\n")
    found = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if asked.inventory is None:
            inventories = {count: local_hosts(folder, count) for count in asked.hosts}
        else:
            listed = ["ansible", "-i", str(asked.inventory.resolve()), "ollama", "--list-hosts"]
            done = subprocess.run(listed, check=True, capture_output=True, text=True)
            inventories = {int(re.search(r"\((\d+)\)", done.stdout)[1]): asked.inventory.resolve()}
        for hosts, inventory in inventories.items():
            found[hosts] = measure(folder, inventory, hosts, asked)
            sys.stdout.write(row(hosts, found[hosts]) + "\n")
            sys.stdout.flush()
    if len(found) > 1:
        for number, name in enumerate(("small", "site")):
            for unit in Taken._fields:
                median = [
                    statistics.median(getattr(pair[number], unit) for pair in rounds) for rounds in found.values()
                ]
                sys.stdout.write(f"{name}, {unit}: {line(list(found), median)}\n")


if __name__ == "__main__":
    main()
