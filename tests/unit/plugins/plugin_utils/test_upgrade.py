# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook upgrade does on a host, and what it refuses (_upgrade.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._upgrade import upgrade_request

ASKED = {
    "given": True,
    "refused": [],
    "install_state": "present",
    "upgrade_answers": "report",
    "upgrade_model": "llama3.2:3b",
    "upgrade_prompts": [],
    "verify_model": "",
    "benchmark_model": "",
}
MOVES = {"install": {"before": "0.32.15", "version": "0.33.0"}}
THERE = {"install": {"before": "0.33.0", "version": "0.33.0"}}


def request(desired=MOVES, **asked):
    return upgrade_request({**ASKED, **asked}, desired, "node1")


def test_a_host_moves_and_is_asked():
    """By default what differs is reported, and every verdict passes."""
    found = request()
    assert (found["refusals"], found["moves"], found["asks"], found["unasked"]) == ([], True, True, None)
    assert (found["before"], found["after"], found["model"]) == ("0.32.15", "0.33.0", "llama3.2:3b")
    assert set(found["passes"]) == {"same", "unstable", "different", "not_compared"}
    assert found["line"] == "node1: from 0.32.15 to 0.33.0; answers of llama3.2:3b are compared"


def test_what_is_required_has_to_be_seen():
    """Neither other answers nor none pass; those that were never stable do."""
    assert request(upgrade_answers="require")["passes"] == ["same", "unstable"]


def test_a_host_of_that_release_has_nothing_to_do():
    """It says so, and asks no model."""
    found = request(THERE)
    assert (found["moves"], found["asks"], found["refusals"]) == (False, False, [])
    assert found["line"] == "node1: release 0.33.0 is in use already, so there is nothing to upgrade"


@pytest.mark.parametrize(
    ("asked", "model", "unasked"),
    [
        ({"upgrade_model": "", "verify_model": "v"}, "v", None),
        ({"upgrade_model": "", "benchmark_model": "b"}, "b", None),
        ({"upgrade_model": ""}, "", "ollama_upgrade_model names no model"),
        ({"upgrade_answers": "none"}, "llama3.2:3b", "ollama_upgrade_answers is none"),
    ],
)
def test_which_model_answers(asked, model, unasked):
    """That of its own variable, else one that is named for something like it; the line says why none does."""
    found = request(**asked)
    assert (found["model"], found["asks"]) == (model, unasked is None)
    assert (found["unasked"] or "").startswith(unasked or "")
    assert (unasked or "") in found["line"]


@pytest.mark.parametrize(
    ("desired", "asked", "says"),
    [
        (MOVES, {"given": False}, "ollama_install_version: it is not given"),
        (MOVES, {"install_state": "absent"}, "ollama_install_state: with 'absent' nothing is upgraded"),
        ({"install": None}, {}, "node1: ollama_install is false"),
        (
            {"install": {"before": None, "version": "0.33.0"}},
            {},
            "node1: no role has installed the Ollama of this host",
        ),
        (MOVES, {"upgrade_model": "a b"}, "ollama_upgrade_model: 'a b' is not allowed"),
        (MOVES, {"upgrade_prompts": [""]}, "ollama_upgrade_prompts: it is not allowed"),
        (MOVES, {"upgrade_prompts": "Why?"}, "ollama_upgrade_prompts: it is not allowed"),
        (MOVES, {"upgrade_prompts": ["a"] * 33}, "ollama_upgrade_prompts: it is not allowed"),
        (MOVES, {"upgrade_prompts": ["a", "a"]}, "ollama_upgrade_prompts: one of them is there twice"),
        (MOVES, {"upgrade_answers": "require", "upgrade_model": ""}, "ollama_upgrade_answers: with require"),
        (None, {"refused": ["node1: no room"]}, "node1: no room"),
    ],
)
def test_what_is_wrong_is_refused(desired, asked, says):
    """In a sentence that says what would be right, and then nothing moves."""
    found = request(desired, **asked)
    assert [sentence.startswith(says) for sentence in found["refusals"]] == [True]
    assert (found["moves"], found["asks"]) == (False, False)


def test_all_that_is_wrong_is_refused_at_once():
    """What the host refuses comes with what the operator forgot."""
    found = request(None, given=False, refused=["node1: no room"], upgrade_prompts=[3])
    assert len(found["refusals"]) == 3
