# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a model's tensors, by layer and by what they are for, as their names say.

src/llama-arch.cpp of llama.cpp b11434: LLM_TENSOR_NAMES, and LLM_TENSOR_INFOS for what counts as input and output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Tensor

GROUPS = ("attention", "feed_forward", "experts", "recurrent", "norm", "other")

_LAYER = re.compile(r"blk\.([0-9]{1,4})\.(.+)")
# Looked up by token or place, so they stay with the CPU.
_INPUT = ("token_embd.", "position_embd.", "token_types.", "per_layer_token_embd.")
# output_norm and the like lie with the last layer.
_OUTPUT = ("output.", "output_", "cls.", "dense_2.", "dense_3.")
# Projectors of images and sound, in a file of their own or in the model's.
_PROJECTOR = ("v.", "mm.", "a.", "vision.", "audio.", "resampler.")
_EXPERTS = re.compile(r"ffn_(gate|up|down|gate_up)(_exps|_chexps|\.[0-9]+)\.")
_RECURRENT = ("ssm_", "time_mix_", "channel_mix_", "shortconv.")
_NORM = re.compile(r"[a-z_.]*norm(_[a-z0-9]+)?\.")
_ATTENTION = ("attn_", "indexer", "cross_attn", "enc_attn", "dec_attn", "hc_attn")
_FEED_FORWARD = ("ffn_", "ffn.", "exp_probs_b", "hc_ffn")


def is_projector(tensor: Tensor) -> bool:
    """Whether a tensor belongs to a projector of images or sound."""
    return tensor.name.startswith(_PROJECTOR)


def group_of(name: str) -> str:
    """The group of a tensor in a layer by what follows ``blk.N.``, as in ``attn_q.weight``."""
    if _EXPERTS.match(name):
        return "experts"
    if name.startswith(_RECURRENT):
        return "recurrent"
    if _NORM.match(name):
        return "norm"
    if name.startswith(_ATTENTION):
        return "attention"
    return "feed_forward" if name.startswith(_FEED_FORWARD) else "other"


def tensor_bytes(tensors: Iterable[Tensor], layers: int) -> dict[str, Any]:
    """``{input, output, other, embedding, layers: [{attention, …}]}`` of a model of so many layers, no projector.

    A layer with a number beyond them is counted as other; ``embedding`` is the token embedding alone, which is counted
    as input too.
    """
    rest = {"input": 0, "output": 0, "other": 0, "embedding": 0}
    found = [dict.fromkeys(GROUPS, 0) for _each in range(layers)]
    for tensor in tensors:
        if is_projector(tensor):
            continue
        match = _LAYER.fullmatch(tensor.name)
        if match is not None and int(match.group(1)) < layers:
            found[int(match.group(1))][group_of(match.group(2))] += tensor.size_bytes
            continue
        name = tensor.name
        part = "input" if name.startswith(_INPUT) else "output" if name.startswith(_OUTPUT) else "other"
        rest[part] += tensor.size_bytes
        rest["embedding"] += tensor.size_bytes if name.startswith(_INPUT[0]) else 0
    return {**rest, "layers": found}
