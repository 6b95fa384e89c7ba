# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a change by what was measured before and after it (_gate.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._gate import (
    figures,
    is_noisy,
    judge,
    not_measured,
    round_of,
    sentence,
    short_text,
)
from ansible_collections.inference.ollama.tests.unit.support.gates import benchmark

STEADY = [99, 101, 100, 100, 98, 102, 100, 100, 99, 101]
WILD = [30, 170, 60, 140, 100, 20, 180, 90, 110, 100]
RATES = st.lists(st.floats(1, 1000), min_size=10, max_size=10)


def rounds(*series, objective="throughput", **said):
    return [round_of(benchmark(each, **said), objective) for each in series]


def scaled(factor, values=tuple(STEADY)):
    return [factor * value for value in values]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (STEADY, STEADY, "kept"),
        (STEADY, scaled(1.46), "kept"),
        (STEADY, scaled(0.97), "kept"),
        (STEADY, scaled(0.7), "slower"),
        (STEADY, scaled(0.94), "slower"),
        (WILD, scaled(0.9, list(reversed(WILD))), "unclear"),
        (WILD, scaled(1.1, list(reversed(WILD))), "unclear"),
        (WILD, scaled(0.9, WILD), "slower"),
        ([100], [50], "unclear"),
    ],
)
def test_the_verdict_on_two_series(before, after, verdict):
    """Slower takes both more than the tolerance and an interval below 1; windows of the same prompts are pairs."""
    assert judge(rounds(before), rounds(after), 5)["verdict"] == verdict


@given(RATES, RATES, st.integers(1, 90))
def test_what_a_verdict_says_holds(before, after, tolerance):
    """Of slower, kept and unclear exactly one fits the figures."""
    found = judge(rounds(before), rounds(after), tolerance)
    slower = found["ratio"] < 1 - tolerance / 100 and found["high"] < 1
    kept = found["low"] >= 1 - tolerance / 100
    assert found["verdict"] == ("slower" if slower else "kept" if kept else "unclear")
    assert found["low"] <= found["ratio"] <= found["high"]


@given(RATES, RATES, st.integers(1, 89))
def test_more_tolerance_takes_nothing_more_back(before, after, tolerance):
    """What is kept with one tolerance is kept with a larger one."""
    found = [judge(rounds(before), rounds(after), each)["verdict"] for each in (tolerance, tolerance + 1)]
    assert found[1] != "slower" or found[0] == "slower"


@given(RATES, st.floats(0.01, 100))
def test_nothing_is_taken_back_for_the_unit_it_is_measured_in(before, factor):
    """Two series and the same two in another unit have the same verdict."""
    other = [value * 0.8 for value in before]
    one = judge(rounds(before), rounds(other), 5)
    two = judge(rounds(scaled(factor, before)), rounds(scaled(factor, other)), 5)
    assert one["verdict"] == two["verdict"] == "slower"


def test_more_rounds_make_it_clear():
    """Rounds are compared with those that had the same prompts, as many as both have."""
    noisy = [100, 80, 120, 90, 110, 100, 85, 115, 95, 105]
    after = [value * 0.93 + shift for value, shift in zip(noisy, [12, -12] * 5)]
    once = judge(rounds(noisy, noisy, noisy), rounds(after), 5)
    thrice = judge(rounds(noisy, noisy, noisy), rounds(after, after, after), 5)
    assert (once["verdict"], once["rounds"]) == ("unclear", 1)
    assert (thrice["verdict"], thrice["rounds"]) == ("slower", 3)


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        ({"error": "the model was not loaded: it did not answer."}, "the model was not loaded: it did not answer"),
        ({"points": [], "problems": ["no server answered"]}, "no server answered"),
        ({}, "nothing was measured"),
        (
            benchmark(STEADY, successful=18, errored=2, errors=[{"message": "status 500", "count": 2}]),
            "18 of 20 requests succeeded: status 500",
        ),
        (benchmark(STEADY, successful=0, refused=4), "0 of 4 requests succeeded: they were refused"),
        (benchmark([0] * 10), "no token came in 20 s"),
        (benchmark([]), "no token came in 20 s"),
    ],
)
def test_a_measurement_that_does_not_count(measured, why):
    """It says why; after the change it is a failure, whose sentence has what was measured before."""
    found = round_of(measured, "throughput")
    assert (found["error"], found["values"]) == (why, [])
    verdict = judge(rounds(STEADY), [found], 5)
    assert (verdict["verdict"], verdict["reason"], verdict["ratio"]) == ("slower", why, None)
    assert sentence(verdict, " with m") == (
        f"after the change the server could not be measured, as it could before (100 tokens/s with m): {why}"
    )
    assert figures(verdict) == "100 tokens/s before, not measured after"


