# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook benchmark measures follows from the plan and the operator's variables, all of which are checked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.bounds import DEFAULTS
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.options import SPEC, check
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.limits import KINDS
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.request import benchmark_request, streams
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

PLAN = plan(xeon(), numa_node=1)
ASKED = {"model": "llama3.1:8b", "address": "node1.lan"}


def request(made=PLAN, stored=None, baseline=None, **asked):
    """What is measured with these variables."""
    return benchmark_request({**ASKED, **asked}, made, stored, baseline)


def refusals(**asked):
    """Why it is not."""
    return request(**asked)["refusals"]


def with_slots(*slots):
    """A plan of so many servers with these slots."""
    names = [f"node{number}" for number in range(len(slots))]
    return {
        "instances": [{"name": name, "unit": f"{name}.service", "host": "0.0.0.0", "port": 1} for name in names],
        "decisions": [
            {"instance": name, "setting": "OLLAMA_NUM_PARALLEL", "value": value} for name, value in zip(names, slots)
        ],
    }


@pytest.mark.parametrize(
    ("slots", "found"),
    [
        ((1,), [1, 2]),
        ((2,), [1, 2, 4]),
        ((6,), [1, 2, 4, 6, 12]),
        ((8,), [1, 2, 4, 8, 16]),
        ((4, 4), [1, 2, 4, 8, 16]),
        ((None, "x"), [1, 2, 4]),
        ((4096,), [1 << power for power in range(13)]),
    ],
)
def test_streams_go_up_to_twice_the_planned_slots(slots, found):
    """Of all servers; one whose slots are not known has one."""
    assert streams(with_slots(*slots)) == found


def test_without_variables_there_is_one_measurement():
    """At the streams that the plan is for, with time for every point."""
    found = request()
    (options,) = found["measurements"]
    assert options == {
        "model": "llama3.1:8b",
        "concurrency": streams(PLAN),
        "max_duration": 300 + 60 * len(streams(PLAN)),
    }
    assert (found["refusals"], found["urls"], found["from"]) == ([], [], "host")
    assert any("would send requests 1 at a time" in each for each in found["would"])


def test_every_variable_reaches_the_module():
    """As numbers, also where -e made texts of them."""
    found = request(
        models="a, b,a",
        concurrency="1,2",
        request_rate="0.5",
        arrival="constant",
        prompt_tokens="64",
        output_tokens=32.0,
        prompt_cache="use",
        warmup_requests="0",
        seconds="10",
        requests="50",
        max_duration="99",
        request_timeout="5",
        goodput='{"request_latency_ms": 900}',
        seed="7",
        **{"from": "controller"},
        local=True,
    )
    assert found["refusals"] == []
    assert [each["model"] for each in found["measurements"]] == ["a", "b"]
    assert found["measurements"][0] == {
        "model": "a",
        "concurrency": [1, 2],
        "request_rate": [0.5],
        "arrival": "constant",
        "prompt_tokens": 64,
        "output_tokens": 32,
        "prompt_cache": "use",
        "warmup_requests": 0,
        "duration": 10.0,
        "requests": 50,
        "max_duration": 99.0,
        "request_timeout": 5.0,
        "goodput": {"request_latency_ms": 900.0},
        "seed": 7,
    }
    given_options = {name: spec.get("default") for name, spec in SPEC.items()}
    check({**given_options, **found["measurements"][0]})


