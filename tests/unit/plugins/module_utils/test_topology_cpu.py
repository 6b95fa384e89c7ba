# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Online CPUs, physical cores and sockets, from whichever files a kernel has."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.cpu import (
    count_cores,
    read_processors,
)
from ansible_collections.inference.ollama.tests.unit.support.machine import CPU, Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import plant


def read(tmp_path, files):
    root = Root(plant(tmp_path, files))
    return read_processors(root), root.problems


def texts(sets):
    return None if sets is None else [str(group) for group in sets]


def cpus(names, **by_cpu):
    """Topology files of the given name, one for each CPU: cpu0="0-1"."""
    return {f"{CPU}/{cpu}/topology/{names}": text for cpu, text in by_cpu.items()}


PACKAGE = cpus("core_siblings_list", cpu0="0-3", cpu1="0-3", cpu2="0-3", cpu3="0-3")


@pytest.mark.parametrize(
    ("numbering", "siblings"),
    [
        ("spread", ["0,4", "1,5", "2,6", "3,7"]),
        ("adjacent", ["0-1", "2-3", "4-5", "6-7"]),
        ("alternating", ["0,4", "1,5", "2,6", "3,7"]),
    ],
)
def test_cores_do_not_depend_on_the_numbering(tmp_path, numbering, siblings):
    """A core is a set of siblings, wherever their numbers lie."""
    root = Root(Machine(sockets=2, cores=2, threads=2, numbering=numbering).write(tmp_path))
    processors = read_processors(root)
    assert texts(processors.siblings) == siblings
    assert len(processors.packages) == 2
    assert root.problems == []


@pytest.mark.parametrize("name", ["thread_siblings_list", "core_cpus_list"])
def test_either_name_of_the_list_will_do(tmp_path, name):
    """Kernels renamed the file in 5.3."""
    sets = cpus(name, cpu0="0,2", cpu1="1,3", cpu2="0,2", cpu3="1,3")
    processors, problems = read(tmp_path, {f"{CPU}/online": "0-3", **sets, **PACKAGE})
    assert texts(processors.siblings) == ["0,2", "1,3"]
    assert problems == []


@pytest.mark.parametrize("name", ["thread_siblings", "core_cpus"])
def test_masks_will_do_without_lists(tmp_path, name):
    """Kernels before 2.6.30 have masks alone."""
    masks = cpus(name, cpu0="00000005", cpu1="0000000a", cpu2="00000005", cpu3="0000000a")
    processors, problems = read(tmp_path, {f"{CPU}/online": "0-3", **masks, **PACKAGE})
    assert texts(processors.siblings) == ["0,2", "1,3"]
    assert problems == []


def test_a_damaged_list_is_replaced_by_the_mask(tmp_path):
    """The second source gives the fact, the first one is named as a problem."""
    files = {
        f"{CPU}/online": "0-1",
        **cpus("thread_siblings_list", cpu0="?!", cpu1="0-1"),
        **cpus("thread_siblings", cpu0="3"),
        **cpus("core_siblings_list", cpu0="0-1", cpu1="0-1"),
    }
    processors, problems = read(tmp_path, files)
    assert texts(processors.siblings) == ["0-1"]
    assert len(problems) == 1
    assert f"{CPU}/cpu0/topology/thread_siblings_list" in problems[0]


def test_a_cpu_belongs_where_its_sibling_says(tmp_path):
    """One CPU without topology is still named by the other thread of its core."""
    files = {f"{CPU}/online": "0-1", **cpus("thread_siblings_list", cpu0="0-1"), **PACKAGE}
    processors, problems = read(tmp_path, files)
    assert texts(processors.siblings) == ["0-1"]
    assert problems == []


def test_cores_are_unknown_where_a_cpu_is_in_none(tmp_path):
    """No number of cores is better than a wrong one."""
    files = {f"{CPU}/online": "0-3", **cpus("thread_siblings_list", cpu0="0", cpu1="1"), **PACKAGE}
    processors, problems = read(tmp_path, files)
    assert processors.siblings is None
    assert len(problems) == 1
    assert "does not hold for CPUs 2-3" in problems[0]


def test_cores_are_unknown_where_sets_overlap(tmp_path):
    """Siblings must be mutual."""
    files = {
        f"{CPU}/online": "0-3",
        **cpus("thread_siblings_list", cpu0="0-1", cpu1="1-2", cpu2="2", cpu3="3"),
        **PACKAGE,
    }
    processors, problems = read(tmp_path, files)
    assert processors.siblings is None
    assert "does not hold for CPUs 1-2" in problems[0]


def test_offline_cpus_are_no_siblings(tmp_path):
    """A core whose second thread is off has one; a core that is off altogether is left out."""
    root = Root(Machine(cores=3, threads=2, offline="3,2,5").write(tmp_path))
    processors = read_processors(root)
    assert (str(processors.online), str(processors.offline)) == ("0-1,4", "2-3,5")
    assert texts(processors.siblings) == ["0", "1,4"]


