# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs and threads of the processes on hosts with several NUMA nodes."""

from __future__ import annotations

import pytest


@pytest.mark.on(variable="ollama_numa_node")
def test_server_runs_on_exactly_the_cpus_of_its_node_with_a_thread_for_each_core(observed, server, variables):
    if not str(variables["ollama_numa_node"]).isdigit():
        pytest.skip("the plan chooses the node")
    node = observed["nodes"][str(variables["ollama_numa_node"])]
    assert server["cpus"] == node["cpus"]
    assert server["environ"]["LLAMA_ARG_THREADS"] == str(node["cores"])


@pytest.mark.on(variable="lab_expected_cpus")
def test_cpus_and_threads_are_those_that_the_inventory_expects(runner, server, variables):
    """So that the machine is the one that the scenario is about."""
    for process in (server, runner):
        assert process["cpus"] == variables["lab_expected_cpus"]
        assert process["environ"]["LLAMA_ARG_THREADS"] == str(variables["lab_expected_threads"])
