# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of known speed is measured, ends better than before, and keeps that against a change that is slower."""

from __future__ import annotations

import pytest

# Tokens per second of a stream that is alone, by the curve of jobs/measured.yml.
RATE = 150

pytestmark = pytest.mark.on(job="measured")


@pytest.fixture(scope="module")
def name(host):
    return host.backend.host


def test_measurement_is_kept_with_its_machine_and_its_curves(recorded, name):
    record = recorded(f"measured/{name}.benchmark")
    (benchmark,) = record["benchmarks"]
    one, two = benchmark["points"]
    assert (one["concurrency"], two["concurrency"]) == (1, 2)
    # A busy host makes it slower than its curve, and nothing faster; noise has a standard deviation of 3 %.
    assert 0 < one["metrics"]["output_token_throughput"]["mean"] < RATE * 1.15
    assert "failed=0" in recorded("measured-benchmark")["output"]
    assert recorded("measured-benchmark")["changed"] == 0


def test_search_ends_with_the_setting_that_is_faster_and_proves_it(recorded, name):
    tuning = recorded(f"measured/{name}.tuning")
    assert tuning["proven"] is True
    assert tuning["best"]["settings"] == {"flash_attention": False}
    assert tuning["best"]["value"] > 1.5 * tuning["before"]["value"]


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
