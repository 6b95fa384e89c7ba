# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of CPU time, and the control groups of a process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.quotas import (
    Quota,
    levels,
    levels_by_controller,
    read_quota,
)
from ansible_collections.inference.ollama.tests.unit.support.processes import Planted


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"cpu.max": "150000 100000"}, Quota(150000, 100000)),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "25000"}, Quota(50000, 25000)),
        ({"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_a_quota_of_either_version(files, found):
    """Microseconds of CPU time in a period, or none."""
    root = Planted({f"/g/{name}": text for name, text in files.items()})
    assert read_quota(root, "/g") == found
    assert root.problems == []
    assert found is None or found.cpus in (1.5, 2.0)


@pytest.mark.parametrize("text", ["", "x", "0 100000", "1 0", "100000", "-5 100000", "1" * 16 + " 1"])
def test_a_quota_that_cannot_be_understood(text):
    """A sentence names the file and what was expected, and nothing is limited."""
    root = Planted({"/g/cpu.max": text})
    assert read_quota(root, "/g") is None
    assert root.problems == [f"/g/cpu.max: read {text!r}, expected a quota and a period in microseconds"]


def test_the_groups_of_a_process_from_the_top_down():
    """Each controller of version 1 has its own, and one outside the namespace shows its top alone."""
    text = "4:cpu,cpuacct:/job/a\n3:cpuset:/\n1:name=systemd:/x\n0::/../other\nbroken"
    assert levels_by_controller(text) == {
        "cpu": ("", "/job", "/job/a"),
        "cpuacct": ("", "/job", "/job/a"),
        "cpuset": ("",),
        "name=systemd": ("", "/x"),
        "": ("",),
    }
    assert levels_by_controller(None) == {}


@given(st.text())
def test_levels_grow_by_one_group_each(path):
    """The first is the top, and each of the others is below the one before."""
    found = levels(path)
    assert found[0] == ""
    assert all(below.rsplit("/", 1)[0] == above for above, below in zip(found, found[1:]))
