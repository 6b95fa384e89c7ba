# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan takes of what was measured, and why not."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.measured import compared
from ansible_collections.inference.ollama.tests.unit.support.cases import LLAMA_70B
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.hosts import OPTIONS, machines
from ansible_collections.inference.ollama.tests.unit.support.measured import DIGEST, record_of
from ansible_collections.inference.ollama.tests.unit.support.models import LLAMA, STORE, read
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    topology,
    workstation,
    xeon,
)

GIB = 1 << 30
HERE = {**LLAMA, "digest": DIGEST}
DROPPED, NOT_COMPARED, SEVERAL = "measured-dropped", "measured-not-compared", "measured-several"
FIGURE = "measured on node-17: 455 tokens/s, 312 before (+46 %)"


def host():
    """One socket of 16 CPUs with a card of 80 GiB."""
    gpu = card(name="NVIDIA H100 80GB HBM3", memory_bytes=80 * GIB, compute_capability="9.0")
    return workstation(gpu, cores=16, threads=1, memory_gib=256)


def planned(*records, facts=None, models=None, found=None, **options):
    """The plan of a host with these records, its store read."""
    models = read(HERE) if models is None else models
    return make_plan(facts or host(), {**options, "measured": list(records)}, "0.34.1", found, models or None)


def said(made, code):
    """The messages of the warnings with a code."""
    return [warning["message"] for warning in made["warnings"] if warning["code"] == code]


def taken(made):
    """The settings that the plan took."""
    return None if made["measured"] is None else made["measured"]["settings"]


def test_settings_that_were_measured_come_before_the_rules():
    """Each decision has the figure, and what the rules would give."""
    settings_ = {"num_threads": 4, "num_parallel": 16, "context_length": 8192, "kv_cache_type": "q8_0"}
    made = planned(record_of(host(), settings_))
    shown = {each["setting"]: (each["value"], each["source"], each["reason"]) for each in made["decisions"]}
    assert shown["compute_threads"] == (4, "measured", f"{FIGURE}; the rules give 16")
    assert shown["LLAMA_ARG_THREADS"] == ("4", "measured", f"{FIGURE}; the rules give 16")
    assert shown["OLLAMA_NUM_PARALLEL"] == ("16", "measured", f"{FIGURE}; the rules give 8")
    assert shown["OLLAMA_CONTEXT_LENGTH"] == ("8192", "measured", f"{FIGURE}; the rules give 24576")
    assert shown["OLLAMA_KV_CACHE_TYPE"] == ("q8_0", "measured", f"{FIGURE}; the rules give no value")
    assert shown["OLLAMA_KEEP_ALIVE"][1] == "policy"
    assert (taken(made), codes(made)) == (settings_, [])


def test_flash_attention_weight_and_servers_can_be_measured_too():
    """All that a search may turn."""
    facts = xeon()
    settings_ = {"flash_attention": True, "cpu_weight": 5000, "instances": "per_numa_node"}
    made = planned(record_of(facts, settings_, objective="latency"), facts=facts, objective="latency")
    assert [each["name"] for each in made["instances"]] == ["node0", "node1"]
    sources = {(each["instance"], each["setting"]): (each["value"], each["source"]) for each in made["decisions"]}
    assert sources[None, "CPUWeight"] == (5000, "measured")
    assert sources["node1", "instance"] == ("node1", "measured")
    assert sources["node0", "OLLAMA_FLASH_ATTENTION"] == ("1", "measured")
    one = planned(
        record_of(facts, {"instances": "single"}, objective="throughput"), facts=facts, objective="throughput"
    )
    assert decision(one, "instance")["source"] == "measured"
    assert decision(one, "instance")["reason"] == FIGURE


def test_a_cache_type_that_was_measured_brings_its_flash_attention():
    """Where the release is one in which the server decides, it is switched on for the type that needs it."""
    facts = workstation(card(name="Quadro P4000", compute_capability="6.1", memory_bytes=8 * GIB), memory_gib=64)
    facts["software"]["ollama"]["version"] = "0.12.3"
    facts["gpus"][0]["compute_capability"] = None
    record = record_of(facts, {"kv_cache_type": "q8_0"}, release="0.12.3")
    made = make_plan(facts, {"measured": [record]}, None, None, read(HERE))
    flash = decision(made, "OLLAMA_FLASH_ATTENTION")
    assert (flash["value"], flash["source"]) == ("1", "measured")
    assert flash["reason"].startswith("the measured kv_cache_type q8_0 needs it")


