# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does with the models of a host (_served/*.py), by way of _desired.py."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._change import change_report
from ansible_collections.inference.ollama.plugins.plugin_utils._desired import Run, desired_state
from ansible_collections.inference.ollama.plugins.plugin_utils._served.memory import model_loads
from ansible_collections.inference.ollama.plugins.plugin_utils._served.report import models_clauses, models_report
from ansible_collections.inference.ollama.plugins.plugin_utils._summary import run_summary
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import DEFAULTS, after, found
from ansible_collections.inference.ollama.tests.unit.support.models import LLAMA, STORE, read
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

GIB = 1 << 30
SHA = "b" * 64
UNIT = "ollama.service"
NOTHING = {"template": None, "system": None, "parameters": {}}


def model(name, blob="aa", digest="46e0c10c039e" + "0" * 52, **modelfile):
    """The record of a model in the store, with the digests of its weights and of its manifest."""
    files = [{"role": "model", "path": f"{STORE}/blobs/sha256-{blob}", "size_bytes": 9}]
    return {**LLAMA, "name": name, "files": files, "digest": digest, "modelfile": {**NOTHING, **modelfile}}


def state(models, *there, host=None, known=None, release="0.34.1", store=None, **options):
    """What a run is to do where the store has some models; ``known`` is what else was read."""
    variables = {**DEFAULTS, "api_key": False, "models": models, "version": release, **options}
    run = Run("gpu1", known=known)
    return desired_state(xeon(), variables, host or found(), run, read(*there, **(store or {})))


def steps(models, *there, **options):
    """The steps as name, state and the other options of the module that they have."""
    made = state(models, *there, **options)
    assert made["refusals"] == []
    found_steps = [*made["served"]["early"], *made["served"]["steps"]]
    return [(step["name"], step["state"]) for step in found_steps]


def test_without_the_variable_nothing_is_done_with_models():
    """And none of the store is reported."""
    made = state([], model("a:1b"))
    assert (made["served"], made["verify_with"]) == (None, {})


def test_what_is_there_needs_no_step():
    """A host with all its models is as planned, and the next run has nothing to do."""
    first = state(["a:1b"], model("a:1b"))
    second = state(["a:1b"], model("a:1b"), host=after(first))
    assert (second["pending"], second["changes"], second["served"]["steps"]) == (False, [], [])


def test_a_model_that_is_missing_is_work_and_changes_no_file():
    """Only the model is brought: the host is pending without a change of files, whatever the list says."""
    first = state(["a:1b"], model("a:1b"))
    second = state(["a:1b", "b"], model("a:1b"), host=after(first))
    assert (second["pending"], second["changes"], second["restart"]) == (True, [], [])
    (step,) = second["served"]["steps"]
    assert (step["name"], step["state"], step["url"], step["askable"]) == (
        "b:latest",
        "present",
        "http://127.0.0.1:11434",
        True,
    )
    assert step["would"] == "b:latest would be pulled: it is not there"


def test_a_dry_run_asks_no_server_that_is_restarted():
    """It would answer as the old one, or not at all."""
    assert state(["b"])["served"]["steps"][0]["askable"] is False


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"digest": "46e0c10c039e"}, []),
        ({"digest": "sha256:77e0c10c039e"}, [("a:1b", "present")]),
        ({"update": True}, [("a:1b", "present")]),
        ({"source": "mirror.example.org/library/a:1b"}, []),
        ({"state": "absent"}, [("a:1b", "absent")]),
        ({"base": "b"}, [("b:latest", "present"), ("a:1b", "created")]),
        ({"url": "https://x.example.org/a.gguf", "sha256": "c" * 64}, [("a:1b", "created")]),
        ({"url": "https://x.example.org/a.gguf", "sha256": SHA}, []),
    ],
)
def test_an_entry_is_compared_with_the_store(entry, wanted):
    """By digest, by weights, and by what its base is."""
    assert steps([{"name": "a:1b", **entry}], model("a:1b", SHA)) == wanted


