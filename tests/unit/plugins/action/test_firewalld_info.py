# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action firewalld_info: the module's answer, and whether this Ansible can change rules of firewalld."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.action import firewalld_info


def act(monkeypatch, read, *, resolved):
    """What the action returns where the module has answered so."""
    found = SimpleNamespace(resolved=resolved)
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
