# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions that hang, crash and answer without end, called in a process of their own."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _fork
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome

LONG = 60


def hang() -> str:
    time.sleep(1000)
    return ""


def crash() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def fail() -> str:
    raise ValueError("not what was expected")


def leave() -> str:
    sys.exit(0)


def test_text_of_any_length_arrives():
    """More than a pipe holds comes whole, and so does nothing."""
    assert _fork.call(lambda: "é" * 500_000, LONG) == Outcome("é" * 500_000, None)
    assert _fork.call(str, LONG) == Outcome("", None)


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (crash, "its process was ended by SIGKILL"),
        (fail, "its process failed with exit status 1"),
        (leave, "its process failed with exit status 1"),
        (lambda: "x" * (1 << 23), f"its process said more than {1 << 22} bytes and was stopped"),
    ],
    ids=["crash", "exception", "exit", "endless"],
)
def test_what_goes_wrong_is_a_problem(function, problem):
    """A signal, an exception, an exit and an answer without end are a sentence each, and harm no one else."""
    assert _fork.call(function, LONG) == Outcome(None, problem)


def test_what_hangs_is_killed(monkeypatch):
    """After the time limit the process is gone, and the sentence names the limit."""
    pids = []
    fork = os.fork

    def remembered():
        pids.append(fork())
        return pids[-1]

    monkeypatch.setattr(os, "fork", remembered)
    assert _fork.call(hang, 0.05) == Outcome(None, "its process did not answer within 0.05 s and was stopped")
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_what_hangs_after_its_answer_is_killed(monkeypatch):
    """A process that has answered and does not end is waited for no longer than one that does not answer."""
    pids = []
    fork = os.fork

    def remembered():
        pids.append(fork())
        if pids[-1] == 0:
            # As a driver may hang while its files are closed.
            monkeypatch.setattr(os, "_exit", lambda _status: (os.closerange(3, 64), time.sleep(1000)))
        return pids[-1]

    monkeypatch.setattr(os, "fork", remembered)
    problem = "its process did not answer within 0.2 s and was stopped"
    assert _fork.call(lambda: "all", 0.2) == Outcome(None, problem)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_process_that_cannot_be_killed_is_left(monkeypatch):
    """One that hangs in the kernel is waited for a moment, and never for ever."""
    monkeypatch.setattr(_fork, "_DYING", 0.01)
    monkeypatch.setattr(os, "waitpid", lambda _pid, _options: (0, 0))
    for kill in ("kill", "killpg"):
        monkeypatch.setattr(os, kill, lambda _pid, _signal: None)
    _fork.kill(1)


def test_a_host_without_room_for_a_process(monkeypatch):
    """Where there can be no process, the reason is the system's."""

    def fork():
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", fork)
    problem = "no process could be started: Resource temporarily unavailable"
    assert _fork.call(hang, LONG) == Outcome(None, problem)


def test_nothing_of_the_child_is_printed(capfd):
    """What a library prints does not come into the module's answer."""

    def noisy():
        os.write(1, b"noise")
        os.write(2, b"noise")
        return "quiet"

    assert _fork.call(noisy, LONG) == Outcome("quiet", None)
    assert capfd.readouterr() == ("", "")


class Ended(BaseException):
    """In place of a child's end."""


def test_the_child_ends_whatever_happens(monkeypatch):
    """The child leaves the terminal, writes its text, and ends with a status that says whether it could."""
    done = []

    def end(status):
        done.append(status)
        raise Ended

    monkeypatch.setattr(os, "setsid", lambda: done.append("setsid"))
    monkeypatch.setattr(os, "dup2", lambda _file, stream: done.append(stream))
    monkeypatch.setattr(os, "_exit", end)
    reading, writing = os.pipe()
    for function in (lambda: "text", fail):
        with contextlib.suppress(Ended):
            _fork._answer(function, writing)
    assert done == ["setsid", 0, 1, 2, 0, "setsid", 0, 1, 2, 1]
    assert os.read(reading, 100) == b"text"
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(("number", "name"), [(11, "SIGSEGV"), (63, "signal 63")])
def test_signals_have_their_names(number, name):
    """A number stays one where Python has no name for it."""
    assert _fork.signal_name(number) == name
