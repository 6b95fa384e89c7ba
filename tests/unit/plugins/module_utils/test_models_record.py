# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a model, from the headers of its files."""

from __future__ import annotations

import io

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import read_header
from ansible_collections.inference.ollama.plugins.module_utils._models.record import parameter_size, record_of
from ansible_collections.inference.ollama.plugins.module_utils._models.tensors import group_of
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Typed, Writer, llama


def record(metadata, tensors=None):
    """The record of a file, and what was wrong."""
    data = Writer().file(metadata, tensors or {})
    problems = []
    return record_of([read_header(io.BytesIO(data), len(data))], problems.append), problems


def test_a_dense_model():
    """Every key of a small dense model is read, and nothing is a problem."""
    found, problems = record(*llama(layers=3))
    layer = {"attention": 20480, "feed_forward": 98304, "experts": 0, "recurrent": 0, "norm": 512, "other": 0}
    assert problems == []
    assert found == {
        "name": None,
        "source": None,
        "store": None,
        "digest": None,
        "size_bytes": None,
        "files": [],
        "family": "llama",
        "parameter_size": "191K",
        "parameter_count": 2 * 64 * 96 + 64 + 3 * (2 * 64 + 2 * 64 * 64 + 2 * 64 * 16 + 3 * 64 * 256),
        "quantization": "F16",
        "context_length": 4096,
        "embedding_length": 64,
        "vocabulary_size": 96,
        "layers": 3,
        "heads": [8, 8, 8],
        "kv_heads": [2, 2, 2],
        "feed_forward_length": [256, 256, 256],
        "key_length": 8,
        "value_length": 8,
        "key_length_sliding": None,
        "value_length_sliding": None,
        "sliding_window": None,
        "sliding_window_pattern": None,
        "shared_kv_layers": None,
        "compressed_kv": None,
        "recurrent": None,
        "experts": None,
        "tensor_bytes": {"input": 12288, "output": 12544, "other": 0, "embedding": 12288, "layers": [layer] * 3},
        "tied_embeddings": False,
        "projector": None,
        "embedding_only": False,
        "metadata": {
            "block_count": 3,
            "context_length": 4096,
            "embedding_length": 64,
            "feed_forward_length": 256,
            "attention.head_count": 8,
            "attention.head_count_kv": 2,
            "attention.layer_norm_rms_epsilon": pytest.approx(1e-5),
        },
        "parameters": {"num_ctx": None, "num_thread": None, "num_gpu": None, "use_mmap": None, "num_batch": None},
        "modelfile": None,
        "requires": None,
        "runner": None,
    }


def test_tied_embeddings():
    """A model without a head of its own uses the token embedding for it."""
    metadata, tensors = llama()
    del tensors["output.weight"]
    assert record(metadata, tensors)[0]["tied_embeddings"] is True


def test_lists_by_layer():
    """What differs by layer is one number a layer; heads without a number for keys have as many for them."""
    metadata, tensors = llama(
        layers=3, attention__head_count=[4, 0, 8], feed_forward_length=[1, 2, 3], attention__key_length=128
    )
    del metadata["llama.attention.head_count_kv"]
    found, problems = record(metadata, tensors)
    assert (found["heads"], found["kv_heads"], found["feed_forward_length"]) == ([4, 0, 8], [4, 0, 8], [1, 2, 3])
    assert (found["key_length"], found["value_length"]) == (128, 16)
    assert problems == []


