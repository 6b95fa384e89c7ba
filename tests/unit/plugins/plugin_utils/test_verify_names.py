# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of checks that an operator accepts: those of every plan are known on every host, all others are not."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import CHECKS, unknown_checks, verify
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    SAME,
    UNBOUND,
    many,
    plans,
    running,
)


@many
@given(plans())
def test_whatever_is_checked_can_be_accepted(made):
    """On the host itself, and on one whose plan has no such setting: a group of hosts accepts as one."""
    stale = {"schema": 1, "differences": [{"kind": "stale", "path": "/x", "unit": None, "instance": None}]}
    found = [
        check["setting"] for drift in (SAME, stale, None) for check in verify(made, running(made), drift)["checks"]
    ]
    assert unknown_checks(found, made) == []
    assert unknown_checks(found, UNBOUND) == []


def test_an_unknown_check_is_reported():
    """In the order given; a name is written as the table has it."""
    names = ["LimitMemlock", "LimitMEMLOCK", "", "no_such", "unit", "OLLAMA_KEEP_ALIVE"]
    assert unknown_checks(names, BOUND) == ["LimitMemlock", "", "no_such"]


def test_every_check_is_explained():
    """The table of checks in docs/verify.md has each of them, beside settings of the kernel."""
    page = (Path(__file__).resolve().parents[4] / "docs/verify.md").read_text(encoding="utf-8")
    table = page.partition("| check | fails where |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed - {"transparent_hugepage", "numa_balancing"} == CHECKS
