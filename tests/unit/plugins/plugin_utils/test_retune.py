# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert leads to on a host, and which limits hold it back (_retune/*.py)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.alerts import ALERTS
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.decide import (
    retune_decision,
    retune_request,
    retune_table,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.hours import DAYS, parse_hours

HOSTS = ["node1", "node2"]
OPTIONS = {"retune_apply": True, "retune_hours": "", "retune_cooldown": 3600, "retune_per_day": 3}
CLOCK = {"utc": "2026-11-27T20:35:00Z", "zone": "UTC", "day": "fri", "time": "20:35", "problems": []}
DROPIN = "/etc/systemd/system/ollama.service.d/override.conf"
UNITS = [{"unit": "ollama.service", "url": "http://127.0.0.1:11434"}]
DESIRED = {
    "live": True,
    "pending": True,
    "changes": [DROPIN],
    "restart": ["ollama.service"],
    "units": UNITS,
    "install": None,
}
AS_PLANNED = {**DESIRED, "pending": False, "changes": [], "restart": []}
TWO = {**AS_PLANNED, "units": [{"unit": f"ollama@node{each}.service", "url": "u"} for each in (0, 1)]}


def posted(name, host="node1", status="firing", **labels):
    """An alert as Alertmanager posts it."""
    return {"status": status, "labels": {"alertname": name, "host": host, **labels}, "annotations": {"x": "y"}}


def decided(*alerts, desired=DESIRED, options=(), **seen):
    """What becomes of node1."""
    found = retune_request(list(alerts), HOSTS, OPTIONS)
    assert found["refusals"] == []
    known = {"desired": desired, "clock": CLOCK, "kept": {"states": [], "unfinished": None}, "record": None}
    return retune_decision(found["hosts"]["node1"], "node1", {**known, **seen}, {**OPTIONS, **dict(options)})


@pytest.mark.parametrize(
    "form",
    [
        posted("OllamaDrift"),
        [posted("OllamaDrift"), posted("OllamaDrift")],
        {"version": "4", "alerts": [posted("OllamaDrift")]},
        json.dumps(posted("OllamaDrift")),
        {"name": "OllamaDrift", "host": "node1"},
    ],
)
def test_an_alert_comes_in_several_forms(form):
    """As Alertmanager posts it, one of these, a list, JSON, or by hand."""
    found = retune_request(form, HOSTS, OPTIONS)
    alert = {"name": "OllamaDrift", "host": "node1", "server": "", "model": "", "resolved": False}
    assert found == {"refusals": [], "hosts": {"node1": [alert]}}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (None, "ollama_retune_alert: it is not given; allowed is an alert"),
        ("OllamaDrift", "ollama_retune_alert: its form is not known"),
        ([3], "ollama_retune_alert: its form is not known"),
        ("[" * 100000, "ollama_retune_alert: its form is not known"),
        ({"host": "node1"}, "ollama_retune_alert: it has no name"),
        (
            posted("HostDown"),
            "ollama_retune_alert: 'HostDown' is not known; allowed are OllamaFellToCpu, OllamaCollapse",
        ),
        (posted("OllamaDrift", ""), "ollama_retune_alert: OllamaDrift has no label host"),
        (
            posted("OllamaDrift", "node9"),
            "ollama_retune_alert: OllamaDrift is of the host 'node9', which is none of the 2",
        ),
        ([posted("OllamaDrift")] * 1001, "ollama_retune_alert: there are 1001 alerts"),
        ({"name": "\x1b[2J"}, r"ollama_retune_alert: '\x1b[2J' is not known"),
    ],
)
def test_what_is_no_alert_is_refused(form, says):
    """In a sentence that says what would be right; then nothing is done on any host."""
    found = retune_request(form, HOSTS, OPTIONS)
    assert [each[: len(says)] for each in found["refusals"]] == [says]
    assert found["hosts"] == {}


def test_hours_that_cannot_be_read_are_refused_with_the_alert():
    """At once."""
    found = retune_request(posted("HostDown"), HOSTS, {**OPTIONS, "retune_hours": "sometimes"})
    assert len(found["refusals"]) == 2


@pytest.mark.parametrize("name", [name for name, rule in ALERTS.items() if rule.action == "plan"])
def test_a_plan_that_differs_is_applied(name):
    """The decision names what is written and what restarts."""
    found = decided(posted(name))
    assert (found["outcome"], found["acts"], found["restart"]) == ("change", True, [])
    assert found["changes"] == [f"write {DROPIN}", "restart ollama.service"]


