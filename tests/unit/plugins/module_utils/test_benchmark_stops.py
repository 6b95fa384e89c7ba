# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a point early: GuideLLM's rule of over-saturation, errors, and a rate of no interest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import stops


def reached(seconds, in_flight, first):
    """When over-saturation is seen, by two functions of time; None where it is not."""
    saturation = stops.Saturation()
    for second in range(1, seconds + 1):
        saturation.started(second, in_flight(second))
        saturation.first_token(second, first(second))
        if saturation.reached(second):
            return second
    return None


def test_a_server_that_falls_behind():
    """It is seen as soon as 30 s are over."""
    assert reached(100, lambda now: 2 * now, lambda now: 2 + now / 5) == 30


@pytest.mark.parametrize(
    ("in_flight", "first"),
    [
        (lambda _now: 8, lambda now: 2 + now / 5),
        (lambda now: 2 * now, lambda _now: 5.0),
        (lambda now: 2 * now, lambda now: now / 100),
        (lambda now: 200 - now, lambda now: 40 - now / 5),
        (lambda now: 2 * now, lambda now: 40 - now / 5),
    ],
    ids=["steady", "constant first token", "fast first token", "falling", "falling first token"],
)
def test_a_server_that_keeps_up(in_flight, first):
    """Both have to rise, and the time to first token has to be above 2.5 s."""
    assert reached(100, in_flight, first) is None


def test_noise_is_no_trend():
    """Values that jump up and down have no slope that is known well enough."""
    assert reached(60, lambda now: 5 + now % 2 * 20, lambda now: 3 + now % 2 * 5) is None


def test_a_server_that_does_not_answer_at_all():
    """Without a first token the requests in flight decide."""
    saturation = stops.Saturation()
    for second in range(1, 41):
        saturation.started(second, second)
    assert saturation.reached(40)


def test_few_requests_are_no_trend():
    """Fewer than five say nothing."""
    saturation = stops.Saturation()
    for second in (10, 20, 30, 40):
        saturation.started(second, second)
    assert not saturation.reached(40)


def test_old_values_do_not_count():
    """A server that fell behind long ago and has caught up is not over-saturated."""
    trend = stops.Trend()
    for second in range(200):
        trend.add(second, second)
        trend.forget(second)
    assert len(trend) == 121
    assert trend.rises(200)
    for second in range(200, 400):
        trend.add(second, 5)
        trend.forget(second)
    assert not trend.rises(400)


@pytest.mark.parametrize(("degrees", "quantile"), [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (118, 1.980)])
def test_the_quantile_of_students_distribution(degrees, quantile):
    """It is that of the tables, to 1 % for the fewest values that are looked at."""
    assert stops._student(degrees) == pytest.approx(quantile, rel=0.01 if degrees < 5 else 0.002)


@given(st.lists(st.integers(0, 100), min_size=5, max_size=40), st.integers(1, 50))
def test_a_slope_is_judged_by_its_margin_of_error(values, scale):
    """The line is that of least squares, and its slope has to be more than half of its margin."""
    trend = stops.Trend()
    for second, value in enumerate(values):
        trend.add(second * scale, value)
    count, now = len(values), 1000
    times = [second * scale for second in range(count)]
    mean_time, mean = sum(times) / count, sum(values) / count
    spread = sum((time - mean_time) ** 2 for time in times)
    slope = sum((time - mean_time) * (value - mean) for time, value in zip(times, values)) / spread
    rest = sum((value - mean - slope * (time - mean_time)) ** 2 for time, value in zip(times, values))
    margin = stops._student(count - 2) * (rest / (count - 2) / spread) ** 0.5
    # What lies on the edge is left to rounding.
    if abs(margin - 2 * slope) > 1e-6 and abs(slope) > 1e-6:
        assert trend.rises(now) is (slope > 0 and margin < 2 * slope)


def test_three_quarters_of_all_values_count():
    """The oldest ones go as new ones come, and three values at least are needed for a line."""
    trend = stops.Trend()
    for second in range(8):
        trend.add(second, second)
    assert trend.forget(8) == [0, 1]
    assert len(trend) == 6
    trend = stops.Trend()
    for second in range(2):
        trend.add(second, second)
    assert not trend.rises(100)
    trend.add(2, 2)
    assert trend.rises(100)


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 100)), max_size=60))
def test_any_values_have_an_answer(values):
    """Nothing is divided by nothing, whatever comes."""
    trend = stops.Trend()
    for now, value in sorted(values):
        trend.add(now, value)
        assert trend.rises(now) in (True, False)
        trend.forget(now)


@pytest.mark.parametrize(
    ("ended", "failed", "concurrency", "expected"),
    [
        (9, 9, 1, False),
        (10, 10, 1, True),
        (10, 5, 1, False),
        (10, 6, 1, True),
        (20, 20, 64, False),
        (64, 33, 64, True),
        (100, 51, 4096, True),
    ],
)
def test_most_requests_fail(ended, failed, concurrency, expected):
    """As many as are in flight at a time have to have ended, at least 10 and at most 100."""
    assert stops.mostly_errors(ended, failed, concurrency) is expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((0, 1, 100, 10, None), False),
        ((0, 1, 4.9, 10, 10), False),
        ((0, 1, 5, 10, 10), True),
        ((0, 1, 7, 30, 10), False),
        ((0, 1, 7.5, 30, 10), True),
        ((48, 1, 5, 10, 10), True),
        ((49, 1, 5, 10, 10), False),
        ((0, 64, 5, 10, 10), False),
    ],
)
def test_a_rate_of_no_interest(seen, expected):
    """A quarter of the point has to be over, and 5 s; a token that each stream is about to send is granted.

    Seen are tokens, streams, seconds, the duration of the point, and the least rate.
    """
    assert stops.too_slow(*seen) is expected
