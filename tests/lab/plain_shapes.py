# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of model_shapes.py whose layers are all alike, but for their windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
from sparse_model import EPSILON, Model, experts, heads

if TYPE_CHECKING:
    from collections.abc import Callable

F16, Q4, Q8, MXFP4 = (gguf.GGMLQuantizationType[name] for name in ("F16", "Q4_0", "Q8_0", "MXFP4"))


def llama(width: int, layers: int, attention: tuple[int, int, int], inner: int, *, tied: bool = False) -> Model:
    """``attention`` is (heads, KV heads, length)."""
    model = Model("llama", width, layers, 128256, heads(*attention, inner), weights=Q8 if tied else Q4)
    model.ends(tied=tied)
    for layer in range(layers):
        model.norms(layer, "attn_norm", "ffn_norm")
        model.attention(layer, *attention)
        model.feed_forward(layer, inner)
    return model


def llama_small(w: int, n: int) -> Model:
    """Llama 3.2 1B: one matrix for embedding and head."""
    return llama(512 * w, 8 * n, (8 * w, 2 * w, 64), 2048 * w, tied=True)


def llama_large(w: int, n: int) -> Model:
    """Llama 3.3 70B: eight heads share a key."""
    return llama(1024 * w, 8 * n, (8 * w, w, 128), 3584 * w)


def mixtral(w: int, n: int) -> Model:
    """Mixtral 8x7B."""
    inner = 1792 * w
    model = Model("llama", 512 * w, 6 * n, 32000, {**heads(4 * w, w, 128, inner), **experts(8, 2, inner)})
    model.ends()
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "ffn_norm")
        model.attention(layer, 4 * w, w, 128)
        model.mixture(layer, 8, inner)
    return model


def qwen2(w: int, n: int) -> Model:
    """Qwen 2.5 0.5B: biases on queries, keys and values."""
    model = Model("qwen2", 896 * w, 8 * n, 151936, heads(14 * w, 2 * w, 64, 4864 * w))
    model.ends(tied=True)
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "ffn_norm")
        model.attention(layer, 14 * w, 2 * w, 64, bias="qkv")
        model.feed_forward(layer, 4864 * w)
    return model


def qwen3(w: int, n: int, mixture: int = 0) -> Model:
    """Qwen 3 0.6B, and 30B-A3B where ``mixture`` is the count of experts."""
    inner, kv = (192 * w, w) if mixture else (1536 * w, 4 * w)
    keys = heads(8 * w, kv, 128, inner)
    if mixture:
        keys.update(experts(mixture, 8, inner))
    model = Model("qwen3moe" if mixture else "qwen3", 512 * w, 6 * n, 151936, keys)
    model.ends(tied=not mixture)
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "ffn_norm")
        model.norms(layer, "attn_q_norm", "attn_k_norm", width=128)
        model.attention(layer, 8 * w, kv, 128)
        if mixture:
            model.mixture(layer, mixture, inner)
        else:
            model.feed_forward(layer, inner)
    return model


def gemma2(w: int, n: int) -> Model:
    """Gemma 2 2B: every second layer with a window of 4,096 tokens."""
    keys = {**heads(2 * w, w, 256, 2304 * w), "attention.sliding_window": 4096, "attn_logit_softcapping": 50.0}
    model = Model("gemma2", 576 * w, 6 * n, 256000, {**keys, "final_logit_softcapping": 30.0})
    model.ends(tied=True)
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        model.attention(layer, 2 * w, w, 256)
        model.feed_forward(layer, 2304 * w)
    return model


def gemma3(w: int, n: int) -> Model:
    """Gemma 3 270M: five layers with a window of 512 tokens before each one without."""
    model = Model(
        "gemma3", 640 * w, 12 * n, 262144, {**heads(4 * w, w, 256, 2048 * w), "attention.sliding_window": 512}
    )
    model.ends(tied=True)
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        model.norms(layer, "attn_q_norm", "attn_k_norm", width=256)
        model.attention(layer, 4 * w, w, 256)
        model.feed_forward(layer, 2048 * w)
    return model


def gpt_oss(w: int, n: int) -> Model:
    """gpt-oss 20B: every second layer with a window of 128 tokens, sinks, experts of four bits."""
    width = 576 * w
    keys = {**heads(16 * w, 2 * w, 64, width), **experts(32, 4, width), "attention.sliding_window": 128}
    model = Model("gpt-oss", width, 6 * n, 201088, keys, weights=Q8, experts=MXFP4)
    model.ends()
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "post_attention_norm")
        model.attention(layer, 16 * w, 2 * w, 64, bias="qkvo")
        model.add(f"blk.{layer}.attn_sinks", 16 * w)
        model.mixture(layer, 32, width)
        model.add(f"blk.{layer}.ffn_gate_inp.bias", 32)
        for name in ("gate", "up", "down"):
            model.add(f"blk.{layer}.ffn_{name}_exps.bias", width, 32)
    return model


