# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``gateway_server``; documented in plugins/modules/gateway_server.py.

The module waits for some seconds at a time, so that something can be printed in between.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

MODULE = "inference.ollama.gateway_server"
# What the module allows, in seconds.
LONGEST = 86400
# How long one call of the module waits, in seconds.
_SLICE = 10.0


class ActionModule(ActionBase):
    """Call the module again and again until what is waited for is there, or the time is over."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        result: dict[str, Any] = super().run(tmp, known)
        args = dict(self._task.args)
        seconds = _seconds(args.get("timeout"))
        begun = time.monotonic()
        left, changed = seconds, False
        while True:
            done = self._module({**args, **({"timeout": min(_SLICE, left)} if left > 0 else {})}, known)
            changed = changed or bool(done.get("changed"))
            waited = time.monotonic() - begun
            left = seconds - waited
            if done.get("failed") or done.get("unreachable") or self._is_over(args, done) or left <= 0:
                return {**result, **done, "changed": changed}
            self._say(known, done, waited, seconds)

    def _is_over(self, args: dict[str, Any], done: dict[str, Any]) -> bool:
        return bool(self._task.check_mode or not args.get("state") or done.get("settled"))

    def _module(self, args: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=args, task_vars=known)
        return done

    def _say(self, known: dict[str, Any], done: dict[str, Any], waited: float, seconds: float) -> None:
        at = self._task.delegate_to or known.get("inventory_hostname")
        of = ", ".join(
            f"{each['name']} is {each['state']} and has {each['sessions'] + each['queued']} streams"
            for each in done.get("servers") or []
        )
        line = one_line(
            f"{known.get('inventory_hostname')}: gateway {at}: {of}; waiting, {waited:.0f} of {seconds:g} s"
        )
        Display().display(line)


def _seconds(given: object) -> float:
    """Return how long to wait; nothing for what the module refuses."""
    try:
        seconds = float(str(given or 0))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds <= LONGEST else 0.0
