# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module model pulls, pins and removes, asked over a real socket."""

from __future__ import annotations

import hashlib

import pytest
import yaml

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._models import pull
from ansible_collections.inference.ollama.plugins.modules import model
from ansible_collections.inference.ollama.tests.unit.support.model_server import LLAMA, Shelf, did, full

OTHER = "0" * 64


def test_a_missing_model_is_pulled_and_then_left_alone(present, shelf):
    """The second run changes nothing and pulls nothing."""
    code, result = present()
    assert (code, result["changed"], result["downloaded_bytes"]) == (0, True, 1000)
    assert result["digest"] == {"before": None, "after": shelf.digest(LLAMA)}
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"].startswith(f"name: {LLAMA}\ndigest: {shelf.digest(LLAMA)}\n")
    assert did(shelf) == ["POST /api/pull"]
    code, result = present()
    assert (code, result["changed"], did(shelf)) == (0, False, ["POST /api/pull"])


def test_check_mode_tells_what_would_be_and_asks_for_nothing_else(present, shelf):
    code, result = present(_ansible_check_mode=True)
    assert (code, result["changed"], did(shelf)) == (0, True, [])
    assert result["digest"] == {"before": None, "after": None}
    assert result["diff"]["after"] == f"name: {LLAMA}\ndigest: not known yet\n"


def test_every_key_is_documented(present):
    """What is returned and what is documented have the same names, but for those of the states of memory."""
    _code, result = present()
    documented = {*yaml.safe_load(model.RETURN)} - {"before", "loaded", "time_to_first_token_ms"}
    assert {*result} - {"changed", "invocation", "diff"} == documented


@pytest.mark.parametrize("form", ["{}", "sha256:{}", "{:.12}"])
def test_a_digest_that_fits_is_enough(present, shelf, form):
    shelf.has(LLAMA)
    _code, result = present(digest=form.format(shelf.digest(LLAMA)).upper().replace("SHA", "sha"))
    assert (result["changed"], did(shelf)) == (False, [])


def test_a_model_of_another_digest_is_pulled_again(present, shelf):
    """What was there is kept under another name until the new one has the digest, and not longer."""
    shelf.has(LLAMA, weights="w0")
    wanted = Shelf.manifest(shelf.offer(LLAMA))
    code, result = present(digest=hashlib.sha256(wanted.encode()).hexdigest())
    assert (code, result["changed"], [*shelf.models]) == (0, True, [LLAMA])
    assert did(shelf) == ["POST /api/copy", "POST /api/pull", "DELETE /api/delete"]


def test_what_the_registry_has_under_another_digest_replaces_nothing(present, shelf):
    """The sentence has both digests; the model that was there is there again."""
    shelf.has(LLAMA, weights="w0")
    before = shelf.digest(LLAMA)
    code, result = present(digest=OTHER)
    new = hashlib.sha256(Shelf.manifest(shelf.offer(LLAMA)).encode()).hexdigest()
    assert code == 1
    assert result["msg"] == (
        f"model {LLAMA}: the registry has one with the digest {new}, and digest asks for {OTHER};"
        f" the one that is there, {before}, stays"
    )
    assert (shelf.digest(LLAMA), [*shelf.models]) == (before, [LLAMA])


def test_a_new_model_of_another_digest_does_not_stay(present, shelf):
    code, result = present(digest=OTHER)
    assert (code, shelf.models) == (1, {})
    assert "it was removed again" in result["msg"]


def test_what_a_killed_run_has_left_goes(present, shelf):
    shelf.has(LLAMA)
    shelf.has(f"{LLAMA}-before-pull", weights="w0")
    code, _result = present(digest=shelf.digest(LLAMA))
    assert (code, [*shelf.models]) == (0, [LLAMA])


def test_a_mirrors_model_gets_its_own_name(present, shelf):
    """The name of the source is taken away, unless it was there before."""
    source = "mirror.example.org/library/llama3.2:3b"
    shelf.registry[source] = {"weights": "w1", "size": 1000}
    code, result = present(source=source)
    assert (code, result["changed"], [*shelf.models]) == (0, True, [LLAMA])
    del shelf.models[LLAMA]
    shelf.has(source)
    present(source=source)
    assert {*shelf.models} == {LLAMA, source}