def test_rates_alone_are_an_open_loop_alone():
    """No streams are added to what was asked for."""
    (options,) = request(request_rate=[1])["measurements"]
    assert "concurrency" not in options


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "concurrency",
            [0],
            "ollama_benchmark_concurrency: [0] is not allowed; allowed is a list of at most 50 whole numbers",
        ),
        (
            "concurrency",
            "many",
            "ollama_benchmark_concurrency: 'many' is not allowed; allowed is a list",
        ),
        ("concurrency", [1.5], "ollama_benchmark_concurrency: [1.5] is not allowed"),
        ("concurrency", [True], "ollama_benchmark_concurrency: [True] is not allowed"),
        (
            "request_rate",
            [-1],
            "ollama_benchmark_request_rate: [-1] is not allowed; allowed is a list of at most 50 numbers of requests",
        ),
        ("seconds", 0, "ollama_benchmark_seconds: 0 is not allowed; allowed is a number of seconds from 1 to 86400"),
        ("seconds", "soon", "ollama_benchmark_seconds: 'soon' is not allowed; allowed is a number of seconds"),
        ("seconds", True, "ollama_benchmark_seconds: True is not allowed"),
        (
            "requests",
            0,
            "ollama_benchmark_requests: 0 is not allowed; allowed is a whole number from 1 to 1000000",
        ),
        ("seed", 1.5, "ollama_benchmark_seed: 1.5 is not allowed; allowed is a whole number"),
        ("prompt_cache", "maybe", "ollama_benchmark_prompt_cache: 'maybe' is not allowed; allowed is defeat or use"),
        ("arrival", ["x"], "ollama_benchmark_arrival: ['x'] is not allowed"),
        ("goodput", "fast", "ollama_benchmark_goodput: 'fast' is not allowed; allowed is numbers above 0 by metric"),
        ("goodput", [1], "ollama_benchmark_goodput: [1] is not allowed"),
        ("goodput", {"speed": 1}, "ollama_benchmark_goodput: {'speed': 1} is not allowed"),
        ("from", "there", "ollama_benchmark_from: 'there' is not allowed; allowed is host or controller"),
        ("models", 7, "ollama_benchmark_models: 7 is not allowed; allowed is a list of names, or all"),
        ("models", "all", "ollama_benchmark_models: it is all, and no model was found"),
        ("models", ["a b"], "ollama_benchmark_models: 'a b' is not allowed; allowed is the name of a model"),
        ("model", "", "ollama_benchmark_model: it is empty, and so is ollama_benchmark_models"),
        ("urls", "http://x,ftp://y", "ollama_benchmark_urls: "),
        ("urls", "http://x,http://x/", "ollama_benchmark_urls: "),
        ("urls", 7, "ollama_benchmark_urls: "),
        ("urls", "http://me:secret@x", "ollama_benchmark_urls: it is not allowed; allowed is"),
        ("concurrency", [1] * 51, "ollama_benchmark_concurrency: "),
        ("goodput", {"request_latency_ms": -1}, "ollama_benchmark_goodput: "),
        ("measurable", False, "there is no ollama.service to measure"),
    ],
)
def test_what_is_wrong_is_refused_by_its_variable(variable, value, words):
    """With the value and what is allowed; nothing is measured then."""
    found = request(**{variable: value})
    assert any(each.startswith(words) for each in found["refusals"]), found["refusals"]
    assert (found["measurements"], found["would"]) == ([], [])


def test_all_of_it_is_refused_at_once():
    """A line each."""
    assert len(refusals(seconds="x", concurrency=[0, 9999], arrival="x", **{"from": "x"})) == 4


def test_all_models_are_those_of_the_store():
    """Sorted by name."""
    found = request(stored=["b", "a"], models="all")
    assert [each["model"] for each in found["measurements"]] == ["a", "b"]


def test_the_controller_needs_an_address_that_leads_to_the_server():
    """Loopback does not; every address stands for the host's own; other addresses may be named."""
    refused = refusals(**{"from": "controller"})
    assert refused[0].startswith(
        "ollama_benchmark_from: controller cannot reach ollama.service, which listens on 127.0.0.1"
    )
    opened = plan(xeon(), host="0.0.0.0:11435", exposure="trusted_network", numa_node=1)
    assert request(opened, **{"from": "controller"})["urls"] == ["http://node1.lan:11435"]
    assert request(**{"from": "controller"}, urls="http://a:1,http://b:2")["urls"] == ["http://a:1", "http://b:2"]
    named = plan(xeon(), host="192.0.2.7:11434", exposure="trusted_network", numa_node=1)
    assert request(named, **{"from": "controller"})["urls"] == ["http://192.0.2.7:11434"]
    called = {**with_slots(2), "instances": [{"name": "a", "unit": "a.service", "host": "gpu.lan", "port": 11434}]}
    assert request(called, **{"from": "controller"})["urls"] == ["http://gpu.lan:11434"]


