# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search may change on a host, between which bounds, and why it leaves the rest alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import fits_of, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.memory import fitted
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import KNOBS
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.space import space_of, tuning_space
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology, workstation, xeon


def space(machine, release="0.34.1", asked=None, **options):
    """The space of a plan for throughput, unless the options say another objective."""
    return tuning_space(machine, {"objective": "throughput", "version": release, **options}, asked)


def of(made, machine, asked=None):
    """The space of a plan that something was changed in."""
    return space_of(made, machine, lambda choices: fits_of(machine, {**made["options"], **choices}), asked)


def planned(machine, **options):
    """A plan for throughput, and what it was made of."""
    options = {"objective": "throughput", "version": "0.34.1", **options}
    return {**make_plan(machine, options), "options": options}


def knob(found, name):
    """The bounds of one setting; the reason as text where it is not searched."""
    reasons = {left["name"]: left["reason"] for left in found["left_out"]}
    return next((each for each in found["knobs"] if each["name"] == name), None) or reasons.get(name)


def test_a_host_without_gpu():
    """Threads to the CPUs of a server, slots to what memory holds, servers by node; the start is the plan."""
    found = space(xeon())
    assert found["start"] == {
        "instances": "per_numa_node",
        "flash_attention": True,
        "num_threads": 14,
        "num_parallel": 3,
        "context_length": 8192,
    } | {name: found["start"][name] for name in ("num_parallel", "context_length")}
    assert (knob(found, "num_threads")["low"], knob(found, "num_threads")["high"]) == (1, 28)
    assert knob(found, "instances")["values"] == ["per_numa_node", "single"]
    assert knob(found, "instances")["limits"] == {"per_numa_node": {"num_threads": 14}}
    assert "kv_cache_types" in knob(found, "kv_cache_type")
    assert knob(found, "cpu_weight") is None
    assert found["grid"] == 2 * 2 * 28 * knob(found, "num_parallel")["high"]


def test_what_others_decided_is_left_alone():
    """By variables of the role; the reason is the plan's."""
    found = space(xeon(), num_threads=8, flash_attention=True, context_length=8192, num_parallel=2, instances="single")
    assert found["knobs"] == []
    assert knob(found, "num_threads").startswith("the operator has set it: ")
    assert {left["name"] for left in found["left_out"]} == set(KNOBS) - {"cpu_weight"}


def test_the_context_is_not_searched_without_the_slots():
    """It follows from them."""
    found = space(xeon(), num_parallel=2)
    assert knob(found, "context_length") == "it follows from the slots, which are not searched"
    assert "context_length" not in found["start"]


def test_one_caller_needs_no_slots_and_no_second_server():
    """The objective latency asks for one answer."""
    found = space(xeon(), asked={"objective": "latency"})
    assert [each["name"] for each in found["knobs"]] == ["flash_attention", "num_threads"]
    assert (found["concurrency"], found["unit"], found["limits"]) == (1, "1/s", {})


def test_the_limits_are_part_of_the_objective_balanced():
    found = space(xeon(), asked={"objective": "balanced"})
    assert found["limits"] == {"time_to_first_token_ms": 2000, "output_token_throughput_per_user": 20}


def test_on_cards_threads_are_not_searched():
    """They only wait there. Two cards may have a server each."""
    found = space(workstation(card(0), card(1)))
    assert "GPUs" in knob(found, "num_threads")
    assert knob(found, "instances")["values"] == ["single", "per_gpu"]
    each = space(workstation(card(0), card(1)), instances="per_gpu")
    assert knob(each, "instances").startswith("the operator has set it")


def test_where_flash_attention_is_not_certain_it_is_not_searched():
    """Nor a type of the cache that needs it."""
    found = space(workstation(card(0, compute_capability=None)), asked={"kv_cache_types": ["q8_0"]})
    assert "compute capability" in knob(found, "flash_attention")
    assert "flash attention" in knob(found, "kv_cache_type")
    old = space(workstation(card(0, compute_capability="5.2")))
    assert isinstance(knob(old, "flash_attention"), str)


def test_types_of_the_cache_are_searched_where_they_are_named():
    found = space(xeon(), asked={"kv_cache_types": ["f16", "q8_0"]})
    assert knob(found, "kv_cache_type")["values"] == ["f16", "q8_0"]


def test_the_weight_is_searched_where_it_is_named():
    """And only where there is a slice."""
    found = space(xeon(), asked={"knobs": ["cpu_weight"]})
    assert (knob(found, "cpu_weight")["low"], knob(found, "cpu_weight")["high"]) == (1, 10000)
    without = space(xeon(), slice="none", asked={"knobs": ["cpu_weight"]})
    assert isinstance(knob(without, "cpu_weight"), str)


def test_what_the_plan_could_not_read_is_not_searched():
    """Memory and CPUs that are unknown have no bounds, and before 0.30.0 no release reads a thread count."""
    host = xeon()
    made = planned(host)
    for server in made["instances"]:
        server["budget"]["usable_bytes"] = None
    found = of(made, host)
    assert "memory" in knob(found, "num_parallel")
    assert isinstance(knob(space(xeon(), "0.24.0"), "num_threads"), str)
    made["decisions"] = [each for each in made["decisions"] if each["setting"] != "LLAMA_ARG_THREADS"]
    assert "no decision" in knob(of(made, host), "num_threads")