@pytest.mark.parametrize(
    ("entry", "there", "right"),
    [
        ({"parameters": {"num_ctx": 8192}}, {"parameters": {"num_ctx": 8192, "stop": ["x"]}}, True),
        ({"parameters": {"num_ctx": 8192.0, "stop": "x"}}, {"parameters": {"num_ctx": 8192, "stop": ["x"]}}, True),
        ({"parameters": {"num_ctx": 4096}}, {"parameters": {"num_ctx": 8192, "stop": ["x"]}}, False),
        ({"parameters": {"num_ctx": 8192}}, {"parameters": {"num_ctx": 8192, "stop": ["x"], "top_k": 3}}, False),
        ({"system": "Be brief."}, {"parameters": {"stop": ["x"]}}, False),
        (
            {"system": "Be brief."},
            {"system": hashlib.sha256(b"Be brief.").hexdigest(), "parameters": {"stop": ["x"]}},
            True,
        ),
        ({}, {"parameters": {"stop": ["x"]}, "template": "t"}, False),
        ({}, {"parameters": None}, False),
    ],
)
def test_a_derived_model_is_compared_by_what_it_inherits(entry, there, right):
    """Parameters of the base count, and what somebody has added by hand is no longer the operator's."""
    base = model("b:latest", parameters={"stop": ["x"]})
    made = steps([{"name": "a:1b", "base": "b", **entry}], base, model("a:1b", **there))
    assert made == ([] if right else [("a:1b", "created")])


def test_steps_have_their_order():
    """Files, removals, pulls, then what is derived, bases first."""
    wanted = [
        {"name": "d", "base": "c"},
        {"name": "c", "base": "a"},
        "a",
        {"name": "gone", "state": "absent"},
        {"name": "f", "file": "f.gguf"},
    ]
    made = steps(wanted, model("gone:latest"), known={"files": {"f.gguf": {"path": "/p/f.gguf", "size_bytes": 5}}})
    assert [name.partition(":")[0] for name, _state in made] == ["f", "gone", "a", "c", "d"]


def test_a_file_of_the_controller_is_known_by_its_sum():
    """That the operator gives, or that was computed; one that is no GGUF file is refused with entry and key."""
    wanted = [{"name": "f", "file": "f.gguf"}]
    same = {"files": {"f.gguf": {"path": "/p/f.gguf", "size_bytes": 5, "sha256": SHA}}}
    assert steps(wanted, model("f:latest", SHA), known=same) == []
    other = {"files": {"f.gguf": {"path": "/p/f.gguf", "size_bytes": 7, "sha256": None}}}
    made = state(wanted, model("f:latest", SHA), known=other)
    assert made["served"]["steps"][0]["file"] == "/p/f.gguf"
    bad = {"files": {"f.gguf": {"path": "/p/f.gguf", "problem": "/p/f.gguf: cannot be read (No such file)"}}}
    (refusal,) = state(wanted, known=bad)["refusals"]
    assert refusal.startswith(
        "ollama_models: entry 0 (f:latest), file: /p/f.gguf: cannot be read (No such file); allow"
    )
    wrong = [{"name": "f", "file": "f.gguf", "sha256": "c" * 64}]
    assert "name the right file, or its sum" in state(wrong, known=same)["refusals"][0]


def test_a_file_that_the_server_has_written_again_is_known_by_its_name():
    """The module model leaves its sum there, since no layer has it."""
    wanted = [{"name": "f", "url": "https://x.example.org/f.gguf", "sha256": SHA}]
    assert steps(wanted, model("f:latest", "cc", **{"from": f"sha256-{SHA}:abc"})) == []
    assert steps(wanted, model("f:latest", "cc", **{"from": f"sha256-{'d' * 64}:abc"})) == [("f:latest", "created")]


def test_what_the_store_has_beyond_the_list_is_reported():
    """Bases, and models that other variables name, are not; a removal is asked for in words."""
    there = [model(name) for name in ("a:1b", "b:1b", "proof:1b", "old:1b", "measure:1b")]
    wanted = [{"name": "c", "base": "b:1b"}, "a:1b"]
    others = {"verify_model": "proof:1b", "benchmark_model": "measure:1b"}
    made = state(wanted, *there, **others)
    assert made["served"]["extra"] == {STORE: ["old:1b"]}
    assert f"the store {STORE} has old:1b beyond ollama_models" in made["notices"]
    removed = state(wanted, *there, models_extra="remove", **others)
    assert [(step["name"], step["state"]) for step in removed["served"]["steps"]] == [
        ("old:1b", "absent"),
        ("c:latest", "created"),
    ]
    assert not any("beyond" in notice for notice in removed["notices"])


