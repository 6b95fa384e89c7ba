# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``guard``: the module of that name, with the run that calls it."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.action import file_transaction


class ActionModule(file_transaction.ActionModule):
    """Call the module; where the change of a dead run is in the way, say so as the others do."""

    MODULE = "inference.ollama.guard"
