# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model file that has every key and tensor a runner asks for, and a hole where the weights would be.

What a runner reserves depends on the shapes and types of the tensors, not on what is in them, so the weights are zeros
that no disk holds: a model of gigabytes is written in a second. Keys are those of the families in src/models/*.cpp,
names of tensors those of src/llama-arch.cpp (llama.cpp b11434).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import gguf
import numpy as np

F32, F16 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16
# Two dimensions, and in every model file 32 bits wide: they are added to, multiplied by, or few.
PLAIN = (
    "ffn_gate_inp",
    "ssm_conv1d",
    "ssm_norm",
    "ssm_a",
    "ssm_d",
    "altup_correct_coef",
    "altup_predict_coef",
    "altup_router",
)
CONTEXT = 131072
RMS, EPSILON = "attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"

Dims = tuple[int, ...]
Value = int | float | bool | list[int] | list[bool]


@dataclass
class Model:
    """One model: its family, its keys without the family's name before them, its tensors, rows first as ggml counts.

    ``tokens`` is the size of the vocabulary. ``weights`` is the type of the matrices, ``experts`` that of the experts'.
    """

    family: str
    width: int
    layers: int
    tokens: int
    keys: dict[str, Value]
    weights: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q4_0
    experts: gguf.GGMLQuantizationType | None = None
    tokenizer: str = "llama"
    tensors: dict[str, Dims] = field(default_factory=dict)

    def add(self, name: str, *dims: int) -> None:
        """Add a weight, or a bias where the name says so, or a tensor whose name is all of it."""
        self.tensors[name if name.endswith((".bias", ".scale", "ssm_a", "ssm_d")) else f"{name}.weight"] = dims

    def ends(self, *, tied: bool = False, norm: str = "output_norm") -> None:
        """The embedding of the tokens and, where the model does not use the same again, the head."""
        self.add("token_embd", self.width, self.tokens)
        if norm:
            self.add(norm, self.width)
        if not tied:
            self.add("output", self.width, self.tokens)

    def norms(self, layer: int, *names: str, width: int | None = None) -> None:
        for name in names:
            self.add(f"blk.{layer}.{name}", width or self.width)

    def attention(  # noqa: PLR0913  # the sizes of one layer
        self, layer: int, heads: int, kv: int, key: int, value: int | None = None, *, queries: int = 1, bias: str = ""
    ) -> None:
        """Queries, keys, values, output; ``queries`` 2 where they carry a gate; ``bias`` names those with one."""
        value = value or key
        sizes = {"q": heads * key * queries, "k": kv * key, "v": kv * value}
        for name, size in sizes.items():
            self.add(f"blk.{layer}.attn_{name}", self.width, size)
            if name in bias:
                self.add(f"blk.{layer}.attn_{name}.bias", size)
        self.add(f"blk.{layer}.attn_output", heads * value, self.width)
        if "o" in bias:
            self.add(f"blk.{layer}.attn_output.bias", self.width)

    def feed_forward(self, layer: int, inner: int, *, gate: bool = True, suffix: str = "") -> None:
        for name in ("gate", "up") if gate else ("up",):
            self.add(f"blk.{layer}.ffn_{name}{suffix}", self.width, inner)
        self.add(f"blk.{layer}.ffn_down{suffix}", inner, self.width)

    def mixture(self, layer: int, count: int, inner: int, shared: int = 0) -> None:
        """A router, experts, and an expert that takes every token where ``shared`` is its inner width."""
        self.add(f"blk.{layer}.ffn_gate_inp", self.width, count)
        for name in ("gate", "up"):
            self.add(f"blk.{layer}.ffn_{name}_exps", self.width, inner, count)
        self.add(f"blk.{layer}.ffn_down_exps", inner, self.width, count)
        if shared:
            self.feed_forward(layer, shared, suffix="_shexp")

    def mamba(self, layer: int) -> None:
        """A layer of Mamba 2, of the sizes in the model's keys."""
        inner, state, heads, groups, kernel = (
            int(self.keys[f"ssm.{name}"])
            for name in ("inner_size", "state_size", "time_step_rank", "group_count", "conv_kernel")
        )
        mixed = inner + 2 * groups * state
        self.add(f"blk.{layer}.ssm_in", self.width, inner + mixed + heads)
        self.add(f"blk.{layer}.ssm_conv1d", kernel, mixed)
        self.add(f"blk.{layer}.ssm_conv1d.bias", mixed)
        self.add(f"blk.{layer}.ssm_dt.bias", heads)
        self.add(f"blk.{layer}.ssm_a", 1, heads)
        self.add(f"blk.{layer}.ssm_d", 1, heads)
        self.add(f"blk.{layer}.ssm_norm", inner // groups, groups)
        self.add(f"blk.{layer}.ssm_out", inner, self.width)

    def delta_net(self, layer: int, *, joined: bool) -> None:
        """A layer of gated delta net; ``joined``: beta and alpha are one tensor, as in Qwen3-Next."""
        state, values, keys, kernel = (
            int(self.keys[f"ssm.{name}"]) for name in ("state_size", "time_step_rank", "group_count", "conv_kernel")
        )
        mixed = state * (2 * keys + values)
        self.add(f"blk.{layer}.attn_qkv", self.width, mixed)
        self.add(f"blk.{layer}.attn_gate", self.width, state * values)
        self.add(f"blk.{layer}.ssm_conv1d", kernel, mixed)
        self.add(f"blk.{layer}.ssm_dt.bias", values)
        self.add(f"blk.{layer}.ssm_a", values)
        for name in ("ssm_ba",) if joined else ("ssm_beta", "ssm_alpha"):
            self.add(f"blk.{layer}.{name}", self.width, values * 2 if joined else values)
        self.add(f"blk.{layer}.ssm_norm", state)
        self.add(f"blk.{layer}.ssm_out", state * values, self.width)

    def kind(self, name: str, dims: Dims) -> gguf.GGMLQuantizationType:
        """The type that a file of this family gives a tensor."""
        if len(dims) == 1 or name.endswith(".bias") or any(part in name for part in PLAIN):
            return F32
        wanted = self.experts if self.experts and "_exps" in name else self.weights
        return F16 if dims[0] % gguf.GGML_QUANT_SIZES[wanted][0] else wanted


def heads(count: int, kv: int | list[int], key: int, inner: int | list[int], value: int | None = None) -> dict:
    """The keys of attention and feed-forward that most families have."""
    return {
        "attention.head_count": count,
        "attention.head_count_kv": kv,
        "attention.key_length": key,
        "attention.value_length": value or key,
        "rope.dimension_count": key,
        "feed_forward_length": inner,
        RMS: 1e-6,
    }


def experts(count: int, used: int, inner: int, **more: int) -> dict:
    keys = {"expert_count": count, "expert_used_count": used, "expert_feed_forward_length": inner}
    return {**keys, **{f"expert_{name}": value for name, value in more.items()}}


def state(inner: int, size: int, rank: int, groups: int) -> dict:
    return {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": inner,
        "ssm.state_size": size,
        "ssm.time_step_rank": rank,
        "ssm.group_count": groups,
    }


def vocabulary(count: int, byte: gguf.TokenType) -> tuple[list[bytes], list[int]]:
    """Texts and kinds of ``count`` tokens: three special ones, one of kind ``byte`` for each byte, and words."""
    texts = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % value for value in range(256))]
    kinds = [int(kind) for kind in (gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL)]
    kinds += [int(byte)] * 256
    words = count - len(texts)
    return texts + [b"w%x" % word for word in range(words)], kinds + [int(gguf.TokenType.NORMAL)] * words


def write(path: str, model: Model) -> int:
    """Write the file and return its bytes."""
    writer = gguf.GGUFWriter(path, model.family)
    # Some names of families make llama.cpp look for special tokens.
    writer.add_name("standin")
    writer.add_embedding_length(model.width)
    writer.add_block_count(model.layers)
    for key, value in {"context_length": CONTEXT, **model.keys}.items():
        kind, sub = value_type(value)
        writer.add_key_value(f"{model.family}.{key}", value, kind, sub)
    words = model.tokenizer == "bert"  # whose tokenizer knows no bytes
    texts, kinds = vocabulary(model.tokens, gguf.TokenType.NORMAL if words else gguf.TokenType.BYTE)
    writer.add_tokenizer_model(model.tokenizer)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if words:
        writer.add_token_type_count(2)
    for tensor, dims in model.tensors.items():
        kind = model.kind(tensor, dims)
        block, size = gguf.GGML_QUANT_SIZES[kind]
        writer.add_tensor_info(tensor, dims[::-1], np.dtype(np.float32), math.prod(dims) // block * size, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    [file] = writer.fout or []
    end = gguf.GGUFWriter.ggml_pad(file.tell(), writer.data_alignment)
    end += sum(gguf.GGUFWriter.ggml_pad(info.nbytes, writer.data_alignment) for info in writer.tensors[0].values())
    file.truncate(end)
    writer.close()
    return end


def value_type(value: Value) -> tuple[gguf.GGUFValueType, gguf.GGUFValueType | None]:
    """The type of a key's value, and that of its items."""
    if isinstance(value, list):
        return gguf.GGUFValueType.ARRAY, value_type(value[0])[0]
    if isinstance(value, bool):
        return gguf.GGUFValueType.BOOL, None
    return (gguf.GGUFValueType.FLOAT32 if isinstance(value, float) else gguf.GGUFValueType.UINT32), None
