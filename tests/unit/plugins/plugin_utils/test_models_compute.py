# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models compute in, and what they take in all (_models/allocator.py, compute.py, memory.py, prediction.py)."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models.allocator import Graph
from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import (
    Load,
    model_memory,
    runtime_bytes,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.prediction import (
    affordable_rows,
    batch_rows,
    server_prediction,
    surcharge,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

MIB = 1 << 20
GIB = 1 << 30
OLD, NEW = parse_release("0.24.0"), parse_release("0.32.15")


def model(family, count, width, heads, forward, **more):
    """A record; ``heads`` are (queries, keys, length)."""
    return {
        "family": family,
        "layers": count,
        "embedding_length": width,
        "heads": [heads[0]] * count,
        "kv_heads": [heads[1]] * count,
        "key_length": heads[2],
        "value_length": heads[2],
        "feed_forward_length": [forward] * count,
        "vocabulary_size": 128256,
        **more,
    }


def mixture(count, used, length, shared=None):
    return {"count": count, "used": used, "feed_forward_length": length, "shared_feed_forward_length": shared}


def state(steps, groups):
    return {"conv_kernel": 4, "inner_size": 1024, "state_size": 128, "time_step_rank": steps, "group_count": groups}


LLAMA_8B = model("llama", 32, 4096, (32, 8, 128), 14336, size_bytes=4653394304, context_length=131072)
V3_RANKS = {"kv_lora_rank": 512, "q_lora_rank": 384, "rope_dimension": 64, "key_length": 192, "value_length": 128}
V3_EXPERTS = {**mixture(32, 8, 256), "shared": 1, "leading_dense_layers": 1}
NEMOTRON = {"kv_heads": [0, 0, 0, 0, 0, 1] * 2, "feed_forward_length": [0, 1792, 0, 1792, 0, 0] * 2}
LOAD = Load(2048, 4, rows=1024)


@pytest.mark.parametrize(
    ("record", "printed"),
    [
        (model("llama", 8, 512, (8, 2, 64), 2048), 38.04),
        (model("llama", 8, 1024, (8, 1, 128), 3584), 66.04),
        (model("qwen3moe", 6, 512, (8, 1, 128), 192, experts=mixture(32, 8, 192)), 48.04),
        (model("gemma3", 12, 640, (4, 1, 256), 2048, sliding_window=512), 43.55),
        (model("gpt-oss", 6, 576, (16, 2, 64), 576, sliding_window=128, experts=mixture(32, 4, 576)), 44.8),
        (model("phi3", 8, 768, (8, 8, 96), 2048), 43.04),
        (
            model("deepseek2", 6, 896, (16, 1, 576), 2304, compressed_kv=V3_RANKS, experts=V3_EXPERTS),
            105.53,
        ),
        (model("qwen3next", 8, 512, (4, 1, 256), 128, experts=mixture(32, 10, 128, 128), recurrent=state(8, 4)), 49.04),
        (model("mamba2", 12, 512, (0, 0, 0), 0, recurrent=state(16, 1)), 35.14),
        (model("nemotron_h", 12, 512, (4, 1, 128), 0, recurrent=state(16, 8), **NEMOTRON), 54.23),
    ],
)
def test_buffers_are_those_that_a_server_prints(record, printed):
    """MiB of llama-server b11434 on a CPU, with four slots of 2,048 tokens and 1,024 rows."""
    assert model_memory(record, LOAD).compute_cpu / MIB == pytest.approx(printed, rel=0.02)


@pytest.mark.parametrize(
    ("load", "used"),
    [
        (Load(8192, 1, rows=1024), 5669),
        (Load(4096, 4, rows=1024), 6685),
        (Load(8192, 8, rows=2048), 13069),
        (Load(8192, 16, rows=2048), 21261),
        (Load(8192, 32, rows=2048), 37645),
        (Load(4096, 32, flash=False), 21097),
    ],
)
def test_the_memory_of_an_h100(load, used):
    """MiB that nvidia-smi showed for 8 billion parameters in q4_0 and a vocabulary of 32,000, within 1.5 %."""
    memory = model_memory({**LLAMA_8B, "vocabulary_size": 32000}, load)
    weights = 4_000_000_000
    found = weights + memory.cache + memory.compute + runtime_bytes((9, 0))
    assert found / MIB == pytest.approx(used, rel=0.015)


def test_the_runtime_takes_more_of_newer_cards():
    """And the usual amount of one whose capability is not known."""
    assert runtime_bytes((9, 0)) > runtime_bytes((8, 6)) == runtime_bytes(None)


def test_a_result_is_freed_after_its_last_reader():
    """The next one of its size takes its place; one that is written over its source needs none."""
    graph = Graph()
    first = graph.op(1000, graph.given(1000))
    second = graph.op(1000, first)
    graph.op(1000, graph.op(1000, second, over=True))
    assert graph.peak() == 2 * 1024


def test_a_result_that_somebody_else_reads_is_not_written_over():
    """The residual is read once more."""
    graph = Graph()
    x = graph.given(1024)
    graph.op(1024, graph.op(1024, x, over=True), x)
    assert graph.peak() == 3 * 1024


def test_parts_that_lie_nowhere_else():
    """Layers on several devices copy inputs, layers on the host copy weights, and quantised caches are widened."""
    memory = model_memory({**LLAMA_8B, "tensor_bytes": None}, Load(8192))
    assert memory.compute_pipeline > memory.compute
    assert memory.compute_split >= memory.compute
    assert memory.compute_host < memory.compute_cpu
    eight = model_memory(LLAMA_8B, Load(8192, 4, "q8_0"))
    assert eight.compute - model_memory(LLAMA_8B, Load(8192, 4)).compute > 8192 * 2048
    assert eight.compute_cpu < eight.compute


def test_weights_lie_where_their_tensors_do():
    """The embedding with the CPU, head and norm with the last layer, speculative layers nowhere."""
    layer = {"attention": 10, "feed_forward": 20, "experts": None, "recurrent": 0, "norm": 1, "other": 0}
    sizes = {"input": 100, "output": 7, "other": 3, "embedding": 90, "layers": [layer, layer]}
    plain = model("qwen35", 2, 64, (2, 1, 32), 64, tensor_bytes=sizes, metadata={"nextn_predict_layers": 1})
    memory = model_memory({**plain, "projector": {"size_bytes": 1000}}, Load(256))
    assert [each.weights for each in memory.layers] == [31, 0]
    assert (memory.input, memory.output, memory.weights) == (100, 10, 141)
    assert memory.projector >= 1000
    assert model_memory({**plain, "tied_embeddings": True}, Load(256)).output == 100


@given(
    st.sampled_from(["llama", "gemma2", "gemma3n", "gemma4", "qwen3next", "mamba2", "jamba", "rwkv6", "bert", "lfm2"]),
    st.integers(1, 40_000),
    st.integers(1, 16),
    st.booleans(),
)
def test_nothing_is_negative_and_parts_add_up(family, context, parallel, flash):
    """Whatever the family, with and without flash attention."""
    more = {"metadata": {"embedding_length_per_layer_input": 8, "shortconv.l_cache": 3} if family == "lfm2" else {}}
    record = model(family, 4, 256, (4, 2, 64), 512, recurrent=state(4, 1), sliding_window=512, size_bytes=4096, **more)
    memory = model_memory(record, Load(context, parallel, flash=flash))
    parts = dataclasses.asdict(memory)
    assert all(size >= 0 for name, size in parts.items() if name != "layers")
    assert memory.weights == memory.input + memory.output + sum(layer.weights for layer in memory.layers)
    assert memory.cache == sum(layer.cache for layer in memory.layers)
    assert min(memory.compute, memory.compute_cpu, memory.results) > 0


def test_a_record_of_nulls_takes_its_size():
    """Numbers that nobody knows are estimated from it, rather too large."""
    memory = model_memory({"layers": 32, "kv_heads": [8] * 32, "key_length": 128, "size_bytes": 4920753328}, Load(8192))
    assert memory.weights == 4920753328
    assert memory.compute >= model_memory(LLAMA_8B, Load(8192)).compute
    assert model_memory({}, Load(1)).weights == 0


@pytest.mark.parametrize(
    ("tokens", "release", "rows"),
    [(4096, NEW, 512), (4097, NEW, 1024), (32768, None, 1024), (32769, NEW, 2048), (131072, OLD, 512)],
)
def test_rows_of_a_batch(tokens, release, rows):
    """By the tokens of all slots, from the release on that does it."""
    assert batch_rows(tokens, release) == rows


def test_rows_of_an_embedding_model_are_its_tokens():
    """No more than 2,048."""
    assert [batch_rows(tokens, NEW, embedding=True) for tokens in (512, 8192)] == [512, 2048]
    assert batch_rows(8192, OLD, embedding=True) == 512


def test_rows_fall_where_memory_is_short():
    """2,048 need 40 % beside the prediction, 1,024 a quarter, and both the server's surcharge."""
    assert affordable_rows(2048, 10 * GIB, 80 * GIB) == 2048
    assert affordable_rows(2048, 50 * GIB, 80 * GIB) == 1024
    assert affordable_rows(2048, 63 * GIB, 80 * GIB) == 512
    assert affordable_rows(1024, 5 * GIB, 7 * GIB) == 512
    assert [surcharge(rows) // MIB for rows in (512, 1024, 2048)] == [0, 768, 2048]


def test_the_servers_own_prediction():
    """Its file and a cache of f16, with the fewest heads of a layer and no more than the trained context."""
    assert server_prediction(LLAMA_8B, Load(8192, 4)) == 4653394304 + 32768 * 131072
    files = [{"role": "projector", "size_bytes": 1}, {"role": "model", "size_bytes": 5}]
    hybrid = {**LLAMA_8B, "files": files, "kv_heads": [0, 8], "layers": 2, "context_length": 100}
    assert server_prediction(hybrid, Load(8192)) == 5 + 100 * 2 * 128 * 4
    assert server_prediction({"size_bytes": 7}, Load(8192)) == 7


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("lfm2", {"metadata": {"shortconv.l_cache": 3}}),
        ("rwkv7", {"metadata": {"wkv.head_size": 64}}),
        ("kimi-linear", {"metadata": {"kda.head_dim": 64}, "recurrent": {"conv_kernel": 4}}),
        ("jamba", {"recurrent": state(32, None)}),
        ("mamba", {"recurrent": state(32, None)}),
        ("granitehybrid", {"recurrent": state(16, 1)}),
    ],
)
def test_recurrent_layers_take_rows_and_states(family, more):
    """Each row is several times as wide as between layers, and more slots take more."""
    record = model(family, 4, 256, (4, 0, 64), 512, **more)
    one, four = (model_memory(record, Load(4096, slots)) for slots in (1, 4))
    assert one.compute_cpu > 6 * 512 * 256 * 4
    assert four.cache == 4 * one.cache > 0
    assert four.compute >= one.compute
    assert four.compute_host_split >= four.compute_host


def test_experts_are_where_files_have_them():
    """By their tensors, by a step, or behind leading dense layers; Llama 4 has a shared one."""
    layer = {"experts": 0, "feed_forward": 1}
    plain = model("llama4", 4, 256, (4, 2, 64), 4096, experts=mixture(16, 1, 128), context_length=4096)
    stepped = model_memory({**plain, "metadata": {"interleave_moe_layer_step": 2}}, Load(4096))
    without = model_memory({**plain, "tensor_bytes": {"layers": [layer] * 4}}, Load(4096))
    assert stepped.compute == without.compute > model_memory(plain, Load(4096)).compute


def test_the_results_of_a_model_that_embeds():
    """A vector beside the logits, for each slot."""
    plain = model("qwen3", 2, 256, (4, 2, 64), 512)
    more = model_memory({**plain, "embedding_only": True}, LOAD).results - model_memory(plain, LOAD).results
    assert more == 4 * 256 * 4


def test_experts_without_a_gate_take_less():
    """Nemotron's have two products in place of three."""
    kv = {"kv_heads": [1] * 2, "feed_forward_length": [512] * 2, "experts": mixture(8, 2, 2048)}
    gated, plain = (
        model_memory(model(name, 2, 256, (4, 1, 64), 0, **kv), LOAD) for name in ("llama", "nemotron_h_moe")
    )
    assert plain.compute_cpu < gated.compute_cpu


def test_tokens_of_all_slots():
    """Context times slots."""
    assert Load(4096, 3).tokens == 12288


def test_the_host_computes_recurrent_layers_that_are_left_to_it():
    """Beside cards with some of the layers the host needs what those take there, and never less than beside all."""
    memory = model_memory(model("granitehybrid", 4, 256, (4, 0, 64), 512, recurrent=state(16, 1)), Load(4096))
    assert memory.compute_beside(whole=True) == memory.compute_host
    assert memory.compute_beside(whole=False) == memory.compute_host_split > memory.compute_host
