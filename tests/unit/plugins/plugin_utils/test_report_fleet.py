# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a fleet as data: every host is there, the worst first, whatever its record holds, without secrets."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._report.clean import LONGEST, cleaned
from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report, report_text
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import PARTS, VERDICTS
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import report_page
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, TROUBLES, changes, fleet, record

KEY = "sk-0123456789abcdef"
PASSWORD = "Zx9-hunter-22"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
# Names that the report looks for, with values of any kind.
NAMES = """schema checks verdict setting planned counts differences kind instances decisions warnings outcome files
    restarted software ollama unit version cpu gpus problems memory total_bytes sockets name reason online numa"""
ODD = st.dictionaries(
    st.sampled_from(NAMES.split()),
    ANYTHING | st.lists(st.dictionaries(st.sampled_from(["verdict", "setting", "name", "cpus", "instance"]), ANYTHING)),
    max_size=6,
)


def only(found):
    """The report on one host with this record."""
    (host,) = fleet_report({"node": found}, MOMENT)["hosts"]
    return host


@pytest.mark.parametrize(
    ("trouble", "verdict", "words"),
    [
        (None, "pass", "28 checks passed"),
        ("overridden", "fail", "2 of 28 checks failed: overridden_by, LLAMA_ARG_THREADS"),
        (
            "idle",
            "unknown",
            "4 of 28 checks unknown: oversubscribed, compute_threads, LLAMA_ARG_THREADS and 1 more",
        ),
        (
            "unreachable",
            "unreachable",
            "Failed to connect to the host via ssh: connect to host 10.0.0.0 port 22: No route to host",
        ),
        ("restored", "fail", "The run failed and was rolled back: what runs is not as planned"),
        ("refused", "refused", "ollama_numa_node: 7 is not allowed"),
        ("broken", "fail", "Read what runs: sudo: a password is required"),
        ("edited", "fail", "1 of 28 checks failed: unit_files"),
        ("bare", "unknown", "Ollama is not installed; the plan shows what a run would write"),
        ("changed", "pass", "28 checks passed"),
        ("configured", "configured", "1 of 28 checks configured, not proven: OLLAMA_KEEP_ALIVE"),
    ],
)
def test_a_host_has_a_verdict_and_a_reason(trouble, verdict, words):
    """Each trouble has its verdict and a sentence with the reason."""
    host = only(record(0, trouble))
    # How many checks there are is not what this is about.
    total = len((host["verification"] or {}).get("checks", []))
    assert host["verdict"] == verdict
    assert host["reason"].startswith(words.replace("28", str(total)) if total else words)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ({}, "unreachable", "this run lost the host"),
        (None, "unreachable", "this run lost the host"),
        ("no JSON", "unreachable", "this run lost the host"),
        ({"changes": {"outcome": "failed"}}, "fail", "The run failed and was not rolled back"),
        (
            {"changes": {"outcome": "failed", "reason": "a", "problem": "b"}},
            "fail",
            "The run failed and was not rolled back: a; b",
        ),
        ({"error": " ", "plan": None}, "unknown", "there is no plan"),
        ({"error": "x", "stopped": "pass"}, "fail", "x"),
        ({"drift": {"differences": [{"kind": "extra"}]}}, "fail", "1 difference between"),
        ({"drift": {"differences": [{"kind": "text"}]}}, "unknown", "there is no plan"),
        (
            {"plan": {"schema": 1}, "topology": {"software": {"ollama": {"unit": {"a": 1}}}}},
            "unknown",
            "the running service",
        ),
        ({"plan": {"schema": 1}, "topology": {"software": None}}, "unknown", "the running service"),
        ({"verification": {"checks": []}}, "unknown", "the verification holds no check"),
    ],
)
def test_what_is_known_in_part_has_a_verdict_too(found, verdict, words):
    """A host without plan, record or checks never passes, and never vanishes."""
    host = only(found)
    assert host["verdict"] == verdict
    assert host["reason"].startswith(words)


