# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module file_transaction: what it writes, what it tells, what it keeps to itself, and what it refuses."""

from __future__ import annotations

import json
import os

import pytest

testing = pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store
from ansible_collections.inference.ollama.plugins.modules import file_transaction
from ansible_collections.inference.ollama.tests.unit.support.states import plant, systemctl, tree

KEY = "sk-a-key-that-nobody-shall-see"


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the module with arguments on a host where nothing of Ollama runs; its exit status and its result."""
    monkeypatch.setattr(file_transaction, "runner", lambda _timeout: systemctl({}))

    def run(**args):
        with testing.patch_module_args(args), pytest.raises(SystemExit) as end:
            file_transaction.main()
        return end.value.code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def host(tmp_path):
    """A folder with files, and what is asked of it."""
    folder = tmp_path / "etc"
    folder.mkdir()
    plant(
        str(folder),
        {
            "ollama.service": ("file", b"same\n", 0o644),
            "ollama@.service": ("file", b"old\n", 0o644),
            "key": ("file", f"{KEY}-old".encode(), 0o600),
            "ollama@g.service.d/gone.conf": ("file", b"gone\n", 0o644),
            "ollama@l.service": ("link", "ollama.service"),
        },
    )
    return {
        "files": [
            {"path": f"{folder}/ollama.service", "content": "same\n"},
            {"path": f"{folder}/ollama@.service", "content": "new\n", "mode": "0640"},
            {"path": f"{folder}/ollama.service.d/new.conf", "content": "first\n"},
        ],
        "secrets": {f"{folder}/key": KEY},
        "absent": [
            f"{folder}/ollama@g.service.d/gone.conf",
            f"{folder}/ollama@l.service",
            f"{folder}/ollama@never.service",
        ],
        "empty_folders": [f"{folder}/ollama@g.service.d", f"{folder}/never.d", f"{folder}/ollama.service.d"],
        "backup": [f"{folder}/ollama@.service", f"{folder}/ollama.service", f"{folder}/ollama@l.service"],
        "state_folder": str(tmp_path / "kept"),
        "units_folder": str(folder),
        "reason": "change 4711",
    }


def test_files_are_written_and_removed(run, host, tmp_path):
    """All requested changes are made and no other, and the result lists them."""
    code, result = run(**host)
    folder = host["units_folder"]
    assert (code, result["changed"], result["unfinished"]) == (0, True, False)
    assert result["changes"] == [
        {"path": f"{folder}/ollama@.service", "change": "changed"},
        {"path": f"{folder}/ollama.service.d/new.conf", "change": "created"},
        {"path": f"{folder}/key", "change": "changed"},
        {"path": f"{folder}/ollama@g.service.d/gone.conf", "change": "removed"},
        {"path": f"{folder}/ollama@l.service", "change": "removed"},
    ]
    found = tree(folder)
    (copy,) = [name for name in found if name.endswith("~")]
    assert found.pop(copy) == ("file", b"old\n", 0o644)
    assert copy.startswith("ollama@.service.20")
    assert found == {
        "ollama.service": ("file", b"same\n", 0o644),
        "ollama@.service": ("file", b"new\n", 0o640),
        "key": ("file", KEY.encode(), 0o600),
        "ollama.service.d": ("folder", 0o755),
        "ollama.service.d/new.conf": ("file", b"first\n", 0o644),
    }
    kept = Store(str(tmp_path / "kept")).snapshot(result["state"])
    assert (kept.reason, kept.changes) == ("change 4711", result["changes"])


def test_check_mode_reports_the_same_and_changes_nothing(run, host, tmp_path):
    """Changes and diff are those of the run that follows; not even a snapshot is kept."""
    before = tree(str(tmp_path))
    _code, dry = run(**host, _ansible_check_mode=True)
    assert tree(str(tmp_path)) == before
    _code, done = run(**host)
    assert done["state"] is not None
    assert dry["state"] is None
    for result in (dry, done):
        del result["state"], result["invocation"]
    assert dry == done


def test_a_second_run_changes_nothing(run, host, tmp_path):
    """Once the change is confirmed, the same is asked for and nothing is done, kept or copied."""
    run(**host)
    Store(host["state_folder"]).confirm(None, 3)
    before = tree(str(tmp_path))
    _code, result = run(**host)
    assert (result["changed"], result["changes"], result["diff"], result["state"]) == (False, [], [], None)
    assert tree(str(tmp_path)) == before


def test_a_change_that_was_never_confirmed_counts_as_one(run, host):
    """The run that was killed has not restarted what its files were for, so this one has to."""
    _code, first = run(**host)
    _code, second = run(**host)
    assert (second["changed"], second["unfinished"], second["changes"], second["state"]) == (True, True, [], None)
    _code, third = run(**host, _ansible_check_mode=True)
    assert (third["changed"], third["unfinished"]) == (True, True)
    Store(host["state_folder"]).discard(first["state"], None)
    assert run(**host)[1]["unfinished"] is False


@pytest.mark.parametrize("mode", [0o600, 0o644])
@pytest.mark.parametrize("check", [True, False])
def test_a_secret_is_not_in_the_result(run, host, check, mode):
    """It is in neither diff nor arguments, even where others could read the file so far."""
    os.chmod(f"{host['units_folder']}/key", mode)
    code, result = run(**host, _ansible_check_mode=check, _ansible_diff=True)
    assert code == 0
    assert KEY not in json.dumps(result)
    assert {"prepared": f"{host['units_folder']}/key is changed; its contents are not shown\n"} in result["diff"]


def test_a_secret_that_is_removed_is_not_in_the_result(run, host):
    """Its content was for its owner alone."""
    _code, result = run(absent=[f"{host['units_folder']}/key"])
    assert result["changes"][0]["change"] == "removed"
    assert KEY not in json.dumps(result)


def test_a_secret_is_not_in_a_complaint_either(run, host):
    """A task that fails prints its arguments too."""
    code, result = run(secrets={f"{host['units_folder']}/ollama.service/key": KEY})
    assert code == 1
    assert "ollama.service/key: cannot be written (File exists); nothing was changed" in result["msg"]
    assert KEY not in json.dumps(result)


def test_a_copy_of_a_secret_is_as_secret(run, host):
    """Its mode goes with it."""
    folder = host["units_folder"]
    run(secrets=host["secrets"], backup=[f"{folder}/key"])
    (copy,) = [said for name, said in tree(folder).items() if name.endswith("~")]
    assert copy == ("file", f"{KEY}-old".encode(), 0o600)


def test_without_a_folder_nothing_is_kept(run, host, monkeypatch):
    """And systemd is not asked, so that it works in an image."""
    monkeypatch.setattr(file_transaction, "runner", lambda _timeout: systemctl(None))
    del host["state_folder"]
    code, result = run(**host)
    assert (code, result["changed"], result["state"], result["unfinished"]) == (0, True, None, False)
    assert set(tree(os.path.dirname(host["units_folder"]))) >= {"etc/ollama.service.d/new.conf"}


def test_one_file_that_cannot_be_written_stops_all(run, host, tmp_path):
    """Nothing has changed, no copy is left, and no change has begun."""
    plant(host["units_folder"], {"ollama@x.service.d": ("file", b"no folder", 0o644)})
    host["files"].append({"path": f"{host['units_folder']}/ollama@x.service.d/x.conf", "content": "x"})
    before = tree(host["units_folder"])
    code, result = run(**host)
    assert code == 1
    assert "nothing was changed" in result["msg"]
    assert tree(host["units_folder"]) == before
    assert Store(str(tmp_path / "kept")).pending() is None


def test_a_folder_with_something_in_it_stays(run, host):
    """Only empty ones are removed, and only where something has changed."""
    folder = host["units_folder"]
    plant(folder, {"ollama@g.service.d/theirs": ("file", b"x", 0o644)})
    run(**host)
    assert "ollama@g.service.d/theirs" in tree(folder)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"files": [{"path": "a", "content": ""}]}, "a: allowed is an absolute path"),
        ({"secrets": {"a/b": "x"}}, "a/b: allowed is an absolute path"),
        ({"secrets": {"/a": None}}, "/a: its content is not a text"),
        ({"secrets": {"/a": {"b": KEY}}}, "/a: its content is not a text"),
        ({"secrets": {"/a": "x"}, "files": [{"path": "/a", "content": ""}]}, "/a: it is named twice"),
        ({"absent": ["a"]}, "a: allowed is an absolute path"),
        ({"files": [{"path": "/a", "content": ""}], "absent": ["/a"]}, "/a: it is named twice among files, secrets"),
        ({"absent": ["/a", "/a"]}, "/a: it is named twice"),
        ({"files": [{"path": "/a", "content": "", "mode": "9"}]}, "mode: '9' is not allowed"),
        ({"files": [{"path": "/a", "content": "", "mode": "u=rw"}]}, "mode: 'u=rw' is not allowed"),
        ({"files": [{"path": "/a", "content": "", "mode": 0o644}]}, "mode: '420' is not allowed"),
        ({"files": [{"path": "/a"}]}, "one of the following is required: content, content_base64, program"),
        ({"files": [{"path": "/a", "content_base64": "?"}]}, "/a: content_base64 is not in the alphabet"),
        ({"command_timeout": 0}, "command_timeout: 0 is not a number of seconds"),
        ({"command_timeout": 4000}, "command_timeout: 4000 is not a number of seconds"),
        ({"absent": ["/etc"]}, "/etc: neither a file nor a link"),
    ],
)
def test_wrong_options_are_refused(run, args, words):
    """A sentence names the option or the path, and what is allowed."""
    code, result = run(**args)
    assert code == 1
    assert words in result["msg"]
    assert "Traceback" not in json.dumps(result)
    assert KEY not in json.dumps(result)


def test_a_host_without_systemd_is_refused_where_a_state_is_to_be_kept(run, host, monkeypatch):
    """What ran could not be started again."""
    monkeypatch.setattr(file_transaction, "runner", lambda _timeout: systemctl(None))
    before = tree(host["units_folder"])
    code, result = run(**host)
    assert (code, tree(host["units_folder"])) == (1, before)
    assert "the services that run cannot be listed" in result["msg"]


def test_what_somebody_else_wrote_stays_under_another_name(run, tmp_path):
    """Content, permissions and links are as they were; check mode and --diff show it, the snapshot has both paths."""
    folder, store = tmp_path / "ollama.service.d", tmp_path / "kept"
    folder.mkdir()
    plant(str(folder), {"a.conf": ("file", b"theirs\xff\n", 0o640), "b.conf": ("link", "nowhere")})
    before = tree(str(folder))
    names = {f"{folder}/{name}.conf": f"{folder}/{name}-found.conf" for name in "abc"}
    files = [{"path": f"{folder}/{name}.conf", "content": "ours\n"} for name in "ab"]
    asked = {"files": files, "kept": names, "state_folder": str(store), "units_folder": str(tmp_path)}
    code, result = run(**asked, _ansible_check_mode=True)
    assert (code, tree(str(folder))) == (0, before)
    assert {"path": f"{folder}/a-found.conf", "change": "created"} in result["changes"]
    assert any(row.get("after_header") == f"{folder}/a-found.conf" for row in result["diff"])
    run(**asked)
    ours = ("file", b"ours\n", 0o644)
    assert tree(str(folder)) == {
        "a.conf": ours,
        "b.conf": ours,
        "a-found.conf": before["a.conf"],
        "b-found.conf": ("link", "nowhere"),
    }
    saved = {entry.path: entry.kind for entry in Store(str(store)).snapshots()[0].entries}
    assert (saved[f"{folder}/a.conf"], saved[f"{folder}/a-found.conf"]) == ("file", "absent")


def test_a_private_file_that_is_kept_is_not_shown(run, tmp_path):
    """It is as private under its other name."""
    plant(str(tmp_path), {"a.conf": ("file", KEY.encode(), 0o600)})
    names = {f"{tmp_path}/a.conf": f"{tmp_path}/a-found.conf"}
    _code, result = run(files=[{"path": f"{tmp_path}/a.conf", "content": "ours\n"}], kept=names)
    assert KEY not in json.dumps(result)
    assert tree(str(tmp_path))["a-found.conf"] == ("file", KEY.encode(), 0o600)


def test_a_name_that_is_taken_stops_all(run, tmp_path):
    """Nobody's file is written over to keep another one; the same file twice is what a killed run leaves."""
    plant(str(tmp_path), {"a.conf": ("file", b"1\n", 0o644), "a-found.conf": ("file", b"2\n", 0o644)})
    before = tree(str(tmp_path))
    asked = {
        "files": [{"path": f"{tmp_path}/a.conf", "content": "ours\n"}],
        "kept": {f"{tmp_path}/a.conf": f"{tmp_path}/a-found.conf"},
    }
    code, result = run(**asked)
    assert (code, tree(str(tmp_path))) == (1, before)
    assert "there is another file" in result["msg"]
    (tmp_path / "a-found.conf").write_bytes(b"1\n")
    assert run(**asked)[0] == 0
