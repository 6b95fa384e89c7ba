# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two measurements are compared: the intervals hold the true ratio as often as they say, whatever the numbers are."""

from __future__ import annotations

import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.comparison import (
    compare,
    compare_summaries,
    quantile,
    worth,
)

RATIO = 1.1
RUNS = 1000
POSITIVE = st.floats(1e-3, 1e6)
SERIES = st.lists(POSITIVE, min_size=2, max_size=30)
ANY = st.floats(allow_nan=True, allow_infinity=True)


def series(rng, count, mean, spread, alike=0.0):
    """Values of a normal distribution, of which each resembles the one before it."""
    last, found = rng.gauss(0, 1), []
    for _number in range(count):
        last = alike * last + math.sqrt(1 - alike**2) * rng.gauss(0, 1)
        found.append(mean + spread * last)
    return found


def covered(made, **options):
    """In which share of simulated measurements the interval holds the true ratio."""
    rng = random.Random(20261127)
    hits = 0
    for _run in range(RUNS):
        found = compare(*made(rng), **options)
        hits += found["low"] <= RATIO <= found["high"]
    return hits / RUNS


@pytest.mark.parametrize("count", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("paired", [False, True])
def test_the_interval_holds_the_true_ratio_in_95_of_100(count, spread, paired):
    """For few values and many, quiet servers and noisy ones; within what 1000 simulations show by chance."""

    def made(rng):
        return series(rng, count, 100, 100 * spread), series(rng, count, 100 * RATIO, 100 * RATIO * spread)

    assert 0.93 <= covered(made, paired=paired) <= 0.997


def test_spreads_and_counts_may_differ():
    """Welch's degrees of freedom are for that."""
    assert 0.935 <= covered(lambda rng: (series(rng, 5, 100, 1), series(rng, 20, 110, 30))) <= 0.98


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("paired", [False, True])
def test_windows_that_resemble_their_neighbours_make_the_interval_wider(alike, paired):
    """Taken as independent, ten windows with a correlation of 0.6 would hold the ratio in 69 of 100."""
    floor = {0.0: 0.93, 0.3: 0.9, 0.6: 0.82}[alike]
    assert (
        covered(lambda rng: (series(rng, 10, 100, 10, alike), series(rng, 10, 110, 11, alike)), paired=paired) >= floor
    )


def test_pairs_cancel_what_both_have_in_common():
    """A host that is slow for an hour is slow for both."""
    rng = random.Random(1)
    hours = [rng.gauss(100, 20) for _pair in range(6)]
    before = [hour + rng.gauss(0, 1) for hour in hours]
    after = [RATIO * hour + rng.gauss(0, 1) for hour in hours]
    assert compare(before, after, paired=True)["verdict"] == "faster"
    assert compare(before, after)["verdict"] == "unclear"


def test_a_server_that_only_makes_noise_is_seldom_faster():
    """With a spread of 10 % and four pairs, in at most 3 of 100, since an error of either sign is one in 20."""
    rng = random.Random(7)
    verdicts = [
        compare(series(rng, 4, 100, 10), series(rng, 4, 100, 10), paired=True)["verdict"] for _run in range(RUNS)
    ]
    assert verdicts.count("faster") <= 0.035 * RUNS
    assert verdicts.count("slower") <= 0.035 * RUNS


@given(SERIES, SERIES)
def test_the_interval_is_around_the_ratio_of_the_means(before, after):
    """And the verdict follows from it."""
    found = compare(before, after)
    assert found["ratio"] == pytest.approx(fmean(after) / fmean(before))
    assert 0 <= found["low"] <= found["ratio"] <= found["high"]
    if found["verdict"] in ("faster", "slower"):
        assert not found["low"] <= 1 <= found["high"]
        assert abs(found["ratio"] - 1) >= 0.03
    if found["verdict"] == "same":
        assert found["low"] >= 0.97
        assert found["high"] <= 1.03


@given(SERIES, st.floats(0.01, 100))
@example([1.0] * 15 + [3.0], 3.0)
def test_the_unit_does_not_matter(values, scale):
    """Tokens a second or a minute: the ratio and its interval are the same."""
    after = [value * 1.2 for value in reversed(values)]
    found, other = compare(values, after), compare([v * scale for v in values], [v * scale for v in after])
    for key in ("ratio", "low", "high"):
        assert found[key] == pytest.approx(other[key], rel=1e-6, abs=1e-9)


@given(st.lists(POSITIVE, min_size=2, max_size=20), st.floats(1.04, 5))
def test_pairs_of_one_ratio_have_no_spread(values, ratio):
    """Where each value is so much larger, the interval is a point."""
    found = compare(values, [value * ratio for value in values], paired=True)
    assert found["low"] == pytest.approx(found["high"], rel=1e-6)
    assert found["verdict"] == "faster"


@given(SERIES, SERIES)
def test_of_what_is_better_when_less_the_verdict_is_the_other_one(before, after):
    """The ratio and the interval stay."""
    more, less = compare(before, after), compare(before, after, less_is_better=True)
    swapped = {"faster": "slower", "slower": "faster"}
    assert less == {**more, "verdict": swapped.get(more["verdict"], more["verdict"])}


@given(st.lists(ANY, max_size=12), st.lists(ANY, max_size=12), st.booleans())
def test_no_number_breaks_it(before, after, paired):
    """Infinite values and such as are no number do not count."""
    found = compare(before, after, paired=paired)
    assert found["verdict"] in ("faster", "slower", "same", "unclear")
    assert found["reason"]


@pytest.mark.parametrize(
    ("before", "after", "paired", "reason"),
    [
        ([], [1.0], False, "nothing was measured before"),
        ([1.0], [], False, "nothing was measured after"),
        ([0.0, 0.0], [1.0, 1.0], False, "there is nothing to compare with"),
        ([1.0], [1.0], False, "one value has no spread; at least two of each are needed"),
        ([1.0, 2.0], [1.0], True, "2 and 1 values are no pairs"),
        ([1.0, math.nan], [1.0, 2.0], True, "1 and 2 values are no pairs"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(before, after, paired, reason):
    """And no interval."""
    found = compare(before, after, paired=paired)
    assert (found["verdict"], found["reason"], found["low"]) == ("unclear", reason, None)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "reason"),
    [
        ([100, 101, 99] * 4, [100, 99, 101] * 4, "same", "the interval lies within 3% of 1"),
        ([100, 101, 99] * 4, [102, 103, 101] * 4, "same", "the interval lies within 3% of 1"),
        ([100.0, 100.1] * 4, [102.9, 103.0] * 4, "same", "the interval lies within 3% of 1"),
        ([100, 102, 98] * 4, [102.9, 104.9, 100.9] * 4, "unclear", "the ratio differs from 1 by less than 3%"),
        ([100, 140, 60], [120, 160, 80], "unclear", "the interval holds 1"),
    ],
)
def test_a_gain_under_the_threshold_or_within_noise_is_none(before, after, verdict, reason):
    """Three percent, whatever the spread."""
    found = compare(before, after)
    assert (found["verdict"], found["reason"]) == (verdict, reason)


@given(SERIES, SERIES)
def test_summaries_of_independent_requests_are_compared_as_their_values(before, after):
    """A record keeps counts, means and spreads, and no request."""
    if max(len(before), len(after)) >= 8:
        before, after = before[:7], after[:7]
    sides = [{"count": len(each), "mean": fmean(each), "std_dev": stdev(each)} for each in (before, after)]
    found, other = compare_summaries(*sides), compare(before, after)
    for key in ("ratio", "low", "high"):
        assert found[key] == pytest.approx(other[key], rel=1e-6, abs=1e-9)


def test_requests_side_by_side_count_as_one():
    """What slows a server down slows all of them: 64 requests in rounds of 16 say as much as four."""
    rng, hits = random.Random(5), 0
    for _run in range(RUNS):
        sides = []
        for mean in (100, 110):
            rounds = [rng.gauss(0, 8) for _round in range(8)]
            values = [mean + each + rng.gauss(0, 2) for each in rounds for _slot in range(16)]
            sides.append({"count": len(values), "mean": fmean(values), "std_dev": stdev(values)})
        found = compare_summaries(*sides, beside=(16, 16), less_is_better=True)
        hits += found["low"] <= RATIO <= found["high"]
    assert 0.93 <= hits / RUNS <= 0.995


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({}, "nothing was measured before"),
        ({"count": 1, "mean": 3.0, "std_dev": 0.0}, "one value has no spread; at least two of each are needed"),
        ({"count": 9, "mean": 3.0, "std_dev": None}, "one value has no spread; at least two of each are needed"),
        ({"count": 9, "mean": "3", "std_dev": 1.0}, "nothing was measured before"),
        ({"count": 9, "mean": True, "std_dev": 1.0}, "nothing was measured before"),
        ({"count": 9, "mean": 0, "std_dev": 1.0}, "there is nothing to compare with"),
    ],
)
def test_a_summary_that_lacks_something_has_a_reason(wrong, reason):
    """Records come from files."""
    right = {"count": 9, "mean": 3.0, "std_dev": 1.0}
    assert compare_summaries(wrong, right)["reason"] == reason
    assert compare_summaries(right, right)["verdict"] == "unclear"


def test_quantiles_are_those_of_the_tables():
    """To three digits, and without a jump between whole degrees."""
    for degrees, right in ((0.5, 12.706), (1, 12.706), (2, 4.303), (10, 2.228), (30, 2.042), (40, 2.021), (120, 1.980)):
        assert quantile(degrees) == pytest.approx(right, abs=0.002)
    assert quantile(9.5) == pytest.approx((2.262 + 2.228) / 2)
    assert quantile(29.999) == pytest.approx(quantile(30.001), abs=0.002)


@given(SERIES)
def test_no_series_is_worth_more_than_its_values(values):
    """Or less than two."""
    assert 2 <= worth(values) <= len(values)


def test_a_drift_is_worth_little():
    """Ten windows of a server that gets slower and slower are not ten measurements of one speed."""
    assert worth([100.0 - each for each in range(10)]) < 3
