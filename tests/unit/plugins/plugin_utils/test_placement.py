# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the filter places models on whole hosts."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import place
from ansible_collections.inference.ollama.tests.unit.support.cards import amd, apu, board
from ansible_collections.inference.ollama.tests.unit.support.plans import card, topology, workstation
from ansible_collections.inference.ollama.tests.unit.support.records import record

MIB, GIB = 1 << 20, 1 << 30
LAYOUT, FIT = "0.24.0", "0.32.15"
BOTH = pytest.mark.parametrize("release", [LAYOUT, FIT])


def host(*sizes, **facts):
    """A host of 96 GiB with cards of so many GiB."""
    gpus = [card(number, memory_bytes=size << 30, free_bytes=size << 30, **facts) for number, size in enumerate(sizes)]
    return workstation(*gpus, memory_gib=96)


def placed(models, machine, release, **settings):
    return place(models, machine, settings, release)


def only(machine, release, *, settings=None, **facts):
    return place([record(**facts)], machine, settings or {}, release)["models"][0]


def layers(entry):
    """Layers by device; the last characters of a card's UUID name it."""
    return {each["device"][-1]: each["layers"] for each in entry["devices"]}


def test_two_old_cards_have_what_nvidia_smi_showed():
    """8 billion parameters in 5.7 GB on 8 and 6 GB, spread and on the larger card alone, in October 2025."""
    cards = (
        card(0, memory_bytes=8192 * MIB, free_bytes=8100 * MIB, compute_capability="6.1"),
        card(1, memory_bytes=6144 * MIB, free_bytes=6050 * MIB, compute_capability="6.1"),
    )
    model = record("hermes3:8b", layer=147)
    model["tensor_bytes"].update(input=344 * MIB, output=411 * MIB)
    settings = {"OLLAMA_SCHED_SPREAD": "true", "OLLAMA_FLASH_ATTENTION": "1"}
    made = place([model], workstation(*cards), settings, "0.12.3")
    seen = [each["total_bytes"] / MIB for each in made["models"][0]["devices"][:2]]
    assert seen == [pytest.approx(3041, rel=0.04), pytest.approx(3253, rel=0.04)]
    assert "followed roughly: hermes3:8b" in made["warnings"][0]
    alone = place([model], workstation(*cards), {**settings, "CUDA_VISIBLE_DEVICES": "0"}, "0.12.3")
    assert alone["models"][0]["devices"][0]["total_bytes"] / MIB == pytest.approx(5978, rel=0.04)


def test_an_h100_has_what_nvidia_smi_showed():
    """A server's log names 3,815 MiB of weights on the card; slots and contexts as measured."""
    machine = workstation(card(0, memory_bytes=81559 * MIB, free_bytes=81079 * MIB, compute_capability="9.0"))
    model = record("8b", layer=117, context_length=8192)
    model["tensor_bytes"].update(input=70 * MIB, output=71 * MIB)
    for context, slots, seen in ((8192, 1, 5669), (4096, 8, 8733), (8192, 16, 21261), (8192, 32, 37645)):
        settings = {"OLLAMA_CONTEXT_LENGTH": str(context), "OLLAMA_NUM_PARALLEL": str(slots)}
        found = place([model], machine, settings, "0.33.0")["models"][0]
        assert found["devices"][0]["total_bytes"] / MIB == pytest.approx(seen, rel=0.02)
        assert found["rows"] == (2048 if slots >= 8 and context == 8192 else 1024)


@BOTH
def test_a_model_that_fits_one_card_is_on_one(release):
    """With the parts adding up, and what is left of the card."""
    made = placed([record()], host(8, 24), release)
    entry = made["models"][0]
    assert layers(entry) == {"1": 33, "u": 0}
    assert (entry["fits"], entry["layers"], entry["layers_on_gpu"]) == ("gpu", 33, 33)
    assert entry["reason"] == "All 33 layers are on Card 1."
    part = entry["devices"][0]
    assert part["total_bytes"] == sum(size for key, size in part.items() if key.endswith("_bytes")) // 2
    assert [each["left_bytes"] for each in made["devices"][:2]] == [8 * GIB, 24 * GIB - part["total_bytes"]]
    assert made["algorithm"] == ("fit" if release == FIT else "layout")


@BOTH
def test_spread_takes_all_cards(release):
    """A value that the server reads as on counts, whatever the operator meant."""
    for value in ("1", "yes"):
        made = placed([record()], host(24, 24), release, OLLAMA_SCHED_SPREAD=value)
        assert set(layers(made["models"][0])) == {"0", "1", "u"}
        assert bool(made["warnings"]) is (value == "yes")


