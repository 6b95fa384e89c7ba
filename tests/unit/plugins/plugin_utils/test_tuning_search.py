# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next step of a search, and its end, from what has been measured."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import Budget
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.proof import judge
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.search import run, tuning_step
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.space import tuning_space
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

HOST = xeon()
KNOBS = ["flash_attention", "kv_cache_type", "num_threads", "num_parallel", "context_length"]
SPACE = tuning_space(
    HOST,
    {"version": "0.34.1", "objective": "throughput"},
    {"knobs": KNOBS, "kv_cache_types": ["q8_0"], "context_minimum": 4096},
)


def curve(settings):
    """Best with 12 threads and 8 slots."""
    threads, slots = settings["num_threads"], settings["num_parallel"]
    rate = min(threads, 12) * (1 - 0.04 * max(0, threads - 12)) * min(slots, 8) * (1 - 0.05 * max(0, slots - 8))
    return max(0.5, rate) * (1 if settings["flash_attention"] else 0.4)


def measured(step, value, **changed):
    """The trial of a step."""
    error = None if value is None else value * 0.01
    failed = None if value is not None else "the model did not load"
    found = {"value": value, "std_error": error, "output_token_throughput": value, "failed": failed, "seconds": 30.0}
    return {**{name: step[name] for name in ("number", "settings", "phase")}, **found, **changed}


def searched(rate=curve, budget=None, space=None):
    """The steps of a whole search, each asked for with the history as JSON has it."""
    history, steps = [], []
    while True:
        step = tuning_step(
            json.loads(json.dumps(history)), space or SPACE, {**(budget or {}), "minutes_used": len(history) / 2}
        )
        steps.append(step)
        if step["done"]:
            return steps, history
        history.append(measured(step, rate(step["settings"])))


def test_the_plan_is_measured_first():
    """Without anything to compare with, and nothing may end it early."""
    step = tuning_step([], SPACE, {"points": 10})
    assert (step["number"], step["settings"], step["start"], step["phase"]) == (1, SPACE["start"], True, "explore")
    assert (step["give_up_below"], step["concurrency"]) == (None, SPACE["concurrency"])


