# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a host to place models on it (_fleet/member.py)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.member import fleet_host
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import place
from ansible_collections.inference.ollama.tests.unit.support.fits import HOSTS, MODELS
from ansible_collections.inference.ollama.tests.unit.support.placements import machine, record_of
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, workstation, xeon

GIB, MIB = 1 << 30, 1 << 20
NOTHING = {"models": [], "problems": []}
FLEET = ["llama3.2:3b"]


def kept(facts, read=None, made=None, **variables):
    """What is kept of a host."""
    return fleet_host(read or NOTHING, facts, made or plan(facts), {"fleet_models": FLEET, **variables})


def available(record):
    """Bytes of the host's memory, and of each card, that are for models."""
    facts = record["servers"][0]["topology"]
    return facts["memory"]["available_bytes"], [each["free_bytes"] for each in facts["gpus"]]


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_the_reduced_facts_place_as_the_whole_ones_do(name):
    """Of what is left out nothing decides where a model goes."""
    facts = HOSTS[name]()
    record = kept(facts)
    (server,) = record["servers"]
    small = server["topology"]
    whole = {
        **facts,
        "memory": {**facts["memory"], **small["memory"], "host_bytes": None},
        "gpus": [{**each, "free_bytes": less["free_bytes"]} for each, less in zip(facts["gpus"], small["gpus"])],
    }
    models = [model() for model in MODELS]
    found = [place(models, each, server["environment"], record["release"]) for each in (small, whole)]
    # Cards are numbered in the place of their UUIDs.
    of_cards = [(card["uuid"], f"GPU-00000000-0000-4000-8000-{place:012x}") for place, card in enumerate(facts["gpus"])]
    text = json.dumps(found[1])
    for uuid, other in of_cards:
        text = text.replace(uuid, other)
    assert json.dumps(found[0]) == text


def test_hosts_of_like_hardware_are_of_one_kind():
    """Whatever their cards are called, and whether a few bytes more are in use."""
    bare = machine("pair")[0]
    one = {**bare, "memory": {name: count and count - 300 * MIB for name, count in bare["memory"].items()}}
    cards = [
        {
            **each,
            "uuid": f"GPU-11111111-0000-4000-8000-00000000000{number}",
            "pci_bus_id": f"0000:a{number}:00.0",
            "free_bytes": each["free_bytes"] - 9,
        }
        for number, each in enumerate(one["gpus"])
    ]
    memory = {name: count and count - 4096 for name, count in one["memory"].items()}
    other = {**one, "gpus": cards, "memory": memory}
    assert kept(one)["kind"] == kept(other)["kind"]
    per_card = [kept(facts, made=plan(facts, instances="per_gpu")) for facts in (one, other)]
    assert per_card[0]["kind"] == per_card[1]["kind"] != kept(one)["kind"]
    assert len(per_card[0]["servers"]) == 2
    assert kept(machine("studio")[0])["kind"] != kept(one)["kind"]


def test_what_models_take_is_for_models():
    """Of cards and of the host; what other programs take is not."""
    idle = workstation(card(memory_bytes=24 * GIB, free_bytes=24 * GIB - 300 * MIB), memory_gib=64)
    model = {"name": "x", "size_bytes": 14 * GIB, "size_vram_bytes": 10 * GIB}
    busy = {
        **idle,
        "gpus": [{**idle["gpus"][0], "free_bytes": 14 * GIB - 700 * MIB}],
        "memory": {**idle["memory"], "available_bytes": idle["memory"]["available_bytes"] - 4 * GIB},
    }
    assert available(kept(busy, {**NOTHING, "loaded": [model]})) == available(kept(idle))
    (_host, (gpu,)), host = available(kept(busy)), available(kept(idle))[0]
    assert gpu == 13 * GIB + GIB // 4
    others = {**idle, "memory": {**idle["memory"], "available_bytes": 20 * GIB}}
    assert available(kept(others))[0] == 64 * GIB - 44 * GIB - 8 * GIB < host == 64 * GIB - 16 * GIB


