# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""file_transaction and snapshot together: what once lost a state, a file or a key, and who may act when."""

from __future__ import annotations

import base64
import json
import os
import stat
from datetime import datetime, timezone
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import identity
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.folder import Folder
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import HeldError, locked
from ansible_collections.inference.ollama.plugins.modules import file_transaction
from ansible_collections.inference.ollama.tests.unit.support.faulty import KILL, Faults, Killed
from ansible_collections.inference.ollama.tests.unit.support.transactions import FOREIGN, KEY, ROOT, Clock, Host

root = pytest.mark.skipif(not ROOT, reason="only root gives files to others")
A, B = {"run": {"run": "a", "controller": "deploy1", "pid": "7", "user": "kim"}}, {"run": {"run": "b"}}


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "host")


def killed(host, number, **arguments):
    """Kill a write at each call in turn, on a host that is as before; yields after each."""
    before = host.read()
    for at in range(1, 1000):
        host.restore(before)
        faults = Faults(KILL, at)
        try:
            with faults.acting():
                host.write(number, **arguments)
        except Killed:
            yield at
        else:
            return


def test_a_rollback_that_is_repeated_goes_on_to_the_same_state(host):
    """Cut off before its services restart, and run again by the same words, it does not go forward."""
    host.site(1)
    host.site(2)
    host.back("last")
    assert host.number() == 1
    for asked in ("last", "unfinished", "last"):
        assert host.back(asked)["restored"]["reason"] == "to 2"
        assert host.number() == 1
    host.confirm(own=True)
    host.rollback()
    assert host.number() == 2


def test_a_state_is_kept_after_an_undo_whose_restart_failed(host):
    """The next good run has a state to go back to: what the files were before it."""
    before = host.managed()
    host.write(1)
    host.back()
    host.site(2)
    host.rollback()
    assert host.managed() == before


def test_a_state_stays_where_putting_back_fails(host):
    """It is the only copy of the files; the sentence says what is left, where it is and which command finishes."""
    host.site(1)
    before, host.put = host.managed(), None
    real, calls = os.replace, []

    def replace(source, target, **options):
        if not target.endswith(".json"):
            calls.append(target)
            if len(calls) > 1:
                raise OSError(5, "Input/output error")
        return real(source, target, **options)

    with patch.object(os, "replace", replace), pytest.raises(OllamaError) as error:
        host.write(2)
    for words in ("could not be restored: ", host.state, "inference.ollama.rollback"):
        assert words in str(error.value)
    assert host.listed()["unfinished"] is not None
    host.rollback()
    assert host.managed() == before


def test_what_somebody_wrote_is_never_lost_to_a_kill(host):
    """A copy is in its place before the file changes, so that the next run, which finds ours, need not make one."""
    for at in killed(host, 1):
        host.site(1)
        found = host.read()
        assert FOREIGN in [entry[1] for path, entry in found.items() if path.endswith("~")], at
        assert not [path for path in found if path.endswith(".ollama-new")], at


def test_a_key_is_not_left_in_a_scratch_file(host):
    """Whether the next run goes back, or has no key any more."""
    for at in killed(host, 1):
        half = host.read()
        for finish in (host.undo, lambda: host.site(4)):
            host.restore(half)
            finish()
            left = [path for path, entry in host.read().items() if entry[0] == "file" and KEY in entry[1]]
            assert [path for path in left if not path.startswith(host.state)] == [], at


def test_a_scratch_file_of_somebody_else_is_left_and_named(host):
    """It has a second name, so this collection has not made it."""
    scratch = f"{host.secrets}.ollama-new"
    host.put(scratch, b"theirs")
    os.link(scratch, f"{host.folder}/theirs")
    problems = host.call(file_transaction, **{**host.wanted(4), "secrets": {}})["problems"]
    assert scratch in "".join(problems)
    assert os.path.exists(scratch)


def plant_state(host, entry, kernel=None):
    """A snapshot and a pending change that this collection has not written."""
    name = "20261126T000000Z"
    entry = {"kind": "file", "content": base64.b64encode(b"x").decode(), "mode": "0644", "owner": [0, 0], **entry}
    lists = {"changes": [], "folders": [], "entries": [{"target": None, **entry}]}
    state = {"schema": 1, "saved_at": "", "reason": "", "plan": None, "links": {}, "active": {}, **lists}
    for file, value in ((name, {**state, "kernel": kernel or {}}), ("pending", {"id": name, "restored": False})):
        host.put(f"{host.state}/{file}.json", json.dumps(value).encode(), 0o600)


@pytest.mark.parametrize(
    ("entry", "kernel", "words"),
    [
        ({"path": "/etc/cron.d/evil"}, {}, "/etc/cron.d/evil: not a path that this collection restores"),
        ({"mode": "4755"}, {}, "mode 4755 is set-uid"),
        ({}, {"/etc/any-file": "1"}, "/etc/any-file: not a setting of the kernel"),
    ],
)
def test_a_state_with_paths_of_others_is_refused(host, entry, kernel, words):
    """By the state's name, and nothing is written."""
    plant_state(host, {"path": host.template, **entry}, kernel)
    before = host.managed()
    with pytest.raises(OllamaError, match="state 20261126T000000Z") as error:
        host.back("last")
    assert words in str(error.value)
    assert host.managed() == before


