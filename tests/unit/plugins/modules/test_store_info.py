# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module store_info: what moving a store would meet."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._store import inspect, move
from ansible_collections.inference.ollama.plugins.module_utils._store.transfer import Owner

TINY = "manifests/registry.ollama.ai/library/tiny/latest"


def put(store, name, text="{}"):
    (store / name).parent.mkdir(parents=True, exist_ok=True)
    (store / name).write_text(text)


@pytest.fixture
def stores(tmp_path):
    put(tmp_path / "old", TINY)
    put(tmp_path / "old", "blobs/sha256-" + "0" * 64, "weights")
    return tmp_path / "old", tmp_path / "new/models"


def ask(run, stores, **options):
    code, result = run(source=str(stores[0]), target=str(stores[1]), state_folder=f"{stores[0]}-state", **options)
    assert (code, result["changed"]) == (0, False)
    return result["store"]


def test_both_stores_are_described(run, stores):
    """Models, files and bytes of each, that files need not be copied on one file system, and what is free."""
    found = ask(run, stores)
    assert found["source"] == {
        "path": str(stores[0]),
        "there": True,
        "link": None,
        "models": 1,
        "files": 2,
        "size_bytes": 9,
    }
    assert (found["target"]["there"], found["target"]["files"]) == (False, 0)
    assert found["target"]["free_bytes"] > 0
    assert (found["same_file_system"], found["needed_bytes"], found["same_place"]) == (True, 0, False)
    assert (found["conflicts"], found["closed"], found["pending"], found["problems"]) == ([], [], None, [])


def test_another_model_of_the_same_name_is_a_conflict(run, stores):
    """Two files of one content are no conflict."""
    put(stores[1], TINY)
    assert ask(run, stores)["conflicts"] == []
    put(stores[1], TINY, '{"other": 1}')
    assert ask(run, stores)["conflicts"] == [TINY]


def test_a_move_that_is_under_way_or_has_ended_is_named(run, stores):
    """With its two paths; a record that is damaged is a problem."""
    state = f"{stores[0]}-state"
    owner = Owner(os.getuid(), os.getgid())
    move.copied(state, *map(str, stores), owner)
    assert ask(run, stores)["pending"] == {"source": str(stores[0]), "target": str(stores[1]), "phase": "copying"}
    move.finished(state, owner)
    found = ask(run, stores)
    assert (found["pending"], found["same_place"]) == (None, True)
    assert found["moved"] == {"source": str(stores[0]), "target": str(stores[1])}
    move.Folder(state).write(move.RECORD, {})
    assert "it names no move of a store" in ask(run, stores)["problems"][0]


def test_a_relative_path_is_refused(run, stores):
    """And a home of nobody."""
    code, result = run(source="models", target=str(stores[1]))
    assert (code, "allowed is an absolute path" in result["msg"]) == (1, True)


def test_folders_that_the_user_may_not_pass_are_named(stores):
    """As runuser says, from the root on; nothing is asked for root and for a user that comes at each start."""
    asked = []

    def run(argv):
        asked.append(argv)
        return Outcome("/closed\n", None)

    found = inspect.inspect(*map(str, stores), "nobody", f"{stores[0]}-state", run)
    assert found["closed"] == ["/closed"]
    assert (asked[0][:2], asked[0][7]) == (["runuser", "--user=nobody"], "/")
    assert inspect.inspect(*map(str, stores), "nobody-at-all", f"{stores[0]}-state", run)["closed"] == []
    assert len(asked) == 1


def test_what_cannot_be_read_is_a_problem(stores, monkeypatch):
    """Of a store, of a file system, and of a file that is to be compared."""

    def refuse(*_args):
        raise OSError(13, "Permission denied")

    put(stores[1], TINY)
    monkeypatch.setattr(inspect, "content", refuse)
    monkeypatch.setattr(os, "statvfs", refuse)
    found = inspect.inspect(*map(str, stores), "root", f"{stores[0]}-state", None)
    assert (found["conflicts"], found["target"]["free_bytes"]) == ([TINY], None)
    (stores[0] / "file").write_text("")
    found = inspect.inspect(str(stores[0] / "file"), str(stores[1]), "root", f"{stores[0]}-state", None)
    assert "the store cannot be listed" in found["problems"][0]


def test_a_new_store_belongs_to_the_user_or_to_whoever_has_the_old_one(tmp_path):
    """Where the user comes at each start; to root where there is no old one."""
    mine = os.stat(tmp_path)
    assert inspect.owner_of("root", str(tmp_path)) == (0, 0)
    assert inspect.owner_of("nobody-at-all", str(tmp_path)) == (mine.st_uid, mine.st_gid)
    assert inspect.owner_of("nobody-at-all", str(tmp_path / "none")) == (0, 0)
