# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to place 200 models on 1,000 hosts of 12 kinds, from the text of what was read of each host.

``python tests/tools/bench_fleet.py [ROUNDS]`` prints seconds of a CPU for a first placement, for the same once more,
and for one after a host was lost, with the middle and the range of all rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.result import fleet_placement
from ansible_collections.inference.ollama.tests.unit.support.placements import LAYERS, fleet_of

HOSTS, MODELS = 1000, 200
# Copies of the models of each size: small ones are on many hosts.
COPIES = {"1b": 20, "3b": 20, "8b": 15, "14b": 8, "32b": 4, "70b": 3, "120b": 2}


def models():
    """The models, each of another vocabulary, so that none takes what another does."""
    sizes = list(LAYERS)
    return [
        (f"model-{number}:{sizes[number % 7]}", sizes[number % 7], COPIES[sizes[number % 7]])
        for number in range(MODELS)
    ]


def measured(records, wanted, before):
    """The seconds, and the result."""
    started = time.process_time()
    found = fleet_placement(records, wanted, before)
    return time.process_time() - started, found


def main(rounds):
    records, wanted = fleet_of(HOSTS, models())
    lost = {name: text for name, text in records.items() if name != "node-500"}
    times = {"first": [], "again": [], "lost": []}
    for _round in range(rounds):
        seconds, first = measured(records, wanted, {})
        times["first"].append(seconds)
        seconds, again = measured(records, wanted, first["placement"])
        times["again"].append(seconds)
        seconds, after = measured(lost, wanted, first["placement"])
        times["lost"].append(seconds)
    placed = sum(len(hosts) for hosts in first["placement"].values())
    missing = sum(each["missing"] for each in first["models"])
    sys.stdout.write(
        f"{len(wanted)} models on {len(records)} hosts: {placed} copies placed, {missing} without a place; again: "
        f"{'the same' if again['placement'] == first['placement'] else 'another'}; a host lost: "
        f"{len(after['gone'])} of them moved\n"
    )
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        sys.stdout.write(
            f"{name:6} {middle:6.2f} s of CPU ({min(seconds):.2f} to {max(seconds):.2f}, {rounds} rounds)\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
