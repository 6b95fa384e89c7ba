# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs and prints where nothing is to be changed."""

from __future__ import annotations

import re

import pytest
from testinfra.utils.ansible_runner import itergroup

pytestmark = pytest.mark.on(position=[0])


@pytest.fixture(scope="module")
def lines(recorded):
    """What the run on all hosts has printed, without blank lines."""
    return [line for line in recorded("steady")["output"].splitlines() if line.strip()]


def test_run_changes_nothing(recorded, lines):
    assert recorded("steady")["rc"] == 0
    changed = [line for line in lines if re.search(r": ok=\d+ +changed=[1-9]", line)]
    assert changed == []


def test_run_shows_at_most_15_tasks(lines):
    tasks = [line for line in lines if line.startswith(("TASK [", "RUNNING HANDLER ["))]
    assert 1 <= len(tasks) <= 15, "\n".join(tasks)


def test_run_prints_under_ten_lines_a_host(host, lines):
    hosts = list(itergroup(host.backend.ansible_runner.inventory, "ollama"))
    assert hosts
    assert len(lines) < 10 * len(hosts), "\n".join(lines)


def test_run_calls_at_most_four_modules_on_the_host(recorded, variables):
    """With pipelining, as the scenario has it, each module is one command by SSH."""
    address = variables["ansible_host"]
    calls = re.findall(
        rf"(?m)^<{re.escape(address)}> SSH: EXEC .*python[\d.]*(?: \S+AnsiballZ\S+)? && sleep 0",
        recorded("steady-modules")["output"],
    )
    assert 1 <= len(calls) <= 4, f"{len(calls)} calls"


def test_client_with_its_own_thread_count_makes_no_verification_fail(recorded):
    """The log of the runner's start is found behind a thousand requests, and what a client asked for is unknown."""
    output = recorded("busy")["output"]
    assert recorded("busy")["rc"] == 0
    assert re.search(r"unknown +ollama +LLAMA_ARG_THREADS +\d+ +-t 3", output)
    assert re.search(r"unknown +ollama +compute_threads +\d+ +3\b", output)
    assert not re.search(r"unknown +ollama +(LLAMA_ARG_CACHE_RAM|OLLAMA_KEEP_ALIVE)", output)
