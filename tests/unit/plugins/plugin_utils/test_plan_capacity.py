# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, models, tokens, queue, memory (_plan/capacity.py, _plan/reserve.py; M0 to M7), the service (S1 to S6)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError
from ansible_collections.inference.ollama.tests.unit.support.cases import (
    EMBEDDING,
    LLAMA_8B,
    LLAMA_70B,
    QWEN_7B,
    budget_of,
    case,
    fill,
    gpu,
    reason,
    source,
    warned,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    instances,
    plan,
    topology,
    workstation,
    xeon,
)

GIB = 1 << 30
PARALLEL, LOADED, QUEUE = "OLLAMA_NUM_PARALLEL", "OLLAMA_MAX_LOADED_MODELS", "OLLAMA_MAX_QUEUE"
CONTEXT, CACHE, KEEP = "OLLAMA_CONTEXT_LENGTH", "LLAMA_ARG_CACHE_RAM", "OLLAMA_KEEP_ALIVE"
OVERHEAD, TARGET = "OLLAMA_GPU_OVERHEAD", "LLAMA_ARG_FIT_TARGET"
# What a driver tells of cards with so many GiB on the box.
READABLE = {6: 6.0, 8: 7.9, 12: 11.99, 24: 23.6, 48: 47.5, 80: 79.6, 141: 139.8}
# What their memories carry in a second: RTX 4090, RTX A6000, H100, H200.
BANDWIDTH = {24: 1008 * 10**9, 48: 768 * 10**9, 80: 3352 * 10**9, 141: 4917 * 10**9}
HYBRID = {**QWEN_7B, "name": "qwen3-next", "family": "qwen3next"}


def cards(gib, count=1, **facts):
    return workstation(*[card(index, memory_bytes=gib * GIB, **facts) for index in range(count)], memory_gib=64)


def numbers(gib=None, count=1, memory=64, threads=16, **options):
    """Slots, tokens of each and loaded models."""
    own = [gpu(int(READABLE[gib] * GIB), index, memory_bandwidth=BANDWIDTH.get(gib)) for index in range(count) if gib]
    found = fill(case(memory * GIB, own, **options), threads)
    return int(found[PARALLEL]), int(found[CONTEXT]), int(found[LOADED])


@pytest.mark.parametrize(
    ("gib", "latency", "balanced", "throughput"),
    [
        (6, (1, 8192, 1), (1, 8192, 1), (2, 4096, 1)),
        (8, (1, 16384, 1), (2, 8192, 1), (2, 8192, 1)),
        (12, (1, 32768, 3), (4, 8192, 3), (4, 8192, 3)),
        (24, (1, 32768, 3), (8, 8192, 3), (8, 8192, 3)),
        (48, (1, 32768, 3), (11, 12288, 3), (18, 8192, 3)),
        (80, (1, 32768, 3), (29, 8192, 3), (30, 8192, 3)),
        (141, (1, 32768, 3), (34, 12288, 3), (54, 8192, 3)),
    ],
)
def test_the_tiers_of_a_card_whose_models_nobody_named(gib, latency, balanced, throughput):
    """Half of what is usable is for the weights, the rest for the slots of a model of eight billion parameters."""
    found = [numbers(gib, objective=objective) for objective in ("latency", "balanced", "throughput")]
    assert found == [latency, balanced, throughput]


@pytest.mark.parametrize(
    ("memory", "threads", "latency", "balanced", "throughput"),
    [
        (4, 4, (1, 4096, 1), (1, 4096, 1), (1, 4096, 1)),
        (16, 4, (1, 32768, 1), (1, 32768, 1), (1, 32768, 1)),
        (64, None, (1, 32768, 1), (1, 32768, 1), (1, 32768, 1)),
        (32, 8, (1, 32768, 1), (2, 32768, 1), (2, 32768, 1)),
        (128, 14, (1, 32768, 1), (2, 32768, 1), (3, 32768, 1)),
        (512, 64, (1, 32768, 1), (2, 32768, 1), (16, 32768, 1)),
    ],
)
def test_the_tiers_of_a_host_without_gpu(memory, threads, latency, balanced, throughput):
    """One model; four cores to a stream, two streams from eight cores on, and more for throughput alone."""
    found = [
        numbers(memory=memory, threads=threads, objective=objective)
        for objective in ("latency", "balanced", "throughput")
    ]
    assert found == [latency, balanced, throughput]