def test_a_record_on_trial_says_so_and_comes_first():
    """A search plans its next point as it will plan the best one."""
    best = record_of(host(), {"num_parallel": 16})
    trial = record_of(host(), {"num_parallel": 12}, value=None)
    made = planned(best, trial)
    assert decision(made, "OLLAMA_NUM_PARALLEL")["reason"] == "being measured on node-17; the rules give 8"
    assert codes(made) == []
    assert planned(trial, best)["decisions"] == made["decisions"]


def test_a_variable_of_the_operator_stays_the_operators():
    """Named, in the environment or in an instance; the others say what they were measured with."""
    record = record_of(host(), {"num_threads": 4, "num_parallel": 16})
    by_name = planned(record, num_parallel=2)
    by_variable = planned(record, environment={"OLLAMA_NUM_PARALLEL": "2"})
    for made in (by_name, by_variable):
        assert (decision(made, "OLLAMA_NUM_PARALLEL")["value"], taken(made)) == ("2", {"num_threads": 4})
        assert decision(made, "OLLAMA_NUM_PARALLEL")["source"] == "operator"
        reason = decision(made, "compute_threads")["reason"]
        assert f"{FIGURE}; together with num_parallel 16, which is set otherwise here" in reason
    same = planned(record, num_parallel=16)
    assert "together" not in decision(same, "compute_threads")["reason"]


@pytest.mark.parametrize("own", [{"num_threads": 3}, {"environment": {"LLAMA_ARG_THREADS": "3"}}])
def test_what_one_of_several_servers_says_itself_is_the_operators(own):
    """The record leaves that setting alone for all of them."""
    facts = xeon()
    record = record_of(facts, {"num_threads": 7, "num_parallel": 2})
    made = planned(record, facts=facts, instances=[{"name": "a", **own}, {"name": "b"}])
    found = {(each["instance"], each["setting"]): (each["value"], each["source"]) for each in made["decisions"]}
    assert found["a", "compute_threads"] == (3, "operator")
    assert found["b", "compute_threads"][1] == "policy"
    assert found["b", "OLLAMA_NUM_PARALLEL"] == ("2", "measured")
    assert taken(made) == {"num_parallel": 2}


def test_what_another_file_sets_stays():
    """What was found in the unit comes before what was measured."""
    record = record_of(host(), {"num_parallel": 16, "num_threads": 4})
    made = planned(record, found=found_unit({"OLLAMA_NUM_PARALLEL": "3"}))
    assert (decision(made, "OLLAMA_NUM_PARALLEL")["value"], decision(made, "OLLAMA_NUM_PARALLEL")["source"]) == (
        "3",
        "found",
    )
    assert taken(made) == {"num_threads": 4}


def test_a_record_whose_settings_are_all_set_is_not_taken():
    """Nothing of it is left, and nothing is wrong."""
    made = planned(record_of(host(), {"num_parallel": 16}), num_parallel=2)
    assert (taken(made), codes(made)) == (None, [])
    assert made["decisions"] == planned(num_parallel=2)["decisions"]


@pytest.mark.parametrize(
    ("fields", "options", "models", "sentence"),
    [
        (
            {"release": "0.33.0"},
            {},
            read(HERE),
            "llama3.1:8b on node-17 was measured with Ollama 0.33.0, and this host has 0.34.1",
        ),
        (
            {"digest": "cd" * 32},
            {},
            read(HERE),
            f"was measured with the build cdcdcdcdcdcd of the model, and the store {STORE} has abababababab",
        ),
        ({}, {}, read(), f"llama3.1:8b on node-17 was measured, and the model is not in the store {STORE}"),
        (
            {"digest": None},
            {},
            read(),
            f"llama3.1:8b on node-17 was measured, and the model is not in the store {STORE}",
        ),
        ({}, {"objective": "latency"}, read(HERE), "is for the objective balanced, and ollama_objective is latency"),
    ],
)
def test_a_record_that_does_not_fit_is_dropped_with_what_has_changed(fields, options, models, sentence):
    """The plan is the rules' then, and the warning is the only difference."""
    made = planned(record_of(host(), {"num_parallel": 16}, **fields), models=models, **options)
    (message,) = said(made, DROPPED)
    assert message.startswith("ollama_measured: ")
    assert sentence in message
    plain = planned(models=models, **options)
    assert made["decisions"] == plain["decisions"]
    assert made["measured"] is None


def test_other_hardware_is_named_in_words_then_and_now():
    """An operator sees which part is another one."""
    made = planned(record_of(xeon(), {"num_parallel": 16}))
    (message,) = said(made, DROPPED)
    assert f"no record is of this hardware, which is {hardware(host())['text']}" in message
    assert f"measured was llama3.1:8b on node-17 ({hardware(xeon())['text']})" in message
    many = [record_of(xeon(), {"num_parallel": 16}, host=f"node-{number}") for number in range(5)]
    (message,) = said(planned(*many), DROPPED)
    assert message.endswith("; and 2 more")


