# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of JSON for each result, as a callback of a repository's own prints them."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: one_line
type: stdout
short_description: A line of JSON for each result
description: A line of JSON for each result.
"""


class CallbackModule(CallbackBase):
    """Print what a task came to, with all that it returned."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "one_line"

    def _print(self, status, result):
        shown = {"host": result._host.get_name(), "task": result._task.get_name(), "status": status}
        shown["acts_on"] = self.host_label(result).partition(" -> ")[2]
        self._display.display(json.dumps({**shown, "result": result._result}, default=str))

    def v2_runner_on_ok(self, result):
        self._print("changed" if result._result.get("changed") else "ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: FBT002 - the signature is Ansible's
        self._print("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result):
        self._print("unreachable", result)