def test_servers_that_differ_have_no_common_start():
    """One number of slots and contexts is searched for all of them."""
    listed = [{"name": "a", "cpus": "0-13,28-41", "num_parallel": 2}, {"name": "b", "cpus": "14-27,42-55"}]
    host = xeon()
    found = space(host, instances=listed)
    assert isinstance(knob(found, "num_parallel"), str)
    assert isinstance(knob(found, "instances"), str)


def test_sockets_of_several_nodes_have_no_value_of_the_variable():
    """The plan of four nodes on two sockets has a server for each socket."""
    host = topology(sockets=2, cores=8, threads=1, nodes=4, memory_gib=64)
    assert "sockets" in knob(space(host), "instances")


def test_all_wrong_options_are_named_at_once():
    wrong = {
        "objective": "speed",
        "knobs": ["cpus"],
        "kv_cache_types": "q8_0",
        "concurrency": 0,
        "context_minimum": True,
        "x": 1,
    }
    with pytest.raises(OllamaError) as caught:
        space(xeon(), asked=wrong)
    said = str(caught.value).splitlines()
    assert len(said) == len(wrong)
    assert all(any(line.startswith(f"{name}: ") for line in said) for name in wrong)
    with pytest.raises(OllamaError, match="mapping"):
        space(xeon(), asked=["objective"])


MODEL = {"name": "llama3.1:8b", "size_bytes": 5 << 30, "layers": 32, "kv_heads": 8, "key_length": 128}
MODEL.update(value_length=128, context_length=131072)
SMALL = topology(sockets=1, cores=8, threads=1, nodes=1, memory_gib=24)
LIMITED = {
    least: space(SMALL, asked={"context_minimum": least, "kv_cache_types": ["q8_0"]}, reference_models=[MODEL])
    for least in (1000, 4096, 30000)
}


@settings(deadline=None)
@given(
    slots=st.integers(1, 64),
    least=st.sampled_from(sorted(LIMITED)),
    flash=st.booleans(),
    kind=st.sampled_from(["f16", "q8_0"]),
)
def test_the_plan_takes_what_the_space_allows(slots, least, flash, kind):
    """Slots, context, flash attention and cache type together, counted as the plan counts memory."""
    found = LIMITED[least]
    wanted = {**found["start"], "flash_attention": flash or kind != "f16", "kv_cache_type": kind, "num_parallel": slots}
    tried = fitted(wanted, found, fewer=True)
    context = knob(found, "context_length")
    assert context["low"] <= tried["context_length"] <= context["high"] == context["start"]
    record = {"hardware": hardware(SMALL)["key"], "release": "0.34.1", "model": "llama3.1:8b", "settings": tried}
    record.update(objective="throughput", value=None, digest=None, machine="x")
    made = plan(SMALL, objective="throughput", reference_models=[MODEL], measured=[record])
    assert made["measured"]["settings"] == tried


def test_more_slots_than_memory_holds_have_the_least_context():
    """The plan then says why they do not fit, and the search goes on."""
    found = LIMITED[30000]
    assert (
        fitted({**found["start"], "num_parallel": 60}, found)["context_length"] == knob(found, "context_length")["low"]
    )
    assert fitted({"num_threads": 4}, found) == {"num_threads": 4}


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("OLLAMA_NUM_PARALLEL", "num_parallel"),
        ("OLLAMA_CONTEXT_LENGTH", "context_length"),
        ("OLLAMA_FLASH_ATTENTION", "flash_attention"),
        ("LLAMA_ARG_THREADS", "num_threads"),
    ],
)
def test_a_setting_in_which_servers_differ_is_not_searched(setting, name):
    """All servers have the same settings, and there is no one start."""
    host = xeon()
    made = planned(host)
    next(each for each in made["decisions"] if each["setting"] == setting)["value"] = "0"
    assert isinstance(knob(of(made, host), name), str)


def test_what_leaves_no_choice_is_not_searched():
    """A family that the server holds to one request, a server of one CPU, CPUs that could not be read."""
    host = xeon()
    made = planned(host, instances="single")
    (slots,) = [each for each in made["decisions"] if each["setting"] == "OLLAMA_NUM_PARALLEL"]
    slots.update(source="contract", reason="the server holds it to one request at a time")
    assert knob(of(made, host), "num_parallel") == "the server holds it to one request at a time"
    assert "one CPU" not in str(knob(space(topology(cores=1, threads=1)), "num_threads"))
    assert knob(space(topology(cores=1, threads=1)), "num_threads") == "1 is all that is possible"
    for each in made["decisions"]:
        each["value"] = None if each["setting"] == "cpus" else each["value"]
    assert "could not be read" in knob(of(made, {**host, "allowed": None}), "num_threads")
    weight = next(each for each in made["decisions"] if each["setting"] == "CPUWeight")
    weight["value"] = None
    assert "no slice" in knob(of(made, host, {"knobs": ["cpu_weight"]}), "cpu_weight")


class Lazy(dict):
    """A dictionary as Ansible hands it over, whose items are read one by one."""

    def items(self):
        return iter(super().items())


def test_choices_are_found_in_any_mapping():
    """The space comes back from a fact."""
    plain = LIMITED[4096]
    held = [{**each, "settings": Lazy(each["settings"])} for each in plain["held"]]
    wanted = {**plain["start"], "flash_attention": False, "num_parallel": 4}
    assert fitted(wanted, {**plain, "held": held}) == fitted(wanted, plain)
