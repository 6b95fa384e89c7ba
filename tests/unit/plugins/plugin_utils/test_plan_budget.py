# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every budget (_plan/budget.py, _plan/fit.py; rules M0 to M2, M4, M5)."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import budget
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import Budget, Candidate
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.cost import LoadedModel, Place, assumed, cost
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import parse_models
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.tests.unit.support.cases import (
    EMBEDDING,
    GIB,
    LLAMA_8B,
    LLAMA_70B,
    QWEN_7B,
    budget_of,
    case,
    fill,
    gpu,
    warned,
)
from ansible_collections.inference.ollama.tests.unit.support.releases import releases

OBJECTIVES = load().options["objective"].values
KV_CACHE_TYPES = load().options["kv_cache_type"].values

LIMITS = ("OLLAMA_NUM_PARALLEL", "OLLAMA_CONTEXT_LENGTH", "OLLAMA_MAX_LOADED_MODELS", "LLAMA_ARG_CACHE_RAM")
HYBRID = {**QWEN_7B, "name": "qwen3-next", "family": "qwen3next", "context_length": None}

memories = st.integers(0, 2048 * GIB) | st.sampled_from([GIB * size for size in (1, 8, 16, 64, 128)])
vrams = st.integers(0, 200 * GIB) | st.sampled_from([GIB * size for size in (4, 8, 11, 12, 16, 24, 48, 80, 141)])
models = st.lists(
    st.sampled_from([LLAMA_8B, QWEN_7B, LLAMA_70B, EMBEDDING, HYBRID]),
    unique_by=lambda model: model["name"],
    max_size=5,
)
asked = st.fixed_dictionaries(
    {"objective": st.sampled_from(OBJECTIVES), "reference_models": models},
    optional={
        "num_parallel": st.integers(1, 64),
        "context_length": st.integers(1, 300_000),
        "max_loaded_models": st.integers(1, 12),
        "cache_ram_bytes": st.integers(0, 64 * GIB),
        "gpu_reserve_bytes": st.integers(0, 8 * GIB),
        "kv_cache_type": st.sampled_from(KV_CACHE_TYPES),
        "flash_attention": st.booleans(),
    },
)
facts = st.fixed_dictionaries(
    {
        "vendor": st.sampled_from(["nvidia", "amd"]),
        "compute": st.sampled_from([(6, 1), (8, 6), None]),
        "display_active": st.booleans(),
    }
)
hosts = st.fixed_dictionaries(
    {
        "memory": memories,
        "vram": st.lists(vrams, max_size=4),
        "facts": st.lists(facts, min_size=4, max_size=4),
        "release": releases,
        "threads": st.none() | st.integers(1, 128),
        "options": asked,
    }
)


def planned(host):
    """The case after its capacity was filled, and the environment."""
    cards = [gpu(vram, index, **fact) for index, (vram, fact) in enumerate(zip(host["vram"], host["facts"]))]
    made = case(host["memory"], cards, host["release"], **host["options"])
    return made, fill(made, host["threads"])


def limits(host):
    found = planned(host)[1]
    return {name: int(found[name]) for name in LIMITS if name in found}


@given(hosts, st.integers(0, 64 * GIB))
@example({"memory": 64 * GIB, "vram": [], "facts": [], "release": "0.34.1", "threads": 16, "options": {}}, 64 * GIB)
def test_more_memory_lowers_nothing(host, more):
    """Neither slots nor tokens nor models nor prompt cache."""
    less, richer = limits(host), limits({**host, "memory": host["memory"] + more})
    assert all(less[name] <= richer[name] for name in less)


@given(hosts, st.integers(0, 3), st.integers(0, 120 * GIB))
@example(
    {"memory": 64 * GIB, "vram": [15 * GIB], "facts": [{}], "release": "0.34.1", "threads": 8, "options": {}},
    0,
    8 * GIB,
)
def test_more_vram_lowers_nothing(host, index, more):
    """Neither on one card nor on one of several; slots rise without lowering the context of each."""
    vram = [size + (more if number == index else 0) for number, size in enumerate(host["vram"])]
    less, richer = limits(host), limits({**host, "vram": vram})
    assert all(less[name] <= richer[name] for name in less)


@given(hosts, vrams)
@example(
    {"memory": 64 * GIB, "vram": [24 * GIB], "facts": [{}] * 2, "release": "0.34.1", "threads": 8, "options": {}},
    2 * GIB,
)
def test_another_card_lowers_nothing(host, vram):
    """Neither a small one, which no model is planned for, nor one of another vendor."""
    if not host["vram"] or len(host["vram"]) == 4:
        return
    # Its flash attention and its display are other questions.
    last = {**host["facts"][0], "compute": (8, 6), "display_active": False}
    known = [*host["facts"][: len(host["vram"])], last]
    less, richer = limits(host), limits({**host, "vram": [*host["vram"], vram], "facts": known})
    assert all(less[name] <= richer[name] for name in less)


