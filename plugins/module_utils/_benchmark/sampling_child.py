# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process beside the measurement that reads something once an interval and writes it into a file without a name.

It hurts nobody: what hangs in a driver hangs there alone, an alarm ends it, and so does the end of its parent. The file
is bounded, and vanishes with the last of the two.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import tempfile
import time
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fork import kill, signal_name, wait
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from typing import NoReturn

    # What is read once an interval, as JSON can hold it; `problems` are sentences.
    Read = Callable[[], dict[str, Any]]

# The most bytes that are written in all: hours of a host with hundreds of CPUs.
_MOST = 1 << 26
_PART = 1 << 20
# How long the first reading may take, which loads a driver and asks systemd, and each one after it, in seconds.
_BEGINNING = 60.0
_PATIENCE = 10.0
# How long a process may take once it is to end, in seconds.
_ENDING = 0.5
_MOST_PROBLEMS = 100
_LONGEST = 500


class Child:
    """Samples what ``prepare()`` returns to be read; ``what`` names it in problems."""

    def __init__(self, what: str, prepare: Callable[[], Read], interval: float) -> None:
        self.what, self._prepare, self._interval = what, prepare, interval
        self.problems: list[str] = []
        self._pid: int | None = None
        self._file: int | None = None
        self._offset = 0
        self._rest = b""

    def start(self, ending: int) -> None:
        """Start the process, which ends once nobody has the other end of the pipe that it reads here."""
        try:
            with tempfile.TemporaryFile(buffering=0) as file:
                self._file = os.dup(file.fileno())
            pid = os.fork()
        except OSError as error:
            self.problems.append(f"{self.what}: not sampled, since no process could be started: {error.strerror}")
            return
        if pid == 0:
            self._sample(ending)
        self._pid = pid

    def read(self) -> list[dict[str, Any]]:
        """The records that were written since the last call."""
        if self._file is None:
            return []
        self._look()
        with contextlib.suppress(OSError):
            while self._offset < _MOST:
                part = os.pread(self._file, _PART, self._offset)
                if not part:
                    break
                self._offset += len(part)
                self._rest += part
        *lines, self._rest = self._rest.split(b"\n")
        return [record for record in map(_record, lines) if record is not None]

    def stop(self) -> list[dict[str, Any]]:
        """End the process, which is ending already where nothing hangs, and return what it still wrote."""
        if self._pid is not None:
            self._look(time.monotonic() + _ENDING)
        if self._pid is not None:
            kill(self._pid)
            self._pid = None
        found = self.read()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        return found

    def _look(self, deadline: float = 0.0) -> None:
        """See whether the process has ended, and say so where it should not have."""
        if self._pid is None:
            return
        try:
            status = wait(self._pid, deadline)
        except ChildProcessError:
            # Somebody else has waited for it.
            status = 0
        if status is None:
            return
        self._pid = None
        if status == -signal.SIGALRM:
            self.problems.append(
                f"{self.what}: no answer within {_PATIENCE:g} s, or {_BEGINNING:g} s at the start; sampled no more"
            )
        elif status:
            how = f"by {signal_name(-status)}" if status < 0 else f"with exit status {status}"
            self.problems.append(f"{self.what}: the process that sampled it ended {how}, so it was sampled no more")

    def _sample(self, ending: int) -> NoReturn:
        """Sample until the end, in the child: nothing of the parent's, such as its exit handlers, may run."""
        status = 1
        try:
            os.setsid()
            file = self._file or 0
            _alone({ending, file})
            writer = _Writer(file)
            try:
                _loop(self.what, self._prepare, self._interval, ending, writer)
            except OllamaError as error:
                writer.write({"problems": [f"{self.what}: {error}"]})
            except Exception as error:  # noqa: BLE001 - of any library and type
                writer.write({"problems": [f"{self.what}: not sampled ({type(error).__name__}: {error})"]})
            status = 0
        finally:
            os._exit(status)


def _alone(kept: set[int]) -> None:
    """Give up what was inherited: signals' handlers, standard streams, and the connections of the measurement."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


class _Writer:
    """Writes records, a line each; each problem once."""

    def __init__(self, file: int) -> None:
        self._file, self._written = file, 0
        self._said: set[str] = set()

    def write(self, record: dict[str, Any]) -> bool:
        """Whether there is room for more."""
        problems = [one_line(str(problem), _LONGEST) for problem in record.pop("problems", [])]
        new = [problem for problem in dict.fromkeys(problems) if problem not in self._said]
        new = new[: _MOST_PROBLEMS - len(self._said)]
        self._said.update(new)
        line = json.dumps({**record, "problems": new} if new else record).encode() + b"\n"
        if self._written + len(line) > _MOST - _PART:
            line = json.dumps({"problems": [f"samples ended after {self._written} bytes of them"]}).encode() + b"\n"
            os.write(self._file, line)
            return False
        self._written += len(line)
        while line:
            line = line[os.write(self._file, line) :]
        return True


def _loop(what: str, prepare: Callable[[], Read], interval: float, ending: int, writer: _Writer) -> None:
    waiting = select.poll()
    waiting.register(ending, select.POLLIN)
    # In the kernel, so that it ends what hangs in a library's code too.
    signal.setitimer(signal.ITIMER_REAL, _BEGINNING)
    read = prepare()
    due = time.monotonic()
    while True:
        try:
            record = read()
        except Exception as error:  # noqa: BLE001 - of any library and type, and the next reading may succeed
            record = {"problems": [f"{what}: {type(error).__name__}: {error}"]}
        if not writer.write({"at": time.monotonic(), **record}):
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Where it was late it goes on from now, and does not catch up.
        due = max(due + interval, time.monotonic())
        if waiting.poll(max(0.0, due - time.monotonic()) * 1000):
            return
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
