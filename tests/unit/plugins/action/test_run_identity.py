# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions file_transaction, snapshot and guard: who this run is, and whether the one that has the host is alive."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.action import file_transaction, guard, snapshot
from ansible_collections.inference.ollama.plugins.action.file_transaction import is_dead, this_run
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import PROGRAM_MODULES

KNOWN = {"inventory_hostname": "gpu1", "ollama_start_timeout": 120, "ollama_verify_timeout": 300}


@pytest.fixture
def dead():
    """The record of a run whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = {**this_run(KNOWN), "pid": str(process.pid), "started": file_transaction._started(process.pid)}
    assert not is_dead(record)
    process.communicate(b"\n")
    return record


def test_a_run_is_one_on_each_host():
    """The same in every play and task, another one on another host; the lease outlasts its longest waits."""
    assert this_run(KNOWN) == this_run(dict(KNOWN))
    assert this_run(KNOWN)["run"] != this_run({**KNOWN, "inventory_hostname": "gpu2"})["run"]
    assert this_run(KNOWN)["lease"] > 2 * 120 + 300
    assert this_run({"inventory_hostname": "gpu1", "ollama_start_timeout": "{{ x }}"})["lease"] > 0


def test_only_a_process_that_ended_here_is_dead(dead):
    """Its number may be another process's by now; a run of another controller or boot may go on."""
    assert is_dead(dead)
    assert not is_dead(this_run(KNOWN))
    assert is_dead({**this_run(KNOWN), "started": "1"})
    for other in ({"controller": "deploy9"}, {"boot": "x"}, {"pid": "../1"}, {"pid": None}):
        assert not is_dead({**dead, **other})


def test_a_process_that_nobody_has_waited_for_runs_no_more():
    """A zombie has a number and a start; it changes nothing."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert file_transaction._started(process.pid) == ""
    process.wait()


@pytest.mark.parametrize("kind", [file_transaction, guard, snapshot])
@pytest.mark.parametrize("alive", [True, False])
def test_only_the_change_of_a_dead_run_is_taken_over(kind, alive, dead, monkeypatch):
    """The module is asked a second time, and names the run that it takes over."""
    holder = {**this_run(KNOWN), "run": "other"} if alive else {**dead, "run": "other"}
    asked = []

    def execute(module_name, module_args, task_vars):
        assert task_vars == KNOWN
        asked.append((module_name, dict(module_args)))
        return {"changed": True} if "takeover" in module_args else {"failed": True, "msg": "held", "holder": holder}

    action = kind.ActionModule.__new__(kind.ActionModule)
    action._task = SimpleNamespace(args={"files": []}, check_mode=False, async_val=0)
    monkeypatch.setattr(action, "_execute_module", execute, raising=False)
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})
    result = action.run(task_vars=KNOWN)
    assert {name for name, _args in asked} == {kind.ActionModule.MODULE}
    assert asked[0][1]["run"] == this_run(KNOWN)
    if alive:
        assert (result["failed"], len(asked)) == (True, 1)
    else:
        assert (result, asked[1][1]["takeover"]) == ({"changed": True}, "other")


@pytest.mark.parametrize(("name", "known"), [(next(iter(PROGRAM_MODULES)), True), ("/bin/sh", False)])
def test_a_program_is_sent_by_its_name(monkeypatch, name, known):
    """The action puts the bytes in its place, and takes no program that the collection has not."""
    asked = []
    action = file_transaction.ActionModule.__new__(file_transaction.ActionModule)
    action._task = SimpleNamespace(args={"files": [{"path": "/a", "program": name}]}, check_mode=False, async_val=0)
    monkeypatch.setattr(
        action, "_execute_module", lambda **given: asked.append(given["module_args"]) or {}, raising=False
    )
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_arguments: {})
    result = action.run(task_vars=KNOWN)
    if known:
        (file,) = asked[0]["files"]
        assert (sorted(file), base64.b64decode(file["content_base64"])[:2]) == (["content_base64", "path"], b"PK")
    else:
        assert (asked, "is not one of" in result["msg"]) == ([], True)


def test_a_machine_without_a_boot_id_is_itself(monkeypatch):
    """Where it cannot be read, no run is taken for one of another boot."""

    def missing(*_arguments, **_options):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    assert file_transaction._boot() == ""


def test_a_user_without_a_name_is_a_number(monkeypatch):
    """As in a container without an entry for the user."""

    def nameless():
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    assert this_run(KNOWN)["user"] == str(os.getuid())
