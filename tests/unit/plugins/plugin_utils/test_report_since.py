# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed since an earlier report: of each host and of the fleet, whatever is left of that report."""

from __future__ import annotations

import copy
import functools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report, report_text
from ansible_collections.inference.ollama.plugins.plugin_utils._report.page import report_page
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.fleet import MOMENT, file_of, record
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result

BEFORE = "2026-11-20T09:00:00Z"
PASSWORD = "Zx9-hunter-22"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def known(trouble=None, **measurement):
    """A host's record, with what was measured where options of a measurement are given."""
    found = {**record(0, trouble), "files": []}
    if measurement:
        made = measured(result(**measurement), host="a")
        found["files"] = [file_of("benchmark", json.dumps(made))]
    return found


@functools.cache
def _earlier():
    return report_text(fleet_report({"a": known(speeds={8: 600}), "b": known()}, BEFORE))


def earlier():
    """A report on two hosts, of which one was measured."""
    return json.loads(_earlier())


def now(baseline, a=None, **records):
    """The report since that one, and its host of the name a."""
    given = {"a": a or known(speeds={8: 600}), **records}
    report = fleet_report(given, MOMENT, baseline)
    return report, next(host for host in report["hosts"] if host["name"] == "a")


def test_nothing_has_changed():
    """A report compared with itself, as data and as text, says so; without a baseline there is nothing to say."""
    for baseline in (earlier(), _earlier()):
        report, host = now(baseline, b=known())
        assert report["since"] == {
            "moment": BEFORE,
            "sentence": "nothing changed",
            "kinds": {kind: [] for kind in report["since"]["kinds"]},
            "gone": [],
            "changes": [],
        }
        assert host["since"] == {"kinds": [], "changes": [], "measurements": [], "not_compared": []}
        assert "Since 2026-11-20 09:00 UTC: nothing changed" in report_page(report)
    report, host = now(None)
    assert (report["since"], host["since"]) == (None, None)
    assert "Since the baseline" not in report_page(report)


def test_hosts_come_and_go():
    """Those that are new, and those that the report no longer has, as they were."""
    report, _host = now(earlier(), c=known())
    assert report["since"]["kinds"]["added"] == ["c"]
    old = earlier()["hosts"][1]
    assert report["since"]["gone"] == [{key: old[key] for key in ("name", "verdict", "release", "hardware")}]
    assert report["since"]["sentence"] == "1 host added, 1 no longer in the report"
    page = report_page(report)
    assert "This host was not in it." in page
    assert "no longer in the report" in page


@pytest.mark.parametrize(("before", "after", "kind"), [(None, "overridden", "worse"), ("overridden", None, "better")])
def test_a_verdict_is_worse_or_better(before, after, kind):
    """With the checks whose verdict is another one."""
    baseline = fleet_report({"a": known(before)}, BEFORE)
    report, host = now(baseline, known(after))
    words = ["pass", "fail"] if kind == "worse" else ["fail", "pass"]
    assert host["since"]["kinds"][0] == kind
    rows = {(row["kind"], row["name"]): [row["before"], row["after"]] for row in host["since"]["changes"]}
    assert rows["verdict", None] == rows["check", "LLAMA_ARG_THREADS"] == words
    assert report["since"]["kinds"][kind] == ["a"]
    assert report["since"]["sentence"].startswith(f"1 host {kind}, 1 with other results of checks")
    assert f'<span class="chip">{kind}</span>' in report_page(report)


def test_settings_releases_and_hardware_are_named():
    """With both values, null where a plan lacks a setting; hosts with the same change are together."""
    baseline = earlier()
    for host in baseline["hosts"]:
        host["release"], host["hardware"] = "0.33.0", "1 socket"
        decisions = host["plan"]["decisions"]
        decisions[0]["value"] = "a value"
        gone, lost = decisions.pop(), {"instance": "ollama", "setting": "OLD", "value": 1}
        decisions.append(lost)
    report, host = now(baseline, b=known())
    assert host["since"]["kinds"] == ["release", "hardware", "setting"]
    rows = {(row["kind"], row["name"]): row for row in host["since"]["changes"]}
    first = host["plan"]["decisions"][0]
    assert rows["release", None]["before"] == "0.33.0"
    assert rows["setting", first["setting"]]["before"] == "a value"
    assert rows["setting", first["setting"]]["after"] == first["value"]
    assert rows["setting", "OLD"] == {
        "kind": "setting",
        "instance": "ollama",
        "name": "OLD",
        "before": 1,
        "after": None,
    }
    assert rows["setting", gone["setting"]]["before"] is None
    shared = {(row["kind"], row["name"]): sorted(row["hosts"]) for row in report["since"]["changes"]}
    assert shared["setting", "OLD"] == shared["release", None] == ["a", "b"]
    assert report["since"]["changes"][0]["kind"] == "release"
    page = report_page(report)
    assert "2 hosts with another release, 2 with other hardware, 2 with other settings" in page


