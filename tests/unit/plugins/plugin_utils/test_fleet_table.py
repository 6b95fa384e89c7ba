# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A placement of a fleet as lines (_fleet/table.py)."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.result import fleet_placement
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.table import fleet_table
from ansible_collections.inference.ollama.tests.unit.support.placements import host, record_of

FLEET = [{"name": "llama3.1:8b", "copies": 2}, {"name": "big:70b", "copies": 2}, "new:1b"]


def test_models_hosts_and_what_has_no_place_are_shown():
    """With reasons and needs, within the columns of a terminal."""
    records = {
        "gpu-1": host("studio", FLEET, record_of("llama3.1:8b", "8b"), loaded=["llama3.1:8b"], domain="rack-1"),
        "gpu-2": host("pair", FLEET, record_of("big:70b", "70b"), domain="rack-2"),
        "h100": host("h100", FLEET, domain="rack-1"),
        "down": None,
    }
    before = {"big:70b": ["gone", "h100"], "llama3.1:8b": ["down"]}
    lines = fleet_table(fleet_placement(records, FLEET, before, {"reasons": {"down": "no route to host"}}))
    assert lines[:6] == [
        "3 models on 4 hosts: 3 of 5 copies placed",
        "",
        "MODEL        HOST   DOMAIN  ON   MEMORY    WHY",
        "llama3.1:8b  down   -       -    -         stays, not read",
        "llama3.1:8b  gpu-1  rack-1  GPU  6.9 GiB   in memory",
        "big:70b      h100   rack-1  GPU  45.1 GiB  stays",
    ]
    text = " ".join(" ".join(lines).split())
    assert "NO PLACE big:70b: 1 of 2 placed: h100, the only host that can hold it, has it -> needed: another" in text
    assert "NO PLACE new:1b: what it takes is not known, since no store of the fleet has it" in text
    assert "big:70b leaves gone: the host is no longer in the fleet" in text
    assert "WARNING down: no route to host" in text
    assert "down - - - 1" in text
    assert max(map(len, lines)) <= 69


def test_a_fleet_without_models_has_its_hosts_alone():
    """And one copy is a copy."""
    assert fleet_table(fleet_placement({"a": host("studio", [])}, []))[0] == "0 models on 1 host: 0 of 0 copies placed"
    assert fleet_table(fleet_placement({}, ["x"]))[0] == "1 model on 0 hosts: 0 of 1 copy placed"
