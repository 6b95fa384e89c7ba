# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged trees: whatever stands in the files, there is an answer of the same shape.

The number of cases can be raised through the environment variable INFERENCE_OLLAMA_FUZZ_CASES.
"""

from __future__ import annotations

import json
import os
import random

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.tests.unit.support import trees
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine

CASES = int(os.environ.get("INFERENCE_OLLAMA_FUZZ_CASES", "300"))
GARBAGE = [
    b"",
    b"\0\0\0",
    b"-1",
    b"0",
    b"0-",
    b"0-65535",
    b"99999999999999999999",
    b"ffffffff,ffffffff",
    b"0-3\n0-3",
    b"1e9",
    b"0x",
    b"\xff\xfe\x00garbage",
    "٣".encode(),  # a digit to Python, and not to the kernel
    b"Node 0 MemTotal: -5 kB",
    b"cgroup2 /../.. cgroup2 rw",
    b":::\n::",
    b"max",
    b"A" * 5000,
]
CPU = {
    "architecture", "vendor", "model", "online", "offline", "isolated", "sockets", "cores", "threads",
    "threads_per_core", "smt_active", "siblings", "kinds", "llc",
}  # fmt: skip
NODE = {"id", "cpus", "cores", "memory_bytes", "free_bytes", "hugepages", "distances", "gpu_memory"}
GPU = {
    "vendor", "index", "name", "uuid", "pci_bus_id", "memory_bytes", "free_bytes", "compute_capability",
    "gfx_target", "architecture", "numa_node", "cpus", "display_active", "integrated", "mig", "links",
    "persistence_mode",
}  # fmt: skip


class DamagedRoot(Root):
    """A root some of whose files are gone, cut short, or full of something else."""

    def __init__(self, path, seed):
        super().__init__(path)
        self.chance = random.Random(seed)
        # From a single broken file to a tree in ruins.
        self.rate = self.chance.choice([0.002, 0.02, 0.2, 0.9])

    def _read(self, path):
        data = super()._read(path)
        if data is None or self.chance.random() > self.rate:
            return data
        damage = self.chance.randrange(4)
        if damage == 0:
            return None
        if damage == 1:
            return data[: self.chance.randrange(len(data) + 1)].strip()
        if damage == 2:
            at = self.chance.randrange(len(data) + 1)
            return data[:at] + self.chance.choice("x-,0\n٣ ") + data[at + self.chance.randrange(2) :]
        return self.chance.choice(GARBAGE).replace(b"\0", b"").decode("utf-8", "replace").strip()

    def names(self, path):
        names = super().names(path)
        if self.chance.random() > self.rate / 4:
            return names
        left = self.chance.sample(names, self.chance.randint(0, len(names)))
        return sorted([*left, "cpu", "node", "index", "cpu99999x", "hugepages-x"])


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """One generated machine, and all captured ones where they are."""
    made = Machine(sockets=2, cores=3, threads=2, nodes=2, efficiency_cores=2, memory_only_nodes=[1], cpuset="0-9")
    return [made.write(tmp_path_factory.mktemp("made")), *(trees.tree(name) for name in trees.names())]


@pytest.mark.parametrize("block", range(10))
def test_damage_never_stops_the_reader(roots, block):
    """Every key of the schema is there, what is known is consistent, and what is not is explained."""
    for seed in range(block, CASES, 10):
        facts = gather(DamagedRoot(roots[seed % len(roots)], seed), None, SUBSETS)
        check(facts)


def check(facts):
    cpu, allowed = facts["cpu"], facts["allowed"]
    assert set(facts) == {
        "schema",
        "cpu",
        "numa",
        "memory",
        "kernel",
        "allowed",
        "gpus",
        "drivers",
        "software",
        "problems",
    }
    assert set(cpu) == CPU
    assert all(set(node) == NODE for node in facts["numa"] or [])
    assert all(set(gpu) == GPU for gpu in facts["gpus"])
    assert set(facts["memory"]) == {"total_bytes", "available_bytes", "swap_total_bytes"}
    assert set(facts["kernel"]) == {"release", "transparent_hugepage", "numa_balancing"}
    assert set(allowed) == {"cpus", "cores", "cpu_quota", "memory_bytes"}
    assert set(facts["drivers"]) == {"nvidia", "amd"}
    assert set(facts["software"]) == {"systemd", "numactl", "ollama"}
    json.dumps(facts)
    assert all(isinstance(problem, str) and problem.isprintable() for problem in facts["problems"])
    assert (cpu["cores"] is None) == (cpu["siblings"] is None)
    if cpu["siblings"] is None or cpu["sockets"] is None or facts["memory"]["total_bytes"] is None:
        assert facts["problems"]
    else:
        cores = [CpuSet.parse(core) for core in cpu["siblings"]]
        assert sum(len(core) for core in cores) == cpu["threads"]
        assert CpuSet(each for core in cores for each in core) == CpuSet.parse(cpu["online"])
        assert 0 < (allowed["cores"] or cpu["cores"]) <= cpu["cores"] <= cpu["threads"]
