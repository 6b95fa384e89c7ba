# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slice of the servers and its CPU weight as they are seen (_verify/protection.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    LATER,
    OURS,
    SAME,
    check,
    running,
    seen_on,
    verdicts,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, workstation, xeon


def level(path, weight=None):
    return {"path": path, "cpu_weight": weight}


def at(*paths, weight=None):
    """The levels of a group, the one below the root with this weight."""
    return [level(path, weight if path.count("/") == 1 and path != "/" else None) for path in paths]


IN_SLICE = ("/ollama.slice/ollama.service", "/ollama.slice", "/")
IN_SYSTEM = ("/system.slice/ollama.service", "/system.slice", "/")


def said(found, setting):
    row = check(found, setting)
    return row["verdict"], row["planned"], row["seen"]


def test_a_server_in_its_slice_with_its_weight_passes():
    """The control group is the evidence, for the server and for the host as a whole."""
    found = seen_on(control_groups=at(*IN_SLICE, weight=10000))
    assert said(found, "Slice") == ("pass", "ollama.slice", "ollama.slice")
    assert said(found, "CPUWeight") == ("pass", "10000", "10000")
    assert (check(found, "CPUWeight")["instance"], check(found, "Slice")["instance"]) == (None, "ollama")
    assert "/ollama.slice/ollama.service" in check(found, "Slice")["evidence"]


def test_below_another_root_counts_as_below_the_root():
    """In a container without a namespace of control groups systemd's own root lies deeper."""
    paths = ("/docker/1/ollama.slice/ollama.service", "/docker/1/ollama.slice", "/docker/1", "/docker", "/")
    groups = [level(path, 10000 if path.endswith("ollama.slice") else None) for path in paths]
    found = seen_on(control_groups=groups)
    assert [said(found, name)[0] for name in ("Slice", "CPUWeight")] == ["pass", "pass"]


def test_a_server_elsewhere_fails_and_restarts():
    """A service changes its slice when it starts; of the weight nothing can be seen then."""
    found = seen_on(control_groups=at(*IN_SYSTEM, weight=100))
    assert said(found, "Slice") == ("fail", "ollama.slice", "system.slice")
    assert "systemctl restart ollama.service" in check(found, "Slice")["remedy"]
    assert said(found, "CPUWeight") == ("unknown", "10000", None)


def test_a_later_file_that_names_another_slice_is_named():
    """The remedy is to take it out there."""
    override = {"name": "Slice", "kept": LATER, "lost": [OURS]}
    found = seen_on(control_groups=at(*IN_SYSTEM), overrides=[override])
    assert LATER in check(found, "Slice")["remedy"]
    assert "overridden_by" in verdicts(found, "fail")


@pytest.mark.parametrize(("groups", "seen"), [([], None), (None, None), ("x", None), ([{"path": 7}], None)])
def test_groups_that_were_not_read_are_unknown(groups, seen):
    """Nothing passes or fails unseen, whatever a reader returned."""
    found = seen_on(control_groups=groups)
    assert said(found, "Slice") == ("unknown", "ollama.slice", seen)
    assert said(found, "CPUWeight") == ("unknown", "10000", seen)


@pytest.mark.parametrize(
    ("weight", "problems", "expected"),
    [
        (100, [], ("fail", "100")),
        (None, [], ("fail", "none")),
        (None, ["/sys/fs/cgroup/ollama.slice/cpu.weight: cannot be read (Permission denied)"], ("unknown", None)),
    ],
)
def test_another_weight_fails_and_one_that_cannot_be_read_is_unknown(weight, problems, expected):
    """A group without a weight is as all others, which is not what was planned."""
    row = check(seen_on(control_groups=at(*IN_SLICE, weight=weight), problems=problems), "CPUWeight")
    assert (row["verdict"], row["seen"]) == expected
    assert row["remedy"]


def test_the_weight_is_seen_on_any_server_of_the_plan():
    """All are in one slice, so the first of them that runs shows it."""
    made = plan(xeon(), instances="per_numa_node")
    service = running(made)
    service["instances"][0]["control_groups"] = []
    assert check(verify(made, service, SAME), "CPUWeight")["verdict"] == "pass"


def test_a_plan_without_a_slice_has_neither_check():
    """What is not planned is not verified."""
    made = plan(workstation(card()))
    assert not {"Slice", "CPUWeight"} & {row["setting"] for row in verify(made, running(made), SAME)["checks"]}
