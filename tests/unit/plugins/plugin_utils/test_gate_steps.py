# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a change is measured, on which host, and what comes next (_gate_steps.py)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._gate_steps import (
    ROUNDS,
    gate_errors,
    gate_step,
    gate_turn,
    gate_verdict,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import models_question
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import (
    DEFAULTS,
    DROPIN,
    SLICE,
    after,
    desired,
    found,
)
from ansible_collections.inference.ollama.tests.unit.support.gates import benchmark
from ansible_collections.inference.ollama.tests.unit.support.plans import card, workstation, xeon

MODEL = "llama3.2:3b"
ON = {"gate": True, "benchmark_model": MODEL}
STEADY = [99, 101, 100, 100, 98, 102, 100, 100, 99, 101]
WILD = [30, 170, 60, 140, 100, 20, 180, 90, 110, 100]
STORE = {"stores": [{"path": "/srv/models", "readable": True}], "models": [{"name": "other:latest"}], "problems": []}
UNITS = [{"unit": "ollama.service", "url": "http://127.0.0.1:11434"}]


def gate(**said):
    """What desired_state() says of the gate for a host whose change is to be measured."""
    made = {
        "reason": None,
        "key": "k",
        "model": MODEL,
        "objective": "throughput",
        "tolerance_percent": 5,
        "seconds": 20,
        "slots": 4,
        "running": ["ollama.service"],
        "restarts": True,
        "lockstep": True,
    }
    return {**made, **said}


def host(state=None, *, pending=True, **said):
    return {"__ollama": {"gate": gate(**said), "pending": pending, "units": UNITS}, "__ollama_gate": state}


def service(*environments):
    """What service_info returns of servers with these variables; None for one that does not run."""
    instances = [
        {
            "unit": f"ollama@{number}.service",
            "processes": None if environment is None else [{"kind": "server", "environment": environment}],
        }
        for number, environment in enumerate(environments)
    ]
    return {"service": {"instances": instances}}


def begun(**said):
    """The state of a host that has begun to measure before its change."""
    return gate_step(gate_turn({"a": host(**said)}, "a"), service({"OLLAMA_NUM_PARALLEL": "2"}))


def measured(state, *answers):
    """The state after some measurements, of which none is left over."""
    for answer in answers:
        assert state["next"] is not None
        state = gate_step(state, answer)
    return state


@pytest.mark.parametrize(
    ("options", "models", "words"),
    [
        (
            {"gate": True},
            None,
            "ollama_gate: with true each change is measured with a model, and ollama_benchmark_model",
        ),
        ({"gate": "yes"}, None, "ollama_gate: with true"),
        ({"gate": True, "benchmark_model": "a b"}, None, "ollama_benchmark_model: 'a b' is not the name of a model"),
        (
            ON,
            STORE,
            "'llama3.2:3b' is not in the store /srv/models, so that nothing could be measured with it; it has other",
        ),
        (ON, {**STORE, "models": []}, "so that nothing could be measured with it; it has none"),
        (ON, {**STORE, "models": [{"name": MODEL, "source": "file"}]}, "it has none"),
    ],
)
def test_a_gate_that_could_not_measure_is_refused(options, models, words):
    """With the option, its value and what is allowed."""
    (said,) = gate_errors(options, models)
    assert words in said


@pytest.mark.parametrize(
    ("options", "models"),
    [
        ({}, None),
        ({"gate": False}, STORE),
        ({"gate": "perhaps"}, STORE),
        (ON, None),
        (ON, {}),
        (ON, {**STORE, "models": [{"name": "LLAMA3.2:3b"}]}),
        (ON, {**STORE, "problems": ["a manifest cannot be read"]}),
        (ON, {**STORE, "stores": [{"path": "/srv/models", "readable": None}]}),
    ],
)
def test_what_is_not_asked_for_or_not_known_is_not_refused(options, models):
    """A model that could not be read may be the one, and a value that is no truth value is refused elsewhere."""
    assert list(gate_errors(options, models)) == []


def test_it_is_refused_with_all_else():
    """In one message, in check mode too, and also where there is no plan."""
    for check_mode in (False, True):
        said = desired(gate=True, start_timeout=0, check_mode=check_mode)["refusals"]
        assert [line.partition(":")[0] for line in said] == ["ollama_start_timeout", "ollama_gate"]


