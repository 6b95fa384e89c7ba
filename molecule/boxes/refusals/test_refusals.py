# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong input is refused in words that help; that nothing has changed by it is for ../../shared/unchanged."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


def test_refusal_names_the_variable_its_value_and_what_is_allowed(recorded):
    refusals = recorded("refusals")
    assert refusals
    lacking = [
        {"input": case["set"], "lacks": words, "message": case["message"]}
        for case in refusals
        if (words := [word for word in case["says"] if word not in case["message"]])
    ]
    assert lacking == []


def test_a_server_that_runs_the_installed_program_says_the_release_of_a_slow_one(recorded):
    assert recorded("release-of-server")["changed"] == 0


@pytest.mark.parametrize("run", ["release-unknown", "release-unknown-check"])
def test_unknown_release_is_refused_with_what_was_tried_and_both_remedies(recorded, run):
    seen = recorded(run)
    assert seen["changed"] == 0
    for words in ("ollama_version", "--version did not answer within 1 s", "ollama_command_timeout"):
        assert words in seen["output"]


def test_naming_the_release_is_enough_and_restarts_nothing(recorded):
    """What is written is which variables the files were made with."""
    output = recorded("release-named")["output"]
    assert ": 1 file changed; " in output
    assert "restarted" not in output
