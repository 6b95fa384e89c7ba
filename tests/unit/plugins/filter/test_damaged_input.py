# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter that is given damaged JSON ends in a sentence that shows nothing of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.filter.ollama import FILTERS, FilterModule
from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import advise
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_remove import DROPIN, remains
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_remove import found as found_of_host
from ansible_collections.inference.ollama.tests.unit.support.containers import container, held
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.fits import GIB, SETTINGS, Host, dense, fit_of
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, changes, fleet
from ansible_collections.inference.ollama.tests.unit.support.gates import benchmark
from ansible_collections.inference.ollama.tests.unit.support.gateway import options as gateway_options
from ansible_collections.inference.ollama.tests.unit.support.measured import record_of
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result
from ansible_collections.inference.ollama.tests.unit.support.models import LLAMA, read
from ansible_collections.inference.ollama.tests.unit.support.placements import host
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, workstation, xeon
from ansible_collections.inference.ollama.tests.unit.support.records import record

SECRET = "sUperS3cretZq77"
WRAPPED = FilterModule().filters()
PLAN = json.loads(json.dumps(plan(xeon(), numa_node=1)))
TOPOLOGY = json.loads(json.dumps(xeon()))
MEASURED = record_of(TOPOLOGY, {"num_parallel": 3})
CARDS = json.loads(json.dumps(workstation(card(0, free_bytes=8 << 30), card(1))))
NOTHING = {"schema": 1, "instances": [], "problems": []}
VERIFIED = json.loads(json.dumps(WRAPPED["verification"](PLAN, NOTHING)))
FILE = {"path": "/x.conf", "unit": "ollama.service", "instance": "ollama", "content": "x"}
DRIFT = WRAPPED["file_drift"]({"unit_files": [FILE], "stale": ["/y"]}, {})
HELD = held(container(secrets=["OLLAMA_API_KEY"], cpus="0-3"), problems=["x"])
UNIT = [
    {"path": "/a.service", "content": "[Service]\nExecStart=/usr/bin/ollama serve\nEnvironment=FOO=1 OLLAMA_HOST=x\n"}
]
FLEET = json.loads(json.dumps(fleet(2)))
CHANGE = json.loads(json.dumps(changes("restored", {"dropins": ["/x"], "unit": "ollama.service"})))
STATE = {"id": "20261122T081202Z", "saved_at": "2026-11-22T08:12:02Z", "reason": "", "changes": []}
DOCKER_FILE = "/etc/inference.ollama/containers/ollama.service.json"
DOCKER_TEXT = '{"unit": "ollama.service", "secrets": ["A_KEY"], "container": {"name": "ollama", "env": {"A": "1"}}}'
VARIABLES_TEXT = '{"schema": 1, "variables": {"ollama_host": ":1"}, "files": {"/x": "0123"}}'
RESTORED = {
    "restored": STATE,
    "changes": [{"path": "/x", "change": "removed"}],
    "states": [STATE],
    "problems": ["x"],
    "plan": PLAN,
    "services": {"stop": [], "start": {"ollama.service": "127.0.0.1:11434"}},
}
HOST = {
    "ollama_changes": CHANGE,
    "ollama_verify_accept": [],
    "__ollama": {"plan": PLAN, "notices": [], "pending": False},
}
GATEWAY_OPTIONS = gateway_options()
GATE = {
    "reason": None,
    "key": "k",
    "model": "m",
    "objective": "balanced",
    "tolerance_percent": 5,
    "seconds": 20,
    "slots": 4,
    "running": ["ollama.service"],
    "restarts": True,
    "lockstep": True,
}
ROUND = {"error": None, "values": [1.0, 2.0], "tokens": [1.0, 2.0], "share": None}
NEXT = {"phase": "after", "units": [], "options": {}}
GATED = {**GATE, "by": "h", "units": [], "concurrency": 4, "next": NEXT, "before": [ROUND], "after": [ROUND]}
# Two layers, so that a placement takes a moment only.
SMALL = dense("llama3.2:3b", layers=2)
FIT = json.loads(json.dumps(fit_of(advise(SMALL, {}, SETTINGS, "0.34.1", Host(card=8 * GIB, host=8 * GIB)))))
MEMBER = json.loads(json.dumps(host("two", [{"name": SMALL["name"], "copies": 3}], SMALL, domain="rack")))
BENCHMARKED = json.loads(json.dumps(measured(result(speeds={2: 100}))))
SPACE = WRAPPED["tuning_space"](TOPOLOGY, {"version": "0.34.1"}, {"objective": "throughput"})
STEP = WRAPPED["tuning_step"]([], SPACE, {"points": 20, "minutes": 60, "minutes_used": 1})
RATE = {"count": 2, "mean": 20.0, "std_dev": 1.0}
POINT = {
    "stop": {"reason": "duration", "message": "x"},
    "requests": {"total": 20, "successful": 20, "incomplete": 0},
    "errors": [{"message": "x", "count": 1}],
    "metrics": {
        "output_token_throughput": RATE,
        "request_throughput": RATE,
        "request_latency_ms": RATE,
        "goodput": RATE,
    },
    "windows": {"output_token_throughput": [19.0, 21.0]},
}
TRIAL = WRAPPED["tuning_trial"]({"points": [POINT]}, STEP, 40)
ENDED = {"done": True, "stop": {"reason": "no_gain", "message": "x"}, "settings": SPACE["start"], "proven": False}
PROFILE = {
    "hardware": "0" * 16,
    "machine": "x",
    "release": "0.34.1",
    "model": "llama3.1:8b",
    "digest": None,
    "at": "2026-11-27",
    "host": "h",
}
ZONES_READ = {
    "running": True,
    "zones": [
        {"name": "public", "default": True, "active": True, "target": "default", "rules": [], "permanent_rules": []}
    ],
    "recorded": [{"zone": "public", "rule": "rule"}],
    "problems": [],
    "module": True,
}
ANSWERED = {
    "prompt": "a",
    "text": "b",
    "thinking": None,
    "sha256": "0" * 64,
    "prompt_tokens": 1,
    "output_tokens": 1,
    "done_reason": "stop",
    "error": None,
}
ANSWERS = {"answers": {"model": "m", "release": "0.33.0", "digest": None, "answers": [ANSWERED]}, "error": None}
LIMITS = {"retune_apply": True, "retune_hours": "fri", "retune_cooldown": 60, "retune_per_day": 3}
ALERT = {"name": "OllamaDrift", "host": "h", "server": "", "model": "", "resolved": False}
CHANGING = {"live": True, "pending": True, "changes": ["/x"], "restart": [], "units": [], "install": None}
SEEN = {
    "desired": CHANGING,
    "clock": {"utc": "2026-11-27T20:35:00Z", "zone": "UTC", "day": "fri", "time": "20:35", "problems": []},
    "kept": {"states": [STATE], "unfinished": None},
    "record": '{"retunes": []}',
}
DECISION = WRAPPED["retune_decision"]([ALERT], "h", SEEN, LIMITS)
# What each takes.
RIGHT = {
    "answers_verdict": [[ANSWERS], ANSWERS, "h"],
    "retune_decision": [[ALERT], "h", SEEN, LIMITS],
    "retune_request": [{"name": "OllamaDrift", "host": "h"}, ["h"], LIMITS],
    "retune_table": [[DECISION]],
    "upgrade_request": [{"given": True}, {"install": {"before": "0.32.15", "version": "0.33.0"}}, "h"],
    "benchmark_comparison": [BENCHMARKED, BENCHMARKED],
    "benchmark_outcome": [{"benchmark": {"schema": 1}}, [{"loaded": ["m"], "seconds": 2}], [{"loaded": []}]],
    "benchmark_record": [
        [{"model": "llama3.1:8b", "benchmark": {"points": []}}],
        "h",
        {"topology": TOPOLOGY, "plan": PLAN, "verification": VERIFIED, "at": MOMENT, "from": "host"},
    ],
    "benchmark_request": [
        {"models": ["llama3.1:8b"], "concurrency": [1], "goodput": {"request_latency_ms": 9}, "address": "h"},
        PLAN,
        ["m"],
        {"path": "x", "text": json.dumps(BENCHMARKED)},
    ],
    "benchmark_svg": [BENCHMARKED, "h"],
    "benchmark_table": [BENCHMARKED, "h"],
    "change_report": [{"changes": [], "state": None}, ["ollama.service"], [], {"reason": "x", "restored": RESTORED}],
    "drift_table": [DRIFT, "h"],
    "failed_checks": [VERIFIED, ["numa_node"]],
    "zone_rules": [ZONES_READ, ZONES_READ],
    "removal": [found_of_host(DROPIN), remains()],
    "failure_reason": [{"msg": "x", "results": [{"failed": True, "msg": ["a", "b"]}]}, "task"],
    "file_drift": [{"unit_files": [FILE], "stale": []}, {"/x.conf": "y"}],
    "fit_svg": [FIT, "h"],
    "fit_table": [FIT, "h"],
    "fleet_host": [
        {"models": [SMALL], "problems": ["x"], "loaded": [{"name": "x", "size_bytes": 9, "size_vram_bytes": 8}]},
        CARDS,
        PLAN,
        {"fleet_models": [SMALL["name"]], "models": [{"name": "own:1b", "keep": True}], "domains": {"rack": "a"}},
    ],
    "fleet_placement": [
        {"a": MEMBER, "b": None},
        [{"name": SMALL["name"], "copies": 3}],
        {SMALL["name"]: ["b"], "gone:1b": ["a"]},
        {"hosts": ["a", "b", "c"], "without": ["c"]},
    ],
    "fleet_report": [FLEET, MOMENT],
    "fleet_table": [
        WRAPPED["fleet_placement"](
            {"a": MEMBER, "b": None}, [{"name": SMALL["name"], "copies": 3}], {SMALL["name"]: ["b"], "gone:1b": ["a"]}
        )
    ],
    "gate_step": [GATED, benchmark([1, 2])],
    "gate_turn": [{"h": {"__ollama": {"gate": GATE, "pending": True, "units": []}}}, "h"],
    "gate_verdict": [{"h": {"__ollama_gate": GATED}}, "h"],
    "gateway_files": [
        GATEWAY_OPTIONS,
        [{"name": "a", "key": SECRET * 2, "models": ["m"]}],
        "gw",
        {
            "names": ["h", "k"],
            "upstreams": [[{"instance": "i", "host": "0.0.0.0", "port": 1, "weight": 2, "slots": 1}], None],
            "addresses": ["", ""],
            "reached": ["h", ""],
            "models": [["m"], []],
            "placement": {"m": ["h"]},
        },
        '{"schema": 1, "upstreams": [{"host": "k", "address": "k"}]}',
    ],
    "gateway_keys": [[{"name": "a", "key": SECRET * 2, "models": ["m"]}]],
    "container_lint": [HELD, "0.34.1"],
    "container_table": [WRAPPED["container_variables"](HELD), "h"],
    "container_variables": [HELD, "0.34.1"],
    "lint_table": [WRAPPED["unit_lint"](UNIT, "0.34.1"), "h", "0.34.1"],
    "measured_file": ["ollama_measured: []\n", {"settings": {"num_parallel": 8}}],
    "model_placement": [[record(), record("other")], CARDS, {"OLLAMA_CONTEXT_LENGTH": "8192"}, "0.34.1"],
    "model_fit": [{"models": [SMALL], "problems": ["x"]}, TOPOLOGY, PLAN, "0.34.1", [SMALL["name"]]],
    "model_loads": [
        {"memory": [{"unit": "u", "url": "x", "keep": ["m"], "warm_up": [], "keep_alive": "5m"}], "loads": []},
        ["u"],
        [{"unit": "u", "url": "x"}],
        {"service": {"instances": [{"unit": "u", "api": {"models": [{"name": "o", "expires_at": MOMENT}]}}]}},
        MOMENT,
    ],
    "models_report": [
        {"schema": 1, "outcome": "unchanged"},
        [{"changed": True, "item": {"name": "m", "state": "present"}}],
        [{"changed": True, "item": {"name": "m", "unit": "u"}, "time_to_first_token_ms": {"m": 9.5}}],
    ],
    "plan_table": [PLAN, "h"],
    "report_page": [WRAPPED["fleet_report"](FLEET, MOMENT)],
    "restore_report": [RESTORED, "h", VERIFIED, {DOCKER_FILE: DOCKER_TEXT}, "A_KEY=x", VARIABLES_TEXT],
    "gateway_report": [
        [
            {"item": "g", "servers": [{"name": "a:1", "state": "ready", "sessions": 1, "queued": 0}], "settled": False},
            {"item": {"gateway": "g", "needed": True}, "unreachable": True, "msg": "x"},
        ],
        "drained",
    ],
    "gateway_turns": [{"h": {"__ollama": {"gateways": ["g"], "pending": False}}}],
    "run_outcomes": [{"h": HOST, "k": {}}, ["h"], {"h": "x"}],
    "run_summary": [{"h": HOST}],
    "secrets_file": [{"HTTPS_PROXY": "http://h:1"}, "key"],
    "setting_lint": [{"OLLAMA_HOST": "x"}, "0.34.1"],
    "topology_svg": [TOPOLOGY, "h", PLAN],
    "trial_variables": [{"settings": {"num_parallel": 8}}, {"objective": "latency"}, [], {"settings": {}}],
    "tuning_profile": [
        TOPOLOGY,
        {"live": True, "pending": False, "changes": [], "plan": PLAN},
        {"model": "x", "objective": "latency"},
        {"models": [{"name": "x", "digest": "0" * 12}]},
        {"name": "h", "at": "2026-11-27"},
    ],
    "tuning_progress": [
        {"number": 1, "settings": {"num_parallel": 8}, "why": "x"},
        {
            "objective": "throughput",
            "metric": "x",
            "unit": "x",
            "start": {"num_parallel": 8},
            "knobs": [{"name": "num_parallel", "kind": "integer", "start": 8, "low": 1, "high": 9, "values": []}],
            "left_out": [{"name": "x", "reason": "x"}],
        },
        [{"settings": {"num_parallel": 8}, "value": 1.0}],
        {"points": 1, "minutes": 1, "minutes_used": 0.5},
        "h",
    ],
    "tuning_request": [{"model": "x", "objective": "latency", "points": 1, "minutes": 1, "seconds": 9}],
    "tuning_plan": [
        TOPOLOGY,
        {"num_threads": 4, "environment": {"A": "1"}, "reference_models": "auto", "measured": [MEASURED]},
        "0.34.1",
        None,
        read(LLAMA),
    ],
    "tuning_result": [[TRIAL], SPACE, ENDED, PROFILE],
    "tuning_space": [
        TOPOLOGY,
        {"version": "0.34.1"},
        {"objective": "balanced", "knobs": ["num_threads", "num_parallel", "context_length"]},
    ],
    "tuning_step": [[TRIAL], SPACE, {"points": 20, "minutes": 60, "minutes_used": 1}],
    "tuning_table": [WRAPPED["tuning_result"]([TRIAL], SPACE, ENDED, PROFILE), "h"],
    "tuning_trial": [{"points": [POINT], "problems": []}, STEP, 40],
    "unit_lint": [UNIT, "0.34.1", UNIT],
    "unit_settings": [UNIT, UNIT],
    "verification": [PLAN, NOTHING],
    "verify_table": [VERIFIED, "h"],
}
WRONG = (
    None,
    True,
    7,
    -1,
    1.5,
    "",
    SECRET,
    [],
    [None],
    [SECRET],
    {},
    {"a": SECRET},
    {SECRET: 1},
    [[1]],
    "9" * 400,
    float("nan"),
)


