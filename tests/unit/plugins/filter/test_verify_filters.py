# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a verification hand over to the core; the table tells what differs and nothing else."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.inference.ollama.plugins.filter.verification import FilterModule as Verification
from ansible_collections.inference.ollama.plugins.filter.verify_table import FilterModule as VerifyTable
from ansible_collections.inference.ollama.tests.unit.support.checks import verification
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

verify = Verification().filters()["verification"]
verify_table = VerifyTable().filters()["verify_table"]
NOTHING = {"schema": 1, "instances": [], "problems": []}


def test_the_filters_give_what_the_core_gives():
    """A missing instance fails, and the table says so."""
    found = verify(plan(xeon()), NOTHING)
    assert found["verdict"] == "fail"
    assert verify_table(found, "xeon").startswith("xeon: fail: 0 as planned, 1 not, ")


def test_a_wrong_shape_is_an_error_of_ansible():
    """It names the argument."""
    with pytest.raises(AnsibleFilterError, match="service: its schema is None; expected 1"):
        verify(plan(xeon()), {})


def test_one_line_where_all_is_as_planned():
    """What passes is counted."""
    passed = verification(("threads", "pass", "14", "/proc/1"))
    assert verify_table(passed, "a") == "a: pass: 1 as planned, 0 not, 0 unknown"


def test_the_table_tells_what_differs_first():
    """Failures come before what is unknown, each cause once, long values beneath."""
    text = verify_table(
        verification(
            ("a", "unknown", None, "/proc/1"),
            ("b", "pass", "14", "/proc/2"),
            ("c", "fail", "x" * 40, "/proc/3"),
            ("d", "fail", "28", "/proc/3"),
        ),
        "host",
    )
    lines = text.splitlines()
    assert lines[0] == "host: fail: 1 as planned, 2 not, 1 unknown"
    assert [line.split()[2] for line in lines if line.startswith(("fail", "unknown"))] == ["c", "d", "a"]
    assert text.count("by: /proc/3") == text.count("-> mend by /proc/3") == 1
    assert "seen: " + "x" * 40 in text
    assert "/proc/2" not in text
