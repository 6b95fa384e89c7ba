# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run leaves every host (_outcomes.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._change import change_report
from ansible_collections.inference.ollama.plugins.plugin_utils._outcomes import run_outcomes

WRITTEN = {"changes": [{"path": "/etc/systemd/system/ollama.service.d/override.conf", "change": "created"}]}
BACK = {"reason": "LimitMEMLOCK: 28, planned 14", "restored": {"restored": {"id": "1"}}}
CHECKS = [{"setting": name, "seen": None} for name in ("LimitNOFILE", "api", "LimitNOFILE")]
PROVEN = {"ollama_verification": {"counts": {"pass": 1}}}


def variables(change=None, *, pending=False, **said):
    """What is looked at of a host that was read."""
    return {"__ollama": {"pending": pending}, "ollama_changes": change or change_report({}), **said}


def words(lines):
    """The lines as one text without what wrapping adds."""
    return " ".join(line.strip() for line in lines)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (variables(change_report(WRITTEN), **PROVEN), "changed and verified: h"),
        (variables(change_report(WRITTEN), ollama_verification=None), "changed, and its API answers: h"),
        (variables(), "needed no change: h"),
        ({"__ollama": {"pending": False}}, "needed no change: h"),
        (
            variables(change_report(WRITTEN, failure=BACK)),
            f"taken back to what was there before: h h: {BACK['reason']}",
        ),
        (
            variables(change_report(WRITTEN, failure={**BACK, "reason": "not as planned", "checks": CHECKS})),
            "taken back to what was there before: h h: not as planned: LimitNOFILE, api",
        ),
        (variables(change_report(WRITTEN, failure={"reason": "why"})), "changed, and not taken back: h h: why"),
        (variables(change_report({}, failure={"reason": "why"})), "failed before a file was changed: h h: why"),
        (
            variables(pending=True, __ollama_written={"changed": True}),
            "changed, and not verified: the next run of site does that: h",
        ),
        (variables(pending=True), "never reached, and not changed: h"),
        (
            {"__ollama": {"failed": True, "refusals": ["a: 0 is wrong", "b"]}},
            "refused, and not changed: h h: a: 0 is wrong; b",
        ),
        ({"__ollama": {"failed": True, "msg": "no Python"}}, "refused, and not changed: h"),
        ({"__ollama": {"unreachable": True}}, "not reached from the start, and not changed: h"),
        ({}, "not reached from the start, and not changed: h"),
    ],
)
def test_each_way_in_which_a_host_is_left_has_words(host, said):
    """What it is like now, and why where something went wrong; a host alone is not counted."""
    assert words(run_outcomes({"h": host})) == said


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (variables(pending=True), "lost on the way, and left to the next run of site: h h: timed out"),
        (variables(), "needed no change, and failed a check: h h: timed out"),
        # The change is proven, and what came after it failed.
        (variables(change_report(WRITTEN), **PROVEN), "changed and verified: h h: timed out"),
        ({}, "not reached from the start, and not changed: h h: timed out"),
    ],
)
def test_a_host_that_is_lost_has_the_reason_that_ansible_knows(host, said):
    """Such as why its connection broke."""
    assert words(run_outcomes({"h": host}, ["h"], {"h": "timed\nout"})) == said


def test_hosts_are_counted_and_hosts_with_one_reason_share_it():
    """Under few words, the good ones first."""
    restored = change_report(WRITTEN, failure=BACK)
    hosts = {
        "a": variables(restored),
        "b": variables(restored),
        "c": variables(pending=True),
        "d": {},
        "e": variables(),
    }
    assert run_outcomes(hosts) == [
        "5 hosts: 1 unchanged, 2 taken back, 2 untouched",
        "needed no change: e",
        "taken back to what was there before: a, b",
        f"    a, b: {BACK['reason']}",
        "never reached, and not changed: c",
        "not reached from the start, and not changed: d",
    ]


def test_of_many_hosts_that_are_well_some_are_named_and_of_others_all():
    """Whoever has a thousand hosts looks for those that are not as they should be."""
    many = {f"n{number:02}": variables() for number in range(22)}
    lines = run_outcomes(many)
    assert lines[0] == "22 hosts: 22 unchanged"
    assert words(lines).endswith("n18, n19 and 2 more")
    assert "n21" in words(run_outcomes({name: {} for name in many}))
    assert "n20" in words(run_outcomes({name: many[name] for name in [*many][1:21]}))


def test_a_dry_run_has_changed_nothing():
    """What would be changed is not said to answer."""
    hosts = {"a": variables(change_report(WRITTEN)), "b": variables()}
    assert run_outcomes(hosts, check_mode=True) == [
        "2 hosts: 1 would be changed, 1 unchanged",
        "would be changed: a",
        "needed no change: b",
    ]
