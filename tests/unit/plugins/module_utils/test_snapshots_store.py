# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states that are kept: their names, their modes, the change that has begun, and what damage leaves of them."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import ABSENT, FILE, LARGEST, Entry
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.snapshots import (
    Snapshot,
    entries_at,
    kernel_at,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.tests.unit.support.states import MOMENT, tree

FIRST = "20261122T081202Z.1"


def state(name="", *entries, kernel=None, **changes):
    """A snapshot; of the file /a alone unless entries are given."""
    entries = entries or (Entry("/a", FILE, b"x", 0o644, (0, 0)),)
    known = Snapshot(
        name, "", "a reason", [{"path": "/a", "change": "changed"}], entries, [], {}, {}, kernel or {}, None
    )
    return known._replace(**changes)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "kept/here"))


def saved(store, number, *entries, **changes):
    """Save a state some minutes after the first."""
    return store.save(state("", *entries, **changes), MOMENT + timedelta(minutes=number))


def damage(store, name, text):
    with open(f"{store.folder.path}/{name}.json", "w", encoding="utf-8") as file:
        file.write(text)


def test_what_was_saved_is_there_again(store):
    """Every part of a state, under the name of its moment."""
    kept = state(
        "",
        Entry("/a", FILE, b"\xff\0", 0o4755, (1, 2)),
        Entry("/b", ABSENT),
        folders=["/c"],
        links={"/l": "/t"},
        active={"ollama.service": ":1"},
        kernel={"/proc/x": "1"},
    )
    name = store.save(kept, MOMENT)
    assert name == FIRST
    assert store.snapshot(name) == kept._replace(id=name, saved_at="2026-11-22T08:12:02Z", written=None)
    assert [each.id for each in store.snapshots()] == store.ids() == [name]
    assert store.problems == []


def test_only_its_owner_may_read_what_is_kept(store):
    """A state may hold a key: 0700 for folders, 0600 for files, whatever umask says."""
    before = os.umask(0)
    try:
        store.confirm({"a": 1}, 3)
        saved(store, 0)
    finally:
        os.umask(before)
    assert {name: entry[-1] for name, entry in tree(os.path.dirname(store.folder.path)).items()} == {
        "here": 0o700,
        "here/current.json": 0o600,
        "here/pending.json": 0o600,
        f"here/{FIRST}.json": 0o600,
    }


def test_a_summary_holds_no_contents(store):
    """What may be shown are the name, the moment, the reason and which files changed."""
    summary = store.snapshot(saved(store, 0)).summary()
    assert summary == {
        "id": FIRST,
        "saved_at": "2026-11-22T08:12:02Z",
        "reason": "a reason",
        "changes": [{"path": "/a", "change": "changed"}],
    }


def test_states_of_the_same_second(store):
    """Each has a name of its own, and ten come after two."""
    names = [saved(store, 0) for _number in range(12)]
    assert names[:3] == [FIRST, "20261122T081202Z.2", "20261122T081202Z.3"]
    assert store.ids() == names[::-1]


def test_a_change_has_begun_until_it_is_confirmed(store):
    """The first state of those that were saved meanwhile is the one to go back to."""
    assert store.pending() is None
    assert [saved(store, 0), saved(store, 1)] == store.ids()[::-1]
    assert store.pending().id == FIRST
    assert store.confirm(None, 3) is True
    assert store.pending() is None
    assert store.confirm(None, 3) is False


def test_a_change_that_nothing_came_of(store):
    """Its state is gone, and it has not begun; one that had begun before still has."""
    store.discard(saved(store, 0), None)
    assert (store.ids(), store.pending()) == ([], None)
    first = saved(store, 1)
    begun = store.pending()
    store.discard(saved(store, 2), begun)
    assert (store.ids(), store.pending().id) == ([first], first)


def test_the_last_states_are_kept(store):
    """The newest, as many as are asked for."""
    for number in range(5):
        saved(store, number)
        store.confirm(None, 3)
    assert store.ids() == ["20261122T081602Z.9", "20261122T081502Z.7", "20261122T081402Z.5"]
    store.confirm(None, 1)
    assert store.ids() == ["20261122T081602Z.9"]


def test_a_state_that_was_gone_back_to_is_none_to_go_back_to(store):
    """It is what there is now, with all that came after it; those before it stay."""
    old = saved(store, 0)
    store.confirm(None, 3)
    begun = saved(store, 1)
    saved(store, 2)
    store.mark_restored()
    assert store.pending().id == begun
    assert store.confirm(None, 3) is True
    assert store.ids() == [old]


