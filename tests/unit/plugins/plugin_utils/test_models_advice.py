# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the placement of a model, and what follows from the answers (_models/advice.py, remedies.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import (
    LEAST_TOKENS,
    advise,
    largest,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.remedies import parts, planned, remedies, where
from ansible_collections.inference.ollama.tests.unit.support.fits import GIB, SETTINGS, Host, dense


def fit(host, model=None, **settings):
    """The advice on a model of eight billion parameters, 4.6 GiB, whose slot of 8192 tokens takes 1 GiB."""
    return advise(model or dense("m"), {}, {**SETTINGS, **settings}, "0.34.1", host)


@given(st.integers(0, 300), st.integers(-5, 310), st.integers(-5, 400))
def test_the_last_number_that_holds_is_found(count, last, guess):
    """Whatever the bound is, wherever the search begins; three questions where it begins there."""
    asked = []

    def holds(number):
        asked.append(number)
        return number <= last

    assert largest(count, holds, guess) == max(0, min(count, last))
    assert all(1 <= number <= count for number in asked)
    assert len(asked) <= 2 * count.bit_length() + 2
    assert len(asked) <= 3 or guess != last


def test_a_model_on_a_card_has_as_many_slots_and_tokens_as_fit():
    """8 GiB hold 4.6 GiB of weights and three slots of 8192 tokens, or 28,000 tokens in one."""
    found = fit(Host(card=8 * GIB, host=8 * GIB))
    assert (found["fits"], found["reached"], where(found)) == ("gpu", "gpu", "GPU")
    assert (found["most_slots"], found["most_tokens"]) == (3, 27 * 1024)
    assert found["memory"]["total_bytes"] == found["devices"][0]["total_bytes"]
    assert planned(found) == "2 slots of 8192 tokens"
    assert parts(found["memory"]) == "weights 6.6 GiB"


def test_what_was_trained_bounds_the_tokens():
    """A model of a short context gets no longer one, however much memory there is."""
    assert fit(Host(card=900 * GIB), dense("m", context=5000))["most_tokens"] == 5000
    assert fit(Host(card=900 * GIB), dense("m", context=None))["most_tokens"] == 131072


def test_a_server_that_holds_a_model_to_one_slot_has_one():
    """Slots that are asked for and not given do not count."""
    assert fit(Host(card=900 * GIB, slots=1))["most_slots"] == 1


def test_too_many_planned_slots_are_named_as_the_reason():
    """It would fit with fewer, or in another quantisation as it is planned."""
    found = fit(Host(card=8 * GIB, host=8 * GIB), OLLAMA_NUM_PARALLEL="4")
    assert (found["fits"], found["reached"], found["most_slots"]) == ("partly", "gpu", 3)
    assert remedies(found) == [
        "it fits on GPUs with 3 slots of 8192 tokens or 1 slot of 27648 tokens",
        "Q3_K_M (3.7 GiB) would fit on GPUs with 4 slots of 8192 tokens",
    ]


def test_a_context_that_is_too_long_for_one_slot_leaves_none():
    """The tokens of one slot are named instead."""
    found = fit(Host(card=6 * GIB, host=90 * GIB), OLLAMA_CONTEXT_LENGTH="32768")
    assert (found["most_slots"], found["most_tokens"]) == (0, 11 * 1024)
    assert remedies(found)[0] == "it fits on GPUs with 1 slot of 11264 tokens"


def test_a_model_that_is_too_large_is_advised_a_quantisation():
    """The best that would be on the card as planned, else with the least."""
    found = fit(Host(card=9 * GIB // 2, host=90 * GIB), OLLAMA_NUM_PARALLEL="1")
    assert (found["fits"], found["reached"], where(found)) == ("partly", "partly", "partly")
    assert remedies(found) == ["Q2_K (3 GiB) would fit on GPUs with 1 slot of 8192 tokens"]
    found = fit(Host(card=9 * GIB // 2, host=90 * GIB))
    assert remedies(found) == [f"Q3_K_M (3.7 GiB) would fit on GPUs with 1 slot of {LEAST_TOKENS} tokens"]
    found = fit(Host(card=2 * GIB, host=90 * GIB))
    assert remedies(found) == ["no quantisation down to Q2_K would fit on GPUs"]


def test_a_model_that_is_nowhere_may_run_in_another_quantisation():
    """A part on the CPUs is better than nothing."""
    found = fit(Host(card=2 * GIB, host=2 * GIB))
    assert (found["fits"], found["most_slots"], found["most_tokens"], where(found)) == ("no", 0, 0, "no")
    assert remedies(found) == ["Q2_K (3 GiB) would run with layers on the CPUs"]
    assert remedies(fit(Host(host=3 * GIB))) == ["no quantisation down to Q2_K would fit in memory"]


def test_a_host_without_a_card_is_content_with_its_memory():
    """More bits are named where they would fit as well."""
    found = fit(Host(host=11 * GIB))
    assert (found["wanted"], found["fits"], where(found)) == ("cpu", "cpu", "CPU")
    assert remedies(found) == ["Q8_0 (7.9 GiB) would fit too"]
    assert remedies(fit(Host(host=6 * GIB), OLLAMA_NUM_PARALLEL="1")) == []


def test_what_has_no_other_quantisation_gets_no_advice_on_it():
    """Models in MXFP4 are stored as they were trained."""
    model = {**dense("gpt-oss:20b"), "quantization": "MXFP4"}
    assert remedies(fit(Host(card=GIB, host=90 * GIB), model)) == []
    assert fit(Host(card=GIB, host=90 * GIB), model)["quantizations"] == []


@pytest.mark.parametrize("card", [2, 5, 8, 24, 80])
def test_more_memory_never_gives_less(card):
    """Slots and tokens grow with the card, and so does what the advice costs: never more than 50 questions."""
    less, more = Host(card=card * GIB, host=GIB), Host(card=card * GIB + GIB, host=GIB)
    found, better = fit(less), fit(more)
    if found["reached"] == better["reached"]:
        assert better["most_slots"] >= found["most_slots"]
        assert better["most_tokens"] >= found["most_tokens"]
    assert less.asked <= 50