def test_room_is_checked_for_all_together():
    """By the sizes that are known; each fits alone."""
    wanted = [{"name": name, "size_bytes": 6 * GIB} for name in ("a", "b")]
    (refusal,) = state(wanted, store={"free_bytes": 10 * GIB})["refusals"]
    assert refusal.startswith("ollama_models: a:latest, b:latest are to come: the file system of")
    assert state(wanted[:1], store={"free_bytes": 10 * GIB})["refusals"] == []


def test_a_store_that_cannot_be_read_is_refused():
    """What it has would be pulled again, or removed for nothing."""
    assert "cannot be read, so what it has is not known" in state(["a"], store={"readable": False})["refusals"][0]


def test_models_that_stay_are_loaded_where_they_are_not_for_ever():
    """By what is in memory; nothing is known of a server that does not answer."""
    wanted = [{"name": "a:1b", "keep": True}, {"name": "b:1b", "warm_up": True}]
    there = (model("a:1b"), model("b:1b"))

    def loads(*memory):
        known = {"service": {"service": {"instances": [{"unit": UNIT, "api": {"models": list(memory)}}]}}}
        return [load["name"] for load in state(wanted, *there, known=known)["served"]["loads"]]

    assert loads() == ["a:1b"]
    assert loads({"name": "a:1b", "expires_at": "2026-11-27T17:00:00Z"}) == ["a:1b"]
    assert loads({"name": "a:1b", "expires_at": "2318-03-04T10:00:00.123456789+01:00"}) == []
    made = state(wanted, *there, known={"service": {"service": {"instances": [{"unit": UNIT, "api": None}]}}})["served"]
    assert made["loads"] == []
    (memory,) = made["memory"]
    assert (memory["keep"], memory["warm_up"]) == (["a:1b"], ["b:1b"])


def test_more_models_than_a_server_holds_cannot_stay():
    """Refused by number, reported by memory."""
    wanted = [{"name": name, "keep": True} for name in ("a", "b", "c")]
    (refusal,) = state(wanted, max_loaded_models=2)["refusals"]
    assert "keep of a:latest, b:latest, c:latest: ollama holds 2 models in memory at most" in refusal
    large = [{**model(f"{name}:latest"), "size_bytes": 120 * GIB} for name in ("a", "b", "c")]
    (notice,) = [text for text in state(wanted, *large, max_loaded_models=3)["notices"] if "to stay in" in text]
    assert "not fit beside the others" in notice


def test_servers_that_share_a_store_share_what_is_pulled():
    """Once, and what they want of one name must be the same."""
    two = [{"name": "a", "models": ["x", "y"]}, {"name": "b", "models": ["y"]}]
    made = state([], instances=two, host=found(files=[]))
    assert [(step["name"], step["unit"]) for step in made["served"]["steps"]] == [
        ("x:latest", "ollama@a.service"),
        ("y:latest", "ollama@a.service"),
    ]
    two[1]["models"] = [{"name": "y", "digest": "46e0c10c039e"}]
    (refusal,) = state([], instances=two)["refusals"]
    assert "b and a share the store" in refusal
    assert "want another digest of y:latest" in refusal


def test_servers_with_stores_of_their_own_pull_for_themselves():
    """Each by its own address."""
    two = [{"name": name, "environment": {"OLLAMA_MODELS": f"/srv/{name}"}} for name in ("a", "b")]
    stores = [
        {"path": path, "size_bytes": 0, "free_bytes": 1 << 40, "models": 0, "readable": True}
        for path in ("/srv/a", "/srv/b")
    ]
    there = {**model("x:latest"), "store": "/srv/b"}
    made = state(["x"], there, instances=two, store={"stores": stores})
    assert [step["unit"] for step in made["served"]["steps"]] == ["ollama@a.service"]


