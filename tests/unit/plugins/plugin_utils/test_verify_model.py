# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model to verify with: a load that fails is a check among others, and never the end of the verification."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    SAME,
    check,
    running,
    verdicts,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

UNIT = {"unit": "ollama.service", "url": "http://127.0.0.1:11434"}
DONE = {"item": UNIT, "before": [], "loaded": ["m:latest"], "seconds": 4.2}
FAILED = {"item": UNIT, "before": [], "msg": "model m: it did not answer: timed out"}


def loads(loaded=None, left=None, not_loadable=()):
    """What the role hands over after it has tried."""
    loaded = DONE if loaded is None else loaded
    back = left or {"item": {"item": UNIT}, "seconds": 0.1}
    return {"model": "m", "not_loadable": [*not_loadable], "loaded": [loaded], "left": [back]}


def judged(**outcome):
    return verify(BOUND, running(BOUND), SAME, loads=loads(**outcome))


def test_a_model_that_answers_passes():
    """Everything else is as without it."""
    found = judged()
    assert (check(found, "model_loads")["verdict"], check(found, "model_loads")["seen"]) == ("pass", "m")
    assert "model_loads" not in [row["setting"] for row in verify(BOUND, running(BOUND), SAME)["checks"]]


def test_a_model_that_does_not_answer_fails_by_name():
    """With the module's own message, and all other verdicts as they are."""
    found = judged(loaded=FAILED)
    row = check(found, "model_loads")
    assert verdicts(found, "fail") == ["model_loads"]
    assert row["seen"] == "no answer"
    assert FAILED["msg"] in row["evidence"]
    assert "journalctl -u ollama.service" in row["remedy"]
    assert len(verdicts(found, "pass")) > 20


def test_a_model_that_was_not_tried_is_unknown():
    """The checks that explain it are named."""
    row = check(judged(not_loadable=["processes_current", "release"]), "model_loads")
    assert row["verdict"] == "unknown"
    assert "processes_current, release failed" in row["evidence"]


def test_a_memory_that_is_not_as_before_is_unknown():
    """What could not be brought back is no failure of the settings."""
    left = {"item": {"item": UNIT}, "msg": "model b: it did not answer: timed out"}
    row = check(judged(left=left), "model_loads")
    assert (row["verdict"], row["evidence"]) == ("unknown", left["msg"])


def test_each_server_has_its_own_load():
    """One of two servers that does not answer fails alone."""
    made = plan(xeon(), instances="per_numa_node")
    units = [instance["unit"] for instance in made["instances"]]
    results = [{**DONE, "item": {"unit": units[0]}}, {**FAILED, "item": {"unit": units[1]}}]
    outcome = {"model": "m", "not_loadable": [], "loaded": results, "left": []}
    rows = [
        row for row in verify(made, running(made), SAME, loads=outcome)["checks"] if row["setting"] == "model_loads"
    ]
    assert [row["verdict"] for row in rows] == ["pass", "fail"]


@pytest.mark.parametrize(
    "value", [None, "x", 5, [None], [{}], [{"item": None}], [{"item": {"unit": "ollama.service"}}]]
)
def test_results_of_any_shape_end_in_a_verdict(value):
    """Whatever the tasks return."""
    found = verify(
        BOUND, running(BOUND), SAME, loads={"model": value, "not_loadable": value, "loaded": value, "left": value}
    )
    assert check(found, "model_loads")["verdict"] in ("pass", "unknown", "fail")
