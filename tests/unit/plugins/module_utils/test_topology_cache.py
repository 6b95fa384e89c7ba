# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Last-level cache domains."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.cache import read_last_level
from ansible_collections.inference.ollama.tests.unit.support.machine import CPU
from ansible_collections.inference.ollama.tests.unit.support.trees import plant


def index(cpu, number, level, kind="Unified", **files):
    base = f"{CPU}/cpu{cpu}/cache/index{number}"
    return {
        f"{base}/level": str(level),
        f"{base}/type": kind,
        **{f"{base}/{name}": text for name, text in files.items()},
    }


def read(tmp_path, files, online="0-3"):
    root = Root(plant(tmp_path, files))
    caches = read_last_level(root, CpuSet.parse(online))
    return [(str(cache.cpus), cache.size) for cache in caches], root.problems


def test_the_highest_level_counts_and_instructions_do_not(tmp_path):
    """Each CPU's last data cache, whichever index it has."""
    files = {
        **index(0, 0, 1, "Data", shared_cpu_list="0", size="32K"),
        **index(0, 1, 3, shared_cpu_list="0-1", size="32M"),
        **index(0, 2, 4, "Instruction", shared_cpu_list="0", size="1K"),
        **index(2, 0, 2, shared_cpu_list="2-3", size="1G"),
    }
    assert read(tmp_path, files) == ([("0-1", 32 << 20), ("2-3", 1 << 30)], [])


def test_masks_and_missing_sizes(tmp_path):
    """Old kernels have no list, some have no size; offline CPUs do not count."""
    files = {**index(0, 3, 3, shared_cpu_map="0000000f")}
    assert read(tmp_path, files, "0-2") == ([("0-2", None)], [])


def test_no_cache_is_an_empty_list(tmp_path):
    """Virtual machines often hide their caches."""
    assert read(tmp_path, {f"{CPU}/online": "0-3"}) == ([], [])
    assert read_last_level(Root(str(tmp_path)), None) is None


@pytest.mark.parametrize("text", ["1-3", "much", ""])
def test_a_cache_that_is_not_shared_by_its_own_cpu_is_a_problem(tmp_path, text):
    """Nothing is made of a list that cannot be true."""
    caches, problems = read(tmp_path, index(0, 3, 3, shared_cpu_list=text))
    assert caches == []
    assert f"{CPU}/cpu0/cache/index3/shared_cpu_list" in problems[-1]


def test_a_damaged_size_is_unknown(tmp_path):
    """The domain stays, its size is None."""
    caches, problems = read(tmp_path, index(0, 3, 3, shared_cpu_list="0-3", size="lots"))
    assert caches == [("0-3", None)]
    assert "expected a size such as 32768K" in problems[0]


def test_the_order_of_indices_does_not_matter(tmp_path):
    """A cache of a lower level behind the last one is not the last one."""
    files = {**index(0, 0, 3, shared_cpu_list="0-3", size="8M"), **index(0, 1, 2, shared_cpu_list="0", size="1M")}
    assert read(tmp_path, files, "0") == ([("0", 8 << 20)], [])


def test_a_cache_of_unknown_level_may_be_the_last(tmp_path):
    """The CPU's last cache is unknown then, and another CPU speaks for it where it can."""
    files = {
        **index(0, 2, 2, shared_cpu_list="0", size="1M"),
        **index(0, 3, "third", shared_cpu_list="0-1", size="8M"),
        **index(1, 3, 3, shared_cpu_list="0-1", size="8M"),
    }
    caches, problems = read(tmp_path, files, "0-1")
    assert caches == [("0-1", 8 << 20)]
    assert [problem.split(":")[0] for problem in problems] == [f"{CPU}/cpu0/cache/index3/level"] * 2
    assert read(tmp_path, files, "0")[0] == []
