# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module snapshot: it lists, restores and confirms."""

from __future__ import annotations

import json
import os

import pytest
import yaml

testing = pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils import _places
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import pending_changes
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import Host, write
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.plugins.modules import snapshot
from ansible_collections.inference.ollama.tests.unit.support.states import plant, systemctl, ticking, tree, wanted

KEY = "sk-a-key-that-nobody-shall-see"
PLAN = {"schema": 1, "instances": []}


class Machine:
    """A host with three changes behind it: its unit counts them, the second brought a link and a key."""

    def __init__(self, folder):
        self.folder, self.units, self.switch = str(folder / "kept"), str(folder / "units"), str(folder / "switch")
        self.store, self.clock = Store(self.folder), ticking(60)
        self.running = {"ollama.service": 0}
        os.makedirs(self.units)
        plant(str(folder), {"switch": ("file", b"0", 0o644)})
        self.ids = [
            self.change({"ollama.service": ("file", b"1", 0o644)}),
            self.change(
                {
                    "ollama.service": ("file", b"2", 0o644),
                    "ollama@.service": ("file", KEY.encode(), 0o600),
                    "ollama@b.service": ("link", "a"),
                }
            ),
            self.change(
                {
                    "ollama.service": ("file", b"3", 0o644),
                    "ollama@.service": ("file", b"other", 0o600),
                    "ollama.service.d/c.conf": ("file", b"c", 0o644),
                }
            ),
        ]

    def change(self, things, *, confirmed=True):
        entries = wanted(self.units, things)
        host = Host(systemctl(self.running), self.clock, self.units, (self.switch,))
        name = write(self.store, host, entries, pending_changes(entries), "a reason")
        if confirmed:
            self.store.confirm(PLAN, 10)
        return name


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def run(capsys, monkeypatch, machine):
    """Run the module with arguments; its exit status and its result."""
    monkeypatch.setattr(snapshot, "runner", lambda _timeout: systemctl(machine.running))
    monkeypatch.setattr(_places, "KERNEL_FILES", (machine.switch,))

    def run(**args):
        args = {"folder": machine.folder, "units_folder": machine.units, **args}
        with testing.patch_module_args(args), pytest.raises(SystemExit) as end:
            snapshot.main()
        return end.value.code, json.loads(capsys.readouterr().out)

    return run


def test_states_are_listed(run, machine, tmp_path):
    """The newest first, and nothing is changed by it."""
    before = tree(str(tmp_path))
    code, result = run()
    assert (code, result["changed"], result["unfinished"], result["restored"], result["problems"]) == (
        *(0, False, None, None),
        [],
    )
    assert [state["id"] for state in result["states"]] == machine.ids[::-1]
    assert result["states"][2] == {
        "id": machine.ids[0],
        "saved_at": "2026-11-22T08:12:02Z",
        "reason": "a reason",
        "changes": [{"path": f"{machine.units}/ollama.service", "change": "created"}],
    }
    assert tree(str(tmp_path)) == before


def test_where_no_state_was_ever_kept(run, tmp_path):
    """The list is empty, and the folder is not made."""
    code, result = run(folder=str(tmp_path / "none"))
    assert (code, result["states"], result["unfinished"]) == (0, [], None)
    code, result = run(folder=str(tmp_path / "none"), state="restored")
    assert (code, result["changed"], result["services"]) == (0, False, None)
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_read_is_named(run, machine):
    """The others are listed."""
    with open(f"{machine.folder}/{machine.ids[1]}.json", "w", encoding="utf-8") as file:
        file.write("{")
    _code, result = run()
    assert [state["id"] for state in result["states"]] == [machine.ids[2], machine.ids[0]]
    assert len(result["problems"]) == 1
    assert f"{machine.ids[1]}.json" in result["problems"][0]


