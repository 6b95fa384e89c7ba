# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every playbook leaves where a host has secrets: they are in one file, in the server, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.on(job="planted")

RUNS = ("credentials", "dry", "undone", "refused", "file", "rollback")
# Where they belong: the file itself, what systemd makes of it, and states, whose folder root alone may enter.
HOLDERS = ("/etc/ollama/secrets.env", "/run/credentials/", "/var/lib/inference.ollama/")


@pytest.fixture
def texts(variables):
    """The secrets, by what they are."""
    return {"key": variables["ollama_api_key"], **variables["lab_planted"]}


@pytest.mark.parametrize("name", RUNS)
def test_nothing_that_is_printed_has_a_secret(recorded, texts, name):
    """With -vvv and --diff, on success, where a change is taken back and where it is refused."""
    output = recorded(f"planted-{name}")["output"]
    assert [what for what, text in texts.items() if text in output] == []


def test_nothing_on_the_controller_has_a_secret(texts, variables):
    """Plans, topologies, reports, captures and pictures."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "recorded", variables["inventory_hostname"], "planted")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} >= {"plans", "report"}
    assert [path for path in files for text in texts.values() if text.encode() in path.read_bytes()] == []


def test_on_the_host_root_alone_has_them(recorded, texts):
    """Not in a unit, in what systemd shows, on a command line or in a file that others can read."""
    for what, text in texts.items():
        found = recorded("planted")["planted"][text]
        assert [path for path in found["files"] if not path.startswith(HOLDERS)] == [], what
        assert all(mode.endswith("00") for mode in found["files"].values()), what
        assert all(mode.endswith("00") for mode in found["folders"].values()), what
        assert (found["ways"], found["nobody"]) == ([], False), what


def test_journal_has_a_secret_only_where_the_server_writes_it(recorded, texts):
    """Before systemd 253 nothing keeps the address of a proxy out of the line that Ollama writes at a start."""
    for what, text in texts.items():
        lines = recorded("planted")["planted"][text]["journal"]
        assert [line for line in lines if what != "proxy" or "server config" not in line] == [], what


def test_refused_secret_is_nowhere(recorded, texts):
    assert recorded("planted")["planted"][texts["denied"]]["files"] == {}


def test_server_has_them_again_after_the_rollback(recorded, texts):
    """The state of before came by a credential, and so does what is restored."""
    environ = recorded("planted")["environ"]
    assert environ["HOUSE_WORD"] == texts["word"]
    assert texts["proxy"] in environ["HTTPS_PROXY"]


def test_differences_name_what_changed(recorded):
    """The name alone says that a secret has another value."""
    output = recorded("planted-file")["output"]
    assert "HOUSE_WORD has another value" in output
    assert "HTTPS_PROXY is gone" in output