@given(hosts)
def test_what_is_planned_fits_or_is_warned_of(host):
    """The sum of the parts is within what is usable, and that within what there is."""
    made, _environment = planned(host)
    found = budget_of(made, host["threads"])
    assert found["total_bytes"] == found["weights_bytes"] + found["kv_bytes"] + found["overhead_bytes"]
    if found["usable_bytes"] is not None and "budget-exceeded" not in warned(made):
        assert found["total_bytes"] <= found["usable_bytes"]
        whole = sum(host["vram"]) if host["vram"] else host["memory"]
        assert found["usable_bytes"] <= whole
        if not host["vram"]:
            assert found["total_bytes"] + found["cache_bytes"] <= whole


@given(hosts)
def test_the_same_host_gets_the_same_plan(host):
    """Notes, numbers and order."""
    first, second = planned(host), planned(host)
    assert first[1] == second[1]
    assert first[0].notes == second[0].notes


@given(hosts)
def test_values_of_the_operator_are_written_as_given(host):
    """Even where nothing fits."""
    made, found = planned(host)
    policy = made.policy
    for name, value in (
        ("OLLAMA_NUM_PARALLEL", policy.num_parallel),
        ("OLLAMA_CONTEXT_LENGTH", policy.context_length),
        ("OLLAMA_MAX_LOADED_MODELS", policy.max_loaded_models),
    ):
        assert value is None or found.get(name, str(value)) == str(value)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_number_of_the_candidates_falls(objective):
    """Then the highest rung that fits is never lower with more memory."""
    rungs = budget.candidates(objective, 4)
    for lower, higher in zip(rungs, rungs[1:]):
        assert all(below <= above for below, above in zip(lower, higher))
        assert lower != higher
    assert rungs[0] == (1, 1, 4096)
    assert rungs[-1].loaded == 4


@pytest.mark.parametrize(("model", "bytes_per_token"), [(LLAMA_8B, 131072), (QWEN_7B, 57344), (LLAMA_70B, 327680)])
def test_the_kv_cache_of_known_models(model, bytes_per_token):
    """Layers by KV heads by key and value by two bytes; q8_0 is 34 of 64 and q4_0 18 of 64 of that."""
    (parsed,) = parse_models([model])
    for kv_type, share in (("f16", 64), ("q8_0", 34), ("q4_0", 18)):
        found = cost(LoadedModel(parsed, kv_type=kv_type), 2, 1024, Place(host=False))
        assert found.kv * 64 == 2048 * bytes_per_token * share


@pytest.mark.parametrize(
    ("vram", "usable"),
    [(None, 0), (GIB, 0), (2 * GIB, GIB), (10 * GIB, 8 * GIB), (80 * GIB, 64 * GIB)],
)
def test_a_fifth_of_a_card_stays_free_and_a_gibibyte_at_least(vram, usable):
    """The first is when a single card is chosen, the second what llama.cpp leaves."""
    assert budget.card_bytes(vram) == usable
    assert usable <= budget.whole_bytes(vram) <= (vram or 0)


def test_layers_are_not_split_over_vendors():
    """Each group counts by itself."""
    cards = [gpu(10 * GIB), gpu(10 * GIB, 1), gpu(15 * GIB, 2, vendor="amd")]
    assert budget.grouped(cards, budget.card_bytes) == ((8 * GIB, 8 * GIB), (12 * GIB,))


def test_the_largest_models_are_those_that_have_to_fit():
    """Any of the list may be loaded."""
    models = tuple(LoadedModel(model) for model in parse_models([EMBEDDING, LLAMA_8B, LLAMA_70B]))
    room = Budget(((100 * GIB,),), models)
    one, usable = room.figures(Candidate(1, 1, 4096))
    assert usable == 100 * GIB
    assert one.weights == LLAMA_70B["size_bytes"]
    assert one.kv == 4096 * 327680
    assert room.figures(Candidate(9, 1, 4096))[0].weights == sum(model.reference.size_bytes for model in models)


def test_a_slot_is_not_larger_than_what_the_model_was_trained_for():
    """The server cuts the context down, so its memory is not taken."""
    (parsed,) = parse_models([EMBEDDING])
    room = Budget(((GIB,),), (LoadedModel(parsed),))
    assert room.figures(Candidate(1, 1, 8192)) == room.figures(Candidate(1, 1, 2048))