def test_a_tier_says_that_it_is_one():
    """The operator learns what would make the numbers exact."""
    made = case(cards=[gpu(24 * GIB)])
    fill(made, 16)
    for setting in (PARALLEL, LOADED, CONTEXT):
        assert "no reference model is named" in reason(made, setting)
    assert "19.2 GiB" in reason(made, PARALLEL)


@pytest.mark.parametrize(
    ("gib", "models", "found"),
    [
        (8, [LLAMA_8B], (1, 8192, 1)),
        (24, [LLAMA_8B], (13, 8192, 1)),
        (24, [LLAMA_8B, EMBEDDING], (12, 8192, 2)),
        (24, [LLAMA_8B, QWEN_7B, EMBEDDING], (4, 8192, 3)),
        (80, [LLAMA_70B], (4, 16384, 1)),
        (80, [LLAMA_70B, LLAMA_8B], (4, 8192, 2)),
    ],
)
def test_reference_models_make_it_exact(gib, models, found):
    """As many side by side as fit with slots to work with, then more slots and longer contexts."""
    assert numbers(gib, reference_models=models) == found
    made = case(cards=[gpu(int(READABLE[gib] * GIB))], reference_models=models)
    fill(made, 16)
    assert "no reference model" not in str(made.notes.decisions)
    assert budget_of(made)["models"] == [model["name"] for model in models]
    assert warned(made) == []


def test_layers_are_split_over_cards():
    """A model that no card holds fits two of them."""
    assert numbers(48, 2, reference_models=[LLAMA_70B]) == (2, 49152, 1)


def test_a_model_that_almost_fills_the_card_gets_one_plain_slot():
    """Nothing else has to be kept on the card, so its last fifth counts too, but not for slots to spare."""
    assert numbers(48, reference_models=[LLAMA_70B]) == (1, 8192, 1)


def test_a_model_that_does_not_fit_is_warned_of():
    """With what it needs, what there is, and what will happen."""
    made = case(cards=[gpu(24 * GIB)], reference_models=[LLAMA_70B])
    found = fill(made, 16)
    assert (found[PARALLEL], found[CONTEXT], found[LOADED]) == ("1", "4096", "1")
    (warning,) = made.notes.warnings
    assert warning["code"] == "budget-exceeded"
    assert "llama3.1:70b" in warning["message"]
    assert "23.0 GiB of VRAM are usable" in warning["message"]
    assert "on the CPUs" in warning["remedy"]


def test_no_slot_is_longer_than_the_models_were_trained_for():
    """The server would cut it down."""
    assert numbers(141, objective="latency", reference_models=[QWEN_7B])[1] == 32768
    assert numbers(141, objective="latency", reference_models=[QWEN_7B, LLAMA_8B])[1] == 131072
    assert numbers(141, reference_models=[EMBEDDING])[1] == 2048


@pytest.mark.parametrize(("release", "slots"), [("0.15.4", 8), ("0.15.5", 1), ("0.34.1", 1), (None, 8)])
def test_a_family_is_held_to_one_request_since_a_release(release, slots):
    """Where every reference model is, one is written; with the release unknown, the larger memory is reckoned with."""
    made = case(cards=[gpu(24 * GIB)], release=release, reference_models=[{**LLAMA_8B, "family": "qwen3next"}])
    assert fill(made, 16)[PARALLEL] == str(slots)
    assert source(made, PARALLEL) == ("contract" if slots == 1 else "policy")


def test_a_family_held_to_one_request_takes_one_slot_of_memory():
    """The others keep theirs, and the reason names it."""
    made = case(cards=[gpu(24 * GIB)], reference_models=[LLAMA_8B, HYBRID])
    fill(made, 16)
    assert budget_of(made)["kv_bytes"] == 8192 * (8 * 131072 + 57344)
    assert "qwen3-next stays at one" in reason(made, PARALLEL)


def test_parallel_requests_that_the_server_will_not_take_are_questioned():
    """The variable is written as asked and does nothing."""
    made = case(cards=[gpu(24 * GIB)], num_parallel=4, reference_models=[EMBEDDING])
    assert fill(made, 16)[PARALLEL] == "4"
    assert warned(made) == ["parallel-not-supported"]


