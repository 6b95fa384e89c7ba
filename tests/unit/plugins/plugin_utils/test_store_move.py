# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the models of a host move, and when it is refused."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._store_move import (
    Decision,
    earlier_store,
    store_move,
    store_question,
    with_moves,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import kept_text
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import DEFAULTS, found
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

OLD, NEW, RECORD = "/srv/old", "/srv/new", "/var/lib/inference.ollama/store.json"


def host(*, path="", by_unit=None, pending=False, role=True, adopt="keep"):
    """What is found on a host that was made with a path."""
    kept = {"models_path": path, "adopt": adopt}
    return {
        **found(),
        "variables": kept_text(kept, {}) if role else None,
        "found_unit": found_unit({"OLLAMA_MODELS": by_unit} if by_unit else {}),
        "digests": {RECORD: {"sha256": "0", "mode": "0600"}} if pending else {},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"path": OLD}, OLD),
        ({"by_unit": OLD, "role": False}, OLD),
        ({"by_unit": OLD}, OLD),
        ({"by_unit": OLD, "adopt": "replace"}, "~root/.ollama/models"),
        ({}, "~root/.ollama/models"),
    ],
)
def test_the_store_up_to_now_is_that_of_the_last_run_or_of_the_unit(given, expected):
    """The role's variable goes before the unit, and the service user's home is what is left."""
    assert earlier_store(xeon(), host(**given)) == expected


@pytest.mark.parametrize(
    ("given", "wanted", "asked"),
    [
        ({}, "", None),
        ({"path": OLD}, OLD, None),
        ({"path": OLD}, NEW, (OLD, NEW)),
        ({"path": OLD}, "", (OLD, "~root/.ollama/models")),
        ({"by_unit": OLD, "role": False}, NEW, (OLD, NEW)),
        ({"path": NEW, "pending": True}, NEW, (NEW, NEW)),
    ],
)
def test_stores_are_compared_where_they_differ_or_a_move_is_under_way(given, wanted, asked):
    """And nothing is asked of any other host."""
    question = store_question(xeon(), {**DEFAULTS, "models_path": wanted}, host(**given))
    assert (question and (question["source"], question["target"])) == asked


def test_nothing_is_asked_where_nothing_is_changed():
    """Without preflight, for a folder that files are rendered into, and without a unit."""
    options = {**DEFAULTS, "models_path": NEW}
    assert store_question(xeon(), options, host(path=OLD), preflight=False) is None
    assert store_question(xeon(), {**options, "staging_root": "/root/x"}, host(path=OLD)) is None
    assert store_question({}, options, host(path=OLD)) is None


ASKED = {"user": "ollama"}


def answer(**changes):
    """What store_info says of a full store and an empty one, on two file systems."""
    source = {"path": OLD, "there": True, "link": None, "models": 2, "files": 9, "size_bytes": 5 << 30}
    target = {"path": NEW, "there": False, "link": None, "models": 0, "files": 0, "size_bytes": 0}
    return {
        "source": {**source, **changes.pop("source", {})},
        "target": {**target, "free_bytes": 1 << 40, **changes.pop("target", {})},
        "same_place": False,
        "needed_bytes": 5 << 30,
        "conflicts": [],
        "closed": [],
        "problems": [],
        "pending": None,
        "moved": None,
        **changes,
    }


def decide(move="auto", *, role=True, **changes):
    return store_move({**DEFAULTS, "models_path_move": move}, host(path=OLD, role=role), ASKED, answer(**changes))


def step_of(step, source=OLD, target=NEW):
    return {"step": step, "source": source, "target": target, "user": "ollama"}


def test_models_move_on_a_host_of_the_role_and_where_it_is_asked_for():
    """The folder is made, and the models are read in the old one until then."""
    for decision in (decide(), decide(move=True, role=False), decide(move="yes", role=False)):
        assert (decision.step, decision.makes, decision.models_in) == (step_of("move"), True, OLD)
    assert decide(move="nonsense").step == step_of("move")
    assert Decision().models_in is None


def test_an_empty_store_beside_a_full_one_is_never_silent():
    """Refused on a host that was not the role's; with models in both, a notice names them."""
    refused = decide(role=False)
    assert refused.step is None
    assert "/srv/old has 2 models (5.0 GiB), and /srv/new has none" in refused.errors[0]
    assert "true moves them" in decide(role=False, target={"models": 1}).notices[0]
    assert decide(move=False).notices == (
        "/srv/old has 2 models (5.0 GiB), which stay there: ollama_models_path_move is false",
    )
    assert decide(source={"files": 0, "models": 0}) == Decision()
    assert store_move({}, {}, None, None) == Decision()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": {"path": "/srv/old/new"}}, "/srv/old/new and /srv/old lie in each other"),
        ({"conflicts": ["manifests/a"]}, "both have manifests/a, and they are not the same"),
        ({"closed": ["/srv"]}, "the service's user may not pass /srv, on the way to /srv/new"),
        (
            {"target": {"free_bytes": 5 << 30}},
            "the models of /srv/old would be copied, but the file system of /srv/new",
        ),
        ({"problems": ["/srv/old: it cannot be listed"]}, "ollama_models_path: /srv/old: it cannot be listed"),
    ],
)
def test_a_move_that_would_fail_is_refused_before(changes, sentence):
    """With what is in the way and what would be right."""
    decision = decide(**changes)
    assert (decision.step, len(decision.errors)) == (None, 1)
    assert sentence in decision.errors[0]


def test_files_that_are_linked_need_no_room():
    """On one file system."""
    assert decide(needed_bytes=0, target={"free_bytes": 0}).step == step_of("move")


@pytest.mark.parametrize(
    ("source", "target", "phase", "expected"),
    [
        (OLD, NEW, "copying", step_of("move")),
        (NEW, NEW, "copying", step_of("finish")),
        (NEW, NEW, "removing", step_of("finish")),
        (OLD, OLD, "copying", step_of("take_back")),
        (OLD, OLD, "removing", None),
        (OLD, "/srv/third", "copying", None),
    ],
)
def test_a_move_that_was_killed_is_ended_or_taken_back(source, target, phase, expected):
    """By what the files say and what is wanted; any other path is refused until then."""
    pending = {"source": OLD, "target": NEW, "phase": phase}
    decision = decide(source={"path": source}, target={"path": target}, same_place=source == target, pending=pending)
    assert (decision.step, bool(decision.errors)) == (expected, expected is None)


def test_a_link_of_an_earlier_move_gives_way_and_anybody_else_s_stays():
    """Both paths are one folder then."""
    link = {"path": NEW, "there": True, "link": OLD}
    ours = {"source": NEW, "target": OLD}
    assert decide(same_place=True, target=link, moved=ours).step == step_of("move")
    assert decide(move=False, same_place=True, target=link, moved=ours).step is None
    assert decide(same_place=True, target=link).step is None


def test_a_folder_that_is_made_cannot_be_used_before():
    """What was found of it is no reason to refuse; of one that is there it is."""
    known = {"moves": decide(), "store_problem": "not there"}
    assert with_moves(known)[1]["store_problem"] is None
    there = {**known, "moves": decide(target={"there": True})}
    assert with_moves(there)[1]["store_problem"] == "not there"