def test_each_model_is_reckoned_with_the_slots_that_the_plan_gives_it_first():
    """An operator's numbers count as they are."""
    environment = kept(xeon())["servers"][0]["environment"]
    assert (environment["OLLAMA_NUM_PARALLEL"], environment["OLLAMA_CONTEXT_LENGTH"]) == ("2", "8192")
    environment = kept(xeon(), objective="latency")["servers"][0]["environment"]
    assert (environment["OLLAMA_NUM_PARALLEL"], environment["OLLAMA_MAX_LOADED_MODELS"]) == ("1", "1")
    made = plan(xeon(), num_parallel=5, context_length=4096, max_loaded_models=3)
    environment = kept(xeon(), made=made)["servers"][0]["environment"]
    assert environment["OLLAMA_NUM_PARALLEL"] == "5"
    assert environment["OLLAMA_CONTEXT_LENGTH"] == "4096"
    assert environment["OLLAMA_MAX_LOADED_MODELS"] == "3"
    assert kept(xeon())["servers"][0]["environment"]["OLLAMA_MAX_LOADED_MODELS"] == "14"
    old = kept(xeon(), made=plan(xeon(), "0.24.0"))["servers"][0]["environment"]
    assert old["OLLAMA_MAX_LOADED_MODELS"] == "1"


def test_a_host_that_is_not_known_gets_no_model():
    """With the reason."""
    lost = {**xeon(), "memory": None}
    record = kept(lost, made=plan(xeon()))
    assert (record["servers"], record["problems"]) == (
        [],
        ["the host's memory could not be read, so no model is placed here"],
    )
    record = kept(xeon(), made={**plan(xeon()), "release": None})
    assert record["problems"] == ["no release of Ollama is known, so no model is placed here"]


def test_models_of_the_fleet_and_those_that_stay_are_kept():
    """In memory or in the store; of others nothing."""
    read = {
        "models": [record_of(name, "1b") for name in ("llama3.2:3b", "own:1b", "other:1b")],
        "loaded": [{"name": "llama3.2:3b"}, {"name": "other:1b"}],
        "problems": ["x"],
    }
    own = [{"name": "own:1b", "keep": True}, "other:1b", {"name": "gone:1b", "keep": True}]
    record = kept(xeon(), read, models=own, domains={"rack": "a\\nb", "hall": None, "row": 7})
    assert record["loaded"] == record["stored"] == ["llama3.2:3b"]
    assert [each["name"] for each in record["models"]] == ["llama3.2:3b"]
    assert [each["name"] for each in record["kept"]] == ["own:1b"]
    assert record["domains"]["hall"] is None
    assert record["domains"]["row"] == "7"
    assert record["problems"] == ["x", "gone:1b is to stay in memory, and is not reckoned with until the store has it"]


def test_partitions_of_a_card_are_for_models_as_a_whole():
    """On which of them a model lies is not known."""
    parts = [
        {
            "uuid": "MIG-11111111-1111-4111-8111-111111111111",
            "name": "3g.40gb",
            "memory_bytes": 40 * GIB,
            "free_bytes": 2 * GIB,
        }
    ]
    facts = workstation(card(memory_bytes=80 * GIB, mig={"enabled": True, "instances": parts}), memory_gib=64)
    (server,) = kept(facts)["servers"]
    assert server["topology"]["gpus"][0]["mig"]["instances"][0]["free_bytes"] == 40 * GIB
    assert "MIG-11111111-1111-4111-8111-111111111111" not in json.dumps(server)


def test_wrong_models_are_refused():
    """With what is right."""
    with pytest.raises(OllamaError, match="ollama_fleet_models: allowed is a list of models"):
        fleet_host(NOTHING, xeon(), plan(xeon()), {"fleet_models": 7})
