# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on each NUMA node of a host that has two, after a dry run."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(job="nodes")

# Cores and their SMT siblings of the machine xeon56, by node; each has 14.
NODES = {
    "ollama@node0.service": ("0-13,28-41", "127.0.0.1:11434"),
    "ollama@node1.service": ("14-27,42-55", "127.0.0.1:11435"),
}


@pytest.fixture(params=NODES)
def name(request):
    return request.param


def test_dry_run_ends_well_and_changes_nothing(recorded, last_lines):
    before, after = recorded("before-nodes"), recorded("nodes-dry-run-after")
    assert "failed=0" in last_lines("nodes-dry-run")
    assert "Traceback" not in recorded("nodes-dry-run")["output"]
    assert after["files"] == before["files"]
    assert after["ActiveState"] == "active"


def test_server_of_a_node_runs_on_its_cpus_with_a_thread_for_each_core(host, services, name):
    cpus, _address = NODES[name]
    assert host.service(name).is_running
    assert services["services"][name]["cpus"] == cpus
    assert services["services"][name]["environ"]["LLAMA_ARG_THREADS"] == "14"


def test_server_of_a_node_answers_on_its_address(host, services, name):
    _cpus, address = NODES[name]
    assert services["services"][name]["address"] == address
    assert services["services"][name]["version"]
    assert host.socket(f"tcp://{address}").is_listening


def test_single_server_does_not_run(host):
    assert not host.service("ollama.service").is_running