def test_the_worst_come_first():
    """By verdict, by what is wrong, and then by name as people count."""
    records = fleet(12)
    records |= {
        "node-110": record(3),
        "a": record(3),
        "node-40": record(4, "overridden"),
        "node-41": record(4, "restored"),
    }
    report = fleet_report(records, MOMENT)
    names = [host["name"] for host in report["hosts"]]
    assert sorted(names) == sorted(records)
    assert [VERDICTS.index(host["verdict"]) for host in report["hosts"]] == sorted(
        VERDICTS.index(host["verdict"]) for host in report["hosts"]
    )
    assert names[:7] == ["node-4", "node-41", "node-6", "node-1", "node-10", "node-40", "node-7"]
    assert names[-5:] == ["node-11", "a", "node-9", "node-12", "node-110"]


def test_the_summary_counts_every_host_once():
    """Verdicts add up to the fleet; what runs did is counted beside them."""
    summary = fleet_report(fleet(12), MOMENT)["summary"]
    assert summary == {
        "sentence": "7 of 12 hosts need you",
        "hosts": 12,
        "verdicts": {"fail": 5, "unreachable": 1, "refused": 1, "unknown": 2, "configured": 1, "pass": 2},
        "changes": {"changed": 1, "restored": 1, "failed": 0},
    }


@pytest.mark.parametrize(
    ("troubles", "sentence"),
    [
        ([], "There is no host to report on"),
        ([None], "1 host, as planned"),
        ([None, "configured"], "Nothing failed; 1 of 2 hosts not proven in full: no model in memory"),
        ([None, None], "2 hosts, all as planned"),
        ([None, "idle"], "Nothing failed; 1 of 2 hosts could not be verified in full"),
        (["refused"], "1 of 1 host needs you"),
    ],
)
def test_the_summary_in_words(troubles, sentence):
    """An operator reads one sentence."""
    records = {str(number): record(0, trouble) for number, trouble in enumerate(troubles)}
    assert fleet_report(records, MOMENT)["summary"]["sentence"] == sentence


def test_what_is_wrong_on_most_hosts_comes_first():
    """One cause often has many hosts; an instance more does not name a host twice."""
    records = {f"n{number}": record(0, "overridden") for number in range(3)} | {
        "e": record(0, "edited"),
        "i": record(0, "idle"),
    }
    twice = records["n0"]["verification"]["checks"]
    twice += [{**check, "instance": "other"} for check in copy.deepcopy(twice)]
    settings = fleet_report(records, MOMENT)["settings"]
    assert [(row["setting"], row["fail"], row["unknown"]) for row in settings] == [
        ("LLAMA_ARG_THREADS", ["n0", "n1", "n2"], ["i"]),
        ("overridden_by", ["n0", "n1", "n2"], []),
        ("unit_files", ["e"], []),
        ("LLAMA_ARG_CACHE_RAM", [], ["i"]),
        ("compute_threads", [], ["i"]),
        ("oversubscribed", [], ["i"]),
    ]


def test_what_the_operator_accepts_does_not_fail():
    """An accepted check is counted apart and named on no list of what is wrong; another one still fails."""
    found = {**record(0, "overridden"), "accepted": ["overridden_by", "LLAMA_ARG_THREADS", 3]}
    report = fleet_report({"a": found}, MOMENT)
    assert report["hosts"][0]["verdict"] == "pass"
    assert report["hosts"][0]["reason"].endswith(" checks passed, 2 failed and accepted")
    assert report["hosts"][0]["accepted"] == ["overridden_by", "LLAMA_ARG_THREADS"]
    assert report["settings"] == []
    assert "<small>ollama (accepted)</small>" in report_page(report)
    assert only({**found, "accepted": ["overridden_by"]})["reason"].endswith("checks failed: LLAMA_ARG_THREADS")
    assert only({**found, "accepted": "overridden_by"})["verdict"] == "fail"