def test_what_a_second_run_has_seen_is_not_lost_with_its_state(store):
    """The first run was killed, the second one touched more: the one state that stays knows of both."""
    saved(store, 0, Entry("/a", ABSENT), kernel={"/proc/x": "1"}, folders=["/d"])
    more = [{"path": "/a", "change": "changed"}, {"path": "/b", "change": "created"}]
    entries = (Entry("/a", FILE, b"half", 0o644), Entry("/b", FILE, b"theirs", 0o644))
    saved(store, 1, *entries, kernel={"/proc/x": "2", "/proc/y": "3"}, folders=["/e"], changes=more, reason="again")
    store.confirm({"a": 1}, 3)
    (kept,) = store.snapshots()
    assert kept.id == FIRST
    assert kept.entries == (Entry("/a", ABSENT), Entry("/b", FILE, b"theirs", 0o644))
    assert kept.kernel == {"/proc/x": "1", "/proc/y": "3"}
    assert kept.folders == ["/d", "/e"]
    assert kept.changes == more
    assert (kept.reason, kept.saved_at, kept.plan) == ("a reason", "2026-11-22T08:12:02Z", None)


def test_a_second_run_whose_state_is_damaged_is_kept(store):
    """What it knew is lost, so that going back past it must be refused, and not do half."""
    first = saved(store, 0)
    second = saved(store, 1)
    damage(store, second, "{")
    assert store.confirm(None, 3) is True
    assert store.ids() == [second, first]


def test_the_plan_that_was_confirmed_goes_into_the_next_state(store):
    """Each state has the plan that ran when it was saved."""
    first = saved(store, 0)
    store.confirm({"schema": 1}, 3)
    second = saved(store, 1)
    assert (store.snapshot(first).plan, store.snapshot(second).plan) == (None, {"schema": 1})
    store.confirm({"schema": 2}, 3)
    assert store.plan() == {"schema": 2}
    store.confirm(None, 3)
    assert store.plan() is None


def test_confirming_the_same_plan_again_writes_nothing(store):
    """A run that changes nothing leaves the folder as it is."""
    store.confirm({"schema": 1}, 3)
    before = os.stat(f"{store.folder.path}/current.json").st_ino
    store.confirm({"schema": 1}, 3)
    assert os.stat(f"{store.folder.path}/current.json").st_ino == before


def test_a_large_state_is_pruned_as_any_other(store):
    """A state of many files is larger than any one of them may be."""
    large = Entry("/a", FILE, b"x" * LARGEST, 0o644)
    saved(store, 0, large)
    saved(store, 1, large)
    store.confirm(None, 3)
    store.discard(saved(store, 2, large), None)
    saved(store, 3)
    store.confirm(None, 1)
    assert len(store.ids()) == 1


@pytest.mark.parametrize("name", ["", "x", "../current", "current", "20261122T081203Z.1", f"{FIRST}\n", f"{FIRST}-1"])
def test_a_state_that_there_is_not(store, name):
    """The sentence says which there are; no other file is read by a name that somebody gives."""
    with pytest.raises(OllamaError, match=r"no snapshot .*; found: none"):
        store.snapshot(name)
    store.confirm({"a": 1}, 3)
    saved(store, 0)
    with pytest.raises(OllamaError, match=f"found: {FIRST}"):
        store.snapshot(name)


def good(store):
    with open(f"{store.folder.path}/{FIRST}.json", encoding="utf-8") as file:
        return json.load(file)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"schema": None},
        {"entries": None},
        {"entries": [1]},
        {"entries": [{"path": "/a", "kind": []}]},
        {"links": []},
        {"active": None},
        {"kernel": 1},
        {"folders": 1},
        {"changes": [{}]},
        {"changes": 1},
    ],
)
def test_a_damaged_state_is_named_and_left_alone(store, change):
    """Others are listed anyway, and the file stays for inspection."""
    first = saved(store, 0)
    second = saved(store, 1)
    damage(store, first, json.dumps({**good(store), **change}))
    with pytest.raises(OllamaError, match=f"{first}.json: not a snapshot of schema 1"):
        store.snapshot(first)
    assert [each.id for each in store.snapshots()] == [second]
    assert len(store.problems) == 1
    assert store.ids() == [second, first]


