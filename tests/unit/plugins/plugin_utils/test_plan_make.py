# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole plan (_plan/make.py, _plan/machine.py)."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support.plans import OLLAMA, SOFTWARE, codes, instances, plan, xeon
from ansible_collections.inference.ollama.tests.unit.support.releases import releases

PARTS = sorted(SUBSETS - {"allowed"})


def test_the_same_input_gives_the_same_bytes_and_stays_as_it_was():
    """A plan can be compared with yesterday's, and its input is nobody's but the caller's."""
    machine = xeon()
    before = copy.deepcopy(machine)
    first, second = (json.dumps(plan(machine, numa_node=1)) for _run in range(2))
    assert first == second
    assert machine == before


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_was_not_gathered_is_not_planned_on(part):
    """gather_subset may leave anything out; the rest of the plan still comes."""
    machine = xeon()
    machine["software" if part == "software" else part] = None
    assert instances(plan(machine))


@given(st.sets(st.sampled_from([*PARTS, "allowed"])), releases)
def test_any_hole_in_the_facts_leaves_a_plan(parts, release):
    """Every decision is made, on what is known."""
    machine = xeon()
    machine.update(dict.fromkeys(parts))
    made = make_plan(machine, {}, release)
    assert {"numa_node", "cpus", "compute_threads", "binding"} <= {entry["setting"] for entry in made["decisions"]}


@pytest.mark.parametrize("topology", [{}, {"schema": 2}, "text", None])
def test_facts_of_another_shape_are_refused(topology):
    """A sentence that says what was expected, not a traceback."""
    with pytest.raises(OllamaError, match="expected the mapping that topology_facts returns, with schema 1"):
        make_plan(topology, {}, None)


def test_the_operator_s_release_wins_over_the_found_one():
    """An image is planned for the release that it will hold."""
    assert plan(xeon(), "0.24.0")["release"] == "0.24.0"
    assert plan(xeon(), "auto")["release"] == "0.34.1"
    assert plan(xeon(), None)["release"] == "0.34.1"


def test_a_release_that_is_none_is_refused_by_its_variable():
    """The operator sees which variable to mend."""
    with pytest.raises(OllamaError, match=r"ollama_version: 'latest' is not an Ollama release"):
        plan(xeon(), "latest")


def test_a_found_release_that_cannot_be_read_counts_as_unknown():
    """A build without a version calls itself 0.0.0; that is no reason to stop."""
    machine = xeon(software={**SOFTWARE, "ollama": {**OLLAMA, "version": "0.0.0"}})
    made = plan(machine, None)
    assert made["release"] is None
    assert {"release-unknown", "facts-incomplete"} <= set(codes(made))


@pytest.mark.parametrize(("release", "code"), [("0.3.0", "release-too-old"), ("9.0.0", "release-not-yet-known")])
def test_a_release_outside_the_checked_span_is_warned_of(release, code):
    """The rules were checked against a span of releases, and say so."""
    assert code in codes(plan(xeon(), release))


def test_drop_ins_that_are_read_later_are_named():
    """systemd reads drop-ins by name, and the last word counts."""
    unit = {"name": "ollama.service", "dropins": ["/etc/systemd/system/ollama.service.d/performance.conf"]}
    made = plan(xeon(software={**SOFTWARE, "ollama": {**OLLAMA, "unit": unit}}), numa_node=1)
    (warning,) = [entry for entry in made["warnings"] if entry["code"] == "dropins-read-later"]
    assert "performance.conf" in warning["message"]


def test_what_could_not_be_read_is_repeated_in_the_plan():
    """Whoever reads only the plan hears of holes in its facts."""
    made = plan(xeon(problems=["nvidia-smi failed"]), numa_node=1)
    assert "facts-incomplete" in codes(made)
