# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole dictionary: its shape, its parts, and each file read once."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import (
    MINIMAL,
    SUBSETS,
    gather,
)
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

GIB = 1 << 30
KEYS = ["schema", "cpu", "numa", "memory", "kernel", "allowed", "gpus", "drivers", "software", "problems"]
TWO_SOCKETS = Machine(sockets=2, cores=14, threads=2, nodes=2, memory_gib=128)


def read(folder, subset=SUBSETS):
    return gather(Root(str(folder)), None, set(subset))


def test_a_two_socket_server(tmp_path):
    """Every field of the CPU part, the nodes, memory, kernel and limits."""
    facts = read(TWO_SOCKETS.write(tmp_path))
    assert list(facts) == KEYS
    cpu = facts["cpu"]
    assert cpu.pop("siblings") == [f"{first},{first + 28}" for first in range(28)]
    assert cpu == {
        "architecture": "x86_64",
        "vendor": "GenuineIntel",
        "model": "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz",
        "online": "0-55",
        "offline": "",
        "isolated": "",
        "sockets": 2,
        "cores": 28,
        "threads": 56,
        "threads_per_core": [2],
        "smt_active": True,
        "kinds": [{"kind": "uniform", "cpus": "0-55", "cores": 28}],
        "llc": [{"cpus": "0-13,28-41", "bytes": 35840 << 10}, {"cpus": "14-27,42-55", "bytes": 35840 << 10}],
    }
    assert facts["numa"][1] == {
        "id": 1,
        "cpus": "14-27,42-55",
        "cores": 14,
        "memory_bytes": 128 * GIB,
        "free_bytes": 64 * GIB,
        "hugepages": {"2048": 0},
        "distances": {"0": 21, "1": 10},
        "gpu_memory": False,
    }
    assert facts["memory"]["total_bytes"] == 256 * GIB
    assert facts["kernel"] == {"release": "6.12.0", "transparent_hugepage": "madvise", "numa_balancing": True}
    assert facts["allowed"] == {"cpus": "0-55", "cores": 28, "cpu_quota": None, "memory_bytes": None}
    assert facts["problems"] == []
    assert json.loads(json.dumps(facts)) == facts


def test_limits_bound_what_is_allowed(tmp_path):
    """CPUs, the cores they touch, the quota, the memory."""
    machine = Machine(cores=4, threads=2, cpuset="0-1,4-5,9", cpu_max="250000 100000", memory_max=str(GIB))
    allowed = read(machine.write(tmp_path))["allowed"]
    assert allowed == {"cpus": "0-1,4-5", "cores": 2, "cpu_quota": 2.5, "memory_bytes": GIB}


def test_limits_that_leave_no_cpu_are_not_believed(tmp_path):
    """Some CPU must be left to a service: unknown, and named."""
    facts = read(Machine(cores=4, cpuset="8-9").write(tmp_path))
    assert (facts["allowed"]["cpus"], facts["allowed"]["cores"]) == (None, None)
    assert facts["problems"] == ["allowed: control groups and affinity leave CPUs 8-9, none of which is online"]


@pytest.mark.parametrize(
    ("mems", "limit", "expected"),
    [("0-1", "max", None), ("1", "max", 8 * GIB), ("1", str(GIB), GIB), ("0", str(100 * GIB), 16 * GIB)],
)
def test_memory_of_some_nodes_is_a_bound(tmp_path, mems, limit, expected):
    """Where only some nodes may be used, no more than they have can be."""
    Machine(nodes=2, memory_gib=[16, 8], memory_max=limit).write(tmp_path)
    plant(tmp_path, {"/sys/fs/cgroup/system.slice/cpuset.mems.effective": mems})
    assert read(tmp_path)["allowed"]["memory_bytes"] == expected


@pytest.mark.parametrize("part", sorted(SUBSETS))
def test_one_part_alone(tmp_path, part):
    """All keys are there, and what was not asked for is None without a problem."""
    facts = read(TWO_SOCKETS.write(tmp_path), {part})
    asked = {part, "drivers"} if part == "gpus" else {part}
    assert list(facts) == KEYS
    assert {key for key in KEYS if facts[key] is not None} == {"schema", "problems", *asked}
    assert facts["problems"] == []


def test_parts_do_not_depend_on_each_other(tmp_path):
    """A part read alone is the same as in the whole."""
    folder = TWO_SOCKETS.write(tmp_path)
    whole = read(folder)
    assert MINIMAL < SUBSETS
    for part in SUBSETS:
        assert read(folder, {part})[part] == whole[part]


def test_nothing_at_all(tmp_path):
    """An empty tree has every key, unknown facts, and problems that say what was looked for."""
    facts = read(tmp_path)
    assert facts["numa"] is None
    assert facts["gpus"] == []
    assert set(facts["memory"].values()) == set(facts["kernel"].values()) == {None}
    assert set(facts["cpu"].values()) == set(facts["allowed"].values()) == {None}
    assert any("/sys/devices/system/cpu/online" in problem for problem in facts["problems"])


def test_each_file_is_opened_once(tmp_path, monkeypatch):
    """Hundreds of CPUs stay cheap: no file twice, and fewer than ten for each CPU."""
    opened = Counter()
    original = Root._read

    def counting(self, path):
        opened[path] += 1
        return original(self, path)

    monkeypatch.setattr(Root, "_read", counting)
    read(TWO_SOCKETS.write(tmp_path))
    assert set(opened.values()) == {1}
    assert len(opened) < 10 * 56