def test_no_heads_in_the_first_layer():
    """Where the first layer has no heads, nothing says how wide they are but the file itself."""
    found, problems = record(*llama(attention__head_count=[0, 8]))
    assert (found["key_length"], found["value_length"], problems) == (None, None, [])


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("block_count", 4_000_000_000, "layers"),
        ("block_count", Typed("i32", -1), "layers"),
        ("block_count", "many", "layers"),
        ("attention__head_count", [8, 8, 8], "heads"),
        ("attention__head_count_kv", [Typed("i32", -1).value, 2], "kv_heads"),
        ("attention__head_count_kv", "2", "kv_heads"),
        ("feed_forward_length", [], "feed_forward_length"),
        ("context_length", True, "context_length"),
        ("attention__key_length", 1.5, "key_length"),
    ],
)
def test_wrong_values(key, value, name):
    """A value that no model has is unknown, and a problem names key and value."""
    if key == "attention__head_count_kv" and isinstance(value, list):
        value = Typed("i32", value)
    found, problems = record(*llama(**{key: value}))
    assert found[name] is None or name == "key_length"
    assert f"llama.{key.replace('__', '.')} is " in problems[0]
    assert len(problems) == 1


def test_no_architecture():
    """A file that names no family has no values of one, and says so."""
    found, problems = record({"llama.block_count": 2})
    assert (found["family"], found["layers"], found["metadata"]) == (None, None, {})
    assert problems == ["general.architecture is absent, expected the name of a family"]


def test_sliding_windows():
    """The window and its pattern are as the file has them: a period, or a truth value a layer."""
    window = {"attention__sliding_window": 512}
    found = record(*llama(**window, attention__sliding_window_pattern=6))[0]
    assert (found["sliding_window"], found["sliding_window_pattern"]) == (512, 6)
    found = record(*llama(**window, attention__sliding_window_pattern=[True, False]))[0]
    assert found["sliding_window_pattern"] == [True, False]
    more = {"attention__key_length_swa": 256, "attention__value_length_swa": 128, "attention__shared_kv_layers": 20}
    found = record(*llama(**window, **more))[0]
    assert (found["key_length_sliding"], found["value_length_sliding"], found["shared_kv_layers"]) == (256, 128, 20)
    assert record(*llama(attention__sliding_window=0))[0]["sliding_window"] is None


def test_compressed_keys():
    """DeepSeek's ranks, with the lengths of heads as they are used."""
    more = {"attention__kv_lora_rank": 512, "rope__dimension_count": 64, "attention__key_length_mla": 192}
    found = record(*llama(**more, attention__value_length_mla=128))[0]["compressed_kv"]
    assert found == {
        "kv_lora_rank": 512,
        "q_lora_rank": None,
        "rope_dimension": 64,
        "key_length": 192,
        "value_length": 128,
    }


def test_recurrent_layers():
    """The sizes of a recurrent state."""
    more = {"ssm__conv_kernel": 4, "ssm__inner_size": 4096, "ssm__state_size": 128}
    found = record(*llama(**more, ssm__time_step_rank=32))[0]["recurrent"]
    assert found == {
        "conv_kernel": 4,
        "inner_size": 4096,
        "state_size": 128,
        "time_step_rank": 32,
        "group_count": None,
    }


def test_experts():
    """How many experts there are, how many a token uses, and how wide they are."""
    more = {"expert_count": 128, "expert_used_count": 8, "expert_shared_count": 1, "leading_dense_block_count": 3}
    found = record(*llama(**more, expert_feed_forward_length=768))[0]["experts"]
    assert found == {
        "count": 128,
        "used": 8,
        "shared": 1,
        "feed_forward_length": 768,
        "shared_feed_forward_length": None,
        "leading_dense_layers": 3,
    }
    assert record(*llama(expert_count=4, expert_used_count=[1, 2]))[0]["experts"]["used"] == 2


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("attn_q.weight", "attention"),
        ("attn_sinks.weight", "attention"),
        ("attn_kv_a_mqa.weight", "attention"),
        ("indexer.attn_k.weight", "attention"),
        ("attn_q_norm.weight", "norm"),
        ("attn_norm_2.bias", "norm"),
        ("post_attention_norm.weight", "norm"),
        ("indexer.k_norm.bias", "norm"),
        ("ffn_norm_exps.weight", "norm"),
        ("ssm_norm.weight", "recurrent"),
        ("ssm_a", "recurrent"),
        ("shortconv.conv.weight", "recurrent"),
        ("time_mix_ln.weight", "recurrent"),
        ("ffn_gate_exps.weight", "experts"),
        ("ffn_gate_up_exps.bias", "experts"),
        ("ffn_down.7.weight", "experts"),
        ("ffn_gate_inp.weight", "feed_forward"),
        ("ffn_up_shexp.weight", "feed_forward"),
        ("exp_probs_b.bias", "feed_forward"),
        ("ffn_down.weight", "feed_forward"),
        ("layer_output_scale.weight", "other"),
        ("nextn.embed_tokens.weight", "other"),
    ],
)
def test_groups_of_tensors(name, group):
    """The name of a tensor says what it is for in its layer."""
    assert group_of(name) == group


