# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NUMA nodes: their CPUs, memory, huge pages and distances."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.node import read_nodes
from ansible_collections.inference.ollama.tests.unit.support.machine import CPU, NODE, Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

GIB = 1 << 30


def read(folder, online="0-3", files=None):
    root = Root(plant(folder, files or {}))
    return read_nodes(root, None if online is None else CpuSet.parse(online)), root.problems


def node(number, cpus, kilobytes, distance):
    base = f"{NODE}/node{number}"
    return {
        f"{base}/cpulist": cpus,
        f"{base}/meminfo": f"Node {number} MemTotal:  {kilobytes} kB\nNode {number} MemFree:  {kilobytes // 2} kB",
        f"{base}/distance": distance,
    }


def test_a_node_in_full(tmp_path):
    """CPUs, bytes, free bytes, huge pages by size, distances by node."""
    Machine(cores=4, nodes=2, memory_gib=[8, 16]).write(tmp_path)
    (first, second), problems = read(tmp_path, files={f"{NODE}/node1/hugepages/hugepages-1048576kB/nr_hugepages": "3"})
    assert problems == []
    assert (str(first.cpus), first.memory_bytes, first.free_bytes) == ("0-1", 8 * GIB, 4 * GIB)
    assert (str(second.cpus), second.memory_bytes) == ("2-3", 16 * GIB)
    assert second.hugepages == {"2048": 0, "1048576": 3}
    assert second.distances == {"0": 21, "1": 10}
    assert not second.gpu_memory


def test_numbers_may_have_gaps_and_columns_follow_the_nodes(tmp_path):
    """The third column is the third node, whatever its number."""
    files = {
        **node(0, "0-1", 1024, "10 20 40"),
        **node(8, "2-3", 1024, "20 10 40"),
        **node(252, "", 512, "40 40 10"),
    }
    nodes, problems = read(tmp_path, files=files)
    assert [each.id for each in nodes] == [0, 8, 252]
    assert nodes[1].distances == {"0": 20, "8": 10, "252": 40}
    assert problems == []


def test_nodes_of_memory_or_of_cpus_alone(tmp_path):
    """The first has the empty set, the second 0 bytes."""
    nodes, problems = read(tmp_path, files={**node(0, "0-3", 0, "10 20"), **node(1, "", 1024, "20 10")})
    assert nodes[0].memory_bytes == 0
    assert nodes[1].cpus == CpuSet()
    assert not nodes[1].gpu_memory
    assert problems == []


def test_offline_cpus_are_left_out_and_masks_will_do(tmp_path):
    """Old kernels have masks alone, and some keep CPUs in them that are off."""
    files = {**node(0, "", 1024, "10"), f"{NODE}/node0/cpumap": "0000000f"}
    plant(tmp_path, files)
    (tmp_path / NODE.lstrip("/") / "node0/cpulist").unlink()
    nodes, problems = read(tmp_path, online="0,2-3")
    assert str(nodes[0].cpus) == "0,2-3"
    assert problems == []


def test_a_kernel_without_nodes_has_one(tmp_path):
    """As lscpu and hwloc say: node 0 with every CPU, all memory, and the host's huge pages."""
    files = {
        "/proc/meminfo": "MemTotal: 1024 kB\nMemFree: 512 kB",
        "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "5",
    }
    (only,), problems = read(tmp_path, files=files)
    assert only == (0, CpuSet(range(4)), 1 << 20, 1 << 19, {"2048": 5}, {"0": 10}, False)
    assert problems == []
    assert read(tmp_path, online=None)[0] is None


@pytest.mark.parametrize(
    ("path", "text", "field", "words"),
    [
        ("cpulist", "?", "cpus", "also found no cpumap"),
        ("meminfo", "?", "memory_bytes", "such as 'MemTotal: 131072 kB'"),
        ("distance", "10 20", "distances", "expected 1 numbers"),
        ("distance", "ten", "distances", "expected 1 numbers"),
    ],
)
def test_a_damaged_file_makes_one_fact_unknown(tmp_path, path, text, field, words):
    """The others stay, and the problem names the file."""
    nodes, problems = read(tmp_path, files={**node(0, "0-3", 1024, "10"), f"{NODE}/node0/{path}": text})
    assert getattr(nodes[0], field) is None
    assert sum(value is None for value in nodes[0]) == (2 if field == "memory_bytes" else 1)
    assert any(f"{NODE}/node0/{path}" in problem and words in problem for problem in problems)


