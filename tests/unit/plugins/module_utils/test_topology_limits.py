# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service may use, in control groups of both versions."""

from __future__ import annotations

import pytest

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
    assert read(tmp_path, files) == ((None, None, None, None), [])


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