def test_other_hardware_of_the_same_words_is_named_by_its_key():
    """A card with more memory may have the same name."""
    other = host()
    other["gpus"][0]["memory_bytes"] = 96 * GIB
    (message,) = said(planned(record_of(other, {"num_parallel": 16})), DROPPED)
    assert (
        f"(the same in words; the key of this hardware is {hardware(host())['key']}, and theirs is another)" in message
    )


def test_records_of_others_are_no_warning_where_one_is_of_the_host():
    """A fleet has one list for all of its machines."""
    fits = record_of(host(), {"num_parallel": 16})
    older = record_of(host(), {"num_parallel": 4}, release="0.33.0")
    other = record_of(xeon(), {"num_parallel": 2})
    made = planned(other, older, fits)
    assert (taken(made), codes(made)) == ({"num_parallel": 16}, [])


def test_a_record_of_another_model_that_no_longer_fits_is_named_once():
    """That another one takes its place must not hide it, nor may each of its releases have a line."""
    fits = record_of(host(), {"num_parallel": 16})
    gone = [
        record_of(host(), {"num_parallel": 2}, model="gone:1b", release=release) for release in ("0.34.1", "0.33.0")
    ]
    made = planned(*gone, fits)
    (message,) = said(made, DROPPED)
    assert "gone:1b on node-17 was measured, and the model is not in the store" in message
    assert taken(made) == {"num_parallel": 16}


def test_the_release_must_be_known():
    """What holds for one release need not for another."""
    facts = host()
    facts["software"]["ollama"]["version"] = None
    made = make_plan(facts, {"measured": [record_of(facts, {"num_parallel": 16})]}, None, None, read(HERE))
    (message,) = said(made, DROPPED)
    assert "was measured with Ollama 0.34.1, and the release of this host is not known" in message


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ({}, "no store of models was read"),
        (read(readable=False), f"the store {STORE} cannot be read"),
        (read({**HERE, "digest": None}), "its manifest could not be read"),
        (read(stores=[]), "no store of models was read"),
    ],
)
def test_a_digest_that_cannot_be_compared_is_a_warning(models, why):
    """A captured machine has no store, and another user's store may be closed."""
    made = planned(record_of(host(), {"num_parallel": 16}), models=models)
    (message,) = said(made, NOT_COMPARED)
    assert message.endswith(f"whether the host has that build of the model is not known: {why}")
    assert taken(made) == {"num_parallel": 16}
    without = planned(record_of(host(), {"num_parallel": 16}, digest=None), models=models)
    assert codes(without) == []


@pytest.mark.parametrize(
    ("name", "digest"),
    [("llama3.1:8b", DIGEST[:12]), ("library/LLAMA3.1:8B", f"sha256:{DIGEST}"), ("llama3.1:8b", None)],
)
def test_names_and_digests_may_be_written_in_each_of_their_ways(name, digest):
    """As ollama list, the API and the store have them."""
    made = planned(record_of(host(), {"num_parallel": 16}, model=name, digest=digest))
    assert (taken(made), codes(made)) == ({"num_parallel": 16}, [])


def test_of_several_that_fit_the_first_counts():
    """Others with the same settings agree; of those with others a warning says so."""
    first, same = (record_of(host(), {"num_parallel": 16}, host=name) for name in ("n1", "n2"))
    other = record_of(host(), {"num_parallel": 12}, model="gemma3:4b", digest=None, host="n3")
    store = read(HERE, {**HERE, "name": "gemma3:4b", "digest": "ee" * 32})
    made = planned(first, same, other, models=store)
    assert taken(made) == {"num_parallel": 16}
    (message,) = said(made, SEVERAL)
    assert "measured for llama3.1:8b on n1 are taken, and those for gemma3:4b on n3 are others" in message
    assert codes(planned(first, same, models=store)) == []


