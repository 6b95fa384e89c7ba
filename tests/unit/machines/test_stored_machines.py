# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines captured by the collection's own tool, one text each, and what must be read of them.

Beside each text is a golden file with the few values that decide a plan. GOLDEN_REWRITE=1 rewrites them; the diff is
the review. CONTRIBUTING.md tells how a machine gets here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import dump
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_parse import parse
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_scrub import Scrubber
from ansible_collections.inference.ollama.tests.unit.support.golden import as_yaml, same
from ansible_collections.inference.ollama.tests.unit.support.replay import replay

HERE = Path(__file__).parent
MACHINES = sorted(HERE.glob("*.txt"))


def decisive(topology):
    """The values that plans are made of, in an order to read them in."""
    cpu = topology["cpu"]
    return {
        "sockets": cpu["sockets"],
        "cores": cpu["cores"],
        "threads": cpu["threads"],
        "threads_per_core": cpu["threads_per_core"],
        "siblings": len(cpu["siblings"]),
        "kinds": cpu["kinds"],
        "nodes": [
            {key: node[key] for key in ("id", "cpus", "cores", "memory_bytes", "distances")}
            for node in topology["numa"]
        ],
        "allowed": topology["allowed"],
        "gpus": [gpu["name"] for gpu in topology["gpus"]],
        "problems": topology["problems"],
    }


@pytest.fixture(params=MACHINES, ids=lambda path: path.stem)
def machine(request):
    """The path of one capture."""
    return request.param


def test_at_least_eight_machines_are_stored():
    """Tests that find no machine would all pass."""
    assert len(MACHINES) >= 8


def test_a_stored_machine_is_read_as_reviewed(machine, tmp_path):
    """Sockets, cores, nodes and limits of a machine stay what a person found right."""
    topology = replay(machine.read_text(encoding="utf-8"), tmp_path / "machine")
    assert same(machine.with_suffix(".yml"), as_yaml(decisive(topology)))


def test_a_stored_machine_is_in_the_form_of_the_tool(machine):
    """A capture that was edited by hand, or not scrubbed, does not look like one that the tool wrote."""
    text = machine.read_text(encoding="utf-8")
    capture = parse(text)
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    assert dump(capture) == plain
    assert Scrubber().text(plain) == plain
