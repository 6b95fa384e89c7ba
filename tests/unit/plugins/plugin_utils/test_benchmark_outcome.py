# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What loading, measuring and unloading a model comes to."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.outcome import outcome

MEASURED = {"benchmark": {"schema": 1, "load": {"already_loaded": True, "seconds": None}, "problems": ["x"]}}
HELD = {"before": [], "loaded": [], "seconds": 0.0}


def test_a_measurement_is_handed_on():
    """With a model that was in memory before, nothing is added to it."""
    assert outcome(MEASURED, [HELD], [HELD]) == MEASURED["benchmark"]


def test_the_slowest_load_is_the_load_time():
    """The measurement itself finds the model in memory and cannot know."""
    found = outcome(MEASURED, [{"loaded": ["m"], "seconds": 2.5}, {"loaded": ["m"], "seconds": 4.0}, HELD])
    assert found["load"] == {"already_loaded": False, "seconds": 4.0}


def test_a_model_that_does_not_load_is_the_reason():
    """A task with failed_when says failed: false of it."""
    failed = {"failed": False, "msg": "model m: it did not answer: status 404", "before": []}
    assert outcome({"skipped": True}, [HELD, failed]) == {
        "error": "the model was not loaded: model m: it did not answer: status 404"
    }


def test_a_measurement_that_failed_is_the_reason():
    """A missing module is one too."""
    assert outcome({"failed": False, "msg": "no answer"}, [HELD])["error"] == "no answer"
    assert outcome({}, [HELD])["error"] == "it did not say why"


def test_check_mode_measures_nothing_and_says_what_it_would_do():
    """Whoever asks for a measurement finds an error, not a result without points."""
    assert outcome({"would": ["send"]}, [HELD]) == {
        "error": "nothing is measured in check mode",
        "would": ["send"],
    }


def test_memory_that_is_not_as_it_was_is_a_problem():
    """The measurement counts all the same."""
    found = outcome(MEASURED, [HELD], [{"failed": False, "msg": "timed out"}])
    assert found["problems"] == ["x", "the memory is not as it was: timed out"]
