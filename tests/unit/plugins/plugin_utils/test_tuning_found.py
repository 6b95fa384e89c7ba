# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement says under each objective, and what a search has found, as data and as lines."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.result import tuning_result
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.table import tuning_table
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.trial import tuning_trial

SPACE = {
    "objective": "throughput",
    "metric": "output_token_throughput",
    "unit": "tokens/s",
    "concurrency": 32,
    "start": {"num_threads": 14, "flash_attention": True},
    "left_out": [{"name": "num_parallel", "reason": "the operator has set it"}],
}
BEST = {"num_threads": 12, "flash_attention": True}
PROFILE = {
    "hardware": "0123456789abcdef",
    "machine": "two sockets",
    "release": "0.34.1",
    "model": "llama3.1:8b",
    "digest": None,
    "at": "2026-11-27",
    "host": "node1",
}


def step(objective="throughput", settings=None, phase="explore"):
    return {"number": 1, "settings": settings or BEST, "phase": phase, "objective": objective}


def benchmark(successful=20, total=20, goodput=1.9, **metrics):
    """A result with one point of 2 requests/s and 20 tokens/s."""
    found = {
        "output_token_throughput": {"mean": 20.0},
        "request_throughput": {"mean": 2.0},
        "goodput": goodput and {"mean": goodput},
        "request_latency_ms": {"count": 16, "mean": 500.0, "std_dev": 100.0},
        **metrics,
    }
    point = {
        "stop": {"reason": "duration", "message": "30 s"},
        "requests": {"total": total, "successful": successful, "incomplete": 0},
        "errors": [{"message": "status 500", "count": total - successful}],
        "metrics": found,
        "windows": {"output_token_throughput": [19.0, 21.0]},
    }
    return {"points": [point], "problems": []}


def test_throughput_is_the_tokens_of_all_streams():
    """Its error is that of the windows."""
    trial = tuning_trial(benchmark(), step(), 41)
    assert (trial["value"], trial["std_error"], trial["windows"]) == (20.0, 1.0, [19.0, 21.0])
    assert (trial["success"], trial["failed"], trial["seconds"]) == (1.0, None, 41.0)
    assert json.dumps(trial)


def test_balanced_counts_requests_within_the_limits():
    """95 of 100 have the full value; fewer have their part of it, the windows too."""
    assert tuning_trial(benchmark(), step("balanced"), 1)["value"] == 20.0
    half = tuning_trial(benchmark(goodput=0.95), step("balanced"), 1)
    assert (half["value"], half["windows"]) == (10.0, [9.5, 10.5])
    assert "limits" in tuning_trial(benchmark(goodput=None), step("balanced"), 1)["failed"]


def test_latency_is_answers_a_second():
    """Its error is that of the requests."""
    trial = tuning_trial(benchmark(), step("latency"), 1)
    assert (trial["value"], trial["std_error"], trial["windows"]) == (2.0, 2.0 * 0.2 / 4, [])
    assert tuning_trial(benchmark(request_latency_ms=None), step("latency"), 1)["failed"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"error": "the model did not load"}, "the model did not load"),
        ({"points": [], "problems": ["no answer"]}, "nothing was measured: no answer"),
        ({"points": []}, "nothing was measured"),
        (benchmark(successful=18), "90%, 95% are needed): status 500"),
        (benchmark(output_token_throughput=None), "no tokens per second"),
    ],
)
def test_what_does_not_count_has_a_reason(given, words):
    trial = tuning_trial(given, step(), 5)
    assert trial["value"] is None
    assert words in trial["failed"]


def history(*values):
    """The plan, a point that failed, and pairs with these values of plan and best."""
    first = tuning_trial(benchmark(), step(settings=SPACE["start"]), 30)
    failed = tuning_trial({"error": "the model did not load"}, step(settings={**BEST, "num_threads": 28}), 30)
    pairs = [
        {**first, "settings": settings, "phase": "pair", "value": value}
        for pair in values
        for settings, value in zip((SPACE["start"], BEST), pair)
    ]
    return [first, failed, *pairs]


def ended(reason, settings, *, proven):
    return {"done": True, "stop": {"reason": reason, "message": "a sentence"}, "settings": settings, "proven": proven}


def test_a_proven_gain_is_a_record():
    """With the values of the pairs, for what was measured with."""
    found = tuning_result(history((20, 25), (20, 25.2)), SPACE, ended("converged", BEST, proven=True), PROFILE)
    assert (found["gain_percent"], found["points"], found["trials"], found["failed"]) == (25.5, 3, 6, 1)
    assert found["comparison"]["verdict"] == "faster"
    assert found["measured"] == {
        **PROFILE,
        "objective": "throughput",
        "settings": BEST,
        "metric": "output_token_throughput",
        "unit": "tokens/s",
        "value": 25.1,
        "before": 20,
        "gain_percent": 25.5,
    }
    lines = tuning_table(found, "node1")
    assert lines[0] == "node1: 25.1 in place of 20 tokens/s (+25.5 %), throughput, 3 points"
    text = "\n".join(lines)
    assert "the model did not load" in text
    assert "num_threads=28" in text
    assert "num_parallel was not searched: the operator has set it" in text
    assert all(len(line) <= 69 for line in lines)


def test_without_proof_there_is_no_record():
    """The value before is that of all measurements of the plan."""
    found = tuning_result(history(), SPACE, ended("no_gain", SPACE["start"], proven=False), PROFILE)
    assert (found["measured"], found["gain_percent"], found["before"]["value"]) == (None, None, 20.0)
    assert tuning_table(found, "node1")[0] == "node1: the settings stay as they are at 20 tokens/s, throughput, 2"
    assert tuning_table(found, "node1")[-1].startswith("ended: no_gain: a sentence")


def test_nothing_measured_is_a_result_too():
    found = tuning_result([], {**SPACE, "start": {}}, ended("nothing_to_tune", {}, proven=False), PROFILE)
    assert found["before"] == {"settings": {}, "value": None}
    assert tuning_table(found, "h")[0] == "h: the settings stay as they are, throughput, 0 points"