def test_nothing_is_unfinished_and_nothing_is_done(run, machine, tmp_path):
    """Going back to where a change began is nothing where none has."""
    before = tree(str(tmp_path))
    code, result = run(state="restored")
    assert (code, result["changed"], result["restored"], result["changes"], result["services"]) == (
        *(0, False, None, []),
        None,
    )
    assert {**tree(str(tmp_path)), "kept/lock": None} == {**before, "kept/lock": None}
    assert len(result["states"]) == len(machine.ids)


@pytest.mark.parametrize("asked", [0, 1, 2, "last", "unfinished"])
def test_check_mode_reports_the_same_and_changes_nothing(run, machine, tmp_path, asked):
    """Whichever snapshot is restored, the dry run reports the same files, kernel values and services."""
    if asked == "unfinished":
        machine.change({"ollama.service": ("file", b"4", 0o644)}, confirmed=False)
    plant(str(tmp_path), {"switch": ("file", b"1", 0o644)})
    machine.running = {"ollama@a.service": 0}
    name = machine.ids[asked] if isinstance(asked, int) else asked
    before = tree(str(tmp_path))
    _code, dry = run(state="restored", id=name, _ansible_check_mode=True)
    assert tree(str(tmp_path)) == before
    _code, done = run(state="restored", id=name)
    for result in (dry, done):
        del result["states"], result["targets"], result["invocation"], result["unfinished"]
    assert dry == done
    assert done["kernel"] == [machine.switch]
    assert done["services"] == {"stop": ["ollama@a.service"], "start": {"ollama.service": ""}}


def test_a_change_that_failed_is_taken_back(run, machine):
    """Without another state for it; once confirmed, the state is gone, as it is what there is."""
    before = tree(machine.units)
    name = machine.change(
        {"ollama.service": ("file", b"4", 0o644), "ollama@x.service.d/x.conf": ("file", b"x", 0o644)}, confirmed=False
    )
    _code, result = run(state="restored")
    assert (result["changed"], result["restored"]["id"], result["plan"]) == (True, name, PLAN)
    assert result["changes"] == [
        {"path": f"{machine.units}/ollama.service", "change": "changed"},
        {"path": f"{machine.units}/ollama@x.service.d/x.conf", "change": "removed"},
    ]
    assert tree(machine.units) == before
    assert (result["unfinished"], len(result["states"])) == (name, 4)
    _code, again = run(state="restored")
    assert (again["changed"], again["changes"]) == (True, [])
    _code, result = run(state="confirmed", plan=PLAN)
    assert (result["unfinished"], [state["id"] for state in result["states"]]) == (None, machine.ids[::-1])


def test_going_back_to_the_last_state_and_forth_again(run, machine):
    """Another state than that of a change which failed is a change of its own, and can be taken back too."""
    before = tree(machine.units)
    _code, result = run(state="restored", id="last")
    assert result["restored"]["id"] == machine.ids[2]
    assert tree(machine.units) == {
        "ollama.service": ("file", b"2", 0o644),
        "ollama@b.service": ("link", "a"),
        "ollama@.service": ("file", KEY.encode(), 0o600),
    }
    assert result["unfinished"] == result["states"][0]["id"]
    assert result["states"][0]["reason"] == f"before going back to {machine.ids[2]}"
    assert result["states"][0]["changes"] == result["changes"]
    run(state="confirmed", plan=PLAN)
    run(state="restored", id="last")
    assert tree(machine.units) == before


def test_going_back_to_the_first_state(run, machine):
    """Past all that came after it."""
    run(state="restored", id=machine.ids[0])
    assert tree(machine.units) == {}


def test_a_value_of_the_kernel_alone_is_a_change_too(run, machine, tmp_path):
    """It is set, reported, and can be restored."""
    run(state="restored", id="last")
    run(state="confirmed")
    plant(str(tmp_path), {"switch": ("file", b"1", 0o644)})
    _code, result = run(state="restored", id=machine.ids[2])
    assert (result["changed"], result["changes"], result["kernel"]) == (True, [], [machine.switch])
    run(state="confirmed")
    run(state="restored", id="last")
    assert (tmp_path / "switch").read_text() == "1"


