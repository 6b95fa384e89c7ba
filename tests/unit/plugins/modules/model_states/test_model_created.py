# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module model creates: of a base, of a file on the host, of a file by its address; and only what is another."""

from __future__ import annotations

import contextlib
import hashlib

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._models import pull
from ansible_collections.inference.ollama.tests.unit.support.model_server import Shelf
from ansible_collections.inference.ollama.tests.unit.support.web import respond, serving

BASE, OWN = "llama3.2:3b", "llama3.2:3b-ollama"
GGUF = b"GGUF" + bytes(100)
SHA256 = hashlib.sha256(GGUF).hexdigest()


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def created(run, serve, shelf):
    """Run the module with state created."""
    url = serve(shelf)
    return lambda name=OWN, **args: run(name=name, url=url, state="created", **args)


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "a.gguf"
    path.write_bytes(GGUF)
    return str(path)


def creations(shelf):
    return [body for asked, body in shelf.asked if asked == "POST /api/create"]


def test_a_model_of_a_base_is_created_once(created, shelf):
    """Its parameters are those of the base and its own; the second run changes nothing."""
    shelf.has(BASE, parameters={"num_ctx": 4096, "stop": ["a", "b"]})
    args = {"base": BASE, "parameters": {"num_thread": 6, "num_ctx": 1048576}, "system": "Be brief.\n"}
    code, result = created(**args)
    assert (code, result["changed"], result["problems"]) == (0, True, [])
    assert shelf.models[OWN]["parameters"] == {"num_ctx": 1048576, "stop": ["a", "b"], "num_thread": 6}
    for line in ("  num_ctx 1048576", "  num_thread 6", '  stop "b"', "system:", "  Be brief."):
        assert line in result["diff"]["after"].splitlines()
    assert created(**args)[1]["changed"] is False
    assert len(creations(shelf)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"num_thread": 7}},
        {"parameters": {"stop": "x"}},
        {"parameters": {"num_thread": 6}, "template": "other"},
        {"parameters": {"num_thread": 6}, "system": "other"},
    ],
)
def test_anything_else_that_is_asked_for_is_created_again(created, shelf, change):
    shelf.has(BASE)
    created(base=BASE, parameters={"num_thread": 6})
    assert created(base=BASE, **change, _ansible_check_mode=True)[1]["changed"] is True
    assert len(creations(shelf)) == 1
    assert created(base=BASE, **change)[1]["changed"] is True
    assert created(base=BASE, **change)[1]["changed"] is False


def test_a_base_that_has_changed_has_what_is_made_of_it_created_again(created, shelf):
    """Other weights, or another parameter that is taken over."""
    args = {"base": BASE, "parameters": {"num_thread": 6}}
    shelf.has(BASE)
    created(**args)
    shelf.has(BASE, weights="w2")
    assert created(**args)[1]["changed"] is True
    shelf.has(BASE, weights="w2", parameters={"top_k": 5})
    assert created(**args)[1]["changed"] is True
    assert created(**args)[1]["changed"] is False


def test_a_base_that_is_not_there_is_not_pulled(created, shelf):
    """In check mode an earlier task would have pulled it."""
    code, result = created(base=BASE, system="x")
    assert (code, creations(shelf)) == (1, [])
    assert f"base: the server has no model {BASE}; have it with state present first" in result["msg"]
    code, result = created(base=BASE, system="x", _ansible_check_mode=True)
    assert (code, result["changed"]) == (0, True)
    assert result["problems"][-1] == f"base: the server has no model {BASE} yet"


def test_what_no_known_release_reads_is_reported(created, shelf):
    shelf.has(BASE)
    result = created(base=BASE, parameters={"num_threads": 6})[1]
    assert "parameters: no known release of Ollama reads num_threads" in result["problems"]


def test_a_server_that_makes_something_else_of_it_is_named(created, shelf):
    """Then it is no change a second time, since the digest is the same."""
    shelf.has(BASE)
    make = shelf.create
    shelf.create = lambda body: make({**body, "parameters": {"stop": ["added"]}})
    code, result = created(base=BASE, parameters={"num_thread": 6})
    assert (code, result["changed"]) == (0, True)
    assert "each run creates it again" in result["problems"][-1]
    assert created(base=BASE, parameters={"num_thread": 6})[1]["changed"] is False


@pytest.mark.parametrize("rewrites", [True, False])
def test_a_model_of_a_file_is_created_once(created, shelf, gguf, rewrites):
    """Its digest is in no answer from 0.30 on; nothing that was needed meanwhile stays."""
    shelf.rewrites = rewrites
    args = {"name": "mine", "file": gguf, "parameters": {"stop": "x"}, "system": "S"}
    code, result = created(**args, _ansible_check_mode=True)
    assert (code, result["changed"], shelf.models, shelf.blobs) == (0, True, {}, {})
    code, result = created(**args)
    assert (code, result["changed"], [*shelf.models], [*shelf.blobs]) == (0, True, ["mine:latest"], [SHA256])
    assert (shelf.models["mine:latest"]["parameters"], result["problems"][1:]) == ({"stop": ["x"]}, [])
    assert created(**args)[1]["changed"] is False
    assert created(**args, file_sha256=SHA256)[1]["changed"] is False
    assert created(**{**args, "parameters": {}})[1]["changed"] is True


def test_a_file_that_is_another_has_the_model_created_again(created, shelf, gguf, tmp_path):
    created(name="mine", file=gguf)
    (tmp_path / "a.gguf").write_bytes(GGUF + b"x")
    assert created(name="mine", file=gguf)[1]["changed"] is True
    assert [*shelf.models] == ["mine:latest"]