def places(value, path=()):
    """The way to every part of nested data, the first few of a list."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:3]):
            yield from places(inner, (*path, number))


def damaged(value, path, wrong):
    """A copy with another value at one place; Ellipsis takes the place out."""
    if not path:
        return None if wrong is ... else wrong
    found = copy.copy(value)
    if wrong is ... and len(path) == 1:
        del found[path[0]]
    else:
        found[path[0]] = damaged(found[path[0]], path[1:], wrong)
    return found


def ends_in_a_result_or_a_sentence(name, args):
    said = "a result"
    try:
        WRAPPED[name](*args)
    except AnsibleFilterError as error:
        said = str(error)
    assert said.strip()
    assert "Traceback" not in said
    return said


def test_every_filter_is_tried():
    """With input that it takes."""
    assert set(RIGHT) == set(FILTERS)
    for name, args in RIGHT.items():
        assert json.dumps(WRAPPED[name](*args))


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_another_type_in_place_of_an_argument_is_a_sentence(name, wrong):
    """Each argument alone, and all of them."""
    args = RIGHT[name]
    for number in range(len(args)):
        ends_in_a_result_or_a_sentence(name, [*args[:number], wrong, *args[number + 1 :]])
    ends_in_a_result_or_a_sentence(name, [wrong] * len(args))


@pytest.mark.parametrize("name", sorted(FILTERS))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_a_sentence(name, data):
    """A part that is gone or of another type, at any depth of any argument, up to three at once."""
    args = list(RIGHT[name])
    for _time in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(args) - 1))
        path = data.draw(st.sampled_from(list(places(args[number]))))
        args[number] = damaged(args[number], path, data.draw(st.sampled_from([..., *WRONG])))
    ends_in_a_result_or_a_sentence(name, args)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_no_sentence_shows_damaged_input(name):
    """Python quotes the value that it cannot convert; a sentence does not."""
    said = ends_in_a_result_or_a_sentence(name, [{"schema": SECRET, SECRET: SECRET}, *RIGHT[name][1:]])
    # These quote the schema, a number, as every reader of JSON would.
    assert SECRET not in said or "schema" in said


def test_the_sentence_says_what_was_given():
    """The filter, what its input lacks, its form, and where to read what is right."""
    with pytest.raises(AnsibleFilterError) as caught:
        WRAPPED["plan_table"]({"release": "0.34.1"}, "h")
    assert str(caught.value) == (
        "plan_table: its input is damaged or of another form than it takes, without 'instances' (KeyError); given was a"
        " mapping of 1 names, a text, and what is right is in ansible-doc -t filter inference.ollama.plan_table"
    )


def test_a_value_that_a_vault_keeps_is_named_as_such():
    """What Ansible says of it shows the lines around it, which may hold other secrets."""

    class MarkerError(Exception):
        """As Ansible's of that name."""

    class Locked(Mapping):
        """Values that raise when they are looked at."""

        def __getitem__(self, name):
            raise MarkerError(SECRET)

        def __iter__(self):
            return iter(["A"])

        def __len__(self):
            return 1

    with pytest.raises(AnsibleFilterError, match="a vault whose password this run does not have") as error:
        WRAPPED["secrets_file"](Locked(), None)
    assert SECRET not in str(error.value)
