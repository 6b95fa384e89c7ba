# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are harmed on the disk: pipes, links, folders and endless texts in place of what a reader expects.

The environment variable INFERENCE_OLLAMA_MUTANTS sets how many mutants there are; ``tests/tools/mutants.py`` runs
thousands, on the hosts after public reports too. A failure prints the seed of its mutant.
"""

from __future__ import annotations

import os
import random
import sys

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.tests.unit.support import mutants, reported

pytestmark = pytest.mark.untraced

# Few on the oldest Python of a target, where they show that its language is kept to.
COUNT = int(os.environ.get("INFERENCE_OLLAMA_MUTANTS", "160" if sys.version_info >= (3, 10) else "40"))
BLOCKS = 2


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    return mutants.subjects(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_harmed_host_is_read_and_planned_in_bounds(hosts, block):
    """No traceback, no more than 5 s and 64 MiB, no long problem, and no fact that is gone without a word."""
    found = [mutants.run(seed, hosts) for seed in range(block, COUNT, BLOCKS)]
    assert [case for case in found if case[1] is not None] == []


@pytest.mark.parametrize("kind", sorted(mutants.CONTENTS))
def test_each_kind_of_harm_to_a_text_is_one(kind):
    """A text that a kind of harm is done to is another one, whatever chance picks, or had nothing to harm."""
    for seed in range(5):
        data = b"Node 0 MemTotal: 16 kB\nNode 1\n"
        if kind != "many digits":
            assert isinstance(mutants.CONTENTS[kind](random.Random(seed), data), bytes)
            assert isinstance(mutants.CONTENTS[kind](random.Random(seed), b""), bytes)


def test_the_host_is_as_before_behind_each_mutant(hosts):
    """What a mutant changed on the disk is undone: the last host reads as the first."""
    for host in hosts:
        assert gather(*host.machine({}), mutants.ALL) == host.facts


# What is right of each tree that made a reader fail, and which words a problem must have; none of them may be longer.
TREES = {
    "cgroup2-known-from-cpuset-only": ({"allowed.cpus": "0-5", "allowed.cores": 6}, None),
    "cluster-on-die-siblings": ({"cpu.sockets": 2, "cpu.packages": ["0-1", "2-3"]}, None),
    "cpu-number-above-65535": ({"cpu.online": "0", "cpu.sockets": 1}, "cpu70000: left out"),
    "cpuinfo-crlf": ({"cpu.vendor": "ARM", "cpu.model": "Neoverse-N1"}, "/sys/class/dmi/id"),
    "fifo": ({"memory.total_bytes": None}, "/proc/meminfo: cannot be read (it is not a regular file)"),
    "kfd-mem-banks-missing": ({}, "/1/mem_banks: read 0 banks"),
    "kfd-node-20-digits": ({"gpus": []}, "99999999999999999999: left out"),
    "kfd-node-superscript": ({"gpus": []}, "²: left out"),
    "kfd-properties-empty": ({"gpus": []}, "/1/properties: empty"),
    "long-list-in-problem": ({"cpu.isolated": None, "cpu.online": "0"}, "/sys/devices/system/cpu/isolated: "),
    "node-cpu-links-only": ({"allowed.mems": "0-1"}, None),
    "node-folder-empty": ({"numa": None, "allowed.mems": None}, "/sys/devices/system/node: expected a folder"),
    "node-folder-is-file": ({"numa": None, "allowed.mems": None}, "/sys/devices/system/node: cannot be listed"),
    "symlink-leaves-root": ({"memory.total_bytes": None}, "/proc/meminfo: cannot be read"),
}


@reported.needs_reports
@pytest.mark.parametrize("name", TREES)
def test_the_trees_that_made_a_reader_fail(tmp_path, name):
    """Each has its right values, and what is unknown is named in a short problem."""
    facts = gather(Root(reported.tree(name, tmp_path)), None, set(SUBSETS))
    values, words = TREES[name]
    for path, value in values.items():
        found = facts
        for key in path.split("."):
            found = found[key]
        assert found == value, path
    problems = facts["problems"]
    assert (problems == []) if words is None else any(words in problem for problem in problems)
    assert max(map(len, problems), default=0) <= mutants.LONGEST_PROBLEM
    if name == "node-cpu-links-only":
        assert [CpuSet.parse(node["cpus"]) for node in facts["numa"]] == [CpuSet([0, 1]), CpuSet([2, 3])]
    if name == "kfd-mem-banks-missing":
        assert [gpu["memory_bytes"] for gpu in facts["gpus"]] == [None]


@reported.needs_reports
def test_every_tree_has_its_right_values():
    """A tree that is added is one whose values are known."""
    assert set(reported.names("readers")) <= set(TREES)
