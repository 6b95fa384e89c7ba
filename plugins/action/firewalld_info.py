# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``firewalld_info``: the module of that name, and whether Ansible has the module that changes the rules."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import module_loader

from ansible_collections.inference.ollama.plugins.plugin_utils._firewalld import MODULE


class ActionModule(ActionBase):
    """Call the module."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        read = self._execute_module(module_name="inference.ollama.firewalld_info", task_vars=task_vars)
        return {**result, **with_module(read)}


def with_module(read: dict[str, Any]) -> dict[str, Any]:
    """What the module has read, with ``module``, whether this Ansible can change rules of firewalld."""
    if read.get("failed"):
        return read
    return {**read, "firewalld": {**read["firewalld"], "module": has_module(MODULE)}}


def has_module(name: str) -> bool:
    """Whether this Ansible has a module, by its whole name; nothing is printed where its collection is absent."""
    try:
        # The loader warns of a collection that is not there.
        import_module(f"ansible_collections.{name.rpartition('.')[0]}")
    except ImportError:
        return False
    return bool(module_loader.find_plugin_with_context(name).resolved)
