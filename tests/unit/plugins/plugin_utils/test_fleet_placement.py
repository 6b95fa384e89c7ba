# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host of a fleet has which model (_fleet/placement.py, memory.py, reading.py, result.py)."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.result import fleet_placement
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import place
from ansible_collections.inference.ollama.tests.unit.support.placements import LAYERS, host, record_of

NAMES = [f"m{number}:{size}" for number, size in enumerate([*LAYERS, "1b", "8b", "3b"])]
SIZES = dict(zip(NAMES, [*LAYERS, "1b", "8b", "3b"]))
RECORDS = [record_of(name, size) for name, size in SIZES.items()]
SOME = ("server", "small", "two", "studio", "h100")
LIKE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fleet(kinds, wanted, *, domains=(), **more):
    """Hosts of these kinds in these racks, the first of which has the files of all models; ``more``: further ones."""
    records = {
        f"node-{number}": host(kind, wanted, domain=(domains or [None])[number % len(domains or [None])])
        for number, kind in enumerate(kinds)
    }
    first = next(iter(records))
    records[first] = {**records[first], "models": [each for each in RECORDS if each["name"] in names(wanted)]}
    return {**records, **more}


def names(wanted):
    return [entry if isinstance(entry, str) else entry["name"] for entry in wanted]


def placed(records, wanted, before=None, **options):
    """The hosts of each model."""
    return fleet_placement(records, wanted, before, options)["placement"]


@st.composite
def fleets(draw):
    """Hosts of some kinds in up to three racks, models of several sizes with copies, and some that are placed."""
    kinds = draw(st.lists(st.sampled_from(SOME), min_size=1, max_size=7))
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    wanted = [{"name": name, "copies": draw(st.integers(1, 3))} for name in chosen]
    racks = draw(st.sampled_from([(), ("a",), ("a", "b"), ("a", "b", "c")]))
    hosts = [f"node-{number}" for number in range(len(kinds))]
    before = draw(st.dictionaries(st.sampled_from(chosen), st.lists(st.sampled_from(hosts), max_size=3, unique=True)))
    return fleet(kinds, wanted, domains=racks), wanted, before


def in_memory(record, there):
    """The models of a host as its server would place them, the largest first."""
    found = sorted((each for each in RECORDS if each["name"] in there), key=lambda each: -each["size_bytes"])
    (server,) = record["servers"]
    return place(found, server["topology"], server["environment"], record["release"])["models"]


@LIKE
@given(fleets())
def test_nothing_is_placed_where_it_does_not_fit(case):
    """By the rule of the filter model_placement: all models of a host are in memory together, none in parts."""
    records, wanted, before = case
    made = placed(records, wanted, before)
    for name, record in records.items():
        there = [model for model, hosts in made.items() if name in hosts]
        whole = "gpu" if record["servers"][0]["topology"]["gpus"] else "cpu"
        assert all(each["resident"] and each["fits"] == whole for each in in_memory(record, there))


@LIKE
@given(fleets())
def test_copies_are_on_different_hosts_and_no_more_than_wanted(case):
    """Whatever was placed before."""
    records, wanted, before = case
    result = fleet_placement(records, wanted, before)
    for model, entry in zip(result["models"], wanted):
        hosts = [each["host"] for each in model["hosts"]]
        assert len(set(hosts)) == len(hosts) == entry["copies"] - model["missing"]
        assert (model["reason"] is None) == (model["missing"] == 0)


@LIKE
@given(fleets(), st.randoms())
def test_the_same_fleet_has_the_same_placement(case, random):
    """In whatever order hosts and models come, and once more with that placement."""
    records, wanted, before = case
    made = placed(records, wanted, before)
    shuffled, others = list(records.items()), list(wanted)
    random.shuffle(shuffled)
    random.shuffle(others)
    # The list of the fleet's models is one list on all hosts.
    again = placed({name: {**record, "fleet": "x"} for name, record in shuffled}, others, before)
    assert again == made
    assert placed(records, wanted, made) == made


@LIKE
@given(fleets(), st.data())
def test_a_lost_host_moves_its_own_models_alone(case, data):
    """All others stay where they are; those that had no place may get one."""
    records, wanted, before = case
    made = placed(records, wanted, before)
    lost = data.draw(st.sampled_from(sorted(records)))
    rest = {name: {**record, "models": RECORDS} for name, record in records.items() if name != lost}
    after = placed(rest, wanted, made)
    for model, hosts in made.items():
        assert set(hosts) - {lost} <= set(after[model])
        full = len(hosts) == next(entry["copies"] for entry in wanted if entry["name"] == model)
        assert lost in hosts or not full or after[model] == hosts


