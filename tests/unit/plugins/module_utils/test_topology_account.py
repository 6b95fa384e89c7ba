# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the home of a service's user lies, by the accounts of the running host."""

from __future__ import annotations

import pwd

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._systemd.slices import is_dynamic
from ansible_collections.inference.ollama.plugins.module_utils._topology.account import read_home


@pytest.mark.parametrize(("user", "home"), [(None, "/root"), ("llm", "/srv/llm"), ("61234", "/srv/llm")])
def test_the_home_is_what_the_accounts_say(monkeypatch, user, home):
    """By name or number; a service without a user is root's."""
    known = {"root": "/root", "llm": "/srv/llm", 61234: "/srv/llm"}
    for asked in ("getpwnam", "getpwuid"):
        monkeypatch.setattr(pwd, asked, lambda key: pwd.struct_passwd(("u", "", 1, 1, "", known[key], "")))
    assert read_home(Root("/"), user, dynamic=False) == {"home": home, "home_unknown": None, "home_links": []}


@pytest.mark.parametrize(
    ("user", "dynamic", "why"),
    [
        ("nobody-at-all", False, "the host has no user nobody-at-all"),
        ("9" * 40, False, "the host has no user 9"),
        ("ollama", True, "DynamicUser= makes the service's user at each start"),
    ],
)
def test_an_unknown_home_has_its_reason(user, dynamic, why):
    """Nothing is guessed for a user that is not there or not there yet."""
    found = read_home(Root("/"), user, dynamic=dynamic)
    assert found["home"] is None
    assert found["home_unknown"].startswith(why)


def test_a_home_that_is_no_path_is_not_known(monkeypatch):
    """An account may have anything for its home."""
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: pwd.struct_passwd(("u", "", 1, 1, "", "", "")))
    found = read_home(Root("/"), "u", dynamic=False)
    why = "the home of the service's user is '', which is no path"
    assert found == {"home": None, "home_unknown": why, "home_links": []}


def test_links_of_the_home_are_followed(monkeypatch, tmp_path):
    """A store that a link has moved to another disk must stay writable there."""
    home, disk = tmp_path / "home", tmp_path / "disk"
    (home / ".ollama").mkdir(parents=True)
    disk.mkdir()
    (home / ".ollama/models").symlink_to(disk)
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: pwd.struct_passwd(("u", "", 1, 1, "", str(home), "")))
    assert read_home(Root("/"), "u", dynamic=False)["home_links"] == [str(disk)]


def test_the_accounts_of_a_captured_machine_are_not_read(tmp_path):
    """Those of the controller would say something else."""
    assert read_home(Root(str(tmp_path)), "root", dynamic=False)["home"] is None


def test_the_last_file_says_whether_the_user_is_dynamic():
    """Only lines of [Service] count."""
    unit = ("/a", ["[Unit]", "DynamicUser=yes", "[Service]", "DynamicUser=no"])
    assert not is_dynamic([unit])
    assert is_dynamic([unit, ("/b", ["[Service]", "DynamicUser=yes"])])
    assert not is_dynamic([])
