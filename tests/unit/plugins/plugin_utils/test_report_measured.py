# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements and searches in the report: read from files, shown by host, and bad files named in a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report
from ansible_collections.inference.ollama.plugins.plugin_utils._report.measured import measured_view, with_files
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import report_page
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, file_of, record
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result, tuned

HOSTILE = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\u202e"


def report(*files, host="node1"):
    """The report on one host with these files, and its page."""
    known = {**record(0), "files": list(files)}
    found = fleet_report({host: json.dumps(known)}, MOMENT)
    return found["hosts"][0], report_page(found)


def test_both_files_are_shown():
    """The table, the curves, what the search gained, and why it ended."""
    server = {"interval_s": 1.0}
    made = measured(result(rates=(2,)), failed=[("large:70b", "status 500")])
    made["benchmarks"][0]["points"][0]["server"] = server
    made["profile"]["as_planned"]["failed"] = ["cpus"]
    host, page = report(file_of("benchmark", json.dumps(made)), file_of("tuning", json.dumps(tuned())))
    assert host["measurement"]["benchmarks"][0]["model"]["name"] == "llama3.1:8b"
    assert host["measurement"]["benchmarks"][0]["points"][0]["server"] is None
    assert (host["tuning"]["gain_percent"], host["measured_problems"]) == (18.5, [])
    for words in (
        "Measured on node1 with llama3.1:8b",
        "the host did not run as planned then: cpus",
        "Throughput and latency of node1",
        "Measurements of node1",
        "not measured: status 500",
        "18.5 % more (with 95 % confidence 14.0 to 23.0 %)",
        "3 settings tried, 2 minutes of measuring, objective throughput",
        "It ended: no neighbour of the best point is left to try",
        "num_parallel 16",
        "the service did not start",
    ):
        assert words in page, words


def test_a_search_that_gained_nothing_says_so():
    """Without a proof there is no gain."""
    _host, page = report(file_of("tuning", json.dumps(tuned(gain=None, objective=None, seconds=None, history=[]))))
    assert "nothing is gained: no other settings are proven to be better" in page
    assert "Measurements of the search" not in page


def test_a_host_without_files_has_no_section():
    """Nobody measured it."""
    host, page = report()
    assert (host["measurement"], host["tuning"], host["measured_problems"]) == (None, None, [])
    assert "<h4>Measurements</h4>" not in page


@pytest.mark.parametrize("kind", ["benchmark", "tuning"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "it cannot be read, or is too long for a file of the playbook inference.ollama."),
        ("", "it is not JSON; expected is a file HOST."),
        ("[" * 50_000, "it is not JSON"),
        ("[]", "expected is a file HOST."),
        ('{"schema": 7, "benchmarks": [], "before": 1, "best": 1, "stop": 1}', "its schema is 7; expected 1"),
    ],
)
def test_a_bad_file_is_named(kind, text, words):
    """By its path, with what was expected; the rest of the host is shown."""
    host, page = report(file_of(kind, text))
    assert (host["measurement"], host["tuning"]) == (None, None)
    (problem,) = host["measured_problems"]
    assert problem.startswith(f"/srv/benchmark/node.{kind}.json: ")
    assert words in problem
    assert f"/srv/benchmark/node.{kind}.json" in page


def test_a_file_of_another_host_is_not_shown():
    """Somebody has copied it."""
    files = file_of("benchmark", json.dumps(measured(host="node2"))), file_of("tuning", json.dumps(tuned(host="node2")))
    host, _page = report(*files)
    assert host["measured_problems"] == [
        "/srv/benchmark/node.benchmark.json: it is of another host, node2",
        "/srv/benchmark/node.tuning.json: it is of another host, node2",
    ]


def test_a_file_that_is_no_text_is_named():
    """Bytes that are not UTF-8, and what is not from slurp."""
    for content in ("/w==", "?", 7, None):
        found = with_files({"files": [{**file_of("tuning", ""), "content": content}]}, "h")
        assert "it cannot be read" in found["measured_problems"][0]


def test_the_first_file_of_a_kind_counts():
    """And what is of no kind is left out."""
    files = [file_of("tuning", json.dumps(tuned(gain=gain))) for gain in (4.0, 9.0)]
    host, _page = report(*files, {"item": {"item": "other"}}, {"item": None}, {})
    assert host["tuning"]["gain_percent"] == 4.0


def test_names_from_files_are_only_text():
    """On the page and in its pictures."""
    made = measured(result(HOSTILE), failed=[(HOSTILE, HOSTILE)], at=HOSTILE)
    stop = {"reason": "converged", "message": HOSTILE}
    _host, page = report(file_of("benchmark", json.dumps(made)), file_of("tuning", json.dumps(tuned(stop=stop))))
    assert page.count("<script") == 1


def test_a_report_of_an_earlier_release_is_shown():
    """Its hosts lack the keys."""
    found = fleet_report({"node1": record(0)}, MOMENT)
    for key in ("measurement", "tuning", "measured_problems"):
        del found["hosts"][0][key]
    assert "<h4>Measurements</h4>" not in report_page(found)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=3), st.just([]), st.just({})
)


def _places(value, path=()):
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from _places(inner, (*path, key))


MADE = {
    "measurement": json.loads(json.dumps(measured(result(speeds={2: 100})))),
    "tuning": json.loads(json.dumps(tuned())),
}
PLACES = {key: [*_places(made)] for key, made in MADE.items()}


@given(st.sampled_from(sorted(MADE)), st.data(), ODD)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=examples(150))
def test_any_damage_ends_in_a_view_or_a_sentence(key, data, wrong):
    """Whatever stands at a place of a file that is otherwise right."""
    made = json.loads(json.dumps(MADE[key]))
    *above, last = data.draw(st.sampled_from(PLACES[key]))
    inner = made
    for step in above:
        inner = inner[step]
    inner[last] = wrong
    view = measured_view({"name": "h", key: made})
    assert f"{key}_view" in view or any(
        f"the {key} of this host cannot be shown" in each for each in view["measured_problems"]
    )