def test_a_search_ends_with_the_best_settings():
    """The proof is in pairs, the plan first, both with the same seed."""
    steps, history = searched()
    end = steps[-1]
    assert (end["stop"]["reason"], end["proven"]) == ("converged", True)
    assert (end["settings"]["num_threads"], end["settings"]["num_parallel"]) == (12, 8)
    pairs = [step for step in steps[:-1] if step["phase"] == "pair"]
    assert [step["start"] for step in pairs] == [True, False] * (len(pairs) // 2)
    assert all(one["seed"] == other["seed"] for one, other in zip(pairs[::2], pairs[1::2]))
    assert len({step["seed"] for step in steps[:-1]}) == len(history) - len(pairs) // 2
    assert all(step["give_up_below"] is None for step in pairs)
    assert len({json.dumps(step["settings"]) for step in steps[:-1]}) <= SPACE["grid"] / 4


def test_hopeless_points_may_end_early():
    """Half of the best so far is the bound."""
    steps, history = searched()
    best = 0.0
    for step, trial in zip(steps, history):
        if step["phase"] == "explore" and best:
            assert step["give_up_below"] == best / 2
        best = max(best, trial["value"])


def test_what_fails_is_never_best_and_not_tried_again():
    """A hole at the best threads, and slots above a bound: the neighbours are found."""

    def rate(settings):
        return None if settings["num_threads"] in (11, 12) or settings["num_parallel"] > 6 else curve(settings)

    steps, history = searched(rate)
    failed = [json.dumps(trial["settings"]) for trial in history if trial["value"] is None]
    assert len(failed) == len(set(failed)) > 0
    assert (steps[-1]["settings"]["num_threads"], steps[-1]["settings"]["num_parallel"]) == (13, 6)


def test_a_start_that_fails_ends_the_search():
    steps, _history = searched(lambda _settings: None)
    assert steps[-1]["stop"] == {
        "reason": "start_failed",
        "message": "the plan as it is: the model did not load",
    }
    assert not steps[-1]["proven"]


def test_without_a_gain_the_settings_stay():
    """A server on which nothing matters."""
    steps, _history = searched(lambda _settings: 20.0)
    assert (steps[-1]["stop"]["reason"], steps[-1]["settings"]) == ("no_gain", SPACE["start"])


def test_nothing_to_search_is_an_end():
    step = tuning_step([], {**SPACE, "knobs": [], "grid": 1})
    assert (step["done"], step["stop"]["reason"]) == (True, "nothing_to_tune")


@pytest.mark.parametrize(("budget", "reason"), [({"points": 6}, "points"), ({"minutes": 9}, "minutes")])
def test_a_budget_that_is_used_up_ends_with_what_is_proven(budget, reason):
    """A part of the minutes is kept for the proof."""
    steps, history = searched(budget=budget)
    assert (steps[-1]["stop"]["reason"], steps[-1]["proven"]) == (reason, True)
    assert len(history) <= 18
    assert curve(steps[-1]["settings"]) > curve(SPACE["start"])


@pytest.mark.parametrize("minutes", [0.5, 1])
def test_too_few_minutes_end_with_the_plan(minutes):
    steps, _history = searched(budget={"minutes": minutes})
    assert (steps[-1]["stop"]["reason"], steps[-1]["settings"]) == ("minutes", SPACE["start"])


def test_minutes_that_end_within_the_pairs_leave_the_plan():
    """What is not proven is not kept."""
    steps, history = searched()
    pair = next(number for number, step in enumerate(steps) if step["phase"] == "pair")
    end = tuning_step(history[: pair + 1], SPACE, {"minutes": 5, "minutes_used": 5})
    assert (end["stop"]["reason"], end["settings"], end["proven"]) == ("minutes", SPACE["start"], False)


def test_the_best_settings_that_fail_in_the_proof_are_followed_by_the_next_ones():
    """They worked once, and not a second time."""
    first = searched()[0][-1]["settings"]
    pairs = []

    def ask(step):
        pairs.extend([step] if step["phase"] == "pair" else [])
        broken = step["phase"] == "pair" and step["settings"] == first
        return measured(step, None if broken else curve(step["settings"]))

    end = run([], SPACE, Budget(), ask)
    assert pairs[1]["settings"] == first != end.settings
    assert end.proven


def test_a_history_of_another_search_is_refused():
    """As after an upgrade of the collection, or with other options."""
    _steps, history = searched()
    history[1]["settings"] = {**history[1]["settings"], "num_threads": 1}
    with pytest.raises(OllamaError, match="its measurement 2 has other settings"):
        tuning_step(history, SPACE)


@pytest.mark.parametrize("budget", [{"points": 1.5}, {"minutes": -1}, {"minutes": "60"}, {"hours": 1}, [1]])
def test_a_budget_that_is_wrong_is_refused(budget):
    with pytest.raises(OllamaError, match="budget"):
        tuning_step([], SPACE, budget)


@settings(max_examples=examples(25), deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    some=st.lists(st.one_of(st.none(), st.floats(0, 1e12)), min_size=1, max_size=5),
    points=st.integers(1, 40),
    cut=st.integers(0, 300),
)
def test_whatever_is_measured_the_search_goes_on_from_its_history(seed, some, points, cut):
    """It ends within its points, within its bounds, with nothing that always failed; and a replay asks for the same."""
    history, draw = [], random.Random(seed)

    def ask(step):
        history.append(measured(step, draw.choice(some)))
        return history[-1]

    end = run([], SPACE, Budget(points=points), ask)
    assert len({json.dumps(trial["settings"]) for trial in history}) <= points
    for trial in history:
        for knob in SPACE["knobs"]:
            value = trial["settings"][knob["name"]]
            assert value in knob["values"] or knob["low"] <= value <= knob["high"]
        assert trial["settings"]["flash_attention"] or trial["settings"]["kv_cache_type"] == "f16"
    if end.proven:
        assert all(trial["value"] is not None for trial in history if trial["settings"] == end.settings)
    step = tuning_step(history[:cut], SPACE, {"points": points})
    if cut < len(history):
        assert (step["settings"], step["phase"]) == (history[cut]["settings"], history[cut]["phase"])
    else:
        assert (step["done"], step["settings"]) == (True, end.settings)


def test_pairs_are_judged():
    """A gain beyond noise, one within it, one that cannot be, and one from nothing."""
    assert judge([10.0, 10.1], [13.0, 13.1], 0.01)[0].proven
    assert judge([10.0, 10.1], [13.0, 13.1], 0.2) == (judge([10.0, 10.1], [13.0, 13.1], 0.2)[0], False)
    proof, decided = judge([10.0, 10.1, 9.9], [10.0, 10.1, 10.0], 0.01)
    assert (proof.proven, decided) == (False, True)
    assert judge([0.0, 0.0, 0.0], [5.0, 5.0, 5.0], 0.01)[0].proven
    assert not judge([0.0, 5.0, 0.0], [5.0, 5.0, 5.0], 0.01)[0].proven


def test_a_quantised_cache_and_flash_attention_are_tried_together():
    """Without flash attention it is a little faster, with it and the quantised cache much."""

    def rate(settings):
        both = settings["flash_attention"] and settings["kv_cache_type"] == "q8_0"
        return curve({**settings, "flash_attention": True}) * (
            1.5 if both else 1 if settings["flash_attention"] else 1.2
        )

    end = searched(rate)[0][-1]["settings"]
    assert (end["flash_attention"], end["kv_cache_type"]) == (True, "q8_0")


def test_servers_by_node_are_first_tried_with_the_threads_of_a_node():
    """The choice brings the other setting with it; from there on that is searched by itself."""
    knobs = [
        {"name": "instances", "kind": "choice", "start": "single", "low": None, "high": None}
        | {"values": ["single", "per_numa_node"], "limits": {"per_numa_node": {"num_threads": 14}}},
        {"name": "num_threads", "kind": "integer", "start": 28, "low": 1, "high": 28, "values": []},
    ]
    space = {**SPACE, "knobs": knobs, "start": {"instances": "single", "num_threads": 28}, "grid": 56}

    def rate(settings):
        return settings["num_threads"] * (1.0 if settings["instances"] == "single" else 3.0)

    steps, _history = searched(rate, space=space)
    assert steps[1]["settings"] == {"instances": "per_numa_node", "num_threads": 14}
    assert steps[-1]["settings"]["instances"] == "per_numa_node"