@BOTH
def test_a_large_model_has_a_part_on_the_cpus(release):
    """Before 0.30 without the output, from then on with it and a gibibyte of each card free."""
    entry = only(host(8, 8), release, layer=700)
    assert entry["fits"] == "partly"
    assert sum(layers(entry).values()) == 33
    assert entry["reason"].startswith(f"{entry['layers_on_gpu']} of 33 layers are on Card 0 and Card 1, and the CPUs")
    margin = 1024 * MIB if release == FIT else 0
    assert all(each["total_bytes"] <= 8 * GIB - margin for each in entry["devices"][:2])


@BOTH
def test_a_host_without_cards_computes_itself(release):
    """As long as its memory holds the model."""
    machine = topology(memory_gib=16)
    assert only(machine, release)["fits"] == "cpu"
    large = only(machine, release, layer=900)
    assert (large["fits"], large["devices"], large["resident"]) == ("no", [], False)
    assert "of the host's memory" in large["reason"]


@BOTH
def test_a_second_model_stays_beside_the_first_or_takes_its_place(release):
    """By what is free; the evicted one is not resident, and its memory is free again."""
    both = placed([record("a"), record("b", layer=60)], host(12), release)
    assert [each["resident"] for each in both["models"]] == [True, True]
    turn = placed([record("a"), record("b", layer=200)], host(12), release)
    assert [each["evicts"] for each in turn["models"]] == [[], ["a"]]
    assert [each["resident"] for each in turn["models"]] == [False, True]
    used = turn["models"][1]["devices"][0]["total_bytes"]
    assert turn["devices"][0]["left_bytes"] == 12 * GIB - used


@BOTH
def test_the_first_path_goes_first(release):
    """Not the model that was loaded first; without paths the names decide, and a warning says so."""
    models = [record("z", layer=30), record("m", layer=30), record("big", layer=280)]
    made = placed(models, host(12), release)
    assert made["models"][2]["evicts"] == ["m", "z"]
    for model in models:
        model["files"] = []
    unsure = placed(models, host(12), release)
    assert unsure["models"][2]["evicts"] == ["m", "z"]
    assert "the paths of the files, which are not known" in unsure["warnings"][0]


@BOTH
def test_no_more_models_than_the_operator_allows(release):
    """Unset, three for each card."""
    small = [record(name, layer=10) for name in "abcd"]
    one = placed(small[:2], host(24), release, OLLAMA_MAX_LOADED_MODELS="1")
    assert [each["resident"] for each in one["models"]] == [False, True]
    three = placed(small, host(24), release)
    assert three["models"][3]["evicts"] == ["a"]


@BOTH
def test_a_model_named_twice_is_loaded_once(release):
    """The second entry says so."""
    made = placed([record(), record()], host(24), release)
    assert made["models"][1]["reason"].startswith("llama3.1:8b is in memory already")
    assert made["devices"][0]["left_bytes"] == 24 * GIB - made["models"][0]["devices"][0]["total_bytes"]


@BOTH
def test_figures_that_are_missing_are_named(release):
    """A model's, a card's, the host's; nothing is guessed, and nothing fails."""
    made = placed([record(layers=0), record("b", size_bytes=None)], host(24), release)
    assert [each["fits"] for each in made["models"]] == [None, None]
    assert made["models"][0]["reason"] == "The model's layers could not be read, so where it goes is not known."
    assert made["models"][0]["layers_on_gpu"] is None
    unread = workstation(card(0, memory_bytes=None), card(1))
    made = placed([record()], unread, release)
    assert layers(made["models"][0])["1"] == 33
    assert len(made["warnings"]) == 2
    nothing = topology({"memory": {"total_bytes": None, "available_bytes": None}}, memory_gib=16)
    nothing["allowed"]["memory_bytes"] = None
    made = placed([record(layer=900)], nothing, release)
    assert made["models"][0]["fits"] == "cpu"
    assert made["devices"][0]["left_bytes"] is None
    unavailable = topology(memory_gib=16)
    unavailable["memory"]["available_bytes"] = None
    assert "available memory was not read" in placed([record()], unavailable, release)["warnings"][0]


@BOTH
def test_bare_numbers_are_enough(release):
    """Without tensors, files and heads the layers share the size."""
    bare = {"name": "x", "layers": 32, "size_bytes": 4 * GIB}
    entry = place([bare], host(24), {}, release)["models"][0]
    assert (entry["fits"], entry["layers"]) == ("gpu", 33)