def test_with_strict_verification_the_unknown_fails():
    """The report counts as the playbook verify does, and what the operator accepts still does not fail."""
    found = {**record(0, "idle"), "strict": True}
    host = only(found)
    assert host["verdict"] == "fail"
    assert host["strict"] is True
    names = ["oversubscribed", "compute_threads", "LLAMA_ARG_THREADS", "LLAMA_ARG_CACHE_RAM"]
    assert host["reason"].endswith(f" checks failed or unknown: {', '.join(names[:3])} and 1 more")
    assert only({**found, "accepted": names[1:]})["reason"].endswith("checks failed or unknown: oversubscribed")
    accepted = fleet_report({"a": {**found, "accepted": names}}, MOMENT)
    assert accepted["hosts"][0]["verdict"] == "unknown"
    assert report_page(accepted).count("<small>ollama (accepted)</small>") == len(names)
    assert only({**found, "strict": "true"})["verdict"] == "unknown"


def test_hardware_in_a_few_words():
    """Cards of a kind are counted; memory is the host's own."""
    facts = {
        "cpu": {"sockets": 2, "cores": 28},
        "memory": {"total_bytes": 512 << 30, "host_bytes": 256 << 30},
        "gpus": [{"name": "NVIDIA H200"}, {"name": None, "vendor": "amd"}, {"name": "NVIDIA H200"}, {}],
    }
    assert only({"topology": facts})["hardware"] == "2 sockets, 28 cores, 256 GiB, 2 x NVIDIA H200, AMD GPU, GPU"
    assert only({"topology": {"cpu": {"sockets": "2", "cores": True}}})["hardware"] is None
    facts["gpus"] = [{"name": "NVIDIA H200", "answers": True}, {"name": "NVIDIA H200", "answers": False}]
    assert only({"topology": facts})["hardware"].endswith("NVIDIA H200, NVIDIA H200 without a driver")


def test_the_release_is_that_of_the_host():
    """The plan's counts where the host's was not read; a host without Ollama has none."""
    assert only(record(0, "bare"))["release"] is None
    found = record(0)
    assert only(found)["release"] == "0.34.1"
    found["topology"]["software"]["ollama"]["version"] = None
    found["plan"]["release"] = "0.30.0"
    assert only(found)["release"] == "0.30.0"


def test_same_records_same_bytes():
    """The order in which hosts answered changes nothing, and neither does reading a record from its JSON."""
    records = fleet(12)
    before = copy.deepcopy(records)
    first = report_text(fleet_report(records, MOMENT))
    assert report_text(fleet_report(dict(reversed(records.items())), MOMENT)) == first
    assert report_text(fleet_report({name: json.dumps(found) for name, found in records.items()}, MOMENT)) == first
    assert records == before
    assert json.loads(first)["moment"] == MOMENT


def test_a_record_is_handed_on_whole():
    """Cleaning changes nothing in what the collection itself makes."""
    for number in (0, 7, 15, 20, 32):
        found = {
            **record(number),
            "changes": changes("changed", record(0)["plan"]["instances"][0] | {"dropins": ["/x"]}),
        }
        host = only(found)
        given_parts = [part for part in PARTS if part in found]
        assert {part: host[part] for part in given_parts} == {part: found[part] for part in given_parts}
    files = {file["item"]["item"]: json.loads(base64.b64decode(file["content"])) for file in record(0)["files"]}
    # It would be hidden as a secret.
    del files["benchmark"]["profile"]["hardware"]["key"]
    host = only(record(0))
    assert (host["measurement"], host["tuning"]) == (files["benchmark"], files["tuning"])


@given(st.dictionaries(st.sampled_from([*PARTS, "error", "stopped"]), ANYTHING | ODD))
def test_no_record_breaks_the_report(found):
    """Whatever a host answers, it and its neighbour are there, as JSON that every program reads, and on a page."""
    report = fleet_report({"odd": found, "fine": {"error": "gone"}}, MOMENT)
    assert sorted(host["name"] for host in report["hosts"]) == ["fine", "odd"]
    text = report_text(report)
    assert json.loads(text) == report
    text.encode()
    assert report_page(report) == report_page(text)


