# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module model, asked over a real socket: what is loaded, what is evicted by it, and how it comes back."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._service.load import Memory
from ansible_collections.inference.ollama.plugins.modules import model
from ansible_collections.inference.ollama.tests.unit.support.web import Ollama, serving

FIELDS = {"name", "digest", "size_bytes", "size_vram_bytes", "context_length", "expires_at"}


@pytest.fixture
def serve():
    """Start an Ollama."""
    with contextlib.ExitStack() as servers:
        yield lambda ollama: servers.enter_context(serving(ollama))


def test_a_model_is_loaded_and_computes(run, serve):
    """The request asks for a few tokens and carries the time that the model stays."""
    ollama = Ollama()
    code, result = run(name="a", url=serve(ollama) + "/")
    assert (code, result["changed"], result["before"], result["loaded"]) == (0, True, [], ["a:latest"])
    ((path, posted),) = ollama.posted
    assert path == "/api/generate"
    assert posted == {
        "model": "a",
        "prompt": "Count to ten:",
        "stream": False,
        "keep_alive": "10m",
        "options": {"num_predict": 8},
    }
    assert [*ollama.memory] == ["a:latest"]
    assert 0 <= result["seconds"] < 300


def test_a_model_that_is_loaded_already_is_left_as_it_is(run, serve):
    """No request renews its time; the result lists what is in memory."""
    ollama = Ollama()
    ollama.holds("a:latest")
    for name in ("a", "a:latest"):
        _code, result = run(name=name, url=serve(ollama))
        assert (result["changed"], result["loaded"], ollama.posted) == (False, [], [])
        assert [{*each} for each in result["before"]] == [FIELDS]


@pytest.mark.parametrize(("keep_alive", "sent"), [("-1", -1), ("600", 600), ("10m", "10m"), (-1, -1)])
def test_how_long_it_stays(run, serve, keep_alive, sent):
    """A number goes as one, since the server takes a text only with a unit."""
    ollama = Ollama()
    code, _result = run(name="a", url=serve(ollama), keep_alive=keep_alive)
    assert (code, ollama.posted[0][1]["keep_alive"]) == (0, sent)


def test_a_model_that_is_there_for_a_time_stays_for_ever(run, serve):
    """Where that is asked for, once, and with the context that is asked for."""
    ollama = Ollama()
    ollama.holds("a:latest", seconds=900)
    url = serve(ollama)
    code, result = run(name="a", url=url, keep_alive="-1", context_length=8192)
    assert (code, result["changed"], result["loaded"]) == (0, True, ["a:latest"])
    ((_path, posted),) = ollama.posted
    assert (posted["keep_alive"], posted["options"]["num_ctx"]) == (-1, 8192)
    ollama.holds("a:latest", seconds=None)
    assert run(name="a", url=url, keep_alive="-1")[1]["changed"] is False


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"load_duration": 3_000_000_000, "prompt_eval_duration": 120_400_000}, {"a:latest": 3120.4}),
        ({"load_duration": 2_000_000}, {"a:latest": 2.0}),
        ({"load_duration": "soon"}, {}),
        ({}, {}),
    ],
)
def test_the_time_to_the_first_token_is_that_of_the_server(run, serve, monkeypatch, said, expected):
    """The load and the prompt, in milliseconds; nothing where the server says nothing."""
    ollama = Ollama()
    monkeypatch.setattr(Memory, "load", measured(Memory.load, said))
    assert run(name="a", url=serve(ollama))[1]["time_to_first_token_ms"] == expected


def measured(load, said):
    """A load whose answer says these durations."""

    def loading(memory, *arguments):
        def fetch(*asked):
            answer, problem = memory.fetch(*asked)
            return {**(answer or {}), **said}, problem

        return load(memory._replace(fetch=fetch), *arguments)

    return loading


