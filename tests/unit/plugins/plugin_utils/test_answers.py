# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether answers are as before a change (_answers.py), and what may be held against the change."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._answers import answers_verdict

PROMPTS = ("How long?", "Name three.")


def entry(prompt, text, error=None, thinking=None):
    """What answers_info returns of one prompt."""
    return {
        "prompt": prompt,
        "text": text,
        "thinking": thinking,
        "sha256": None if text is None else hashlib.sha256(f"{thinking or ''}\0{text}".encode()).hexdigest(),
        "prompt_tokens": 9,
        "output_tokens": 4,
        "done_reason": "stop",
        "error": error,
    }


def asked(*texts, release="0.32.15", digest="a80c4f17acd5", prompts=PROMPTS):
    """One round; None stands for a prompt without an answer."""
    entries = [entry(prompt, text, "status 500" if text is None else None) for prompt, text in zip(prompts, texts)]
    said = {"model": "m", "release": release, "digest": digest, "answers": entries}
    return {"answers": said, "error": None}


def new(*texts, **said):
    return asked(*texts, release="0.33.0", **said)


TWICE = [asked("two hours", "one two three")] * 2


@pytest.mark.parametrize(
    ("before", "after", "verdict", "text"),
    [
        (TWICE, new("two hours", "one two three"), "same", "2 of 2 as before"),
        (TWICE[:1], new("two hours", "one two three"), "same", "2 of 2 as before"),
        (TWICE, new("two days", "one two three"), "different", "1 of 2 as before, 1 otherwise"),
        (TWICE, new("two hours", "one two"), "different", "1 of 2 as before, 1 otherwise"),
        (TWICE, new("two hours", None), "different", "1 of 2 as before, 1 without an answer"),
        (
            [TWICE[0], asked("3 hours", "one two three")],
            new("4 hours", "one two three"),
            "same",
            "1 of 2 as before, 1 not stable before either",
        ),
        (
            [TWICE[0], asked("3 hours", "four five six")],
            new("4 hours", "seven"),
            "unstable",
            "0 of 2 as before, 2 not stable before either",
        ),
        # The second round failed, so nothing speaks against the first one.
        ([TWICE[0], {"answers": None, "error": "x"}], new("two hours", "one two three"), "same", "2 of 2 as before"),
        ([asked(None, "a")] * 2, new("x", "a"), "same", "1 of 2 as before, 1 not answered before"),
        ([asked(None, None)] * 2, new("x", "a"), "not_compared", "not compared, no prompt was answered before the"),
        ([], new("x", "a"), "not_compared", "not compared, nothing was asked before the change"),
        ([{"answers": None, "error": "no memory."}], new("x", "a"), "not_compared", "not compared, no memory"),
        (TWICE, None, "not_compared", "not compared, nothing was asked after the change"),
        (TWICE, new("x", "a", digest="b11111111111"), "not_compared", "not compared, m is another build now"),
        (TWICE, new("two hours", "one two three", digest=None), "same", "2 of 2 as before"),
    ],
)
def test_what_follows_of_answers(before, after, verdict, text):
    """Only what was stable before counts against a change, and a model of another digest counts for nothing."""
    found = answers_verdict(before, after, "node1")
    assert (found["verdict"], found["text"][: len(text)]) == (verdict, text)
    assert sum(found["counts"].values()) == found["prompts"]


def test_a_server_that_does_not_answer_any_more_is_the_worst():
    """Each prompt has lost its answer, and the sentence says why."""
    found = answers_verdict(TWICE, {"answers": None, "error": "model m: it did not answer: timeout."}, "node1")
    assert (found["verdict"], found["counts"]) == ("different", {"no_answer": 2})
    assert found["sentence"].endswith("2 without an answer: model m: it did not answer: timeout")


@pytest.mark.parametrize(
    ("old", "later", "outcome", "at"),
    [
        ("two hours", "two days", "differs", 5),
        ("two hours", "two", "length", 4),
        ("two", "two hours", "length", 4),
        ("", "two", "length", 1),
    ],
)
def test_where_an_answer_differs(old, later, outcome, at):
    """Characters count from 1, and one answer that is the beginning of the other differs in its length."""
    found = answers_verdict([asked(old)], new(later))
    assert [(row["outcome"], row["at"]) for row in found["rows"]] == [(outcome, at)]


def test_lines_show_what_differs_and_nothing_else():
    """What a server says moves no cursor, and only a piece of it is shown."""
    later = "one two \x1b[2Jfour " + "x" * 500
    found = answers_verdict(TWICE, new("two hours", later), "node1")
    text = "\n".join(found["lines"])
    words = " ".join(text.split())
    assert words.startswith("node1: m answers otherwise after the change than before (0.32.15 and 0.33.0)")
    assert "differs at character 9: Name three." in text
    assert "    before: one two three" in text
    assert "How long?" not in text
    assert "\x1b" not in text
    assert len(text) < 600


def test_lines_name_what_has_no_answer():
    """Before the change, and after it."""
    found = answers_verdict([asked(None, "a")], new("b", None), "node1")
    text = "\n".join(found["lines"])
    assert "no answer before the change: How long?" in text
    assert "no answer after the change: Name three." in text


def test_what_a_model_thinks_counts():
    """Two answers that are alike after other thoughts differ."""
    rounds = []
    for thought in ("so", "or"):
        said = asked("a")
        said["answers"]["answers"] = [entry("How long?", "a", thinking=thought)]
        rounds.append(said)
    assert answers_verdict(rounds[:1], rounds[1])["rows"][0]["at"] == 1
