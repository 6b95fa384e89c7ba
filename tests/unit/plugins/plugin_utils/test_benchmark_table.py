# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements and comparisons in a terminal: every load has a row, and no name breaks a line."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import milliseconds, rate
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.records import compare_records
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.table import benchmark_table
from ansible_collections.inference.ollama.plugins.plugin_utils._table import WIDTH
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result

HOSTILE = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\u202e\ud800\uffff" + "x" * 300


def words(lines):
    """All lines as one."""
    return " ".join(" ".join(lines).split())


def test_each_load_has_a_row():
    """Streams, and requests a second; then what is known beside the means."""
    record = measured(result(rates=(2,)), failed=[("large:70b", "the model was not loaded: status 500")])
    lines = benchmark_table(record)
    text = words(lines)
    assert [line.split()[0] for line in lines if line[:1].isdigit()] == ["1", "2", "4", "8", "16", "2/s"]
    assert "LOAD  TOKENS/S  REQUESTS/S  FIRST TOKEN  NEXT TOKEN  REQUEST" in lines
    assert "node1: Ollama 0.34.1" in text
    assert "llama3.1:8b (46e0c10c039e); prompts of 256 tokens, answers of 128; prompt cache defeated; 30 s each" in text
    assert "loaded in 3.4 s; goodput within time_to_first_token_ms 2000" in text
    assert "first token: p50" in text
    assert "goodput: 5.3" in text
    assert "large:70b: not measured: the model was not loaded: status 500" in text


def test_errors_and_early_ends_are_shown():
    """A point that was not measured as it was meant to be is not like the others."""
    record = measured(result(speeds={8: 600}))
    found = record["benchmarks"][0]
    found["points"][0]["requests"].update(total=10, errored=3, refused=1)
    found["points"][0]["errors"] = [{"message": "status 503: busy", "count": 3}]
    found["points"][0]["stop"] = {"reason": "over_saturation", "message": "it takes longer and longer"}
    found["problems"] = ["psutil is not installed"]
    record["profile"]["as_planned"] = {"verdict": "fail", "failed": ["cpus"]}
    text = words(benchmark_table(record, "h"))
    assert "of 10 requests 3 errored, 1 refused: status 503: busy (3)" in text
    assert "ended early: it takes longer and longer" in text
    assert "WARNING psutil is not installed" in text
    assert "h: Ollama 0.34.1" in text
    assert "not as planned: cpus" in text


def test_without_limits_there_is_no_goodput():
    """Null is not nothing."""
    found = result(speeds={1: 100})
    found["points"][0]["metrics"]["goodput"] = None
    found["workload"]["goodput"] = {}
    assert "goodput" not in words(benchmark_table(measured(found)))


def test_a_model_that_was_in_memory_has_no_load_time():
    """It was not loaded."""
    found = result(speeds={1: 100})
    found["load"] = {"already_loaded": True, "load_duration_ms": 10.0, "seconds": 0.1}
    assert "loaded in" not in words(benchmark_table(measured(found)))


def test_a_comparison_has_a_row_for_each_metric():
    """With both means, the ratio, its interval and the verdict; slower stands out."""
    found = compare_records(
        measured(result(speeds={1: 80, 4: 300}, rates=(1,))), measured(result(rates=(1,)), num_parallel=4)
    )
    lines = benchmark_table(found)
    text = words(lines)
    row = next(line.split() for line in lines if line.startswith("tokens/s in all"))
    assert (row[3], row[5][:4]) == ("151", "0.53")
    assert row[-1] == "SLOWER"
    assert "differs: another OLLAMA_NUM_PARALLEL: 4 in the baseline, 2 now" in text
    assert "llama3.1:8b, 1 stream " in text
    assert "llama3.1:8b, 4 streams " in text
    assert "llama3.1:8b, 1 requests/s (poisson)" in text
    assert lines[-1].startswith("  of all metrics: ")


def test_what_is_not_comparable_is_in_capitals():
    """And nothing else is below it."""
    lines = benchmark_table(compare_records(measured(result("gemma3:4b")), measured()))
    assert "  NOT COMPARABLE: gemma3:4b: it is not in the baseline" in lines
    assert lines[-1] == "  nothing is compared"


def test_why_there_is_no_ratio_is_beneath_the_row():
    """Of a baseline of nothing."""
    old = measured(result(speeds={1: 100}))
    old["benchmarks"][0]["points"][0]["windows"]["goodput"] = [0.0] * 10
    lines = benchmark_table(compare_records(measured(result(speeds={1: 100})), old))
    assert lines[lines.index(next(line for line in lines if line.startswith("goodput"))) + 1] == (
        "    there is nothing to compare with"
    )


def test_no_name_breaks_a_line():
    """Names and messages come from servers and files."""
    found = result(HOSTILE, speeds={1: 100})
    found["points"][0]["errors"] = [{"message": HOSTILE, "count": 1}]
    found["points"][0]["requests"]["errored"] = 1
    record = measured(found, host=HOSTILE, at=HOSTILE, failed=[(HOSTILE, HOSTILE)])
    lines = benchmark_table(record) + benchmark_table(compare_records(record, measured()))
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "-"),
        (0.5, "0.5 ms"),
        (87.04, "87 ms"),
        (999.4, "999 ms"),
        (1240, "1.24 s"),
        (99_000, "99 s"),
        (205_000, "3:25 min"),
    ],
)
def test_durations_have_a_unit(given, shown):
    """With three digits."""
    assert milliseconds(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"), [(None, "-"), (0.4212, "0.421"), (57.21, "57.2"), (1001.4, "1001"), (0, "0")]
)
def test_rates_have_three_digits(given, shown):
    """Or all before the point."""
    assert rate(given) == shown
