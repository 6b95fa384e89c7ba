# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of a run (_summary.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._change import change_report
from ansible_collections.inference.ollama.plugins.plugin_utils._summary import run_summary
from ansible_collections.inference.ollama.tests.unit.support.checks import verification
from ansible_collections.inference.ollama.tests.unit.support.plans import instances, plan, xeon

FILES = [{"path": "/etc/systemd/system/ollama.service.d/override.conf", "change": "created"}]
SERVICE = {"service": {"instances": [{"api": {"version": "0.34.1"}}], "problems": []}}
GOOD = verification(("threads", "pass"), ("binding", "pass"))
BAD = verification(("threads", "fail"), ("LimitMEMLOCK", "fail"))


def variables(change=None, warnings=(), **said):
    """What a host's variables are after the role, of which a part matters; the plan has these warnings."""
    made = {**plan(xeon(), numa_node=1), "warnings": [{"code": code} for code in warnings]}
    lists = {key: [] for key in ("changes", "restart", "stop", "start", "notices")}
    desired = {"plan": made, "pending": bool(change), **lists, **said.pop("desired", {})}
    return {"ollama_changes": change or change_report({}), "__ollama": desired, **said}


def only(host, **options):
    return " ".join(line.strip() for line in run_summary({"gpu1": host}, **options))


def settings():
    (instance,) = instances(plan(xeon(), numa_node=1))
    weight = 1
    return len(instance["environment"]) + len(instance["directives"]) + len(instance["order"]) + weight


def test_a_host_that_needed_no_change():
    """One line: that nothing changed, that it answers, how much is set."""
    hosts = {"gpu1": variables(__ollama_service=SERVICE), "gpu2": variables(warnings=["a", "b"])}
    assert run_summary(hosts) == [
        f"gpu1: unchanged; API answers with 0.34.1; {settings()} settings",
        f"gpu2: unchanged; {settings()} settings, 2 warnings",
    ]


def test_a_host_that_was_changed():
    """What changed, what was verified, and what is left to the operator."""
    change = change_report({"changes": FILES}, ["ollama.service"], ["ollama@a.service"])
    said = only(variables(change, ["huge-pages-not-always"], ollama_verification=GOOD, __ollama_service=SERVICE))
    assert said == (
        "gpu1: 1 file changed, ollama.service restarted, ollama@a.service stopped; verified: 2 proven;"
        f" {settings()} settings; left to you: huge-pages-not-always"
    )
    unknown = verification(("threads", "pass"), ("binding", "unknown"))
    assert "verified: 1 proven, 1 unknown;" in only(variables(change, ollama_verification=unknown))
    assert "API answers with 0.34.1" in only(variables(change, ollama_verification=None, __ollama_service=SERVICE))


def test_what_measuring_the_change_showed_is_in_the_line():
    """Its figures, or why there are none."""
    change = change_report({"changes": FILES}, ["ollama.service"], gate={"text": "312 -> 455 tokens/s (+46 %)"})
    said = only(variables(change, ollama_verification=GOOD))
    assert "; verified: 2 proven; gate: 312 -> 455 tokens/s (+46 %); " in said
    assert "gate:" not in only(variables(change_report({"changes": FILES}), ollama_verification=GOOD))


def test_a_dry_run_says_what_would_be():
    """And what a real run would refuse."""
    change = change_report({"changes": FILES * 2})
    said = only(variables(change, desired={"notices": ["ollama.service was not found"]}), check_mode=True)
    assert said.startswith("gpu1: would be: 2 files changed; ")
    assert said.endswith("; ollama.service was not found")


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        ({"changes": ["/a"], "restart": ["x"], "start": ["x"]}, "1 file to change, restart x"),
        ({"stop": ["x", "y"], "start": ["z"]}, "stop x and y, start z"),
        ({}, "to be changed"),
    ],
)
def test_a_host_whose_turn_has_not_come(desired, words):
    """The first play of site reads all hosts before the second one changes any."""
    assert only(variables(desired={"pending": True, **desired})).startswith(f"gpu1: {words}; ")


def test_a_host_whose_change_was_taken_back():
    """Tables of what differed, then one sentence, however long."""
    back = {"restored": {"id": "x", "saved_at": "2026-11-22T08:12:02Z", "reason": "", "changes": FILES}}
    failure = {"reason": "it did not run as planned", "restored": back, "verification": BAD, "checks": BAD["checks"]}
    host = {
        "ollama_changes": change_report({"changes": FILES}, [], [], failure),
        "ollama_verify_accept": ["LimitMEMLOCK"],
        "after": BAD,
    }
    lines = run_summary({"gpu1": host})
    assert lines[0] == "As changed, it was: fail: 0 proven, 0 configured, 2 not as planned, 0"
    assert "As it is again: fail: 0 proven, 0 configured, 2 not as planned, 0" in lines
    assert lines[-1].startswith(
        "gpu1: it did not run as planned: threads: 28, planned 14 (/proc/812/environ);"
        " LimitMEMLOCK: 28, planned 14 (/proc/812/environ). Files and"
    )
    assert lines[-1].endswith("but do not run as then: threads")
    assert max(map(len, lines[:-1])) <= 69


def test_a_host_on_which_the_role_has_not_run_has_no_line():
    """A condition may leave it out of the role."""
    assert run_summary({"gpu1": {}}) == []
