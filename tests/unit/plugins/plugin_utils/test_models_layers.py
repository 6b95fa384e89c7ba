# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which kind the layers of a family are, and what they keep (_models/layers.py, cache.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models.cache import cache_bytes, slot_cells
from ansible_collections.inference.ollama.plugins.plugin_utils._models.layers import layers, window
from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load

MARKS = {"full": "F", "sliding": "S", "compressed": "C", "recurrent": "R", "none": "-"}
STATES = {"conv_kernel": 4, "inner_size": 1024, "state_size": 128, "time_step_rank": 16, "group_count": 1}


def model(family, count=8, **more):
    """A record with the least that layers take."""
    return {
        "family": family,
        "layers": count,
        "heads": [8] * count,
        "kv_heads": [2] * count,
        "key_length": 64,
        "value_length": 64,
        "embedding_length": 512,
        **more,
    }


def kinds(record):
    return "".join(MARKS[layer.kind] for layer in layers(record))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (model("llama"), "FFFFFFFF"),
        (model("llama", sliding_window=4096), "FFFFFFFF"),
        (model("phi3", sliding_window=2047), "FFFFFFFF"),
        (model("gemma2"), "SFSFSFSF"),
        (model("gemma3", sliding_window=512), "SSSSSFSS"),
        (model("gemma3"), "FFFFFFFF"),
        (model("gemma3", sliding_window=512, sliding_window_pattern=4), "SSSFSSSF"),
        (model("gpt-oss", sliding_window=128), "SFSFSFSF"),
        (model("gptoss", sliding_window=128), "SFSFSFSF"),
        (model("llama4"), "SSSFSSSF"),
        (model("llama4", sliding_window=0), "FFFFFFFF"),
        (model("cohere2moe", sliding_window=4096), "FSSSFSSS"),
        (model("exaone4"), "FFFFFFFF"),
        (model("gemma4", 4, sliding_window=512, sliding_window_pattern=[True, False] * 2, shared_kv_layers=2), "SF--"),
        (model("gemma3n", 25, sliding_window=512), "SSSSF" * 4 + "-----"),
        (model("deepseek2", 2, compressed_kv={"key_length": 192, "value_length": 128}), "CC"),
        (model("deepseek2", 2, compressed_kv={"key_length": None, "value_length": None}), "FF"),
        (model("qwen3next"), "RRRFRRRF"),
        (model("qwen35", metadata={"full_attention_interval": 2}), "RFRFRFRF"),
        (model("qwen35", 3, metadata={"attention.recurrent_layers": [0, 1, 1]}), "FRR"),
        (model("glm4moe", 3, metadata={"nextn_predict_layers": 1}), "FF-"),
        (model("mamba2", 3, kv_heads=[0] * 3), "RRR"),
        (model("jamba", 3, kv_heads=[0, 2, 0]), "RFR"),
        (model("lfm2", 3, kv_heads=[0, 2, 0], sliding_window=512), "RSR"),
        (model("nemotron_h", 3, kv_heads=[0, 0, 2], feed_forward_length=[0, 512, 0]), "R-F"),
        (model("falcon-h1", 2, recurrent=STATES), "FF"),
        (model("bert", 2), "--"),
    ],
)
def test_the_kind_of_each_layer(record, expected):
    """As llama.cpp's loader of the family has it."""
    assert kinds(record) == expected


def test_windows_are_those_of_the_family_where_files_have_none():
    """Llama 4's is not read at all."""
    assert window(model("gemma2")) == 4096
    assert window(model("llama4", sliding_window=1024)) == 8192
    assert window(model("exaone4", 64)) == 4096


