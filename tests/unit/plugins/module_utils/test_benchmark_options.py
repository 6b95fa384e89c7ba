# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, prompts, progress and what servers say of themselves."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import server
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.options import SPEC, check, would
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.prompts import WORDS, Prompts, corrected
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.processes import fetch

ENTRY = {"name": "m:latest", "digest": "5", "size": 100, "size_vram": 60, "context_length": 4096}


def params(**given_ones):
    """The options of a call, as Ansible hands them over."""
    return {**{name: entry.get("default") for name, entry in SPEC.items()}, "model": "m", **given_ones}


def test_points():
    """Concurrencies come before rates, and each point has prompts of its own."""
    options = check(params(concurrency=[1, 8], request_rate=[0.5], arrival="constant", seed=7))
    assert [(load.profile, load.concurrency, load.request_rate) for load in options.points] == [
        ("concurrent", 1, None),
        ("concurrent", 8, None),
        ("constant", None, 0.5),
    ]
    assert [load.warmup_requests for load in options.points] == [1, 8, 1]
    assert len({load.first_number for load in options.points}) == 3


@pytest.mark.parametrize(
    ("given_ones", "points"),
    [({}, [1]), ({"request_rate": [2.0]}, [None]), ({"concurrency": [], "request_rate": [2.0]}, [None])],
)
def test_one_request_at_a_time_where_nothing_is_asked_for(given_ones, points):
    """A rate alone is measured alone."""
    assert [load.concurrency for load in check(params(**given_ones)).points] == points


def test_every_wrong_option_is_named_at_once():
    """With what was given and what is allowed."""
    wrong = params(
        urls=["http://a", "http://a/", "ftp://b", "http://user:secret@c"],
        model="two words",
        concurrency=[0, 4097],
        request_rate=[0.0, 1e6],
        prompt_tokens=0,
        output_tokens=0,
        output_tokens_stdev=1,
        warmup_requests=-1,
        duration=0.5,
        requests=0,
        max_duration=1e6,
        request_timeout=0.0,
        give_up_below=-1.0,
        goodput={"speed": 1, "request_latency_ms": "fast", "time_to_first_token_ms": True},
        units=["ollama"],
        keep_alive="long",
        progress_file="relative",
    )
    with pytest.raises(OllamaError) as error:
        check(wrong)
    lines = str(error.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *["urls"] * 3, "model", "keep_alive", "units", "progress_file", "prompt_tokens", "output_tokens",
        "warmup_requests", "requests", "output_tokens_stdev", "duration", "max_duration", "request_timeout",
        "give_up_below",
        *["concurrency"] * 2, *["request_rate"] * 2, *["goodput"] * 3,
    ]  # fmt: skip
    assert "secret" not in str(error.value)
    assert "concurrency: 4097 is not a number from 1 to 4096" in lines
    assert "duration: 0.5 is not a number of seconds from 1 to 86400" in lines


@pytest.mark.parametrize(
    ("given_ones", "sentence"),
    [
        ({"urls": []}, "urls: it is empty"),
        ({"concurrency": []}, "at least one of them has to name a point"),
        ({"concurrency": [1] * 101}, "101 points are more than 100"),
        ({"give_up_below": float("nan")}, "give_up_below: nan"),
        ({"goodput": {"request_latency_ms": float("inf")}}, "goodput: request_latency_ms is 'inf'"),
        ({"progress_file": "/nowhere/at/all"}, "progress_file"),
    ],
)
def test_a_wrong_option(given_ones, sentence):
    """Each alone is enough."""
    with pytest.raises(OllamaError, match=sentence):
        check(params(**given_ones))


@pytest.mark.parametrize("keep_alive", ["10m", "1h30m", "-1", "600", "1.5h", "-1s"])
def test_times_as_ollama_writes_them(keep_alive):
    """They are handed on as they are."""
    assert check(params(keep_alive=keep_alive)).keep_alive == keep_alive


def test_what_a_measurement_would_do():
    """A sentence for each point, and the bound of all."""
    said = would(check(params(concurrency=[2], request_rate=[3.0], units=["ollama.service"], prompt_cache="use")))
    assert len(said) == 6
    assert "which is the same in all" in said[0]
    assert said[2] == "would measure concurrency 2 for 30 s or 10000 requests, after 2 that do not count"
    assert said[3].startswith("would measure 3 requests/s, poisson")
    assert "ollama.service" in said[4]
    assert said[5] == "would end after 600 s at the latest"


def test_words():
    """There are as many as a byte has values, all different."""
    assert len(set(WORDS)) == 256


@given(st.integers(), st.integers(0, 1 << 30), st.integers(1, 500))
def test_prompts_are_the_same_for_the_same_seed(seed, number, words):
    """They have as many words as were asked for, and other ones for another number or seed."""
    prompts = Prompts(seed, "defeat", b"\1\2\3")
    prompt = prompts.make(number, words)
    assert prompt == Prompts(seed, "defeat", b"\1\2\3").make(number, words)
    assert len(prompt.split()) == words
    if words > 20:
        assert prompt != prompts.make(number + 1, words)
        assert prompt != Prompts(seed + 1, "defeat", b"\1\2\3").make(number, words)


