# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that samples: it is bounded in time and bytes, and nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import sampling_child
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling_child import Child
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

# Often enough that nothing is waited for.
INTERVAL = 0.001
# Long after everything that works has answered, on any host.
LONG = 60.0


def counting():
    """Read one more each time."""
    number = [0]

    def read():
        number[0] += 1
        return {"number": number[0]}

    return read


def hanging():
    """Answer once, and then no more."""
    number = [0]

    def read():
        number[0] += 1
        if number[0] > 1:
            threading.Event().wait()
        return {"number": number[0]}

    return read


def failing():
    """Raise what a library may raise, each time."""

    def read():
        raise ValueError("not a \x1b[31mnumber")

    return read


def crashing():
    os.kill(os.getpid(), signal.SIGSEGV)


def leaving():
    os._exit(7)


def refusing():
    raise OllamaError("not sampled, since there is nothing to ask")


def broken():
    raise KeyError("x")


@pytest.fixture
def sampling():
    """Start a child; all end with the test, and no process is left of them."""
    reading, writing = os.pipe()
    children, open_ends = [], [writing]

    def start(prepare):
        child = Child("The host", prepare, INTERVAL)
        child.start(reading)
        children.append((child, child._pid))
        return child

    start.tell = lambda: os.close(open_ends.pop())
    yield start
    for end in [*open_ends, reading]:
        os.close(end)
    for child, pid in children:
        child.stop()
        assert pid is None or not os.path.exists(f"/proc/{pid}")


def until(child, enough):
    """Read until what was read in all is enough."""
    found, deadline = [], time.monotonic() + LONG
    while not enough(found):
        assert time.monotonic() < deadline
        found += child.read()
        os.sched_yield()
    return found


def problems(records):
    return [problem for record in records for problem in record.get("problems", ())]


def test_what_is_read_arrives_in_its_order(sampling):
    """Each record once, with the time at which it was read."""
    child = sampling(counting)
    found = until(child, lambda records: len(records) >= 3)
    assert [record["number"] for record in found] == list(range(1, len(found) + 1))
    assert [record["at"] for record in found] == sorted(record["at"] for record in found)
    assert child.problems == []


def test_one_whose_parent_closes_the_pipe_ends_at_once(sampling):
    """What it has written until then is returned; after that there is no more, and no problem."""
    child = sampling(counting)
    sampling.tell()
    found = child.stop()
    assert found[0]["number"] == 1
    assert (child.stop(), child.read(), child.problems) == ([], [], [])


def test_one_that_hangs_is_ended_by_its_alarm(sampling, monkeypatch):
    """What it read before is kept, and a sentence says that it answered no more."""
    monkeypatch.setattr(sampling_child, "_PATIENCE", 0.05)
    child = sampling(hanging)
    found = until(child, lambda _records: child.problems)
    assert [record["number"] for record in found] in ([1], [])
    assert child.problems == ["The host: no answer within 0.05 s, or 60 s at the start; sampled no more"]


def test_one_that_hangs_while_it_prepares_is_ended_too(sampling, monkeypatch):
    """A driver may hang before the first reading."""
    monkeypatch.setattr(sampling_child, "_BEGINNING", 0.05)
    child = sampling(lambda: threading.Event().wait())
    until(child, lambda _records: child.problems)
    assert "0.05 s at the start" in child.problems[0]


def test_one_that_hangs_is_not_waited_for(sampling, monkeypatch):
    """The end of the measurement kills it, however long its alarm is."""
    monkeypatch.setattr(sampling_child, "_ENDING", 0.01)
    child = sampling(hanging)
    until(child, lambda records: records)
    sampling.tell()
    child.stop()


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (crashing, "The host: the process that sampled it ended by SIGSEGV, so it was sampled no more"),
        (leaving, "The host: the process that sampled it ended with exit status 7, so it was sampled no more"),
    ],
)
def test_one_that_dies_is_a_sentence(sampling, prepare, problem):
    """Of the signal or the exit status, once."""
    child = sampling(prepare)
    until(child, lambda _records: child.problems)
    child.read()
    assert child.problems == [problem]


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (refusing, "The host: not sampled, since there is nothing to ask"),
        (broken, "The host: not sampled (KeyError: 'x')"),
        (failing, "The host: ValueError: not a \\x1b[31mnumber"),
    ],
)
def test_what_cannot_be_read_is_one_problem(sampling, prepare, problem):
    """In visible characters, whatever a library raises; a reading that fails does not end the sampling."""
    child = sampling(prepare)
    found = until(child, problems)
    sampling.tell()
    assert problems([*found, *child.stop()]) == [problem]
    assert child.problems == []


