# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts and answers have the lengths that were asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.prompts import answer_tokens


@given(st.integers(), st.integers(0, 1 << 20), st.integers(2, 1000), st.floats(0, 0.5))
def test_answers_vary_around_their_length(seed, number, mean, share):
    """By twice the deviation at most, and the same for the same seed and number."""
    stdev = int(mean * share)
    drawn = answer_tokens(seed, number, mean, stdev)
    assert max(1, mean - 2 * stdev) <= drawn <= mean + 2 * stdev
    assert drawn == answer_tokens(seed, number, mean, stdev)


def test_the_mean_of_varied_answers_is_what_was_asked_for():
    """And without a deviation each one has that length."""
    drawn = [answer_tokens(7, number, 128, 32) for number in range(2000)]
    assert abs(sum(drawn) / len(drawn) - 128) < 3
    assert len(set(drawn)) > 100
    assert {answer_tokens(7, number, 128, 0) for number in range(20)} == {128}