@BOTH
def test_what_num_gpu_asks_for_is_done(release):
    """Also where the card cannot hold it, and then the load fails; 0 means the CPUs."""
    asked = {"num_gpu": 10}
    assert only(host(24), release, parameters=asked)["layers_on_gpu"] == 10
    assert only(host(24), release, parameters={"num_gpu": 0})["fits"] == "cpu"
    entry = only(host(4), release, parameters={"num_gpu": 99})
    assert entry["fits"] == "no"
    assert entry["reason"].endswith("and the load fails.")


def test_the_runners_own_variables_switch_the_fit_off():
    """Layers, shares and the switch itself."""
    assert only(host(24), FIT, settings={"LLAMA_ARG_N_GPU_LAYERS": "5"})["layers_on_gpu"] == 5
    assert only(host(24), FIT, settings={"LLAMA_ARG_N_GPU_LAYERS": "all"})["layers_on_gpu"] == 33
    shares = {"LLAMA_ARG_TENSOR_SPLIT": "3,1", "OLLAMA_SCHED_SPREAD": "1"}
    assert layers(only(host(24, 24), FIT, settings=shares)) == {"0": 25, "1": 8, "u": 0}
    assert only(host(4), FIT, settings={"LLAMA_ARG_FIT": "0"})["fits"] == "no"
    made = place([record()], host(24), {"LLAMA_ARG_N_CPU_MOE": "3"}, FIT)
    assert made["warnings"] == ["LLAMA_ARG_N_CPU_MOE is set, and the figures here do not know what it moves"]


def test_the_fit_leaves_what_it_is_asked_to():
    """One number for every card or one for each; a list that is too short leaves the default."""
    spread = {"OLLAMA_SCHED_SPREAD": "1", "LLAMA_ARG_FIT_TARGET": "9000,2000"}
    made = place([record(layer=400)], host(12, 12), spread, FIT)
    assert made["devices"][0]["left_bytes"] >= 9000 * MIB
    assert made["devices"][1]["left_bytes"] >= 2000 * MIB
    one = place([record(layer=400)], host(12, 12, 12), {**spread, "LLAMA_ARG_FIT_TARGET": "5000"}, FIT)
    assert all(each["left_bytes"] >= 5000 * MIB for each in one["devices"][:3])
    short = place([record(layer=1200)], host(12, 12, 12), {**spread, "LLAMA_ARG_FIT_TARGET": "5000,5000"}, FIT)
    assert 1024 * MIB <= short["devices"][2]["left_bytes"] < 5000 * MIB


def test_overhead_keeps_memory_free_until_0_30():
    """And does nothing from then on, which a warning says."""
    settings = {"OLLAMA_GPU_OVERHEAD": str(3 * GIB)}
    assert only(host(8), LAYOUT)["fits"] == "gpu"
    assert only(host(8), LAYOUT, settings=settings)["fits"] == "partly"
    made = place([record()], host(8), settings, FIT)
    assert made["models"][0]["fits"] == "gpu"
    assert "no longer the placement" in made["warnings"][0]


@pytest.mark.parametrize(
    ("release", "sizes", "context"),
    [
        ("0.6.0", (24,), 2048),
        ("0.15.4", (24,), 4096),
        ("0.15.5", (24,), 32768),
        (FIT, (24, 24), 131072),
        (FIT, (8,), 4096),
    ],
)
def test_the_context_is_the_releases(release, sizes, context):
    """Where nobody sets one, up to what the model was trained for."""
    assert only(host(*sizes), release)["context"] == context


def test_whose_context_and_slots_count():
    """The model's own context, then the environment's; families that take one request, embeddings, pictures."""
    settings = {"OLLAMA_CONTEXT_LENGTH": "1024", "OLLAMA_NUM_PARALLEL": "4"}
    found = only(host(24), FIT, settings=settings)
    assert (found["context"], found["parallel"]) == (1024, 4)
    assert only(host(24), FIT, settings=settings, parameters={"num_ctx": 2048})["context"] == 2048
    assert only(host(24), FIT, settings=settings, family="qwen3next")["parallel"] == 1
    embedding = only(host(24), FIT, settings=settings, embedding_only=True)
    assert (embedding["parallel"], embedding["rows"]) == (1, 1024)
    assert only(host(24), FIT, settings=settings, projector={"size_bytes": GIB})["context"] == 2048
    assert only(host(24), "0.12.0", family="gptoss")["context"] == 8192
    assert only(host(24), FIT, parameters={"num_batch": 64})["rows"] == 64


def test_older_releases_fall_back_to_one_slot():
    """Four slots where they fit."""
    assert only(host(24), "0.5.13")["parallel"] == 4
    assert only(host(24), "0.7.0")["parallel"] == 2
    assert only(host(6), "0.5.13")["parallel"] == 1