@pytest.mark.parametrize("name", ALERTS)
def test_where_nothing_differs_there_is_advice(name):
    """A plan that is in force is no reason to restart; a server on the CPU is, and a silent host is only looked at."""
    found = decided(posted(name), desired=AS_PLANNED)
    acts = ALERTS[name].action == "restart"
    assert (found["acts"], found["restart"]) == (acts, ["ollama.service"] if acts else [])
    assert bool(found["why"]) != acts
    assert acts or found["outcome"] == "nothing to change"


def test_without_apply_it_says_what_it_would_do():
    """The default."""
    found = decided(posted("OllamaDrift"), options={"retune_apply": False})
    assert (found["outcome"], found["acts"]) == ("would change", False)
    assert found["lines"] == [
        f"would: write {DROPIN}",
        "would: restart ollama.service",
        "-> with ollama_retune_apply: true it is changed",
    ]


def test_only_the_server_that_fell_is_restarted():
    """Without a name all of them are."""
    fell = posted("OllamaFellToCpu", server="ollama@node1")
    assert decided(fell, desired=TWO)["restart"] == ["ollama@node1.service"]
    assert len(decided(posted("OllamaFellToCpu"), desired=TWO)["restart"]) == 2
    found = decided(posted("OllamaFellToCpu", server="ollama"), desired=TWO)
    assert found["acts"] is False
    assert found["refusals"][0].endswith("it has ollama@node0.service, ollama@node1.service")


def test_a_restart_brings_the_host_to_its_plan():
    """Since that is how the role changes a host; what is pending without a file is named too."""
    assert decided(posted("OllamaFellToCpu"))["changes"] == [f"write {DROPIN}", "restart ollama.service"]
    pending = {**AS_PLANNED, "pending": True}
    assert decided(posted("OllamaDrift"), desired=pending)["changes"] == ["bring the host to its plan"]


def test_the_record_of_variables_is_named_where_nothing_else_changes():
    """It changes with every file of the plan."""
    variables = "/etc/inference.ollama/variables.json"
    both = decided(posted("OllamaDrift"), desired={**DESIRED, "changes": [DROPIN, variables]})
    alone = decided(posted("OllamaDrift"), desired={**DESIRED, "changes": [variables], "restart": []})
    assert (both["files"], alone["files"]) == ([DROPIN], [variables])


def test_several_alerts_of_a_host_are_one_change():
    """Each is named, with its model."""
    found = decided(posted("OllamaFellToCpu"), posted("OllamaQueueFull", server="ollama", model="llama3.2:3b"))
    assert found["changes"] == [f"write {DROPIN}", "restart ollama.service"]
    assert found["reason"] == "alert OllamaFellToCpu, OllamaQueueFull"
    assert "OllamaQueueFull: ollama llama3.2:3b" in found["lines"]


def test_an_alert_that_is_over_leads_to_nothing():
    """Alertmanager posts these too."""
    found = decided(posted("OllamaDrift", status="resolved"))
    assert (found["outcome"], found["why"]) == ("nothing to change", ["the alert is over"])


def test_a_staged_host_is_not_changed():
    """Nothing runs there."""
    assert decided(posted("OllamaDrift"), desired={**DESIRED, "live": False})["changes"] == []


def record(*times):
    return json.dumps({"schema": 1, "retunes": [{"at": at, "alert": "OllamaDrift"} for at in times]})


EARLY = [f"2026-11-27T0{hour}:00:00Z" for hour in (1, 2, 3)]


@pytest.mark.parametrize(
    ("seen", "options", "held"),
    [
        ({"kept": {"states": [{"saved_at": "2026-11-27T20:00:00Z"}]}}, {}, "its last change was 2100 s ago"),
        ({"kept": {"states": [{"saved_at": "2026-11-28T20:00:00Z"}]}}, {}, "its last change was 0 s ago"),
        ({"kept": {"states": [{"saved_at": "2026-11-27T19:00:00Z"}, {"saved_at": None}]}}, {}, None),
        ({"record": record("2026-11-27T20:34:00Z")}, {}, "its last change was 60 s ago"),
        ({"record": record("2026-11-27T20:34:00Z")}, {"retune_cooldown": 60}, None),
        ({"record": record(*EARLY)}, {}, "alerts have changed it 3 times in 24 hours"),
        ({"record": record(*EARLY[:2], "2026-11-26T20:00:00Z")}, {}, None),
        ({"record": record("yesterday", "2026-13-45T00:00:00Z")}, {}, None),
        ({"record": "[3]"}, {}, None),
        ({"record": '{"retunes": 3}'}, {}, None),
        ({"record": "\x00"}, {}, None),
        ({"kept": {"states": [], "unfinished": "20261122T081202Z"}}, {}, "a change of it is under way"),
        ({}, {"retune_hours": "mon-fri 08:00-18:00"}, "it is fri 20:35 in UTC, and ollama_retune_hours is mon-fri"),
        ({}, {"retune_hours": "not mon-fri 08:00-18:00"}, None),
        ({"clock": {**CLOCK, "time": None, "problems": ["no zone"]}}, {"retune_hours": "fri"}, "no zone"),
        ({"clock": {**CLOCK, "time": None, "problems": []}}, {"retune_hours": "fri"}, "the time of day is not known"),
        ({"clock": {**CLOCK, "time": None, "problems": ["no zone"]}}, {}, None),
        (
            {"desired": {**DESIRED, "install": {"before": "0.32.15", "version": "0.33.0"}}},
            {},
            "the plan is for release",
        ),
        ({"desired": {**DESIRED, "install": {"before": "0.33.0", "version": "0.33.0"}}}, {}, None),
    ],
)
def test_limits_hold_a_change_back(seen, options, held):
    """Each says what it is, and a record that is damaged holds nothing back."""
    found = decided(posted("OllamaDrift"), **{"desired": DESIRED, **seen}, options=options)
    if held is None:
        assert found["outcome"] == "change"
    else:
        assert (found["outcome"], found["acts"]) == ("held back", False)
        assert [each[: len(held)] for each in found["why"]] == [held]
        assert found["lines"][-1].startswith(f"held back: {held}")