@pytest.mark.parametrize(
    ("machine", "keep"),
    [
        (xeon(), "-1"),
        (topology(cores=4, memory_gib=16), "1h"),
        (cards(24), "-1"),
        (cards(8, 2, display_active=True), "1h"),
    ],
)
def test_models_stay_where_nothing_else_wants_their_memory(machine, keep):
    """A display or a small host gets its memory back after an hour."""
    assert instances(plan(machine))[0]["environment"][KEEP] == keep


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ("0.6.6", "takes 2048"),
        ("0.15.4", "takes 4096"),
        ("0.34.1", "takes 262144 from 48.0 GiB"),
        (None, "would depend on the release"),
    ],
)
def test_the_reason_for_the_context_says_what_would_be_without(release, text):
    """The defaults of the releases differ by a factor of 128."""
    made = case(cards=[gpu(24 * GIB), gpu(24 * GIB, 1)], release=release)
    fill(made, 16)
    assert text in reason(made, CONTEXT)


def test_context_is_not_written_before_its_variable_exists():
    """Before 0.5.13 only a model or a request sets it."""
    assert CONTEXT not in fill(case(release="0.5.12", context_length=8192), 16)


@pytest.mark.parametrize(
    ("gib", "models", "mib"), [(256, 3, 8192), (16, 3, 682), (1, 3, 42), (16, 1, 2048), (64, 1, 8192)]
)
def test_prompt_caches_take_at_most_an_eighth_of_memory_together(gib, models, mib):
    """Without a bound three models would keep 24 GiB beside themselves."""
    assert fill(case(gib * GIB, max_loaded_models=models), 8)[CACHE] == str(mib)


def test_unread_memory_leaves_the_prompt_cache_alone():
    """No share of an unknown whole."""
    made = case(None)
    found = fill(made, 8)
    assert CACHE not in found
    assert (found[PARALLEL], found[CONTEXT], budget_of(made)["usable_bytes"]) == ("1", "4096", None)
    assert "could not be read" in reason(made, PARALLEL)


def test_unread_vram_is_planned_on_with_the_least():
    """No model is put on a card of which nothing is known."""
    made = case(cards=[gpu(None), gpu(None, 1)])
    found = fill(made, 8)
    assert (found[PARALLEL], found[CONTEXT], found[LOADED]) == ("1", "4096", "2")
    assert "memory could not be read" in reason(made, LOADED)
    assert warned(made) == []


def test_the_largest_card_counts_where_no_model_is_named():
    """The server puts a model there; a small card beside it takes nothing away."""
    alone, beside = numbers(24), case(cards=[gpu(int(23.6 * GIB)), gpu(2 * GIB, 1)])
    found = fill(beside, 16)
    assert (found[PARALLEL], found[CONTEXT], found[LOADED]) == tuple(map(str, (*alone[:2], alone[2] + 1)))
    assert "three for each of 1 GPU(s)" in reason(beside, LOADED)
    assert "one for each of 1 GPU(s) below 11.0 GiB" in reason(beside, LOADED)


@pytest.mark.parametrize(("memory", "models"), [(64, 6), (256, 8), (1024, 12)])
def test_prompt_caches_of_models_on_many_cards_take_at_most_a_quarter(memory, models):
    """More cards hold more models, and none of them gets a smaller cache for that."""
    made = case(memory * GIB, [gpu(24 * GIB, index) for index in range(4)])
    found = fill(made, 16)
    assert found[LOADED] == str(models)
    assert found[CACHE] == fill(case(memory * GIB, [gpu(24 * GIB)]), 16)[CACHE]
    assert budget_of(made)["cache_bytes"] <= memory * GIB // 4
    assert ("a quarter of the host's memory" in reason(made, LOADED)) is (models < 12)


def test_prompt_caches_beyond_the_memory_are_warned_of():
    """The operator's number stands, with the largest that fits beside it."""
    made = case(64 * GIB, [gpu(24 * GIB)], cache_ram_bytes=32 * GIB)
    assert fill(made, 8)[CACHE] == "32768"
    (warning,) = made.notes.warnings
    assert warning["code"] == "budget-exceeded"
    assert f"ollama_cache_ram_bytes: {56 * GIB // 3}" in warning["remedy"]


