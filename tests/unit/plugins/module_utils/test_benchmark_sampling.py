# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a host in a stretch of time, and that nothing of the sampling stays."""

from __future__ import annotations

import os
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import sampling, sampling_gpus, sampling_host
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling import Sampler
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling_summary import summarize, within
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.tests.unit.plugins.module_utils.test_benchmark_sampling_child import LONG
from ansible_collections.inference.ollama.tests.unit.plugins.module_utils.test_benchmark_sampling_gpus import SAMPLE

UNITS = ["ollama.service"]
SERVER = {"pid": 7, "created": 1.0, "name": "ollama", "role": "server", "cpu": 3.0, "switches": 2.0, "memory": 100}
RUNNER = {**SERVER, "pid": 5, "name": "llama-server", "role": "runner", "cpu": 700.0}


def reading(at, seconds=1.0, **values):
    """What is read of a host at a time."""
    found = {"at": at, "seconds": seconds, "online": [0, 3], "cpus": None, "mhz": None, "processes": [], "nodes": {}}
    return {**found, **values}


class Played:
    """A child whose records a test has written."""

    def __init__(self, what, *parts):
        self.what, self.problems, self._parts = what, [], list(parts)

    def start(self, _ending):
        """Nothing is started."""

    def read(self):
        return self._parts.pop(0) if self._parts else []

    stop = read


@pytest.fixture
def played(monkeypatch):
    """A sampler of children that read these parts of records."""

    def make(host, gpus=()):
        children = iter([Played("processes and CPUs", *host), Played("GPUs", *gpus)])
        monkeypatch.setattr(sampling, "Child", lambda *_arguments: next(children))
        sampler = Sampler(UNITS)
        sampler.start()
        return sampler

    return make


def test_without_units_nothing_is_sampled():
    """No process is started, and a window has nothing."""
    sampler = Sampler([])
    sampler.start()
    assert sampler.window(0.0, 1e9) is None
    sampler.stop()


def test_what_is_in_a_window_is_what_its_time_was_for():
    """A reading tells of the time before it, so it belongs to where the greater part of that lies."""
    records = [reading(at) for at in (1.0, 2.4, 3.4, 4.4, 5.6)]
    assert [record["at"] for record in within(records, 2.0, 4.0)] == [3.4, 4.4]
    assert within([reading(2.0, None)], 2.0, 4.0) != []


def test_processes_have_means_and_maxima(played):
    """The server first; means are over time, memory is the greatest."""
    late = {**RUNNER, "cpu": 100.0, "memory": 50}
    sampler = played([[reading(1, processes=[RUNNER, SERVER]), reading(4, 3.0, processes=[SERVER, late])]])
    found = sampler.window(0, 5)
    assert [(each["pid"], each["role"]) for each in found["processes"]] == [(7, "server"), (5, "runner")]
    assert found["processes"][1] == {
        "pid": 5,
        "name": "llama-server",
        "role": "runner",
        "cpu_percent": {"mean": 250.0, "max": 700.0},
        "involuntary_context_switches_per_s": 2.0,
        "memory_bytes": 100,
        "memory_by_node_bytes": None,
    }
    assert (found["interval_s"], found["count"]) == (1.0, 2)


def test_a_process_that_was_seen_once_has_no_share(played):
    """A share needs two readings."""
    found = played([[reading(1, None, processes=[{**SERVER, "cpu": None, "switches": None}])]]).window(0, 5)
    assert found["processes"][0]["cpu_percent"] is None
    assert found["processes"][0]["involuntary_context_switches_per_s"] is None


def test_two_processes_of_one_number_are_two(played):
    """They have other starts."""
    again = {**RUNNER, "created": 2.0, "memory": 1}
    found = played([[reading(1, processes=[RUNNER]), reading(2, processes=[again])]]).window(0, 5)
    assert [each["memory_bytes"] for each in found["processes"]] == [100, 1]


def test_memory_by_node_is_what_was_read_last(played):
    """It is read less often than there are windows, and is that of the process, not of the number."""
    first = [
        reading(1, processes=[RUNNER], nodes={"5": {"0": 1}}),
        reading(2, processes=[RUNNER], nodes={"5": {"0": 9}}),
    ]
    again = {**RUNNER, "created": 2.0}
    sampler = played([first, [reading(12, processes=[RUNNER])], [reading(22, processes=[again])]])
    windows = [sampler.window(begin, begin + 9) for begin in (0, 10, 20)]
    assert [each["processes"][0]["memory_by_node_bytes"] for each in windows] == [{"0": 9}, {"0": 9}, None]


