# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service may use, in control groups of both versions."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.limits import read_limits
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

V2 = "/sys/fs/cgroup"
MOUNT_V2 = {"/proc/mounts": f"proc /proc proc rw 0 0\ncgroup2 {V2} cgroup2 rw,nosuid 0 0"}
MOUNT_V1 = {
    "/proc/mounts": f"cgroup {V2}/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
    f"cgroup {V2}/cpuset cgroup rw,cpuset 0 0\ncgroup {V2}/memory cgroup rw,memory 0 0\n"
    f"cgroup {V2}/systemd cgroup rw,name=systemd 0 0"
}


def read(tmp_path, *files):
    root = Root(plant(tmp_path, {path: text for part in files for path, text in part.items()}))
    limits = read_limits(root)
    cpus, mems = (None if found is None else str(found) for found in limits[:2])
    return (cpus, mems, limits.cpu_quota, limits.memory_bytes), root.problems


def test_nothing_limits(tmp_path):
    """A host without limits has None throughout."""
    files = {f"{V2}/system.slice/cpu.max": "max 100000", f"{V2}/system.slice/memory.max": "max"}
    assert read(tmp_path, MOUNT_V2, files) == ((None, None, None, None), [])
    assert read(tmp_path / "empty") == ((None, None, None, None), [])


def test_the_service_is_limited_by_all_levels_above_it(tmp_path):
    """The tightest quota and limit count, and CPUs must be allowed at every level."""
    files = {
        f"{V2}/cpuset.cpus.effective": "0-7",
        f"{V2}/system.slice/cpuset.cpus.effective": "0-5",
        f"{V2}/system.slice/cpuset.mems.effective": "0",
        f"{V2}/system.slice/cpu.max": "400000 100000",
        f"{V2}/system.slice/memory.max": "1000",
        f"{V2}/system.slice/ollama.service/cpuset.cpus.effective": "2-3",
        f"{V2}/system.slice/ollama.service/cpu.max": "150000 100000",
        f"{V2}/system.slice/ollama.service/memory.max": "2000",
    }
    assert read(tmp_path, MOUNT_V2, files) == (("2-3", "0", 1.5, 1000), [])


def test_limits_of_this_login_are_not_those_of_a_service(tmp_path):
    """Where there is a system.slice the groups of the module's own process do not count."""
    files = {
        "/proc/self/cgroup": "0::/user.slice/user-0.slice/session-1.scope",
        f"{V2}/system.slice/cpu.max": "max 100000",
        f"{V2}/user.slice/cpu.max": "100000 100000",
        f"{V2}/user.slice/cpuset.cpus.effective": "0",
    }
    assert read(tmp_path, MOUNT_V2, files) == ((None, None, None, None), [])


def test_a_container_without_a_service_manager(tmp_path):
    """The groups of the process, from the top down; those that the container cannot see are left out."""
    files = {
        "/proc/self/cgroup": "0::/box/inner",
        f"{V2}/box/cpu.max": "200000 100000",
        f"{V2}/box/inner/memory.max": "4096",
    }
    assert read(tmp_path, MOUNT_V2, files) == ((None, None, 2.0, 4096), [])


def test_a_group_outside_of_the_namespace(tmp_path):
    """Only the top can be seen then."""
    files = {"/proc/self/cgroup": "0::/../../other", f"{V2}/cpu.max": "100000 100000"}
    assert read(tmp_path, MOUNT_V2, files) == ((None, None, 1.0, None), [])


def test_version_1(tmp_path):
    """Each controller has its own hierarchy, and "no limit" is -1 or a huge number."""
    files = {
        "/proc/self/cgroup": "3:cpu,cpuacct:/job\n2:cpuset:/job\n1:memory:/job\n0::/",
        f"{V2}/cpu,cpuacct/cpu.cfs_quota_us": "-1",
        f"{V2}/cpu,cpuacct/job/cpu.cfs_quota_us": "50000",
        f"{V2}/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
        f"{V2}/cpuset/cpuset.cpus": "0-7",
        f"{V2}/cpuset/job/cpuset.effective_cpus": "4-5",
        f"{V2}/cpuset/job/cpuset.mems": "1",
        f"{V2}/memory/memory.limit_in_bytes": "9223372036854771712",
        f"{V2}/memory/job/memory.limit_in_bytes": "65536",
    }
    assert read(tmp_path, MOUNT_V1, files) == (("4-5", "1", 0.5, 65536), [])