def test_a_run_that_was_killed_is_finished_by_the_next(created, shelf, gguf):
    """Between the two creations, and before what was needed is taken away."""
    created(name="mine", file=gguf)
    marked = shelf.models["mine:latest"]["parent"]
    shelf.models[marked] = shelf.models.pop("mine:latest")
    assert created(name="mine", file=gguf)[1]["changed"] is True
    assert [*shelf.models] == ["mine:latest"]
    shelf.has(marked)
    assert created(name="mine", file=gguf)[1]["changed"] is False
    assert [*shelf.models] == ["mine:latest"]
    assert len([asked for asked, _body in shelf.asked if asked.startswith("POST /api/blobs/")]) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.unlink(), "cannot be read (No such file or directory)"),
        (lambda path: path.write_bytes(b"zip"), "is not a GGUF file, which begins with GGUF"),
        (lambda path: (path.unlink(), path.mkdir()), "a.gguf "),
    ],
)
def test_what_is_no_such_file_is_refused(created, gguf, tmp_path, make, words):
    make(tmp_path / "a.gguf")
    code, result = created(file=gguf)
    assert code == 1
    assert words in result["msg"]


def test_a_file_of_another_digest_is_refused_by_the_server(created, gguf):
    code, result = created(file=gguf, file_sha256="0" * 64)
    assert code == 1
    assert "it was not given to the server" in result["msg"]
    assert "digest mismatch" in result["msg"]


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (
            "failed to validate GGUF: llama-quantize unavailable: not there",
            "this server cannot create a model of a GGUF file",
        ),
        ("unknown type", "the file is not a GGUF file that it can read"),
        ("template error: template: :1: unclosed action", "the server cannot read the template"),
    ],
)
def test_what_the_server_cannot_create_is_explained(created, shelf, gguf, words, meaning):
    shelf.create = lambda _body: iter([{"status": "parsing GGUF"}, {"error": words}])
    code, result = created(file=gguf)
    assert code == 1
    assert f"it was not created: {meaning}" in result["msg"]
    assert words in result["msg"]


def test_an_answer_that_is_cut_is_no_creation(created, shelf, gguf):
    shelf.create = lambda _body: iter([{"status": "parsing GGUF"}, "cut"])
    assert "the answer ended before its last line" in created(file=gguf)[1]["msg"]


def test_a_store_that_is_full_is_given_no_file(created, shelf, gguf, monkeypatch):
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 1)
    assert "it is not given to the server, since the file system of /s has" in created(file=gguf, store="/s")[1]["msg"]
    assert shelf.blobs == {}


@pytest.fixture
def files():
    """A server of files, and what was asked of it."""
    asked = []

    def answer(handler, _posted):
        asked.append((handler.path, handler.headers.get("Authorization")))
        status = 200 if handler.path.startswith("/a.gguf") else 404
        respond(handler, status, GGUF, {"Content-Length": str(len(GGUF))})

    with contextlib.ExitStack() as stack:
        yield stack.enter_context(serving(answer)), asked


def test_a_file_is_downloaded_where_it_is_needed(created, files, tmp_path):
    """Once, into a folder of its own in which nothing stays; what is secret in its address is shown nowhere."""
    url, asked = files
    folder = tmp_path / "downloads"
    secret = url.replace("://", "://me:geheim1@") + "/a.gguf?sig=geheim2"
    args = {"name": "mine", "file_url": secret, "file_sha256": SHA256, "folder": str(folder)}
    code, result = created(**args)
    assert (code, result["changed"], result["downloaded_bytes"]) == (0, True, len(GGUF))
    assert ([*folder.iterdir()], folder.stat().st_mode & 0o777) == ([], 0o700)
    assert "geheim" not in str(result)
    assert [path for path, _sent in asked] == ["/a.gguf?sig=geheim2"]
    code, result = created(**args)
    assert (code, result["changed"], len(asked)) == (0, False, 1)


def test_a_download_that_fails_is_named_without_what_is_secret(created, files, tmp_path):
    url, _asked = files
    secret = url.replace("://", "://me:geheim1@") + "/b.gguf?sig=geheim2"
    code, result = created(file_url=secret, file_sha256=SHA256, folder=str(tmp_path / "downloads"))
    assert code == 1
    assert "file_url at 127.0.0.1: it answered with status 404, expected 200" in result["msg"]
    assert "geheim" not in str(result)


def test_a_folder_that_others_can_write_to_is_not_used(created, files, tmp_path):
    url, asked = files
    folder = tmp_path / "downloads"
    folder.mkdir()
    folder.chmod(0o777)
    code, result = created(file_url=f"{url}/a.gguf", file_sha256=SHA256, folder=str(folder))
    assert (code, asked) == (1, [])
    assert "is not a folder of this user that nobody else can write to" in result["msg"]
    (tmp_path / "file").touch()
    assert (
        "cannot be made" in created(file_url=f"{url}/a", file_sha256=SHA256, folder=str(tmp_path / "file/x"))[1]["msg"]
    )


def test_a_creation_ends_by_max_duration(created, shelf, gguf):
    def crawl(_body):
        while not shelf.over.is_set():
            yield {"status": "validating GGUF model"}

    shelf.create = crawl
    assert "it takes longer than max_duration" in created(file=gguf, max_duration=0.2)[1]["msg"]


def test_a_model_that_is_not_there_after_its_creation_is_a_failure(created, shelf):
    shelf.has(BASE)
    shelf.create = lambda _body: iter([{"status": "success"}])
    assert "it was created, and the server has none of this name" in created(base=BASE, system="x")[1]["msg"]


def test_a_server_that_does_not_say_whether_it_has_a_file_is_given_none(created, shelf, gguf):
    shelf.broken[f"HEAD /api/blobs/sha256:{SHA256}"] = (500, "no")
    assert "a.gguf: it was not given to the server: " in created(file=gguf)[1]["msg"]