@LIKE
@given(fleets(), st.sampled_from(SOME))
def test_a_new_host_moves_nothing(case, kind):
    """It may get what had no place."""
    records, wanted, before = case
    made = placed(records, wanted, before)
    after = placed({**records, "new": host(kind, wanted)}, wanted, made)
    assert all(set(hosts) <= set(after[model]) for model, hosts in made.items())
    assert all(set(after[model]) - set(hosts) <= {"new"} for model, hosts in made.items())


@LIKE
@given(fleets())
def test_a_new_model_moves_none_of_the_others(case):
    """Where there is room for it or not."""
    records, wanted, before = case
    made = placed(records, wanted[:-1], before)
    after = placed(records, wanted, made)
    assert {model: after[model] for model in made} == made


def test_domains_differ_as_far_as_there_are_any():
    """Three copies in two racks are in both; a host without a rack is one of its own."""
    wanted = [{"name": NAMES[0], "copies": 3}]
    (hosts,) = placed(fleet(["studio"] * 6, wanted, domains=["a", "a", "b"]), wanted).values()
    assert {number % 3 == 2 for number in (int(name[-1]) for name in hosts)} == {True, False}
    (hosts,) = placed(fleet(["studio"] * 3, wanted), wanted).values()
    assert hosts == ["node-0", "node-1", "node-2"]
    for number in range(2, 5):
        (hosts,) = placed(fleet(["studio"] * 8, wanted, domains="abcdefgh"[:number]), wanted).values()
        assert len({int(name[-1]) % number for name in hosts}) == min(3, number)


def test_another_variable_may_name_the_domain():
    """As spread says."""
    wanted = [{"name": NAMES[0], "copies": 2, "spread": "hall"}]
    records = fleet(["studio"] * 4, wanted, domains="ab")
    records = {
        name: {**record, "domains": {**record["domains"], "hall": "east" if name != "node-3" else "west"}}
        for name, record in records.items()
    }
    result = fleet_placement(records, wanted)
    assert "node-3" in result["placement"][NAMES[0]]
    assert {entry["domain"] for entry in result["models"][0]["hosts"]} == {"east", "west"}


def test_what_is_in_memory_comes_first_then_cards_then_files():
    """Where nothing was placed before."""
    name = NAMES[0]
    hosts = {"cpu": host("server", [name], loaded=[name]), "gpu": host("studio", [name]), "h100": host("h100", [name])}
    hosts["gpu"] = {**hosts["gpu"], "models": [record_of(name, "1b")], "stored": [key_of(name)]}
    assert placed(hosts, [name]) == {name: ["cpu"]}
    assert placed({**hosts, "cpu": host("server", [name])}, [name]) == {name: ["gpu"]}
    wanted = [{"name": name, "devices": "cpu"}]
    hosts = {key: {**record, "fleet": "x"} for key, record in hosts.items()}
    assert placed(hosts, wanted) == {name: ["cpu"]}
    assert placed(hosts, wanted, {name: ["gpu"]}) == {name: ["cpu"]}


def test_hosts_that_were_not_read_keep_their_models():
    """Those of the fleet; one that is no longer in it does not, nor one that is to have none."""
    name = NAMES[1]
    records = fleet(["studio", "studio"], [name], down=None)
    assert placed(records, [name], {name: ["down"]}) == {name: ["down"]}
    assert placed(records, [name], {name: ["limited"]}, hosts=["limited"]) == {name: ["limited"]}
    for before, options in (("gone", {}), ("down", {"without": ["down"]}), ("node-1", {"without": ["node-1"]})):
        result = fleet_placement(records, [name], {name: [before]}, options)
        assert result["placement"][name] in (["node-0"], ["node-1"])
        assert [entry["host"] for entry in result["gone"]] == [before]
    assert result["placement"][name] == ["node-0"]
    assert result["gone"][0]["reason"] == "ollama_fleet_without names the host"


