# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's models and their placement as operators write them (_fleet/wanted.py, _fleet/role.py)."""

from __future__ import annotations

import re

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.role import (
    coming_in_numbers,
    fleet_errors,
    models_of,
    of_fleet,
    with_placed,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import parse_fleet, parse_placement

NEEDS = {"size_bytes": 4 << 30, "layers": 32, "kv_heads": 8, "key_length": 128, "value_length": 128}
FLEET = [
    "llama3.2:3b",
    {"name": "qwen3:8b", "copies": 2, "spread": "rack", "keep": True, "devices": "gpu", "needs": NEEDS},
]


def test_an_entry_is_one_of_ollama_models_and_more():
    """What the role does not know is in no entry that it gets; numbers may come as texts of a template."""
    small, large = parse_fleet([FLEET[0], {**FLEET[1], "copies": "2"}])
    assert (small.name, small.copies, small.spread, small.devices) == (
        "llama3.2:3b",
        1,
        "ollama_failure_domain",
        "any",
    )
    assert (large.copies, large.spread, large.devices) == (2, "rack", "gpu")
    assert large.entry == {"name": "qwen3:8b", "keep": True}
    assert (large.needs.size_bytes, large.needs.layers) == (4 << 30, 32)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("llama3.2:3b", "a list of models"),
        ([7], "a name or a mapping for each model; entry 0 is a number"),
        ([{"name": "a", "copies": 0}], "a whole number from 1 to 10000 as copies; in entry 0 (a) it is 0"),
        ([{"name": "a", "copies": True}], "in entry 0 (a) it is a truth value"),
        ([{"name": "a", "spread": "a b"}], "the name of a variable such as ollama_failure_domain as spread"),
        ([{"name": "a", "devices": "tpu"}], "one of any, gpu, cpu as devices"),
        ([{"name": "a", "needs": 4}], "a mapping with size_bytes"),
        ([{"name": "a", "needs": {"size_bytes": 4 << 30}}], "lacks layers, kv_heads as needs"),
        ([{"name": "a", "needs": {**NEEDS, "name": "b"}}], "a mapping with size_bytes"),
        ([{"name": "a", "state": "absent"}], "models that are to be there; entry 0 (a:latest) is absent"),
        (["a", "a:latest"], "each model once; entry 1 repeats the name a:latest of entry 0"),
        ([{"name": "a", "copied": 2}], "entry 0 (a) has 'copied'"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_right(value, said):
    """The key, the entry and its value."""
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_fleet(value)


def test_all_that_is_wrong_is_refused_at_once():
    """Of keys that only the fleet has, and of those of ollama_models."""
    with pytest.raises(ValueError, match="copies") as caught:
        parse_fleet([{"name": "a", "copies": 0, "digest": "x"}, {"name": "b", "spread": ""}])
    assert all(word in str(caught.value) for word in ("copies", "digest", "spread", "entry 1 (b)"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["a"], "a mapping of models' names to lists of inventory names"),
        ({"a": "node-1"}, "a list of inventory names for each model; that of 'a' is a text"),
        ({"a b": []}, "models' names such as llama3.2:3b"),
        ({7: []}, "models' names such as llama3.2:3b"),
        ({"a": ["x y"]}, "inventory names; 'a' has 'x y'"),
        ({"a": [None]}, "inventory names; 'a' has 'None'"),
        ({"a": ["x", "x"]}, "each host once; 'a' has x more than once"),
        ({"a": ["x"], "a:latest": ["y"]}, "each model once; 'a:latest' is there twice"),
    ],
)
def test_a_wrong_placement_is_refused_too(value, said):
    """With the model."""
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_placement(value)


def test_a_host_has_the_entries_that_are_placed_on_it():
    """In the order of the list, whatever way a name is written; None for a fleet without models."""
    placement = {"llama3.2:3B": ["b"], "library/qwen3:8b": ["a", "b"]}
    assert models_of("b", FLEET, placement) == [{"name": "llama3.2:3b"}, {"name": "qwen3:8b", "keep": True}]
    assert models_of("a", FLEET, placement) == [{"name": "qwen3:8b", "keep": True}]
    assert models_of("c", FLEET, placement) == models_of("a", FLEET, None) == []
    assert models_of("a", [], placement) is None
    for fleet, placed in ((7, {}), (FLEET, 7)):
        with pytest.raises(OllamaError, match=r"ollama_fleet_(models|placement): allowed is"):
            models_of("a", fleet, placed)


def test_every_list_of_a_host_gets_them():
    """That of the role and those of instances, since a gateway sends requests to every server."""
    instances = [{"name": "x", "models": ["own"]}, {"name": "y"}, "damaged"]
    options = {
        "models": ["first"],
        "instances": instances,
        "fleet_models": FLEET[:1],
        "fleet_placement": {FLEET[0]: ["a"]},
    }
    made = with_placed(options, "a")
    assert made["models"] == ["first", {"name": "llama3.2:3b"}]
    assert made["instances"] == [{"name": "x", "models": ["own", {"name": "llama3.2:3b"}]}, {"name": "y"}, "damaged"]
    assert with_placed(options, "b") == options
    assert with_placed({**options, "models": "damaged"}, "a")["models"] == "damaged"
    assert with_placed({**options, "fleet_models": 7}, "a")["models"] == ["first"]


def errors(placement, inventory=("a", "b"), fleet=FLEET, **options):
    """What is refused."""
    return list(fleet_errors({"fleet_models": fleet, "fleet_placement": placement, **options}, inventory))


def test_models_and_placement_go_together():
    """Each model is placed, if on no host, each name is one of the fleet, and each host is in the inventory."""
    right = {"llama3.2:3b": [], "qwen3:8b": ["a"]}
    assert errors(right) == errors({"x": ["y"]}, fleet=[]) == errors(right, None) == errors(7) == []
    (waiting,) = errors({"llama3.2:3b": ["a"]})
    assert waiting.startswith("ollama_fleet_models: qwen3:8b has no place yet; run the playbook inference.ollama.place")
    (unknown,) = errors({**right, "old:1b": ["a"]})
    assert unknown.startswith("ollama_fleet_placement: old:1b is not in ollama_fleet_models")
    (lost,) = errors({**right, "llama3.2:3b": ["c", "d"]})
    assert lost.startswith("ollama_fleet_placement: c, d are not in the inventory")
    (both,) = errors(right, models=["Qwen3:8b"])
    assert both.startswith("ollama_models: Qwen3:8b is in ollama_fleet_models too")
    assert len(errors({"old:1b": ["c"]})) == 2


def test_names_of_the_fleet_are_known_again():
    """However they are written."""
    assert of_fleet({"fleet_models": FLEET}, ["QWEN3:8b", "other:1b"]) == ["QWEN3:8b"]


def test_models_that_are_to_come_are_known_by_their_numbers():
    """Those of the host; none of a list that is refused."""
    options = {"fleet_models": FLEET, "models": [*FLEET[:1], {"name": "qwen3:8b"}]}
    (model,) = coming_in_numbers(options)
    assert (model.name, model.layers, model.optional) == ("qwen3:8b", 32, True)
    assert coming_in_numbers({**options, "models": []}) == coming_in_numbers({"fleet_models": 7}) == []