def test_a_secret_of_an_earlier_report_is_not_shown():
    """A setting whose name tells that its value is one."""
    baseline = earlier()
    for host in baseline["hosts"]:
        host["plan"]["decisions"].append({"instance": "ollama", "setting": "HF_TOKEN", "value": PASSWORD})
    report, host = now(baseline)
    assert [row["before"] for row in host["since"]["changes"] if row["name"] == "HF_TOKEN"] == ["***"]
    assert PASSWORD not in report_text(report)
    assert PASSWORD not in report_page(report)


@pytest.mark.parametrize(("speed", "verdict"), [(700, "faster"), (500, "slower"), (602, None)])
def test_measurements_beyond_their_spread_are_named(speed, verdict):
    """A ratio whose interval leaves 1 out, with the interval; what is within the spread is not."""
    report, host = now(earlier(), known(speeds={8: speed}, seed=1))
    moved = {row["metric"]: row for row in host["since"]["measurements"]}
    if verdict is None:
        assert not moved
        assert host["since"]["kinds"] == []
        return
    row = moved["output_token_throughput"]
    assert (row["verdict"], row["load"], row["words"]) == (verdict, "8", "tokens/s in all")
    assert row["ratio"] == pytest.approx(speed / 600, rel=0.03)
    assert row["low"] < row["ratio"] < row["high"]
    assert report["since"]["kinds"][verdict] == ["a"]
    page = report_page(report)
    assert f"measured {verdict}" in page
    assert f'<a href="#host-a">a</a><span class="chip">{verdict}</span>' in page


def test_what_cannot_be_compared_is_a_sentence():
    """Another model of the name, and a measurement that is damaged."""
    _report, host = now(earlier(), known(speeds={8: 900}, digest="f" * 64))
    assert host["since"]["measurements"] == []
    assert "it is another model by its digest" in host["since"]["not_compared"][0]
    baseline = earlier()
    baseline["hosts"][0]["measurement"] = {"benchmarks": 3}
    report, host = now(baseline)
    assert host["since"]["not_compared"] == ["the measurements are damaged: OllamaError"]
    assert "the measurements are damaged" in report_page(report)


def test_models_that_fit_elsewhere_are_named():
    """And those that are no longer in the store."""
    baseline = earlier()
    first, second = baseline["hosts"][0]["fit"]["servers"][0]["models"]
    first["name"], second["fits"] = "gone:1b", "partly"
    _report, host = now(baseline)
    rows = [(row["name"], row["before"], row["after"]) for row in host["since"]["changes"]]
    assert rows == [("llama3.1:8b", None, "GPU"), ("llama3.3:70b", "partly", "no"), ("gone:1b", "GPU", None)]
    assert host["since"]["kinds"] == ["model"]


def test_many_changes_are_cut_on_the_page():
    """All of them are in the data."""
    baseline = earlier()
    more = [{"instance": None, "setting": f"S{number}", "value": number} for number in range(400)]
    for host in baseline["hosts"]:
        host["plan"]["decisions"] += more
    report, _host = now(baseline)
    assert len(report["since"]["changes"]) == 400
    assert "And 100 more changes in the JSON file." in report_page(report)


@pytest.mark.parametrize(
    "baseline", [[], {}, 3, "", "[]", "{", {"schema": 2}, {"schema": 1}, {"schema": 1, "hosts": [], "benchmarks": []}]
)
def test_what_is_no_report_is_refused(baseline):
    """The sentence begins with the name of the option."""
    with pytest.raises(OllamaError, match=r"^baseline: .*expected"):
        now(baseline)


@settings(max_examples=examples(60))
@given(st.data())
def test_a_damaged_baseline_ends_in_a_report(data):
    """Whatever stands in the place of one of its parts; what could not be read has not changed."""
    baseline = earlier()
    host = baseline["hosts"][data.draw(st.sampled_from([0, 1]))]
    part = data.draw(st.sampled_from([*host, "moment"]))
    place = host if part in host else baseline
    below = place[part]
    if isinstance(below, dict) and data.draw(st.booleans()):
        place, part = below, data.draw(st.sampled_from(sorted(below)))
    place[part] = data.draw(ANYTHING | st.lists(st.dictionaries(st.sampled_from(["setting", "verdict"]), ANYTHING)))
    report, _host = now(baseline, b=known("overridden"))
    assert json.loads(report_text(report)) == report
    assert report_page(report).endswith("</html>\n")


def test_changes_are_not_taken_from_the_callers_data():
    """The baseline is as it was."""
    baseline = earlier()
    kept = copy.deepcopy(baseline)
    now(baseline, b=known("overridden"))
    assert baseline == kept
