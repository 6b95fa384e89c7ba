# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the requests of a point amount to: distributions, percentiles and their floors, windows, goodput."""

from __future__ import annotations

import json
import math
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import summary
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.record import Record

NUMBERS = st.floats(0, 1e6)


def made(start=0.0, arrivals=(0.1, 0.2, 0.3), *, status="successful", end=None, **more):
    """A request; it ends with its last token."""
    record = Record(start)
    record.arrivals.extend(start + each for each in arrivals)
    record.status = status
    if status != "incomplete":
        record.end = start + (arrivals[-1] if arrivals else 0.0) if end is None else end
    for name, value in more.items():
        setattr(record, name, value)
    return record


@given(st.lists(NUMBERS, min_size=1, max_size=1200))
def test_a_summary_lies_within_its_values(values):
    """Whatever the values are, mean and percentiles lie between least and greatest, in their order."""
    found = summary.summary(values)
    assert found["count"] == len(values)
    assert found["min"] == min(values) <= found["mean"] <= max(values) == found["max"]
    assert 0 <= found["std_dev"] <= max(values) - min(values) or math.isclose(found["std_dev"], 0, abs_tol=1e-6)
    known = [found[name] for name in summary.FLOORS if found[name] is not None]
    assert [found["min"], *known, found["max"]] == sorted([found["min"], *known, found["max"]])
    assert found == summary.summary(values[::-1])


@pytest.mark.parametrize(
    ("count", "known"),
    [
        (1, []),
        (99, []),
        (100, ["p50"]),
        (499, ["p50"]),
        (500, ["p50", "p95"]),
        (999, ["p50", "p95"]),
        (1000, ["p50", "p95", "p99"]),
    ],
)
def test_percentiles_need_samples(count, known):
    """Each has its floor, and below it a sentence that names it."""
    found = summary.summary([float(number) for number in range(count)])
    assert [name for name in summary.FLOORS if found[name] is not None] == known
    assert {*found["reasons"]} == {*summary.FLOORS} - {*known}
    for name, reason in found["reasons"].items():
        assert reason == f"{name} needs {summary.FLOORS[name][1]} samples, and there are {count}"


@given(st.randoms(use_true_random=True), st.integers(1000, 1100))
def test_percentiles_are_those_of_the_standard_library(draw, count):
    """They lie between their neighbours, as `statistics.quantiles` puts them with both ends included."""
    values = [draw.expovariate(1.0) for _number in range(count)]
    cuts = quantiles(values, n=100, method="inclusive")
    found = summary.summary(values)
    for name, place in (("p50", 49), ("p95", 94), ("p99", 98)):
        assert found[name] == pytest.approx(cuts[place])


def test_nothing_has_no_summary():
    """A metric without a value is null."""
    assert summary.summary([]) is None


def test_the_values_of_a_request():
    """In milliseconds, and the rate of a stream is that after its first token."""
    record = made(5.0, (0.5, 0.75, 1.0), output_tokens=5, prompt_tokens=100, prompt_seconds=0.4)
    assert summary.values(record) == {
        "time_to_first_token_ms": 500.0,
        "inter_token_latency_ms": 125.0,
        "request_latency_ms": 1000.0,
        "output_token_throughput_per_user": 8.0,
        "prompt_tokens_per_second": 250.0,
        "prompt_tokens": 100,
        "output_tokens": 5,
    }


@pytest.mark.parametrize("record", [made(arrivals=()), made(arrivals=(0.1,)), made(arrivals=(0.1, 0.1))])
def test_what_a_short_answer_does_not_have(record):
    """No time lies between fewer than two tokens, and no rate is made of none."""
    assert summary.values(record)["output_token_throughput_per_user"] is None


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, True),
        ({"time_to_first_token_ms": 100}, True),
        ({"time_to_first_token_ms": 99}, False),
        ({"inter_token_latency_ms": 100.1}, True),
        ({"inter_token_latency_ms": 99}, False),
        ({"request_latency_ms": 300.1}, True),
        ({"request_latency_ms": 299}, False),
        ({"output_token_throughput_per_user": 9.9}, True),
        ({"output_token_throughput_per_user": 10.1}, False),
        ({"time_to_first_token_ms": 100, "request_latency_ms": 299}, False),
    ],
)
def test_a_good_request_is_within_all_limits(limits, expected):
    """The rate of a stream is the one that must not be lower."""
    assert summary.good(made(), limits) is expected
    assert summary.good(made(status="errored"), limits) is False