def test_cpus_in_two_nodes_or_in_none_are_named(tmp_path):
    """What the kernel says is kept, with a word that it cannot be."""
    files = {**node(0, "0-1", 1024, "10 20"), **node(1, "1-2", 1024, "20 10")}
    nodes, problems = read(tmp_path, files=files)
    assert [str(each.cpus) for each in nodes] == ["0-1", "1-2"]
    assert any("CPUs 1 are in several nodes" in problem for problem in problems)
    assert any("CPUs 3 are online and in no node" in problem for problem in problems)


def test_nodes_that_do_not_add_up_to_the_host_are_named(tmp_path):
    """Seen with memory that was plugged into a virtual machine after its start."""
    files = {**node(0, "0-3", 1024, "10"), "/proc/meminfo": "MemTotal: 9999 kB"}
    assert "the nodes have 1048576 bytes together" in read(tmp_path, files=files)[1][0]


def test_memory_of_a_gpu_is_no_place_for_programs(tmp_path):
    """The NVIDIA driver says which node it made, as on Grace Hopper."""
    files = {
        **node(0, "0-3", 1024, "10 80 80"),
        **node(1, "", 1024, "80 10 80"),
        **node(2, "", 1024, "80 80 10"),
        "/proc/driver/nvidia/gpus/0009:01:00.0/numa_status": "Node: 1\nStatus: online",
    }
    assert [each.gpu_memory for each in read(tmp_path, files=files)[0]] == [False, True, False]


@pytest.mark.parametrize(("vendor", "expected"), [("0x10de", True), ("0x8086", False)])
def test_power9_memory_without_cpus_belongs_to_its_gpus(tmp_path, vendor, expected):
    """NVLink makes the memory of a GPU a node there, and the driver need not be asked."""
    files = {
        **node(0, "0-3", 1024, "10 80"),
        **node(255, "", 1024, "80 10"),
        "/proc/cpuinfo": "processor\t: 0\ncpu\t\t: POWER9, altivec supported",
        "/sys/bus/pci/devices/0004:04:00.0/vendor": vendor,
        "/sys/bus/pci/devices/0004:04:00.0/class": "0x030200",
    }
    assert [each.gpu_memory for each in read(tmp_path, files=files)[0]] == [False, expected]


def test_cpu_files_are_not_needed(tmp_path):
    """The reader of nodes asks for nothing below the CPU folder."""
    assert not (tmp_path / CPU.lstrip("/")).exists()
    assert read(tmp_path, files=node(0, "0-3", 1024, "10"))[1] == []


LXC = Machine(sockets=2, cores=16, threads=2, nodes=2, memory_gib=64)
OWN_MEMINFO = {"/proc/meminfo": "MemTotal: 8388608 kB\nMemFree: 8388608 kB\nMemAvailable: 8388608 kB"}


@pytest.mark.parametrize(
    "sign",
    [
        {"/proc/mounts": "lxcfs /proc/meminfo fuse.lxcfs rw,nosuid,nodev 0 0"},
        {"/proc/mounts": "sysboxfs /proc/meminfo fuse rw 0 0"},
        {"/run/systemd/container": "lxc"},
        {"/sys/fs/cgroup/memory.max": str(8 << 30)},
        {"/.dockerenv": ""},
        # lxcfs by the CPUs alone: most of the nodes' CPUs are neither online nor offline.
        {},
    ],
)
def test_a_container_with_a_meminfo_of_its_own_contradicts_nothing(tmp_path, sign):
    """Its nodes' files are those of the whole machine, and /proc/meminfo is what the container may have."""
    root = Root(LXC.write(tmp_path))
    plant(tmp_path, {**OWN_MEMINFO, **sign})
    assert len(read_nodes(root, CpuSet.parse("3,14-15"))) == 2
    assert root.problems == []


