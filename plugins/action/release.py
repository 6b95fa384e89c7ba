# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``release``; documented in plugins/modules/release.py."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.action.benchmark import JobAction


class ActionModule(JobAction):
    """Bring a release as a job; removing needs none."""

    MODULE = "inference.ollama.release"
    CALLED = "bringing the release"
    DOING = "working"
    MOST_SECONDS = 7200.0

    def _answers_at_once(self) -> bool:
        return super()._answers_at_once() or self._task.args.get("state", "present") != "present"