def test_the_record_keeps_what_counts():
    """What is older than a week goes, and this change is the last one."""
    found = decided(posted("OllamaDrift"), record=record("2026-11-01T00:00:00Z", "2026-11-26T00:00:00Z"))
    kept = json.loads(found["record"])
    assert [each["at"] for each in kept["retunes"]] == ["2026-11-26T00:00:00Z", "2026-11-27T20:35:00Z"]
    again = decided(posted("OllamaDrift"), record=found["record"])
    assert again["outcome"] == "held back"


def test_a_host_that_cannot_be_planned_is_refused():
    """With the words of the plan."""
    found = decided(posted("OllamaDrift"), desired=None, refused=["node1: no room"])
    assert (found["refusals"], found["acts"]) == (["node1: no room"], False)


def test_a_clock_that_says_nothing_is_an_error():
    """Nothing is guessed of it."""
    with pytest.raises(OllamaError, match="is no time such as"):
        decided(posted("OllamaDrift"), clock={**CLOCK, "utc": "noon"})


def test_the_table_has_a_row_for_each_host():
    """With what would change beneath."""
    lines = retune_table([decided(posted("OllamaDrift")), decided(posted("OllamaHostSilent"))])
    text = "\n".join(lines)
    assert lines[0].split() == ["HOST", "ALERT", "OUTCOME"]
    assert f"change: write {DROPIN}" in " ".join(text.split())
    assert retune_table([]) == ["no host has an alert that is not over"]


@pytest.mark.parametrize(
    ("hours", "day", "time", "allowed"),
    [
        ("mon-fri 08:00-18:00", "mon", "08:00", True),
        ("mon-fri 08:00-18:00", "fri", "18:00", False),
        ("mon-fri 08:00-18:00", "sat", "12:00", False),
        ("not mon-fri 08:00-18:00", "sat", "12:00", True),
        ("not mon-fri 08:00-18:00", "tue", "12:00", False),
        ("22:00-04:00", "wed", "23:00", True),
        ("22:00-04:00", "wed", "04:00", False),
        ("sat 22:00-04:00", "sun", "03:59", True),
        ("sat 22:00-04:00", "sat", "03:59", False),
        ("sat-mon", "mon", "00:00", True),
        ("sat-mon", "tue", "00:00", False),
        ("wed 18:00-24:00,  SUN", "sun", "12:00", True),
        ("", "sun", "12:00", True),
        (" ", "sun", "12:00", True),
    ],
)
def test_hours(hours, day, time, allowed):
    """A span begins with its first minute and ends before its last; one over midnight is of the day it begins on."""
    assert parse_hours(hours).allow(day, time) is allowed


@pytest.mark.parametrize(
    "hours",
    [
        "always",
        "mon-fri 8-18",
        "mon 08:00-08:00",
        "mon,",
        "not",
        "25:00-26:00",
        "mon08:00-09:00",
        "08:00-09:00 mon",
        "fri 24:00-25:00",
    ],
)
def test_hours_that_mean_nothing_are_refused(hours):
    """With what is right."""
    with pytest.raises(OllamaError, match="ollama_retune_hours: "):
        parse_hours(hours)


TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda each: f"{each[0]:02}:{each[1]:02}")
SPANS = st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS), TIMES, TIMES).filter(lambda each: each[2] != each[3])


@given(SPANS, st.sampled_from(DAYS), TIMES)
def test_not_is_the_contrary(span, day, time):
    """At each time one of both allows it."""
    text = "{}-{} {}-{}".format(*span)
    assert parse_hours(text).allow(day, time) != parse_hours(f"not {text}").allow(day, time)