def test_cpus_have_a_mean_each(played):
    """Of shares over time, and of the frequencies that were read."""
    sampler = played([[reading(1, cpus=[10.0, 100.0], mhz=[2000, 3000]), reading(4, 3.0, cpus=[50.0, 100.0])]])
    assert sampler.window(0, 5)["cpus"] == {
        "cpu_percent": {"0": 40.0, "3": 100.0},
        "frequency_mhz": {"0": 2000.0, "3": 3000.0},
    }


def test_shares_without_frequencies_are_shares(played):
    """And frequencies without shares are those."""
    assert played([[reading(1, cpus=[1.0, 2.0])]]).window(0, 5)["cpus"]["frequency_mhz"] is None
    assert played([[reading(1, mhz=[1, 2])]]).window(0, 5)["cpus"]["cpu_percent"] is None
    assert played([[reading(1, None, cpus=[4.0, 2.0])]]).window(0, 5)["cpus"]["cpu_percent"] == {"0": 4.0, "3": 2.0}


def test_gpus_have_means_and_reasons_with_their_share(played):
    """A reason that a third of the samples has slowed the card down for a third of the time."""
    other = {**SAMPLE, "utilization": 7, "power": 100.0, "sm_clock": 1000, "temperature": 20, "reasons": []}
    records = [{"at": 1, "gpus": [SAMPLE]}, {"at": 2, "gpus": [other]}, {"at": 3, "gpus": [other]}]
    found = played([[]], [records]).window(0, 5)
    assert found["gpus"] == [
        {
            "uuid": SAMPLE["uuid"],
            "index": 0,
            "name": "NVIDIA H100",
            "utilization_percent": {"mean": 37.0, "max": 97},
            "memory_used_bytes": 42 << 30,
            "power_watts": {"mean": 270.78, "max": 612.345},
            "sm_clock_mhz": {"mean": 1326.67, "min": 1000, "max": 1980},
            "memory_clock_mhz": {"mean": 2619.0, "min": 2619, "max": 2619},
            "temperature_celsius": 61,
            "throttle_reasons": {"sw_power_cap": 0.333, "sw_thermal_slowdown": 0.333},
        }
    ]
    assert found["problems"] == ["processes and CPUs: no sample in 5.0 s, expected one every 1 s"]


def test_what_a_driver_does_not_report_is_named(played):
    """And null; what it reports at least once is a value."""
    bare = {**dict.fromkeys(SAMPLE), "index": 1, "power": 5.0}
    found = played([[reading(1)]], [[{"at": 1, "gpus": [bare]}]]).window(0, 5)
    assert (found["gpus"][0]["throttle_reasons"], found["gpus"][0]["power_watts"]["max"]) == (None, 5.0)
    (problem,) = found["problems"]
    assert problem == (
        "GPU 1: its driver does not report its utilization, memory in use, clock of its processors,"
        " clock of its memory, temperature, reasons of its clocks"
    )


def test_a_window_has_its_own_samples(played):
    """Those before it are forgotten, those after it kept for the next."""
    sampler = played([[reading(1.0, processes=[SERVER]), reading(6.0, processes=[RUNNER])]])
    assert [each["pid"] for each in sampler.window(0, 5)["processes"]] == [7]
    assert [each["pid"] for each in sampler.window(5, 10)["processes"]] == [5]
    assert sampler.window(10, 20)["processes"] is None


def test_a_part_without_samples_has_a_reason(played):
    """Its own problem, where it has one; else that there was none."""
    sampler = played([[]], [[{"problems": ["GPUs: not sampled, since the driver names no GPU"]}]])
    found = sampler.window(0, 2)
    assert (found["processes"], found["cpus"], found["gpus"], found["count"]) == (None, None, None, 0)
    assert found["problems"] == [
        "GPUs: not sampled, since the driver names no GPU",
        "processes and CPUs: no sample in 2.0 s, expected one every 1 s",
    ]


def test_very_many_processes_are_named_in_part(played):
    """Those with the most CPU time are."""
    many = [{**RUNNER, "pid": pid, "cpu": float(pid)} for pid in range(1, 101)]
    found = played([[reading(1, processes=[*many, {**SERVER, "pid": 500, "cpu": None}])]]).window(0, 5)
    assert [each["pid"] for each in found["processes"]] == list(range(37, 101))
    assert "101 processes were seen, of which the 64 with the most CPU are named" in found["problems"]


