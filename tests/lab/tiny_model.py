# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a model of random weights that a real llama-server loads and answers with.

tiny_model.py FILE [LAYERS WIDTH INNER]

Llama's architecture, a token for each byte, no sense. It is as small as it can be with most of a runner's memory
still being the model's and its cache's, so that the share of each NUMA node says where those lie. The same text
comes out each time: the generator has a fixed seed.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import gguf
import numpy as np

SEED = 1
HEADS, CONTEXT = 8, 32768
SPECIAL = ("<unk>", "<s>", "</s>")


class Shape(NamedTuple):
    """How many layers, how wide they are, and how wide within."""

    layers: int = 2
    width: int = 256
    inner: int = 1024


def vocabulary() -> tuple[list[str], list[float], list[int]]:
    """Texts, scores and kinds of the tokens: three special ones, and one for each byte."""
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * 256]
    return tokens, [0.0] * len(tokens), [int(kind) for kind in kinds]


def weights(tokens: int, shape: Shape) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor; one dimension is a norm, which is kept at one."""
    layers, width, inner = shape
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (tokens, width),
        "output_norm": (width,),
        "output": (tokens, width),
    }
    for layer in range(layers):
        shapes.update(
            {
                f"blk.{layer}.attn_norm": (width,),
                f"blk.{layer}.attn_q": (width, width),
                f"blk.{layer}.attn_k": (width, width),
                f"blk.{layer}.attn_v": (width, width),
                f"blk.{layer}.attn_output": (width, width),
                f"blk.{layer}.ffn_norm": (width,),
                f"blk.{layer}.ffn_gate": (inner, width),
                f"blk.{layer}.ffn_up": (inner, width),
                f"blk.{layer}.ffn_down": (width, inner),
            }
        )
    return shapes


SMALLEST = Shape()


def write(path: str, shape: Shape = SMALLEST) -> None:
    tokens, scores, kinds = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("standin")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.width // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    random = np.random.default_rng(SEED)
    for name, size in weights(len(tokens), shape).items():
        if len(size) == 1:
            data = np.ones(size, dtype=np.float32)
        else:
            # Sixteen values, so that the file packs well: it travels to an emulated host.
            data = (random.integers(-8, 8, size=size) / 256).astype(np.float16)
        writer.add_tensor(f"{name}.weight", data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1], Shape(*map(int, sys.argv[2:])))