@pytest.mark.parametrize(
    ("record", "bytes_a_slot"),
    [
        (model("mamba2", recurrent=STATES), 4 * (3 * (1024 + 256) + 128 * 1024)),
        (model("lfm2", metadata={"shortconv.l_cache": 3}), 4 * 512 * 2),
        (model("rwkv6", metadata={"wkv.head_size": 64}), 4 * 512 * (2 + 64)),
        (model("kimi-linear", metadata={"kda.head_dim": 128}, recurrent={"conv_kernel": 4}), 4 * 128 * 8 * (9 + 128)),
    ],
)
def test_the_state_of_recurrent_layers(record, bytes_a_slot):
    """Of convolution and state, four bytes an element, for each slot."""
    record = {**record, "kv_heads": [0] * 8}
    assert cache_bytes(record, Load(4096, 3)) == (3 * bytes_a_slot,) * 8


@pytest.mark.parametrize(
    ("context", "parallel", "cells"), [(4096, 1, 4096), (1, 1, 256), (257, 1, 512), (100, 3, 256), (4097, 2, 4352)]
)
def test_cells_are_divided_among_slots_and_rounded_up(context, parallel, cells):
    """Each slot has a cache of its own."""
    assert slot_cells(Load(context, parallel)) == cells


def test_a_window_keeps_its_tokens_and_a_batch():
    """For each slot, in steps of 256 cells."""
    full, sliding = 256 * 4 * 8192, 256 * 4 * 1024
    record = model("gemma3", 6, key_length=128, value_length=128, sliding_window=512)
    assert cache_bytes(record, Load(8192, 2)) == (2 * sliding,) * 5 + (2 * full,)


def test_a_compressed_cache_has_no_values():
    """576 elements a token for DeepSeek, whatever its heads."""
    record = model("deepseek2", 1, kv_heads=[1], key_length=576, compressed_kv={"key_length": 192, "value_length": 128})
    assert cache_bytes(record, Load(4096)) == (4096 * 576 * 2,)
    assert cache_bytes(record, Load(4096, kv_type="q8_0")) == (4096 * 576 * 34 // 32,)


def test_values_are_as_wide_as_the_widest_without_flash_attention():
    """They are stored transposed."""
    record = model("llama", 2, kv_heads=[1, 4])
    assert cache_bytes(record, Load(256, flash=False)) == (256 * 2 * (64 + 256), 256 * 2 * (256 + 256))


@given(
    st.sampled_from(["llama", "gemma2", "gpt-oss", "qwen3next", "mamba2", "bert", "", "unheard-of"]),
    st.integers(1, 100_000),
    st.integers(1, 16),
    st.sampled_from(["f16", "q8_0", "q4_0"]),
)
def test_a_cache_never_shrinks_with_tokens_or_slots(family, context, parallel, kv_type):
    """And no layer keeps less than nothing."""
    record = model(family, sliding_window=1024, recurrent=STATES)
    less = cache_bytes(record, Load(context, parallel, kv_type))
    assert all(size >= 0 for size in less)
    for more in (Load(context + 256, parallel, kv_type), Load(context, parallel + 1, kv_type)):
        assert all(one <= other for one, other in zip(less, cache_bytes(record, more)))


def test_a_record_without_numbers_keeps_nothing():
    """Nothing is guessed of it."""
    assert layers({}) == ()
    assert layers({"layers": 2}) == layers({"layers": 2, "kv_heads": None, "metadata": None})


def test_an_indexer_keeps_a_key_beside_the_compressed_one():
    """In all layers of DeepSeek 3.2, in the listed ones of GLM."""
    ranks = {"key_length": 192, "value_length": 128}
    record = model("deepseek32", 2, kv_heads=[1] * 2, key_length=576, compressed_kv=ranks)
    keys = {"attention.indexer.key_length": 128}
    assert [layer.key for layer in layers({**record, "metadata": keys})] == [704, 704]
    listed = {**record, "family": "glm-dsa", "metadata": {**keys, "attention.indexer.types": [1, 0]}}
    assert [layer.key for layer in layers(listed)] == [704, 576]


def test_linear_attention_keeps_a_square_of_each_head():
    """MiniMax's layers between those that attend to everything."""
    record = model("minimax-01", 2, metadata={"attention.recurrent_layers": [1, 0]})
    assert [layer.state for layer in layers(record)] == [4 * 64 * 64 * 8, 0]
