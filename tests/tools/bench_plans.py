# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much CPU 1,000 plans for hosts of 128 CPUs take on one core: a part of ``make bench``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support.plans import card, topology

COUNT = 1000
OPTIONS = ({}, {"objective": "throughput"}, {"instances": "per_numa_node"}, {"num_parallel": 4, "keep_alive": "1h"})


def hosts():
    """Two sockets of 32 cores with SMT: without GPU, in four nodes, and with two and eight cards."""
    shape = {"sockets": 2, "cores": 32, "threads": 2, "memory_gib": 256}
    cards = [card(number, memory_bytes=80 << 30, numa_node=number // 4) for number in range(8)]
    drivers = {"nvidia": {"driver": "580.65.06", "cuda": "13.0", "error": None}, "amd": None}
    return [
        topology(nodes=2, **shape),
        topology(nodes=4, **shape),
        topology({"gpus": cards[::4], "drivers": drivers}, nodes=2, **shape),
        topology({"gpus": cards, "drivers": drivers}, nodes=2, **shape),
    ]


def main():
    machines = hosts()
    make_plan(machines[0], {}, None)
    started = time.process_time()
    for number in range(COUNT):
        make_plan(machines[number % len(machines)], OPTIONS[number // len(machines) % len(OPTIONS)], None)
    taken = time.process_time() - started
    sys.stdout.write(f"{COUNT} plans for hosts of 128 CPUs: {taken:.2f} s of CPU\n")


if __name__ == "__main__":
    main()