def test_the_oldest_cpusets(tmp_path):
    """A hierarchy of its own kind, whose files have no prefix; a group nobody filled says nothing."""
    files = {
        "/proc/mounts": "none /dev/cpuset cpuset rw 0 0",
        "/proc/self/cpuset": "/batch/empty",
        "/dev/cpuset/batch/cpus": "0-2",
        "/dev/cpuset/batch/mems": "0",
        "/dev/cpuset/batch/empty/cpus": "",
    }
    assert read(tmp_path, files) == (("0-2", "0", None, None), [])


def test_services_inherit_from_process_1(tmp_path):
    """isolcpus= and the manager's CPUAffinity= act without any group."""
    status = {"/proc/1/status": "Name:\tsystemd\nCpus_allowed_list:\t0-1,4\nMems_allowed_list:\t0"}
    assert read(tmp_path, MOUNT_V2, status) == (("0-1,4", "0", None, None), [])


def test_the_group_of_process_1_confines_it_alone(tmp_path):
    """A service leaves init.scope, and with it that group's CPUs."""
    files = {
        "/proc/1/status": "Cpus_allowed_list:\t0-1",
        f"{V2}/init.scope/cpuset.cpus.effective": "0-1",
        f"{V2}/system.slice/cpuset.cpus.effective": "2-7",
    }
    assert read(tmp_path, MOUNT_V2, files) == (("2-7", None, None, None), [])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{V2}/system.slice/cpu.max", "much"),
        (f"{V2}/system.slice/cpu.max", ""),
        (f"{V2}/system.slice/cpu.max", "1 0"),
        (f"{V2}/system.slice/memory.max", "all"),
        (f"{V2}/system.slice/cpuset.cpus.effective", "0-"),
        ("/proc/1/status", "Cpus_allowed_list:\tx"),
    ],
)
def test_damaged_limits_are_named(tmp_path, path, text):
    """Unknown, and the problem says which file."""
    limits, problems = read(tmp_path, MOUNT_V2, {f"{V2}/system.slice/here": "", path: text})
    assert limits == (None, None, None, None)
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: ")


def test_strange_mounts_are_left_out(tmp_path):
    """Neither a relative path nor one that leaves the root."""
    files = {"/proc/mounts": "cgroup2 here cgroup2 rw 0 0\ncgroup2 /../up cgroup2 rw 0 0\n\nshort"}
    problem = "/proc/mounts: read 'short', expected a device, a path, a type and options"
    assert read(tmp_path, files) == ((None, None, None, None), [problem])


def test_mounts_without_a_hierarchy_of_a_host_that_has_one_are_named(tmp_path):
    """A damaged word makes a mount one of another type, by which all limits would be gone without a word."""
    files = {"/proc/mounts": f"cgroup2 {V2} cgrp2 rw 0 0", f"{V2}/system.slice/cpu.max": "150000 100000"}
    limits, problems = read(tmp_path, files)
    assert limits == (None, None, None, None)
    assert [problem[:42] for problem in problems] == ["/proc/mounts: no hierarchy of control grou"]


@pytest.mark.parametrize("inner", ["/job", "/job/step/task"])
def test_a_group_that_only_the_cpuset_names(tmp_path, inner):
    """In version 2 /proc/self/cpuset names a group of the one hierarchy, whose limits hold, and those above it."""
    files = {
        "/proc/mounts": "none /cgroup/unified cgroup2 rw 0 0",
        "/proc/self/cpuset": inner,
        "/cgroup/unified/job/cpuset.cpus.effective": "0-5",
        "/cgroup/unified/job/cpu.max": "150000 100000",
        "/cgroup/unified/job/memory.max": "1000",
        "/cgroup/unified/job/step/cpuset.cpus.effective": "2-5",
    }
    expected = "0-5" if inner == "/job" else "2-5"
    assert read(tmp_path, files) == ((expected, None, 1.5, 1000), [])
    own = {"/proc/self/cgroup": "0::/"}
    assert read(tmp_path, files, own) == ((None, None, None, None), [])


@pytest.mark.parametrize("path", ["/a" * 300_000, "/../" + "b" * 20, "/" + "c" * 5000])
def test_a_group_that_no_kernel_has_takes_no_time(tmp_path, path):
    """Half a million levels are not followed, whichever file names them."""
    files = {"/proc/mounts": f"none {V2} cgroup2 rw 0 0", "/proc/self/cpuset": path, "/proc/self/cgroup": f"0::{path}"}
    assert read(tmp_path, files)[0] == (None, None, None, None)


