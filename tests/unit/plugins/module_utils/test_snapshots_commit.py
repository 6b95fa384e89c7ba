# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several paths as one: all of them, or none, wherever a disk gives up."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import commit, differs
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    read_entry,
)
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.states import NAMES, SETS, plant, tree, wanted

CALLS = ("replace", "fsync", "mkdir", "chmod", "fchmod", "unlink", "symlink")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@contextmanager
def failing(name, number, *, on=False):
    """The call of os with this number fails; with ``on`` every later one too. What it has done is in the list."""
    real, calls = getattr(os, name), []

    def call(*args, **kwargs):
        calls.append(args)
        if len(calls) == number or (on and len(calls) > number):
            raise FULL
        return real(*args, **kwargs)

    with patch.object(os, name, call):
        yield calls


def test_files_links_and_nothing_at_once(tmp_path):
    """Each path has what was asked for, in folders that were not there."""
    plant(str(tmp_path), {"old": ("file", b"x", 0o644), "b/link": ("link", "c")})
    folder = str(tmp_path)
    commit(
        [
            Entry(f"{folder}/new/deep/file", FILE, b"\0\xff", 0o640),
            Entry(f"{folder}/b/link", FILE, b"1", 0o600),
            Entry(f"{folder}/to", LINK, target="new"),
            Entry(f"{folder}/old", ABSENT),
            Entry(f"{folder}/never/was", ABSENT),
        ]
    )
    assert tree(folder) == {
        "b": ("folder", 0o755),
        "b/link": ("file", b"1", 0o600),
        "new": ("folder", 0o755),
        "new/deep": ("folder", 0o755),
        "new/deep/file": ("file", b"\0\xff", 0o640),
        "to": ("link", "new"),
    }


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_modes_are_those_asked_for_whatever_umask_says(tmp_path, umask):
    """Files and new folders; a folder that was there keeps its own."""
    (tmp_path / "old").mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        commit([Entry(f"{tmp_path}/{name}", FILE, b"x", 0o664) for name in ("old/a", "new/a/b")], folder_mode=0o750)
    finally:
        os.umask(before)
    assert {name: entry[-1] for name, entry in tree(str(tmp_path)).items()} == {
        "old": 0o700,
        "old/a": 0o664,
        "new": 0o750,
        "new/a": 0o750,
        "new/a/b": 0o664,
    }


def test_nobody_else_may_read_a_secret_while_it_is_written(tmp_path):
    """It has no bit for others before its mode is set."""
    modes = []
    real = os.fchmod

    def fchmod(descriptor, mode):
        modes.append(os.fstat(descriptor).st_mode & 0o077)
        real(descriptor, mode)

    with patch.object(os, "fchmod", fchmod):
        commit([Entry(f"{tmp_path}/key", FILE, b"x", 0o600)])
    assert modes == [0]


@root
def test_an_owner_is_set_where_one_is_asked_for(tmp_path):
    """An owner that nobody asks for is no difference, and a file that is given away is one."""
    path = f"{tmp_path}/a"
    commit([Entry(path, FILE, b"x", 0o640, (12, 34))])
    assert read_entry(path).owner == (12, 34)
    assert not differs(read_entry(path), Entry(path, FILE, b"x", 0o640))
    assert differs(read_entry(path), Entry(path, FILE, b"x", 0o640, (0, 34)))


def test_without_root_another_owner_is_no_difference(tmp_path, monkeypatch):
    """Who may not give files away would find one in every run."""
    path = f"{tmp_path}/a"
    commit([Entry(path, FILE, b"x", 0o640)])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    wanted = Entry(path, FILE, b"y", 0o640, (12, 34))
    assert not differs(read_entry(path), wanted._replace(data=b"x"))
    commit([wanted])
    assert (read_entry(path).data, read_entry(path).owner) == (b"y", (os.getuid(), os.getgid()))


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        (Entry("/a", ABSENT), Entry("/a", ABSENT), False),
        (Entry("/a", ABSENT), Entry("/a", FILE, b"", 0o644), True),
        (Entry("/a", LINK, target="b"), Entry("/a", LINK, target="b"), False),
        (Entry("/a", LINK, target="b"), Entry("/a", LINK, target="c"), True),
        (Entry("/a", LINK, target="b"), Entry("/a", ABSENT), True),
        (Entry("/a", FILE, b"", 0o644), Entry("/a", FILE, b"", 0o600), True),
        (Entry("/a", FILE, b"", 0o644), Entry("/a", FILE, b"x", 0o644), True),
        (Entry("/a", FILE, b"", 0o644, (1, 1)), Entry("/a", FILE, b"", 0o644), False),
    ],
)
def test_what_has_to_be_written(found, wanted, expected):
    """Kind, target, contents and mode."""
    assert differs(found, wanted) is expected


def test_a_link_is_replaced_and_what_it_points_to_is_not_touched(tmp_path):
    """Somebody else's file is not written through a link."""
    plant(str(tmp_path), {"theirs": ("file", b"theirs", 0o644), "link": ("link", "theirs")})
    commit([Entry(f"{tmp_path}/link", FILE, b"ours", 0o600)])
    assert tree(str(tmp_path)) == {"theirs": ("file", b"theirs", 0o644), "link": ("file", b"ours", 0o600)}


