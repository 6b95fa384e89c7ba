# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator wants of a search for the best settings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.request import tuning_profile, tuning_request
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

RIGHT = {
    "model": "llama3.1:8b",
    "objective": "throughput",
    "points": 40,
    "minutes": 60,
    "seconds": 20,
    "knobs": [],
    "kv_cache_types": [],
    "context_minimum": None,
    "concurrency": None,
    "guard_seconds": None,
    "file": "/w/measured.yml",
    "folder": "/w",
    "before": "",
    "after": "/w/undrain.yml",
    "start_timeout": 120,
    "verify_timeout": 300,
}
HOST = {"name": "h", "at": "2026-11-27"}
READ = {"models": [{"name": "llama3.1:8b", "digest": "46e0c10c039e"}, {"name": "other:latest", "digest": None}]}


# Callers of one answer's length would go on in step.
ANSWERS = {"output_tokens": 128, "output_tokens_stdev": 32}


def desired(**changed):
    return {"live": True, "pending": False, "changes": [], "plan": plan(xeon()), **changed}


def test_what_is_right_is_handed_on():
    """Numbers may be texts, as the command line has them; what is not said is left to the search."""
    request = tuning_request({**RIGHT, "points": "12", "concurrency": "8", "knobs": ["num_parallel"]})
    assert request == {
        "errors": [],
        "options": {"objective": "throughput", "knobs": ["num_parallel"], "concurrency": 8},
        "budget": {"points": 12, "minutes": 60},
        "measure": {"model": "llama3.1:8b", "duration": 20, "max_duration": 260, **ANSWERS},
        "guard_seconds": 980,
    }
    assert tuning_request({**RIGHT, "guard_seconds": 90})["guard_seconds"] == 90
    assert tuning_request({**RIGHT, "verify_timeout": 10})["guard_seconds"] == 490


def test_all_wrong_variables_are_refused_at_once():
    """With the variable, its value and what is allowed."""
    wrong = {
        "model": "",
        "objective": "speed",
        "points": 0,
        "minutes": "many",
        "seconds": True,
        "knobs": ["x"],
        "kv_cache_types": "q8_0",
        "context_minimum": -1,
        "concurrency": 10000,
        "guard_seconds": 5,
        "file": "measured.yml",
        "before": 7,
        "after": "undrain.yml",
    }
    errors = tuning_request({**RIGHT, **wrong})["errors"]
    names = [error.split(":", maxsplit=1)[0].split("_", 2)[2] for error in errors]
    assert sorted(names) == sorted(wrong)
    assert all("llowed" in error for error in errors)


def test_a_model_whose_name_is_none_is_refused():
    """As the module model would."""
    assert "'a b' is not allowed" in tuning_request({**RIGHT, "model": "a b"})["errors"][0]


@settings(max_examples=examples(40))
@given(
    st.dictionaries(
        st.sampled_from(list(RIGHT)), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
    )
)
def test_no_value_raises(asked):
    """Each is right, or a sentence says what would be."""
    request = tuning_request({**RIGHT, **asked})
    assert request["errors"] or request["guard_seconds"] >= 30


def test_a_host_that_is_as_planned_has_a_profile():
    """It has what a record says of host and model."""
    found = tuning_profile(xeon(), desired(), {**RIGHT, "model": "llama3.1:8b"}, READ, HOST)
    assert found["errors"] == []
    profile = found["profile"]
    assert (profile["model"], profile["digest"], profile["host"], profile["at"]) == (
        *("llama3.1:8b", "46e0c10c039e", "h"),
        "2026-11-27",
    )
    assert profile["release"] == plan(xeon())["release"]
    other = tuning_profile(xeon(), desired(), {**RIGHT, "model": "other"}, READ, HOST)["profile"]
    assert (other["model"], other["digest"]) == ("other", None)


@pytest.mark.parametrize(
    ("changed", "read", "words"),
    [
        ({"live": False}, READ, "there is no service of this host to measure"),
        ({"pending": True, "changes": ["/x.conf"]}, READ, "these files differ: /x.conf"),
        ({"pending": True}, READ, "run inference.ollama.site first"),
        ({}, {"models": [], "problems": ["/srv/models: permission denied"]}, "/srv/models: permission denied"),
        ({}, {"models": [{"name": "b"}, {"name": "b b"}]}, "there are: b"),
        ({}, {"models": []}, "there are: none"),
        ({"plan": {**plan(xeon()), "release": None}}, READ, "its release is not known"),
    ],
)
def test_a_host_that_cannot_be_tuned_says_why(changed, read, words):
    """With what to do."""
    found = tuning_profile(xeon(), desired(**changed), RIGHT, read, HOST)
    assert "profile" not in found
    assert words in found["errors"][0]
