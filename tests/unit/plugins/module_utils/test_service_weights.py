# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control groups of a service from its own up to the root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.plugins.module_utils._service.weights import read_groups
from ansible_collections.inference.ollama.tests.unit.support.processes import Planted

NEW = "cgroup2 /cg cgroup2 rw 0 0"
OLD = "cgroup2 /unified cgroup2 rw 0 0\ncgroup /cpu cgroup rw,cpu 0 0"
UNIT = Unit("ollama.service", active_state="active", control_group="/ollama.slice/ollama.service")


def level(path, weight=None):
    return {"path": path, "cpu_weight": weight}


def test_version_2():
    """Weights are read where the controller is on; the root has none, and that is no problem."""
    files = {
        "/proc/mounts": NEW,
        "/cg/ollama.slice/cpu.weight": "4000",
    }
    root = Planted(files)
    assert read_groups(root, UNIT) == [
        level("/ollama.slice/ollama.service"),
        level("/ollama.slice", 4000),
        level("/"),
    ]
    assert root.problems == []


def test_version_1():
    """Shares become the weight that systemd made them of; the hierarchy with the controller counts, not version 2."""
    files = {
        "/proc/mounts": OLD,
        "/cpu/ollama.slice/cpu.shares": "40960",
        "/cpu/cpu.shares": "1024",
        "/unified/ollama.slice/cpu.weight": "7",
    }
    root = Planted(files)
    assert read_groups(root, UNIT) == [
        level("/ollama.slice/ollama.service"),
        level("/ollama.slice", 4000),
        level("/", 100),
    ]
    assert root.problems == []


@given(st.integers(1, 10000))
def test_every_weight_comes_back_from_its_shares(weight):
    """What systemd writes for a weight is read as that weight."""
    shares = max(2, weight * 1024 // 100)
    root = Planted({"/proc/mounts": OLD, "/cpu/ollama.slice/cpu.shares": str(shares)})
    assert read_groups(root, UNIT)[1]["cpu_weight"] == weight


@pytest.mark.parametrize("text", ["heavy", "-1", "1.5", ""])
def test_a_damaged_weight_is_null_and_named(text):
    """The problem has the path."""
    root = Planted({"/proc/mounts": NEW, "/cg/ollama.slice/cpu.weight": text})
    assert read_groups(root, UNIT)[1] == level("/ollama.slice")
    assert [problem.startswith("/cg/ollama.slice/cpu.weight: ") for problem in root.problems] == [True]


def test_without_a_hierarchy_weights_are_null_and_named():
    """The paths are systemd's own and known all the same."""
    root = Planted({"/proc/mounts": "proc /proc proc rw 0 0"})
    assert read_groups(root, UNIT) == [level("/ollama.slice/ollama.service"), level("/ollama.slice"), level("/")]
    assert len(root.problems) == 1


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (Unit("ollama.service", active_state="inactive"), []),
        (Unit("ollama.service", active_state="failed"), []),
        (Unit("ollama.service", active_state="active"), None),
        (Unit("ollama.service"), None),
    ],
)
def test_a_service_without_a_group(unit, expected):
    """One that does not run has none; of any other it is not known."""
    root = Planted({"/proc/mounts": NEW})
    assert read_groups(root, unit) == expected
    assert root.problems == []


def test_a_group_of_many_levels_is_read_in_part():
    """What is read is bounded, and the problem says so."""
    root = Planted({"/proc/mounts": NEW})
    deep = "/" + "/".join(["a"] * 100)
    found = read_groups(root, Unit("ollama.service", control_group=deep))
    assert (len(found), found[0]["path"], len(root.problems)) == (32, deep, 1)
