# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module guard, and the program that it leaves on a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest

testing = pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._guard import act as program
from ansible_collections.inference.ollama.plugins.module_utils._guard import record as records
from ansible_collections.inference.ollama.plugins.module_utils._guard import timer
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._snapshots import lock
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import pending_changes
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import Host, write
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.plugins.modules import guard
from ansible_collections.inference.ollama.tests.unit.support.states import ticking, tree, wanted

ME = {"run": "a" * 32, "controller": "here", "boot": "b", "pid": "1", "started": "2", "user": "u", "lease": 900}
OTHER = {**ME, "run": "c" * 32}
PLAN = {"schema": 2, "instances": []}
BEFORE = {"ollama.service": ("file", b"before\n", 0o644)}
TRIED = {"ollama.service": ("file", b"tried\n", 0o644), "ollama.service.d/zz.conf": ("file", b"[Service]\n", 0o644)}


class Machine:
    """A host whose unit was confirmed once; its systemd records each call."""

    def __init__(self, folder):
        self.folder, self.units = str(folder / "kept"), str(folder / "units")
        self.store, self.clock, self.calls, self.broken = Store(self.folder), ticking(1), [], ()
        os.makedirs(self.units)
        self.change(BEFORE, ME)
        self.store.confirm(PLAN, 3)
        self.before = tree(self.units)

    def systemctl(self, argv, _user=None):
        words = argv[1:]
        self.calls.append(" ".join(words))
        if words[0] in self.broken:
            return Outcome(None, f"{' '.join(argv)} failed with exit status 1")
        return Outcome("ollama.service loaded active running x\n" if words[0] == "list-units" else "MainPID=0\n", None)

    def change(self, things, run, seconds=900):
        entries = wanted(self.units, things)
        holder = lock.new_holder({**run, "lease": seconds}, "a trial", self.clock())
        host = Host(self.systemctl, self.clock, self.units, holder=holder)
        return write(self.store, host, entries, pending_changes(entries), "a trial")

    def act(self):
        """What the guard does once its time is over."""
        found = records.read(self.store.folder)
        records.write(self.store.folder, found._replace(holder={**found.holder, "until": 0}))
        return program.act(self.store, program.System(self.systemctl, self.systemctl, self.clock))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def run(capsys, monkeypatch, machine):
    """Run the module; its exit status and its result."""
    monkeypatch.setattr(guard, "runner", lambda _timeout: machine.systemctl)
    monkeypatch.setattr(timer, "interpreter", lambda: sys.executable)

    def run(state, *, check=False, **args):
        args = {"folder": machine.folder, "units_folder": machine.units, "run": ME, "state": state, **args}
        with testing.patch_module_args({**args, "_ansible_check_mode": check}), pytest.raises(SystemExit) as end:
            guard.main()
        return end.value.code, json.loads(capsys.readouterr().out)

    return run


def test_a_host_goes_back_by_itself(run, machine):
    """Files, services and what was confirmed are as before; the timer is gone, and the next run reports it."""
    code, result = run("armed", seconds=600)
    assert (code, result["changed"], result["acted"]) == (0, True, None)
    assert machine.calls[-2:] == ["daemon-reload", f"restart {timer.TIMER}"]
    written = tree(machine.units)[timer.TIMER][1].decode()
    assert f"OnActiveSec=600\nOnUnitInactiveSec={timer.RETRY}\n" in written
    machine.change(TRIED, ME)
    machine.change({"ollama.service": ("file", b"tried again\n", 0o644)}, ME)
    machine.calls.clear()
    done = machine.act()
    assert (done["outcome"], done["problems"], done["services"]["start"]) == ("restored", [], {"ollama.service": ""})
    assert [call for call in machine.calls if call.split()[0] in ("daemon-reload", "restart", "is-active")][:3] == [
        "daemon-reload",
        "restart ollama.service",
        "is-active ollama.service",
    ]
    left = {name: entry for name, entry in tree(machine.units).items() if entry[0] != "folder"}
    assert left == {name: entry for name, entry in machine.before.items() if entry[0] != "folder"}
    assert (machine.store.pending(), machine.store.plan()) == (None, PLAN)
    assert not os.path.exists(f"{machine.folder}/{timer.PROGRAM}")
    assert program.act(machine.store)["outcome"] == "nothing"
    code, result = run("renewed")
    assert (code, "the guard has acted at 2026-11-22T" in result["msg"]) == (1, True)
    code, result = run("armed")
    assert result["acted"]["outcome"] == "restored"


def test_it_restores_the_link_of_a_folder_of_releases(run, machine, tmp_path):
    """That which was named when it was armed."""
    folder = str(tmp_path / "programs")
    os.makedirs(folder)
    os.symlink("releases/0.31.2", f"{folder}/current")
    run("armed", install_folder=folder)
    entries = wanted(folder, {"current": ("link", "releases/0.32.15")})
    holder = lock.new_holder({**ME, "lease": 900}, "a trial", machine.clock())
    host = Host(machine.systemctl, machine.clock, machine.units, holder=holder)
    write(machine.store, host, entries, pending_changes(entries), "a trial")
    assert os.readlink(f"{folder}/current") == "releases/0.32.15"
    assert machine.act()["outcome"] == "restored"
    assert os.readlink(f"{folder}/current") == "releases/0.31.2"


