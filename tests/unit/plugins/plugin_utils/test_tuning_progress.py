# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on how far a search is."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.progress import tuning_progress

SPACE = {
    "objective": "throughput",
    "metric": "output_token_throughput",
    "unit": "tokens/s",
    "start": {"num_parallel": 4, "flash_attention": True},
    "knobs": [
        {"name": "num_parallel", "kind": "integer", "start": 4, "low": 1, "high": 16, "values": []},
        {
            "name": "flash_attention",
            "kind": "choice",
            "start": True,
            "low": None,
            "high": None,
            "values": [True, False],
        },
    ],
    "left_out": [{"name": "num_threads", "reason": "the operator has set it"}],
}
BUDGET = {"points": 40, "minutes": 60, "minutes_used": 3.21}
STEP = {"number": 3, "settings": {"num_parallel": 8, "flash_attention": True}, "why": "num_parallel 8 in place of 4"}


def trial(slots, value):
    return {"settings": {"num_parallel": slots, "flash_attention": True}, "value": value}


def text(history):
    return " ".join(" ".join(tuning_progress(STEP, SPACE, history, BUDGET, "h")).split())


def test_before_the_first_step_it_says_what_may_be_tried():
    """And what stays, with the reason."""
    said = text([])
    assert "num_parallel: 1 to 16; now 4" in said
    assert "flash_attention: true, false; now true" in said
    assert "num_threads stays: the operator has set it" in said
    assert "0 of 40 points, 3.2 of 60 minutes; nothing is measured yet; next, 3: num_parallel 8" in said


def test_then_it_says_what_is_best_so_far():
    """By the mean of what was measured with the same settings, against those of the plan."""
    said = text([trial(4, 100.0), trial(8, 120.0), trial(8, 140.0), trial(16, None)])
    assert "stays" not in said
    assert "3 of 40 points" in said
    assert "best so far 130 tokens/s, +30 %, with num_parallel 8, flash_attention true" in said
    assert "nothing that counts is measured yet" in text([trial(4, None)])
    assert "best so far 5 tokens/s, with num_parallel 2" in text([trial(2, 5.0)])


def test_lines_fit_a_terminal():
    """A message of them is shown as it is in 80 columns."""
    assert max(map(len, tuning_progress(STEP, SPACE, [trial(4, 1.0)], BUDGET, "h" * 20))) <= 69
