# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action benchmark: a job that shows how far it is, and of which nothing stays on the host."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.inference.ollama.plugins.action import benchmark
from ansible_collections.inference.ollama.plugins.action.benchmark import ActionModule, Interrupted
from ansible_collections.inference.ollama.tests.unit.support.doubles import said

FOLDER = "/home/ollama/.ansible_async"
TEMPORARY = "/home/ollama/.ansible/tmp/ansible-tmp-1795782915.5-1156-28722802408175/"
RESULT = {"changed": False, "benchmark": {"schema": 1, "points": []}, "ansible_facts": {"ollama_benchmark": {}}}
STARTED = {"changed": True, "started": True, "finished": False, "ansible_job_id": "j1.22", "results_file": "x"}


class Host:
    """A host that runs a job: what it answers to the commands of the action, in turn, and what it was asked."""

    def __init__(self):
        self.module = {"inference.ollama.benchmark": dict(STARTED), "ansible.legacy.async_status": [{**RESULT}]}
        # How far the job is, or an exception, for each time that it is asked; then the job has ended.
        self.progress = []
        self.commands, self.modules, self.printed = [], [], []
        self.now, self.resets = 1000.0, 0

    def look(self, command):
        """Answer as the shell would."""
        mark = re.search(r"echo ([0-9a-f]{16});", command)[1]
        self.now += 8
        progress = said(self.progress.pop(0)) if self.progress else None
        runs = "" if progress is None else '{"started":'
        return {"rc": 0, "stdout": f"Welcome!\n{mark}\n{progress or ''}\n{mark}\n{runs}"}

    def command(self, command):
        self.commands.append(command)
        return self.look(command) if "head -c" in command else {"rc": 0, "stdout": ""}


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def act(monkeypatch, host):
    """Run the action on the host; its result."""

    def act(args=None, *, check_mode=False, async_val=0, native=False, no_log=False):
        shell = SimpleNamespace(join_path=lambda *parts: "/".join(parts), quote=shlex.quote, tmpdir=None)
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(
            args={"model": "m", **(args or {})}, check_mode=check_mode, async_val=async_val, no_log=no_log
        )
        action._connection = SimpleNamespace(
            _shell=shell, has_native_async=native, reset=lambda: setattr(host, "resets", host.resets + 1)
        )

        def execute(*, module_name, module_args, task_vars, wrap_async=False):
            assert task_vars["inventory_hostname"] == "gpu1"
            host.modules.append((module_name, module_args, wrap_async, action._task.async_val))
            answer = host.module[module_name]
            answer = said(answer.pop(0) if isinstance(answer, list) else answer)
            return {"finished": True, "started": True, **answer} if "status" in module_name else answer

        for name, value in {
            "_execute_module": execute,
            "_low_level_execute_command": host.command,
            "_make_tmp_path": lambda: TEMPORARY,
            "_remote_expand_user": lambda path: path.replace("~", "/home/ollama"),
            "get_shell_option": lambda _name, default: default,
        }.items():
            monkeypatch.setattr(action, name, value, raising=False)
        return action.run(task_vars={"inventory_hostname": "gpu1"})

    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})
    monkeypatch.setattr("ansible.utils.display.Display.display", lambda _self, line: host.printed.append(line))
    monkeypatch.setattr("time.monotonic", lambda: host.now)
    monkeypatch.setattr("time.sleep", lambda seconds: setattr(host, "now", host.now + seconds))
    return act


def test_the_result_is_that_of_the_module(act, host):
    """Without what is of the job; Ansible does not take the task for an asynchronous one afterwards."""
    assert act() == RESULT
    assert [(name, wrapped) for name, _args, wrapped, _limit in host.modules] == [
        ("inference.ollama.benchmark", True),
        ("ansible.legacy.async_status", False),
    ]
    assert host.modules[1][1] == {"jid": "j1.22", "_async_dir": FOLDER}
    assert [limit for *_rest, limit in host.modules] == [660, 0]


def test_how_far_it_is_is_printed(act, host):
    """A line each time that the host has answered, which it does within eight seconds; a shell is all that it costs."""
    host.progress = ["point 1 of 2", "", "point 2 of 2"]
    act()
    assert host.printed == ["gpu1: point 1 of 2", "gpu1: measuring for 16 s", "gpu1: point 2 of 2"]
    assert len(host.modules) == 2


def test_nothing_of_a_host_moves_the_cursor(act, host):
    """Whatever is in the file, and however much."""
    host.progress = ["\x1b[2Jpoint\r\n1\u202e", "x" * 100_000]
    act()
    assert host.printed[0] == "gpu1: \\x1b[2Jpoint 1\\u202e"
    assert len(host.printed[1]) < 300