def test_prompt_caches_leave_the_models_less_of_the_host():
    """On a host without GPU both lie in the same memory."""
    small, large = (case(64 * GIB, cache_ram_bytes=size, max_loaded_models=3) for size in (0, 8 * GIB))
    fill(small, 8)
    fill(large, 8)
    assert budget_of(small)["usable_bytes"] - budget_of(large)["usable_bytes"] == 24 * GIB


def test_a_free_word_on_the_prompt_cache_counts_too():
    """And two words on it are refused."""
    made = case(64 * GIB, environment={CACHE: "8192"}, max_loaded_models=3)
    fill(made, 8)
    assert budget_of(made)["cache_bytes"] == 3 * 8 * GIB
    made = case(64 * GIB, environment={CACHE: "8192"}, cache_ram_bytes=0)
    fill(made, 8)
    assert made.notes.errors == [
        f"ollama_environment.{CACHE}: contradicts ollama_cache_ram_bytes: 0; set only one of them"
    ]


def test_every_option_of_capacity_is_written_as_given():
    """The operator's value wins over every rule."""
    made = case(
        256 * GIB,
        num_parallel=5,
        max_loaded_models=7,
        keep_alive="2h",
        context_length=9999,
        cache_ram_bytes=512 << 20,
        max_queue=64,
    )
    found = fill(made, 16)
    names = [PARALLEL, LOADED, KEEP, CONTEXT, CACHE, QUEUE]
    assert [found[name] for name in names] == ["5", "7", "2h", "9999", "512", "64"]
    assert {source(made, name) for name in names} == {"operator"}
    assert warned(made) == []


def test_options_beyond_the_budget_are_kept_with_a_warning():
    """The remedy names the largest value of each that fits beside the others."""
    made = case(cards=[gpu(24 * GIB)], num_parallel=10, context_length=32768, reference_models=[LLAMA_8B])
    found = fill(made, 16)
    assert (found[PARALLEL], found[CONTEXT]) == ("10", "32768")
    (warning,) = made.notes.warnings
    assert warning["code"] == "budget-exceeded"
    assert "10 slot(s) of 32768 tokens need 45.7 GiB" in warning["message"]
    assert warning["remedy"] == "the most that fits is ollama_num_parallel: 4, or ollama_context_length: 14080"


def test_an_option_leaves_the_rest_to_the_objective():
    """Fewer slots leave room for longer contexts, and shorter contexts for more slots."""
    assert numbers(24, num_parallel=2, reference_models=[LLAMA_8B]) == (2, 49152, 1)
    assert numbers(24, context_length=4096) == (14, 4096, 3)


def test_a_context_beyond_training_is_questioned():
    """The server does not exceed what the models were trained for."""
    made = case(cards=[gpu(80 * GIB)], context_length=65536, reference_models=[QWEN_7B])
    assert fill(made, 16)[CONTEXT] == "65536"
    assert warned(made) == ["context-beyond-training"]


def test_a_quantised_cache_holds_more():
    """The KV cache is 34 of 64 of its size, if flash attention is certain to be on."""
    own = [gpu(int(23.6 * GIB))]
    made = case(cards=own, kv_cache_type="q8_0", reference_models=[LLAMA_8B])
    fill(made, 16)
    assert budget_of(made)["kv_bytes"] == 8 * 24576 * 131072 * 34 // 64
    made = case(cards=[gpu(int(23.6 * GIB), compute=None)], kv_cache_type="q8_0", reference_models=[LLAMA_8B])
    fill(made, 16)
    assert budget_of(made)["kv_bytes"] % 131072 == 0
    assert budget_of(made)["overhead_bytes"] > 131072 * 8192


@pytest.mark.parametrize(("index", "models"), [(0, "3"), (1, "2"), (2, "2")])
def test_the_host_s_total_of_models_is_divided_among_instances(index, models):
    """The first ones take the remainder."""
    made = case(place=(index, 3), max_loaded_models=7)
    assert fill(made, 16)[LOADED] == models
    assert "3 instances" in reason(made, LOADED)


@pytest.mark.parametrize(
    "entry", [{"max_loaded_models": 4}, {"environment": {LOADED: "4"}}], ids=["variable", "environment"]
)
def test_a_number_in_the_list_of_instances_is_not_divided(entry):
    """A value in the list of instances holds for that instance alone."""
    made = plan(xeon(), max_loaded_models=4, instances=[{"name": "a"}, {"name": "b", **entry}])
    assert [instance["environment"][LOADED] for instance in instances(made)] == ["2", "4"]