def test_limits_are_those_of_the_slice_that_the_service_runs_in(tmp_path):
    """A quota of the service still counts once it runs in a slice of its own below the root."""
    base = "/sys/fs/cgroup"
    files = {
        "/proc/mounts": f"cgroup2 {base} cgroup2 rw 0 0",
        f"{base}/system.slice/cpu.max": "100000 100000",
        f"{base}/ollama.slice/memory.max": "4294967296",
        f"{base}/ollama.slice/ollama.service/cpu.max": "350000 100000",
    }
    limits = read_limits(Root(plant(tmp_path, files)))
    assert (limits.cpu_quota, limits.memory_bytes) == (3.5, 4 << 30)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"system.slice/cpu.max": "max 100000", "system.slice/memory.max": "max"}, ()),
        ({"system.slice/cpu.max": "200000 100000"}, ("cpu_quota",)),
        ({"system.slice/memory.max": "4294967296"}, ("memory_bytes",)),
        ({"system.slice/cpuset.cpus.effective": "0-3", "cpuset.cpus.effective": "0-3"}, ()),
        ({"system.slice/cpuset.cpus.effective": "0-1", "cpuset.cpus.effective": "0-3"}, ("cpus",)),
        ({"system.slice/cpuset.mems.effective": "0", "cpuset.mems.effective": "0-1"}, ("mems",)),
        ({"system.slice/ollama.service/cpu.max": "200000 100000"}, ()),
    ],
)
def test_limits_of_system_slice_itself(tmp_path, files, expected):
    """What the slice limits is named; what limits the whole host or one service in it is not."""
    base = "/sys/fs/cgroup"
    tree = {
        "/proc/mounts": f"cgroup2 {base} cgroup2 rw 0 0",
        **{f"{base}/{path}": text for path, text in files.items()},
    }
    assert read_limits(Root(plant(tmp_path, tree))).system_slice == expected


SERVICE = {"/etc/systemd/system/ollama.service": "[Service]\nExecStart=/bin/ollama serve"}
DROPIN = "/etc/systemd/system/ollama.service.d/limits.conf"
LIMITED = {DROPIN: "[Service]\nCPUQuota=400%\nAllowedCPUs=0-3\nMemoryMax=16G"}
RUNNING = {
    f"{V2}/system.slice/ollama.service/cpuset.cpus.effective": "0-3",
    f"{V2}/system.slice/ollama.service/cpu.max": "400000 100000",
    f"{V2}/system.slice/ollama.service/memory.max": str(16 << 30),
}
SLICE = {f"{V2}/system.slice/memory.max": "max"}


@pytest.mark.parametrize("group", [{}, RUNNING, {f"{V2}/system.slice/ollama.service/cpu.max": "100000 100000"}])
def test_limits_are_those_of_the_files_whether_the_service_runs_or_not(tmp_path, group):
    """A group that ends with the service is no reason for another plan."""
    assert read(tmp_path, MOUNT_V2, SLICE, SERVICE, LIMITED, group) == (("0-3", None, 4.0, 16 << 30), [])


def test_a_slice_has_what_its_files_say_and_else_what_its_group_has(tmp_path):
    """What was set for a slice without a file stays until the slice ends; a file's word counts at the next reload."""
    files = {
        f"{V2}/system.slice/memory.max": "1000",
        f"{V2}/system.slice/cpu.max": "100000 100000",
        "/etc/systemd/system/system.slice.d/a.conf": "[Slice]\nCPUQuota=300%",
    }
    assert read(tmp_path, MOUNT_V2, SERVICE, files) == ((None, None, 3.0, 1000), [])
    assert read_limits(Root(str(tmp_path))).system_slice == ("cpu_quota", "memory_bytes")


def test_the_slice_of_the_files_counts_with_all_above_it(tmp_path):
    """Slices that do not run yet as well as groups of slices that do."""
    files = {
        DROPIN: "[Service]\nSlice=llm-big.slice",
        "/etc/systemd/system/llm.slice.d/a.conf": "[Slice]\nMemoryMax=64G",
        "/etc/systemd/system/llm-big.slice": "[Slice]\nCPUQuota=800%",
        f"{V2}/llm.slice/llm-big.slice/cpuset.cpus.effective": "0-5",
        f"{V2}/system.slice/memory.max": "1000",
    }
    assert read(tmp_path, MOUNT_V2, SERVICE, files) == (("0-5", None, 8.0, 64 << 30), [])