def test_a_mirrors_model_of_another_digest_gets_no_name(present, shelf):
    source = "mirror.example.org/library/llama3.2:3b"
    shelf.registry[source] = {"weights": "w1"}
    code, result = present(source=source, digest=OTHER)
    assert (code, shelf.models) == (1, {})
    assert f"digest asks for {OTHER}; {LLAMA} is as before" in result["msg"]


def test_an_update_pulls_what_is_there(present, shelf):
    """It is a change where the digest is another one afterwards."""
    shelf.has(LLAMA, weights="w0")
    assert present(update=True)[1]["changed"] is True
    assert present(update=True)[1]["changed"] is False
    _code, result = present(update=True, _ansible_check_mode=True)
    assert result["changed"] is False
    assert "whether there is a newer one is not known" in result["problems"][-1]


@pytest.fixture
def reached(run, serve):
    """A server whose registry is reached from here too, under the same address, and how it is asked."""
    shelf = Shelf()
    shelf.reaches = True
    url = serve(shelf)
    name = f"{url.rpartition('/')[2]}/team/llama:3b"
    shelf.registry[name] = {"weights": "w1", "size": 1000}
    return shelf, lambda **args: run(name=name, url=url, state="present", insecure=True, **args), name


def test_a_registry_that_is_reached_says_in_check_mode_what_would_come(reached):
    shelf, run, name = reached
    code, result = run(_ansible_check_mode=True)
    digest = hashlib.sha256(Shelf.manifest(shelf.offer(name)).encode()).hexdigest()
    assert (code, result["digest"]["after"], did(shelf)) == (0, digest, [])
    run()
    assert run(update=True, _ansible_check_mode=True)[1]["changed"] is False
    shelf.registry[name]["weights"] = "w2"
    assert run(update=True, _ansible_check_mode=True)[1]["changed"] is True


def test_a_registry_that_is_reached_has_pulls_refused_before_they_begin(reached, monkeypatch):
    """A name that it has not, another digest, and too little room, in check mode too."""
    shelf, run, name = reached
    assert f"digest asks for {OTHER}; nothing was pulled" in run(digest=OTHER)[1]["msg"]
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 999)
    words = "it is not pulled, since the file system of /srv/models has 0.0 GiB free"
    for args in ({}, {"_ansible_check_mode": True}):
        assert words in run(store="/srv/models", **args)[1]["msg"]
    del shelf.registry[name]
    assert "the registry has no model of this name and tag" in run(_ansible_check_mode=True)[1]["msg"]
    assert did(shelf) == []


def test_a_layer_that_the_server_has_needs_no_room(reached, monkeypatch):
    shelf, run, name = reached
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 0)
    shelf.blobs.update(dict.fromkeys((shelf.offer(name)["weights"],), b""))
    assert run(store="/srv/models", _ansible_check_mode=True)[1]["changed"] is True


def test_room_is_looked_at_when_a_layer_begins(present, monkeypatch):
    """Where the registry is not reached from here, the first line says how much is to come."""
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 999)
    assert "(999 and 1000 bytes)" in present(store="/srv/models")[1]["msg"]
    assert present(store="/srv/models", room=False)[0] == 0


def test_the_store_is_the_one_that_a_model_of_the_server_lies_in(present, shelf, monkeypatch):
    looked = []
    monkeypatch.setattr(pull, "free_bytes", looked.append)
    shelf.has("a:1")
    present()
    assert looked == ["/srv/models"]


def test_a_server_without_any_model_has_a_store_that_nobody_knows(present):
    assert "room: the folder of the server's models is not known" in present()[1]["problems"][0]


def test_a_model_is_removed_once(run, serve, shelf):
    """One in memory is taken out of it; in check mode nothing is done."""
    shelf.has(LLAMA)
    shelf.memory[LLAMA] = {"name": LLAMA, "size": 1, "size_vram": 0}
    url = serve(shelf)
    _code, result = run(name=LLAMA, url=url, state="absent", _ansible_check_mode=True)
    assert (result["changed"], [*shelf.models], [*shelf.memory]) == (True, [LLAMA], [LLAMA])
    _code, result = run(name=LLAMA, url=url, state="absent")
    assert (result["changed"], shelf.models, shelf.memory) == (True, {}, {})
    assert result["diff"]["after"] == ""
    assert run(name=LLAMA, url=url, state="absent")[1]["changed"] is False


def test_full_names_are_those_of_the_server():
    assert [full("a"), full("a:b"), full("h:1/n/a")] == ["a:latest", "a:b", "h:1/n/a:latest"]
