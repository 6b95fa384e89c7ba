# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``benchmark``; documented in plugins/modules/benchmark.py. Base of every action whose module takes long.

Such a module runs as an asynchronous job, as those of ``async`` do (async_wrapper of Ansible), so that something can be
printed meanwhile. It has the options ``progress_file`` and ``max_duration``. A job whose controller is gone ends by
itself. (The base has no file of its own, since every file of actions is the action of a module.)
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# How long the host waits for the end of the job before it answers, so that one answer costs it no more than a shell,
# and how long nobody asks where it cannot be asked, in seconds.
_WAIT, _PAUSE = 8, 5
# How long it may take to end the job, in seconds.
_ENDING = 15
# What the job may take beside the module's `max_duration`, and that option's default in plugins/modules/benchmark.py.
_MOST_SECONDS, _SPARE = 600.0, 60
# The longest time that a job is given: a year.
_LONGEST = 365 * 86400
_MOST_BYTES, _MOST_CHARACTERS = 2000, 200
# How the file of a job that runs begins; async_wrapper.py, _run_module().
_RUNS = '{"started":'
# What async_status adds to the module's result.
_OF_THE_JOB = ("ansible_job_id", "finished", "results_file", "started")
# What there is where the module printed no result; async_wrapper.py, _run_module().
_WITHOUT_RESULT = {"cmd", "data", "stderr"}


