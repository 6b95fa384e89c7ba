# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action firewalld_info: the module's answer, and whether this Ansible can change rules of firewalld."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.plugins.loader import init_plugin_loader

from ansible_collections.inference.ollama.plugins.action import firewalld_info


def act(monkeypatch, read, *, resolved):
    """What the action returns where the module has answered so."""
    found = SimpleNamespace(resolved=resolved)
    monkeypatch.setattr(firewalld_info, "import_module", lambda _name: found)
    monkeypatch.setattr(firewalld_info.module_loader, "find_plugin_with_context", lambda _name: found)
    action = object.__new__(firewalld_info.ActionModule)
    monkeypatch.setattr(firewalld_info.ActionBase, "run", lambda _self, _tmp, _variables: {"invocation": {}})
    monkeypatch.setattr(action, "_execute_module", lambda **_given: read)
    return action.run(None, {})


@pytest.mark.parametrize("resolved", [True, False])
def test_the_answer_says_whether_rules_can_be_changed(monkeypatch, resolved):
    """That is known on the controller alone."""
    read = {"changed": False, "firewalld": {"running": True}}
    answer = act(monkeypatch, read, resolved=resolved)
    assert answer == {"invocation": {}, "changed": False, "firewalld": {"running": True, "module": resolved}}


def test_a_refusal_stays_as_it_is(monkeypatch):
    """A module that failed has no answer to add to."""
    read = {"failed": True, "msg": "no"}
    assert act(monkeypatch, read, resolved=True) == {"invocation": {}, **read}


@pytest.mark.parametrize("absent", ["nobody.posix.firewalld", "inference.nothing.firewalld"])
def test_a_collection_that_is_not_there_is_no_warning(monkeypatch, absent):
    """Ansible's loader, which warns of it, is not asked."""
    monkeypatch.setattr(firewalld_info.module_loader, "find_plugin_with_context", None)
    assert firewalld_info.has_module(absent) is False


def test_a_module_of_a_collection_that_is_there_is_found():
    """By its whole name, and no other one of it."""
    init_plugin_loader()
    assert firewalld_info.has_module("ansible.builtin.ping") is True
    assert firewalld_info.has_module("ansible.builtin.nothing") is False