def test_fewer_copies_go_from_the_fullest_domain():
    """One that is not in memory."""
    name = NAMES[0]
    wanted = [{"name": name, "copies": 2}]
    records = fleet(["studio"] * 4, wanted, domains=["a", "a", "b", "b"])
    records["node-1"] = {**records["node-1"], "loaded": [key_of(name)]}
    result = fleet_placement(records, wanted, {name: ["node-0", "node-1", "node-2"]})
    assert result["placement"][name] == ["node-1", "node-2"]
    assert result["gone"] == [{"name": name, "host": "node-0", "reason": "copies is 2 now"}]


def test_a_model_without_an_entry_is_gone():
    """From all of its hosts."""
    result = fleet_placement(fleet(["studio"], [NAMES[0]]), [NAMES[0]], {"old:1b": ["node-0"]})
    assert result["gone"][0]["reason"] == "the model is no longer in ollama_fleet_models"


def test_models_that_a_host_keeps_by_its_own_variables_have_their_room():
    """What stays in memory by ollama_models is counted first; other models of that list are not."""
    name, own = NAMES[2], record_of("own:14b", "14b")
    alone = host("desk", [name], record_of(name, "8b"), own, models=["own:14b"])
    beside = host("desk", [name], record_of(name, "8b"), own, models=[{"name": "own:14b", "keep": True}])
    assert placed({"x": alone}, [name]) == {name: ["x"]}
    assert placed({"x": beside}, [name]) == {name: []}
    assert fleet_placement({"x": beside}, [name])["hosts"][0]["filled_percent"] > 50


def test_a_placement_may_be_made_from_scratch():
    """Then nothing stays for having been there; without it a large model has no place beside small ones."""
    small, large = NAMES[2], NAMES[3]
    wanted = [{"name": small, "copies": 1}, {"name": large, "copies": 1}]
    records = fleet(["desk", "middle"], wanted)
    records = {
        name: {**record, "models": [record_of(small, "8b"), record_of(large, "14b")]}
        for name, record in records.items()
    }
    before = {small: ["node-0"]}
    stuck = fleet_placement(records, wanted, before)
    assert stuck["placement"] == {small: ["node-0"], large: []}
    assert stuck["models"][1]["reason"] == "node-0, which could hold it, has other models in its place"
    assert "ollama_fleet_rebalance" in stuck["models"][1]["needed"]
    assert placed(records, wanted, before, rebalance=True) == {small: ["node-1"], large: ["node-0"]}


@pytest.mark.parametrize(
    ("kinds", "wanted", "why", "needed"),
    [
        (["small"], {"name": NAMES[6]}, "it fits no host, not even one without other models", "a host with"),
        (
            ["studio"],
            {"name": NAMES[0], "copies": 2},
            "1 of 2 placed: node-0, the only host that can hold it",
            "another",
        ),
        (["studio"], {"name": NAMES[0], "devices": "cpu"}, "no host has no GPU, and devices is cpu", None),
        (["server"], {"name": NAMES[0], "devices": "gpu"}, "no host has GPUs, and devices is gpu", None),
        (["studio"], {"name": "new:1b"}, "what it takes is not known", "pull it on one host, or give its numbers"),
    ],
)
def test_what_has_no_place_is_reported_with_what_it_needs(kinds, wanted, why, needed):
    """In sentences."""
    (row,) = fleet_placement(fleet(kinds, [wanted]), [wanted])["models"]
    assert row["missing"] == 1
    assert row["reason"].startswith(why)
    assert row["needed"] is None if needed is None else row["needed"].startswith(needed)


def test_a_server_holds_as_many_models_as_its_operator_says():
    """However much room there is."""
    wanted = NAMES[:2]
    record = fleet(["h100"], wanted)["node-0"]
    environment = {**record["servers"][0]["environment"], "OLLAMA_MAX_LOADED_MODELS": "1"}
    bound = {**record, "kind": "x", "servers": [{**record["servers"][0], "environment": environment}]}
    result = fleet_placement({"node-0": bound}, wanted)
    assert result["placement"] == {NAMES[0]: [], NAMES[1]: ["node-0"]}
    assert result["models"][0]["reason"] == (
        "node-0, which could hold it, has as many models as its servers hold at once"
    )


def test_without_a_host_nothing_is_known():
    """What was placed stays; what was not has no place."""
    result = fleet_placement({"down": None}, NAMES[:2], {NAMES[0]: ["down"]})
    assert result["placement"] == {NAMES[0]: ["down"], NAMES[1]: []}
    assert result["unplaced"] == [f"{NAMES[1]}: no host could be read"]


