# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slice comes and goes with the plan and with a state that is restored, and a new weight restarts nothing."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])

SLICE = "ollama.slice"
FILE = f"/etc/systemd/system/{SLICE}.d/override.conf"


@pytest.mark.parametrize("name", ["without", "rolled-back"])
def test_without_a_slice_nothing_of_it_is_left(recorded, name):
    """Taken out of the plan, or back at the state before it: the server is where systemd puts services."""
    seen = recorded(name)
    assert (seen["ControlGroup"], seen["folders"]) == ("/system.slice/ollama.service", [])


@pytest.mark.parametrize("name", ["with", "with-again", "as-before"])
def test_with_a_slice_the_server_is_in_it_and_it_has_its_weight(recorded, name):
    seen = recorded(name)
    assert seen["ControlGroup"] == f"/{SLICE}/ollama.service"
    assert seen["weight"] == [int(seen["CPUWeight"])]
    assert list(seen["files"]) == [FILE]


def test_a_new_weight_acts_on_the_same_process(recorded):
    """systemd reads its files, and the kernel has the weight; the server keeps its models in memory."""
    before, after = recorded("with-again"), recorded("lighter")
    assert (after["CPUWeight"], after["weight"]) == ("300", [300])
    assert after["MainPID"] == before["MainPID"]
    assert recorded("as-before")["MainPID"] == before["MainPID"]
    assert recorded("as-before")["weight"] == before["weight"]


def test_the_difference_is_shown_by_file_and_line(recorded):
    shown = recorded("run-lighter")["output"]
    assert FILE in shown
    assert "+CPUWeight=300" in shown
    assert "restarted" not in shown


def test_a_second_run_with_the_weight_changes_nothing(recorded):
    assert recorded("run-lighter-again")["changed"] == 0
    assert recorded("lighter-again") == recorded("lighter")
