# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flash attention and the type of the KV cache (_plan/attention.py; rules A1 to A3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._combinations import clashes
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.attention import attends, cache_type
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import parse_models
from ansible_collections.inference.ollama.tests.unit.support.cases import (
    GIB,
    LLAMA_8B,
    attend,
    case,
    gpu,
    reason,
    warned,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    environment,
    plan,
    topology,
    workstation,
    xeon,
)
from ansible_collections.inference.ollama.tests.unit.support.releases import releases

KV_CACHE_TYPES = load().options["kv_cache_type"].values

FLASH, KV_TYPE = "OLLAMA_FLASH_ATTENTION", "OLLAMA_KV_CACHE_TYPE"


@pytest.mark.parametrize(
    ("release", "compute", "value"),
    [
        ("0.12.3", "6.1", "1"),
        ("0.30.0", "6.1", "0"),
        ("0.31.1", "6.1", "0"),
        ("0.31.2", "6.1", "1"),
        ("0.34.1", "6.1", "1"),
        ("0.34.1", "5.2", "0"),
        ("0.12.3", "7.2", "1"),
        ("0.12.4", "7.2", "0"),
        ("0.34.1", "7.2", "0"),
        ("0.31.0", "7.0", "1"),
        ("0.34.1", "9.0", "1"),
        ("0.34.1", None, None),
    ],
)
def test_flash_attention_follows_release_and_card(release, compute, value):
    """On where the CUDA code has it for the card, off where it has not, unset where the card is unknown."""
    assert environment(workstation(card(0, compute_capability=compute)), release).get("OLLAMA_FLASH_ATTENTION") == value


@pytest.mark.parametrize(("compute", "value"), [("8.6", "1"), ("6.1", None), ("7.2", None)])
def test_with_the_release_unknown_only_what_holds_in_all_is_set(compute, value):
    """Pascal has it in some supported releases and not in others."""
    machine = workstation(card(0, compute_capability=compute))
    machine["software"]["ollama"] = None
    assert environment(machine, None).get("OLLAMA_FLASH_ATTENTION") == value


@pytest.mark.parametrize(("release", "value"), [("0.11.4", None), ("0.11.5", "1"), ("0.34.1", "1")])
def test_flash_attention_on_cpus_needs_0_11_5(release, value):
    """Before, the variable does nothing there."""
    assert environment(xeon(), release).get("OLLAMA_FLASH_ATTENTION") == value


def test_the_weakest_card_decides():
    """The server switches flash attention for all devices of a model at once."""
    machine = workstation(card(0), card(1, compute_capability="5.2"))
    assert environment(machine)["OLLAMA_FLASH_ATTENTION"] == "0"


def test_flash_attention_against_the_hardware_is_warned_of_and_obeyed():
    """A value given always wins."""
    made = plan(workstation(card(0, compute_capability="5.2")), flash_attention=True)
    assert decision(made, "OLLAMA_FLASH_ATTENTION")["value"] == "1"
    assert "flash-attention-unsupported" in codes(made)


def test_a_quantised_cache_without_flash_attention_is_refused():
    """From 0.30.0 on every model load would fail."""
    with pytest.raises(OllamaError, match=r"ollama_kv_cache_type: 'q8_0' contradicts flash attention being off"):
        plan(xeon(), kv_cache_type="q8_0", flash_attention=False)
    with pytest.raises(OllamaError, match="ollama_kv_cache_type"):
        plan(workstation(card(0, compute_capability="5.2")), kv_cache_type="q4_0")


def test_a_quantised_cache_where_flash_attention_is_uncertain_is_warned_of():
    """The operator may know the card better than its driver tells."""
    made = plan(workstation(card(0, compute_capability=None)), kv_cache_type="q8_0")
    assert "kv-cache-type-uncertain" in codes(made)


def test_a_quantised_cache_with_flash_attention_is_set():
    """Both settings stand together."""
    found = environment(topology(cores=8), kv_cache_type="q8_0")
    assert (found["OLLAMA_KV_CACHE_TYPE"], found["OLLAMA_FLASH_ATTENTION"]) == ("q8_0", "1")