def test_a_scratch_file_of_a_run_that_was_killed_is_written_over(tmp_path):
    """It may be a link to somewhere else; that is not followed."""
    plant(str(tmp_path), {"theirs": ("file", b"theirs", 0o644), "a.ollama-new": ("link", "theirs")})
    commit([Entry(f"{tmp_path}/a", FILE, b"ours", 0o600)])
    assert tree(str(tmp_path)) == {"theirs": ("file", b"theirs", 0o644), "a": ("file", b"ours", 0o600)}


@pytest.mark.parametrize("name", ["file/below", "file/deep/below", "dangling/below"])
def test_a_file_where_a_folder_should_be_changes_nothing(tmp_path, name):
    """The error names the path, and what was made before is gone."""
    folder = str(tmp_path)
    plant(folder, {"file": ("file", b"x", 0o644), "dangling": ("link", "no/such")})
    before = tree(folder)
    with pytest.raises(OllamaError, match=rf"{name}: cannot be written \(.*\); nothing was changed"):
        commit([Entry(f"{folder}/new/a", FILE, b"1", 0o644), Entry(f"{folder}/{name}", FILE, b"2", 0o644)])
    assert tree(folder) == before


def test_a_folder_that_another_run_makes_at_the_same_time_is_taken(tmp_path, monkeypatch):
    """Between the look and the making: no reason to fail, and a change that is taken back leaves it."""
    real = os.mkdir

    def raced(name, *arguments, **options):
        real(name, *arguments, **options)
        real(name, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", raced)
    commit([Entry(f"{tmp_path}/new/deep/file", FILE, b"1", 0o644)])
    assert (tmp_path / "new/deep/file").read_bytes() == b"1"
    plant(str(tmp_path), {"file": ("file", b"x", 0o644)})
    with pytest.raises(OllamaError, match="nothing was changed"):
        commit([Entry(f"{tmp_path}/theirs/a", FILE, b"1", 0o644), Entry(f"{tmp_path}/file/b", FILE, b"2", 0o644)])
    assert (tmp_path / "theirs").is_dir()


def test_a_folder_in_the_way_changes_nothing(tmp_path):
    """It is found before anything is written."""
    (tmp_path / "b").mkdir()
    before = tree(str(tmp_path))
    with pytest.raises(OllamaError, match="neither a file nor a link"):
        commit([Entry(f"{tmp_path}/a", FILE, b"1", 0o644), Entry(f"{tmp_path}/b", FILE, b"2", 0o644)])
    assert tree(str(tmp_path)) == before


BEFORE = {
    "a": ("file", b"old", 0o640),
    "b": ("link", "a"),
    "c": ("file", b"gone", 0o600),
    "d/e": ("file", b"same", 0o755),
    "f": ("link", "no/such"),
}
AFTER = {
    "a": ("link", "b"),
    "b": ("file", b"new", 0o644),
    "c": None,
    "d/e": ("file", b"other", 0o644),
    "f": None,
    "g/h/i": ("file", b"first", 0o600),
    "g/h/j": ("link", "i"),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_error_in_the_middle_leaves_all_as_it_was(tmp_path, call):
    """Whichever call is the one that fails, nothing has changed, and no scratch file is left."""
    number = 1
    while True:
        folder = str(tmp_path / str(number))
        os.mkdir(folder)
        plant(folder, BEFORE)
        before = tree(folder)
        with failing(call, number) as calls:
            try:
                commit(wanted(folder, AFTER))
            except OllamaError as error:
                assert "(No space left on device); nothing was changed" in str(error)  # noqa: PT017 - some pass
                assert tree(folder) == before
            else:
                break
        assert len(calls) >= number
        number += 1
    assert number > 1
    # Some calls may fail without harm, as those that take away what is not there; then all is done.
    assert set(tree(folder)) == {"a", "b", "d", "d/e", "g", "g/h", "g/h/i", "g/h/j"}


@pytest.mark.parametrize(
    ("call", "number"), [*(("replace", n) for n in range(1, 6)), *(("fsync", n) for n in range(1, 7))]
)
def test_paths_that_a_broken_disk_does_not_restore_are_named(tmp_path, call, number):
    """Paths that could not be restored are named, all others are as before; no scratch file is left."""
    folder = str(tmp_path)
    plant(folder, BEFORE)
    before = tree(folder)
    with failing(call, number, on=True), pytest.raises(OllamaError) as error:
        commit(wanted(folder, AFTER))
    after = tree(folder)
    lost = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    named = str(error.value).partition("these could not be restored: ")[2].split(", ")
    assert {f"{folder}/{name}" for name in lost - {"g", "g/h"}} == {*filter(None, named)}


@settings(max_examples=examples(60))
@given(SETS, SETS, st.sampled_from(CALLS), st.integers(1, 12))
def test_any_set_is_written_as_a_whole_or_not_at_all(before, after, call, number):
    """Whatever was there, whatever is asked for, and wherever it fails."""
    with tempfile.TemporaryDirectory() as folder:
        plant(folder, before)
        old = tree(folder)
        with failing(call, number):
            try:
                commit(wanted(folder, after))
            except OllamaError:
                assert tree(folder) == old
                return
        for entry in wanted(folder, after):
            assert not differs(read_entry(entry.path), entry)
        others = {name for name in NAMES if name not in after}
        new = tree(folder)
        assert {name: new.get(name) for name in others} == {name: old.get(name) for name in others}
        assert not [name for name in new if name.endswith(".ollama-new")]