@root
@pytest.mark.parametrize("what", ["owner", "writable", "sticky", "parent", "file", "second name", "link"])
def test_a_folder_that_others_may_write_is_not_believed(host, what):
    """Neither the folder, nor one above it, nor a file in it; the sentence says what was found and is allowed."""
    plant_state(host, {"path": host.template})
    pending = f"{host.state}/pending.json"
    act = {
        "owner": lambda: os.chown(host.state, 65534, 65534),
        "writable": lambda: os.chmod(host.state, 0o770),
        "sticky": lambda: os.chmod(host.state, 0o1777),
        "parent": lambda: os.chmod(os.path.dirname(host.state), 0o777),
        "file": lambda: os.chmod(pending, 0o666),
        "second name": lambda: os.link(pending, f"{host.folder}/x"),
        "link": lambda: (os.rename(pending, f"{host.folder}/x"), os.symlink(f"{host.folder}/x", pending)),
    }
    act[what]()
    before = host.managed()
    with pytest.raises(OllamaError, match=r"Allowed is|cannot be read"):
        host.back("last")
    assert host.managed() == before


def test_a_clock_that_was_ahead_reorders_nothing(host):
    """The newest state is that of the last change, whatever its name says of the time."""
    with patch.object(Clock, "moment", datetime(2030, 1, 1, tzinfo=timezone.utc)):
        for number in (1, 2, 3):
            host.site(number)
    host.site(5)
    host.site(6)
    host.rollback()
    assert host.number() == 5


def test_another_run_waits_for_neither_confirmation_nor_undo(host):
    """While a run has the change, another one is refused with who that is, and acts on nothing of it."""
    host.write(1, **A)
    for act in (lambda: host.write(2, **B), lambda: host.back("last", **B), host.confirm, lambda: host.write(2)):
        with pytest.raises(HeldError, match=r"process 7 of user kim on deploy1, since 2026-11-26.*to 1"):
            act()
    assert host.back(own=True, **B)["changed"] is False
    with pytest.raises(OllamaError, match="not this run's any more"):
        host.confirm(own=True, **B)
    assert host.number() == 1
    host.confirm(own=True, **A)
    assert host.listed()["unfinished"] is None


def test_a_run_that_is_known_to_be_dead_is_taken_over(host):
    """From then on the change is the other run's; its first run can neither confirm it nor take it back."""
    host.write(1, **A)
    host.write(2, **B, takeover="a")
    assert host.back(own=True, **A)["changed"] is False
    host.confirm(own=True, **B)
    assert host.number() == 2


def test_a_host_that_another_run_changed_since_it_was_read_is_left_alone(host):
    """The sentence says to run again."""
    host.site(1, **A)
    with pytest.raises(OllamaError, match=r"another run has changed this host since it was read.*Run again"):
        host.write(2, generation=0, **B)
    assert host.number() == 1


def test_a_call_that_goes_on_is_named_by_the_next_one(host):
    """It waits for as long as it may, and says who has the lock."""
    with (
        locked(Folder(host.state), {"pid": "7", "user": "kim", "controller": "deploy1"}, 0),
        pytest.raises(HeldError, match="process 7 of user kim on deploy1"),
    ):
        host.write(1, lock_timeout=0)


@pytest.mark.parametrize("when", ["before a change", "before an undo", "before a rollback"])
def test_what_somebody_wrote_during_a_run_is_copied(host, when):
    """Before it is written over, and the result names the copy."""
    host.site(1)
    seen = {host.dropin: {"sha256": "another", "mode": "0644"}}
    if when == "before an undo":
        host.write(2)
    theirs = b"# Managed by Ansible, role inference.ollama.ollama: x\ntheirs\n"
    host.put(host.dropin, theirs)
    done = host.write(2, seen=seen) if when == "before a change" else host.back("last")
    copy = f"{host.dropin}.20261126T080000Z-1~"
    assert copy in done["copies"]
    with open(copy, "rb") as file:
        assert file.read() == theirs


@pytest.mark.parametrize(("changed", "copies"), [(False, 0), (True, 1)])
def test_secrets_that_somebody_has_changed_meanwhile_are_copied(host, changed, copies):
    """They are distinguished from those that were seen without a digest, and the copy is as private."""
    host.site(1)
    seen = {host.secrets: {"sha256": None, "mode": "0600", "identity": identity(host.secrets)}}
    if changed:
        host.put(host.secrets, b"PIN=1234\n", 0o600)
    done = host.write(2, seen=seen)
    found = [path for path in done["copies"] if path.startswith(host.secrets)]
    assert len(found) == copies
    assert all(os.stat(path).st_mode & 0o777 == 0o600 for path in found)


@pytest.mark.parametrize("check", [True, False])
def test_no_link_leads_out_of_an_image(tmp_path, check):
    """It is refused by its name, in check mode too, and nothing is written at its end."""
    victim, image = tmp_path / "victim", tmp_path / "image"
    victim.mkdir()
    (image / "etc/systemd").mkdir(parents=True)
    (image / "etc/systemd/system").symlink_to(victim)
    files = [{"path": f"{image}/etc/systemd/system/ollama.service.d/override.conf", "content": "x"}]
    host = Host(tmp_path / "other")
    with pytest.raises(OllamaError, match=r"etc/systemd/system: a link to .*victim"):
        host.call(file_transaction, check=check, files=files, state_folder=None, root=f"{image}/")
    assert list(victim.iterdir()) == []


def test_a_pipe_and_a_link_are_judged_and_not_waited_for(host):
    """What lies where a secrets file should be is left, and the change refused."""
    os.makedirs(os.path.dirname(host.secrets))
    os.mkfifo(host.secrets)
    with pytest.raises(OllamaError, match="neither a file nor a link"):
        host.write(1)
    assert stat.S_ISFIFO(os.lstat(host.secrets).st_mode)