def test_tensors_outside_layers():
    """Tables looked up by token are input; head and last norm are output; a layer beyond the last is other."""
    metadata, tensors = llama(layers=1)
    tensors = {
        "token_embd.weight": ([64, 10], 1),
        "per_layer_token_embd.weight": ([64, 20], 1),
        "output.weight": ([64, 10], 1),
        "output_norm.bias": ([64], 0),
        "rope_freqs.weight": ([32], 0),
        "token_embd_norm.weight": ([64], 0),
        "blk.7.attn_q.weight": ([64, 64], 1),
        "blk.0.proj.weight": ([64], 0),
    }
    found = record(metadata, tensors)[0]["tensor_bytes"]
    assert {name: found[name] for name in ("input", "output", "other")} == {
        "input": 64 * 30 * 2,
        "output": 64 * 10 * 2 + 256,
        "other": 128 + 256 + 8192,
    }
    assert found["layers"][0]["other"] == 256


def test_a_projector_within():
    """Tensors of images and sound in the model's file are its projector, and count in none of its parts."""
    metadata, tensors = llama()
    before = record(metadata, tensors)[0]
    more = {"v.blk.0.attn_q.weight": ([64, 64], 1), "mm.0.weight": ([64, 64], 1), "a.conv1.weight": ([64], 0)}
    vision = {"llama.vision.image_size": 896, "llama.vision.patch_size": 14, "llama.vision.block_count": 27}
    found = record({**metadata, **vision}, {**tensors, **more})[0]
    assert found["tensor_bytes"] == before["tensor_bytes"]
    assert found["projector"] == {
        "size_bytes": 8192 * 2 + 256,
        "family": "llama",
        "type": None,
        "image_size": 896,
        "patch_size": 14,
        "embedding_length": None,
        "layers": 27,
    }


def test_embedding_only():
    """A model that says how its tokens become one vector only embeds."""
    assert record(*llama(pooling_type=0))[0]["embedding_only"] is True


def test_metadata_that_json_has():
    """Of the family's other keys those are kept that are short and that JSON can say."""
    more = {
        "nan": Typed("f32", float("nan")),
        "short": "x" * 256,
        "long": "x" * 257,
        "list": Typed("f32", [1.0, 2.0]),
        "odd": Typed("f32", [1.0, float("inf")]),
        "texts": ["a", "b"],
        "moves": "a\x1b[2Jb",
    }
    found = record(*llama(**more))[0]["metadata"]
    assert {name: found.get(name) for name in more} == {
        **dict.fromkeys(more),
        "short": "x" * 256,
        "list": [1.0, 2.0],
        "moves": "a\\x1b[2Jb",
    }


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (8_030_261_312, "8.0B"),
        (7_000_000_000, "7B"),
        (137_000_000, "137M"),
        (22_713_216, "22.71M"),
        (190_976, "191K"),
        (0, "0"),
    ],
)
def test_parameter_sizes(count, text):
    """A number of parameters is shown as the API shows it."""
    assert parameter_size(count) == text
