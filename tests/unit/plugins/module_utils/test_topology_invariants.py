# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the shape of a machine, the facts about it agree with each other."""

from __future__ import annotations

import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import gather
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine

pytestmark = pytest.mark.untraced

PARTS = {"cpu", "cache", "numa", "memory", "allowed"}


def facts_of(machine):
    folder = tempfile.mkdtemp()
    try:
        return gather(Root(machine.write(folder)), None, PARTS)
    finally:
        shutil.rmtree(folder)


@st.composite
def machines(draw):
    sockets = draw(st.sampled_from([1, 1, 2, 4]))
    cores = draw(st.integers(1, 6))
    machine = Machine(
        sockets=sockets,
        cores=cores,
        threads=draw(st.sampled_from([1, 2, 4])),
        nodes=draw(st.sampled_from([1, sockets, 2 * sockets if cores > 1 else sockets])),
        numbering=draw(st.sampled_from(["spread", "adjacent", "alternating"])),
        memory_only_nodes=draw(st.lists(st.integers(1, 64), max_size=2)),
        efficiency_cores=draw(st.sampled_from([0, 0, 4])),
    )
    off = draw(st.sets(st.sampled_from(list(machine.present)), max_size=len(machine.present) - 1))
    # A machine cannot run without CPU 0 here: it has no switch.
    machine.offline = str(CpuSet(off - {0}))
    return machine


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(machines())
def test_facts_agree_with_the_shape_and_with_each_other(machine):
    """Cores, threads, nodes, kinds and caches all divide the same online CPUs."""
    facts = facts_of(machine)
    cpu, numa = facts["cpu"], facts["numa"]
    online = CpuSet.parse(cpu["online"])
    siblings = [CpuSet.parse(core) for core in cpu["siblings"]]
    assert facts["problems"] == []
    assert online == machine.online
    assert CpuSet.parse(cpu["offline"]) == machine.present - machine.online
    assert divide(siblings, online)
    assert cpu["cores"] == len(siblings) == sum(1 for _s, _n, cpus in machine.physical() if cpus & online)
    assert cpu["threads"] == len(online) == sum(len(core) for core in siblings)
    assert cpu["threads_per_core"] == sorted({len(core) for core in siblings})
    assert cpu["smt_active"] == (max(cpu["threads_per_core"]) > 1)
    assert cpu["sockets"] == len({s for s, _n, cpus in machine.physical() if cpus & online})
    assert len(cpu["packages"]) == cpu["sockets"]
    assert divide([CpuSet.parse(package) for package in cpu["packages"]], online)
    assert divide([CpuSet.parse(cache["cpus"]) for cache in cpu["llc"]], online)
    assert divide([CpuSet.parse(kind["cpus"]) for kind in cpu["kinds"]], online)
    assert sum(kind["cores"] for kind in cpu["kinds"]) == cpu["cores"]
    assert divide([CpuSet.parse(node["cpus"]) for node in numa], online)
    assert sum(node["cores"] for node in numa) == cpu["cores"]
    assert sum(node["memory_bytes"] for node in numa) == facts["memory"]["total_bytes"]
    bare = [node["id"] for node in numa if node["id"] >= machine.nodes]
    assert len(bare) == len(machine.memory_only_nodes)
    assert not any(numa[number]["cpus"] for number in bare)
    assert facts["allowed"]["cpus"] == cpu["online"]


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(machines())
def test_masks_alone_give_the_same_facts(machine):
    """An old kernel without lists describes the same machine."""
    whole = facts_of(machine)
    machine.lists = False
    assert facts_of(machine) == whole


def divide(sets, whole):
    """Whether sets are disjoint and make up the whole."""
    return sum(len(part) for part in sets) == len(whole) and all(part <= whole for part in sets)
