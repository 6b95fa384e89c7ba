# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module models_info: what it returns and how it refuses."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.stores import Store
from ansible_collections.inference.ollama.tests.unit.support.web import respond, serving


def test_models_of_a_store_and_files(run, tmp_path):
    """Models of stores and files are returned, nothing changes, and check mode returns the same."""
    store = Store(tmp_path / "store")
    store.model("registry.ollama.ai/library/tiny/latest")
    path = tmp_path / "other.gguf"
    path.write_bytes(Writer().file(*llama()))
    args = {"stores": [store.path], "files": [str(path)]}
    code, result = run(**args)
    assert (code, result["changed"], result["problems"]) == (0, False, [])
    assert [model["name"] for model in result["models"]] == ["tiny:latest", "other.gguf"]
    assert result["stores"][0]["models"] == 1
    again = run(**args, _ansible_check_mode=True)
    assert [model["name"] for model in again[1]["models"]] == ["tiny:latest", "other.gguf"]


def test_a_server_is_asked_with_an_address(run):
    """With an address the server is asked for what no store has."""
    with serving(lambda handler, _posted: respond(handler, 200, {"models": []})) as url:
        code, result = run(stores=[], url=url)
    assert (code, result["models"], result["stores"], result["problems"]) == (0, [], [], [])


@pytest.mark.parametrize(
    ("args", "option"),
    [({"timeout": 0}, "timeout"), ({"timeout": 1e9}, "timeout"), ({"url": "ftp://user:pass@host"}, "url")],
)
def test_what_makes_no_sense_is_refused(run, args, option):
    """An option out of bounds is named, and a password in it is not quoted."""
    code, result = run(stores=[], **args)
    assert code == 1
    assert result["msg"].startswith(f"{option}: ")
    assert "pass" not in result["msg"]