def test_a_projector_is_where_its_release_puts_it():
    """Beside the output in Ollama's own engine, on the first card in the runner, on the host where a card is small."""
    picture = {"projector": {"size_bytes": GIB}}
    own = only(host(24), LAYOUT, family="gemma3", **picture)
    assert own["devices"][0]["projector_bytes"] >= GIB
    files = [
        {"role": "model", "path": "/a", "size_bytes": 5 * GIB},
        {"role": "projector", "path": "/b", "size_bytes": GIB},
    ]
    apart = only(host(24, 24), LAYOUT, files=files, settings={"OLLAMA_SCHED_SPREAD": "1"}, **picture)
    assert [each["projector_bytes"] >= GIB for each in apart["devices"]] == [True, False, False]
    made = place([record(layer=700, **picture)], host(24), {}, FIT)
    assert made["models"][0]["devices"][0]["projector_bytes"] >= GIB
    assert made["devices"][0]["left_bytes"] >= 700 * MIB
    small = only(host(24, 1), FIT, layer=900, **picture)
    assert small["devices"][-1]["projector_bytes"] >= GIB
    assert only(host(4), LAYOUT, family="gemma3", layer=700, **picture)["devices"][-1]["projector_bytes"] >= GIB


def test_integrated_cards_count_where_the_release_takes_them():
    """And their memory is the host's: a model there takes it from both."""
    machine = workstation(apu(memory_bytes=16 * GIB, shared_bytes=16 * GIB), memory_gib=32)
    assert only(machine, FIT)["fits"] == "cpu"
    made = place([record()], machine, {"OLLAMA_IGPU_ENABLE": "1"}, FIT)
    assert made["models"][0]["fits"] == "gpu"
    shared = place([record()], workstation(board(compute_capability="12.1"), memory_gib=16), {}, FIT)
    assert shared["models"][0]["fits"] == "gpu"
    assert shared["devices"][0]["left_bytes"] == shared["devices"][1]["left_bytes"]


def test_libraries_do_not_share_a_model():
    """Layers are on cards of one of them."""
    machine = workstation(card(0), amd(1, memory_bytes=8 * GIB), memory_gib=64)
    machine["drivers"]["amd"] = {"driver": "6.0", "error": None}
    for release in (LAYOUT, FIT):
        entry = only(machine, release, layer=400)
        assert len([each for each in entry["devices"] if each["layers"] and each["device"] != "cpu"]) == 1


def test_mixtures_of_experts_leave_experts_to_the_cpus():
    """All layers are on the card, and the reason says what the CPUs have."""
    entry = only(host(12), FIT, layer=600, experts=520)
    assert (entry["fits"], entry["layers_on_gpu"]) == ("partly", 33)
    assert entry["reason"].endswith("the CPUs have a part of their experts.")


def test_a_load_that_runs_out_of_memory_has_all_others_unloaded():
    """Where the operator switched the fit off, the prediction is too low for the computation."""
    settings = {"LLAMA_ARG_FIT": "0", "OLLAMA_CONTEXT_LENGTH": "4096"}
    made = place([record("a", layer=60), record("b", layer=130)], host(8), settings, FIT)
    assert made["models"][1]["evicts"] == ["a"]


@pytest.mark.parametrize(
    ("models", "settings", "release", "said"),
    [
        ("x", {}, FIT, "models: expected the list"),
        (["x"], {}, FIT, "one of them is no mapping"),
        ([], [], FIT, "settings: expected"),
        ([], {}, None, "release: expected"),
        ([], {}, "x", "not an Ollama release"),
    ],
)
def test_wrong_arguments_are_refused_in_words(models, settings, release, said):
    """Each names what was expected."""
    with pytest.raises(OllamaError, match=said):
        place(models, host(8), settings, release)


def test_an_allocation_that_fails_takes_a_tenth_off():
    """A card whose process takes more than the server keeps free for it: the layout is made again with less."""
    machine = workstation(card(0, memory_bytes=8 * GIB, free_bytes=8 * GIB, compute_capability="9.0"), memory_gib=64)
    entry = only(machine, LAYOUT, family="gemma3", layer=227)
    assert entry["fits"] == "partly"
    assert entry["devices"][0]["total_bytes"] <= 8 * GIB - 8 * GIB // 10


def test_experts_of_a_mixture_count_in_the_estimate():
    """The older runner's estimate copies the experts of block 0 to the card, which costs layers."""
    plain = only(host(12), LAYOUT, layer=2000)
    mixture = only(host(12), LAYOUT, layer=2000, experts=1900)
    assert mixture["layers_on_gpu"] < plain["layers_on_gpu"]