def test_a_baseline_of_something_else_is_refused_before_anything_is_measured():
    """It would be for nothing."""
    old = measured(result())
    baseline = {"path": "old.json", "text": json.dumps(old)}
    assert request(baseline=baseline)["refusals"] == []
    assert request(baseline=baseline, output_tokens=64)["refusals"] == [
        "baseline: old.json: llama3.1:8b: another workload: output_tokens: 128 in the baseline, 64 now"
    ]
    assert request(baseline=baseline, models=["x"])["refusals"] == [
        "baseline: old.json: it has no model x, but llama3.1:8b"
    ]
    assert request(baseline={"path": "old.json", "text": "{}"})["refusals"][0].startswith(
        "baseline: old.json: it is no"
    )
    assert "it cannot be read" in request(baseline={"path": "old.json", "text": None})["refusals"][0]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.text(max_size=2)),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
NAMES = (
    "models",
    "concurrency",
    "request_rate",
    "arrival",
    "seconds",
    "requests",
    "goodput",
    "seed",
    "from",
    "max_duration",
)


def test_answers_vary_by_half_of_their_length_at_most():
    """As the module has it."""
    assert request(output_tokens=64, output_tokens_stdev=32)["measurements"][0]["output_tokens_stdev"] == 32
    allowed = "a whole number from 0 to 64, half of ollama_benchmark_output_tokens"
    refused = f"ollama_benchmark_output_tokens_stdev: 65 is not allowed; allowed is {allowed}"
    assert request(output_tokens_stdev=65)["refusals"] == [refused]


@given(st.dictionaries(st.sampled_from(NAMES), ODD, max_size=4))
def test_what_is_not_refused_the_module_takes(asked):
    """No value that an operator can type ends in anything but a sentence or a measurement."""
    found = request(**asked)
    for options in found["measurements"]:
        check({**{name: spec.get("default") for name, spec in SPEC.items()}, **options})
    assert found["measurements"] or found["refusals"]


@given(st.sampled_from(sorted(KINDS)), ODD)
def test_the_bounds_are_those_of_the_module(name, value):
    """What the playbook refuses of a value of the right type the module refuses too, and the other way round."""
    kind, _words = KINDS[name]
    try:
        taken = kind(value)
    except (TypeError, ValueError, OverflowError):
        return
    options = {option: spec.get("default") for option, spec in SPEC.items()}
    # Of these the most, since answers may vary by half of their length.
    check({**options, "model": "m", "output_tokens": 1 << 17, name: taken})


@pytest.mark.parametrize(
    "name",
    [
        "prompt_tokens",
        "output_tokens",
        "warmup_requests",
        "requests",
        "seed",
        "duration",
        "max_duration",
        "request_timeout",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        -(1 << 63) - 1,
        -(1 << 63),
        -1,
        0,
        0.1,
        0.5,
        1,
        10000,
        10001,
        86400,
        86401,
        1 << 17,
        (1 << 17) + 1,
        10**6,
        10**6 + 1,
        1 << 20,
        (1 << 20) + 1,
        1 << 63,
    ],
)
def test_a_number_is_refused_where_the_module_refuses_it(name, value):
    """At both ends."""
    spec = {option: spec.get("default") for option, spec in SPEC.items()}
    if SPEC[name]["type"] == "int" and isinstance(value, float):
        return
    try:
        check({**spec, "model": "m", name: value})
        right = True
    except OllamaError:
        right = False
    assert (refusals(**{"seconds" if name == "duration" else name: value}) == []) == right


def test_the_defaults_are_those_of_the_module():
    """A baseline is compared with them."""
    assert {name: SPEC[name]["default"] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("http://127.0.0.1:11434", True),
        ("https://node1.lan", True),
        ("http://[fe80::1%25eth0]:11434", True),
        ("http://node1/ollama", True),
        ("http://node1:70000", False),
        ("http://me@node1", False),
        ("http://node1/?a", False),
        ("node1:11434", False),
        ("http://", False),
    ],
)
def test_addresses_are_those_that_the_module_takes(url, right):
    """Of a server, without a user."""
    spec = {option: spec.get("default") for option, spec in SPEC.items()}
    assert (refusals(urls=[url]) == []) == right
    try:
        check({**spec, "model": "m", "urls": [url]})
    except OllamaError:
        assert not right
    else:
        assert right