def llama4(w: int, n: int) -> Model:
    """Llama 4 Scout: three layers of chunks of 8,192 tokens before each one without; one expert and a shared one."""
    inner = 512 * w
    keys = {**heads(5 * w, w, 128, 2048 * w), **experts(16, 1, inner), "interleave_moe_layer_step": 1}
    model = Model("llama4", 640 * w, 8 * n, 202048, keys)
    model.ends()
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "ffn_norm")
        model.attention(layer, 5 * w, w, 128)
        model.mixture(layer, 16, inner, shared=inner)
    return model


def phi3(w: int, n: int) -> Model:
    """Phi 3 mini: queries, keys and values in one matrix, every head its own key."""
    model = Model(
        "phi3", 768 * w, 8 * n, 32064, {**heads(8 * w, 8 * w, 96, 2048 * w), "attention.sliding_window": 2047}
    )
    model.ends()
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "ffn_norm")
        model.add(f"blk.{layer}.attn_qkv", model.width, 3 * model.width)
        model.add(f"blk.{layer}.attn_output", model.width, model.width)
        model.add(f"blk.{layer}.ffn_up", model.width, 2 * 2048 * w)
        model.add(f"blk.{layer}.ffn_down", 2048 * w, model.width)
    return model


def phi2(w: int, n: int) -> Model:
    """Phi 2: heads of 80, which no quantised cache takes; biases everywhere."""
    keys = {**heads(8 * w, 8 * w, 80, 2560 * w), EPSILON: 1e-5, "rope.dimension_count": 32}
    model = Model("phi2", 640 * w, 6 * n, 51200, keys)
    model.ends()
    model.add("output_norm.bias", model.width)
    model.add("output.bias", model.tokens)
    for layer in range(model.layers):
        model.norms(layer, "attn_norm", "attn_norm.bias", "ffn_down.bias")
        model.attention(layer, 8 * w, 8 * w, 80, bias="qkvo")
        model.feed_forward(layer, 2560 * w, gate=False)
        model.add(f"blk.{layer}.ffn_up.bias", 2560 * w)
    return model


def bert(w: int, n: int) -> Model:
    """all-minilm: an encoder with a table of positions; it only embeds."""
    keys = {**heads(12 * w, 12 * w, 32, 1536 * w), EPSILON: 1e-12, "pooling_type": 1, "attention.causal": False}
    model = Model("bert", 384 * w, 6 * n, 30522, {**keys, "context_length": 512}, weights=F16, tokenizer="bert")
    model.add("position_embd", model.width, 512)
    return encoder(model, 12 * w, 1536 * w, gate=False)


def nomic_bert(w: int, n: int) -> Model:
    """nomic-embed-text: an encoder with a gate in its feed-forward."""
    keys = {**heads(12 * w, 12 * w, 64, 3072 * w), EPSILON: 1e-12, "pooling_type": 1, "attention.causal": False}
    model = Model("nomic-bert", 768 * w, 6 * n, 30522, {**keys, "context_length": 2048}, weights=F16, tokenizer="bert")
    return encoder(model, 12 * w, 3072 * w, gate=True)


def encoder(model: Model, count: int, inner: int, *, gate: bool) -> Model:
    model.ends(tied=True, norm="token_embd_norm")
    model.add("token_embd_norm.bias", model.width)
    model.add("token_types", model.width, 2)
    for layer in range(model.layers):
        model.attention(layer, count, count, model.width // count, bias="" if gate else "qkvo")
        model.norms(layer, "attn_output_norm", "attn_output_norm.bias", "layer_output_norm", "layer_output_norm.bias")
        model.feed_forward(layer, inner, gate=gate)
    return model


SHAPES: dict[str, Callable[[int, int], Model]] = {
    "llama-small": llama_small,
    "llama-large": llama_large,
    "mixtral": mixtral,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "qwen3moe": lambda w, n: qwen3(w, n, 32 * w),
    "gemma2": gemma2,
    "gemma3": gemma3,
    "gpt-oss": gpt_oss,
    "llama4": llama4,
    "phi2": phi2,
    "phi3": phi3,
    "bert": bert,
    "nomic-bert": nomic_bert,
}
