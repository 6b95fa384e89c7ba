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
    GROUPS,
    MINIMAL,
    SUBSETS,
    gather,
)
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

GIB = 1 << 30
OF_INSTANCES = {"instance_cpu_quota": None, "instance_memory_bytes": None}
UNLIMITED = {"cpu_quota": None, "memory_bytes": None, "system_slice": [], "slices": [], **OF_INSTANCES}
KEYS = [
    *("schema", "cpu", "numa", "memory", "kernel", "virtualization", "allowed"),
    *("gpus", "drivers", "software", "problems"),
]
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
        "packages": ["0-13,28-41", "14-27,42-55"],
        "cores": 28,
        "threads": 56,
        "threads_per_core": [2],
        "smt_active": True,
        "kinds": [{"kind": "uniform", "cpus": "0-55", "cores": 28}],
        "llc": [{"cpus": "0-13,28-41", "bytes": 35840 << 10}, {"cpus": "14-27,42-55", "bytes": 35840 << 10}],
        "governors": None,
        "frequency_driver": None,
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
    assert facts["memory"] == {
        "total_bytes": 256 * GIB,
        "host_bytes": 256 * GIB,
        "available_bytes": (256 * GIB >> 10) // 10 * 9 << 10,
        "swap_total_bytes": 0,
        "swap_free_bytes": 0,
    }
    assert facts["kernel"] == {
        "release": "6.12.0",
        "transparent_hugepage": "madvise",
        "transparent_hugepage_defrag": None,
        "numa_balancing": True,
        "cgroup_version": 2,
        "cgroup_cpu": None,
        "sleep_states": None,
    }
    assert facts["virtualization"] == {"kind": "none", "type": "none"}
    assert facts["allowed"] == {"cpus": "0-55", "cores": 28, "mems": "0-1", **UNLIMITED}
    assert facts["problems"] == []
    assert json.loads(json.dumps(facts)) == facts


def test_limits_bound_what_is_allowed(tmp_path):
    """CPUs, the cores they touch, the quota, the memory."""
    machine = Machine(cores=4, threads=2, cpuset="0-1,4-5,9", cpu_max="250000 100000", memory_max=str(GIB))
    allowed = read(machine.write(tmp_path))["allowed"]
    limits = {"cpu_quota": 2.5, "memory_bytes": GIB, "system_slice": ["cpu_quota", "memory_bytes"], "slices": []}
    assert allowed == {"cpus": "0-1,4-5", "cores": 2, "mems": "0", **limits, **OF_INSTANCES}


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


def test_memory_of_the_nodes_that_are_left(tmp_path):
    """Nodes without memory are not counted, and a limit to nodes that have none is not believed."""
    Machine(nodes=2, memory_gib=[16, 0], memory_only_nodes=[8]).write(tmp_path)
    assert read(tmp_path)["allowed"]["mems"] == "0,2"
    plant(tmp_path, {"/sys/fs/cgroup/system.slice/cpuset.mems.effective": "1-2"})
    assert read(tmp_path)["allowed"]["mems"] == "2"
    plant(tmp_path, {"/sys/fs/cgroup/system.slice/cpuset.mems.effective": "1"})
    facts = read(tmp_path)
    assert facts["allowed"]["mems"] is None
    assert "allowed: control groups leave the memory of nodes 1, none of which has any" in facts["problems"]


def grace_hopper(folder):
    """72 cores with 480 GiB, and a GPU whose 96 GiB are node 1."""
    Machine(cores=72, memory_gib=480, memory_only_nodes=[96]).write(folder)
    return plant(
        folder,
        {
            "/proc/driver/nvidia/gpus/0009:01:00.0/numa_status": "Node: 1\nStatus: online",
            "/proc/driver/nvidia/gpus/0019:01:00.0/numa_status": "Node: -1\nStatus: offline",
        },
    )