def test_two_calls_have_prompts_that_begin_differently():
    """Their first words are each call's own, and the others are the same, so that both are as much work."""
    first, second = (Prompts(0, "defeat", own).make(5, 50).split() for own in (b"\1\2\3", b"\4\5\6"))
    assert first[:3] != second[:3]
    assert first[3:] == second[3:]


def test_a_prompt_that_the_cache_has():
    """All of them are the same but those that find out the length."""
    prompts = Prompts(0, "use", b"\1\2\3")
    assert prompts.make(1, 50) == prompts.make(2, 50)
    assert len({prompts.make(number, 50) for number in (-3, -2, -1, 0)}) == 4


def test_prompts_share_no_beginning():
    """Of 1,000 prompts hardly any two have the same first words, whose tokens the server would have in its cache."""
    prompts = Prompts(0, "defeat", b"\1\2\3")
    beginnings = {tuple(prompts.make(number, 40).split()[:3]) for number in range(1000)}
    assert len(beginnings) > 990


@pytest.mark.parametrize(
    ("words", "counted", "wanted", "better"),
    [
        (256, 385, 256, 170),
        (170, 256, 256, None),
        (170, 260, 256, None),
        (10, 11, 10, None),
        (1, 9, 2, None),
        (256, None, 256, None),
        (256, 0, 256, None),
        (100, 50, 100, 200),
    ],
)
def test_the_length_of_a_prompt_is_corrected(words, counted, wanted, better):
    """By what the server counted, unless that is near enough or it does not count."""
    assert corrected(words, counted, wanted) == better


def test_progress(tmp_path):
    """The line is replaced every few seconds, or at once where that is asked for."""
    now, problems = [0.0], []
    path = tmp_path / "progress"
    progress = Progress(str(path), problems, lambda: now[0])
    for second, line, written in ((0, "a", "a"), (1, "b", "a"), (3, "c", "c"), (5.9, "d", "c"), (6, "e", "e")):
        now[0] = second
        progress.say(line)
        assert path.read_text() == f"{written}\n"
    progress.say("f", now=True)
    assert path.read_text() == "f\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["progress"]
    assert problems == []


def test_progress_follows_no_link(tmp_path):
    """What somebody has put in its place stays as it is."""
    victim = tmp_path / "victim"
    victim.write_text("kept")
    for name in ("progress", "progress.new"):
        (tmp_path / name).symlink_to(victim)
    Progress(str(tmp_path / "progress"), []).say("line")
    assert (victim.read_text(), (tmp_path / "progress").read_text()) == ("kept", "line\n")
    assert not os.path.islink(tmp_path / "progress")


def test_progress_that_cannot_be_written(tmp_path):
    """It is named once, and the measurement goes on."""
    problems = []
    progress = Progress(str(tmp_path / "gone" / "progress"), problems)
    for _number in range(2):
        progress.say("line", now=True)
    assert problems == [f"progress_file: {tmp_path}/gone/progress cannot be written: No such file or directory"]
    Progress(None, problems).say("line", now=True)
    assert len(problems) == 1


def test_what_a_server_has_in_memory():
    """The model is found by its whole name, in any case of its letters."""
    answers = {"/api/version": {"version": "0.34.1"}, "/api/ps": {"models": [{**ENTRY, "name": "M:latest"}]}}
    release, entry, problems = server.state(fetch(answers), "http://h", "m")
    assert (release, entry["size_bytes"], problems) == ("0.34.1", 100, [])
    assert server.state(fetch(answers), "http://h", "other") == ("0.34.1", None, [])
    found = server.described(fetch(answers), ["http://h"], "m", [])
    assert found == {
        "name": "m", "digest": "5", "size_bytes": 100, "size_vram_bytes": 60, "context_length": 4096,
    }  # fmt: skip


def test_a_model_that_is_in_no_memory():
    """Its digest and size are those of the list; what only memory has is not known."""
    answers = {
        "/api/version": {"version": "0.34.1"},
        "/api/ps": {"models": []},
        "/api/tags": {"models": [{"name": "m:latest", "digest": "5" * 64, "size": 100, "details": {}}]},
    }
    expected = {"digest": "5" * 64, "size_bytes": 100, "size_vram_bytes": None, "context_length": None}
    assert server.described(fetch(answers), ["http://h"], "m", []) == {"name": "m", **expected}
    problems = []
    found = server.described(fetch({**answers, "/api/tags": {}}), ["http://h"], "m", problems)
    assert found == {"name": "m", **dict.fromkeys(expected)}
    assert problems == ["http://h: neither /api/ps nor /api/tags names m:latest"]
