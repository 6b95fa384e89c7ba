# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute threads, and the models that share them (_plan/threads.py, _plan/runners.py; rules C3, M1 and M2)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.cases import EMBEDDING, LLAMA_8B, QWEN_7B
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    environment,
    instances,
    plan,
    topology,
    workstation,
    xeon,
)

LOADED, PARALLEL, THREADS = "OLLAMA_MAX_LOADED_MODELS", "OLLAMA_NUM_PARALLEL", "LLAMA_ARG_THREADS"
THREE = [LLAMA_8B, QWEN_7B, EMBEDDING]
# The host that somebody asks 14 threads and 3 models for: node 1 has 14 cores and 28 logical CPUs.
SEED = {"numa_node": 1, "num_threads": 14, "max_loaded_models": 3}


def instance(machine, release="0.34.1", **options):
    return instances(plan(machine, release, **options))[0]


def warning(made, code):
    (found,) = [entry for entry in made["warnings"] if entry["code"] == code]
    return found


def numbers(machine, release="0.34.1", **options):
    """Models in memory and threads of each."""
    found = instance(machine, release, **options)
    return int(found["environment"][LOADED]), found["compute_threads"]


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (4, 4), (7, 7), (8, 7), (9, 8), (16, 15), (64, 63)])
def test_without_siblings_one_cpu_stays_free_from_eight_on(cores, threads):
    """It costs nothing there, and of fewer CPUs up to 15 %."""
    assert instance(topology(cores=cores))["compute_threads"] == threads


@pytest.mark.parametrize(
    ("shape", "threads"),
    [
        ({"cores": 8, "threads": 2}, 8),
        ({"cores": 16, "threads": 2, "cpuset": "0-15"}, 15),
        ({"cores": 16, "threads": 2, "cpuset": "0-16"}, 16),
        ({"cores": 8, "efficiency_cores": 4}, 8),
        ({"cores": 12, "efficiency_cores": 4, "cpuset": "0-11"}, 11),
    ],
    ids=["siblings", "no sibling allowed", "one sibling allowed", "efficiency cores", "none of them allowed"],
)
def test_siblings_and_efficiency_cores_in_the_set_are_room(shape, threads):
    """The server's own threads run there, so every core may compute."""
    assert instance(topology(**shape))["compute_threads"] == threads


@pytest.mark.parametrize(
    ("shape", "threads"),
    [
        ({"cores": 10, "threads": 8}, 20),
        ({"cores": 10, "threads": 2}, 19),
        ({"cores": 10, "threads": 1}, 9),
        ({"cores": 2, "threads": 2}, 4),
        ({"cores": 10, "threads": 8, "cpuset": "0-9"}, 9),
        ({"cores": 10, "threads": 8, "cpu_max": "1200000 100000"}, 12),
    ],
)
def test_on_power_two_threads_share_a_core(shape, threads):
    """Two are faster than one there, and no more than the set and the quota hold."""
    assert instance(topology(**shape, architecture="ppc64le"))["compute_threads"] == threads


def test_on_power_an_older_release_and_a_card_keep_one_a_core():
    """The release would start one a core whatever the plan says, and beside a card they poll."""
    shape = {"cores": 10, "threads": 8, "architecture": "ppc64le"}
    assert instance(topology(**shape), "0.24.0")["compute_threads"] == 10
    assert instance(workstation(card(), **shape))["compute_threads"] == 10


@pytest.mark.parametrize(
    ("quota", "threads"),
    [("600000 100000", 6), ("690000 100000", 6), ("50000 100000", 1), ("1650000 100000", 15)],
)
def test_a_quota_bounds_threads_to_whole_cores(quota, threads):
    """Threads beyond the quota would be stopped for the rest of each period."""
    assert instance(topology(cores=16, cpu_max=quota))["compute_threads"] == threads


def test_threads_are_performance_cores_on_a_hybrid():
    """The slowest thread sets the pace."""
    assert instance(topology(cores=6, threads=2, efficiency_cores=8))["compute_threads"] == 6


def test_a_thread_count_of_the_operators_wins_and_is_marked():
    """The rule's number stays visible in the reason."""
    made = plan(xeon(), numa_node=1, num_threads=12)
    assert instances(made)[0]["environment"]["LLAMA_ARG_THREADS"] == "12"
    assert decision(made, "compute_threads")["source"] == "operator"
    assert "the rule would give 14" in decision(made, "compute_threads")["reason"]


def test_more_threads_than_cores_warns_and_more_than_cpus_is_refused():
    """Sharing cores is slow; more threads than CPUs is a mistake."""
    assert "threads-oversubscribed" in codes(plan(xeon(), numa_node=1, num_threads=20))
    with pytest.raises(OllamaError, match=r"ollama_num_threads: 29 is not allowed.*1 to 28"):
        plan(xeon(), numa_node=1, num_threads=29)