class Interrupted(BaseException):
    """A signal that ends the run."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Job(NamedTuple):
    """Where a job is on the host, in paths that are quoted for its shell."""

    folder: str
    progress: str
    # The file that the module writes is the operator's own.
    kept: bool
    limit: int


class JobAction(ActionBase):
    """Run a module as a job, and print how far it is at least every ten seconds.

    ``CALLED`` is what the job is in sentences, ``DOING`` what it does where it does not say how far it is, and
    ``MOST_SECONDS`` the default of the module's ``max_duration``.
    """

    MODULE: str
    CALLED: str
    DOING: str
    MOST_SECONDS: float
    _supports_check_mode = True
    # So that it is refused in a sentence.
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        result: dict[str, Any] = super().run(tmp, known)
        if self._task.async_val:
            refused = (
                f"async: {self.CALLED} runs as an asynchronous job already, and prints how far it is; leave async and"
                " poll out of the task, and bound its time by max_duration"
            )
            return {**result, "failed": True, "msg": refused}
        if self._answers_at_once() or self._connection.has_native_async:
            return {**result, **self._module(self.MODULE, dict(self._task.args), known)}
        try:
            with _interruptible():
                return {**result, **self._run_job(known)}
        except Interrupted as interrupted:
            # Ansible's own handler ends this process.
            os.kill(os.getpid(), interrupted.number)
            return {**result, "failed": True, "msg": f"ended by {interrupted}"}

    def _answers_at_once(self) -> bool:
        """Return whether this call takes no time, so that it needs no job."""
        return bool(self._task.check_mode)

    def _run_job(self, known: dict[str, Any]) -> dict[str, Any]:
        """Start the job, print how far it is until it ends, and return the module's result."""
        shell = self._connection._shell  # noqa: SLF001 - as Ansible's own actions do
        option: Any = self.get_shell_option
        expand: Any = self._remote_expand_user
        folder = str(expand(option("async_dir", default="~/.ansible_async")))
        args = dict(self._task.args)
        own = args.get("progress_file")
        # Beside the file of the job, which whoever runs it may write.
        path = str(own or shell.join_path(folder, f"{self.MODULE.rpartition('.')[2]}-{secrets.token_hex(8)}"))
        args["progress_file"] = path
        temporary = shell.tmpdir or self._make_tmp_path()
        job = Job(temporary, shell.quote(path), bool(own), _limit(args.get("max_duration"), self.MOST_SECONDS))
        file = ""
        try:
            started = self._start(args, known, job.limit)
            jid = started.get("ansible_job_id")
            if started.get("failed") or not jid:
                return started
            file = shell.quote(shell.join_path(folder, str(jid)))
            result = self._follow(job, file, {"jid": jid, "_async_dir": folder}, known)
        except BaseException:
            self._end(job, file, known)
            raise
        # What this leaves behind are a few bytes, and the result counts more.
        with contextlib.suppress(AnsibleConnectionFailure):
            self._command(_deletion(job, file))
        return result

    def _start(self, args: dict[str, Any], known: dict[str, Any], limit: int) -> dict[str, Any]:
        self._task.async_val = limit
        try:
            started: dict[str, Any] = self._execute_module(
                module_name=self.MODULE, module_args=args, task_vars=known, wrap_async=True
            )
        finally:
            # Ansible would poll the result otherwise.
            self._task.async_val = 0
        return started

    def _follow(self, job: Job, file: str, status: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        """Return the result of the job once it has one; a failure where that takes longer than it may."""
        begun = time.monotonic()
        while True:
            try:
                said, runs = self._look(job, file)
                if not runs:
                    done = self._module("ansible.legacy.async_status", dict(status), known)
                    if done.get("finished"):
                        return self._result(done, job.limit)
            except AnsibleConnectionFailure as error:
                if time.monotonic() - begun > job.limit:
                    raise
                said, runs = f"the host cannot be asked, and goes on: {error}", False
                with contextlib.suppress(AttributeError, AnsibleConnectionFailure):
                    self._connection.reset()
            waited = time.monotonic() - begun
            self._say(known, said or f"{self.DOING} for {waited:.0f} s")
            if waited > job.limit + _SPARE:
                self._end(job, file, known)
                return self._late(job.limit)
            if not runs:
                time.sleep(_PAUSE)

    def _look(self, job: Job, file: str) -> tuple[str, bool]:
        """Return how far the job is, and whether it is known to run; the host answers as soon as it does not."""
        mark = secrets.token_hex(8)
        answer = self._command(
            f"i=0; while [ $i -lt {_WAIT} ]; do case $(head -c {len(_RUNS)} {file} 2>/dev/null) in"
            f" ''|'{_RUNS}') sleep 1; i=$((i+1));; *) break;; esac; done;"
            f" echo; echo {mark}; head -c {_MOST_BYTES} {job.progress} 2>/dev/null;"
            f" echo; echo {mark}; head -c {len(_RUNS)} {file} 2>/dev/null"
        )
        # Before it may be whatever a login prints.
        _before, said, runs, *_rest = [*answer.split(mark), "", "", ""]
        return one_line(said.strip(), _MOST_CHARACTERS), runs.strip().startswith(_RUNS)

    def _end(self, job: Job, file: str, known: dict[str, Any]) -> None:
        """End the job, whose command lines have the folder that Ansible made for this task, and delete its files."""
        folder = job.folder.rstrip("/")
        name, quote = os.path.basename(folder), self._connection._shell.quote  # noqa: SLF001 - as Ansible's own actions do
        # Never as one word, so that the shell that looks for the name does not find itself.
        ending = (
            f"for f in $(grep -l {quote(f'{name[:-1]}[{name[-1:]}]')} /proc/[0-9]*/cmdline 2>/dev/null); do"
            ' f=${f#/proc/}; kill "${f%/cmdline}" 2>/dev/null; done;'
            f" rm -rf {quote(folder[:-1])}''{quote(folder[-1:])}; "
        )
        try:
            with _at_most(_ENDING):
                self._command((ending if "-tmp-" in name else "") + _deletion(job, file))
        except (Exception, Interrupted) as error:  # noqa: BLE001 - of any connection; it must not hide what ended the run
            self._say(known, f"{self.CALLED} could not be ended, and ends by itself within {job.limit} s: {error}")

    def _command(self, command: str) -> str:
        """Run a command in a shell of the host, as the user of the task; return what it prints."""
        run: Any = self._low_level_execute_command
        return str(run(command).get("stdout", ""))

    def _module(self, name: str, args: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(module_name=name, module_args=args, task_vars=known)
        return done

    def _result(self, done: dict[str, Any], limit: int) -> dict[str, Any]:
        """Return the module's result, without what is of the job."""
        result = {key: value for key, value in done.items() if key not in _OF_THE_JOB}
        if result.get("failed") and set(result) >= _WITHOUT_RESULT:
            return self._silent(str(result["stderr"]))
        # async_wrapper.py ends what takes too long.
        return self._late(limit) if result.get("failed") and "child_pid" in result else result

    def _silent(self, said: str) -> dict[str, Any]:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "nothing")
        reason = (
            f"{self.CALLED} ended without a result, as where the kernel kills a program since memory is short"
            f" (journalctl -k says so); the last that it said: {one_line(last.strip(), _MOST_CHARACTERS)}"
        )
        return {"failed": True, "msg": reason}

    def _late(self, limit: int) -> dict[str, Any]:
        return {"failed": True, "msg": f"{self.CALLED} did not end within {limit} s, and was ended"}

    def _say(self, known: Mapping[str, Any], text: str) -> None:
        if not self._task.no_log:
            Display().display(f"{known.get('inventory_hostname')}: {one_line(str(text), _MOST_CHARACTERS)}")


class ActionModule(JobAction):
    """Measure as a job."""

    MODULE = "inference.ollama.benchmark"
    CALLED = "the benchmark"
    DOING = "measuring"
    MOST_SECONDS = _MOST_SECONDS


def _deletion(job: Job, file: str) -> str:
    """Return the command that deletes the files of a job."""
    own = "" if job.kept else f" {job.progress} {job.progress}.new"
    return f"rm -f{own} {file}"


def _limit(seconds: object, most: float = _MOST_SECONDS) -> int:
    """Return after how many seconds the job is ended from outside; the module refuses what is no number."""
    try:
        asked = most if seconds is None else float(str(seconds))
    except ValueError:
        asked = most
    return _SPARE + int(most if math.isnan(asked) else min(max(asked, 0.0), _LONGEST))


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Raise Interrupted where the run is ended by a signal; others that follow it do nothing until that is dealt with.

    Ansible sends its workers SIGTERM right after the operator's SIGINT.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, _frame: object) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    with _handling(interrupt, *numbers):
        yield


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """Raise Interrupted after so many seconds."""

    def interrupt(number: int, _frame: object) -> None:
        raise Interrupted(number)

    with _handling(interrupt, signal.SIGALRM):
        signal.alarm(seconds)
        try:
            yield
        finally:
            signal.alarm(0)


@contextlib.contextmanager
def _handling(handler: Callable[[int, object], None], *numbers: signal.Signals) -> Iterator[None]:
    """Handle signals so, and as before afterwards; in a thread that is not the first none arrives."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
