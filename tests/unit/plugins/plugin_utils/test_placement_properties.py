# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds wherever models are placed: random hosts, models, settings and releases."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import place
from ansible_collections.inference.ollama.tests.unit.support.cards import amd
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.plans import card, workstation
from ansible_collections.inference.ollama.tests.unit.support.records import record

GIB = 1 << 30
RELEASES = st.sampled_from(["0.5.13", "0.11.4", "0.11.8", "0.12.11", "0.24.0", "0.30.0", "0.32.15", "0.40.2"])
FAMILIES = st.sampled_from(
    ["llama", "qwen2", "qwen3", "gemma2", "gemma3", "gptoss", "phi2", "stablelm", "command-r", "x"]
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "OLLAMA_CONTEXT_LENGTH": st.sampled_from(["2048", "8192", "40000"]),
        "OLLAMA_NUM_PARALLEL": st.sampled_from(["1", "4"]),
        "OLLAMA_SCHED_SPREAD": st.just("1"),
        "OLLAMA_MAX_LOADED_MODELS": st.sampled_from(["1", "2"]),
        "OLLAMA_GPU_OVERHEAD": st.just(str(GIB)),
        "LLAMA_ARG_FIT_TARGET": st.sampled_from(["512", "4096"]),
    },
)


@st.composite
def model(draw, name):
    """One of any size and one of several families, now and then with experts or a projector, or a figure missing."""
    layers, layer = draw(st.integers(1, 60)), draw(st.integers(4, 500))
    experts = draw(st.sampled_from([0, 0, layer * 3 // 4]))
    made = record(name, layers=layers, layer=layer, experts=experts, family=draw(FAMILIES))
    made["projector"] = draw(st.sampled_from([None, None, {"size_bytes": GIB}]))
    made["parameters"]["num_gpu"] = draw(st.sampled_from([None, None, None, 0, 5, 99]))
    missing = draw(st.sampled_from(["", "", "tensor_bytes", "heads", "embedding_length", "vocabulary_size", "files"]))
    return {**made, missing: None} if missing else made


@st.composite
def hosts(draw):
    """Cards of one or two vendors."""
    gpus = []
    for number in range(draw(st.integers(0, 3))):
        size = draw(st.integers(1, 40)) * GIB
        make = draw(st.sampled_from([card, card, amd]))
        free = draw(st.sampled_from([None, size, size * 3 // 4, 0]))
        gpus.append(make(number, memory_bytes=size, free_bytes=free))
    return workstation(*gpus, memory_gib=draw(st.sampled_from([8, 64, 256])))


@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_placement_adds_up(data):
    """Layers and bytes add up, no card holds more than is free of it, and what was unloaded is not in memory."""
    models = [data.draw(model(name)) for name in "abc"[: data.draw(st.integers(1, 3))]]
    made = place(models, data.draw(hosts()), data.draw(SETTINGS), data.draw(RELEASES))
    free = {each["device"]: each["free_bytes"] for each in made["devices"]}
    left = {each["device"]: each["left_bytes"] for each in made["devices"]}
    evicted = [name for each in made["models"] for name in each["evicts"]]
    for each in made["models"]:
        assert each["reason"]
        assert each["resident"] is (each["fits"] not in ("no", None) and each["name"] not in evicted)
        if each["fits"] == "no":
            assert each["devices"] == []
            continue
        assert sum(part["layers"] for part in each["devices"]) == each["layers"]
        for part in each["devices"]:
            assert part["total_bytes"] <= free[part["device"]]
            sizes = [size for key, size in part.items() if key.endswith("_bytes") and key != "total_bytes"]
            assert part["total_bytes"] == sum(sizes)
            assert min(sizes) >= 0
    for device, size in free.items():
        parts = [part for each in made["models"] if each["resident"] for part in each["devices"]]
        assert left[device] == size - sum(part["total_bytes"] for part in parts if part["device"] == device)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
@given(made=model("a"), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3), release=RELEASES)
def test_a_model_that_one_card_holds_stays_on_one(made, sizes, release):
    """With memory to spare, which every release leaves; a projector alone may need another card."""
    gpus = [card(number, memory_bytes=size * GIB, free_bytes=size * GIB) for number, size in enumerate(sizes)]
    made["parameters"]["num_gpu"], made["projector"] = None, None
    tokens = {"OLLAMA_CONTEXT_LENGTH": "2048", "OLLAMA_NUM_PARALLEL": "1"}
    need = 3 * made["size_bytes"] + 10 * GIB
    entry = place([made], workstation(*gpus, memory_gib=256), tokens, release)["models"][0]
    if need <= max(sizes) * GIB:
        assert entry["fits"] == "gpu"
        assert len([part for part in entry["devices"] if part["device"] != "cpu"]) == 1


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
@given(made=model("a"), size=st.integers(1, 40), more=st.integers(1, 12), asked=SETTINGS, release=RELEASES)
def test_more_memory_of_a_card_never_places_fewer_layers(made, size, more, asked, release):
    """On a host with one card and the same context; a load that fails has none."""
    asked = {"OLLAMA_CONTEXT_LENGTH": "4096", "OLLAMA_NUM_PARALLEL": "1", **asked}
    counts = []
    for each in (size, size + more):
        machine = workstation(card(0, memory_bytes=each * GIB, free_bytes=each * GIB), memory_gib=256)
        counts.append(place([copy.deepcopy(made)], machine, asked, release)["models"][0]["layers_on_gpu"])
    assert counts[0] <= counts[1]