def test_requests_that_the_time_cut_off_are_no_failures():
    """A slow server may finish none in so short a time, and its tokens count all the same."""
    assert round_of(benchmark(STEADY, successful=0, incomplete=4), "latency")["error"] is None


def test_tokens_out_of_the_limits_do_not_count_for_balanced():
    """Of each window the share of its requests within the limits, of which 95 of 100 are enough."""
    good, late = [2.0] * 10, [1.0] * 5 + [2.0] * 5
    before, after = (round_of(benchmark(STEADY, goodput=each), "balanced") for each in (good, late))
    assert before["values"] == STEADY
    assert after["values"][:5] == pytest.approx([value * 0.5 / 0.95 for value in STEADY[:5]])
    assert (after["values"][5:], after["share"]) == (STEADY[5:], 0.75)
    assert round_of(benchmark(STEADY, goodput=late), "throughput")["values"] == STEADY
    assert judge([before], [after], 5)["ratio"] == pytest.approx(0.763, abs=0.01)


def test_a_window_without_a_finished_request_has_the_share_of_all():
    """Long answers leave some windows without one."""
    one = benchmark(STEADY, goodput=[1.0] + [0.0] * 9, finished=[1.0, 1.0] + [0.0] * 8)
    assert round_of(one, "balanced")["values"][2] == pytest.approx(STEADY[2] * 0.5 / 0.95)


def test_where_hardly_any_request_was_within_the_limits_tokens_alone_are_compared():
    """Such a server would have nothing to compare with."""
    never, always = (round_of(benchmark(STEADY, goodput=[each] * 10), "balanced") for each in (0.0, 2.0))
    assert judge([never], [never], 5)["verdict"] == "kept"
    assert judge([never], [always], 5)["ratio"] == 1


def test_a_server_that_varies_is_measured_again():
    """As long as the change of the tolerance would not show."""
    assert not is_noisy(rounds(STEADY), 5)
    assert is_noisy(rounds(WILD), 5)
    assert is_noisy(rounds([100]), 5)
    assert not is_noisy(rounds(WILD, WILD, WILD), 60)


def test_words():
    """Figures, interval and tolerance are in the sentence, and the figures in the short text."""
    kept, slower = (judge(rounds(STEADY), rounds(scaled(factor)), 5) for factor in (1.46, 0.7))
    assert figures(kept) == short_text(kept) == "100 -> 146 tokens/s (+46 %)"
    assert sentence(slower, " with m at 4 requests at a time") == (
        "the server was slower after the change: 100 -> 70.0 tokens/s (-30 %), 95 % interval -30 % to -30 % with m at 4"
        " requests at a time; ollama_gate_tolerance is 5 %"
    )
    assert sentence(kept, "").startswith("the server is not slower after the change: 100 -> 146 tokens/s (+46 %)")
    unclear = judge(rounds(WILD), rounds(scaled(0.9, list(reversed(WILD)))), 5)
    assert sentence(unclear, "").endswith("ollama_gate_tolerance is 5 %, and the measurements vary too much to tell")
    assert short_text({**unclear, "measured_on": "node1"}) == (
        "100 -> 90.0 tokens/s (-10 %), within noise and kept, measured on node1"
    )
    single = judge(rounds([100]), rounds([9]), 5)
    assert sentence(single, "").startswith(
        "whether the server is slower after the change is not clear: 100 -> 9.00 tokens/s (-91 %); ollama_gate"
    )


def test_a_change_that_was_not_measured_says_why():
    """In both texts, and without figures."""
    verdict = not_measured("no server ran before")
    assert short_text(verdict) == "not measured, no server ran before"
    assert sentence(verdict, " with m") == "the change was not measured: no server ran before"
    assert figures(verdict) == "nothing measured"
