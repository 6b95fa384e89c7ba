# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captured machines, against what lstopo and lscpu say of them.

``expect`` holds what those tools agree on; what they contest is not asserted.
"""

from __future__ import annotations

import re

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import read_processors
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.plugins.module_utils._topology.limits import read_limits
from ansible_collections.inference.ollama.tests.unit.support import trees

pytestmark = trees.needs_captures

# The others have GPUs alone.
ORACLES = {name: oracle for name in trees.names() if "expect" in (oracle := trees.oracle(name))}
IN_CPUSET = [name for name, oracle in ORACLES.items() if "hwloc_allowed" in oracle["expect"]]


def ours(folder):
    """Our facts in the words of the oracles."""
    facts = gather(Root(folder), None, SUBSETS)
    cpu, numa = facts["cpu"], facts["numa"] or []
    return facts, {
        "cpus_online": cpu["online"],
        "logical_online": cpu["threads"],
        "offline_present": cpu["offline"],
        "sockets": cpu["sockets"],
        "packages": cpu["packages"] and sorted(cpu["packages"]),
        "cores": cpu["cores"],
        "threads_per_core": cpu["threads_per_core"],
        "smt_sets": cpu["siblings"] and sorted(cpu["siblings"]),
        "numa_nodes": len(numa),
        "memory_only_nodes": [node["id"] for node in numa if node["cpus"] == ""],
        "proc_meminfo_total": facts["memory"]["total_bytes"],
    }


@pytest.mark.parametrize("name", trees.names())
def test_every_capture_is_read(name):
    """No machine stops the reader, and every part has an answer or a problem."""
    facts, _words = ours(trees.tree(name))
    assert facts["schema"] == 1
    for part in ("cpu", "memory", "kernel", "allowed", "drivers", "software"):
        assert isinstance(facts[part], dict), part
    assert facts["cpu"]["cores"] is not None or facts["problems"]


@pytest.mark.parametrize("name", ORACLES)
def test_counts_agree_with_the_oracles(name):
    """CPUs, cores, siblings, sockets, nodes and memory are what lstopo and lscpu agree on."""
    expect = ORACLES[name]["expect"]
    _facts, words = ours(trees.tree(name))
    for field in sorted(set(words) & set(expect)):
        expected = sorted(expect[field]) if isinstance(expect[field], list) else expect[field]
        assert words[field] == expected, field


@pytest.mark.parametrize("name", ORACLES)
def test_nodes_agree_with_the_oracles(name):
    """Each node's CPUs, cores and bytes; nodes without CPUs have none."""
    expect = ORACLES[name]["expect"]
    facts, _words = ours(trees.tree(name))
    nodes = {str(node["id"]): node for node in facts["numa"]}
    for number, expected in expect["nodes"].items():
        for field in sorted({"cpus", "cores", "memory_bytes"} & set(expected)):
            assert nodes[number][field] == expected[field], f"node {number}: {field}"


@pytest.mark.parametrize("name", IN_CPUSET)
def test_what_is_allowed_agrees_with_the_oracles(name):
    """Inside a cpuset the CPUs, cores, sockets and nodes that are left are those that lstopo shows."""
    expect = ORACLES[name]["expect"]["hwloc_allowed"]
    root = Root(trees.tree(name))
    allowed = gather(root, None, SUBSETS)["allowed"]
    cpus = CpuSet.parse(allowed["cpus"])
    assert (allowed["cpus"], allowed["cores"]) == (expect["cpus"], expect["cores"])
    assert sum(1 for package in read_processors(root).packages if package & cpus) == expect["sockets"]
    if "nodes" not in ORACLES[name]["contested"]:
        assert str(read_limits(root).mems) == expect["nodes"]


@pytest.mark.parametrize("name", ["x1", "x2"])
def test_gpu_hosts_agree_with_their_own_lscpu(name):
    """What lscpu printed on the host itself."""
    folder = trees.unpack(f"h200/{name}/tree.tar.xz")
    printed = (trees.captures() / f"h200/{name}/text.txt").read_text(encoding="utf-8")
    lscpu = dict(re.findall(r"^([A-Z][\w() -]+):  +(\S.*)$", printed, re.MULTILINE))
    facts, words = ours(folder)
    cpu = facts["cpu"]
    assert words["cpus_online"] == lscpu["On-line CPU(s) list"]
    assert words["logical_online"] == int(lscpu["CPU(s)"])
    assert words["sockets"] == int(lscpu["Socket(s)"])
    assert words["cores"] == int(lscpu["Core(s) per socket"]) * int(lscpu["Socket(s)"])
    assert words["threads_per_core"] == [int(lscpu["Thread(s) per core"])]
    assert words["numa_nodes"] == int(lscpu["NUMA node(s)"])
    assert facts["numa"][0]["cpus"] == lscpu["NUMA node0 CPU(s)"]
    assert (cpu["architecture"], cpu["vendor"]) == (lscpu["Architecture"], lscpu["Vendor ID"])
    assert cpu["model"] == lscpu["Model name"]
    size, instances = re.fullmatch(r"(\d+) MiB \((\d+) instances?\)", lscpu["L3 cache"]).groups()
    assert sum(cache["bytes"] for cache in cpu["llc"]) == int(size) << 20
    assert len(cpu["llc"]) == int(instances)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hwloc__20em64t-hybrid-1p6c2t+2ca4co1t", [("performance", "0-11", 6), ("efficiency", "12-19", 8)]),
        ("hwloc__128arm-2pa2n8cluster4co", [("uniform", "0-127", 128)]),
    ],
)
def test_kinds_of_cores(name, expected):
    """Six fast cores with two threads and eight frugal ones; a server whose cores are all alike."""
    kinds = gather(Root(trees.tree(name)), None, {"cpu"})["cpu"]["kinds"]
    assert [(kind["kind"], kind["cpus"], kind["cores"]) for kind in kinds] == expected


@pytest.mark.parametrize(
    ("name", "gpu_nodes"),
    [
        ("synth__mpibind-coral-lassen-hwloc1", [252, 253, 254, 255]),
        ("synth__mpibind-knl-snc4-flat-hwloc1", []),
        ("own__cxl-2x52ht-2-memory-only", []),
    ],
)
def test_only_memory_of_gpus_is_called_that(name, gpu_nodes):
    """Memory on the package or behind CXL has no CPUs either, and is the host's own."""
    numa = gather(Root(trees.tree(name)), None, {"numa"})["numa"]
    assert [node["id"] for node in numa if node["gpu_memory"]] == gpu_nodes
