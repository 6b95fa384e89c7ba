# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module remains_info: what roles have left on a host."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible.module_utils.testing import patch_module_args

from ansible_collections.inference.ollama.plugins.module_utils._snapshots.folder import Folder
from ansible_collections.inference.ollama.plugins.modules import remains_info

UNITS = "etc/systemd/system"


def put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def ask(run, tmp_path, **options):
    code, result = run(root=str(tmp_path), state_folder=f"{tmp_path}/state", **options)
    assert (code, result["changed"]) == (0, False)
    return result["remains"]


def test_a_bare_host_has_nothing(run, tmp_path):
    """And an account that does not exist has no store."""
    found = ask(run, tmp_path, user="nobody-at-all")
    empty = ("files", "units", "boot_links", "copies", "folders", "problems")
    assert [found[name] for name in empty] == [[], [], [], [], {}, []]
    assert (found["store"], found["account"], found["link"], found["moving"]) == (None, None, None, None)
    assert (found["base_unit_installed"], found["state_folder"]["there"]) == (False, False)


def test_what_roles_have_left_is_named(run, tmp_path):
    """Units, links, folders, releases, the program, the account, the store of the variables."""
    installed = "# Managed by Ansible, role inference.ollama.ollama_install: x\n"
    variables = json.dumps({"variables": {"ollama_models_path": str(tmp_path / "models")}})
    put(tmp_path / UNITS / "ollama.service", installed)
    put(tmp_path / UNITS / "ollama.service.20261127T160000Z~")
    put(tmp_path / UNITS / "inference-ollama-watch.timer")
    put(tmp_path / UNITS / "timers.target.wants/inference-ollama-watch.timer")
    put(tmp_path / "etc/inference.ollama/variables.json", variables)
    put(tmp_path / "models/manifests/a/b/c/d")
    put(tmp_path / "opt/ollama/releases/0.32.15/.complete")
    put(tmp_path / "opt/ollama/notes")
    (tmp_path / "opt/ollama/current").symlink_to("releases/0.32.15")
    put(tmp_path / "usr/local/bin/ollama.found")
    (tmp_path / "usr/local/bin/ollama").symlink_to("/opt/ollama/current/bin/ollama")
    found = ask(run, tmp_path, user="root")
    assert found["files"] == [f"{tmp_path}/etc/inference.ollama/variables.json"]
    assert found["units"] == [f"{tmp_path}/{UNITS}/inference-ollama-watch.timer"]
    assert found["boot_links"] == [f"{tmp_path}/{UNITS}/timers.target.wants/inference-ollama-watch.timer"]
    assert found["copies"] == [f"{tmp_path}/{UNITS}/ollama.service.20261127T160000Z~"]
    assert (found["base_unit_installed"], found["store"]["models"], found["account"]["uid"]) == (True, 1, 0)
    assert found["folders"] == {f"{tmp_path}/etc/inference.ollama": ["variables.json"]}
    assert (found["install"]["releases"], found["install"]["current"]) == (["0.32.15"], "releases/0.32.15")
    assert found["install"]["others"] == [f"{tmp_path}/opt/ollama/notes"]
    assert found["program"]["target"] == "/opt/ollama/current/bin/ollama"
    assert found["program"]["found"] == f"{tmp_path}/usr/local/bin/ollama.found"


def test_releases_of_others_are_not_ours(run, tmp_path):
    """What a killed run has left is; a folder that nobody has marked stays, and so do downloads of other names."""
    folder = tmp_path / "opt/ollama"
    put(folder / "releases/0.32.15/.complete")
    put(folder / "releases/.0.33.0.partial/bin/ollama")
    put(folder / "downloads/ollama-linux-amd64.tar.zst.partial")
    found = ask(run, tmp_path)["install"]
    assert (found["parts"], found["others"]) == ([f"{folder}/downloads", f"{folder}/releases"], [])
    put(folder / "releases/mine/notes")
    put(folder / "downloads/film.mkv")
    found = ask(run, tmp_path)["install"]
    assert found["parts"] == [f"{folder}/releases/.0.33.0.partial", f"{folder}/releases/0.32.15"]
    assert found["others"] == [f"{folder}/downloads", f"{folder}/releases/mine"]


@pytest.mark.parametrize(
    ("comment", "made"),
    [
        ("Ollama; account and group made by inference.ollama", (True, True)),
        ("Ollama; account made by inference.ollama", (True, False)),
        ("", (False, False)),
    ],
)
def test_who_made_an_account_stands_in_its_comment(run, tmp_path, monkeypatch, comment, made):
    """Whose user the installed unit names."""
    put(tmp_path / UNITS / "ollama.service", "[Service]\nUser=llm\n")
    row = pwd.struct_passwd(("llm", "x", 990, 1 << 30, comment, "/srv/llm", "/bin/false"))
    monkeypatch.setattr(pwd, "getpwnam", {"llm": row}.__getitem__)
    found = ask(run, tmp_path, user="auto", store=str(tmp_path / "models"))["account"]
    assert (found["user"], found["group"], found["made"], found["group_made"]) == ("llm", None, *made)


def test_the_link_of_a_move_is_named_while_it_leads_there(run, tmp_path):
    """A damaged record is a problem, and so is a store that cannot be listed."""
    state = Folder(f"{tmp_path}/state")
    (tmp_path / "old").symlink_to(tmp_path / "new")
    state.write("store-moved", {"source": f"{tmp_path}/old", "target": f"{tmp_path}/new"})
    assert ask(run, tmp_path)["link"] == f"{tmp_path}/old"
    os.unlink(tmp_path / "old")
    assert ask(run, tmp_path)["link"] is None
    state.write("store", {})
    put(tmp_path / "file")
    problems = ask(run, tmp_path, store=f"{tmp_path}/file")["problems"]
    assert [text.rpartition("/")[2][:10] for text in problems] == ["store.json", "file: the "]


def test_the_file_of_metrics_is_named_while_it_is_there(run, tmp_path):
    """In the folder that the last run was made with."""
    put(tmp_path / "etc/inference.ollama/variables.json", json.dumps({"variables": {"ollama_metrics_folder": "/m/"}}))
    assert ask(run, tmp_path)["metrics"] is None
    put(tmp_path / "m/inference_ollama.prom")
    assert ask(run, tmp_path)["metrics"] == f"{tmp_path}/m/inference_ollama.prom"
    put(tmp_path / "etc/inference.ollama/variables.json", "[]")
    assert ask(run, tmp_path)["metrics"] is None


def test_it_runs_as_a_program(tmp_path, capsys):
    """As Ansible starts it on a host."""
    path = Path(remains_info.__file__)
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    with patch_module_args({"root": str(tmp_path), "user": "nobody-at-all"}), pytest.raises(SystemExit):
        exec(code, {"__name__": "__main__"})
    assert json.loads(capsys.readouterr().out)["remains"]["account"] is None