def test_a_model_that_proves_the_change_comes_before_it():
    """With its base; and neither the gate nor the reference models refuse what comes."""
    wanted = ["a", {"name": "proof", "base": "b"}, "b", "measure"]
    made = state(wanted, verify_model="proof", benchmark_model="measure", gate=True, reference_models=["a"])
    assert made["refusals"] == []
    assert [step["name"] for step in made["served"]["early"]] == ["b:latest", "measure:latest", "proof:latest"]
    assert [step["name"] for step in made["served"]["steps"]] == ["a:latest"]
    assert "models-to-come" in [warning["code"] for warning in made["plan"]["warnings"]]


# Threads on releases before 0.30.


def test_old_releases_get_a_model_with_the_threads_of_the_plan():
    """One for each model, which proves the change, and is right when the plan's number is in it."""
    made = state(["a:1b", {"name": "b", "keep": True}], model("a:1b"), release="0.24.0", derive_threads=True)
    threads = next(each["value"] for each in made["plan"]["decisions"] if each["setting"] == "compute_threads")
    calls = {step["name"]: step for step in [*made["served"]["early"], *made["served"]["steps"]]}
    assert calls["a:1b-threads"]["parameters"] == {"num_thread": threads}
    assert [step["name"] for step in made["served"]["early"]] == ["a:1b-threads"]
    assert made["verify_with"] == {UNIT: "a:1b-threads"}
    assert made["served"]["memory"][0]["keep"] == ["b:latest-threads"]
    few = state(["a:1b"], release="0.24.0", derive_threads=True, num_threads=4)
    codes = [warning["code"] for warning in few["plan"]["warnings"]]
    assert "threads-by-model" in codes
    assert "threads-not-settable" not in codes
    there = [model("a:1b"), model("a:1b-threads", parameters={"num_thread": threads})]
    assert steps(["a:1b"], *there, release="0.24.0", derive_threads=True) == []
    other = [model("a:1b"), model("a:1b-threads", parameters={"num_thread": threads + 1})]
    assert steps(["a:1b"], *other, release="0.24.0", derive_threads=True) == [("a:1b-threads", "created")]


def test_later_releases_need_none_and_report_what_is_left():
    """The environment carries the number there."""
    made = state(["a:1b"], model("a:1b"), model("a:1b-threads"), derive_threads=True)
    assert made["served"]["extra"] == {STORE: ["a:1b-threads"]}
    assert made["verify_with"] == {}


def test_a_model_with_threads_of_its_own_is_left_alone():
    """What the operator says wins, and servers with other numbers have other names."""
    own = [{"name": "a", "base": "b", "parameters": {"num_thread": 3}}]
    assert ("a:latest-threads", "created") not in steps(own, release="0.24.0", derive_threads=True)
    two = [{"name": "x", "num_threads": 3}, {"name": "y", "num_threads": 5}]
    made = steps(["a"], model("a:latest"), instances=two, release="0.24.0", derive_threads=True)
    assert made == [("a:latest-threads-x", "created"), ("a:latest-threads-y", "created")]


def test_a_host_says_how_its_threads_can_be_set():
    """The plan of an old release points to the variable."""
    made = state([], release="0.24.0", num_threads=4)
    (warning,) = [each for each in made["plan"]["warnings"] if each["code"] == "threads-not-settable"]
    assert "set ollama_derive_threads" in warning["remedy"]


# What is loaded at the end, and what is reported.

NOW = "2026-03-01T00:30:00Z"
UNITS = [{"unit": UNIT, "url": "http://127.0.0.1:11434"}]


def before(*memory):
    """What service_info read of the server before its restart."""
    return {"service": {"instances": [{"unit": UNIT, "api": {"models": list(memory)}}]}}


