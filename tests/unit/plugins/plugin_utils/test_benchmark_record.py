# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a host's measurements has the form that its schema promises, and one that is damaged is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import (
    digest_of,
    machine_profile,
    name_of,
    read_record,
    record_of,
)
from ansible_collections.inference.ollama.tests.unit.support.measurements import DIGEST, machine, measured, result
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

SCHEMA = json.loads((Path(__file__).resolve().parents[4] / "docs/benchmark.schema.json").read_text("utf-8"))
CHECKER = jsonschema.Draft202012Validator(SCHEMA)


def holes(value, path=()):
    """The way to every key."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from holes(inner, (*path, key))


def test_the_schema_is_one():
    """Of the draft that it names."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "record",
    [
        measured(),
        measured(result(rates=(1, 2.5)), result("gemma3:4b", digest=None)),
        measured(failed=[("large:70b", "the model was not loaded: status 500")]),
        measured(result(speeds={})),
    ],
)
def test_a_record_has_the_form_of_the_schema(record):
    """With closed and open loops, several models, and such as could not be measured."""
    CHECKER.validate(json.loads(json.dumps(record)))


def test_a_key_that_is_missing_is_noticed():
    """Whatever a record promises is required, down to the summary of a metric."""
    record = json.loads(json.dumps(measured(result(speeds={1: 100}))))
    for path in holes(record):
        *above, key = path
        inner = damaged = json.loads(json.dumps(record))
        for step in above:
            inner = inner[step]
        if isinstance(inner, dict) and above[-1:] not in (["goodput"], ["reasons"]):
            del inner[key]
            assert not CHECKER.is_valid(damaged), path


def test_what_could_not_be_measured_is_kept_with_its_reason():
    """It is no measurement without points."""
    record = measured(failed=[("large:70b", "status 500")])
    assert record["failed"] == [{"model": "large:70b", "error": "status 500"}]
    assert [name_of(each) for each in record["benchmarks"]] == ["llama3.1:8b"]


def test_the_profile_says_on_what_it_was_measured():
    """The hardware, the release, what the plan sets, and whether the host ran so."""
    found = machine(num_parallel=4)
    assert found["release"] == "0.34.1"
    assert found["topology"]["cores"] == 6
    assert found["topology"]["gpus"] == [{"name": "Card 0", "memory_bytes": 8 << 30}]
    assert {"instance": "ollama", "setting": "OLLAMA_NUM_PARALLEL", "value": "4", "source": "operator"} in found[
        "settings"
    ]
    assert found["as_planned"] == {"verdict": "pass", "failed": []}
    assert all(setting["value"] is not None for setting in found["settings"])


def test_a_host_that_is_not_as_planned_is_recorded_as_such():
    """What an operator accepts does not count; without a verification nothing is claimed."""
    facts = xeon()
    checks = {"verdict": "fail", "checks": [{"setting": name, "verdict": "fail"} for name in ("cpus", "LimitNOFILE")]}
    found = machine_profile(facts, plan(facts), checks, ["LimitNOFILE"])
    assert found["as_planned"] == {"verdict": "fail", "failed": ["cpus"]}
    assert machine_profile(facts, plan(facts))["as_planned"] is None


def test_a_record_is_made_of_what_a_run_knows():
    """Where the requests came from, and when; a run that names neither a verification nor where was on the host."""
    facts = xeon()
    about = {"topology": facts, "plan": plan(facts), "at": "now"}
    found = record_of([{"model": "m", "benchmark": {"error": "no"}}], "h", about)
    assert (found["host"], found["at"], found["from"], found["profile"]["as_planned"]) == ("h", "now", "host", None)
    assert record_of([], "h", {**about, "from": "controller"})["from"] == "controller"


def test_gpus_that_could_not_be_read_are_not_none():
    """Null, and no empty list."""
    facts = {**xeon(), "gpus": None}
    assert machine_profile(facts, plan(facts))["topology"]["gpus"] is None


def test_a_record_is_read_from_its_text():
    """As the playbook wrote it."""
    record = measured()
    assert read_record(json.dumps(record), "x.json") == json.loads(json.dumps(record))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "x.json: it is not JSON; expected is a file HOST.benchmark.json"),
        ("[" * 100_000, "x.json: it is not JSON"),
        ("[]", "x.json: it is no measurement"),
        (None, "x.json: it is no measurement"),
        ('{"schema": 1}', "x.json: it is no measurement"),
        ('{"schema": 2, "benchmarks": []}', "x.json: its schema is 2; expected 1"),
        ({"schema": "\x1b[31m", "benchmarks": []}, "x.json: its schema is '\\x1b[31m'; expected 1"),
    ],
)
def test_what_is_no_record_is_refused_in_a_sentence(given, sentence):
    """With what was expected."""
    with pytest.raises(OllamaError) as caught:
        read_record(given, "x.json")
    assert str(caught.value).startswith(sentence)


def test_a_record_that_lacks_everything_else_is_read():
    """Somebody may have edited it."""
    found = read_record({"schema": 1, "benchmarks": [None, {}, {"points": []}], "profile": [], "at": 7}, "x")
    assert (found["benchmarks"], found["profile"], found["at"], found["failed"]) == ([{"points": []}], {}, None, [])
    assert (name_of({}), digest_of({}), digest_of({"model": {"digest": f"sha256:{DIGEST}"}})) == (
        "(model unknown)",
        None,
        DIGEST,
    )
