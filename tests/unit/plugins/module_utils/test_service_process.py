# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are a unit's, what each is, and what it uses; one of them a real one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._service.maps import read_maps
from ansible_collections.inference.ollama.plugins.module_utils._service.members import kind_of, members
from ansible_collections.inference.ollama.plugins.module_utils._service.process import read_process, read_processes
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._service.threads import clock, computing, read_threads
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.tests.unit.support import processes as host

# Three threads share a CPU until each has worked for half a second, one rests. No time passes that is not worked.
BUSY = """
import os, sys, threading, time
os.sched_setaffinity(0, {int(sys.argv[1])})
done, end = threading.Barrier(4), threading.Event()
def work():
    while time.thread_time() < 0.5:
        sum(range(1000))
    done.wait()
    end.wait()
for target in (work, work, work, end.wait):
    threading.Thread(target=target, daemon=True).start()
done.wait()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("comm", "argv", "kind"),
    [
        ("ollama", "/usr/bin/ollama serve", "server"),
        ("ollama", "ollama start", "server"),
        ("llama-server", "/usr/lib/ollama/llama-server --model /m --port 1", "runner"),
        ("llama-server", "/usr/lib/ollama/llama-server --model=/m", "runner"),
        ("llama-server", "/usr/lib/ollama/llama-server --port 1", None),
        ("ollama", "/usr/bin/ollama runner --model /m --port 1", "runner"),
        ("ollama", "/usr/bin/ollama runner --ollama-engine --model /m --port 1", "runner"),
        ("ollama", "/usr/bin/ollama runner --ollama-engine --port 1", None),
        ("ollama", "/usr/bin/ollama runner --mlx-engine --port 1", "runner"),
        ("ollama_llama_se", "/tmp/ollama123/runners/cuda_v12/ollama_llama_server --model /m", "runner"),
        ("ollama", "ollama run x", None),
        ("bash", "bash", None),
        ("", "", None),
    ],
)
def test_kinds_of_processes(comm, argv, kind):
    """Runners of every release are known, and those that look for GPUs are not taken for one."""
    assert kind_of(comm, argv.split(), main=False) == kind


def test_the_main_process_is_the_server_whatever_its_name():
    """A renamed program or a wrapper is the server where systemd says so."""
    assert kind_of("wrapper", ["/opt/wrapper"], main=True) == "server"


def test_groups_below_the_units_own_and_of_version_1():
    """Processes in groups below are the unit's too, and a host may have systemd's groups in version 1."""
    folder = "/sys/fs/cgroup/systemd/system.slice/a.service"
    root = host.Planted(
        {
            "/proc/mounts": "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
            "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\nbroken",
            f"{folder}/cgroup.procs": "5\n0\nx",
            f"{folder}/payload/cgroup.procs": "3",
        }
    )
    assert members(root, "a.service", "/system.slice/a.service", None) == [3, 5]


def test_groups_are_looked_through_so_deep():
    """A tree of groups that goes on and on is left after a few levels."""
    folder = "/sys/fs/cgroup/system.slice/a.service"
    root = host.Planted({f"{folder}{'/x' * depth}/cgroup.procs": str(depth + 1) for depth in range(9)})
    assert members(root, "a.service", None, None) == [1, 2, 3, 4, 5]


def test_instances_of_a_template_are_in_a_slice_of_their_own():
    """Without systemd's word an instance is looked for where systemd puts it."""
    group = "/sys/fs/cgroup/system.slice/system-my\\x2dllm.slice/my-llm@1.service"
    assert members(host.Planted({f"{group}/cgroup.procs": "9"}), "my-llm@1.service", None, None) == [9]


def test_a_container_in_a_unit():
    """The server is the one in the container, not what holds it."""
    folder = "/sys/fs/cgroup/system.slice/a.service"
    files = {
        f"{folder}/cgroup.procs": "5",
        f"{folder}/libpod-payload-1/cgroup.procs": "6",
        **host.process(5, "conmon", ["/usr/bin/conmon"], 1),
        **host.process(6, "ollama", host.SERVER, 5),
    }
    found = read_processes(host.Planted(files), Unit("a.service", main_pid=5), Redactor())
    assert [(each["kind"], each["pid"]) for each in found] == [("server", 6)]


def test_an_empty_group_is_no_answer():
    """Where the group is of a version that is not used, the main process tells."""
    files = {"/sys/fs/cgroup/system.slice/a.service/cgroup.procs": "", "/proc/8/stat": host.stat(8, "a", 1)}
    assert members(host.Planted(files), "a.service", None, 8) == [8]


def test_a_process_that_ends_between_opening_and_reading(monkeypatch):
    """The kernel says so in its own way, and it is as absent as one that ended before."""

    def ended(*_args):
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(Root, "_bytes", ended)
    root = Proc("/")
    assert root.text("/proc/1/stat") is root.strings("/proc/1/environ") is None
    assert root.problems == []