def test_a_model_that_only_embeds(run, serve):
    """It cannot generate, so a few words are embedded; it is taken out as any other."""
    ollama = Ollama(embedding=["e:latest"])
    url = serve(ollama)
    code, result = run(name="e", url=url)
    assert (code, result["loaded"], [*ollama.memory]) == (0, ["e:latest"], ["e:latest"])
    assert ollama.posted[-1][0] == "/api/embed"
    assert ollama.posted[-1][1]["input"] == "Count to ten:"
    code, result = run(name="e", url=url, state="unloaded")
    assert (code, result["changed"], ollama.memory) == (0, True, {})


def test_unloading_brings_back_what_was_evicted(run, serve):
    """For as long as it would have stayed and with its context, for ever where it was for ever."""
    ollama = Ollama(room=2)
    ollama.holds("b:8b", seconds=900, context=32768)
    ollama.holds("c:1b", seconds=None)
    ollama.room, url = 1, serve(ollama)
    _code, loaded = run(name="a", url=url)
    assert [*ollama.memory] == ["a:latest"]
    ollama.room, ollama.posted = 3, []
    code, result = run(name="a", url=url, state="unloaded", before=loaded["before"])
    assert (code, result["changed"], result["loaded"]) == (0, True, ["b:8b", "c:1b"])
    assert [*ollama.memory] == ["b:8b", "c:1b"]
    unload, first, second = (posted for _path, posted in ollama.posted)
    assert (unload["model"], unload["keep_alive"]) == ("a", 0)
    assert "prompt" not in unload
    assert 0 < first["keep_alive"] <= 900
    assert (first["options"]["num_ctx"], second["options"]["num_ctx"]) == (32768, 4096)
    assert second["keep_alive"] == -1
    ollama.posted = []
    _code, again = run(name="a", url=url, state="unloaded", before=loaded["before"])
    assert (again["changed"], again["loaded"], ollama.posted) == (False, [], [])


def test_a_model_of_a_release_that_tells_no_context(run, serve):
    """Before 0.10.0 none is known, and none is asked for."""
    ollama = Ollama()
    before = [{"name": "b:1b", "context_length": None, "expires_at": "2318-01-01T00:00:00.123456789Z"}]
    _code, result = run(name="a", url=serve(ollama), state="unloaded", before=before)
    assert result["loaded"] == ["b:1b"]
    assert "num_ctx" not in ollama.posted[0][1]["options"]


def test_a_model_that_was_in_memory_before_stays(run, serve):
    """It is not this run's to take out."""
    ollama = Ollama()
    ollama.holds("a:latest")
    url = serve(ollama)
    _code, before = run(name="a", url=url)
    _code, result = run(name="a", url=url, state="unloaded", before=before["before"])
    assert (result["changed"], [*ollama.memory], ollama.posted) == (False, ["a:latest"], [])


