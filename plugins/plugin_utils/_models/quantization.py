# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The size that a model would have in another quantisation.

An estimate: each tensor's type depends on its shape and its place too. Models of 1 to 100 billion parameters come
within 4 % of the files that llama-quantize writes of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# Types of the K family and the one that they rest on store blocks of so many elements, which rows must be multiples of.
_BLOCK = 256
# Rows of other lengths are stored in this one, or in types that save little (tensor_type_fallback of llama-quant.cpp).
_ANY_ROWS = "Q8_0"
# What is quantised as it is trained, and gains nothing from being quantised again.
_TRAINED = ("MXFP4", "NVFP4")


class Quantization(NamedTuple):
    """Bits per weight of a quantisation.

    ``whole`` is the mean of all weights of Llama 3.1 8B (tools/quantize/README.md of llama.cpp b11434). ``layers`` is
    the mean of its repeating layers, which follows from that once token embedding and head are taken off, whose types
    have ``input`` and ``output`` bits (llama-quant.cpp). A head that shares the embedding has the head's type.
    """

    whole: float
    layers: float
    input: float
    output: float


# The best first, with the number of bits of the types of blocks: q8_0 8.5, q6_K 6.5625, q5_K 5.5, q4_K 4.5, q3_K
# 3.4375, q2_K 2.625 (ggml-common.h).
LADDER = {
    "Q8_0": Quantization(8.5008, 8.5, 8.5, 8.5),
    "Q6_K": Quantization(6.5633, 6.5625, 6.5625, 6.5625),
    "Q5_K_M": Quantization(5.7036, 5.654, 5.5, 6.5625),
    "Q4_K_M": Quantization(4.8944, 4.799, 4.5, 6.5625),
    "Q3_K_M": Quantization(3.9960, 3.845, 3.4375, 6.5625),
    "Q2_K": Quantization(3.1593, 2.943, 2.625, 6.5625),
}


def choices(model: Mapping[str, Any]) -> list[str]:
    """The quantisations that the model could have, the best first; none where its weights cannot be counted."""
    if str(model.get("quantization") or "").upper().startswith(_TRAINED) or not _parameters(model):
        return []
    width = model.get("embedding_length")
    return [name for name in LADDER if name == _ANY_ROWS or not width or width % _BLOCK == 0]


def in_quantization(model: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The model's record as if its weights were quantised so; a projector and the norms stay as they are.

    ``model`` is one for which choices() has the name.
    """
    bits, groups = LADDER[name], model.get("tensor_bytes")
    old = model["size_bytes"] - _projector(model)
    if groups is None:
        new, tensors = round(_parameters(model) * bits.whole / 8), None
    else:
        tensors = _tensors(model, groups, bits)
        new = sum((tensors["input"], tensors["output"], tensors["other"]))
        new += sum(sum(layer.values()) for layer in tensors["layers"])
    files = [
        {**file, "size_bytes": file["size_bytes"] * new // old} if file.get("role") == "model" and old else file
        for file in model.get("files") or []
    ]
    return {
        **model,
        "quantization": name,
        "size_bytes": new + _projector(model),
        "files": files,
        "tensor_bytes": tensors,
    }


def _tensors(model: Mapping[str, Any], groups: Mapping[str, Any], bits: Quantization) -> dict[str, Any]:
    one = (model.get("vocabulary_size") or 0) * (model.get("embedding_length") or 0)
    tied = not groups["output"] or bool(model.get("tied_embeddings"))
    # The output norm's few bytes go with the head, as they lie in its group.
    head = 0 if tied else one
    first = round(one * (bits.output if tied else bits.input) / 8)
    rest = max(0, _parameters(model) - one - head)
    kept = sum(layer.get("norm", 0) for layer in groups["layers"])
    before = groups["other"] + sum(sum(layer.values()) for layer in groups["layers"]) - kept
    share = rest * bits.layers / 8 / before if before else 0.0
    return {
        "input": first if one else round(groups["input"] * share),
        "output": groups["output"] if tied else round(head * bits.output / 8),
        "other": round(groups["other"] * share),
        "layers": [
            {part: size if part == "norm" else round(size * share) for part, size in layer.items()}
            for layer in groups["layers"]
        ],
    }


def _parameters(model: Mapping[str, Any]) -> int:
    """The number of weights, by the file or by its size; 0 where neither is known."""
    count = model.get("parameter_count")
    if count:
        return int(count)
    own = LADDER.get(str(model.get("quantization")).upper())
    size = model.get("size_bytes")
    return round((size - _projector(model)) * 8 / own.whole) if own and size else 0


def _projector(model: Mapping[str, Any]) -> int:
    return int((model.get("projector") or {}).get("size_bytes") or 0)
