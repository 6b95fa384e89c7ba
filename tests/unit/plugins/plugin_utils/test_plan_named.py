# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names, files and auto stand for (_plan/named.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.named import (
    name_models,
    wanted_files,
    wants_store,
    without_models,
)
from ansible_collections.inference.ollama.tests.unit.support.cases import LLAMA_8B
from ansible_collections.inference.ollama.tests.unit.support.models import FILE, GEMMA, LLAMA, PATH, STORE, read
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon


def names(value, found, **options):
    """The names of the models that a value stands for, errors and codes of warnings."""
    made = name_models({"reference_models": value, **options}, found)
    return (
        [entry if isinstance(entry, dict) else entry.name for entry in made.options["reference_models"]],
        made.errors,
        [warning["code"] for warning in made.warnings],
    )


def test_auto_is_what_the_store_has():
    """In the order of the names, whatever the order of reading, so that no plan changes by it."""
    assert names("auto", read(LLAMA, GEMMA)) == (["gemma3:4b", "llama3.1:8b"], [], [])
    assert names("Auto", read(LLAMA, GEMMA)) == names("auto", read(GEMMA, LLAMA))


def test_auto_counts_models_of_the_fleet_that_are_to_come():
    """Those that are placed on the host and whose numbers are given; once the store has them, its own count."""
    needs = {key: LLAMA_8B[key] for key in ("size_bytes", "layers", "kv_heads", "key_length", "value_length")}
    fleet = {"fleet_models": ["bare:1b", {"name": "coming:8b", "needs": needs}, {"name": "other:8b", "needs": needs}]}
    placed = {**fleet, "models": ["bare:1b", "coming:8b"]}
    assert names("auto", read(LLAMA), **placed) == (["coming:8b", "llama3.1:8b"], [], [])
    assert names("auto", read(), **placed) == (["coming:8b"], [], [])
    assert names("auto", read({**LLAMA, "name": "coming:8b"}), **placed) == (["coming:8b"], [], [])
    assert names("auto", read(), fleet_models=7)[2] == ["models-none"]


def test_names_files_and_numbers_may_be_mixed():
    """Each in its place; a name is taken as Ollama takes it."""
    value = ["library/Gemma3:4b", LLAMA_8B, "models/tiny.gguf"]
    assert names(value, read(LLAMA, GEMMA, FILE)) == (["gemma3:4b", LLAMA_8B, "tiny.gguf"], [], [])
    assert names(["/srv/models/tiny.gguf"], read(FILE))[0] == ["tiny.gguf"]
    assert names(["../../models/tiny.gguf"], read(FILE))[0] == ["tiny.gguf"]


def test_files_are_no_part_of_the_store():
    """Though they were read with it."""
    assert names("auto", read(LLAMA, FILE))[0] == ["llama3.1:8b"]
    assert names(["tiny.gguf:latest"], read(FILE))[1] != []


def test_numbers_need_nothing_of_the_host():
    """As before there were names."""
    assert names([LLAMA_8B], None) == ([LLAMA_8B], [], [])
    assert names([], None) == ([], [], [])
    assert name_models({}, None).options == {}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        (None, "models-unread", "no store of models was read"),
        (read(), "models-none", f"the store {STORE} has no model yet"),
        (read(readable=None), "models-none", f"the store {STORE} has no model yet"),
        (read(readable=False), "models-unread", f"the store {STORE} cannot be read"),
        (
            read(readable=False, problems=[f"{STORE}: permission denied"]),
            "models-unread",
            f"the store {STORE} cannot be read ({STORE}: permission denied)",
        ),
    ],
)
def test_auto_falls_back_to_typical_models(found, code, said):
    """And says so, with the reason."""
    made = name_models({"reference_models": "auto"}, found)
    assert (made.options["reference_models"], made.errors) == ([], [])
    (warning,) = made.warnings
    assert warning["code"] == code
    assert warning["message"] == f"ollama_reference_models is auto, and {said}; typical models are reckoned with"
    assert warning["remedy"]


def test_auto_leaves_out_what_could_not_be_read():
    """With its problem, or with what is missing."""
    harmed = {**GEMMA, "layers": None}
    made = name_models({"reference_models": "auto"}, read(LLAMA, harmed, {**GEMMA, "name": "b:x", "size_bytes": None}))
    assert [model.name for model in made.options["reference_models"]] == ["llama3.1:8b"]
    (warning,) = made.warnings
    assert warning["code"] == "models-incomplete"
    assert (
        "b:x (without size_bytes), gemma3:4b (without layers) could not be read, and the others are"
        in (warning["message"])
    )
    made = name_models({"reference_models": "auto"}, read(harmed, problems=["gemma3:4b: the file ends early"]))
    assert (
        "gemma3:4b (gemma3:4b: the file ends early) could not be read, and typical models are"
        in (made.warnings[0]["message"])
    )