def test_memory_of_a_gpu_is_not_the_hosts(tmp_path):
    """/proc/meminfo counts the memory of Grace Hopper's GPU; a server cannot have it for its own."""
    facts = read(grace_hopper(tmp_path), {"memory", "numa"})
    assert [node["gpu_memory"] for node in facts["numa"]] == [False, True]
    assert (facts["memory"]["total_bytes"], facts["memory"]["host_bytes"]) == (576 * GIB, 480 * GIB)
    assert facts["problems"] == []


def test_memory_of_a_gpu_that_is_unknown(tmp_path):
    """The host's own memory is unknown then, and both gaps are named."""
    grace_hopper(tmp_path)
    plant(tmp_path, {"/sys/devices/system/node/node1/meminfo": "", "/proc/driver/nvidia/gpus/x/numa_status": "Nodes"})
    facts = read(tmp_path, {"memory"})
    assert (facts["memory"]["total_bytes"], facts["memory"]["host_bytes"]) == (576 * GIB, None)
    assert [problem.split(":")[0] for problem in facts["problems"]] == [
        "/proc/driver/nvidia/gpus/x/numa_status",
        *["/sys/devices/system/node/node1/meminfo"] * 2,
    ]


# Which keys a subset fills.
FILLS = {
    "cache": {"cpu.llc"},
    "governor": {"cpu.governors", "cpu.frequency_driver"},
    **{part: {"gpus", f"drivers.{part}"} for part in ("nvidia", "amd", "drm")},
    **{part: {f"software.{part}"} for part in ("systemd", "numactl", "ollama")},
}


def flat(facts):
    """Each part as it is, and each key of the parts that several subsets fill."""
    found = {}
    for key in KEYS[1:-1]:
        if key in ("cpu", "drivers", "software"):
            found.update({f"{key}.{name}": value for name, value in (facts[key] or {}).items()})
        else:
            found[key] = facts[key]
    return found


@pytest.fixture(scope="module")
def whole_machine(tmp_path_factory):
    """A machine of which every subset has something to say."""
    folder = Machine(sockets=2, cores=2, threads=2, nodes=2).write(tmp_path_factory.mktemp("whole"))
    frequency = {
        f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_{name}": text
        for cpu in range(8)
        for name, text in (("governor", "powersave"), ("driver", "intel_cpufreq"))
    }
    others = {"/usr/bin/numactl": "", "/usr/bin/ollama": "", "/proc/driver/nvidia/version": "Kernel Module  580.1"}
    card = {"class": "0x030000", "vendor": "0x8086"}
    files = {f"/sys/bus/pci/devices/0000:00:02.0/{name}": text for name, text in card.items()}
    return plant(folder, {**frequency, **others, **files})


@pytest.mark.parametrize("part", sorted(SUBSETS))
def test_one_part_alone(whole_machine, part):
    """All keys are there, a part read alone is as in the whole, and what was not asked for is None.

    None of it is a problem.
    """
    facts, whole = flat(read(whole_machine, {part})), flat(read(whole_machine))
    own = {key for filled in FILLS.values() for key in filled}
    mine = FILLS.get(part) or {key for key in whole if key.partition(".")[0] == part and key not in own}
    assert list(read(whole_machine, {part})) == KEYS
    assert {key: value for key, value in facts.items() if value} == {
        key: value for key, value in whole.items() if value and key in mine and (key != "gpus" or part == "drm")
    }
    assert all(facts.get(key) is None for key in whole if key not in mine)
    assert read(whole_machine, {part})["problems"] == []


def test_subsets_and_groups():
    """The groups are made of subsets, and the least is less than all."""
    assert MINIMAL < SUBSETS
    assert all(parts < SUBSETS for parts in GROUPS.values())


def test_nothing_at_all(tmp_path):
    """An empty tree has every key, unknown facts, and problems that say what was looked for."""
    facts = read(tmp_path)
    assert facts["numa"] is None
    assert facts["gpus"] == []
    assert set(facts["memory"].values()) == set(facts["kernel"].values()) == {None}
    assert set(facts["cpu"].values()) == set(facts["allowed"].values()) == {None}
    assert set(facts["virtualization"].values()) == {None}
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