def test_other_slices_are_listed_where_they_have_other_limits(tmp_path):
    """Those of the role's slice by its files, and those of any other one without limits."""
    files = {
        "/etc/systemd/system/ollama.slice.d/limits.conf": "[Slice]\nMemoryMax=8G",
        f"{V2}/llm.slice/cpu.max": "200000 100000",
        f"{V2}/user.slice/cpu.max": "100000 100000",
    }
    root = Root(plant(tmp_path, {**MOUNT_V2, **SLICE, **SERVICE, **files}))
    found = [(name, limits.cpu_quota, limits.memory_bytes) for name, limits in read_limits(root).elsewhere]
    assert found == [(None, None, None), ("llm.slice", 2.0, None), ("ollama.slice", None, 8 << 30)]


def test_a_set_that_leaves_nothing_is_passed_over_and_named(tmp_path):
    """The kernel gives a group without any CPU of its own those of the group above."""
    files = {DROPIN: "[Service]\nAllowedCPUs=64-127\nAllowedMemoryNodes=0"}
    root = Root(plant(tmp_path, {**MOUNT_V2, **SLICE, **SERVICE, **files}))
    limits = read_limits(root, CpuSet.parse("0-31"), CpuSet([0]))
    assert (limits.cpus, str(limits.mems)) == (None, "0")
    (problem,) = root.problems
    assert problem.startswith("AllowedCPUs=64-127 in the files of ollama.service or its slice leaves nothing of 0-31")


def test_what_no_controller_does_is_no_limit(tmp_path):
    """systemd sets no cpuset of version 1, and no memory where the kernel was started without its controller."""
    mounts = {"/proc/mounts": MOUNT_V1["/proc/mounts"] + f"\ncgroup2 {V2}/unified cgroup2 rw 0 0"}
    groups = {f"{V2}/unified/cgroup.controllers": "", f"{V2}/cpu,cpuacct/system.slice/tasks": "1"}
    assert read(tmp_path / "old", mounts, groups, SERVICE, LIMITED) == ((None, None, 4.0, 16 << 30), [])
    groups = {f"{V2}/cgroup.controllers": "cpuset cpu io pids", f"{V2}/system.slice/cgroup.procs": ""}
    assert read(tmp_path / "new", MOUNT_V2, groups, SERVICE, LIMITED) == (("0-3", None, 4.0, None), [])


def test_files_say_nothing_where_no_systemd_runs(tmp_path):
    """A container may have unit files that nobody reads."""
    assert read(tmp_path, MOUNT_V2, SERVICE, LIMITED) == ((None, None, None, None), [])


def test_a_percentage_is_a_part_of_what_the_topmost_group_leaves(tmp_path):
    """As systemd counts: the host's memory, or the limit at the root of the groups where that is less."""
    files = {DROPIN: "[Service]\nMemoryMax=50%", "/proc/meminfo": f"MemTotal: {64 << 20} kB"}
    assert read(tmp_path / "a", MOUNT_V2, SLICE, SERVICE, files)[0][3] == 32 << 30
    top = {f"{V2}/memory.max": str(16 << 30)}
    assert read(tmp_path / "b", MOUNT_V2, SLICE, SERVICE, files, top)[0][3] == 8 << 30


def test_memory_is_taken_back_from_the_high_mark_on(tmp_path):
    """A group that passes memory.high is slowed down, so that it limits too."""
    files = {f"{V2}/system.slice/memory.max": "4096", f"{V2}/system.slice/memory.high": "1024"}
    assert read(tmp_path, MOUNT_V2, files)[0][3] == 1024


def test_files_of_all_instances_limit_each_of_them(tmp_path):
    """Also before the role has written their template, and without what it wrote itself."""
    files = {
        "/etc/systemd/system/ollama@.service.d/limits.conf": "[Service]\nCPUQuota=200%\nMemoryMax=8G",
        "/etc/systemd/system/ollama@.service": f"{HEADER} x\n[Service]\nMemoryMax=1G",
    }
    limits = read_limits(Root(plant(tmp_path, {**MOUNT_V2, **SLICE, **SERVICE, **files})))
    assert (limits.each_quota, limits.each_memory, limits.memory_bytes) == (2.0, 8 << 30, None)
