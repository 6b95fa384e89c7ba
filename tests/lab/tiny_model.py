# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a model of random weights that a real llama-server loads and answers with: tiny_model.py FILE.

Llama's architecture, a token for each byte, no sense. It is as small as it can be with most of a runner's memory
still being the model's and its cache's, so that the share of each NUMA node says where those lie. The same text
comes out each time: the generator has a fixed seed.
"""

from __future__ import annotations

import sys

import gguf
import numpy as np

SEED = 1
LAYERS, WIDTH, INNER, HEADS, CONTEXT = 2, 256, 1024, 8, 32768
SPECIAL = ("<unk>", "<s>", "</s>")


def vocabulary() -> tuple[list[str], list[float], list[int]]:
    """Texts, scores and kinds of the tokens: three special ones, and one for each byte."""
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * 256]
    return tokens, [0.0] * len(tokens), [int(kind) for kind in kinds]


def weights(tokens: int) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor; one dimension is a norm, which is kept at one."""
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (tokens, WIDTH),
        "output_norm": (WIDTH,),
        "output": (tokens, WIDTH),
    }
    for layer in range(LAYERS):
        shapes.update(
            {
                f"blk.{layer}.attn_norm": (WIDTH,),
                f"blk.{layer}.attn_q": (WIDTH, WIDTH),
                f"blk.{layer}.attn_k": (WIDTH, WIDTH),
                f"blk.{layer}.attn_v": (WIDTH, WIDTH),
                f"blk.{layer}.attn_output": (WIDTH, WIDTH),
                f"blk.{layer}.ffn_norm": (WIDTH,),
                f"blk.{layer}.ffn_gate": (INNER, WIDTH),
                f"blk.{layer}.ffn_up": (INNER, WIDTH),
                f"blk.{layer}.ffn_down": (WIDTH, INNER),
            }
        )
    return shapes


def write(path: str) -> None:
    tokens, scores, kinds = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("standin")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    random = np.random.default_rng(SEED)
    for name, shape in weights(len(tokens)).items():
        if len(shape) == 1:
            data = np.ones(shape, dtype=np.float32)
        else:
            # Sixteen values, so that the file packs well: it travels to an emulated host.
            data = (random.integers(-8, 8, size=shape) / 256).astype(np.float16)
        writer.add_tensor(f"{name}.weight", data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1])