def test_a_quota_says_what_it_leaves_the_server():
    """A whole quota leaves nothing beside the compute threads, and one below a CPU not even these."""
    made = plan(topology(cores=16, cpu_max="650000 100000"))
    assert "the CPU quota allows 6.5 of 15 of 16 physical cores" in decision(made, "compute_threads")["reason"]
    assert "leaves the server's own threads 0.5 CPUs" in decision(made, "compute_threads")["reason"]
    made = plan(topology(cores=16, cpu_max="600000 100000"))
    assert "leaves the server's own threads 0 CPUs" in decision(made, "compute_threads")["reason"]
    made = plan(topology(cores=16, cpu_max="50000 100000"))
    assert "50% of each period" in warning(made, "quota-below-one-cpu")["message"]


def test_a_quota_is_shared_by_models_and_instances():
    """All threads that may compute at once stay under it."""
    assert numbers(topology(cores=16, cpu_max="690000 100000", memory_gib=64), reference_models=THREE) == (3, 2)
    machine = topology(sockets=2, cores=14, threads=2, nodes=2, memory_gib=64, cpu_max="900000 100000")
    made = plan(machine, instances="per_numa_node", reference_models=THREE)
    assert [each["compute_threads"] for each in instances(made)] == [1, 1]


@pytest.mark.parametrize("objective", ["latency", "balanced", "throughput"])
def test_without_named_models_one_has_all_threads(objective):
    """Three of them that answer at once would have three threads for each core."""
    made = plan(xeon(), numa_node=1, objective=objective)
    assert numbers(xeon(), numa_node=1, objective=objective) == (1, 14)
    assert decision(made, LOADED)["reason"].startswith("one at a time, with all 14 compute threads")


@pytest.mark.parametrize(("objective", "found"), [("latency", (1, 14)), ("balanced", (3, 4)), ("throughput", (3, 4))])
def test_named_models_share_the_threads_but_for_the_shortest_answer(objective, found):
    """Each is there without a reload, or one at a time has all threads; the reason names the price."""
    options = {"numa_node": 1, "objective": objective, "reference_models": THREE}
    made = plan(xeon(), **options)
    assert numbers(xeon(), **options) == found
    price = "3 at once would have 4 each" if found[0] == 1 else "each with 4 of 14 compute threads"
    assert price in decision(made, LOADED)["reason"]
    assert not {"threads-oversubscribed"} & set(codes(made))


def test_no_more_models_than_threads():
    """Each needs at least one."""
    assert numbers(topology(cores=2, memory_gib=64), reference_models=THREE) == (2, 1)


def test_models_that_do_not_fit_the_memory_leave_the_others_their_threads():
    """Threads are divided among those that may be in memory at once."""
    assert numbers(topology(cores=6, memory_gib=12), reference_models=[LLAMA_8B, QWEN_7B]) == (1, 6)
    assert numbers(topology(cores=6, memory_gib=64), reference_models=[LLAMA_8B, QWEN_7B]) == (2, 3)


@pytest.mark.parametrize(("models", "slots"), [(None, "3"), (2, "1"), (3, "1")])
def test_slots_count_the_cores_of_one_model(models, slots):
    """Four cores to a stream, and those of another model are none of them."""
    options = {} if models is None else {"max_loaded_models": models}
    assert environment(xeon(), numa_node=1, objective="throughput", **options)[PARALLEL] == slots


def test_beside_a_card_models_do_not_share_threads():
    """Those of a model on a card mostly poll."""
    machine = workstation(card(memory_bytes=24 << 30), cores=16, threads=1)
    assert numbers(machine) == (3, 16)
    assert numbers(machine, max_loaded_models=5) == (5, 16)
    assert "threads-oversubscribed" not in codes(plan(machine, max_loaded_models=5))


def test_a_release_without_a_number_holds_one_model():
    """Each would start a thread for every core; what the operator asks for is kept, with a warning."""
    assert numbers(topology(cores=8, memory_gib=64), "0.24.0", reference_models=THREE) == (1, 8)
    made = plan(topology(cores=8, memory_gib=64), "0.24.0", max_loaded_models=2)
    assert instances(made)[0]["environment"][LOADED] == "2"
    found = warning(made, "threads-oversubscribed")
    assert "2 models with 8 threads each, which may answer at once, are 16 compute threads on 8 log" in found["message"]
    assert "PARAMETER num_thread 4" in found["remedy"]
    assert "ollama_max_loaded_models: 1" in found["remedy"]


def test_a_release_without_a_number_ignores_a_quota_and_says_so():
    """It starts a thread for each core of the host."""
    assert "threads-not-settable" in codes(plan(topology(cores=16, cpu_max="600000 100000"), "0.24.0"))
    assert "threads-not-settable" not in codes(plan(topology(cores=16), "0.24.0"))


