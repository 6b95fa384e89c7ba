# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of model_shapes.py whose layers differ: recurrent ones, compressed keys, keys that layers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparse_model import EPSILON, Model, experts, heads, state

if TYPE_CHECKING:
    from collections.abc import Callable


def deepseek_lite(w: int, _n: int, *, compressed: bool = True) -> Model:
    """DeepSeek V2 Lite, whose 27 layers are how llama.cpp knows it; ``compressed``: as files are written today."""
    return deepseek(256 * w, 27, 102400, 4 * w, 0, (10944 // 8 * w, 16, 352 * w, 2), compressed=compressed)


def deepseek_v3(w: int, n: int) -> Model:
    """DeepSeek V3: queries compressed too."""
    return deepseek(896 * w, 6 * n, 129280, 16 * w, 384 * w, (2304 * w, 32 * w, 256 * w, 1))


def deepseek(  # noqa: PLR0913, PLR0917  # the sizes that differ
    width: int, layers: int, tokens: int, count: int, rank: int, inner: tuple[int, int, int, int], *, compressed=True
) -> Model:
    """``rank`` is that of the queries; ``inner`` is (dense width, experts, their width, shared ones)."""
    kv, rope, plain, value = 512, 64, 128, 128
    dense, number, narrow, shared = inner
    dense -= dense % 32
    keys = {
        **(heads(count, 1, kv + rope, dense, kv) if compressed else heads(count, count, plain + rope, dense, value)),
        **experts(number, 6 if shared == 2 else 8, narrow, shared_count=shared, gating_func=2),
        "rope.dimension_count": rope,
        "leading_dense_block_count": 1,
        "attention.kv_lora_rank": kv,
    }
    if compressed:
        keys.update({"attention.key_length_mla": plain + rope, "attention.value_length_mla": value})
    if rank:
        keys["attention.q_lora_rank"] = rank
    model = Model("deepseek2", width, layers, tokens, keys)
    model.ends()
    for layer in range(layers):
        at = f"blk.{layer}"
        model.norms(layer, "attn_norm", "ffn_norm")
        model.norms(layer, "attn_kv_a_norm", width=kv)
        if rank:
            model.norms(layer, "attn_q_a_norm", width=rank)
            model.add(f"{at}.attn_q_a", width, rank)
        model.add(f"{at}.attn_q_b" if rank else f"{at}.attn_q", rank or width, count * (plain + rope))
        model.add(f"{at}.attn_kv_a_mqa", width, kv + rope)
        if compressed:
            model.add(f"{at}.attn_k_b", plain, kv, count)
            model.add(f"{at}.attn_v_b", kv, value, count)
        else:
            model.add(f"{at}.attn_kv_b", kv, count * (plain + value))
        model.add(f"{at}.attn_output", count * value, width)
        if layer == 0:
            model.feed_forward(layer, dense)
        else:
            model.mixture(layer, number, narrow, shared=narrow * shared)
    return model


def qwen3next(w: int, n: int) -> Model:
    """Qwen3-Next 80B-A3B: three layers of delta net before each one of attention; many experts."""
    keys = {**heads(4 * w, w, 256, 128 * w), **experts(32 * w, 10, 128 * w, shared_feed_forward_length=128 * w)}
    keys.update({**state(1024 * w, 128, 8 * w, 4 * w), "rope.dimension_count": 64})
    model = Model("qwen3next", 512 * w, 8 * n, 151936, keys)
    model.ends()
    for layer in range(model.layers):
        delta_or_attention(model, layer, 4 * w, w, joined=True)
        model.mixture(layer, 32 * w, 128 * w, shared=128 * w)
        model.add(f"blk.{layer}.ffn_gate_inp_shexp", model.width)
    return model


def qwen35(w: int, n: int) -> Model:
    """Qwen 3.5, a dense one: three layers of delta net before each one of attention."""
    keys = {**heads(4 * w, w, 256, 1792 * w), **state(1024 * w, 128, 8 * w, 8 * w)}
    keys.update({"rope.dimension_count": 64, "rope.dimension_sections": [11, 11, 10, 0]})
    model = Model("qwen35", 512 * w, 8 * n, 248320, keys)
    model.ends(tied=True)
    for layer in range(model.layers):
        delta_or_attention(model, layer, 4 * w, w, joined=False)
        model.feed_forward(layer, 1792 * w)
    return model


def delta_or_attention(model: Model, layer: int, count: int, kv: int, *, joined: bool) -> None:
    model.norms(layer, "attn_norm", "post_attention_norm")
    if (layer + 1) % 4:
        model.delta_net(layer, joined=joined)
    else:
        model.attention(layer, count, kv, 256, queries=2)
        model.norms(layer, "attn_q_norm", "attn_k_norm", width=256)


def mamba2(w: int, n: int) -> Model:
    """Mamba 2 2.7B: no attention at all."""
    keys = {**heads(0, 0, 0, 0), **state(1024 * w, 128, 16 * w, 1)}
    keys = {key: value for key, value in keys.items() if "length" not in key and "rope" not in key}
    model = Model("mamba2", 512 * w, 12 * n, 50288, keys)
    model.ends(tied=True)
    for layer in range(model.layers):
        model.norms(layer, "attn_norm")
        model.mamba(layer)
    return model


def nemotron_h(w: int, n: int) -> Model:
    """Nemotron Nano 9B v2: Mamba, feed-forward and, seldom, attention, each a layer of its own."""
    pattern = "M-M-M*-M-M-M" * n
    inner = [1792 * w if kind == "-" else 0 for kind in pattern]
    keys = {**heads(4 * w, [w if kind == "*" else 0 for kind in pattern], 128, inner), EPSILON: 1e-5}
    model = Model("nemotron_h", 512 * w, len(pattern), 131072, {**keys, **state(1024 * w, 128, 16 * w, 8)})
    model.ends()
    for layer, kind in enumerate(pattern):
        model.norms(layer, "attn_norm")
        if kind == "M":
            model.mamba(layer)
        elif kind == "*":
            model.attention(layer, 4 * w, w, 128)
        else:
            model.feed_forward(layer, 1792 * w, gate=False)
    return model


def granite_hybrid(w: int, n: int) -> Model:
    """Granite 4 tiny: nine layers of Mamba to one of attention, all with experts and a shared one."""
    kv = [w if layer % 10 == 5 else 0 for layer in range(10 * n)]
    keys = {**heads(4 * w, kv, 128, 256 * w), **experts(16, 6, 256 * w, shared_feed_forward_length=512 * w)}
    model = Model("granitehybrid", 512 * w, len(kv), 100352, {**keys, **state(1024 * w, 128, 16 * w, 1)})
    model.ends(tied=True)
    for layer, keys_here in enumerate(kv):
        model.norms(layer, "attn_norm", "ffn_norm")
        if keys_here:
            model.attention(layer, 4 * w, w, 128)
        else:
            model.mamba(layer)
        model.mixture(layer, 16, 256 * w, shared=512 * w)
    return model


def gemma3n(w: int, n: int) -> Model:
    """Gemma 3n E2B: the last layers use the keys of those before; embeddings by layer, of a smaller vocabulary here."""
    layers, inner = 20 + 4 * n, 1024 * w
    pattern = [(layer + 1) % 5 != 0 for layer in range(layers)]
    keys = {**heads(2 * w, w, 256, [inner] * layers), "attention.sliding_window": 512}
    model = Model("gemma3n", 512 * w, layers, 32768, {**keys, "attention.sliding_window_pattern": pattern})
    model.ends(tied=True)
    by_layer_embeddings(model, 256)
    for name in ("altup_proj", "altup_unembd_proj"):
        model.add(name, model.width, model.width, 3)
    for layer in range(layers):
        gemma_layer(model, layer, (2 * w, w, 256), inner)
        model.norms(layer, "altup_correct_scale", "altup_router_norm", "laurel_post_norm")
        for name, *dims in (
            ("altup_correct_coef", 4, 4),
            ("altup_predict_coef", 4, 16),
            ("altup_router", model.width, 4),
            ("laurel_l", model.width, 64),
            ("laurel_r", 64, model.width),
        ):
            model.add(f"blk.{layer}.{name}", *dims)
    return model


def gemma4(w: int, n: int) -> Model:
    """Gemma 4 E2B: as gemma3n, and wider heads in the layers without a window."""
    layers, inner = 10 * n, 1536 * w
    pattern = [(layer + 1) % 5 != 0 for layer in range(layers)]
    keys = {**gemma4_keys(2 * w, w, inner, 512, pattern), "attention.shared_kv_layers": 5 * n}
    model = Model("gemma4", 512 * w, layers, 65536, {**keys, "embedding_length_per_layer_input": 256})
    model.ends(tied=True)
    model.add("rope_freqs", 256)
    by_layer_embeddings(model, 256)
    for layer in range(layers):
        gemma_layer(model, layer, (2 * w, w, 256 if pattern[layer] else 512), inner, own=layer < 5 * n)
    return model


def gemma4_moe(w: int, n: int) -> Model:
    """Gemma 4 26B-A4B: experts beside a dense feed-forward, and fewer, wider heads in the layers without a window."""
    layers, inner, narrow = 6 * n, 544 * w, 192 * w
    pattern = [(layer + 1) % 6 != 0 for layer in range(layers)]
    kv = [2 * w if windowed else w for windowed in pattern]
    keys = {**gemma4_keys(4 * w, kv, inner, 1024, pattern), **experts(32 * w, 8, narrow)}
    model = Model("gemma4", 704 * w, layers, 262144, {**keys, "embedding_length_per_layer_input": 0})
    model.ends(tied=True)
    model.add("rope_freqs", 256)
    for layer in range(layers):
        gemma_layer(model, layer, (4 * w, kv[layer], 256 if pattern[layer] else 512), inner, by_layer=False)
        model.mixture(layer, 32 * w, narrow)
        model.add(f"blk.{layer}.ffn_gate_inp.scale", model.width)
        model.norms(layer, "pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2")
    return model


def gemma4_keys(count: int, kv: int | list[int], inner: int, window: int, pattern: list[bool]) -> dict:
    return {
        **heads(count, kv, 512, [inner] * len(pattern)),
        "attention.key_length_swa": 256,
        "attention.value_length_swa": 256,
        "rope.dimension_count_swa": 256,
        "attention.sliding_window": window,
        "attention.sliding_window_pattern": pattern,
        "final_logit_softcapping": 30.0,
    }


def by_layer_embeddings(model: Model, size: int) -> None:
    model.add("per_layer_token_embd", size * model.layers, model.tokens)
    model.add("per_layer_model_proj", model.width, size * model.layers)
    model.add("per_layer_proj_norm", size)


def gemma_layer(  # noqa: PLR0913  # what differs between the families
    model: Model, layer: int, attention: tuple[int, int, int], inner: int, *, own: bool = True, by_layer: bool = True
) -> None:
    """``attention`` is (heads, KV heads, length); ``own``: the layer has keys and values of its own."""
    count, kv, key = attention
    model.norms(layer, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
    model.norms(layer, "attn_q_norm", width=key)
    model.attention(layer, count, kv, key)
    if own:
        model.norms(layer, "attn_k_norm", width=key)
    else:
        for name in "kv":
            del model.tensors[f"blk.{layer}.attn_{name}.weight"]
    model.feed_forward(layer, inner)
    if by_layer:
        model.add(f"blk.{layer}.inp_gate", model.width, 256)
        model.add(f"blk.{layer}.proj", 256, model.width)
        model.norms(layer, "post_norm")


SHAPES: dict[str, Callable[[int, int], Model]] = {
    "deepseek-lite": deepseek_lite,
    "deepseek-lite-old": lambda w, n: deepseek_lite(w, n, compressed=False),
    "deepseek-v3": deepseek_v3,
    "qwen3next": qwen3next,
    "qwen35": qwen35,
    "mamba2": mamba2,
    "nemotron-h": nemotron_h,
    "granite-hybrid": granite_hybrid,
    "gemma3n": gemma3n,
    "gemma4": gemma4,
    "gemma4-moe": gemma4_moe,
}
