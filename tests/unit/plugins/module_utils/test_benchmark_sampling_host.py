# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What psutil and /proc say of a host and its units while it is measured."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import sampling_host
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling_host import Host, Pace
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.tests.unit.support.doubles import said
from ansible_collections.inference.ollama.tests.unit.support.processes import (
    FINDER,
    GROUP,
    SERVER,
    Planted,
    files,
    process,
)

UNITS = ["ollama.service"]


class GoneError(Exception):
    """As psutil.NoSuchProcess."""


class RefusedError(Exception):
    """As psutil.Error."""


class FakeProcess:
    """A process whose CPU time and start a test sets; psutil asks for neither before oneshot()."""

    def __init__(self, host, pid):
        self.created, self.user, self.rss = said(host.processes.get(pid, (1.0, 0.0, 4096)))

    oneshot = contextlib.nullcontext

    def create_time(self):
        return self.created

    def cpu_times(self):
        return SimpleNamespace(user=self.user, system=1.0)

    def memory_info(self):
        return SimpleNamespace(rss=self.rss)


class FakePsutil:
    """A host of two CPUs, in place of psutil."""

    Error, NoSuchProcess = Exception, GoneError

    def __init__(self):
        self.processes = {}
        self.shares, self.clocks = [10.04, 99.96], [2100.4, 3700.0]

    def Process(self, pid):  # noqa: N802 psutil's name
        return FakeProcess(self, pid)

    def cpu_percent(self, interval, percpu):
        assert (interval, percpu) == (None, True)
        return self.shares

    def cpu_freq(self, percpu):
        assert percpu
        return [SimpleNamespace(current=clock) for clock in said(self.clocks)]


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when a test says so."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def host(monkeypatch, clock):
    """A sampled host: its files, what psutil has of it, and a reading after a second."""
    unit = Unit("ollama.service", main_pid=100, control_group="/system.slice/ollama.service")
    monkeypatch.setattr(sampling_host, "read_unit", lambda _root, _run, _name: unit)
    planted = {**files(), "/sys/devices/system/cpu/online": "0,3"}
    fake = FakePsutil()
    sampled = Host(fake, UNITS, lambda: Planted(planted))

    def read(seconds=1.0):
        clock[0] += seconds
        return sampled.read()

    return SimpleNamespace(files=planted, psutil=fake, read=read)


def switches(first, *counts, of=None):
    """The files of threads, numbered from the first on, that were switched out so often."""
    return {
        f"/proc/{of or first}/task/{first + number}/status": f"Name:\tx\nnonvoluntary_ctxt_switches:\t{count}"
        for number, count in enumerate(counts)
    }


def of(found, pid):
    return next(process for process in found["processes"] if process["pid"] == pid)


def test_a_server_and_its_runners_are_sampled(host):
    """By name and role; what looks for GPUs is neither."""
    found = host.read()
    assert [(each["pid"], each["name"], each["role"]) for each in found["processes"]] == [
        (100, "ollama", "server"),
        (111, "llama-server", "runner"),
    ]
    assert found["problems"] == []


def test_shares_and_rates_are_those_since_the_reading_before(host):
    """The first reading has none; the second has seconds of CPU a second, in percent of one CPU."""
    host.psutil.processes[111] = (1.0, 10.0, 1 << 30)
    first = host.read()
    assert (first["seconds"], first["cpus"]) == (None, None)
    assert (of(first, 111)["cpu"], of(first, 111)["switches"]) == (None, None)
    host.psutil.processes[111] = (1.0, 17.0, 1 << 31)
    second = host.read(2)
    assert (second["seconds"], second["cpus"]) == (2.0, [10.0, 100.0])
    assert (of(second, 111)["cpu"], of(second, 111)["memory"]) == (350.0, 1 << 31)


def test_switches_are_those_of_all_threads(host):
    """A thread that began since then counts from its start, one of the number of another too; none is subtracted."""
    host.files.update(switches(111, 100, 50, 7))
    del host.files["/proc/111/task/114/status"], host.files["/proc/111/task/115/status"]
    host.read()
    del host.files["/proc/111/task/113/status"]
    host.files.update({**switches(111, 130, 4), **switches(114, 6, of=111)})
    assert of(host.read(2), 111)["switches"] == (30 + 4 + 6) / 2