@pytest.mark.parametrize(
    "options",
    [SEED, {"numa_node": 1, "environment": {THREADS: "14", LOADED: "3"}}, {**SEED, "reference_models": THREE}],
    ids=["variables", "environment", "models"],
)
def test_threads_and_models_of_the_operator_s_are_kept_with_figures(options):
    """42 threads on 28 CPUs are what he asked for; two numbers that would fit are in the remedy."""
    made = plan(xeon(), **options)
    assert numbers(xeon(), **options) == (3, 14)
    assert environment(xeon(), **options)[THREADS] == "14"
    found = warning(made, "threads-oversubscribed")
    assert "3 models with 14 threads each, which may answer at once, are 42 compute threads" in found["message"]
    assert "on 28 logical CPUs" in found["message"]
    assert found["remedy"] == (
        "set ollama_num_threads: 4 for 3 models, or ollama_max_loaded_models: 1, which leaves each model its 14 threads"
    )


@pytest.mark.parametrize(("threads", "models"), [(4, 3), (14, 1)])
def test_the_numbers_of_the_remedy_fit(threads, models):
    """Who follows it hears nothing more."""
    made = plan(xeon(), numa_node=1, num_threads=threads, max_loaded_models=models)
    assert "threads-oversubscribed" not in codes(made)


def test_threads_alone_bound_the_models():
    """As many as have so many threads each."""
    for threads, models in ((4, 3), (7, 2), (8, 1), (14, 1)):
        assert numbers(xeon(), numa_node=1, num_threads=threads, reference_models=THREE) == (models, threads)


def test_models_alone_bound_the_threads():
    """The number is kept, and the threads are divided, down to one."""
    for models, threads in ((1, 14), (2, 7), (3, 4), (5, 2), (14, 1)):
        made = plan(xeon(), numa_node=1, max_loaded_models=models)
        assert numbers(xeon(), numa_node=1, max_loaded_models=models) == (models, threads)
        assert "threads-oversubscribed" not in codes(made)
    assert (
        "each with 4 of 14 compute threads"
        in (decision(plan(xeon(), numa_node=1, max_loaded_models=3), LOADED)["reason"])
    )
    found = warning(plan(xeon(), numa_node=1, max_loaded_models=30), "threads-oversubscribed")
    assert found["remedy"] == "set ollama_max_loaded_models: 14, which leaves each model its 1 threads"


def test_the_host_s_models_are_divided_before_its_threads():
    """Each server has its own CPUs and its part of the models; the remedy speaks of the host's total."""
    made = plan(xeon(), instances="per_numa_node", max_loaded_models=6)
    assert [each["compute_threads"] for each in instances(made)] == [4, 4]
    made = plan(xeon(), instances="per_numa_node", max_loaded_models=6, num_threads=14)
    found = warning(made, "threads-oversubscribed")
    assert "or ollama_max_loaded_models: 2," in found["remedy"]
    made = plan(xeon(), instances=[{"name": "a", "max_loaded_models": 3, "num_threads": 14}, {"name": "b"}])
    assert "or ollama_max_loaded_models: 1," in warning(made, "threads-oversubscribed")["remedy"]


def test_a_server_is_sent_as_much_as_its_threads_compute():
    """The weight of a reverse proxy counts the threads of all models of a server."""
    made = plan(xeon(), instances="per_numa_node", max_loaded_models=3)
    assert [each["weight"] for each in made["upstreams"]] == [14, 14]
    assert [each["compute_threads"] for each in instances(made)] == [7, 14]


def test_threads_above_a_quota_are_warned_of():
    """The kernel stops them, which is as slow as sharing CPUs."""
    made = plan(topology(cores=16, cpu_max="600000 100000"), num_threads=4, max_loaded_models=2)
    found = warning(made, "threads-throttled")
    assert "are 8 compute threads under a quota of 6 CPUs" in found["message"]
    assert "set ollama_num_threads: 3 for 2 models, or ollama_max_loaded_models: 1" in found["remedy"]


def test_unread_cpus_hold_one_model():
    """No threads can be divided that nobody could count."""
    machine = topology(cores=8, memory_gib=64)
    machine["cpu"] = machine["numa"] = machine["allowed"] = None
    assert numbers(machine, reference_models=THREE) == (1, None)
    assert "could not be read" in decision(plan(machine), LOADED)["reason"]


@pytest.mark.parametrize(
    ("models", "gib", "options", "threads"),
    [
        ([LLAMA_8B], 24, {}, "2"),
        ([LLAMA_8B, QWEN_7B, EMBEDDING], 24, {}, "2"),
        ([LLAMA_8B], 4, {}, "6"),
        ([], 24, {}, "6"),
        ([LLAMA_8B], None, {}, "6"),
        ([LLAMA_8B], 24, {"num_threads": 5}, "5"),
    ],
    ids=["one", "three", "too large", "none named", "memory not read", "the operator's"],
)
def test_threads_of_models_that_lie_on_cards_only_poll(models, gib, options, threads):
    """Two are enough where all layers fit; otherwise the CPUs may have to compute some."""
    machine = workstation(card(memory_bytes=gib and gib << 30))
    assert instance(machine, reference_models=models, **options)["environment"][THREADS] == threads


def test_a_release_that_takes_no_number_polls_with_all_threads():
    """What is recorded is what the model process does."""
    assert (
        instance(workstation(card(memory_bytes=24 << 30)), "0.24.0", reference_models=[LLAMA_8B])["compute_threads"]
        == 6
    )