def test_a_setting_that_the_release_does_not_read_is_not_written():
    """Its reason names the first release that reads it."""
    made = plan(topology(cores=8), "0.4.7", kv_cache_type="f16")
    found = decision(made, "OLLAMA_KV_CACHE_TYPE")
    assert (found["value"], found["source"]) == (None, "contract")
    assert "from 0.5.0 on" in found["reason"]


@pytest.mark.parametrize("driver", ["565.57", "560.28"])
def test_a_card_that_the_server_drops_does_not_decide(driver):
    """An old card whose driver is too old for it does not switch flash attention off for the others."""
    machine = workstation(card(0, compute_capability="5.2"), card(1, compute_capability="8.6"), driver=driver)
    assert environment(machine)[FLASH] == "1"


@pytest.mark.parametrize(
    ("cards", "release"),
    [([gpu(8 * GIB, compute=None)], "0.34.1"), ([gpu(8 * GIB, compute=(6, 1))], None), ([], "0.11.4")],
)
def test_a_quantised_cache_switches_flash_attention_on_where_it_is_uncertain(cards, release):
    """Left to the server it could be off, and then every load would fail."""
    made = case(cards=cards, release=release, kv_cache_type="q8_0")
    assert attend(made) == {FLASH: "1", KV_TYPE: "q8_0"}
    assert warned(made) == ["kv-cache-type-uncertain"]
    assert "needs it" in reason(made, FLASH)
    assert "server decides" not in reason(made, FLASH)
    assert cache_type(made) == "f16"


@pytest.mark.parametrize(("family", "release"), [("gemma2", "0.24.0"), ("grok", "0.24.0")])
def test_a_family_without_flash_attention_keeps_f16(family, release):
    """Before 0.30.0 the server falls back by itself, and the budget counts what it falls back to."""
    made = case(release=release, kv_cache_type="q8_0", reference_models=[{**LLAMA_8B, "family": family}])
    assert attend(made)[KV_TYPE] == "q8_0"
    assert warned(made) == ["kv-cache-type-unused"]
    (model,) = made.policy.reference_models
    assert (attends(made), attends(made, model), cache_type(made, model)) == (True, False, "f16")


def test_gemma2_has_flash_attention_from_0_30_0_on():
    """llama.cpp caps its scores inside the kernel."""
    made = case(kv_cache_type="q8_0", reference_models=[{**LLAMA_8B, "family": "gemma2"}])
    attend(made)
    assert (made.notes.errors, made.notes.warnings) == ([], [])
    assert cache_type(made, made.policy.reference_models[0]) == "q8_0"


@pytest.mark.parametrize("release", ["0.30.0", "0.34.1", None])
@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"family": "grok"}, "which grok has in no release"),
        ({"key_length": 80, "value_length": 80}, "do not divide the 80 elements of a head of llama3.1:8b"),
        ({"key_length": 192, "value_length": 72}, "the 72 elements"),
    ],
)
def test_a_quantised_cache_that_a_model_cannot_load_with_is_refused(release, facts, text):
    """Every load of that model would fail."""
    made = case(release=release, kv_cache_type="q8_0", reference_models=[{**LLAMA_8B, **facts}])
    attend(made)
    (error,) = made.notes.errors
    assert error.startswith("ollama_kv_cache_type: 'q8_0'")
    assert text in error
    assert error.endswith("allowed is auto or f16")


@given(
    st.lists(st.sampled_from([None, (5, 2), (6, 1), (7, 0), (7, 2), (8, 6)]), max_size=3),
    releases,
    st.none() | st.booleans(),
    st.none() | st.sampled_from(KV_CACHE_TYPES),
    st.sampled_from([None, "llama", "gemma2", "grok"]),
)
def test_no_combination_that_fails_loads_is_planned(computes, release, flash, kv_type, family):
    """A quantised cache stands beside flash attention that is on, or the plan is refused."""
    options = {"flash_attention": flash, "kv_cache_type": kv_type, "reference_models": [{**LLAMA_8B, "family": family}]}
    made = case(cards=[gpu(8 * GIB, compute=compute) for compute in computes], release=release, **options)
    found = attend(made)
    if kv_type in ("q8_0", "q4_0") and not made.notes.errors:
        assert found[FLASH] == "1"
        assert found[KV_TYPE] == kv_type
        assert not list(clashes(found, made.release))
    assert cache_type(made, parse_models(options["reference_models"])[0]) in (kv_type, "f16")
