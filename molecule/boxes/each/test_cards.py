# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards that are lost and come back: found within one look, repaired no more often than allowed, taken back whole."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(job="cards")


def test_the_watch_and_the_unit_for_a_suspend_are_there(recorded):
    """The timer runs and starts at boot, and systemd has nothing to say against either unit."""
    said = recorded("cards-beside")
    lines = said.splitlines()
    assert lines[:4] == ["active", "enabled", "enabled", "active"]
    assert {"readiness", "readiness.zip", "metrics", "metrics.zip"} <= set(lines)
    assert [line for line in lines if "inference-ollama" in line] == []


@pytest.mark.parametrize(
    ("look", "state", "repaired", "words"),
    [
        ("on-cards", "gpu", False, "offloaded"),
        ("hidden", "cpu", False, "only the CPU"),
        ("back", "gpu", True, "only the CPU"),
        ("again", "cpu", False, "only the CPU"),
    ],
)
def test_one_look_finds_it(recorded, look, state, repaired, words):
    """A hidden card is found at once; a repair is made when it is back, and one an hour where one is allowed."""
    (row,) = recorded("cards-looks")[look]["servers"]
    assert (row["state"], row["repaired"]) == (state, repaired)
    assert words in row["reason"]


def test_why_nothing_is_repaired_is_logged(recorded):
    """A missing file, and then the limit; the model is back after the repair."""
    looks = recorded("cards-looks")
    assert "/dev/nvidia0" in looks["hidden"]["servers"][0]["decision"]
    assert "of 1 that are allowed" in looks["again"]["servers"][0]["decision"]
    assert looks["back"]["servers"][0]["done"] == ["brought back standin:latest"]


def test_after_a_suspend_models_are_on_the_cards(recorded):
    """The unit restarts the server, loads the model again, and looks where it is."""
    (row,) = recorded("cards-resumed")["servers"]
    assert (row["state"], row["done"]) == ("gpu", ["brought back standin:latest"])


def test_metrics_are_written_by_the_hardened_service(recorded):
    """What root alone may read is in them, and what a file in /dev shows; a drop-in names one card of two."""
    lines = recorded("cards-metrics").splitlines()
    named = [line.partition("{")[0] for line in lines]
    values = {name: {line.rpartition(" ")[2] for line in lines if line.startswith(f"{name}{{")} for name in named}
    assert values["ollama_collector_success"] == values["ollama_up"] == values["ollama_model_on_gpu"] == {"1"}
    assert values["ollama_gpus_planned"] == {"1"}
    assert any('setting="OLLAMA_NUM_PARALLEL",verdict="pass"' in line for line in lines)
    assert recorded("cards-metrics-left") == ""


def test_going_back_takes_all_of_it_away(recorded):
    """Units, program and links are gone, and the server runs."""
    before, after = recorded("before-cards"), recorded("cards-rollback-after")
    assert after["files"] == before["files"]
    assert after["ActiveState"] == "active"