def test_fewer_models_than_instances_are_refused():
    """Each instance holds at least one; one error covers all of them."""
    made = case(place=(1, 3), max_loaded_models=2)
    fill(made, 16)
    (error,) = made.notes.errors
    assert error.startswith("ollama_max_loaded_models: 2 is the host's total, and each of its 3 instances")


def test_the_queue_is_left_to_the_server():
    """Whatever the objective: more waiting helps nobody whose patience ends."""
    made = case(objective="throughput")
    assert QUEUE not in fill(made, 16)
    assert "512 requests wait by default" in reason(made, QUEUE)


def test_a_queue_shorter_than_the_slots_is_questioned():
    """A burst that could be served would be turned away."""
    made = case(max_queue=2, max_loaded_models=3)
    assert fill(made, 16)[QUEUE] == "2"
    assert warned(made) == ["queue-shorter-than-slots"]


def test_the_queue_is_not_written_before_its_variable_exists():
    """Before 0.1.34."""
    made = case(release="0.1.33", max_queue=64)
    assert QUEUE not in fill(made, 16)
    assert source(made, QUEUE) == "contract"


@pytest.mark.parametrize(
    ("release", "setting", "value"),
    [("0.34.1", TARGET, "2048"), ("0.24.0", OVERHEAD, str(GIB)), (None, OVERHEAD, None)],
)
def test_a_display_keeps_a_gibibyte_of_its_card(release, setting, value):
    """In the variable that acts on the release; with the release unknown, in neither."""
    made = case(cards=[gpu(24 * GIB, display_active=True)], release=release)
    found = fill(made, 16)
    assert {name: found[name] for name in (OVERHEAD, TARGET) if name in found} == ({setting: value} if value else {})
    assert source(made, setting) == ("policy" if value else "contract")


def test_a_reserve_leaves_the_models_less():
    """What is kept free is not planned with."""
    made = case(cards=[gpu(8 * GIB)], gpu_reserve_bytes=3 * GIB)
    assert fill(made, 16)[TARGET] == "4096"
    assert budget_of(made)["usable_bytes"] == 4 * GIB
    assert source(made, TARGET) == "operator"


@pytest.mark.parametrize(
    ("cards_", "options"),
    [([], {}), ([], {"gpu_reserve_bytes": GIB}), ([gpu(8 * GIB)], {}), ([gpu(8 * GIB)], {"gpu_reserve_bytes": 0})],
)
def test_nothing_is_written_where_nothing_is_reserved(cards_, options):
    """The server's own margin applies."""
    assert TARGET not in fill(case(cards=cards_, **options), 16)


def test_a_reserve_of_the_whole_card_is_refused():
    """The server would take the difference for an enormous number."""
    made = case(cards=[gpu(8 * GIB)], gpu_reserve_bytes=8 * GIB)
    fill(made, 16)
    (error,) = made.notes.errors
    assert error.startswith("ollama_gpu_reserve_bytes: 8589934592 leaves nothing of Card 0")


@pytest.mark.parametrize(
    ("release", "setting", "value"), [("0.34.1", TARGET, "3072,0"), ("0.24.0", OVERHEAD, str(2 * GIB))]
)
def test_a_free_word_on_the_reserve_counts_too(release, setting, value):
    """And two words on it are refused."""
    made = case(cards=[gpu(8 * GIB)], release=release, environment={setting: value})
    assert fill(made, 16)[setting] == value
    assert budget_of(made)["usable_bytes"] == 5 * GIB
    made = case(cards=[gpu(8 * GIB)], release=release, environment={setting: value}, gpu_reserve_bytes=0)
    fill(made, 16)
    assert made.notes.errors == [
        f"ollama_environment.{setting}: contradicts ollama_gpu_reserve_bytes: 0; set only one of them"
    ]