def test_a_state_that_is_what_there_is_changes_nothing(run, machine):
    """No state is kept for it either."""
    run(state="restored", id="last")
    run(state="confirmed", keep=10)
    _code, result = run(state="restored", id=machine.ids[2])
    assert (result["changed"], result["changes"], result["unfinished"]) == (False, [], None)


def test_a_restore_that_cannot_be_written_has_not_begun(run, machine):
    """Nothing has changed, and no change is left to be confirmed."""
    before = tree(machine.units)
    os.unlink(f"{machine.units}/ollama.service")
    os.mkdir(f"{machine.units}/ollama.service.ollama-new")
    code, result = run(state="restored", id=machine.ids[2])
    assert code == 1
    assert "nothing was changed" in result["msg"]
    os.rmdir(f"{machine.units}/ollama.service.ollama-new")
    plant(machine.units, {"ollama.service": ("file", b"3", 0o644)})
    assert tree(machine.units) == before
    assert machine.store.pending() is None
    assert machine.store.ids() == machine.ids[::-1]


def test_no_secret_is_in_the_result(run, machine):
    """Neither that of the snapshot nor the one in force now is shown."""
    machine.change({"ollama@.service": ("file", b"sk-the-key-of-today", 0o600)}, confirmed=False)
    for args in ({}, {"state": "restored"}, {"state": "restored", "id": machine.ids[1]}, {"state": "confirmed"}):
        _code, result = run(**args, _ansible_diff=True)
        assert KEY not in json.dumps(result)
        assert "sk-the-key" not in json.dumps(result)


def test_confirming_keeps_the_newest(run, machine):
    """As many as are asked for; the plan goes into states from then on. Check mode does neither."""
    machine.change({"ollama.service": ("file", b"4", 0o644)}, confirmed=False)
    _code, result = run(state="confirmed", keep=1, _ansible_check_mode=True)
    assert (len(result["states"]), result["unfinished"] is None) == (4, False)
    code, result = run(state="confirmed", keep=1, plan={"schema": 1, "b": 2})
    assert (code, result["changed"], len(result["states"]), result["unfinished"]) == (0, False, 1, None)
    assert machine.store.plan() == {"schema": 1, "b": 2}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"keep": 0}, "keep: 0 is not a number from 1 to 100"),
        ({"keep": 101}, "keep: 101 is not a number from 1 to 100"),
        ({"command_timeout": -1}, "command_timeout: -1 is not a number of seconds"),
        ({"state": "restored", "id": "x"}, "no snapshot 'x'"),
        ({"state": "restored", "id": "../pending"}, "no snapshot '../pending'"),
        ({"state": "restored", "id": "20200101T000000Z"}, "found: 20261122T081402Z.5, "),
        ({"state": "gone"}, "value of state must be one of: listed, restored, confirmed"),
    ],
)
def test_wrong_options_are_refused(run, args, words):
    """A sentence names the option, its value, and what is allowed or there."""
    code, result = run(**args)
    assert code == 1
    assert words in result["msg"]
    assert "Traceback" not in json.dumps(result)


def test_the_last_state_where_there_is_none(run, tmp_path):
    """It is asked for and not there, which is no success."""
    code, result = run(folder=str(tmp_path / "none"), state="restored", id="last")
    assert code == 1
    assert "no snapshot 'last'" in result["msg"]


def test_every_key_is_documented(run, machine):
    """What is returned and what is documented have the same names."""
    described = yaml.safe_load(snapshot.RETURN)
    for args in ({}, {"state": "restored", "id": machine.ids[2]}):
        _code, result = run(**args)
        assert {*result, "holder"} - {"changed", "invocation", "diff"} == {*described}
        assert {*result["states"][0]} == {*described["states"]["contains"]}