def test_a_limit_on_what_a_request_does_not_have():
    """An answer of one token is not slow between tokens; one without any has no first one."""
    assert summary.good(made(arrivals=(0.1,)), {"inter_token_latency_ms": 1, "output_token_throughput_per_user": 100})
    assert not summary.good(made(arrivals=()), {"time_to_first_token_ms": 1000})


@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.lists(st.floats(0.001, 5), min_size=1, max_size=5), st.booleans()), max_size=20
    )
)
def test_windows_hold_what_arrived_in_the_point(requests):
    """Each token that arrived between begin and end is in one window, whether its request was cut or not."""
    records = [
        made(start, sorted(arrivals), status="successful" if done else "incomplete", output_tokens=len(arrivals))
        for start, arrivals, done in requests
    ]
    found = summary.windows(records, 0.0, 10.0, {"request_latency_ms": 1e9})
    arrived = sum(each <= 10.0 for record in records for each in record.arrivals)
    assert sum(found["output_token_throughput"]) * found["seconds"] == pytest.approx(arrived)
    done = sum(record.end is not None and record.end <= 10.0 for record in records)
    assert sum(found["request_throughput"]) * found["seconds"] == pytest.approx(done)
    assert found["goodput"] == found["request_throughput"]
    assert len(found["output_token_throughput"]) == 10


def test_parts_stand_for_the_tokens_that_the_server_counts():
    """Three parts of six tokens count two each; those of a failed request count nothing."""
    records = [made(arrivals=(0.15, 0.25, 0.35), output_tokens=6), made(status="errored")]
    assert summary.windows(records, 0.0, 1.0, {})["output_token_throughput"] == pytest.approx(
        [0, 20, 20, 20, 0, 0, 0, 0, 0, 0]
    )


def test_a_point_without_time_has_no_windows():
    """Nothing is divided by nothing."""
    assert summary.windows([], 5.0, 5.0, {})["output_token_throughput"] == []
    assert summary.concurrency([made()], 5.0, 5.0) == 0.0


def test_requests_in_flight():
    """Those that were cut were in flight up to the end."""
    records = [made(0.0, (5.0,)), made(5.0, (), status="incomplete"), made(20.0, (1.0,))]
    assert summary.concurrency(records, 0.0, 10.0) == 1.0


def test_errors_are_listed_by_how_often_they_came():
    """Of many different ones the rest is one entry, and none is lost."""
    records = [made(status="errored", error=f"number {number}") for number in range(30)]
    records += [made(status="refused", error="busy")] * 5
    listed = summary.errors(records)
    assert listed[0] == {"message": "busy", "count": 5}
    assert listed[-1] == {"message": "21 other messages", "count": 21}
    assert sum(entry["count"] for entry in listed) == 35


def test_a_point_counts_every_request():
    """Only successful ones have values; the result is JSON."""
    records = [made(), made(status="errored", error="x"), made(status="refused", error="y"), made(status="incomplete")]
    found = summary.point(records, 0.0, 1.0, {})
    assert found["requests"] == {"total": 4, "successful": 1, "errored": 1, "incomplete": 1, "refused": 1}
    assert found["metrics"]["time_to_first_token_ms"]["count"] == 1
    assert found["metrics"]["prompt_tokens"] is None
    assert found["metrics"]["goodput"] is None
    assert found["metrics"]["output_token_throughput"]["count"] == 10
    json.dumps(found, allow_nan=False)
