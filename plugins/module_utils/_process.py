# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program that may be missing, may fail and may hang."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from typing import Callable, NamedTuple, Optional

# Ollama and the NVIDIA tools are often installed where a non-interactive shell does not look.
SEARCH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/rocm/bin")


class Outcome(NamedTuple):
    """The result of one run. Exactly one of ``out`` (rc 0) and ``problem`` (anything else) is not None."""

    out: Optional[str]
    problem: Optional[str]


# Readers take a runner as an argument, so that a test or a captured machine answers in place of the host.
Runner = Callable[["list[str]"], Outcome]


def find(program: str) -> str | None:
    """The path of a program on PATH or in the usual folders; None without one."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SEARCH]))


def runner(timeout: float) -> Runner:
    """A runner whose every program is killed, children included, after ``timeout`` seconds."""

    def run(argv: list[str]) -> Outcome:
        path = find(argv[0])
        if path is None:
            return Outcome(None, f"{argv[0]} is not installed")
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, no shell, and every caller names its program
                [path, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Without HOME, which a service manager or a bare connection may leave out, ollama panics.
                env={"HOME": os.path.expanduser("~"), **os.environ, "LC_ALL": "C", "LANGUAGE": "C"},
                start_new_session=True,
            )
        except OSError as error:
            return Outcome(None, f"{path} could not be started: {error.strerror}")
        return _finish(process, argv, timeout)

    return run


def _finish(process: subprocess.Popen[bytes], argv: list[str], timeout: float) -> Outcome:
    command = " ".join(argv)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        return Outcome(None, f"{command} did not answer within {timeout:g} s and was stopped")
    if process.returncode != 0:
        said = _last_line(err) or _last_line(out) or "nothing"
        return Outcome(None, f"{command} failed with exit status {process.returncode} and said: {said}")
    return Outcome(out.decode("utf-8", "replace"), None)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # A driver call that hangs in the kernel ignores SIGKILL; waiting for it would hang the reader too.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    try:
        process.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _last_line(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""