def test_threads_that_cannot_be_read_have_no_rate(host):
    """As where /proc hides them."""
    host.read()
    for path in [path for path in host.files if path.startswith("/proc/111/task/")]:
        del host.files[path]
    found = host.read()
    assert (of(found, 111)["switches"], of(found, 111)["cpu"]) == (None, 0.0)


def test_a_number_of_another_process_begins_again(host):
    """The kernel gives the number of a process that ended to another one."""
    host.psutil.processes[111] = (1.0, 500.0, 1)
    host.read()
    host.psutil.processes[111] = (2.0, 0.0, 1)
    assert of(host.read(), 111)["cpu"] is None
    assert of(host.read(), 111)["cpu"] == 0.0


def test_a_process_that_ends_while_it_is_read_is_left_out(host):
    """And is no problem."""
    host.psutil.processes[111] = GoneError("no process")
    found = host.read()
    assert [each["pid"] for each in found["processes"]] == [100]
    assert found["problems"] == []


def test_a_process_that_may_not_be_read_is_a_problem(host):
    """With psutil's reason."""
    host.psutil.processes[111] = RefusedError("access denied")
    found = host.read()
    assert [each["pid"] for each in found["processes"]] == [100]
    assert found["problems"] == ["/proc/111: psutil: access denied"]


def test_a_runner_that_is_still_a_copy_of_its_server_is_left_out(host):
    """It becomes a runner when it runs its own program."""
    host.files.update(process(130, "ollama", SERVER, 100))
    host.files[f"{GROUP}/cgroup.procs"] = "100\n130"
    assert [each["pid"] for each in host.read()["processes"]] == [100]


def test_a_main_process_of_another_name_is_the_server(host):
    """As of a wrapper, where none of the unit's processes is one by its own name."""
    host.files.update(process(100, "podman", ["podman", "run"], 1))
    host.files.update(process(111, "llama-server", FINDER, 100))
    assert [(each["pid"], each["role"]) for each in host.read()["processes"]] == [(100, "server")]


def test_a_unit_without_a_process_has_none(monkeypatch, host):
    """Where it is known that there is none; where nothing is known that is a problem."""
    host.files[f"{GROUP}/cgroup.procs"] = ""
    for path in [path for path in host.files if path.startswith("/proc/1")]:
        del host.files[path]
    assert host.read()["processes"] == []
    monkeypatch.setattr(sampling_host, "read_unit", lambda _root, _run, name: Unit(name))
    found = Host(host.psutil, UNITS, lambda: Planted({})).read()
    assert found["processes"] is None
    assert (
        "ollama.service: it has no known control group and no main process, so it is not sampled" in found["problems"]
    )


def test_very_many_processes_are_sampled_in_part(host, monkeypatch):
    """A problem says of how many."""
    monkeypatch.setattr(sampling_host, "_MOST_PROCESSES", 1)
    found = host.read()
    assert len(found["processes"]) == 1
    assert found["problems"] == ["2 processes, of which 1 are sampled"]


def test_memory_by_node_is_read_seldom(host, clock):
    """Each reading stops the process for as long as it takes; one that took long is read less often."""
    bytes_by_node = {"0": 14 * 4096, "1": 500 * 4096 + (1 << 21)}
    assert host.read()["nodes"] == {"100": bytes_by_node, "111": bytes_by_node}
    assert host.read()["nodes"] == {}
    assert set(host.read(10)["nodes"]) == {"100", "111"}
    maps = host.files["/proc/111/numa_maps"]

    def slow():
        clock[0] += 1.0
        return maps

    host.files["/proc/111/numa_maps"] = slow
    assert set(host.read(10)["nodes"]) == {"100", "111"}
    assert set(host.read(10)["nodes"]) == {"100"}
    assert set(host.read(190)["nodes"]) == {"100", "111"}


