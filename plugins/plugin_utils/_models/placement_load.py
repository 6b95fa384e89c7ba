# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With which context, slots, cache type and attention a server loads a model, by its environment and the model's own
parameters.

Sources: server/sched.go, llm/server.go and envconfig/config.go of the releases named.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_graph import OWN_ENGINE
from ansible_collections.inference.ollama.plugins.plugin_utils._models.prediction import batch_rows
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.attention import attends, cache_type
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import single
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Inputs
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel

# Slots that a release gives a model where nobody sets them, from the newest on. All fall to one where that helps.
_SLOTS = (("0.10.0", 1), ("0.6.7", 2), ("0.2.0", 4))
# The least context of a model that sees pictures, and of gpt-oss in these releases.
_VISION_TOKENS, _LEAST_TOKENS = 2048, 4
_GPT_OSS, _GPT_OSS_TOKENS = (parse_release("0.11.4"), parse_release("0.15.4")), 8192
# Before 0.30 these have flash attention where nobody sets it (fs/ggml/ggml.go@0.24.0, FlashAttention), and from this
# release on llama.cpp's runner decides by itself, which switches it on.
# fmt: off
_FLASH_BY_DEFAULT = frozenset({
    "bert", "gemma3", "gemma4", "glm4moelite", "glmocr", "gpt-oss", "gptoss", "lfm2", "lfm2moe", "mistral3",
    "nemotron_h", "nemotron_h_moe", "nemotron_h_omni", "olmo3", "qwen3", "qwen35", "qwen35moe", "qwen3moe",
    "qwen3next", "qwen3vl", "qwen3vlmoe",
})
# fmt: on
_RUNNER_DECIDES = parse_release("0.13.4")


def load_of(record: Mapping[str, Any], inputs: Inputs) -> Load:
    """How the server loads the model, with the rows that it takes where memory is plenty."""
    family = str(record.get("family") or "")
    reference = cast("ReferenceModel", SimpleNamespace(family=family, embeds=bool(record.get("embedding_only"))))
    parameters = record.get("parameters") or {}
    context = parameters.get("num_ctx") or inputs.options.context or inputs.default_context
    if family in ("gptoss", "gpt-oss") and _GPT_OSS[0] <= inputs.release <= _GPT_OSS[1]:
        context = max(context, _GPT_OSS_TOKENS)
    context = max(context, _VISION_TOKENS if record.get("projector") else _LEAST_TOKENS)
    context = min(context, record.get("context_length") or context)
    parallel = inputs.options.parallel or default_slots(inputs)
    if single(inputs.planning, reference):
        parallel = 1
    flash = attends(inputs.planning, reference) and (_by_default(family, inputs))
    kv_type = cache_type(inputs.planning, reference) if flash else "f16"
    load = Load(context, parallel, kv_type, flash)
    rows = parameters.get("num_batch")
    if rows is None:
        embedding = bool(record.get("embedding_only"))
        tokens = load.tokens if inputs.fits_itself else load.context
        rows = batch_rows(tokens, inputs.release, embedding=embedding)
    return replace(load, rows=max(1, min(rows, load.tokens if inputs.fits_itself else load.context)))


def default_slots(inputs: Inputs) -> int:
    """Slots of a model where nobody sets them."""
    return next((slots for since, slots in _SLOTS if inputs.release >= parse_release(since)), 1)


def rows_are_free(record: Mapping[str, Any], inputs: Inputs) -> bool:
    """Whether the server chooses the rows of a batch by the memory that there is."""
    chosen = (record.get("parameters") or {}).get("num_batch")
    return inputs.fits_itself and chosen is None and not record.get("embedding_only")


def _by_default(family: str, inputs: Inputs) -> bool:
    """Whether flash attention is on without anybody asking for it, where model and devices have it."""
    if inputs.planning.policy.flash_attention is not None or inputs.fits_itself:
        return True
    return family in _FLASH_BY_DEFAULT or (family not in OWN_ENGINE and inputs.release >= _RUNNER_DECIDES)
