# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps run two at a time, each has a log and two lines, and a failure of any is one of the run."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest

LANES = Path(__file__).resolve().parents[2] / "tools" / "lanes.sh"
# Two processors wherever the test runs; NAME.fifo makes one step wait for another.
FRAME = """
set -uo pipefail
logs=$PWD
alone="{alone}"
nproc() {{ echo {processors}; }}
source {lanes}
{functions}
run_steps {steps}
echo "failed: ${{failed[*]:-none}}"
[ ${{#failed[@]}} = 0 ]
"""
MEET = """
a() { echo ready >ab.fifo; read -r line <ba.fifo; echo "a has $line"; }
b() { read -r line <ab.fifo; echo "b has $line"; echo done >ba.fifo; }
"""
pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")


@pytest.fixture
def script(tmp_path):
    """A function that writes a script with steps, given as functions of bash."""
    for name in ("ab", "ba"):
        os.mkfifo(tmp_path / f"{name}.fifo")

    def write(functions, steps, alone="", processors=2):
        text = FRAME.format(lanes=LANES, functions=functions, steps=steps, alone=alone, processors=processors)
        (tmp_path / "run.sh").write_text(text)
        return ["bash", str(tmp_path / "run.sh")]

    return write


@pytest.fixture
def run(script, tmp_path):
    """A function that runs steps and gives the status and what was printed."""

    def act(functions, steps, env=(), **kinds):
        done = subprocess.run(
            script(functions, steps, **kinds),
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **dict(env)},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return act


def test_two_steps_run_at_the_same_time(run, tmp_path):
    """Each waits for the other; what they print is in a log of their own."""
    status, lines = run(MEET, "a b")
    assert (status, lines[-1]) == (0, "failed: none")
    assert (tmp_path / "a.log").read_text() == "a has done\n"
    assert (tmp_path / "b.log").read_text() == "b has ready\n"


def test_a_step_has_a_line_when_it_begins_and_one_when_it_ends(run):
    """The last one has the time it took, what it cost, and of a run of pytest its summary."""
    _status, lines = run("a() { echo hidden; echo '===== 3 passed in 2s ====='; }", "a")
    assert lines[0].split() == ["a", "started"]
    assert re.fullmatch(r"a +passed +\d+ s +CPU +\d+ s +3 passed in 2s", lines[1].strip())
    assert len(lines) == 3


def test_what_a_step_cost_is_what_its_processes_took(tmp_path):
    """The second line of bash's own times, user and system together; the first is of the shell itself."""
    (tmp_path / "a.cpu").write_text("9m9.900s 9m9.900s\n2m3.400s 1m0.900s\n")
    done = subprocess.run(
        ["bash", "-c", f"logs=.; source {LANES}; cpu_seconds a"], cwd=tmp_path, check=True, capture_output=True
    )
    assert done.stdout == b"184"


def test_one_processor_runs_one_step_at_a_time(run):
    """Two would only take each other's time."""
    _status, lines = run("a() { :; }; b() { :; }", "a b", processors=1)
    assert [" ".join(line.split()[:2]) for line in lines[:4]] == ["a started", "a passed", "b started", "b passed"]


def test_a_step_that_needs_the_host_runs_after_all_others_and_by_itself(run):
    """Where it measures time, nothing else runs; others wait for no such step."""
    _status, lines = run(MEET + "c() { :; }; d() { :; }", "c a d b", alone="c d")
    names = [" ".join(line.split()[:2]) for line in lines[:8]]
    assert sorted(names[:4]) == ["a passed", "a started", "b passed", "b started"]
    assert names[4:] == ["c started", "c passed", "d started", "d passed"]


@pytest.mark.parametrize(
    "step", ["{ echo words; return 3; }", "{ echo words; exit 3; }", "{ echo words; kill -KILL $BASHPID; }"]
)
def test_a_step_that_fails_fails_the_run_and_no_other_step(run, step):
    """However it ends; the others run all the same, and the end of its log is shown."""
    status, lines = run(f"a() {step}; b() {{ :; }}; c() {{ :; }}", "a b c")
    assert status == 1
    assert lines[-1] == "failed: a"
    (at,) = (number for number, line in enumerate(lines) if line.startswith("a ") and "FAILED" in line)
    assert lines[at].endswith("build/logs/a.log ends:")
    assert lines[at + 1] == "    words"
    assert sum("passed" in line for line in lines) == 2


def test_log_lines_bounds_what_is_shown_of_a_failed_step(run):
    """Where only the last lines of a run are kept, a long log would hide the others."""
    _status, lines = run("a() { seq 100; return 1; }", "a", env={"LOG_LINES": "2"})
    assert lines[2:4] == ["    99", "    100"]
    assert len(lines) == 5


def test_a_name_that_is_no_step_fails(run):
    """A misspelt argument is not a run without tests."""
    status, lines = run("", "nothing-of-that-name")
    assert (status, lines[-1]) == (1, "failed: nothing-of-that-name")


@pytest.mark.parametrize(("env", "status", "failed"), [({}, 0, "none"), ({"CI": "true"}, 1, "a")])
def test_a_step_that_cannot_run_says_why_and_fails_where_all_must_run(run, env, status, failed):
    """The reason reaches the line of the step; one of an earlier run does not count."""
    functions = 'a() { missing[a]="a program is missing"; }; b() { :; }'
    code, lines = run(functions, "a b", env=env)
    assert (code, lines[-1]) == (status, f"failed: {failed}")
    assert any(line.split() == ["a", "NOT", "RUN", "a", "program", "is", "missing"] for line in lines)
    assert run("a() { :; }", "a", env=env)[0] == 0


def test_a_run_that_is_stopped_stops_what_its_steps_have_started(script, tmp_path):
    """No program of a step goes on by itself after Ctrl-C or an end from outside."""
    functions = "a() { sleep 600 & echo $! >child; echo up >ab.fifo; wait; }"
    with subprocess.Popen(script(functions, "a"), cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        with (tmp_path / "ab.fifo").open() as fifo:
            assert fifo.readline() == "up\n"
        child = os.pidfd_open(int((tmp_path / "child").read_text()))
        process.terminate()
        assert process.wait(timeout=30) == 130
    ended = select.select([child], [], [], 30)[0]
    os.close(child)
    assert ended
