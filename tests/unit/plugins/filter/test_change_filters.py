# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a change hand over to the core, under their names, and fit into each other as the role joins them."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

FILTERS = FilterModule().filters()
DROPIN = "/etc/systemd/system/ollama.service.d/override.conf"
NOTHING = {"schema": 1, "instances": [], "problems": []}


@pytest.fixture
def made():
    return plan(xeon(), numa_node=1)


@pytest.fixture
def back(made):
    """What snapshot returns when it has restored one."""
    state = {"id": "20261122T081202Z", "saved_at": "2026-11-22T08:12:02Z", "reason": "", "changes": []}
    return {
        "restored": state,
        "changes": [{"path": DROPIN, "change": "removed"}],
        "states": [state],
        "problems": [],
        "plan": made,
        "services": {"stop": [], "start": {"ollama.service": "127.0.0.1:11434"}},
    }


def test_a_change_that_was_taken_back(made, back):
    """The verification that failed, the rollback, and the one after it end in tables and a sentence."""
    verification = FILTERS["verification"](made, NOTHING)
    checks = FILTERS["failed_checks"](verification, ["LimitMEMLOCK"], strict=False)
    assert [check["setting"] for check in checks] == ["unit"]
    reason = FILTERS["failure_reason"]({"msg": "it did not run as planned.", "assertion": "x"}, "Fail")
    failure = {"reason": reason, "restored": back, "problem": None, "verification": verification, "checks": checks}
    report = FILTERS["change_report"]({"changes": []}, [], [], failure)
    old = FILTERS["restore_report"](back)["plan"]
    assert old == made
    after = FILTERS["verification"](old, NOTHING)
    host = {"ollama_changes": report, "after": after, "ollama_verify_accept": ["LimitMEMLOCK"]}
    lines = FILTERS["run_summary"]({"gpu1": host})
    assert sum(": fail: " in line for line in lines) == 2
    assert lines[-1].startswith("gpu1: it did not run as planned: unit: missing, planned loaded, active (")
    assert lines[-1].endswith("but do not run as then: unit")


def test_a_rollback_that_somebody_asked_for(back):
    """The lines have what was done and how it runs."""
    plan = FILTERS["restore_report"]({**back, "plan": None})["plan"]
    lines = FILTERS["restore_report"](back, "gpu1", FILTERS["verification"](plan, NOTHING))["lines"]
    assert lines[:2] == ["gpu1: back at 2026-11-22T08:12:02Z, state 20261122T081202Z", "    before a change of 0 files"]
    assert f"  removed {DROPIN}" in lines
    assert any(line.startswith("It runs: fail: ") for line in lines)
