# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real llama-server on the second node of a host with two: each setting is seen where it acts."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.on(job="real")

# Bytes of all weights in the file that tests/lab/tiny_model.py makes.
WEIGHTS = 4464640
CPUS = "4-7,12-15"


@pytest.fixture(scope="module")
def asked(recorded):
    """The runner after a prompt, by tests/lab/ask.py."""
    return recorded("real")[0]


@pytest.fixture(scope="module")
def verified(host, recorded):
    """What the playbook verify has written."""
    return recorded(f"{host.backend.host}.verify")


@pytest.fixture(scope="module")
def checks(verified):
    return {check["setting"]: check for check in verified["checks"]}


def test_runner_is_a_compiled_program_by_the_name_that_ollama_gives_it(asked):
    assert asked["exe"] == asked["argv"][0] == "/usr/local/lib/ollama/llama-server"
    assert asked["comm"] == "llama-server"


def test_runner_computes_an_answer(asked):
    assert asked["answer"]["eval_count"] == 8
    assert asked["answer"]["response"]


def test_host_runs_as_planned(verified):
    assert verified["verdict"] == "pass"


def test_compute_threads_are_those_of_the_log_and_those_that_computed(asked, checks):
    assert str(checks["compute_threads"]["seen"]) == "4"
    assert checks["compute_threads"]["evidence"].startswith("the log of ollama.service at the start of the runner")
    assert asked["computed"] == 4


def test_binding_is_the_one_of_the_process(asked, checks):
    assert checks["binding"]["seen"] == asked["cpus"] == CPUS


def test_memory_is_on_the_node(checks):
    """Except for pages of a library that were in memory elsewhere before."""
    assert checks["numa_node"]["verdict"] == "pass"
    share = re.search(r"(\d+) % on node 1", checks["numa_node"]["seen"])
    assert int(share[1]) >= 90


def test_locked_memory_is_what_the_kernel_counts_and_holds_all_weights(asked, checks):
    check = checks["LLAMA_ARG_LOAD_MODE"]
    assert int(check["seen"]) == asked["locked_bytes"] >= WEIGHTS
    assert re.search("/proc/[0-9]+/status", check["evidence"])


def test_prompt_cache_has_the_planned_limit_by_the_log_of_this_runner(asked, checks):
    check = checks["LLAMA_ARG_CACHE_RAM"]
    assert check["seen"] == check["planned"]
    assert f"at the start of the runner {asked['runners'][0]}" in check["evidence"]


def test_variable_that_nobody_reads_changes_nothing(asked, recorded):
    """Without the one that acts there is a thread for each core of the host, twice what the server may use."""
    by_hand = recorded("real-by-hand")[0]
    assert by_hand["environ"] == {"OLLAMA_NUM_THREADS": "3"}
    assert by_hand["computed"] == 8
    assert by_hand["cpus"] == asked["cpus"]