def test_what_has_no_flash_attention_stores_the_scores():
    """Four bytes for each of 512 rows, of 32 heads and of the tokens."""
    (parsed,) = parse_models([LLAMA_8B])
    with_it, without = (
        Budget(((0,),), (LoadedModel(parsed, flash=flash),)).figures(Candidate(1, 1, 4096))[0].overhead
        for flash in (True, False)
    )
    assert without - with_it > 4096 * 512 * 32 * 4 * 3 // 4


@given(st.integers(0, 64 * GIB), st.integers(1, 64))
def test_the_largest_value_that_fits_does_and_one_more_does_not(usable, slots):
    """What a warning offers can be taken."""
    room = Budget(((usable,),), tuple(LoadedModel(model) for model in parse_models([QWEN_7B])))
    rung = Candidate(1, slots, 4096)
    found = room.largest(rung, "context", 256, 1 << 15)
    assert found is None or room.holds(rung._replace(context=found))
    assert found == 1 << 15 or not room.holds(rung._replace(context=(found or 0) + 256))


GEMMA = {
    "name": "gemma3:12b",
    "family": "gemma3",
    "size_bytes": 8 * GIB,
    "context_length": 131072,
    "layers": 48,
    "embedding_length": 3840,
    "heads": [16] * 48,
    "kv_heads": [8] * 48,
    "feed_forward_length": [15360] * 48,
    "key_length": 256,
    "value_length": 256,
    "vocabulary_size": 262208,
    "sliding_window": 1024,
    "tied_embeddings": True,
    "tensor_bytes": {
        "input": GIB,
        "output": 0,
        "other": 0,
        "embedding": GIB,
        "layers": [{"attention": 50 << 20, "feed_forward": 100 << 20}] * 48,
    },
    "projector": {"size_bytes": GIB // 2},
}


def test_a_model_that_was_read_is_counted_by_its_layers():
    """Forty of 48 layers keep a window, the embedding lies with the host, a head that shares it is copied."""
    (given_numbers,) = parse_models(
        [{key: GEMMA[key] for key in ("name", "size_bytes", "layers", "key_length", "value_length")} | {"kv_heads": 8}]
    )
    read = dataclasses.replace(given_numbers, record=GEMMA)
    known, guessed = (cost(LoadedModel(model), 4, 16384, Place(host=False)) for model in (read, given_numbers))
    assert guessed.kv == 4 * 16384 * 48 * 8 * 512 * 2
    assert known.kv == 4 * (8 * 16384 + 40 * 3072) * 8 * 512 * 2
    assert known.weights == 48 * (150 << 20) + GIB
    assert known.buffers >= GIB // 2
    on_host = cost(LoadedModel(read), 4, 16384, Place(host=True))
    assert on_host.weights == known.weights
    assert on_host.device < known.device


def test_cards_that_share_the_hosts_memory_take_the_hosts_part_of_it():
    """The embedding and the buffers that others have in host memory lie in the same one."""
    (parsed,) = parse_models([LLAMA_8B])
    own, shared = (cost(LoadedModel(parsed), 1, 8192, Place(host=False, shared=both)) for both in (False, True))
    assert shared.total > own.total
    assert shared.device == own.device


@pytest.mark.parametrize(("release", "rows"), [("0.24.0", 512), ("0.32.15", 2048), (None, 2048)])
def test_buffers_follow_the_rows_of_the_release(release, rows):
    """More than 32,768 tokens in all slots are read 2,048 rows at a time from 0.30.0 on, of assumed models too."""
    known = parse_release(release) if release else None
    (parsed,) = parse_models([LLAMA_8B])
    place = Place(host=False)
    plain = assumed((1, 8192), "f16", known, place, flash=True).device - place.runtime
    many = assumed((8, 8192), "f16", known, place, flash=True).device - place.runtime
    assert many == pytest.approx(plain * rows / (512 if release == "0.24.0" else 1024), rel=0.01)
    assert cost(LoadedModel(parsed, release=known), 8, 8192, place).device > many // 2


def test_a_model_that_one_of_several_cards_holds_takes_the_driver_of_one():
    """Split over both it would take that of each, and every input four times."""
    (parsed,) = parse_models([LLAMA_8B])
    one, two = (Budget((sizes,), (LoadedModel(parsed),)) for sizes in ((20 * GIB,), (20 * GIB, 1 * GIB)))
    rung = Candidate(1, 1, 8192)
    assert one.figures(rung)[0] == two.figures(rung)[0]
    split = Budget(((4 * GIB, 4 * GIB),), (LoadedModel(parsed),))
    assert split.holds(rung)
    assert split.figures(rung)[0].overhead > 2 * one.figures(rung)[0].overhead
