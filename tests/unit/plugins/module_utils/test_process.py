# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are missing, fail or hang never stop a reader."""

from __future__ import annotations

import os
import select
import signal

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _process, _trust
from ansible_collections.inference.ollama.plugins.module_utils._process import find, runner


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script of the given text on PATH under the name "tool"."""

    def write(text):
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return path

    return write


def test_the_output_of_a_program(program):
    """What a program prints, with the language fixed and nothing to read from."""
    program('echo "$LC_ALL $1 $(cat)"')
    assert runner(10)(["tool", "word"]) == ("C word \n", None)


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        ("mismatch", "mismatch"),
        ("mismatch\\nversion: 570.195", "mismatch … version: 570.195"),
        ("\\n  mismatch  \\nand\\nmore\\n\\nversion: 570.195\\n\\n", "mismatch … version: 570.195"),
        ("again\\nagain", "again"),
    ],
)
@pytest.mark.parametrize("stream", [1, 2])
def test_a_failure_is_reported_with_its_first_and_last_line(program, said, quoted, stream):
    """The problem has the exit status and both ends of the output, since the cause is at either."""
    program(f"printf '{said}' >&{stream}; exit 9")
    outcome = runner(10)(["tool", "-L"])
    assert outcome == (None, f"tool -L failed with exit status 9 and said: {quoted}")


def test_a_failure_without_words(program):
    """Standard output counts where standard error is empty, and nothing is called nothing."""
    program("echo spoken; exit 1")
    assert runner(10)(["tool"]).problem.endswith("said: spoken")
    program("exit 1")
    assert runner(10)(["tool"]).problem.endswith("said: nothing")


def test_a_missing_program():
    """A program that is not installed is a problem in words."""
    assert find("no-such-program") is None
    assert runner(1)(["no-such-program"]) == (None, "no-such-program is not installed")


@pytest.mark.parametrize(
    "folder",
    [
        "/usr/lib/wsl/lib",
        "/run/current-system/sw/bin",
        "/run/opengl-driver/bin",
        "/snap/bin",
        "/home/linuxbrew/.linuxbrew/bin",
        "/usr/local/cuda/bin",
        "/opt/rocm/bin",
        "/opt/rocm-6.4.1/bin",
    ],
)
def test_a_program_is_found_where_a_distribution_puts_it(monkeypatch, folder):
    """Whatever PATH a connection has."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(os, "listdir", lambda path: ["rocm-6.4.1", "rocm-5.7.0", "rocm-x"] if path == "/opt" else [])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os.path, "exists", lambda path: path == f"{folder}/vendor-tool")
    monkeypatch.setattr(os, "access", lambda path, _mode: path == f"{folder}/vendor-tool")
    assert find("vendor-tool") == f"{folder}/vendor-tool"


def test_the_newest_release_of_several_is_asked_first(monkeypatch):
    """Numbers count as numbers: 6.10 is newer than 6.4."""
    monkeypatch.setattr(os, "listdir", lambda _path: ["rocm-6.4.1", "rocm-6.10.0", "rocm-5.7.0", "rocm", "rocm-7x"])
    assert _process._versions() == ["/opt/rocm-6.10.0/bin", "/opt/rocm-6.4.1/bin", "/opt/rocm-5.7.0/bin"]


def test_root_is_not_given_a_program_of_homebrew_where_there_is_another(monkeypatch, tmp_path):
    """Homebrew's folder belongs to a user: its program is found last, and root is refused it in words."""
    brew, own = tmp_path / "brew", tmp_path / "own"
    for folder in (brew, own):
        folder.mkdir()
        (folder / "tool").write_text("#!/bin/sh\n")
        (folder / "tool").chmod(0o755)
    weak = {str(brew / "tool"): "the folder (owner jane)"}
    monkeypatch.setenv("PATH", str(brew))
    monkeypatch.setattr(_process, "SEARCH", (str(own),))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_trust, "weakness", weak.get)
    assert find("tool") == str(own / "tool")
    (own / "tool").unlink()
    assert find("tool") == str(brew / "tool")
    assert runner(10)(["tool"]).problem.startswith("tool was not run, since the folder (owner jane) can be changed")


def test_a_file_that_cannot_be_started(program):
    """An executable that the kernel rejects is a problem in words."""
    program("").write_bytes(b"\x7fELF")
    assert runner(1)(["tool"]).problem.endswith("tool could not be started: Exec format error")


def test_bytes_that_are_no_text(program):
    """Output in an unknown encoding is read as far as it goes."""
    program("printf 'a\\377b'")
    assert runner(10)(["tool"]).out == "a\N{REPLACEMENT CHARACTER}b"


def test_a_program_that_hangs_is_killed_with_its_children(program, tmp_path):
    """After the limit the runner answers, and not even a child in the background is left."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program(f"sleep 300 > {fifo} & sleep 300")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        outcome = runner(0.5)(["tool"])
        assert outcome == (None, "tool did not answer within 0.5 s and was stopped")
        # End of file comes when the last process that had the pipe open is gone.
        assert select.select([reader], [], [], 10)[0]
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_a_program_that_never_stops_talking_is_stopped(program, monkeypatch):
    """What a program says is read up to a limit, and then it is killed."""
    monkeypatch.setattr(_process, "_MOST", 1 << 17)
    program("exec yes")
    assert runner(60)(["tool"]) == (None, "tool said more than 131072 bytes and was stopped")


def test_a_program_that_closes_its_output_and_stays_is_stopped(program):
    """An end of its output is not its own end."""
    program("exec >&- 2>&-; exec sleep 300")
    assert runner(0.3)(["tool"]).problem.endswith("did not answer within 0.3 s and was stopped")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_that_cannot_be_killed_is_left_alone(program, monkeypatch):
    """A call that hangs inside the kernel does not end; waiting for it would hang the reader too."""
    left = []
    monkeypatch.setattr(os, "killpg", lambda group, _signal: left.append(group))
    program("exec sleep 300")
    assert runner(0.1)(["tool"]).problem.endswith("and was stopped")
    monkeypatch.undo()
    os.killpg(left[0], signal.SIGKILL)


def test_a_failed_program_that_said_much_is_quoted_by_its_ends():
    """Whatever lies between is not taken apart: a million lines would take many times their size."""
    said = _process._ends(b"first\n" + b"x\n" * 4_000_000 + b"last\n")
    assert said == f"first{_process.CUT}last"