def test_the_store_is_read_for_it():
    """Where the role may change the host, and not without the gate."""
    assert models_question(xeon(), {**DEFAULTS, **ON}, found()) == {"stores": ["~root/.ollama/models"]}
    assert models_question(xeon(), {**DEFAULTS, **ON}, found(), preflight=False) is None
    assert models_question(xeon(), DEFAULTS, found()) is None


def test_what_is_measured_is_in_the_desired_state():
    """By the variables and the plan; without the gate there is nothing."""
    assert desired()["gate"] is None
    made = desired(**ON, num_parallel=3, gate_seconds=9, gate_tolerance=7, objective="throughput")["gate"]
    assert (made["reason"], made["model"], made["objective"]) == (None, MODEL, "throughput")
    assert (made["seconds"], made["tolerance_percent"], made["restarts"]) == (9, 7, True)
    instances = desired(**ON, num_parallel=3, objective="throughput")["plan"]["instances"]
    assert (made["slots"], made["running"]) == (3 * len(instances), ["ollama.service"])


@pytest.mark.parametrize(
    ("said", "options", "reason"),
    [
        ({}, {}, None),
        ({"active": []}, {}, "no server ran before"),
        ({"active": None}, {}, "which servers ran before is not known"),
        ({}, {"staging_root": "/srv/staging"}, "nothing runs here"),
    ],
)
def test_why_a_change_is_not_measured(said, options, reason):
    """There has to be something to compare with."""
    assert desired(found(**said), **ON, **options)["gate"]["reason"] == reason


def test_only_what_may_act_on_speed_is_measured():
    """A new weight is, though it restarts nothing; a start at boot is not, nor is a run with nothing to do."""
    state = desired(**ON)
    assert desired(after(state), **ON)["gate"]["reason"] == "nothing of it acts on speed"
    weight = desired(after(state), **ON, cpu_weight=77)
    assert (weight["changes"], weight["gate"]["reason"], weight["gate"]["restarts"]) == ([SLICE], None, False)
    boot = desired({**after(state), "boot_links": []}, **ON)
    assert (boot["start"], boot["gate"]["reason"]) == (["ollama.service"], "nothing of it acts on speed")
    kernel = desired(after(state), **ON, transparent_hugepage="never")
    assert (bool(kernel["kernel"]), kernel["gate"]["reason"]) == (True, None)
    assert DROPIN not in weight["changes"]


def test_hosts_of_one_key_get_the_same():
    """Names of cards are each host's own; other settings, files to change, models or objectives make another."""
    cards = [workstation(card(0, uuid=f"GPU-{number}")) for number in (1, 2)]
    one, two = (desired(topology=each, **ON, cuda_visible_devices=[0])["gate"]["key"] for each in cards)
    assert one == two
    tuned = after(desired(topology=cards[0], **ON, cuda_visible_devices=[0], num_threads=2))
    assert desired(tuned, topology=cards[0], **ON, cuda_visible_devices=[0])["gate"]["key"] != one
    for other in ({"num_threads": 3}, {"objective": "latency"}, {"benchmark_model": "b"}):
        assert desired(topology=cards[0], **{**ON, **other}, cuda_visible_devices=[0])["gate"]["key"] != one


def test_the_first_host_of_its_hardware_is_measured():
    """The others wait for its verdict; one of other hardware, or whose change is not measured, does not count."""
    hosts = {
        "a": host(reason="no server ran before"),
        "b": host(key="other"),
        "c": host(pending=False),
        "d": host(),
        "e": host(),
        "f": {},
    }
    turns = {name: gate_turn(hosts, name) for name in "abde"}
    assert {name: (turn["by"], bool(turn["next"])) for name, turn in turns.items()} == {
        "a": ("a", False),
        "b": ("b", True),
        "d": ("d", True),
        "e": ("d", False),
    }
    assert turns["d"]["next"] == {"phase": "look", "units": [{"unit": "ollama.service"}]}
    assert turns["a"]["would"] == "the change would not be measured: no server ran before"
    assert turns["e"]["would"] == "d would be measured for e"
    assert turns["d"]["would"] == (
        "the servers would be measured before and after the change with llama3.2:3b at 4 requests at a time, for 20 s"
        " and up to 3 times each, and the change taken back where they are slower by more than 5 %"
    )
    assert "at 1 request at a time" in gate_turn({"a": host(objective="latency")}, "a")["would"]