def test_a_task_without_a_log_prints_nothing(act, host):
    """As all of it is hidden then."""
    host.progress = ["point 1 of 2"]
    act(no_log=True)
    assert host.printed == []


def test_no_file_stays(act, host):
    """Neither that of the progress nor that of the job."""
    act()
    path = host.modules[0][1]["progress_file"]
    assert re.fullmatch(rf"{FOLDER}/benchmark-[0-9a-f]{{16}}", path)
    assert host.commands[-1] == f"rm -f {path} {path}.new {FOLDER}/j1.22"


def test_a_file_that_the_operator_names_stays(act, host):
    """It is read as well."""
    act({"progress_file": "/tmp/my file"})
    assert host.modules[0][1]["progress_file"] == "/tmp/my file"
    assert "'/tmp/my file'" in host.commands[0]
    assert host.commands[-1] == f"rm -f {FOLDER}/j1.22"


def test_what_cannot_be_deleted_is_left(act, host):
    """The result is there, and counts more."""
    command = host.command

    def refuse(text):
        if text.startswith("rm -f"):
            raise AnsibleConnectionFailure("gone")
        return command(text)

    host.command = refuse
    assert act() == RESULT


def test_in_check_mode_the_module_answers_itself(act, host):
    """Without a job."""
    host.module["inference.ollama.benchmark"] = {"changed": False, "would": ["would end"]}
    assert act(check_mode=True) == {"changed": False, "would": ["would end"]}
    assert (host.commands, host.modules[0][2]) == ([], False)
    assert "progress_file" not in host.modules[0][1]


def test_a_connection_with_jobs_of_its_own_has_none(act, host):
    """As that of Windows."""
    host.module["inference.ollama.benchmark"] = RESULT
    assert act(native=True) == RESULT
    assert host.commands == []


def test_async_is_refused(act, host):
    """The sentence says what to do."""
    result = act(async_val=100)
    assert result["failed"] is True
    assert result["msg"].startswith("async: ")
    assert "max_duration" in result["msg"]
    assert host.modules == []


@pytest.mark.parametrize("answer", [{"failed": True, "msg": "no interpreter"}, {"msg": "nothing"}])
def test_a_job_that_does_not_start_is_the_result(act, host, answer):
    """With the reason that Ansible has."""
    host.module["inference.ollama.benchmark"] = answer
    assert act() == answer


def test_a_module_that_fails_fails(act, host):
    """With its own sentence."""
    host.module["ansible.legacy.async_status"] = [{"failed": True, "msg": "model: no such model"}]
    assert act() == {"failed": True, "msg": "model: no such model"}


def test_a_job_that_ansible_ends_is_a_sentence(act, host):
    """With the time that it had."""
    host.module["ansible.legacy.async_status"] = [{"failed": True, "msg": "Timeout exceeded", "child_pid": 7}]
    assert act({"max_duration": 40}) == {
        "failed": True,
        "msg": "the benchmark did not end within 100 s, and was ended",
    }


@pytest.mark.parametrize(("stderr", "last"), [("", "nothing"), ("begun\nout of memory\n\n", "out of memory")])
def test_a_job_that_is_killed_is_a_sentence(act, host, stderr, last):
    """Where the wrapper found no result, with the last line that the module printed and no traceback."""
    silent = {"failed": True, "cmd": "/root/release.py", "data": "", "stderr": stderr, "msg": "Traceback (most recent"}
    host.module["ansible.legacy.async_status"] = [silent]
    result = act()
    assert (set(result), result["failed"]) == ({"failed", "msg"}, True)
    assert result["msg"].startswith("the benchmark ended without a result, as where the kernel kills a program")
    assert result["msg"].endswith(f"the last that it said: {last}")


def test_a_job_that_does_not_end_is_ended(act, host):
    """Where not even Ansible's own limit did."""
    host.progress = ["point 1 of 2"] * 100
    result = act({"max_duration": 40})
    assert result == {"failed": True, "msg": "the benchmark did not end within 100 s, and was ended"}
    assert any("kill" in command for command in host.commands)


def test_a_job_whose_file_is_not_there_yet_is_asked_for_again(act, host):
    """async_status knows whether it runs."""
    host.module["ansible.legacy.async_status"] = [{"finished": False}, {**RESULT}]
    assert act() == RESULT
    assert host.printed == ["gpu1: measuring for 8 s"]


def test_a_host_that_cannot_be_reached_for_a_while_goes_on(act, host):
    """The connection is made again, and the operator reads why there is no news."""
    host.progress = [AnsibleConnectionFailure("no route\x07"), "point 2 of 2"]
    assert act() == RESULT
    assert host.printed == ["gpu1: the host cannot be asked, and goes on: no route\\x07", "gpu1: point 2 of 2"]
    assert host.resets == 1


