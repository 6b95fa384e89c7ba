# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots that pay on a card, beside what an H100 80GB was measured to make (docs/performance.md)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._plan import speed
from ansible_collections.inference.ollama.tests.unit.support.cases import gpu

H100 = 3_352_320_000_000
WEIGHTS = {"3b": 2_032_254_560, "8b": 4_520_793_792, "32b": 18_297_432_576, "70b": 39_693_876_128}
# Slots: tokens/s of all, the slowest twentieth of the streams, seconds to the first token when all begin at once. 4096
# tokens a slot, as many callers as slots, prompts of 256 tokens, 64 to 192 tokens asked; the longest run of each.
MEASURED = {
    "3b": {
        24: (840, 33.7, 0.34),
        32: (752, 21.9, 0.47),
        40: (875, 20.6, 0.63),
        64: (878, 13.0, 1.15),
        128: (798, 5.8, 2.5),
    },
    "8b": {
        8: (569, 68.1, 0.25),
        16: (661, 38.2, 0.42),
        24: (659, 25.9, 0.60),
        30: (685, 21.9, 0.80),
        32: (637, 19.0, 0.93),
        64: (690, 9.6, 1.73),
        96: (690, 6.3, 2.72),
        128: (692, 4.5, 4.21),
    },
    "32b": {
        10: (216, 20.6, 0.91),
        12: (232, 19.0, 1.09),
        16: (286, 17.8, 1.45),
        20: (329, 15.9, 1.82),
        40: (338, 8.4, 3.7),
    },
    "70b": {5: (114, 23.0, 0.92), 6: (122, 18.9, 1.15), 8: (137, 14.0, 1.61)},
}


def between(points, slots):
    """Tokens/s of all at a number of slots, on the line between the two measured ones beside it."""
    low = max(count for count in points if count <= slots)
    high = min(count for count in points if count >= slots)
    share = (slots - low) / (high - low) if high > low else 0
    return points[low][0] + share * (points[high][0] - points[low][0])


@pytest.mark.parametrize("model", MEASURED)
def test_balanced_reaches_the_best_measured_point_that_keeps_its_promise(model):
    """At least 0.95 of the most tokens/s at which each stream keeps 20 tokens/s and the first token comes in 2 s."""
    points = MEASURED[model]
    best = max(tokens for tokens, stream, first in points.values() if stream >= speed.STREAM_TOKENS and first <= 2)
    found = speed.paying("balanced", WEIGHTS[model], H100).slots
    assert between(points, found) >= 0.95 * best


@pytest.mark.parametrize("model", ["3b", "8b"])
def test_throughput_reaches_the_best_measured_point(model):
    """At least 0.95 of the most tokens/s, of models that leave memory for more slots."""
    points = MEASURED[model]
    found = speed.paying("throughput", WEIGHTS[model], H100).slots
    assert between(points, found) >= 0.95 * max(tokens for tokens, _stream, _first in points.values())


@pytest.mark.parametrize("model", MEASURED)
def test_the_step_is_predicted_as_it_was_measured(model):
    """Within a quarter for every measured point, and never more than 15 percent too fast."""
    for slots, (_tokens, stream, _first) in MEASURED[model].items():
        predicted = 1 / speed.step_seconds(slots, WEIGHTS[model], H100)
        assert 0.75 * stream <= predicted <= (1.15 if slots != 10 else 1.25) * stream


@given(
    st.sampled_from(["balanced", "throughput", "latency"]),
    st.integers(1, 10**12),
    st.one_of(st.none(), st.integers(10**9, 10**14)),
)
def test_there_is_always_a_slot_that_pays(objective, weights, bytes_per_second):
    """Between one and the most that were measured to pay, whatever the card and the model."""
    found = speed.paying(objective, weights, bytes_per_second)
    assert 1 <= found.slots <= speed.MOST_PAYING
    assert found.text


@given(st.integers(10**8, 10**11), st.integers(10**11, 10**13), st.integers(0, 10**10), st.integers(0, 10**12))
def test_a_faster_card_or_a_smaller_model_never_lowers_the_slots(weights, bytes_per_second, more, faster):
    """The rule follows the ratio of both."""
    slots = speed.paying("balanced", weights, bytes_per_second).slots
    assert speed.paying("balanced", weights, bytes_per_second + faster).slots >= slots
    assert speed.paying("balanced", weights + more, bytes_per_second).slots <= slots


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([{}], None),
        ([{"memory_bandwidth": H100}], H100),
        ([{"memory_bandwidth": H100}, {"memory_bandwidth": 768 * 10**9}], 768 * 10**9),
        ([{"memory_bandwidth": H100}, {}], None),
        ([{"memory_bandwidth": H100, "compute": (7, 0)}], None),
        ([{"memory_bandwidth": H100, "compute": None}], None),
        ([], None),
    ],
)
def test_the_slowest_card_counts(facts, found):
    """A card whose bandwidth is not known, or whose kind was never measured, leaves no rule to follow."""
    assert speed.bandwidth([gpu(8 << 30, number, **each) for number, each in enumerate(facts)]) == found