@pytest.mark.parametrize("records", [None, [], "x"])
def test_records_of_another_shape_are_refused(records):
    """The sentence says what was expected."""
    with pytest.raises(OllamaError, match="expected a mapping of host names"):
        fleet_report(records, MOMENT)


# What may be shown.


def test_secrets_stay_out():
    """A key in an environment, a row, a command line, an address or a message is in neither form of the report."""
    found = record(0, "overridden")
    written = {"OLLAMA_API_KEY": KEY, "HTTPS_PROXY": f"http://me:{PASSWORD}@proxy"}
    written["ExecStart"] = ["/usr/bin/ollama", "serve", "--api-key", PASSWORD, f"--token={KEY}"]
    found["plan"]["decisions"] += [{"setting": name, "value": value} for name, value in written.items()]
    found["plan"]["decisions"][0] |= {"setting": "HF_TOKEN", "value": PASSWORD, "reason": f"HF_TOKEN is {PASSWORD}"}
    found["plan"]["warnings"] = [{"code": "x", "message": f"Authorization: Bearer {KEY}", "remedy": f"not {PASSWORD}"}]
    found["verification"]["checks"][0] |= {"setting": "OLLAMA_API_KEY", "planned": KEY, "seen": PASSWORD}
    found["verification"]["checks"][1] |= {"evidence": f"cmd: x --api-key {PASSWORD}", "remedy": PASSWORD}
    row = {"setting": "MY_SECRET", "kind": "differs", "on_host": PASSWORD, "planned": PASSWORD, "path": "/x"}
    found["drift"] = {"schema": 1, "differences": [row]}
    found["changes"] = {
        **changes("restored", {"dropins": ["/x"], "unit": "u"}),
        "reason": f"it said password={PASSWORD}",
    }
    found["topology"]["problems"] = [f"https://root:{PASSWORD}@host/x failed"]
    broken = {
        "error": f"Read what runs: curl -H 'Authorization: Bearer {KEY}' http://u:{PASSWORD}@h",
        "stopped": "failed",
    }
    report = fleet_report({"one": found, "two": broken}, MOMENT)
    for text in (report_text(report), report_page(report)):
        assert KEY not in text
        assert PASSWORD not in text
        assert "***" in text


def test_places_and_numbers_are_no_secrets():
    """The path of a file of secrets and a number of tokens are what an operator needs."""
    found = cleaned({"setting": "OLLAMA_KEY_FILE", "value": "/etc/key", "MAX_TOKENS": "512", "n": 3})
    assert found == {"setting": "OLLAMA_KEY_FILE", "value": "/etc/key", "MAX_TOKENS": "512", "n": 3}


def test_text_is_printable():
    """Characters that move the cursor, turn the line or are invalid are escaped; line breaks and tabs stay."""
    assert cleaned("a\tb\n\x1b[31m\u202e\ud800") == "a\tb\n\\x1b[31m\\u202e\\ud800"
    assert cleaned({"a\x00": ["\x07"]}) == {"a\\x00": ["\\x07"]}


def test_what_no_reader_could_take_in_is_cut():
    """Long texts keep their beginning, deep nesting ends, numbers that JSON has not are null."""
    assert cleaned("x" * (LONGEST + 7)) == "x" * LONGEST + " … (7 more characters)"
    deep = None
    for _level in range(500):
        deep = [{"a": deep}]
    assert str(cleaned(deep)).count("a") == 20
    assert cleaned([1, True, 1.5, float("nan"), float("inf"), 10**5000, object()]) == [
        1,
        True,
        1.5,
        None,
        None,
        None,
        None,
    ]
    assert cleaned(("a", b"b")) == ["a", None]


def test_every_trouble_is_tried():
    """The drawn fleet has each of them."""
    assert {host["verdict"] for host in fleet_report(fleet(len(TROUBLES) + 1), MOMENT)["hosts"]} == set(VERDICTS)