numbers = st.floats(0, 1e6)
processes = st.builds(
    lambda pid, created, cpu: {**RUNNER, "pid": pid, "created": created, "cpu": cpu},
    st.integers(1, 3),
    st.sampled_from([1.0, 2.0]),
    st.none() | numbers,
)
readings = st.builds(
    lambda at, seconds, cpus, several: reading(at, seconds, cpus=cpus, processes=several),
    st.floats(0, 100),
    st.none() | st.floats(0.001, 60),
    st.none() | st.lists(numbers, min_size=2, max_size=2),
    st.none() | st.lists(processes, max_size=3),
)


@given(st.lists(readings, max_size=6))
def test_a_mean_lies_between_what_was_seen(records):
    """Of whatever samples; every process and CPU that was seen has an entry."""
    found = summarize(1.0, records, [], {})
    seen = [each for record in records for each in record["processes"] or ()]
    assert len(found["processes"] or ()) == len({(each["pid"], each["created"]) for each in seen})
    for each in found["processes"] or ():
        shares = [one["cpu"] for one in seen if one["pid"] == each["pid"] and one["cpu"] is not None]
        if each["cpu_percent"]:
            assert min(shares) - 0.01 <= each["cpu_percent"]["mean"] <= each["cpu_percent"]["max"] + 0.01
            assert each["cpu_percent"]["max"] in shares
    shares = [record["cpus"][0] for record in records if record["cpus"]]
    if shares:
        assert min(shares) - 0.01 <= found["cpus"]["cpu_percent"]["0"] <= max(shares) + 0.01


def until(sampler, enough):
    """Ask for all that there is until it is enough."""
    found, deadline = sampler.window(0.0, 1e12), time.monotonic() + LONG
    while not enough(found):
        assert time.monotonic() < deadline
        os.sched_yield()
        found = sampler.window(0.0, 1e12)
    return found


def state(pid):
    """What the kernel has of a process; Z for one that ended, and None for one that nobody has to wait for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return None


def test_a_host_is_sampled_by_processes_that_end(monkeypatch):
    """With psutil as it is installed, without a driver: the process that runs the tests, and a reason for no GPU."""
    me = os.getpid()
    monkeypatch.setattr(sampling_host, "read_unit", lambda _root, _run, name: Unit(name, main_pid=me))
    monkeypatch.setitem(sys.modules, "pynvml", None)
    sampler = Sampler(UNITS, 0.005)
    sampler.start()
    sampler.start()
    pids = [child._pid for child in sampler._children]
    found = until(sampler, lambda found: found["processes"] and found["processes"][0]["cpu_percent"])
    assert [(each["pid"], each["role"]) for each in found["processes"]] == [(me, "server")]
    assert found["gpus"] is None
    until(sampler, lambda found: any("pynvml" in problem for problem in found["problems"]))
    sampler.stop()
    sampler.stop()
    assert [state(pid) for pid in pids] == [None, None]
    assert sampler.window(0.0, 1e12)["processes"]


def test_the_end_of_the_measurement_ends_the_sampling(monkeypatch):
    """Also where it is killed, and stops nothing."""
    monkeypatch.setattr(sampling_host, "prepare", lambda _units: dict)
    monkeypatch.setattr(sampling_gpus, "prepare", lambda: dict)
    reading, writing = os.pipe()
    measuring = os.fork()
    if measuring == 0:
        sampler = Sampler(UNITS, 0.001)
        sampler.start()
        os.write(writing, " ".join(str(child._pid) for child in sampler._children).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(measuring, 0)
    pids = [int(pid) for pid in os.read(reading, 100).split()]
    os.close(reading)
    deadline = time.monotonic() + LONG
    while not {state(pid) for pid in pids} <= {None, "Z"}:
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_driver_that_is_missing_takes_nothing_from_the_rest(monkeypatch):
    """The host is sampled all the same."""

    def refuse():
        raise OllamaError("not sampled, since there is none")

    monkeypatch.setattr(sampling_gpus, "prepare", refuse)
    monkeypatch.setattr(sampling_host, "prepare", lambda _units: lambda: {"processes": [], "seconds": 0.1})
    sampler = Sampler(UNITS, 0.001)
    sampler.start()
    found = until(sampler, lambda found: found["count"] > 2)
    sampler.stop()
    found = sampler.window(0.0, 1e12)
    assert (found["processes"], found["problems"]) == ([], ["GPUs: not sampled, since there is none"])