@pytest.mark.parametrize("text", ["", "{", "[" * 100000, "\xff"])
def test_a_file_that_is_no_json_is_named(store, text):
    """As it is after a disk has lost it."""
    first = saved(store, 0)
    with open(f"{store.folder.path}/{first}.json", "wb") as file:
        file.write(text.encode("latin-1"))
    with pytest.raises(OllamaError, match=f"{first}.json: cannot be read .invalid JSON"):
        store.snapshot(first)


@pytest.mark.parametrize("value", [[], "x", 1])
def test_json_that_is_no_state(store, value):
    """Any JSON may stand in a file."""
    first = saved(store, 0)
    damage(store, first, json.dumps(value))
    with pytest.raises(OllamaError, match="not a snapshot of schema 1"):
        store.snapshot(first)


def test_a_file_that_cannot_be_read_is_named(store):
    """A folder of that name is none of ours."""
    saved(store, 0)
    os.mkdir(f"{store.folder.path}/20261122T090000Z.json")
    assert [each.id for each in store.snapshots()] == [FIRST]
    assert "20261122T090000Z.json: cannot be read (it is not a regular file)" in store.problems[0]


@pytest.mark.parametrize("value", [[], {}, {"id": 1}, {"id": "x"}, {"id": "../x"}, "x", 1])
def test_a_note_of_a_change_that_names_no_state(store, value):
    """It is not guessed what was meant; the sentence says what to do, and nothing is saved over it."""
    saved(store, 0)
    damage(store, "pending", json.dumps(value))
    for ask in (store.pending, lambda: store.confirm(None, 3), lambda: saved(store, 1)):
        with pytest.raises(OllamaError, match=r"pending\.json: it does not name a snapshot; remove it"):
            ask()
    assert store.ids() == [FIRST]


def test_a_damaged_plan_is_none(store):
    """What is not a plan is not compared with anything, and the next one takes its place."""
    saved(store, 0)
    for value in ([], {"plan": 1}, {}):
        damage(store, "current", json.dumps(value))
        assert store.plan() is None
    store.confirm({"a": 1}, 3)
    assert store.plan() == {"a": 1}


def test_other_files_in_the_folder_are_not_ours(store):
    """They are neither states nor removed."""
    saved(store, 0)
    for name in ("notes.txt", "x.json", "20261122T081202Z", "20261122T081202Z.json~"):
        with open(f"{store.folder.path}/{name}", "w", encoding="utf-8"):
            pass
    store.confirm(None, 1)
    assert store.ids() == [FIRST]
    assert {"notes.txt", "x.json", "20261122T081202Z", "20261122T081202Z.json~"} <= {*os.listdir(store.folder.path)}


def test_a_folder_that_is_none(tmp_path):
    """A file of that name can hold no states, and says so."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OllamaError, match=r"file: cannot be listed \(Not a directory\)"):
        Store(str(tmp_path / "file")).ids()
    with pytest.raises(OllamaError, match="cannot be written"):
        Store(str(tmp_path / "file")).folder.write("current", {})


def test_a_file_that_cannot_be_removed_is_named(store, monkeypatch):
    """Why, in a sentence."""
    first = saved(store, 0)

    def refuse(path, **_options):
        raise PermissionError(13, "Permission denied", path)

    store.confirm(None, 3)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(OllamaError, match=r"json: cannot be removed \(Permission denied\)"):
        store.folder.remove(first)


def test_the_state_itself_knows_best(store):
    """What a later one saw fills in only what this one did not look at; what came before does not count."""
    del store
    at = [
        state("3", Entry("/a", FILE, b"3", 0o644), Entry("/c", FILE, b"3", 0o644), kernel={"x": "3", "z": "3"}),
        state("2", Entry("/a", FILE, b"2", 0o644), Entry("/b", ABSENT), kernel={"x": "2"}),
        state("1", Entry("/a", FILE, b"1", 0o644), Entry("/d", ABSENT), kernel={"x": "1", "y": "1"}),
    ]
    found = entries_at(at, "2")
    assert [(each.path, each.data) for each in found] == [("/a", b"2"), ("/b", None), ("/c", b"3")]
    assert kernel_at(at, "2") == {"x": "2", "z": "3"}
    assert kernel_at(at, "3") == {"x": "3", "z": "3"}
    assert [each.data for each in entries_at(at, "1") if each.path == "/a"] == [b"1"]
    assert entries_at(at, "none") == entries_at(at, "1")
    assert kernel_at(at, "none") == kernel_at(at, "1") == {"x": "1", "y": "1", "z": "3"}
