# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of known speed is measured, ends better than before, and keeps that against a change that is slower."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.on(job="measured")


@pytest.fixture(scope="module")
def name(host):
    return host.backend.host


def test_measurement_is_kept_with_its_machine_and_its_curves(recorded, name):
    record = recorded(f"measured/{name}.benchmark")
    (benchmark,) = record["benchmarks"]
    one, two = benchmark["points"]
    assert (one["concurrency"], two["concurrency"]) == (1, 2)
    # How fast it is depends on what else this host does.
    for point in (one, two):
        assert point["stop"]["reason"] == "duration"
        assert point["requests"]["successful"] > 0
        assert point["metrics"]["output_token_throughput"]["mean"] > 0
    assert "failed=0" in recorded("measured-benchmark")["output"]
    assert recorded("measured-benchmark")["changed"] == 0


def test_search_ends_with_the_setting_that_is_faster_and_proves_it(recorded, name):
    tuning = recorded(f"measured/{name}.tuning")
    assert tuning["proven"] is True
    assert tuning["best"]["settings"] == {"flash_attention": False}
    assert tuning["best"]["value"] > 1.5 * tuning["before"]["value"]


def test_file_of_records_keeps_what_others_have_in_it_and_its_mode(name):
    file = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "recorded", name, "measured/measured.yml")
    assert file.read_text().startswith("# By hand.\nollama_context_length: auto\nollama_measured:\n")
    assert file.stat().st_mode & 0o777 == 0o600


def test_host_runs_with_what_was_found(recorded):
    server = recorded("measured-tuned")["services"]["ollama.service"]
    assert server["environ"]["OLLAMA_FLASH_ATTENTION"] == "0"


def test_change_that_is_slower_is_taken_back_with_the_figures_in_the_last_lines(recorded, last_lines):
    lines = last_lines("gate")
    expected = ["slower after the change", "tokens/s (-", "ollama_gate_tolerance is 5 %", "are back as they were"]
    assert [words for words in expected if words not in lines] == []
    assert "Traceback" not in recorded("gate")["output"]


def test_host_is_as_before_the_change_that_was_slower(recorded):
    before, after = recorded("before-gate"), recorded("gate-after")
    assert after["files"] == before["files"]
    assert after["ActiveState"] == "active"


def test_with_the_file_of_what_was_measured_the_host_is_as_planned(recorded):
    assert recorded("measured-known")["changed"] == 0
