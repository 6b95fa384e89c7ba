# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two records of measurements: what can be compared is, what differs is named, and what is another thing is refused."""

from __future__ import annotations

import copy
import json

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import METRICS
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.records import compare_records
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result


def verdicts(comparison, metric):
    """The verdict of a metric at each load of the first model."""
    return [
        each["verdict"]
        for point in comparison["models"][0]["points"]
        for each in point["metrics"]
        if each["metric"] == metric
    ]


def test_a_faster_server_is_faster_at_every_load():
    """In throughput it is more, in latency less."""
    found = compare_records(measured(result(factor=1.25)), measured(result(seed=1)))
    assert found["comparable"]
    assert (found["refused"], found["differences"]) == ([], [])
    assert [point["point"]["concurrency"] for point in found["models"][0]["points"]] == [1, 2, 4, 8, 16]
    for metric in ("output_token_throughput", "request_throughput", "inter_token_latency_ms", "request_latency_ms"):
        assert verdicts(found, metric) == ["faster"] * 5
    assert [each["metric"] for each in found["models"][0]["points"][0]["metrics"]] == [each.name for each in METRICS]


def test_a_slower_server_is_slower():
    """The same the other way round; the verdicts are counted."""
    found = compare_records(measured(result(seed=1)), measured(result(factor=1.25)))
    assert verdicts(found, "output_token_throughput") == ["slower"] * 5
    assert found["verdicts"]["slower"] >= 20
    assert sum(found["verdicts"].values()) == sum(len(point["metrics"]) for point in found["models"][0]["points"])


def test_the_same_server_is_neither():
    """Measured twice with other noise."""
    found = compare_records(measured(result(seed=2)), measured(result(seed=3)))
    assert not found["verdicts"]["slower"]
    assert not found["verdicts"]["faster"]


def test_open_and_closed_loops_are_different_loads():
    """One stream is not one request a second."""
    found = compare_records(
        measured(result(speeds={1: 100}, rates=(1, 2))), measured(result(speeds={1: 90}, rates=(2,)))
    )
    loads = [point["point"] for point in found["models"][0]["points"]]
    assert loads == [
        {"profile": "concurrent", "concurrency": 1, "request_rate": None},
        {"profile": "poisson", "concurrency": None, "request_rate": 2.0},
    ]
    assert found["differences"] == ["llama3.1:8b: points of this measurement alone: 1/s"]


def test_another_digest_is_another_model():
    """Whatever it is called; its other models are compared."""
    new = measured(result(), result("gemma3:4b"))
    old = measured(result(digest="sha256:" + "ab" * 32), result("gemma3:4b"))
    found = compare_records(new, old)
    assert found["refused"] == [
        "llama3.1:8b: it is another model by its digest: abababababab in the baseline, 46e0c10c039e now"
    ]
    assert [model["model"] for model in found["models"]] == ["gemma3:4b"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("prompt_tokens", 512, "512 in the baseline, 256 now"),
        ("output_tokens", 64, "64 in the baseline, 128 now"),
        ("prompt_cache", "use", "use in the baseline, defeat now"),
        ("prompt_cache", None, "unknown in the baseline, defeat now"),
    ],
)
def test_another_workload_is_no_comparison(key, value, words):
    """Its numbers would say nothing of the server."""
    old = measured()
    old["benchmarks"][0]["workload"][key] = value
    found = compare_records(measured(), old)
    assert not found["comparable"]
    assert found["refused"] == [f"llama3.1:8b: another workload: {key}: {words}"]


def test_another_machine_release_and_setting_are_named():
    """They may be the very thing that was to be compared."""
    old = measured(host="node2", num_parallel=4)
    old["profile"]["hardware"] = {"key": "0" * 16, "text": "another one"}
    old["benchmarks"][0]["release"] = "0.33.0"
    old["from"] = "controller"
    old["profile"]["as_planned"] = {"verdict": "fail", "failed": ["cpus", "LimitNOFILE"]}
    new = measured()
    new["profile"]["hardware"]["text"] = "this one"
    said = "\n".join(compare_records(new, old)["differences"])
    for words in (
        "another host: node2 in the baseline",
        "another hardware: another one in the baseline, this one now",
        "llama3.1:8b: another release: 0.33.0 in the baseline, 0.34.1 now",
        "the requests came from elsewhere: controller in the baseline, host now",
        "another OLLAMA_NUM_PARALLEL: 4 in the baseline, 2 now",
        "the host did not run as planned in the baseline: cpus, LimitNOFILE",
    ):
        assert words in said


def test_many_settings_are_counted():
    """Of two servers in place of one everything differs."""
    old = measured()
    for setting in old["profile"]["settings"]:
        setting["instance"] = "node0"
    assert compare_records(measured(), old)["differences"][-1].startswith("and ")


def test_other_limits_make_another_goodput():
    """It is left out and named; the rest is compared."""
    old = measured()
    old["benchmarks"][0]["workload"]["goodput"] = {"time_to_first_token_ms": 10}
    found = compare_records(measured(), old)
    assert verdicts(found, "goodput") == []
    assert found["comparable"]
    assert found["differences"][0].startswith("llama3.1:8b: another goodput: ")


def test_a_metric_that_neither_has_is_left_out():
    """Without limits there is no goodput."""
    new, old = measured(), measured()
    for record in (new, old):
        for point in record["benchmarks"][0]["points"]:
            point["windows"]["goodput"] = None
    assert verdicts(compare_records(new, old), "goodput") == []


def test_a_digest_that_is_not_known_is_named():
    """It is compared by its name then."""
    found = compare_records(measured(result(digest=None)), measured())
    assert found["comparable"]
    assert "whether it is the same model is not known" in found["differences"][0]


def test_a_model_without_a_baseline_and_a_record_without_models():
    """Nothing is compared, for a reason."""
    found = compare_records(measured(result("gemma3:4b")), measured())
    assert (found["comparable"], found["refused"]) == (False, ["gemma3:4b: it is not in the baseline"])
    empty = {**measured(), "benchmarks": []}
    assert compare_records(empty, measured())["refused"] == ["nothing was measured"]


def test_a_baseline_that_is_none_is_refused():
    """By its name."""
    with pytest.raises(OllamaError, match=r"^baseline: it is not JSON"):
        compare_records(measured(), "nonsense")


@pytest.mark.parametrize("wrong", [None, [], {}, "x", float("nan"), -1, [None], True, "9" * 400])
def test_a_damaged_number_is_unclear_or_left_out(wrong):
    """Everything else is compared."""
    old = copy.deepcopy(measured(result(speeds={2: 100})))
    point = old["benchmarks"][0]["points"][0]
    point["metrics"]["request_latency_ms"]["mean"] = wrong
    point["windows"]["output_token_throughput"] = wrong
    found = compare_records(measured(result(speeds={2: 130})), json.loads(json.dumps(old)))
    assert verdicts(found, "time_to_first_token_ms")
    assert verdicts(found, "request_latency_ms") in ([], ["unclear"], ["faster"], ["slower"])
