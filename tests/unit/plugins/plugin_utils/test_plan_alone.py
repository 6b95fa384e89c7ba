# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference models that do not fit by themselves (_plan/alone.py)."""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.alone import CODE, fit_of_those_that_fit
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import from_record
from ansible_collections.inference.ollama.tests.unit.support.cases import (
    GIB,
    LLAMA_8B,
    LLAMA_70B,
    case,
    gpu,
    room,
    warned,
)
from ansible_collections.inference.ollama.tests.unit.support.models import GEMMA, LLAMA

LARGE = {**LLAMA, "name": "llama3.1:70b", "size_bytes": 42_520_413_916, "layers": 80, "kv_heads": [8] * 80}


def planned(*models, vram=24, **options):
    """The names that are planned for, the chosen candidate, and the warnings on a card of so many GiB."""
    made = case(cards=[gpu(vram * GIB)] if vram else [], reference_models=list(models), **options)
    planning, found = fit_of_those_that_fit(made, room(16))
    names = [model.name for model in planning.policy.reference_models]
    return names, found.chosen, {warning["code"]: warning for warning in made.notes.warnings}


def test_models_that_fit_have_no_warning():
    """By themselves, whatever they are together."""
    names, _chosen, warnings = planned(LLAMA_8B, {**LLAMA_8B, "name": "b"})
    assert (names, warnings) == (["llama3.1:8b", "b"], {})
    assert planned()[2] == {}


def test_a_model_that_was_named_stays_and_is_warned_of_by_itself():
    """With its figures; the others are no part of that sentence."""
    names, _chosen, warnings = planned(LLAMA_8B, LLAMA_70B)
    assert names == ["llama3.1:8b", "llama3.1:70b"]
    assert set(warnings) == {CODE, "budget-exceeded"}
    assert re.fullmatch(
        r"llama3\.1:70b by itself with 1 slot\(s\) of 4096 tokens needs 4\d\.\d GiB \(weights 39\.6 GiB, KV cache"
        r" 1\.\d GiB, buffers \d\.\d GiB\), and \d\d\.\d GiB of VRAM are usable",
        warnings[CODE]["message"],
    )
    assert warnings[CODE]["remedy"].startswith("a quantisation with weights of at most 2")
    assert "bits" not in warnings[CODE]["remedy"]


def test_of_the_models_of_auto_those_that_fit_are_planned_for():
    """As if the one that does not fit were not there, but for the warning."""
    all_of_them = [from_record(record, optional=True) for record in (GEMMA, LLAMA, LARGE)]
    names, chosen, warnings = planned(*all_of_them)
    assert names == ["gemma3:4b", "llama3.1:8b"]
    assert (names, chosen) == planned(*all_of_them[:2])[:2]
    assert set(warnings) == {CODE}
    assert warnings[CODE]["message"].endswith("; the plan is made for the others")


def test_where_no_model_of_auto_fits_all_stay():
    """And the least is planned for them."""
    names, chosen, warnings = planned(from_record(LARGE, optional=True))
    assert (names, chosen) == (["llama3.1:70b"], (1, 1, 4096))
    assert set(warnings) == {CODE, "budget-exceeded"}
    assert "the others" not in warnings[CODE]["message"]


def test_fewer_slots_or_tokens_are_named_where_they_would_fit():
    """The most of each with which the model fits."""
    _names, _chosen, warnings = planned(LLAMA_8B, num_parallel=16, context_length=32768)
    remedy = re.fullmatch(r"it fits with (\d+) slot\(s\), or with (\d+) tokens", warnings[CODE]["remedy"])
    slots, tokens = map(int, remedy.groups())
    assert CODE not in planned(LLAMA_8B, num_parallel=slots, context_length=32768)[2]
    assert CODE in planned(LLAMA_8B, num_parallel=slots + 1, context_length=32768)[2]
    assert CODE not in planned(LLAMA_8B, num_parallel=16, context_length=tokens)[2]
    assert CODE in planned(LLAMA_8B, num_parallel=16, context_length=tokens + 256)[2]


def test_smaller_weights_are_named_in_bits_where_the_parameters_are_known():
    """Which tells a quantisation."""
    model = from_record({**LARGE, "parameter_count": 70_553_706_560})
    remedy = planned(model)[2][CODE]["remedy"]
    size, bits = re.search(r"at most (\d+\.\d) GiB fits, (\d\.\d) bits for each", remedy).groups()
    assert abs(float(size) * GIB * 8 / 70_553_706_560 - float(bits)) < 0.1
    smaller = {**LLAMA_70B, "size_bytes": int((float(size) - 0.1) * GIB)}
    assert CODE not in planned(smaller)[2]


def test_a_card_without_memory_for_any_weights_is_named_as_such():
    """No quantisation is small enough."""
    _names, _chosen, warnings = planned(LLAMA_8B, vram=1)
    assert warnings[CODE]["remedy"] == "no model of its kind fits there"


def test_slots_and_tokens_that_leave_nothing_are_to_be_fewer_first():
    """Where neither fewer slots nor a shorter context is enough by itself."""
    _names, _chosen, warnings = planned(LLAMA_70B, num_parallel=64, context_length=32768)
    assert warnings[CODE]["remedy"].startswith("with fewer slots and tokens weights of at most 2")


def test_where_memory_is_not_known_no_model_is_warned_of():
    """Nobody can tell whether it fits."""
    made = case(memory=None, reference_models=[LLAMA_70B])
    fit_of_those_that_fit(made, room(16))
    assert CODE not in warned(made)
