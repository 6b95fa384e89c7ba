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