def test_memory_without_a_share():
    """A map that names no node is a hole with a reason; the empty one of a process that ends is no memory."""
    root = host.Planted({"/proc/7/numa_maps": "7f00 default", "/proc/8/numa_maps": ""})
    assert read_maps(root, "/proc/7")["memory_by_node"] is None
    assert "/proc/7/numa_maps: no line has a share such as N0=3" in root.problems
    assert read_maps(root, "/proc/8")["memory_by_node"] == {}


def test_children_that_claim_each_other():
    """Numbers that were given again while they were read make no endless loop."""
    root = host.Planted({f"/proc/{pid}/stat": host.stat(pid, ") 1 (", 3 - pid) for pid in (1, 2)})
    assert members(root, "a.service", None, 1) == [1, 2]


def test_a_unit_that_does_not_run_has_no_processes():
    """A stopped unit is an empty list, an unknown one is null with a reason."""
    root = host.Planted({})
    stopped = Unit("a.service", load_state="loaded", active_state="inactive")
    assert read_processes(root, stopped, Redactor()) == []
    assert root.problems == []
    assert read_processes(root, Unit("a.service"), Redactor()) is None
    assert len(root.problems) == 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([], None), ([0.19], None), ([0.2], 1), ([9, 8, 5, 4, 0], 3), ([9] * 14 + [0.1] * 20, 14)],
)
def test_which_threads_compute(seconds, expected):
    """Those with half of the busiest one's time, once it has worked at all."""
    assert computing([int(each * clock()) for each in seconds]) == expected


def test_cpus_are_those_of_any_thread():
    """A thread that moved out of the process's own CPUs is seen."""
    files = host.process(7, "llama-server", host.RUNNER, 1, (0, 0), cpus="0-1")
    files["/proc/7/task/8/status"] = host.STATUS.format(threads=2, kb=1, cpus="8-9")
    assert read_threads(host.Planted(files), "/proc/7").cpus == CpuSet.parse("0-1,8-9")


def test_kernels_that_tell_less():
    """Without NUMA and without the sums of newer kernels there are holes with reasons."""
    files = host.process(7, "llama-server", host.RUNNER, 1)
    del files["/proc/7/numa_maps"]
    files["/proc/7/smaps_rollup"] = host.ROLLUP.replace("FilePmdMapped:      4096 kB\n", "")
    root = host.Planted(files)
    maps = read_maps(root, "/proc/7")
    assert (maps["memory_by_node"], maps["file_huge_bytes"], maps["anonymous_huge_bytes"]) == (None, None, 2 << 20)
    assert root.problems == [
        "/proc/7/numa_maps: absent, expected the memory of the process by node, as kernels with NUMA have it"
    ]


def test_damaged_limits_are_named():
    """A line that does not fit is a hole with a reason, and no number that nobody set."""
    files = host.process(7, "llama-server", host.RUNNER, 1)
    files["/proc/7/limits"] = "Max open files  many many files"
    root = host.Planted(files)
    assert read_process(root, 7, Redactor(), main=False)["limits"] is None
    assert any(
        problem.startswith("/proc/7/limits: no line of it begins with 'Max open files'") for problem in root.problems
    )


def test_an_environment_that_is_no_text():
    """Bytes of any encoding are taken, and words without an equals sign left out."""
    files = host.process(7, "llama-server", host.RUNNER, 1)
    files["/proc/7/environ"] = b"A=\xff\xfe\0nothing\0=x\0B=1=2\0"
    found = read_process(host.Planted(files), 7, Redactor(), main=False)
    assert found["environment"] == {"A": "\ufffd\ufffd", "B": "1=2"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this is no Linux")
def test_a_real_process():
    """Three busy threads on one CPU are counted as three, and its environment and memory are read."""
    cpu = max(os.sched_getaffinity(0))
    argv = [sys.executable, "-c", BUSY, str(cpu), "--model", "/m", "--api-key", host.KEY]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "HF_TOKEN": "abc", "A": "b"}
    ) as child:
        assert child.stdout.readline() == b"ready\n"
        root = Proc("/")
        threads = read_threads(root, f"/proc/{child.pid}")
        found = read_process(root, child.pid, Redactor(), main=True)
        child.stdin.close()
    assert (threads.total, threads.computing) == (5, 3)
    assert found["cpus_allowed"] == str(cpu)
    assert found["exe"] == os.path.realpath(sys.executable)
    assert found["command_line"][-1] == "***"
    assert (found["environment"]["HF_TOKEN"], found["environment"]["A"]) == ("***", "b")
    assert found["resident_bytes"] > 1 << 20
    assert found["started_seconds"] < 3600
    assert all("numa_maps" in problem or "smaps_rollup" in problem for problem in root.problems)


def test_a_process_that_is_not_there():
    """A process that is gone is a problem and nothing else."""
    root = Proc("/")
    assert read_process(root, 1 << 30, Redactor(), main=True) is None
    assert root.problems == ["/proc/1073741824: the process ended while it was read, or this user may not see it"]
