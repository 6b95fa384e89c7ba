# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module answers_info, asked over a real socket."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._answers.ask import PROMPTS, ask
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.web import respond, serving

DIGEST = "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72"
ASKED = {"model": "m", "prompts": [], "num_predict": 64, "seed": 42, "timeout": 20, "max_duration": 60}


class Server:
    """A server that answers with ``said``, an object, bytes, or a status, and notes what it is asked."""

    def __init__(self, said, models=({"name": "m:latest", "digest": DIGEST},)):
        self.said, self.models, self.posted = said, models, []

    def __call__(self, handler, posted):
        if posted is None:
            answers = {"/api/version": {"version": "0.33.0"}, "/api/ps": {"models": []}}
            respond(handler, 200, answers.get(handler.path, {"models": list(self.models)}))
            return
        self.posted.append((handler.path, posted))
        status = self.said if isinstance(self.said, int) else 200
        respond(handler, status, {"error": "no memory"} if status != 200 else self.said)


def asked(server, **options):
    with serving(server) as url:
        return ask({**ASKED, "url": f"{url}/", **options})


def test_each_prompt_is_asked_in_the_same_way():
    """Greedy, with one seed and a bounded length, one after the other, and all that counts is kept."""
    server = Server({"response": "Six.", "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 3})
    found = asked(server, prompts=["How many?", "And then?"])
    options = {"temperature": 0, "seed": 42, "num_predict": 64}
    assert server.posted == [
        ("/api/generate", {"model": "m", "prompt": prompt, "options": options, "stream": False})
        for prompt in ("How many?", "And then?")
    ]
    assert (found["release"], found["digest"], found["problems"]) == ("0.33.0", DIGEST, [])
    assert found["answers"][0] == {
        "prompt": "How many?",
        "text": "Six.",
        "thinking": None,
        "sha256": hashlib.sha256(b"\0Six.").hexdigest(),
        "prompt_tokens": 9,
        "output_tokens": 3,
        "done_reason": "stop",
        "error": None,
    }


def test_without_prompts_it_asks_its_own():
    """They are of several kinds, and none is another one's beginning, which a prompt cache would share."""
    server = Server({"response": ""})
    found = asked(server)
    assert [each["prompt"] for each in found["answers"]] == list(PROMPTS)
    assert len({prompt[:8] for prompt in PROMPTS}) == len(PROMPTS) > 4


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (500, "it answered with status 500, expected 200: no memory"),
        (b"[1]", "the answer is not a JSON object"),
        (b"<html>", "expected JSON"),
        ({"response": 6}, "the answer has no text response"),
        (b'{"response": "' + b"x" * (1 << 21) + b'"}', "more than 1048576 bytes"),
    ],
)
def test_what_is_no_answer_is_an_error_of_its_prompt(said, error):
    """Nothing that a server says ends in a traceback, and the rest is asked."""
    found = asked(Server(said), prompts=["a", "b"])
    assert [error in each["error"] for each in found["answers"]] == [True, True]
    assert {each["text"] for each in found["answers"]} == {None}


def test_odd_fields_are_not_believed():
    """Counts that are invalid are null, and text that no file can hold is replaced."""
    said = b'{"response": "a\\ud800", "thinking": "so", "eval_count": -1, "prompt_eval_count": true, "done_reason": 3}'
    (found,) = asked(Server(said), prompts=["a"])["answers"]
    assert (found["text"], found["thinking"]) == ("a?", "so")
    assert (found["output_tokens"], found["prompt_tokens"], found["done_reason"]) == (None, None, None)


@pytest.mark.parametrize(("models", "problem"), [((), "it has no model m"), ([{"name": "m", "digest": "short"}], None)])
def test_a_digest_that_is_not_known_is_null(models, problem):
    """The answers count all the same."""
    found = asked(Server({"response": "a"}, models), prompts=["a"])
    assert (found["digest"], found["answers"][0]["text"]) == (None, "a")
    assert [problem in each for each in found["problems"]] == ([] if problem is None else [True])


def test_a_server_that_is_not_there_gives_errors():
    """Each prompt says so, and so do the problems."""
    with serving(Server({})) as url:
        gone = url
    found = ask({**ASKED, "url": gone, "prompts": ["a"]})
    assert "cannot be reached" in found["answers"][0]["error"]
    assert len(found["problems"]) == 2


def test_what_does_not_fit_into_the_time_is_not_asked():
    """The clock is over after the first one."""
    times = iter([0, 1, 100, 101])
    server = Server({"response": "a"})
    with serving(server) as url:
        found = ask({**ASKED, "url": url, "prompts": ["a", "b"]}, lambda: next(times))
    assert [each["error"] for each in found["answers"]] == [None, "it was not asked: max_duration, 60 s, was over"]
    assert len(server.posted) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"url": "ftp://x"}, "url: 'ftp://x' is not the address"),
        ({"model": " "}, "model: it is empty"),
        ({"num_predict": 0}, "num_predict: 0 is not allowed"),
        ({"timeout": 1e9}, "timeout: 1e.09 is not allowed"),
        ({"seed": -1}, "seed: -1 is not allowed"),
        ({"prompts": ["a"] * 33}, "prompts: there are 33, at most 32"),
        ({"prompts": ["a", " "]}, "prompts: number 2 has 1 characters"),
    ],
)
def test_wrong_options_are_refused(wrong, says):
    """In a sentence, before anything is asked."""
    with pytest.raises(OllamaError, match=says):
        ask({**ASKED, "url": "http://127.0.0.1:1", **wrong})


def test_the_module_answers_and_refuses_in_its_own_words(run):
    """It changes nothing, and a wrong option is a sentence."""
    with serving(Server({"response": "a"})) as url:
        status, answer = run(url=url, model="m", prompts=["a"])
    assert (status, answer["changed"], answer["answers"]["answers"][0]["text"]) == (0, False, "a")
    status, answer = run(url="x", model="m")
    assert (status, answer["msg"][:4]) == (1, "url:")
