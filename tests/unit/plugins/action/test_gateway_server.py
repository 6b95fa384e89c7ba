# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action gateway_server: the module for some seconds at a time, and a line in between."""

from __future__ import annotations

import pytest
from ansible.utils.display import Display

from ansible_collections.inference.ollama.plugins.action import gateway_server
from ansible_collections.inference.ollama.plugins.action.gateway_server import LONGEST, ActionModule
from ansible_collections.inference.ollama.plugins.modules import gateway_server as module

WAITING = {"servers": [{"name": "a:1", "state": "drained", "sessions": 2, "queued": 1}], "settled": False}


class Task:
    """A task, what the module answers to its calls, and a clock that each call moves by what it waits."""

    def __init__(self, monkeypatch, args, answers, *, check_mode=False):
        self.calls, self.said, self.now = [], [], 0.0
        self.action = ActionModule.__new__(ActionModule)
        self.action._task = type("Task", (), {"args": args, "check_mode": check_mode, "delegate_to": "gw1"})()

        def call(module_name, module_args, task_vars):
            assert (module_name, task_vars["inventory_hostname"]) == ("inference.ollama.gateway_server", "a")
            self.calls.append(module_args.get("timeout"))
            # What is no time to wait is given as it was, and the module waits for none.
            self.now += module_args["timeout"] if isinstance(module_args.get("timeout"), float) else 0
            return dict(answers[min(len(self.calls), len(answers)) - 1])

        monkeypatch.setattr(self.action, "_execute_module", call)
        monkeypatch.setattr(gateway_server.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(Display, "display", lambda _display, text, *_rest: self.said.append(text))
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})

    def run(self):
        return self.action.run(task_vars={"inventory_hostname": "a"})


def test_a_long_wait_says_what_is_left(monkeypatch):
    """Every ten seconds; that the first call has set the servers is in the result."""
    answers = [{**WAITING, "changed": True}, {**WAITING, "changed": False}, {"settled": True, "changed": False}]
    task = Task(monkeypatch, {"state": "drained", "servers": ["a:1"], "timeout": "300"}, answers)
    assert task.run() == {"settled": True, "changed": True}
    assert task.calls == [10, 10, 10]
    assert task.said == [
        "a: gateway gw1: a:1 is drained and has 3 streams; waiting, 10 of 300 s",
        "a: gateway gw1: a:1 is drained and has 3 streams; waiting, 20 of 300 s",
    ]


def test_a_wait_ends_with_its_time(monkeypatch):
    """The last call waits for the rest."""
    task = Task(monkeypatch, {"state": "drained", "servers": ["a:1"], "timeout": 25}, [{**WAITING, "changed": False}])
    assert not task.run()["settled"]
    assert task.calls == [10, 10, 5]


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        ({"timeout": 300}, {"changed": False}),
        ({"state": "ready", "timeout": 300}, {"settled": True, "changed": False}),
        ({"state": "ready", "timeout": 300}, {"failed": True, "msg": "no", "changed": False}),
        ({"state": "ready", "timeout": 300}, {"unreachable": True, "changed": False}),
        ({"state": "ready"}, {**WAITING, "changed": False}),
        ({"state": "ready", "timeout": "soon"}, {"failed": True, "changed": False}),
    ],
)
def test_one_call_is_enough(monkeypatch, args, answer):
    """Where nothing is waited for, or it is there already, or the module fails."""
    task = Task(monkeypatch, args, [answer])
    assert task.run() == answer
    assert len(task.calls) == 1
    assert task.said == []


def test_a_dry_run_waits_for_nothing(monkeypatch):
    """It is one call, which says what it would change."""
    task = Task(monkeypatch, {"state": "drained", "timeout": 300}, [{**WAITING, "changed": True}], check_mode=True)
    assert task.run()["changed"]
    assert len(task.calls) == 1


@pytest.mark.parametrize("timeout", ["inf", "nan", 10**9, -5])
def test_what_is_no_time_to_wait_is_the_modules_to_refuse(monkeypatch, timeout):
    """It gets it as it was given."""
    task = Task(monkeypatch, {"state": "drained", "timeout": timeout}, [{"failed": True}])
    assert task.run()["failed"]
    assert task.calls == [timeout]


def test_the_longest_wait_is_that_of_the_module():
    """One that is too long is refused by it, and waited for by none."""
    assert module._LONGEST == LONGEST
