# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the clock of the CPUs is chosen."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.governor import read_frequency
from ansible_collections.inference.ollama.tests.unit.support.trees import plant


def cpufreq(governors, driver="intel_pstate"):
    base = "/sys/devices/system/cpu"
    files = {f"{base}/cpu{cpu}/cpufreq/scaling_governor": name for cpu, name in governors.items()}
    return {**files, **{f"{base}/cpu{cpu}/cpufreq/scaling_driver": driver for cpu in governors}}


@pytest.mark.parametrize(
    ("governors", "online", "expected"),
    [
        ({0: "performance", 1: "performance"}, "0-1", ["performance"]),
        ({0: "schedutil", 1: "performance"}, "0-1", ["performance", "schedutil"]),
        ({0: "performance", 1: "powersave"}, "0", ["performance"]),
        ({1: "powersave"}, "0-1", ["powersave"]),
    ],
)
def test_governors_of_online_cpus(tmp_path, governors, online, expected):
    """Each governor once, in alphabetical order, and the one driver."""
    root = Root(plant(tmp_path, cpufreq(governors)))
    assert read_frequency(root, CpuSet.parse(online)) == (expected, "intel_pstate")
    assert root.problems == []


@pytest.mark.parametrize("online", [None, CpuSet([0])])
def test_without_cpufreq(tmp_path, online):
    """A virtual machine does not choose its clock: unknown, and no problem."""
    root = Root(str(tmp_path))
    assert read_frequency(root, online) == (None, None)
    assert root.problems == []


def test_a_damaged_governor_leaves_them_unknown(tmp_path):
    """The others alone would be a guess; the driver is known from another CPU."""
    root = Root(plant(tmp_path, cpufreq({0: "per?ormance", 1: "powersave"})))
    assert read_frequency(root, CpuSet([0, 1])) == (None, "intel_pstate")
    path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    assert root.problems == [f"{path}: read 'per?ormance', expected a governor such as performance"]


def test_a_damaged_driver_is_unknown(tmp_path):
    """And named."""
    root = Root(plant(tmp_path, cpufreq({0: "powersave"}, driver="")))
    assert read_frequency(root, CpuSet([0])) == (["powersave"], None)
    assert len(root.problems) == 1