@pytest.mark.parametrize(
    "model",
    [
        {"name": "b", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "b", "expires_at": "2020-01-01T00:00:00+02:00"},
        {"name": "b", "expires_at": "2020-13-01T00:00:00Z"},
        {"name": "b", "expires_at": "soon"},
        {"name": "b", "expires_at": 5},
        {"name": "b"},
        {"name": ["b"], "expires_at": "2318-01-01T00:00:00Z"},
        {"name": None, "expires_at": "2318-01-01T00:00:00Z"},
        {},
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_would_be_gone_by_now_is_not_brought_back(run, serve, model, check):
    """Its time is over, or nobody knows of any; in check mode neither counts as a change."""
    ollama = Ollama()
    code, result = run(name="a", url=serve(ollama), state="unloaded", before=[model], _ansible_check_mode=check)
    assert (code, result["changed"], result["loaded"], ollama.posted) == (0, False, [], [])


@pytest.mark.parametrize("state", ["loaded", "unloaded"])
def test_check_mode_asks_and_posts_nothing(run, serve, state):
    """It tells whether there would be a change."""
    ollama = Ollama()
    if state == "unloaded":
        ollama.holds("a:latest")
    url = serve(ollama)
    code, result = run(name="a", url=url, state=state, _ansible_check_mode=True)
    assert (code, result["changed"], result["loaded"], ollama.posted) == (0, True, [], [])
    assert run(name="a", url=url, state=state)[1]["changed"] is True
    assert run(name="a", url=url, state=state, _ansible_check_mode=True)[1]["changed"] is False


def test_check_mode_tells_of_what_would_come_back(run, serve):
    """A model that was evicted is a change of its own."""
    before = [{"name": "b:1b", "expires_at": "2318-01-01T00:00:00Z"}]
    args = {"name": "a", "url": serve(Ollama()), "state": "unloaded", "before": before}
    assert run(**args, _ansible_check_mode=True)[1]["changed"] is True
    assert run(**args)[1]["changed"] is True
    assert run(**args)[1]["changed"] is False


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (None, "model a: it did not answer: http://127.0.0.1:{port}/api/generate: the answer is not HTTP"),
        ((500, {"error": "llama runner process has terminated"}), "200: llama runner process has terminated"),
        ((404, {"error": "model 'a' not found"}), "status 404, expected 200: model 'a' not found"),
        ((400, {"error": "a is odd"}), "/api/embed: it answered with status 400, expected 200: a is odd"),
        ((200, b"[]"), "model a: it did not answer: the answer is not a JSON object"),
        ((200, b"<html>"), "expected JSON"),
    ],
)
def test_a_server_that_does_not_load_it(run, serve, broken, words):
    """The sentence has the model and the server's own words."""
    url = serve(Ollama(broken={"a:latest": broken}))
    code, result = run(name="a", url=url)
    assert code == 1
    assert words.format(port=url.rpartition(":")[2]) in result["msg"]
    assert "Traceback" not in json.dumps(result)


def test_a_server_that_does_not_unload_it(run, serve):
    """Its memory is not as it was, and the module reports that."""
    ollama = Ollama(broken={"a:latest": (500, {"error": "no"})})
    ollama.holds("a:latest")
    code, result = run(name="a", url=serve(ollama), state="unloaded")
    assert code == 1
    assert result["msg"].startswith("model a: it was not taken out of memory: ")
    assert result["msg"].endswith("status 500, expected 200: no")


def test_nobody_listens(run):
    """Neither state is known without the server."""
    for state in ("loaded", "unloaded"):
        code, result = run(name="a", state=state, url="http://127.0.0.1:1")
        assert code == 1
        assert "127.0.0.1:1/api/version: it cannot be reached" in result["msg"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "missing required arguments: name"),
        ({"name": "a", "url": "file:///etc/passwd"}, "is not the address of a server"),
        ({"name": "a", "url": "http://me:geheim@h"}, "url: it holds a user or an @"),
        ({"name": "a", "timeout": 0}, "timeout: 0 is not a number of seconds above 0"),
        ({"name": "a", "timeout": 86401}, "timeout: 86401 is not a number of seconds above 0 and up to 86400"),
        ({"name": "a", "state": "gone"}, "value of state must be one of: present, absent, created, loaded, unloaded"),
    ],
)
def test_wrong_options_are_refused(run, args, words):
    """A sentence names the option, its value, and what is allowed."""
    code, result = run(**args)
    assert code == 1
    assert words in result["msg"]


def test_every_key_is_documented(run, serve):
    """What is returned and what is documented have the same names, but for those of the other states."""
    _code, result = run(name="a", url=serve(Ollama()))
    others = {"digest", "downloaded_bytes", "problems"}
    assert {*result} - {"changed", "invocation"} == {*yaml.safe_load(model.RETURN)} - others


def test_a_model_that_does_not_answer_fails_with_what_was_in_memory(run, serve):
    """What had to go for it can come back all the same."""
    ollama = Ollama(broken={"a:latest": (500, {"error": "no"})})
    ollama.holds("b:latest")
    code, result = run(name="a", url=serve(ollama))
    assert code == 1
    assert [model["name"] for model in result["before"]] == ["b:latest"]