def test_a_model_of_which_nothing_is_known_stays():
    """On the host that it is placed on."""
    records = fleet(["studio"], ["new:1b"])
    assert placed(records, ["new:1b"], {"new:1b": ["node-0"]}) == {"new:1b": ["node-0"]}


def test_what_a_model_takes_is_known_from_bases_files_and_numbers():
    """Where no store has it yet."""
    numbers = {"size_bytes": 4 << 30, "layers": 32, "kv_heads": 8, "key_length": 128, "value_length": 128}
    wanted = [
        {"name": "made", "base": NAMES[0]},
        {"name": "mirrored", "source": NAMES[0]},
        {"name": "ours", "file": "ours.gguf"},
        {"name": "listed", "needs": numbers},
    ]
    files = [{**record_of("ours.gguf", "3b"), "source": "file", "files": [{"path": "/srv/ours.gguf"}]}]
    record = host("h100", wanted, record_of(NAMES[0], "1b"))
    made = placed({"x": record}, wanted, None, files=files)
    assert made == {f"{name}:latest": ["x"] for name in ("made", "mirrored", "ours", "listed")}


def test_a_host_of_several_servers_holds_a_model_on_each():
    """Since each may be asked for it."""
    record = host("studio", [NAMES[3]], record_of(NAMES[3], "14b"))
    assert placed({"x": record}, [NAMES[3]]) == {NAMES[3]: ["x"]}
    small = host("small", [NAMES[3]])["servers"]
    assert placed({"x": {**record, "kind": "x", "servers": record["servers"] + small}}, [NAMES[3]]) == {NAMES[3]: []}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (({}, 7), "ollama_fleet_models: allowed is a list of models"),
        (({}, [], 7), "ollama_fleet_placement: allowed is a mapping"),
        (({}, [], {}, {"without": "a"}), "ollama_fleet_without: allowed is a list of inventory names"),
        (({}, [], {}, {"text": "a: 1"}), "ollama_fleet_placement_path: the file has more than ollama_fleet_placement"),
        (({}, [], {}, {"text": "a: ["}), "the file is not YAML that can be read in line 1; name a file of its own"),
        (({"a": {"schema": 7}}, []), "records: that of a is not what fleet_host returns"),
        (({"a": "{"}, []), "records: that of a is not what fleet_host returns"),
    ],
)
def test_what_is_wrong_is_refused(arguments, said):
    """With what is right."""
    with pytest.raises(OllamaError, match=re.escape(said)):
        fleet_placement(*arguments)


def test_the_models_are_one_list_for_all_hosts():
    """The host that has another one is named."""
    records = {"a": host("studio", NAMES[:1]), "b": host("studio", NAMES[:1]), "c": host("studio", NAMES[:2])}
    with pytest.raises(OllamaError, match="it is another list on c than on the others"):
        fleet_placement(records, NAMES[:1])


def test_records_may_be_text():
    """As a playbook hands over a thousand of them."""
    records = fleet(["studio"], NAMES[:1])
    texts = {name: json.dumps(record) for name, record in records.items()}
    assert fleet_placement(texts, NAMES[:1]) == fleet_placement(records, NAMES[:1])


def test_the_file_counts_before_the_variable():
    """It is written so that it reads as what it was written from, and the same again."""
    records, name = fleet(["studio", "studio"], NAMES[:1]), NAMES[0]
    first = fleet_placement(records, NAMES[:1], {name: ["node-0"]})
    again = fleet_placement(records, NAMES[:1], {name: ["node-1"]}, {"text": first["text"]})
    assert (
        (again["placement"], again["text"])
        == (first["placement"], first["text"])
        == ({name: ["node-0"]}, first["text"])
    )
    assert first["text"].endswith(f'ollama_fleet_placement:\n  "{name}": ["node-0"]\n')
    assert fleet_placement(records, [])["text"].endswith("ollama_fleet_placement: {}\n")


def test_why_a_host_was_not_read_is_a_problem():
    """In its own words, on one line."""
    result = fleet_placement({"a": ""}, [], {}, {"reasons": {"a": "no\nroute", "b": ""}})
    assert result["problems"] == ["a: no route"]
