# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server and the process that computes: names, CPUs and threads."""

from __future__ import annotations

import pytest


def test_loaded_model_has_a_process_by_the_name_that_its_release_gives_it(observed, runner, has_llama_server):
    assert observed["loaded"]["done_reason"] == "load"
    assert runner["comm"] == ("llama-server" if has_llama_server else "ollama")


def test_model_process_may_use_the_cpus_of_the_server(runner, server):
    assert runner["cpus"] == server["cpus"]


def test_model_process_has_the_variable_that_acts_in_it(runner, server):
    assert runner["environ"].get("LLAMA_ARG_THREADS") == server["environ"].get("LLAMA_ARG_THREADS")


def test_compute_threads_follow_the_binding(observed, runner, server, has_llama_server):
    """As many as the plan says, never more than the physical cores that the server may use."""
    if not has_llama_server:
        pytest.skip("before 0.30 no variable sets the number of threads")
    threads = int(runner["environ"]["LLAMA_ARG_THREADS"])
    assert 1 <= threads <= server["cores"]
    assert runner["threads"] >= threads
    assert f"n_threads = {threads} " in observed["journal"]