def test_without_lists_the_switches_of_the_cpus_tell(tmp_path):
    """CPU 0 has no switch; a CPU with a damaged switch counts by its topology."""
    files = {
        **cpus("thread_siblings_list", cpu0="0", cpu1="1", cpu3="3"),
        **cpus("physical_package_id", cpu0="0", cpu1="0", cpu3="0"),
        f"{CPU}/cpu1/online": "1",
        f"{CPU}/cpu2/online": "0",
        f"{CPU}/cpu3/online": "maybe",
    }
    processors, problems = read(tmp_path, files)
    assert (str(processors.online), str(processors.offline)) == ("0-1,3", "2")
    assert processors.isolated is None
    assert problems == [f"{CPU}/cpu3/online: read 'maybe', expected 0 or 1"]


def test_no_cpu_at_all_is_unknown(tmp_path):
    """A tree without CPUs has None and one problem, not zero cores."""
    processors, problems = read(tmp_path, {"/proc/cpuinfo": ""})
    assert processors == (None, None, None, None, None)
    assert len(problems) == 1


def test_online_cpus_have_directories(tmp_path):
    """A list that names more than there is was damaged; the switches of the CPUs tell then."""
    files = {
        f"{CPU}/online": "0-65535",
        **cpus("thread_siblings_list", cpu0="0"),
        **cpus("core_siblings", cpu0="1"),
    }
    processors, problems = read(tmp_path, files)
    assert str(processors.online) == "0"
    assert "names CPUs 1-65535" in problems[0]


def test_a_list_without_directories(tmp_path):
    """Some containers hide them: the CPUs are known, the cores are not."""
    processors, problems = read(tmp_path, {f"{CPU}/online": "0-3"})
    assert processors == (CpuSet(range(4)), CpuSet(), None, None, None)
    assert len(problems) == 1


def test_packages_by_number_where_no_file_names_their_cpus(tmp_path):
    """On s390 the number of a socket counts within its book."""
    files = {
        f"{CPU}/online": "0-3",
        **cpus("thread_siblings_list", cpu0="0", cpu1="1", cpu2="2", cpu3="3"),
        **cpus("physical_package_id", cpu0="0", cpu1="0", cpu2="0", cpu3="1"),
        **cpus("book_id", cpu0="0", cpu1="0", cpu2="1", cpu3="1"),
    }
    processors, problems = read(tmp_path, files)
    assert texts(processors.packages) == ["0-1", "2", "3"]
    assert problems == []


@pytest.mark.parametrize("number", ["-1", "one"])
def test_packages_are_unknown_without_lists_and_numbers(tmp_path, number):
    """-1 is how the kernel says that it does not know."""
    files = {
        f"{CPU}/online": "0",
        **cpus("thread_siblings_list", cpu0="0"),
        **cpus("physical_package_id", cpu0=number),
    }
    processors, problems = read(tmp_path, files)
    assert processors.packages is None
    assert "the sockets are unknown" in problems[-1]


def test_packages_are_unknown_where_two_sources_disagree(tmp_path):
    """Lists that name one socket and numbers that name two leave the count open."""
    files = {
        f"{CPU}/online": "0-1",
        **cpus("thread_siblings_list", cpu0="0", cpu1="1"),
        **cpus("core_siblings_list", cpu0="0-1", cpu1="0-1"),
        **cpus("physical_package_id", cpu0="0", cpu1="1"),
    }
    processors, problems = read(tmp_path, files)
    assert processors.packages is None
    assert "names 1 sockets and physical_package_id 2" in problems[0]


@pytest.mark.parametrize("parts", [["0", "1", "2", "3"], ["0-1", "0-1", "2-3", "2-3"], ["0-2", "0-2", "0-2", "3"]])
def test_siblings_that_are_parts_of_one_package_are_sockets_as_in_lscpu(tmp_path, parts):
    """With Cluster-on-Die, dies or clusters in the lists, lscpu and lstopo count these, not packages."""
    names = [f"cpu{cpu}" for cpu in range(8)]
    lists = dict(zip(names, [*parts, "4-7", "4-7", "4-7", "4-7"]))
    files = {
        f"{CPU}/online": "0-7",
        **cpus("thread_siblings_list", **{name: name[3:] for name in names}),
        **cpus("core_siblings_list", **lists),
        **cpus("physical_package_id", **{name: str(int(name[3:]) // 4) for name in names}),
    }
    processors, problems = read(tmp_path, files)
    assert [str(package) for package in processors.packages or ()] == [*dict.fromkeys(parts), "4-7"]
    assert problems == []


def test_a_folder_beyond_any_number_of_cpus_is_left_out_and_named(tmp_path):
    """A number that no set of CPUs holds stops nothing, however long it is."""
    for name in ("70000", "9" * 200):
        Machine(cores=2).write(tmp_path / name)
        (tmp_path / name / f"sys/devices/system/cpu/cpu{name}").mkdir()
        root = Root(str(tmp_path / name))
        processors = read_processors(root)
        assert str(processors.online) == "0-1"
        assert len(root.problems) == 1
        assert "expected a number from 0 to 65535" in root.problems[0]
        assert len(root.problems[0]) < 250


def test_counting_cores_of_a_set():
    """A core counts once however many of its threads are asked for, and unknown stays unknown."""
    siblings = [CpuSet([0, 2]), CpuSet([1, 3])]
    assert count_cores(siblings, CpuSet([0, 2])) == 1
    assert count_cores(siblings, CpuSet([2, 3])) == 2
    assert count_cores(siblings, CpuSet()) == 0
    assert count_cores(None, CpuSet([0])) is None
    assert count_cores(siblings, None) is None