@pytest.mark.parametrize(
    ("host", "url", "exposed"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434", False),
        ("localhost", "http://localhost:11434", False),
        ("0.0.0.0:8080", "http://127.0.0.1:8080", True),
        ("[::]:11434", "http://[::1]:11434", True),
        ("[::1]:11434", "http://[::1]:11434", False),
        ("10.1.2.3", "http://10.1.2.3:11434", True),
        (":8200", "http://127.0.0.1:8200", True),
        ("::", "http://[::1]:11434", True),
        ("::1", "http://[::1]:11434", False),
        ("http://0.0.0.0:8080/", "http://127.0.0.1:8080", True),
        ("[fe80::1%eth0]:11434", "http://[fe80::1%25eth0]:11434", True),
    ],
)
def test_an_address_for_others_needs_a_word_and_is_asked_on_the_local_one(host, url, exposed):
    """No release checks a key, so an address that others can reach is planned with a declared guard alone."""
    made = plan(xeon(), host=host, exposure="gateway")
    assert instances(made)[0]["url"] == url
    assert [each["value"] for each in made["decisions"] if each["kind"] == "exposure"] == ["gateway"] * exposed
    if exposed:
        with pytest.raises(PlanError, match="ollama_exposure: gateway"):
            plan(xeon(), host=host)


def test_the_key_stays_out_of_the_plan():
    """The plan knows that there is one, names its file and says what the key is for."""
    made = plan(xeon(), api_key=True)
    assert instances(made)[0]["directives"]["LoadCredential"] == "ollama.env:/etc/ollama/secrets.env"
    assert "OLLAMA_API_KEY" not in instances(made)[0]["environment"]
    assert "api-key-protects-nothing" in codes(made)


def test_limits_of_a_server():
    """Open files, and last in line when memory runs out."""
    service = instances(plan(xeon()))[0]["directives"]
    assert (service["LimitNOFILE"], service["OOMScoreAdjust"]) == (65535, -500)


@pytest.mark.parametrize(
    ("release", "options", "limit"),
    [
        ("0.34.1", {}, None),
        ("0.34.1", {"load_mode": "mmap+mlock"}, "infinity"),
        ("0.34.1", {"load_mode": "mmap"}, None),
        ("0.31.0", {"load_mode": "mlock"}, None),
        ("0.31.0", {"environment": {"LLAMA_ARG_MLOCK": "1"}}, "infinity"),
        ("0.31.0", {"environment": {"LLAMA_ARG_MLOCK": "0"}}, None),
        ("0.6.9", {}, None),
        ("0.6.8", {}, "infinity"),
        (None, {}, None),
    ],
)
def test_memory_may_be_locked_where_something_locks_it(release, options, limit):
    """The limit alone locks nothing; up to 0.6.8 a model or a request can ask for it."""
    machine = cards(24)
    machine["software"]["ollama"] = None
    made = plan(machine, release, **options)
    assert decision(made, "LimitMEMLOCK")["value"] == limit


@pytest.mark.parametrize(
    "machine", [topology(cores=4, memory_gib=16), cards(8, display_active=True)], ids=["small", "display"]
)
def test_a_desktop_is_not_killed_in_the_server_s_place(machine):
    """On a host that somebody sits at, the server is the one to go."""
    assert "OOMScoreAdjust" not in instances(plan(machine))[0]["directives"]


def test_limits_of_the_operator_s_win():
    """Also where the rule would write nothing."""
    service = instances(plan(topology(cores=4), limit_nofile=4096, oom_score_adjust=-1000))[0]["directives"]
    assert (service["LimitNOFILE"], service["OOMScoreAdjust"]) == (4096, -1000)


def test_a_named_binary_is_started():
    """The unit's own command stands unless there is a reason to replace it."""
    service = instances(plan(topology(cores=4), binary_path="/opt/ollama/bin/ollama"))[0]["directives"]
    assert service["ExecStart"] == ["/opt/ollama/bin/ollama", "serve"]
    assert "ExecStart" not in instances(plan(topology(cores=4), binary_path="/usr/local/bin/ollama"))[0]["directives"]


def test_load_mode_says_where_it_does_not_act():
    """Before 0.32.6 nobody reads it; on a host without GPU the server's own argument wins."""
    assert "load-mode-not-settable" in codes(plan(xeon(), "0.31.0", load_mode="mlock"))
    assert "load-mode-overridden" in codes(plan(xeon(), load_mode="mlock"))
    made = plan(cards(24), load_mode="mmap+mlock")
    assert instances(made)[0]["environment"]["LLAMA_ARG_LOAD_MODE"] == "mmap+mlock"
    assert "load-mode-overridden" not in codes(made)
    assert "locks" in decision(made, "LimitMEMLOCK")["reason"]
