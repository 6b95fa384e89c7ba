# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models are asked about, on which servers of a host (_models/fits.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.emptied import emptied
from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import model_fit
from ansible_collections.inference.ollama.tests.unit.support.fits import GIB, dense, two_cards, two_sockets
from ansible_collections.inference.ollama.tests.unit.support.plans import plan

SETTINGS = {"OLLAMA_CONTEXT_LENGTH": 4096, "OLLAMA_NUM_PARALLEL": 1}
NUMBERS = {"name": "n:8b", "size_bytes": 1 << 30, "layers": 4, "kv_heads": 8, "key_length": 128, "value_length": 128}


def little(name="llama3.2:3b", **facts):
    """A model of two layers, whose placement takes a moment only."""
    return {**dense(name, layers=2), **facts}


def file(path):
    """One that was read of a file of the controller."""
    files = [{"role": "model", "path": path, "size_bytes": 1}]
    return little(path.rpartition("/")[2], source="file", store=None, files=files)


def asked(*models, wanted=None, **read):
    """The advice on a host with two cards."""
    return model_fit({"models": list(models), "problems": [], **read}, two_cards(), SETTINGS, "0.34.1", wanted)


def names(fit):
    """The models that were placed, in order."""
    return [model["name"] for server in fit["servers"] for model in server["models"]]


def test_without_a_list_all_models_are_asked_about():
    """Those of the store, in its order."""
    assert names(asked(little("b:1"), little("a:1"))) == ["b:1", "a:1"]
    assert asked()["servers"] == [{"name": "ollama", "models": []}]


def test_names_are_ollamas_and_come_in_the_order_of_the_list():
    """A tag may be left out, and letters may be large or small."""
    store = [little("llama3.2:latest"), little("qwen3:8b"), little("gemma3:4b")]
    fit = asked(*store, wanted=["Qwen3:8B", "llama3.2", "absent:1b"])
    assert names(fit) == ["qwen3:8b", "llama3.2:latest"]
    assert fit["missing"] == [{"name": "absent:1b", "reason": "the host's store does not have it"}]


def test_files_are_known_from_models_of_the_store():
    """By the path as it was given, or by its end."""
    models = [little("x.gguf:latest"), file("/srv/models/x.gguf")]
    assert names(asked(*models, wanted=["/srv/models/x.gguf"])) == ["x.gguf"]
    assert names(asked(*models, wanted=["models/x.gguf"])) == ["x.gguf"]
    fit = asked(*models, wanted=["/srv/y.gguf"])
    assert fit["missing"] == [{"name": "/srv/y.gguf", "reason": "it cannot be read on the controller"}]


def test_a_model_in_numbers_needs_no_file():
    """Its layers share its bytes, and it has no other quantisation, since nobody said which one it has."""
    (model,) = asked(wanted=[NUMBERS])["servers"][0]["models"]
    assert (model["name"], model["fits"], model["quantizations"]) == ("n:8b", "gpu", [])
    assert model["memory"]["kv_bytes"] == 4096 * 4 * 8 * 256 * 2


@pytest.mark.parametrize("wanted", ["x", [7], [{"name": "x"}], [NUMBERS, NUMBERS], [""], {"a": 1}])
def test_what_is_no_list_of_models_is_refused(wanted):
    """With what is allowed."""
    with pytest.raises(OllamaError, match=r"^ollama_fit_models: allowed is "):
        asked(wanted=wanted)


def test_what_could_not_be_read_is_named():
    """A guess would be worse than a sentence."""
    fit = asked(little("cut:1", layers=None), little("whole:1"), problems=["cut:1: cut off", "/srv: not readable"])
    assert names(fit) == ["whole:1"]
    assert fit["missing"] == [{"name": "cut:1", "reason": "cut off"}]
    assert fit["problems"] == ["/srv: not readable"]
    (entry,) = asked(little("cut:1", layers=None))["missing"]
    assert entry["reason"] == "what it takes is unknown, since its file could not be read"


def test_a_release_that_is_not_known_is_named():
    """The newest one is assumed, in words."""
    fit = model_fit({"models": [little()]}, two_cards(), SETTINGS)
    assert fit["release"] == str(load().newest_known)
    assert fit["problems"] == [f"the release is unknown, and the models are placed as Ollama {fit['release']} does"]
    made = plan(two_cards(), "0.30.0")
    assert model_fit({"models": []}, two_cards(), made)["release"] == "0.30.0"


def test_a_plan_wins_over_the_servers_settings():
    """The role's slots and tokens are asked about where there is a plan."""
    made = plan(two_cards(), num_parallel=3, context_length=4096)
    fit = model_fit({"models": [little()]}, two_cards(), made)
    (model,) = fit["servers"][0]["models"]
    assert (fit["settings"], model["parallel"], model["context"]) == ("plan", 3, 4096)
    assert asked(little())["settings"] == "server"


def test_each_of_several_servers_has_its_part_of_the_host():
    """Half of the memory on each of two nodes, one card on each of two servers."""
    made = plan(two_sockets(), instances="per_numa_node")
    fit = model_fit({"models": [little()]}, two_sockets(), made)
    sizes = [server["models"][0]["devices"][0]["memory_bytes"] for server in fit["servers"]]
    assert [server["name"] for server in fit["servers"]] == [each["name"] for each in made["instances"]]
    assert sizes == [each["memory_bytes"] for each in made["instances"]]
    cards = plan(two_cards(), instances="per_gpu")
    fit = model_fit({"models": [little()]}, two_cards(), cards)
    found = [[device["name"] for device in server["models"][0]["devices"]] for server in fit["servers"]]
    assert found == [["Quadro P4000", "cpu"], ["NVIDIA GeForce GTX 1060 6GB", "cpu"]]


def test_what_loaded_models_take_of_cards_counts_as_free():
    """The server would unload them; each card gets back its part, and never more than is used of it."""
    facts = two_cards()
    facts["gpus"][0]["free_bytes"] = 2 * GIB
    facts["gpus"][1]["free_bytes"] = 4 * GIB
    loaded = [{"name": "qwen3:8b", "size_bytes": 5 * GIB, "size_vram_bytes": 4 * GIB}]
    found, said = emptied(facts, loaded)
    assert [card["free_bytes"] for card in found["gpus"]] == [5 * GIB, 5 * GIB]
    assert said == ["qwen3:8b is in memory; 4 GiB of the cards count as free"]
    found, said = emptied(facts, [*loaded, {**loaded[0], "name": "b:1", "size_vram_bytes": 90 * GIB}])
    assert [card["free_bytes"] for card in found["gpus"]] == [8 * GIB, 6 * GIB]
    assert said == ["qwen3:8b, b:1 are in memory; 8 GiB of the cards count as free"]
    assert model_fit({"models": [], "loaded": loaded}, facts, SETTINGS, "0.34.1")["problems"] == [
        "qwen3:8b is in memory; 4 GiB of the cards count as free"
    ]


def test_without_cards_nothing_is_given_back():
    """Nor where a card's memory could not be read, or a model lies with the CPUs."""
    unread = two_cards()
    for card in unread["gpus"]:
        card["free_bytes"] = None
    on_cards = [{"name": "a:1", "size_vram_bytes": GIB}]
    for facts, loaded in (
        (two_sockets(), on_cards),
        (unread, on_cards),
        (two_cards(), [{"name": "a:1", "size_vram_bytes": 0}]),
        (two_cards(), []),
    ):
        assert emptied(facts, loaded) == (facts, [])
