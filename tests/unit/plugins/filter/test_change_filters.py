# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a change hand over to the core, under their names, and fit into each other as the role joins them."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.filter.change_report import FilterModule as ChangeReport
from ansible_collections.inference.ollama.plugins.filter.change_sentence import FilterModule as ChangeSentence
from ansible_collections.inference.ollama.plugins.filter.change_table import FilterModule as ChangeTable
from ansible_collections.inference.ollama.plugins.filter.changed_units import FilterModule as ChangedUnits
from ansible_collections.inference.ollama.plugins.filter.failed_checks import FilterModule as FailedChecks
from ansible_collections.inference.ollama.plugins.filter.failure_text import FilterModule as FailureText
from ansible_collections.inference.ollama.plugins.filter.plan_drift import FilterModule as PlanDrift
from ansible_collections.inference.ollama.plugins.filter.restored_plan import FilterModule as RestoredPlan
from ansible_collections.inference.ollama.plugins.filter.rollback_table import FilterModule as RollbackTable
from ansible_collections.inference.ollama.plugins.filter.silence_text import FilterModule as SilenceText
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

FILTERS = {
    name: function
    for module in (
        *(ChangeReport, ChangeSentence, ChangeTable, ChangedUnits, FailedChecks),
        *(FailureText, PlanDrift, RestoredPlan, RollbackTable, SilenceText),
    )
    for name, function in module().filters().items()
}
DROPIN = "/etc/systemd/system/ollama.service.d/override.conf"
NOTHING = {"schema": 1, "instances": [], "problems": []}


@pytest.fixture
def made():
    return plan(xeon(), numa_node=1)


@pytest.fixture
def back(made):
    """What snapshot returns of a way back."""
    state = {"id": "20261122T081202Z", "saved_at": "2026-11-22T08:12:02Z", "reason": "", "changes": []}
    return {
        "restored": state,
        "changes": [{"path": DROPIN, "change": "removed"}],
        "states": [state],
        "problems": [],
        "plan": made,
        "services": {"stop": [], "start": {"ollama.service": "127.0.0.1:11434"}},
    }


def test_each_file_has_the_filter_of_its_name():
    """As Ansible looks for them."""
    assert set(FILTERS) == {
        *("change_report", "change_sentence", "change_table", "changed_units", "failed_checks"),
        *("failure_text", "plan_drift", "restored_plan", "rollback_table", "silence_text"),
    }


@pytest.mark.parametrize(
    ("journal", "words"),
    [
        (None, ""),
        ({"warnings": [{"code": "other", "line": "x"}]}, ""),
        ({"warnings": [{"code": "server-ended", "line": "Error: bad origin"}]}, "It said: Error: bad origin "),
    ],
)
def test_why_a_server_does_not_answer(journal, words):
    """Its state, where it was asked, what was in the way, and its last words where the log has some."""
    api = {"url": "http://127.0.0.1:11434", "version": None}
    instance = {"unit": "ollama.service", "active_state": "activating", "sub_state": None, "api": api}
    said = FILTERS["silence_text"]({**instance, "journal": journal, "problems": ["refused"]}, ["no systemctl"])
    assert said == (
        "ollama.service (activating) does not answer at http://127.0.0.1:11434: no systemctl; refused."
        f" {words}journalctl -u ollama.service tells more."
    )


def test_a_change_that_went_well(made):
    """What file_transaction wrote tells whom to restart, and is the report."""
    written = {"changes": [{"path": DROPIN, "change": "created"}], "state": "20261122T081202Z"}
    units = FILTERS["changed_units"](made, written["changes"], everywhere=False)
    report = FILTERS["change_report"](written, units)
    assert (report["outcome"], report["restarted"], report["state"]) == (
        "changed",
        ["ollama.service"],
        "20261122T081202Z",
    )


def test_a_change_that_was_taken_back(made, back):
    """The verification that failed, the way back, and the one after it end in a table and a sentence."""
    verification = FILTERS["plan_drift"](made, NOTHING)
    checks = FILTERS["failed_checks"](verification, ["LimitMEMLOCK"], strict=False)
    assert [check["setting"] for check in checks] == ["unit"]
    reason = FILTERS["failure_text"]({"msg": "it did not run as planned.", "assertion": "x"}, "Fail")
    failure = {"reason": reason, "restored": back, "problem": None, "verification": verification, "checks": checks}
    report = FILTERS["change_report"]({"changes": []}, [], [], failure)
    old = FILTERS["restored_plan"](back)
    assert old == made
    after = FILTERS["plan_drift"](old, NOTHING)
    assert sum(": fail: " in line for line in FILTERS["change_table"](report, after, ["LimitMEMLOCK"])) == 2
    said = FILTERS["change_sentence"](report, "gpu1", after, ["LimitMEMLOCK"])
    assert said.startswith("gpu1: it did not run as planned: unit: missing, planned loaded, active (")
    assert said.endswith("but do not run as then: unit")


def test_a_way_back_that_somebody_asked_for(back):
    """The table has what was done and how it runs."""
    after = FILTERS["plan_drift"](FILTERS["restored_plan"]({**back, "plan": None}), NOTHING)
    said = FILTERS["rollback_table"](back, "gpu1", after)
    assert said[:2] == ["gpu1: back at 2026-11-22T08:12:02Z, state 20261122T081202Z", "    before a change of 0 files"]
    assert f"  removed {DROPIN}" in said
    assert any(line.startswith("It runs: fail: ") for line in said)