def test_where_hosts_do_not_wait_each_measures_itself_until_there_is_a_verdict():
    """As with the strategy free."""
    fresh = {"a": host(lockstep=False), "b": host(lockstep=False)}
    assert gate_turn(fresh, "b")["by"] == "b"
    under_way = {**fresh, "a": host(begun(), lockstep=False)}
    assert gate_turn(under_way, "b")["by"] == "b"
    done = {**fresh, "a": host(measured(begun(), benchmark(STEADY), benchmark(STEADY)), lockstep=False)}
    assert gate_turn(done, "b")["by"] == "a"


@pytest.mark.parametrize(
    ("objective", "environments", "concurrency"),
    [
        ("latency", [{"OLLAMA_NUM_PARALLEL": "8"}], 1),
        ("balanced", [{}], 4),
        ("throughput", [{"OLLAMA_NUM_PARALLEL": "2"}, {"OLLAMA_NUM_PARALLEL": "6"}], 8),
        ("throughput", [{"OLLAMA_NUM_PARALLEL": "many"}, None], 4),
    ],
)
def test_what_is_measured_depends_on_the_objective(objective, environments, concurrency):
    """One request at a time for latency; else as many as the servers take, the more of before and after."""
    state = gate_step(gate_turn({"a": host(objective=objective)}, "a"), service(*environments))
    options = state["next"]["options"]
    assert (state["next"]["phase"], options["concurrency"], options["duration"]) == ("before", [concurrency], 20)
    assert ("goodput" in options) is (objective == "balanced")


def test_the_servers_of_before_are_measured_where_they_listen():
    """By what their processes have; those of after by the plan."""
    state = gate_step(
        gate_turn({"a": host()}, "a"), service({"OLLAMA_HOST": "0.0.0.0:11500"}, {"OLLAMA_HOST": "[::1]:11501"})
    )
    assert state["next"]["units"] == [
        {"unit": "ollama@0.service", "url": "http://127.0.0.1:11500"},
        {"unit": "ollama@1.service", "url": "http://[::1]:11501"},
    ]
    state = gate_step(state, benchmark(STEADY))
    assert (state["next"]["phase"], state["next"]["units"]) == ("after", UNITS)


@pytest.mark.parametrize("answer", [service(None), service(), {"service": None}, {}])
def test_servers_that_cannot_be_found_are_not_measured(answer):
    """It says so, and the change is kept."""
    state = gate_step(gate_turn({"a": host()}, "a"), answer)
    assert (state["next"], state["reason"]) == (None, "where the servers listened before could not be read")


def test_before_and_after_get_the_same_prompts():
    """Where the change restarts nothing they are others of the same length, since the server may keep the first."""
    for restarts, equal in ((True, True), (False, False)):
        before = begun(restarts=restarts)
        now = measured(before, benchmark(STEADY))
        one, two = (state["next"]["options"] for state in (before, now))
        assert (one == two) is equal
        assert {**one, "seed": 0} == {**two, "seed": 0}


def test_a_steady_server_is_measured_once_each():
    """And nothing is measured after the verdict is clear."""
    state = measured(begun(), benchmark(STEADY), benchmark(STEADY))
    assert (state["next"], state["again"]) == (None, False)
    assert gate_verdict({"a": {"__ollama_gate": state}}, "a")["verdict"] == "kept"


@given(st.lists(st.lists(st.floats(1, 1000), min_size=10, max_size=10), min_size=6, max_size=6))
def test_measuring_ends(series):
    """After at most three rounds of each side, no more after than before, each with prompts of its own."""
    state, seeds = begun(), {"before": [], "after": []}
    for each in series:
        if state["next"] is None:
            break
        seeds[state["next"]["phase"]].append(state["next"]["options"]["seed"])
        state = gate_step(state, benchmark(each))
    assert state["next"] is None
    assert 1 <= len(seeds["after"]) <= len(seeds["before"]) <= ROUNDS
    for each in seeds.values():
        assert each == list(range(1, len(each) + 1))


