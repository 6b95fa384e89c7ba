# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``store``; documented in plugins/modules/store.py."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.action.benchmark import JobAction


class ActionModule(JobAction):
    """Move a store as a job, and print how far it is."""

    MODULE = "inference.ollama.store"
    CALLED = "the move of a store"
    DOING = "moving the store"
    MOST_SECONDS = 86400.0
