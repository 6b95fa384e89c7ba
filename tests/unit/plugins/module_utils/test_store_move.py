# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that is moved, killed anywhere, is never lost."""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._store import listing as listing_module
from ansible_collections.inference.ollama.plugins.module_utils._store import move, transfer
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import listing

OWNER = transfer.Owner(os.getuid(), os.getgid())
NAME = "manifests/registry.ollama.ai/library/tiny/latest"
CALLS = ("link", "mkdir", "unlink", "rmdir", "replace", "symlink", "write", "fsync", "chown", "rename")


def refusing(number):
    """A function of the system that always fails so."""

    def fail(*_args, **_options):
        raise OSError(number, "")

    return fail


class Killed(BaseException):
    """What a kill is for the code that it meets."""


def blob(store, data):
    """Put a blob into a store and return its name below it."""
    name = f"blobs/sha256-{hashlib.sha256(data).hexdigest()}"
    os.makedirs(os.path.join(store, "blobs"), exist_ok=True)
    (store / name).write_bytes(data)
    return name


def manifest(store, text="{}", name=NAME):
    (store / name).parent.mkdir(parents=True, exist_ok=True)
    (store / name).write_text(text)
    return name


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Blobs of some bytes have several pieces, and no test waits for the disk."""
    monkeypatch.setattr(transfer, "_CHUNK", 4)
    monkeypatch.setattr(os, "fsync", lambda _number: None)


@pytest.fixture
def places(tmp_path):
    """State folder, an old store with a model, and where the new one shall be, two folders deep."""
    old = tmp_path / "old/models"
    for data in (b"weights" * 3, b"template"):
        blob(old, data)
    manifest(old)
    return str(tmp_path / "state"), old, tmp_path / "new/place/models"


def files(store):
    """The content of each file of a store."""
    return {name: (store / name).read_bytes() for name in listing(str(store)).entries}


@pytest.fixture(params=[True, False], ids=["linked", "copied"])
def links(request, monkeypatch):
    """Whether both stores are on one file system."""
    if not request.param:

        def refuse(*_args, **_options):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

        monkeypatch.setattr(os, "link", refuse)
    return request.param


def copy(places):
    return move.copied(places[0], str(places[1]), str(places[2]), OWNER)


def test_a_store_is_copied_and_then_finished(places, links):
    """Both have everything after the copy, the new one alone at the end, and the old path leads there."""
    state, old, new = places
    before = files(old)
    done = copy(places)
    assert (files(old), files(new)) == (before, before)
    assert (done.linked_bytes > 0, new.stat().st_mode & 0o777) == (links, old.stat().st_mode & 0o777)
    assert move.read_record(state).phase == move.COPYING
    move.finished(state, OWNER)
    assert files(new) == before
    assert (os.readlink(old), move.read_record(state)) == (str(new), None)
    assert not (new / listing_module.SCRATCH).exists()


@pytest.mark.usefixtures("links")
def test_a_move_that_is_taken_back_leaves_nothing(places):
    """What the new server has pulled comes to the old store, and the folders that were made are gone."""
    state, old, new = places
    copy(places)
    fresh = blob(new, b"pulled meanwhile")
    named = manifest(new, '{"new": true}', NAME.replace("tiny", "other"))
    move.taken_back(state, OWNER)
    assert {fresh, named, NAME} <= set(files(old))
    assert not new.parent.parent.exists()
    assert move.read_record(state) is None


@pytest.mark.usefixtures("links")
def test_what_came_to_the_old_store_after_the_copy_is_moved_too(places):
    """The end of the move looks once more."""
    state, old, new = places
    copy(places)
    late = blob(old, b"late")
    newer = manifest(old, '{"newer": 1}')
    os.utime(old / newer, ns=(1 << 62, 1 << 62))
    move.finished(state, OWNER)
    assert (files(new)[late], files(new)[newer]) == (b"late", b'{"newer": 1}')


@pytest.mark.usefixtures("links")
def test_it_is_moved_back_to_a_path_that_is_a_link_by_now(places):
    """The link of the first move gives way to the store; taken back, it is there again."""
    state, old, new = places
    before = files(old)
    copy(places)
    move.finished(state, OWNER)
    back = (state, new, old)
    copy(back)
    move.taken_back(state, OWNER)
    assert os.readlink(old) == str(new)
    copy(back)
    move.finished(state, OWNER)
    assert not old.is_symlink()
    assert files(old) == before


@pytest.mark.usefixtures("links")
def test_a_finished_move_may_be_finished_and_taken_back_again(places):
    """Where nothing is under way, neither does anything."""
    state, _old, new = places
    copy(places)
    move.finished(state, OWNER)
    before = files(new)
    assert move.finished(state, OWNER) is None
    assert move.taken_back(state, OWNER) is None
    assert files(new) == before


def lethal(monkeypatch, number):
    """Kill at the call of this number; the list that is returned grows by one for each call."""
    calls = []
    for name in CALLS:
        real = getattr(os, name)

        def call(*args, _real=real, _name=name, **options):
            calls.append(_name)
            if len(calls) == number:
                raise Killed
            return _real(*args, **options)

        monkeypatch.setattr(os, name, call)
    return calls


@pytest.mark.parametrize("end", [move.finished, move.taken_back])
@pytest.mark.usefixtures("links")
def test_a_kill_at_any_call_loses_nothing_and_the_next_run_ends_it(tmp_path, monkeypatch, end):
    """Every file is whole in one of the two stores at each point, and the second run ends what the first began."""
    number, done = 0, False
    while not done:
        number += 1
        base = tmp_path / str(number)
        old, new, state = base / "old/models", base / "new/models", str(base / "state")
        blob(old, b"weights" * 2)
        manifest(old)
        before = files(old)
        with monkeypatch.context() as patch:
            lethal(patch, number)
            try:
                copy((state, old, new))
                end(state, OWNER)
                done = True
            except Killed:
                pass
        kept = {**(files(new) if new.exists() else {}), **(files(old) if old.exists() else {})}
        assert kept.items() >= before.items(), number
        record = move.read_record(state)
        if not done and (record is not None or not (old.is_symlink() or end is move.taken_back)):
            if record is None or record.phase == move.COPYING:
                copy((state, old, new))
            end(state, OWNER)
        assert files(new if end is move.finished else old) == before, number
        assert not (new / listing_module.SCRATCH).exists(), number
        assert new.exists() == (end is move.finished), number
    assert number > 20


def test_a_copy_goes_on_where_a_killed_one_ended(places, monkeypatch):
    """Of a file that is half there only the rest is written."""
    state, old, new = places
    monkeypatch.setattr(os, "link", refusing(errno.EXDEV))
    real, written = os.write, []
    large = blob(old, bytes(range(64)))

    def write(number, data):
        written.append(bytes(data))
        if len(written) == 12:
            raise Killed
        return real(number, data)

    for name in listing(str(old)).entries:
        if name != large:
            os.unlink(old / name)
    monkeypatch.setattr(os, "write", write)
    # The record is written by the same function.
    with pytest.raises(Killed):
        copy(places)
    first = len(written)
    copy(places)
    assert files(new)[large] == bytes(range(64))
    assert len(written) - first < 16
    assert move.read_record(state).target == str(new)


def test_a_disk_that_writes_something_else_is_noticed(places, monkeypatch):
    """The copy is read again; the old store has everything."""
    _state, old, new = places
    monkeypatch.setattr(os, "link", refusing(errno.EXDEV))
    monkeypatch.setattr(transfer, "_digest", lambda *_args: "other")
    with pytest.raises(OllamaError, match="reads as something else"):
        copy(places)
    assert files(old)
    assert not files(new)


def test_a_full_disk_is_named_and_nothing_is_lost(places, monkeypatch):
    """ENOSPC is a sentence with the file in it."""
    before = files(places[1])
    monkeypatch.setattr(os, "link", refusing(errno.ENOSPC))
    with pytest.raises(OllamaError, match=r"blobs/sha256-\w+: it cannot be brought .* \(no space left"):
        copy(places)
    assert files(places[1]) == before


def test_a_damaged_blob_is_brought_as_it_is_and_named(places, monkeypatch):
    """Whose digest is another one than its name says."""
    monkeypatch.setattr(os, "link", refusing(errno.EXDEV))
    (places[1] / ("blobs/sha256-" + "0" * 64)).write_bytes(b"damaged")
    done = copy(places)
    assert [problem for problem in done.problems if "its content is not what its name says" in problem]
    assert files(places[1]) == files(places[2])


def test_another_model_of_that_name_in_the_new_store_is_refused(places):
    """Neither of the two is overwritten."""
    manifest(places[2], '{"another": 1}')
    with pytest.raises(OllamaError, match="differs from the one in"):
        copy(places)
    assert files(places[2]) == {NAME: b'{"another": 1}'}


@pytest.mark.usefixtures("links")
def test_what_the_new_store_had_before_stays_there_when_the_move_is_taken_back(places):
    """It is neither removed nor brought to the old one; a damaged blob in the way was replaced."""
    state, old, new = places
    own = blob(new, b"own")
    manifest(new)
    damaged = next(name for name in files(old) if name.startswith("blobs/"))
    (new / damaged).write_bytes(b"#" * (old / damaged).stat().st_size)
    copy(places)
    assert files(new)[damaged] == files(old)[damaged]
    move.taken_back(state, OWNER)
    assert set(files(new)) == {own, NAME, damaged}
    assert own not in files(old)


@pytest.mark.usefixtures("links")
def test_links_in_a_store_lead_into_the_new_one(places):
    """An absolute one into the old store leads into the new one, others stay."""
    state, old, new = places
    (old / "manifests-v2").mkdir()
    (old / "manifests-v2/a").symlink_to(f"{old}/{NAME}")
    (old / "manifests-v2/b").symlink_to("/elsewhere")
    copy(places)
    move.finished(state, OWNER)
    assert os.readlink(new / "manifests-v2/a") == f"{new}/{NAME}"
    assert os.readlink(new / "manifests-v2/b") == "/elsewhere"


def test_a_move_to_a_third_place_is_refused_while_one_is_under_way(places, tmp_path):
    """With both paths of the first."""
    copy(places)
    with pytest.raises(OllamaError, match=r"a move from \S*/old/models to \S*/new/place/models is under way"):
        move.copied(places[0], str(places[1]), str(tmp_path / "third"), OWNER)


def test_what_is_no_file_stays(places):
    """A pipe in the old store keeps its folder, and is named."""
    os.mkfifo(places[1] / "pipe")
    copy(places)
    done = move.finished(places[0], OWNER)
    assert done.problems == [f"{places[1]}/pipe: it is no file of a store, and stays"]
    assert (places[1] / "pipe").exists()


def test_one_folder_under_two_paths_is_never_removed(places):
    """Where both stores have their blobs in one place, and where both are one."""
    _state, old, new = places
    before = files(old)
    new.mkdir(parents=True)
    (new / "blobs").symlink_to(old / "blobs")
    with pytest.raises(OllamaError, match="the same folder"):
        move._take_away_proven(str(old), str(new), listing(str(old)), ())
    move._take_away_proven(str(old), f"{old}/../models", listing(str(old)), ())
    assert files(old) == before


def test_a_damaged_record_is_named(places):
    """And not taken for no move."""
    move.Folder(places[0]).write(move.RECORD, {"schema": 1, "phase": "elsewhere"})
    with pytest.raises(OllamaError, match=r"store\.json: it names no move of a store"):
        copy(places)
