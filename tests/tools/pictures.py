# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/pictures/*.svg from generated machines: ``python tests/tools/pictures.py``."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A plain checkout is importable as a collection only after this.
runpy.run_path(str(ROOT / "tests" / "unit" / "conftest.py"))

from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import model_fit
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.curves import benchmark_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.draw import topology_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.fits import fit_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import servers
from ansible_collections.inference.ollama.tests.unit.support.fits import MODELS, planned, two_cards
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology, xeon

FOLDER = ROOT / "docs" / "pictures"


def _two_sockets():
    machine = xeon()
    return topology_svg(machine, "xeon", servers(plan(machine, numa_node=1)))


def _gpus():
    cards = [
        card(
            number,
            name="NVIDIA H200",
            memory_bytes=150754820096,
            free_bytes=150109945856,
            compute_capability="9.0",
            architecture="Hopper",
            numa_node=2 * number,
            pci_bus_id=f"0000:{bus}:00.0",
            links=[{"to": 1 - number, "kind": "NV18"}],
        )
        for number, bus in enumerate(("19", "9b"))
    ]
    machine = topology(
        {"gpus": cards}, sockets=2, cores=16, nodes=4, memory_gib=256, memory_only_nodes=(512,), model="A server CPU"
    )
    return topology_svg(machine, "gpu-server", servers(plan(machine)))


def _hybrid():
    machine = topology(
        cores=6,
        threads=2,
        efficiency_cores=8,
        memory_gib=64,
        isolated="4,10",
        cpuset="0-11,14-19",
        offline="9",
        model="A CPU with cores of two kinds",
    )
    return topology_svg(machine, "laptop")


def _fit():
    machine = two_cards()
    return fit_svg(model_fit({"models": [model() for model in MODELS]}, machine, planned(machine)), "workstation")


def _benchmark():
    record = measured(result(noise=0.06), host="workstation")
    # What a card is called says nothing of speed here.
    record["profile"]["hardware"]["text"] = ""
    return benchmark_svg(record)


PICTURES = {
    "two-sockets.svg": _two_sockets,
    "gpu-server.svg": _gpus,
    "hybrid.svg": _hybrid,
    "fit-workstation.svg": _fit,
    "benchmark.svg": _benchmark,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