def test_a_sign_of_life_keeps_it_waiting(run, machine):
    """A timer that ends at the same moment finds that it was renewed."""
    run("armed", seconds=600)
    machine.change(TRIED, ME)
    machine.calls.clear()
    code, result = run("renewed")
    assert (code, result["changed"], machine.calls) == (
        *(0, False),
        [f"is-active {timer.TIMER}", f"restart {timer.TIMER}"],
    )
    assert program.act(machine.store)["outcome"] == "waits"
    assert machine.store.pending() is not None


@pytest.mark.parametrize(("owner", "words"), [(None, "no change is pending"), (OTHER, "another run has taken")])
def test_what_is_not_its_runs_is_left_alone(run, machine, owner, words):
    """A change that was confirmed, and one that another run has made since."""
    run("armed")
    if owner:
        machine.change(TRIED, owner)
    before = {name: entry for name, entry in tree(machine.units).items() if name.startswith("ollama")}
    done = machine.act()
    assert (done["outcome"], words in done["message"]) == ("nothing", True)
    assert {name: entry for name, entry in tree(machine.units).items() if name.startswith("ollama")} == before
    assert not os.path.exists(f"{machine.units}/{timer.TIMER}")


def test_a_restart_that_fails_is_tried_again(run, machine):
    """The change stays pending, so that the timer, or another run, goes on to the same state."""
    run("armed")
    machine.change(TRIED, ME)
    machine.broken = ("restart",)
    done = machine.act()
    assert (done["outcome"], "restart ollama.service failed" in done["message"]) == ("failed", True)
    assert os.path.exists(f"{machine.units}/{timer.TIMER}")
    machine.broken = ()
    assert machine.act()["outcome"] == "restored"


def test_it_is_removed_by_its_own_run_alone(run, machine):
    """Nothing of it is left then; another run's is not touched."""
    before = tree(machine.units)
    run("armed")
    assert run("disarmed", run=OTHER)[1]["changed"] is False
    assert run("renewed", run=OTHER)[0] == 1
    assert run("disarmed")[1]["changed"] is True
    assert tree(machine.units) == before
    assert records.read(machine.store.folder) is None
    assert run("disarmed")[1]["changed"] is False


def test_what_keeps_it_from_being_armed(run, machine, tmp_path):
    """A change of another run, a systemd that fails, a wrong number: each is a sentence, and nothing is left."""
    machine.broken = ("daemon-reload",)
    assert "daemon-reload failed" in run("armed")[1]["msg"]
    assert records.read(machine.store.folder) is None
    assert not os.path.exists(f"{machine.units}/{timer.TIMER}")
    machine.broken = ("is-active",)
    assert run("armed")[0] == 0
    assert "is not there any more" in run("renewed")[1]["msg"]
    machine.broken = ()
    assert "seconds: 5 is not a number from 30 to 86400" in run("armed", seconds=5)[1]["msg"]
    machine.change(TRIED, OTHER)
    code, result = run("armed")
    assert (code, result["holder"]["run"]) == (1, OTHER["run"])
    assert "a change is pending" in run("armed", takeover=OTHER["run"])[1]["msg"]
    assert run("renewed", folder=str(tmp_path / "none"))[0] == 1
    assert run("disarmed", folder=str(tmp_path / "none"))[0] == 0


def test_check_mode_says_what_it_would_do(run, machine):
    """And does none of it."""
    before = tree(machine.units), tree(machine.folder)
    code, result = run("armed", check=True)
    assert (code, result["changed"], len(result["would"])) == (0, True, 1)
    assert run("renewed", check=True)[1]["would"] == []
    assert (tree(machine.units), tree(machine.folder)) == before


@pytest.mark.parametrize("text", ["[]", "{", '{"schema": 1}', '{"schema": 9, "holder": {}}'])
def test_a_damaged_record_is_nobodys(run, machine, text):
    """The program says so; arming replaces it."""
    run("armed")
    with open(f"{machine.folder}/guard.json", "w", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises(OllamaError, match=r"guard\.json"):
        program.act(machine.store)
    assert run("renewed")[0] == 1
    assert run("armed")[0] == 0


def test_the_program_needs_nothing_else(run, machine):
    """It runs from the archive alone, without Ansible, and says what is wrong with a folder."""
    run("armed")
    name = f"{machine.folder}/{timer.PROGRAM}"
    with zipfile.ZipFile(name) as file:
        assert not [each for each in file.namelist() if each.startswith("ansible/")]
    done = subprocess.run(
        [sys.executable, "-I", "-B", name, machine.folder], stdout=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stdout.split(";")[0]) == (0, "the run has given a sign of life")
    with open(f"{machine.folder}/guard.json", "w", encoding="utf-8") as file:
        file.write("{")
    done = subprocess.run(
        [sys.executable, "-I", "-B", name, machine.folder], stdout=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, '"outcome": "failed"' in done.stdout) == (1, True)


def test_a_python_that_others_may_change_is_not_run(monkeypatch):
    """Root runs it later, so it must be root's; the one of the host is taken where Ansible's is not."""
    monkeypatch.setattr(timer.os, "geteuid", lambda: 0)
    monkeypatch.setattr(timer, "find", lambda _name: "/usr/bin/python3")
    monkeypatch.setattr(timer, "weakness", lambda path: None if path.startswith("/usr/bin") else f"{path} (owner x)")
    monkeypatch.setattr(timer.sys, "executable", "/home/x/python")
    assert timer.interpreter() == "/usr/bin/python3"
    monkeypatch.setattr(timer, "find", lambda _name: None)
    with pytest.raises(OllamaError, match="others than root may change"):
        timer.interpreter()
