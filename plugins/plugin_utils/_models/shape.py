# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The widths of a model that its computation depends on; estimates where a record has none.

Sources: llama.cpp b11434, the graphs in src/models.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.layers import at, family, number

if TYPE_CHECKING:
    from collections.abc import Mapping

# Queries and keys are normalised by head.
NORMED_FAMILIES = frozenset(
    {
        "apertus",
        "bailingmoe2",
        "bailingmoe3",
        "cohere2moe",
        "dots1",
        "exaone-moe",
        "exaone4",
        "gemma-embedding",
        "gemma3",
        "gemma3n",
        "gemma4",
        "hunyuan-dense",
        "hunyuan-moe",
        "lfm2",
        "lfm2moe",
        "olmo2",
        "olmoe",
        "qwen3",
        "qwen35",
        "qwen35moe",
        "qwen3moe",
        "qwen3next",
        "qwen3vl",
        "qwen3vlmoe",
    }
)
# The result of attention and of the feed forward part is normalised before it is added.
AFTER_FAMILIES = frozenset({"exaone4", "gemma-embedding", "gemma2", "gemma3", "gemma3n", "gemma4", "glm4", "olmo2"})
# No gate in the feed forward part.
PLAIN_FAMILIES = frozenset(
    {
        "apertus",
        "arcee",
        "bert",
        "bloom",
        "codeshell",
        "falcon",
        "gpt2",
        "gptj",
        "gptneox",
        "mpt",
        "nemotron",
        "nemotron_h",
        "nemotron_h_moe",
        "nomic-bert-moe",
        "phi2",
        "starcoder",
        "starcoder2",
    }
)
# Of a model that is known by its numbers alone: parameters of a layer by the square of its width, and the vocabulary.
LAYER_SQUARES, FORWARD, VOCABULARY = 12, 4, 262144
# Bytes of a parameter at q4_0, the smallest usual type: the smaller, the wider the model.
PARAMETER_BYTES = 18 / 32
HEAD = 128
# n_embd_altup, which files do not carry (llama-hparams.h).
GEMMA3N_BY_LAYER = 256


def width(model: Mapping[str, Any]) -> int:
    """Elements of a token between layers; estimated from the weights where it is not known, rather too large."""
    if known := model.get("embedding_length"):
        return int(known)
    each = (model.get("size_bytes") or 0) / PARAMETER_BYTES / max(1, model.get("layers") or 1)
    return -(-math.isqrt(int(each / LAYER_SQUARES)) // HEAD) * HEAD


def heads(model: Mapping[str, Any], index: int) -> int:
    """Heads of the queries of a layer."""
    found = at(model.get("heads"), index)
    if found is None:
        return max(1, width(model) // (model.get("key_length") or HEAD), at(model.get("kv_heads"), index) or 0)
    return int(found)


def vocabulary(model: Mapping[str, Any]) -> int:
    """Tokens of the vocabulary; the largest usual one where it is not known."""
    return model.get("vocabulary_size") or VOCABULARY


def forward_length(model: Mapping[str, Any], index: int) -> int:
    """Elements of the feed forward part of a layer, 0 where it has none."""
    found = at(model.get("feed_forward_length"), index)
    tensors = at((model.get("tensor_bytes") or {}).get("layers"), index)
    if found is None:
        return 0 if tensors is not None and not tensors.get("feed_forward") else FORWARD * width(model)
    return int(found)


def expert_layer(model: Mapping[str, Any], index: int) -> bool:
    """Whether a layer has experts in place of one feed forward part."""
    found = model.get("experts")
    if not found or not found.get("count"):
        return False
    tensors = at((model.get("tensor_bytes") or {}).get("layers"), index)
    if tensors is not None and tensors.get("experts") is not None:
        return bool(tensors["experts"])
    step = number(model, "interleave_moe_layer_step") or 1
    return index >= (found.get("leading_dense_layers") or 0) and (index + 1) % step == 0


def expert_length(model: Mapping[str, Any], index: int) -> int:
    """Elements of one expert."""
    found = model.get("experts") or {}
    length = found.get("feed_forward_length") or forward_length(model, index)
    return int(length)


def shared_length(model: Mapping[str, Any], index: int) -> int:
    """Elements of the expert that every token uses, 0 where there is none."""
    found = model.get("experts") or {}
    if length := found.get("shared_feed_forward_length"):
        return int(length)
    number = found.get("shared") or (1 if family(model) == "llama4" else 0)
    return int(number * expert_length(model, index))


def by_layer(model: Mapping[str, Any]) -> int:
    """Elements of the embedding that each layer has of its own (Gemma 3n and 4), 0 where there is none."""
    return GEMMA3N_BY_LAYER if family(model) == "gemma3n" else number(model, "embedding_length_per_layer_input")
