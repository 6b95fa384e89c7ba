# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's architecture leaves no choice in.

Sources: docs/policy.md, rule M1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning


def single(planning: Planning, model: ReferenceModel) -> bool:
    """Whether the release holds the model to one request at a time; False where the release is unknown and matters."""
    since = planning.contract.single_slot.get(model.family or "")
    return model.embeds or (since is not None and planning.release is not None and planning.release >= since)