@pytest.mark.parametrize(
    ("expires", "stays"),
    [
        ("2026-03-01T00:35:00Z", "300s"),
        ("2026-02-28T23:29:00.123456789-01:05", "240s"),
        ("2026-03-01T00:29:59Z", None),
        ("2028-02-29T00:30:00Z", "63072000s"),
        ("2318-01-01T00:00:00Z", "-1"),
        ("soon", None),
        (None, None),
    ],
)
def test_what_was_in_memory_comes_back_for_the_rest_of_its_time(expires, stays):
    """With its context; what would have gone by now does not."""
    memory = before({"name": "x:1b", "expires_at": expires, "context_length": 8192})
    loads = model_loads(None, [UNIT], UNITS, memory, NOW)
    assert [(load["name"], load["keep_alive"], load["context_length"]) for load in loads] == (
        [] if stays is None else [("x:1b", stays, 8192)]
    )
    assert model_loads(None, [], UNITS, memory, NOW) == []


def test_what_is_to_stay_comes_back_after_every_restart():
    """And what is to be warm, as long as the server says; nothing twice."""
    wanted = [{"name": "a:1b", "keep": True}, {"name": "b:1b", "warm_up": True}]
    served = state(wanted, model("a:1b"), model("b:1b"), keep_alive="30m")["served"]
    memory = before({"name": "a:1b", "expires_at": "2026-03-01T00:31:00Z"})
    loads = model_loads(served, [UNIT], UNITS, memory, NOW)
    assert [(load["name"], load["keep_alive"]) for load in loads] == [("a:1b", "-1"), ("b:1b", "30m")]
    assert model_loads(served, [UNIT], UNITS) == loads


def test_the_summary_says_what_became_of_models():
    """Names by what was done with them, and how long the first caller would have waited."""
    brought = [
        {"changed": True, "item": {"name": "a:1b", "state": "present"}},
        {"changed": False, "item": {"name": "b:1b", "state": "created"}},
        {"changed": True, "item": {"name": "old:1b", "state": "absent"}},
    ]
    loaded = [
        {"changed": True, "item": {"name": "a:1b", "unit": UNIT}, "time_to_first_token_ms": {"a:1b": 4120.0}},
        {"changed": True, "item": {"name": "b:1b", "unit": UNIT}},
    ]
    change = models_report(change_report({}), brought, loaded)
    assert change["outcome"] == "changed"
    assert change["models"]["loaded"][0] == {"unit": UNIT, "model": "a:1b", "time_to_first_token_ms": 4120.0}
    assert list(models_clauses(change["models"])) == [
        "pulled: a:1b",
        "removed: old:1b",
        "loaded: a:1b (first token after 4.1 s), b:1b",
    ]
    assert models_report(change_report({}), brought, check_mode=True)["outcome"] == "unchanged"
    assert list(models_clauses(None)) == []


def test_a_host_of_which_models_alone_change_has_a_line():
    """Before and after the run."""
    made = state(["b", {"name": "c", "base": "b"}, {"name": "a:1b", "keep": True}], model("a:1b"))
    made["changes"], made["restart"], made["start"] = [], [], []
    made["served"]["loads"] = [{"name": "a:1b"}]
    host = {"__ollama": made, "ollama_changes": change_report({})}
    assert "gpu1: pull b:latest, create c:latest, load a:1b; " in " ".join(run_summary({"gpu1": host}))
    brought = [{"changed": True, "item": {"name": "b:latest", "state": "present"}}]
    host["ollama_changes"] = models_report(change_report({}), brought)
    assert "gpu1: pulled: b:latest; " in " ".join(run_summary({"gpu1": host}))
    host["ollama_changes"] = change_report({"changes": [{"path": "/x", "change": "created"}]})
    assert "would pull b:latest" in " ".join(run_summary({"gpu1": host}, check_mode=True))


def test_a_model_of_the_fleet_that_has_moved_away_is_extra():
    """It alone, where nothing is wanted of the host any more; what nobody named is left alone."""
    there = [model(name) for name in ("moved:1b", "other:1b")]
    fleet = {"fleet_models": ["moved:1b"], "fleet_placement": {"moved:1b": ["gpu2"]}}
    made = state([], *there, **fleet)
    assert made["served"]["extra"] == {STORE: ["moved:1b"]}
    assert f"the store {STORE} has moved:1b beyond ollama_models and its part of ollama_fleet_models" in made["notices"]
    assert steps([], *there, models_extra="remove", **fleet) == [("moved:1b", "absent")]
    assert steps(["other:1b"], *there, models_extra="remove", **fleet) == [("moved:1b", "absent")]