@pytest.mark.parametrize(
    ("entry", "found", "said"),
    [
        ("qwen3", None, "'qwen3' is a name, and no store of models was read"),
        ("qwen3", read(FILE, stores=[]), "'qwen3' is a name, and no store of models was read"),
        ("qwen3", read(readable=False), f"'qwen3' is a name, and the store {STORE} cannot be read; run as root"),
        ("qwen3", read(), f"'qwen3' is not in the store {STORE}, which has no model; pull it, or give its numbers"),
        ("qwen3", read(LLAMA, GEMMA), "which has gemma3:4b, llama3.1:8b; pull it, or give its numbers or its file"),
        ("qwen3", read(*({**LLAMA, "name": f"m{number}:x"} for number in range(10))), "m7:x, 2 more; pull it"),
        ("gemma3:4b", read({**GEMMA, "kv_heads": None}), "'gemma3:4b' was read without kv_heads; pull it again"),
        ("gemma3:4b", read({**GEMMA, "layers": None}, problems=["gemma3:4b: cut"]), "layers (gemma3:4b: cut); pull"),
        (
            "gemma3:4b",
            read({**GEMMA, "layers": None}, problems=[f"{STORE}/blobs/sha256-aa: it is cut"]),
            f"without layers ({STORE}/blobs/sha256-aa: it is cut); pull it again",
        ),
        ("a.gguf", None, "'a.gguf' is no GGUF file that the controller can read: it was not read"),
        ("a.gguf", read(problems=["/x/a.gguf: no such file"]), "can read: /x/a.gguf: no such file"),
        (PATH, read({**FILE, "layers": None}), "was read without layers"),
    ],
)
def test_a_model_that_cannot_be_reckoned_with_is_refused(entry, found, said):
    """With what there is, and what to do."""
    made = name_models({"reference_models": [entry, LLAMA_8B]}, found)
    assert made.options["reference_models"] == [LLAMA_8B]
    (error,) = made.errors
    assert error.startswith("ollama_reference_models: ")
    assert said in error


def test_an_instance_has_models_of_its_own():
    """Its sentences name it."""
    options = {"instances": [{"name": "a", "reference_models": ["gemma3:4b"]}, {"name": "b"}, 7]}
    made = name_models(options, read(GEMMA))
    assert made.options["instances"][0]["reference_models"][0].name == "gemma3:4b"
    assert made.options["instances"][1:] == [{"name": "b"}, 7]
    assert options["instances"][0]["reference_models"] == ["gemma3:4b"]
    assert name_models(options, read()).errors[0].startswith("ollama_instances[0].reference_models: 'gemma3:4b' is not")


def test_what_is_wrong_by_itself_stays_for_its_own_sentence():
    """One sentence for one mistake."""
    options = {"reference_models": ["a b"], "instances": [{"name": "a", "reference_models": 7}]}
    assert name_models(options, None) == (options, [], [])


def test_what_has_to_be_read_follows_from_the_variables():
    """Nothing where numbers alone are given."""
    assert wants_store({"reference_models": "auto"})
    assert wants_store({"reference_models": ["x"]})
    assert wants_store({"instances": [{"name": "a", "reference_models": "auto"}]})
    for value in ([], [LLAMA_8B], ["/srv/x"], "wrong", None):
        assert not wants_store({"reference_models": value, "instances": "single"})
    value = ["/srv/x", LLAMA_8B, "y"]
    assert wanted_files({"reference_models": value, "instances": [{"reference_models": ["/srv/x", "z.gguf"]}]}) == [
        "/srv/x",
        "z.gguf",
    ]
    assert wanted_files({"reference_models": "auto"}) == []
    assert without_models({"reference_models": "auto", "x": 1}) == {"reference_models": [], "x": 1}


def test_a_plan_is_made_of_the_models_that_were_read():
    """As if their numbers had been given."""
    by_name = make_plan(xeon(), {"reference_models": ["llama3.1:8b"]}, models=read(LLAMA, GEMMA))
    assert by_name["instances"][0]["budget"]["models"] == ["llama3.1:8b"]
    assert by_name["warnings"] == make_plan(xeon(), {"reference_models": [LLAMA_8B]})["warnings"]
    every = make_plan(xeon(), {"reference_models": "auto"}, models=read(LLAMA, GEMMA))
    assert every["instances"][0]["budget"]["models"] == ["gemma3:4b", "llama3.1:8b"]
    assert every == make_plan(xeon(), {"reference_models": "auto"}, models=read(GEMMA, LLAMA))


def test_the_reasons_name_the_models_that_decide():
    """Those that are to be in memory at the same time, the largest first."""
    for loaded, shown in ((1, "(llama3.1:8b)"), (2, "(llama3.1:8b, gemma3:4b)")):
        options = {"reference_models": "auto", "max_loaded_models": loaded}
        made = make_plan(xeon(), options, models=read(LLAMA, GEMMA))
        (reason,) = [note["reason"] for note in made["decisions"] if note["setting"] == "OLLAMA_CONTEXT_LENGTH"]
        assert shown in reason


def test_a_plan_for_a_bare_host_says_that_models_are_typical():
    """And is the plan without reference models otherwise."""
    bare, plain = make_plan(xeon(), {"reference_models": "auto"}, models=read()), make_plan(xeon(), {})
    assert bare["decisions"] == plain["decisions"]
    assert bare["warnings"][0]["code"] == "models-none"
    assert bare["warnings"][1:] == plain["warnings"]


def test_one_message_has_all_mistakes():
    """Models that are not there beside other mistakes."""
    with pytest.raises(PlanError) as error:
        make_plan(xeon(), {"reference_models": ["qwen3"], "num_threads": -1}, models=read())
    assert [line.partition(":")[0] for line in error.value.lines] == ["ollama_reference_models", "ollama_num_threads"]
