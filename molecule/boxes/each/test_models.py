# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of before 0.30 gets its models, keeps what was in memory, and computes with the threads of the plan."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.on(job="models")


def test_models_are_pulled_and_created_and_the_rest_is_reported(recorded):
    # The summary is broken into lines, which are in quotes or items of a list in some forms of the output.
    lines = re.sub(r"""['",\s]+(?:-\s+['"]\s*)?""", " ", recorded("models-brought")["output"])
    expected = [
        "pulled: tiny:1b",
        "tiny:1b-threads",
        "brief:latest-threads",
        "beyond ollama_models",
        "first token after",
        "verified: ",
        "failed=0",
    ]
    assert [words for words in expected if words not in lines] == []
    assert recorded("models-brought")["changed"] > 0


def test_the_change_was_proven_with_a_model_that_carries_the_threads(recorded):
    output = recorded("models-brought")["output"]
    assert output.index("tiny:1b-threads (created)") < output.index("Confirm the change")
    assert "Load the model to verify with" in output


def test_memory_has_what_stays_and_what_was_there_before_the_restart(recorded):
    models = {model["name"]: model["expires_at"] for model in recorded("models-in-memory")["models"]}
    assert sorted(models) == ["other:1b", "tiny:1b-threads"]
    assert int(models["tiny:1b-threads"][:4]) > 2200


def test_second_run_changes_nothing_and_shows_no_task_for_it(recorded):
    run = recorded("models-again")
    assert (run["rc"], run["changed"]) == (0, 0)
    assert "Bring the models" not in run["output"]


def test_another_build_than_the_pinned_one_is_refused_and_keeps_nothing_else_from_coming(recorded, last_lines):
    assert "0123456789ab" in last_lines("models-pinned")
    assert "Traceback" not in recorded("models-pinned")["output"]


def test_store_has_what_is_wanted_and_what_is_extra_is_gone(host):
    found = host.check_output("cd /usr/share/ollama/.ollama/models/manifests && find . -type f | sort")
    names = [line.rpartition("library/")[2].replace("/", ":") for line in found.splitlines()]
    assert {"other:1b", "tiny:1b", "tiny:1b-threads"} <= set(names)
    assert not {"brief:latest", "brief:latest-threads"} & set(names)
