# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's architecture leaves no choice in.

Sources: docs/policy.md, rule M1.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

# Architectures that the server holds to one request at a time, and since when (server/sched.go@0.33.0-rc2).
SINGLE_SINCE = {
    "mllama": "0.7.0",
    "qwen3vl": "0.12.7",
    "qwen3vlmoe": "0.12.7",
    "qwen3next": "0.15.5",
    "lfm2": "0.15.5",
    "lfm2moe": "0.15.5",
    "qwen35": "0.17.1",
    "qwen35moe": "0.17.1",
    "nemotron_h": "0.17.1",
    "nemotron_h_moe": "0.17.1",
    "nemotron_h_omni": "0.22.0",
}


def single(planning: Planning, model: ReferenceModel) -> bool:
    """Whether the release holds the model to one request at a time; False where the release is unknown and matters."""
    since = SINGLE_SINCE.get(model.family or "")
    return model.embeds or (since is not None and planning.at_least(since))


__all__ = ("SINGLE_SINCE", "single")
