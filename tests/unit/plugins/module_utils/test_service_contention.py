# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Involuntary switches of a process, and throttling by its control groups; one process is a real one."""

from __future__ import annotations

import os
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._service.contention import read_quotas, read_switches
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.threads import clock
from ansible_collections.inference.ollama.tests.unit.support import processes as host

NOTHING = {"involuntary_switches": None, "cpu_seconds": None, "longest_wait": None}
V2 = {"/proc/mounts": "cgroup2 /cg cgroup2 rw 0 0", "/proc/7/cgroup": "0::/a.slice/b.service"}


def quotas(*files):
    root = host.Planted({path: text for part in files for path, text in part.items()})
    return read_quotas(root, [{"pid": 7}]), root.problems


def test_switches_and_time_of_all_threads():
    """Both are sums over the same threads, in user and in kernel mode."""
    root = host.Planted(host.process(7, "llama-server", host.RUNNER, 1, (100, 50, 0)))
    # Each has 3 ticks in kernel mode.
    assert read_switches(root, "/proc/7") == {**NOTHING, "involuntary_switches": 120, "cpu_seconds": 159 / clock()}
    assert root.problems == []


def test_a_thread_that_ends_meanwhile_counts_with_neither():
    """Switches without their time would look like contention."""
    files = host.process(7, "llama-server", host.RUNNER, 1, (100, 50))
    del files["/proc/7/task/8/status"]
    assert read_switches(host.Planted(files), "/proc/7") == {
        **NOTHING,
        "involuntary_switches": 40,
        "cpu_seconds": 103 / clock(),
    }


@pytest.mark.parametrize("line", ["", "nonvoluntary_ctxt_switches:\tmany", "nonvoluntary_ctxt_switches:\t-1"])
def test_switches_that_cannot_be_read(line):
    """Null, with the file and what stood there."""
    files = host.process(7, "llama-server", host.RUNNER, 1, (100,))
    files["/proc/7/task/7/status"] = f"Name:\tany\n{line}"
    root = host.Planted(files)
    assert read_switches(root, "/proc/7") == NOTHING
    assert "/proc/7/task/7/status: read" in root.problems[0]


def test_the_thread_that_waited_longest():
    """Its time on a CPU and without one, whatever the other threads had."""
    files = host.process(7, "llama-server", host.RUNNER, 1, (100, 50))
    files["/proc/7/task/7/schedstat"] = "9000000000 1000000 400\n"
    files["/proc/7/task/8/schedstat"] = "2000000000 8000000000 90\n"
    root = host.Planted(files)
    assert read_switches(root, "/proc/7")["longest_wait"] == {"cpu_seconds": 2.0, "wait_seconds": 8.0}
    assert root.problems == []


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "a b c", "1 -2 3"])
def test_waits_that_cannot_be_read(text):
    """Null, with the file and what stood there."""
    files = host.process(7, "llama-server", host.RUNNER, 1, (100,))
    files["/proc/7/task/7/schedstat"] = text
    root = host.Planted(files)
    assert read_switches(root, "/proc/7")["longest_wait"] is None
    assert root.problems[0].startswith("/proc/7/task/7/schedstat: read")


def test_more_threads_than_anybody_has_are_not_read():
    """Reading stays bounded, and the reason is named."""
    root = host.Planted({f"/proc/7/task/{number}/stat": "" for number in range(1, 4098)})
    assert read_switches(root, "/proc/7") == NOTHING
    assert "4097 threads" in root.problems[0]


def test_a_real_process():
    """The kernel's own files are understood."""
    while time.process_time() < 0.05:  # the kernel counts hundredths of a second
        pass
    root = Proc("/")
    found = read_switches(root, f"/proc/{os.getpid()}")
    assert found["involuntary_switches"] >= 0
    assert found["cpu_seconds"] > 0
    assert found["longest_wait"]["wait_seconds"] >= 0
    assert root.problems == []


def test_quotas_of_every_level_of_version_2():
    """A quota above the service stops it too; levels without one are left out."""
    found, problems = quotas(
        V2,
        {
            "/cg/a.slice/cpu.max": "max 100000",
            "/cg/cpu.max": "400000 100000",
            "/cg/cpu.stat": "usage_usec 9\nnr_periods 10\nnr_throttled 5\nthrottled_usec 1200",
            "/cg/a.slice/b.service/cpu.max": "150000 100000",
            "/cg/a.slice/b.service/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_usec 0",
        },
    )
    numbers = {"nr_periods": 10, "nr_throttled": 5, "throttled_usec": 1200}
    assert found == [
        {"group": "/", "quota_cpus": 4.0, "period_usec": 100000, **numbers},
        {"group": "/a.slice/b.service", "quota_cpus": 1.5, "period_usec": 100000, **dict.fromkeys(numbers, 0)},
    ]
    assert problems == []


def test_quotas_of_version_1():
    """The controller has a hierarchy of its own, and counts nanoseconds."""
    found, problems = quotas(
        {
            "/proc/mounts": "cgroup /cg/cpu cgroup rw,cpu 0 0\ncgroup /cg/memory cgroup rw,memory 0 0\n"
            "cgroup2 /cg/unified cgroup2 rw 0 0",
            "/proc/7/cgroup": "2:cpu:/job\n1:memory:/other\n0::/else",
            "/cg/cpu/cpu.cfs_quota_us": "-1",
            "/cg/cpu/job/cpu.cfs_quota_us": "200000",
            "/cg/cpu/job/cpu.cfs_period_us": "100000",
            "/cg/cpu/job/cpu.stat": "nr_periods 27\nnr_throttled 2\nthrottled_time 2696276",
        }
    )
    numbers = {"nr_periods": 27, "nr_throttled": 2, "throttled_usec": 2696}
    assert found == [{"group": "/job", "quota_cpus": 2.0, "period_usec": 100000, **numbers}]
    assert problems == []


def test_counts_that_cannot_be_read():
    """The quota is there, each count is null, and a problem names the file."""
    quota = {"/cg/a.slice/cpu.max": "100000 100000"}
    for stat in ({}, {"/cg/a.slice/cpu.stat": "usage_usec 5\nnr_periods x"}):
        found, problems = quotas(V2, quota, stat)
        assert [found[0][name] for name in ("nr_periods", "nr_throttled", "throttled_usec")] == [None] * 3
        assert problems[0].startswith("/cg/a.slice/cpu.stat: ")


def test_a_service_without_a_process_or_with_unknown_groups():
    """Nothing runs that a quota could stop; unread processes and groups are not known."""
    root = host.Planted({})
    assert read_quotas(root, []) == []
    assert read_quotas(root, None) is None
    assert root.problems == []
    assert read_quotas(root, [{"pid": 7}]) is None
    assert root.problems == ["/proc/7/cgroup: absent, expected the control groups of the process"]