def test_a_doubtful_verdict_is_measured_again():
    """Where the interval holds the tolerance, as long as there are rounds of before to compare with."""
    noisy = [100, 80, 120, 90, 110, 100, 85, 115, 95, 105]
    state = measured(begun(), *[benchmark(noisy)] * 3)
    doubtful = gate_step(state, benchmark([value * 0.93 + shift for value, shift in zip(noisy, [5, -5] * 5)]))
    assert doubtful["again"]
    assert not gate_step(state, benchmark([value * 0.5 for value in noisy]))["again"]


@pytest.mark.parametrize(("factor", "least", "most"), [(1.1, 0, 0.02), (1, 0, 0.06), (0.9, 0.85, 1), (0.8, 0.97, 1)])
@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_how_often_changes_are_taken_back(factor, least, most, noise):
    """Of 300 servers whose windows vary by so much, and whose runs vary by 2 % among each other."""
    taken_back = 0
    for seed in range(300):
        draw, state = random.Random(seed), begun()
        while state["next"] is not None:
            rate = 100 * draw.gauss(1, 0.02) * (factor if state["next"]["phase"] == "after" else 1)
            state = gate_step(state, benchmark([rate * max(0.05, draw.gauss(1, noise)) for _window in range(10)]))
        taken_back += gate_verdict({"a": {"__ollama_gate": state}}, "a")["verdict"] == "slower"
    assert least <= taken_back / 300 <= most


def test_a_model_that_could_not_be_measured_before_decides_nothing():
    """The first time; a later round that fails is one round less."""
    failed = {"error": "the model was not loaded: it did not answer"}
    state = measured(begun(), failed)
    verdict = gate_verdict({"a": {"__ollama_gate": state}}, "a")
    assert verdict["verdict"] == "not_measured"
    assert verdict["text"] == (
        "not measured, the model could not be measured before: the model was not loaded: it did not answer"
    )
    state = measured(begun(), benchmark(WILD), failed)
    assert (len(state["before"]), state["next"]["phase"]) == (1, "after")


def test_a_model_that_loads_before_and_not_after_is_slower():
    """It is taken back, with what was measured before."""
    state = measured(begun(), benchmark(STEADY), {"error": "the model was not loaded: out of memory"})
    verdict = gate_verdict({"a": {"__ollama_gate": state}}, "a")
    assert (state["next"], verdict["verdict"]) == (None, "slower")
    assert verdict["sentence"] == (
        "after the change the server could not be measured, as it could before (100 tokens/s with llama3.2:3b at 4"
        " requests at a time): the model was not loaded: out of memory"
    )


def test_the_verdict_of_the_first_counts_for_all():
    """With its figures, and its name."""
    state = measured(begun(), benchmark(STEADY), benchmark([value * 0.5 for value in STEADY]))
    hosts = {"a": host(state), "b": host()}
    hosts["b"]["__ollama_gate"] = gate_turn(hosts, "b")
    own, other = (gate_verdict(hosts, name) for name in "ab")
    assert (own["verdict"], own["measured_on"], own["host"]) == ("slower", None, "a")
    assert (other["verdict"], other["measured_on"], other["host"]) == ("slower", "a", "b")
    assert "(-50 %)" in other["sentence"]
    assert (
        "at 4 requests at a time on a, which has the same hardware; ollama_gate_tolerance is 5 %" in other["sentence"]
    )


@pytest.mark.parametrize("first", [None, begun()])
def test_a_first_host_that_failed_leaves_the_others_unmeasured(first):
    """What failed on it is no verdict on their speed."""
    hosts = {"a": host(first), "b": host()}
    hosts["b"]["__ollama_gate"] = gate_turn(hosts, "b")
    verdict = gate_verdict(hosts, "b")
    assert (verdict["verdict"], verdict["reason"]) == ("not_measured", "a failed before it had a verdict")
    del hosts["a"]
    assert gate_verdict(hosts, "b")["reason"] == "a failed before it had a verdict"


def test_a_host_that_was_not_measured_after_its_change_says_so():
    """As where somebody asks for a part of the role alone."""
    assert gate_verdict({"a": {"__ollama_gate": begun()}}, "a")["reason"] == "it was not measured after the change"