def test_nodes_with_more_memory_than_a_host_are_named(tmp_path):
    """On a host that is no container both numbers are the kernel's, and one of them is wrong."""
    root = Root(LXC.write(tmp_path))
    plant(tmp_path, OWN_MEMINFO)
    read_nodes(root, CpuSet.parse("0-63"))
    (problem,) = root.problems
    assert "the nodes have 137438953472 bytes together, /proc/meminfo says 8589934592" in problem


def _without_lists(folder, *, links):
    """A machine of two nodes whose nodes have links to their CPUs alone, or are linked by their CPUs."""
    machine = Machine(sockets=2, cores=2, nodes=2, memory_only_nodes=[8])
    machine.write(folder)
    for number in range(3):
        for name in ("cpulist", "cpumap"):
            (folder / f"sys/devices/system/node/node{number}/{name}").unlink()
    for cpu in range(4):
        here, there = f"sys/devices/system/node/node{cpu // 2}", f"sys/devices/system/cpu/cpu{cpu}"
        place, target = (
            (f"{here}/cpu{cpu}", f"../../cpu/cpu{cpu}") if links else (f"{there}/node{cpu // 2}", f"../../../{here}")
        )
        (folder / place).symlink_to(target)


@pytest.mark.parametrize("links", [True, False])
def test_links_name_the_cpus_of_a_node_without_lists(tmp_path, links):
    """Kernels before 2.6.30 have links of either side; a node of memory alone has none."""
    _without_lists(tmp_path, links=links)
    nodes, problems = read(tmp_path)
    assert [str(each.cpus) for each in nodes] == ["0-1", "2-3", ""]
    assert [problem for problem in problems if "cpulist" in problem] == []


def test_damaged_lists_give_way_to_links_and_are_named(tmp_path):
    """A list that cannot be read is a problem where the links say the same, too; links of no CPU do not count."""
    _without_lists(tmp_path, links=True)
    for name in ("cpu70000", "cpu²", "cpu01", "cpufreq", "cpu99999999999"):
        (tmp_path / f"sys/devices/system/node/node0/{name}").mkdir()
    nodes, problems = read(tmp_path, files={f"{NODE}/node0/cpulist": "none"})
    assert str(nodes[0].cpus) == "0-1"
    assert [problem.split(":")[0] for problem in problems] == [f"{NODE}/node0/cpulist"]


def test_a_folder_of_nodes_without_a_node_is_no_single_node(tmp_path):
    """Only a kernel without NUMA has no such folder; one that is empty, a file or a link to nothing is damaged."""
    for kind in ("empty", "file", "link", "strange"):
        folder = tmp_path / kind
        Machine(cores=4).write(folder)
        place = folder / "sys/devices/system/node"
        place.rename(folder / "away")
        if kind == "file":
            place.write_text("0\n")
        elif kind == "link":
            place.symlink_to("/nowhere")
        else:
            place.mkdir()
            if kind == "strange":
                (place / "node00").mkdir()
        nodes, problems = read(folder)
        assert nodes is None, kind
        assert all(problem.startswith(f"{NODE}:") for problem in problems)
        assert problems


@pytest.mark.parametrize(("kib", "named"), [(8388608, False), (8112000, False), (7800000, True), (8600000, True)])
def test_what_old_kernels_keep_for_themselves_is_no_contradiction(tmp_path, kib, named):
    """Their nodes' files count it and /proc/meminfo does not; a larger gap, or one the other way, is named."""
    root = Root(Machine(cores=4, memory_gib=8).write(tmp_path))
    plant(tmp_path, {"/proc/meminfo": f"MemTotal: {kib} kB\nMemFree: 1 kB\nMemAvailable: 1 kB"})
    read_nodes(root, CpuSet.parse("0-3"))
    assert bool(root.problems) == named