@pytest.mark.parametrize(
    ("wrong", "options", "sentence"),
    [
        (
            {"num_threads": 32},
            {},
            "num_threads 32, measured for llama3.1:8b on node-17, does not fit here: ollama_num_threads: 32",
        ),
        (
            {"context_length": 1 << 20},
            {"reference_models": [{**LLAMA_70B, "context_length": 1 << 20}]},
            "context_length 1048576, measured for llama3.1:8b on node-17, does not fit here:",
        ),
        (
            {"instances": "per_numa_node"},
            {"numa_node": 0},
            "instances per_numa_node, measured for llama3.1:8b on node-17",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_dropped_alone(wrong, options, sentence):
    """What the rules would refuse of an operator is no error here, and the rest is taken."""
    made = planned(record_of(host(), {"num_parallel": 6, **wrong}), **options)
    (message,) = said(made, DROPPED)
    assert sentence in message
    assert taken(made) == {"num_parallel": 6}
    assert "budget-exceeded" not in codes(made)


def test_every_setting_may_be_dropped():
    """Then the plan is the rules', with a warning for each."""
    made = planned(record_of(host(), {"num_threads": 99, "num_parallel": 999}), reference_models=[LLAMA_70B])
    assert (len(said(made, DROPPED)), taken(made)) == (2, None)
    assert made["decisions"] == planned(reference_models=[LLAMA_70B])["decisions"]


def test_an_assumed_model_takes_nothing_back():
    """Where no model is named the budget is of an assumed one, and a real one was measured; the warning stays."""
    made = planned(record_of(host(), {"num_parallel": 64}))
    assert (taken(made), codes(made)) == ({"num_parallel": 64}, ["budget-exceeded"])


def test_threads_on_siblings_are_taken_where_they_were_measured_to_be_better():
    """More threads than cores are no mistake where somebody has looked; more than CPUs are."""
    facts = topology(cores=8, threads=2, memory_gib=64)
    made = planned(record_of(facts, {"num_threads": 12}), facts=facts)
    assert (taken(made), said(made, DROPPED)) == ({"num_threads": 12}, [])
    assert "threads-oversubscribed" not in codes(made)
    assert "threads-oversubscribed" in codes(planned(facts=facts, num_threads=12))
    two = [{**LLAMA_70B, "name": name, "size_bytes": GIB} for name in ("a", "b")]
    both = planned(record_of(facts, {"num_threads": 12}), facts=facts, reference_models=two, max_loaded_models=2)
    assert (taken(both), len(said(both, DROPPED))) == (None, 1)


def test_a_plan_that_is_refused_without_records_is_refused_with_them():
    """What is wrong with the operator's variables does not depend on what was measured."""
    with pytest.raises(PlanError) as with_record:
        planned(record_of(host(), {"num_parallel": 16}), num_threads=-1)
    with pytest.raises(PlanError) as without:
        planned(num_threads=-1)
    assert with_record.value.lines == without.value.lines
    with pytest.raises(PlanError, match="ollama_measured: "):
        planned("nonsense")


def test_the_store_is_asked_for_the_models_of_the_hosts_records_alone():
    """A list of a whole fleet makes no host read its store for others."""
    mine, again = record_of(host(), {"num_parallel": 16}), record_of(host(), {"num_parallel": 8}, release="0.33.0")
    others = [record_of(xeon(), {"num_parallel": 2}), record_of(host(), {"num_parallel": 2}, objective="latency")]
    assert compared(host(), {"measured": [*others, mine, again]}) == ["llama3.1:8b"]
    assert compared(host(), {"measured": others}) == []
    assert compared(host(), {"measured": "wrong"}) == compared(host(), {}) == []


TURNED = st.fixed_dictionaries(
    {},
    optional={
        "num_threads": st.integers(1, 512),
        "num_parallel": st.integers(1, 64),
        "context_length": st.sampled_from([2048, 8192, 131072]),
        "flash_attention": st.booleans(),
        "kv_cache_type": st.sampled_from(["f16", "q8_0", "q4_0"]),
        "instances": st.sampled_from(["single", "per_numa_node", "per_gpu"]),
        "cpu_weight": st.integers(1, 10000) | st.just("none"),
    },
).filter(bool)


@settings(deadline=None, max_examples=examples(100))
@given(machines(), OPTIONS, TURNED)
def test_no_record_makes_an_error_of_a_plan_or_changes_what_an_operator_said(facts, options, turned):
    """Whatever was measured on whichever machine: a plan is there if it was there before, and says what it took."""
    options = {"objective": "balanced", **options}
    try:
        plain = make_plan(copy.deepcopy(facts), options)
    except PlanError:
        return
    release = plain["release"] or "0.34.1"
    record = record_of(facts, turned, objective=options["objective"], release=release)
    made = make_plan(facts, {**options, "measured": [record]})
    assert set(taken(made) or {}) <= set(turned)
    sources = {each["source"] for each in made["decisions"]}
    assert sources <= {"operator", "found", "measured", "policy", "contract"}
    assert "measured" not in sources or taken(made)
    said_ = {
        (each["instance"], each["setting"]): each["value"]
        for each in plain["decisions"]
        if each["source"] == "operator"
    }
    if len(made["instances"]) == len(plain["instances"]):
        after = {(each["instance"], each["setting"]): each["value"] for each in made["decisions"]}
        assert said_.items() <= after.items()
    if not taken(made):
        assert made["decisions"] == plain["decisions"]