def test_memory_that_may_not_be_read_is_a_problem(host):
    """Without root that of other users' processes."""
    host.files["/proc/111/numa_maps"] = PermissionError(13, "Permission denied")
    found = host.read()
    assert set(found["nodes"]) == {"100"}
    assert found["problems"] == ["/proc/111/numa_maps: cannot be read (Permission denied)"]


def test_cpus_have_their_own_numbers(host):
    """psutil counts those that are online; the kernel has numbers for all."""
    found = host.read()
    assert (found["online"], found["mhz"]) == ([0, 3], [2100, 3700])


def test_cpus_that_psutil_counts_otherwise_are_a_problem(host):
    """As in containers that have a /proc of their own."""
    host.psutil.shares = [1.0]
    found = host.read()
    assert (found["cpus"], found["mhz"]) == (None, None)
    assert found["problems"] == ["/sys/devices/system/cpu/online: 2 CPUs, but 1 by psutil, so none is sampled"]


def test_without_the_list_of_cpus_they_are_counted(host, monkeypatch):
    """From 0 on."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    del host.files["/sys/devices/system/cpu/online"]
    assert host.read()["online"] == [0, 1]


@pytest.mark.parametrize(
    ("clocks", "problem"),
    [
        ([], "psutil knows 0 of 2, as in virtual machines"),
        ([2100.0], "psutil knows 1 of 2, as in virtual machines"),
        ([0.0, 0.0], "psutil knows 2 of 2, as in virtual machines"),
        (NotImplementedError("no"), "psutil: NotImplementedError: no"),
    ],
)
def test_frequencies_that_are_not_known_are_a_problem(host, clocks, problem):
    """The shares of the CPUs are known all the same."""
    host.psutil.clocks = clocks
    host.read()
    found = host.read(10)
    assert (found["cpus"], found["mhz"]) == ([10.0, 100.0], None)
    assert found["problems"] == [f"the frequency of the CPUs: {problem}"]


def test_what_systemd_would_not_say_is_in_the_first_reading(monkeypatch):
    """And in no other."""

    def read_unit(root, _run, name):
        root.problem("systemctl: no")
        return Unit(name)

    monkeypatch.setattr(sampling_host, "read_unit", read_unit)
    sampled = Host(FakePsutil(), UNITS, lambda: Planted({}))
    assert "systemctl: no" in sampled.read()["problems"]
    assert "systemctl: no" not in sampled.read()["problems"]


def test_the_installed_psutil_reads_a_real_process(monkeypatch):
    """Every function of it that is asked, on the host that runs the tests."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as real:
        unit = Unit("ollama.service", main_pid=real.pid)
        monkeypatch.setattr(sampling_host, "read_unit", lambda _root, _run, _name: unit)
        # What is read of the real /proc but the groups, of which a test has none.
        read = Host(sampling_host.library(), UNITS, lambda: Proc("/")).read
        read()
        found = read()
        real.communicate(b"\n")
    server = of(found, real.pid)
    assert (server["role"], server["cpu"] is None, server["switches"] is None) == ("server", False, False)
    assert server["created"] == pytest.approx(psutil.Process().create_time(), abs=86400)
    assert server["memory"] > 1 << 20
    assert found["cpus"] is None or len(found["cpus"]) == len(found["online"])


def test_a_host_without_psutil_has_a_reason(monkeypatch):
    """Also where what is installed cannot be imported."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(OllamaError, match=r"psutil cannot be imported by .*python"):
        sampling_host.prepare(UNITS)

    class Broken:
        def find_spec(self, name, _path=None, _target=None):
            if name == "psutil":
                raise SyntaxError("for Python 2")

    monkeypatch.delitem(sys.modules, "psutil")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(OllamaError, match=r"\(SyntaxError: for Python 2\)"):
        sampling_host.prepare(UNITS)


def test_what_is_prepared_reads_the_host(monkeypatch):
    """The units of the running host."""
    monkeypatch.setattr(sampling_host, "read_unit", lambda _root, _run, name: Unit(name))
    assert sampling_host.prepare(UNITS)()["processes"] is None


def test_a_pace_is_due_at_first():
    """And then when so many times its length have passed."""
    assert Pace().is_due()
