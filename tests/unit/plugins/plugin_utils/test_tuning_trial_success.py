# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which measurements count: 95 of 100 requests that ended did so well, whatever was under way at the end."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.trial import tuning_trial

STEP = {"number": 1, "settings": {"num_threads": 2}, "phase": "explore", "objective": "throughput"}


def measured(successful: int, errored: int, incomplete: int) -> dict[str, Any]:
    total = successful + errored + incomplete
    requests = {"total": total, "successful": successful, "errored": errored, "refused": 0, "incomplete": incomplete}
    metrics = {"output_token_throughput": {"mean": 20.0}}
    errors = [{"message": "no answer", "count": errored}] if errored else []
    point = {"requests": requests, "errors": errors, "stop": {"reason": "duration"}, "metrics": metrics}
    return {"points": [{**point, "windows": {"output_token_throughput": [19.0, 21.0]}}]}


@pytest.mark.parametrize(("successful", "errored", "incomplete"), [(3, 0, 4), (95, 5, 0), (19, 1, 32)])
def test_requests_under_way_at_the_end_do_not_keep_a_measurement_from_counting(
    successful: int, errored: int, incomplete: int
) -> None:
    trial = tuning_trial(measured(successful, errored, incomplete), STEP, 8)
    assert (trial["value"], trial["failed"]) == (20.0, None)


@pytest.mark.parametrize(
    ("successful", "errored", "incomplete", "words"),
    [(0, 0, 4, "0 of 0 requests"), (94, 6, 0, "94 of 100 requests"), (9, 1, 100, "9 of 10 requests")],
)
def test_a_measurement_in_which_too_few_ended_well_does_not_count(
    successful: int, errored: int, incomplete: int, words: str
) -> None:
    trial = tuning_trial(measured(successful, errored, incomplete), STEP, 8)
    assert trial["value"] is None
    assert words in trial["failed"]
