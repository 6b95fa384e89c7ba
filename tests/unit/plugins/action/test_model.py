# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action model: a job for what takes long, one short call for all else."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.action.benchmark import JobAction
from ansible_collections.inference.ollama.plugins.action.model import ActionModule


class Task:
    """A task, and what the module answers to it in check mode and as a job."""

    def __init__(self, monkeypatch, args, *, check_mode=False, asked=None):
        self.calls = []
        self.action = ActionModule.__new__(ActionModule)
        self.action._task = type("Task", (), {"args": args, "check_mode": check_mode, "async_val": 0})()
        self.action._connection = type("Connection", (), {"has_native_async": False})()

        def module(name, sent, _known):
            assert (name, sent) == ("inference.ollama.model", args)
            self.calls.append("check" if self.action._task.check_mode else "module")
            return asked or {"changed": True}

        def job(_action, _known):
            self.calls.append("job")
            return {"changed": True, "job": True}

        monkeypatch.setattr(self.action, "_module", module)
        monkeypatch.setattr(JobAction, "_run_job", job)
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})

    def run(self):
        return self.action.run(task_vars={"inventory_hostname": "gpu1"})


@pytest.mark.parametrize("state", [{}, {"state": "loaded"}, {"state": "unloaded"}, {"state": "absent"}])
def test_what_is_quick_is_one_call(monkeypatch, state):
    task = Task(monkeypatch, {"name": "m", **state})
    assert task.run() == {"changed": True}
    assert task.calls == ["module"]


@pytest.mark.parametrize("state", ["present", "created"])
def test_check_mode_is_one_call(monkeypatch, state):
    task = Task(monkeypatch, {"name": "m", "state": state}, check_mode=True)
    task.run()
    assert task.calls == ["check"]


@pytest.mark.parametrize("state", ["present", "created"])
def test_a_model_that_is_there_takes_no_job(monkeypatch, state):
    """Nor does one that cannot be; Ansible does not take the task for one in check mode afterwards."""
    for answer in ({"changed": False}, {"failed": True, "msg": "no"}):
        task = Task(monkeypatch, {"name": "m", "state": state}, asked=answer)
        assert task.run() == answer
        assert (task.calls, task.action._task.check_mode) == (["check"], False)


def test_a_model_that_is_missing_is_pulled_as_a_job(monkeypatch):
    task = Task(monkeypatch, {"name": "m", "state": "present"})
    assert task.run()["job"]
    assert task.calls == ["check", "job"]


@pytest.mark.parametrize(
    "args",
    [{"state": "present", "update": True}, {"state": "present", "update": "yes"}, {"state": "created", "file": "/a"}],
)
def test_what_check_mode_does_not_know_is_a_job_at_once(monkeypatch, args):
    """Whether a registry has a newer one, and a digest that would be summed up twice."""
    task = Task(monkeypatch, {"name": "m", **args})
    task.run()
    assert task.calls == ["job"]


def test_a_digest_that_is_known_is_not_summed_up(monkeypatch):
    task = Task(monkeypatch, {"name": "m", "state": "created", "file": "/a", "file_sha256": "0" * 64})
    task.run()
    assert task.calls == ["check", "job"]