def test_a_host_that_stays_away_is_unreachable(act, host):
    """Once the job must have ended."""
    host.progress = [AnsibleConnectionFailure("no route")] * 100
    with pytest.raises(AnsibleConnectionFailure):
        act({"max_duration": 40})
    assert host.now < 1000 + 200


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [
        (None, 660),
        (30, 90),
        ("45.5", 105),
        ("soon", 660),
        (-5, 60),
        (float("nan"), 660),
        (float("inf"), 60 + 365 * 86400),
        ([], 660),
    ],
)
def test_the_job_has_a_little_more_than_the_module(seconds, limit):
    """What is no number is refused by the module."""
    assert benchmark._limit(seconds) == limit


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_ends_the_job(act, host, number):
    """Its processes and files; then Ansible's own handler has the signal, and any that followed was passed over."""
    had = []
    former = {
        each: signal.signal(each, lambda got, _frame: had.append(got)) for each in (signal.SIGINT, signal.SIGTERM)
    }

    def interrupt(command):
        host.commands.append(command)
        if "kill" in command:
            os.kill(os.getpid(), signal.SIGTERM)
            return {"rc": 0, "stdout": ""}
        os.kill(os.getpid(), number)
        return {"rc": 0, "stdout": ""}

    host.command = interrupt
    try:
        result = act()
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
    assert had == [number]
    assert result == {"failed": True, "msg": f"ended by {number.name}"}
    assert "kill" in host.commands[-1]
    assert host.commands[-1].endswith(f"{FOLDER}/j1.22")
    assert f"rm -rf {TEMPORARY[:-2]}''{TEMPORARY[-2]};" in host.commands[-1]


def test_a_job_that_cannot_be_ended_is_named(act, host):
    """It ends by itself; what ended the run is what is raised."""

    def refuse(_command):
        raise AnsibleConnectionFailure("no route")

    host.module["ansible.legacy.async_status"] = [KeyError("x")]
    command = host.command
    host.command = lambda text: refuse(text) if "kill" in text else command(text)
    with pytest.raises(KeyError):
        act({"max_duration": 40})
    assert host.printed == ["gpu1: the benchmark could not be ended, and ends by itself within 100 s: no route"]


def test_the_end_of_a_job_is_not_waited_for_without_end(monkeypatch):
    """A connection may hang."""
    monkeypatch.setattr(signal, "alarm", lambda seconds: seconds and os.kill(os.getpid(), signal.SIGALRM))
    with pytest.raises(Interrupted, match="SIGALRM"), benchmark._at_most(15):
        threading.Event().wait()


def test_in_another_thread_no_signal_arrives():
    """Python gives them to the first one."""
    done = []

    def inside():
        with benchmark._interruptible():
            done.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGTERM)]


def test_the_commands_are_those_of_any_shell(tmp_path):
    """sh runs them: they find how far a job is and that it has ended, and end its processes and no other."""
    folder = tmp_path / "ansible-tmp-17.5-11-28"
    folder.mkdir()
    program = folder / "AnsiballZ_benchmark.py"
    program.write_text("input()")
    action = ActionModule.__new__(ActionModule)
    action._connection = SimpleNamespace(_shell=SimpleNamespace(quote=shlex.quote))
    action._task = SimpleNamespace(no_log=False)

    def run(command):
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout}

    action._low_level_execute_command = run
    file, progress = tmp_path / "j1", tmp_path / "progress"
    job = benchmark.Job(f"{folder}/", str(progress), kept=False, limit=100)
    progress.write_text("point 1 of 2\n")
    file.write_text(json.dumps(RESULT))
    assert action._look(job, str(file)) == ("point 1 of 2", False)
    with (
        subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE) as running,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
    ):
        action._end(job, str(file), {})
        assert running.wait() == -signal.SIGTERM
        assert other.poll() is None
        other.communicate(b"\n")
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_runs_is_known_by_its_file(tmp_path, monkeypatch):
    """As async_wrapper of the installed Ansible writes it."""
    from ansible.modules import async_wrapper  # noqa: PLC0415 what it needs of a host is not asked by other tests

    monkeypatch.setattr(async_wrapper, "job_path", str(tmp_path / "j1"), raising=False)
    async_wrapper.jwrite({"started": True, "finished": False, "ansible_job_id": "j1"})
    assert (tmp_path / "j1").read_text().startswith(benchmark._RUNS)


def test_nothing_but_the_folder_of_the_task_is_deleted(act, host, monkeypatch):
    """A connection may have another place for what is temporary."""
    monkeypatch.setattr(f"{__name__}.TEMPORARY", "/")
    host.module["ansible.legacy.async_status"] = [KeyError("x")]
    with pytest.raises(KeyError):
        act()
    assert "kill" not in host.commands[-1]
    assert "-rf" not in host.commands[-1]
