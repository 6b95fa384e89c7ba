# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call a function that may hang, crash or answer without end: in a fork of this process, which starts no program.

The caller has one thread, as modules have: a fork has no other.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Callable

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome

if TYPE_CHECKING:
    from typing import NoReturn

# More than a host of hundreds of cards says.
_MOST = 1 << 22
_PART = 1 << 16
# How often it is looked whether a process has ended, and how long once it was killed, in seconds.
_PAUSE = 0.002
_DYING = 1


def call(function: Callable[[], str], timeout: float) -> Outcome:
    """The function's text, or why there is none; the process is killed after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return Outcome(None, f"no process could be started: {error.strerror}")
    if pid == 0:
        os.close(reading)
        _answer(function, writing)
    os.close(writing)
    try:
        said = _receive(reading, deadline)
    finally:
        os.close(reading)
    # What has said all may still hang in the driver while it ends.
    status = None if said is None or len(said) > _MOST else wait(pid, deadline)
    if status is None:
        kill(pid)
    if said is not None and len(said) > _MOST:
        return Outcome(None, f"its process said more than {_MOST} bytes and was stopped")
    if said is None or status is None:
        return Outcome(None, f"its process did not answer within {timeout:g} s and was stopped")
    if status < 0:
        return Outcome(None, f"its process was ended by {signal_name(-status)}")
    if status > 0:
        return Outcome(None, f"its process failed with exit status {status}")
    return Outcome(said.decode("utf-8", "replace"), None)


def _answer(function: Callable[[], str], pipe: int) -> NoReturn:
    """Write the function's text and end, in the child: nothing of the parent's, such as its exit handlers, may run."""
    status = 1
    try:
        os.setsid()
        # What a library prints must not come into the module's own answer.
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        text = function().encode()
        while text:
            text = text[os.write(pipe, text) :]
        status = 0
    finally:
        os._exit(status)


def _receive(pipe: int, deadline: float) -> bytes | None:
    """All that is written, or the first bytes of too many; None where it has no end in time."""
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    said = b""
    while len(said) <= _MOST:
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            return None
        part = os.read(pipe, _PART)
        if not part:
            break
        said += part
    return said


def wait(pid: int, deadline: float) -> int | None:
    """The exit status, the negative signal number for one that was killed; None where it has not ended in time."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE)


def kill(pid: int) -> None:
    """End a child and its group, and wait for it, but not for ever."""
    # A driver call that hangs in the kernel ignores SIGKILL; waiting longer for it would hang the reader too.
    for send in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, signal.SIGKILL)
    wait(pid, time.monotonic() + _DYING)


def signal_name(number: int) -> str:
    """The name of a signal, such as SIGKILL."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
