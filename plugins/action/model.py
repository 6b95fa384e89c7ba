# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``model``; documented in plugins/modules/model.py.

What takes long, pulling and creating, runs as a job whose progress is printed. Whether there is anything to do is asked
first, by the module in check mode, so that a model that is there takes one short call.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.inference.ollama.plugins.action.benchmark import JobAction

_LONG = ("present", "created")


class ActionModule(JobAction):
    """Pull or create as a job, and do anything else at once."""

    MODULE = "inference.ollama.model"
    CALLED = "the model's job"
    DOING = "working on the model"
    MOST_SECONDS = 86400.0

    def _answers_at_once(self) -> bool:
        return bool(self._task.check_mode) or self._task.args.get("state", "loaded") not in _LONG

    def _run_job(self, known: dict[str, Any]) -> dict[str, Any]:
        """Start the job where there is something to do."""
        if not self._asks_in_vain():
            done = self._asked(known)
            if done.get("failed") or not done.get("changed"):
                return done
        return super()._run_job(known)

    def _asks_in_vain(self) -> bool:
        """Return whether check mode may not know it, or would take as long as the job."""
        args = self._task.args
        return args.get("update", False) not in (False, "false", "no") or (
            args.get("file") is not None and args.get("file_sha256") is None
        )

    def _asked(self, known: dict[str, Any]) -> dict[str, Any]:
        """Return what the module says in check mode."""
        self._task.check_mode = True
        try:
            return self._module(self.MODULE, dict(self._task.args), known)
        finally:
            self._task.check_mode = False