def test_gigabytes_are_not_written(sampling, monkeypatch):
    """The file ends with a sentence once there is no more room."""
    monkeypatch.setattr(sampling_child, "_MOST", 5000)
    monkeypatch.setattr(sampling_child, "_PART", 1000)
    child = sampling(lambda: lambda: {"much": "x" * 500})
    found = until(child, problems)
    assert len(found) == 8
    assert problems(found)[0].startswith("samples ended after ")
    assert child._offset <= 5000


def test_what_has_no_end_is_not_read(sampling, monkeypatch):
    """More than there may be in the file is left in it."""
    monkeypatch.setattr(sampling_child, "_PART", 100)
    child = sampling(counting)
    until(child, lambda records: records)
    monkeypatch.setattr(sampling_child, "_MOST", 0)
    assert child.read() == []


def test_a_child_has_nothing_of_the_measurement(sampling):
    """A connection that it held open would not end for the server; signals have the kernel's own handlers."""
    inherited = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_arguments: None)
    try:

        def prepare():
            files = {name: os.readlink(f"/proc/self/fd/{name}") for name in ("0", "1", "2")}
            there = [end for end in inherited if os.path.exists(f"/proc/self/fd/{end}")]
            return lambda: {"files": files, "there": there, "term": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL}

        (first, *_rest) = until(sampling(prepare), lambda records: records)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for end in inherited:
            os.close(end)
    assert first["files"] == dict.fromkeys(("0", "1", "2"), "/dev/null")
    assert (first["there"], first["term"]) == ([], True)


def test_a_host_without_room_for_a_process(sampling, monkeypatch):
    """Nothing is sampled, and the sentence has the system's reason."""

    def fork():
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    child = sampling(counting)
    assert child.problems == [
        "The host: not sampled, since no process could be started: Resource temporarily unavailable"
    ]
    assert (child.read(), child.stop()) == ([], [])


def test_a_child_that_somebody_else_waited_for_is_gone(sampling):
    """An event loop may wait for every child."""
    child = sampling(counting)
    pid = child._pid
    sampling.tell()
    os.waitpid(pid, 0)
    child.stop()
    assert child.problems == []


def test_lines_of_another_form_are_passed_over(sampling):
    """As of a process that was killed while it wrote."""
    child = sampling(counting)
    until(child, lambda records: records)
    sampling.tell()
    os.waitpid(child._pid, 0)
    os.write(child._file, b'{"half": \n[1]\n{"number": -1}\n{"rest')
    assert child.stop()[-1] == {"number": -1}


class Ended(BaseException):
    """In place of a child's end."""


@pytest.fixture
def tame(monkeypatch):
    """What a child does to itself, done to nobody; its exit statuses."""
    statuses = []

    def end(status):
        statuses.append(status)
        raise Ended

    monkeypatch.setattr(os, "setsid", lambda: None)
    monkeypatch.setattr(os, "dup2", lambda _file, _stream: None)
    monkeypatch.setattr(os, "listdir", lambda _folder: ["0", "999999"])
    monkeypatch.setattr(os, "_exit", end)
    for name in ("set_wakeup_fd", "signal", "pthread_sigmask", "setitimer"):
        monkeypatch.setattr(signal, name, lambda *_arguments: None)
    return statuses


@pytest.mark.parametrize("prepare", [counting, refusing, broken, failing])
def test_a_child_ends_well_whatever_it_reads(tame, tmp_path, prepare):
    """Its status is 0 also where a sentence is all that it has."""
    reading, writing = os.pipe()
    os.close(writing)
    with open(tmp_path / "samples", "w+b", buffering=0) as file:
        child = Child("The host", prepare, INTERVAL)
        child._file = file.fileno()
        with contextlib.suppress(Ended):
            child._sample(reading)
    os.close(reading)
    assert tame == [0]
    (line,) = (tmp_path / "samples").read_text().splitlines()
    assert ("problems" in json.loads(line)) == (prepare is not counting)


@pytest.mark.usefixtures("tame")
def test_what_is_full_ends_the_child(tmp_path, monkeypatch):
    """And the problems that it names are not without end either."""
    monkeypatch.setattr(sampling_child, "_MOST", sampling_child._PART + 30_000)
    reading, writing = os.pipe()
    number = [0]

    def read():
        number[0] += 1
        return {"problems": [f"{number[0]} {'x' * 1000}"]}

    with open(tmp_path / "samples", "w+b", buffering=0) as file:
        child = Child("The host", lambda: read, 0.0)
        child._file = file.fileno()
        with contextlib.suppress(Ended):
            child._sample(reading)
    os.close(reading)
    os.close(writing)
    found = [json.loads(line) for line in (tmp_path / "samples").read_text().splitlines()]
    assert "samples ended after" in found[-1]["problems"][0]
    assert max(len(problem) for record in found for problem in record.get("problems", ())) <= 500
    said = sampling_child._Writer(os.open(os.devnull, os.O_WRONLY))
    said.write({"problems": list(range(1000))})
    assert len(said._said) == 100
    os.close(said._file)
