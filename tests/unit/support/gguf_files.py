# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write GGUF files of any content, right or wrong, without a package, for targets' oldest Python.

docs/gguf.md of ggml.
"""

from __future__ import annotations

import struct

from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import BLOCKS

TYPES = {
    "u8": (0, "B"),
    "i8": (1, "b"),
    "u16": (2, "H"),
    "i16": (3, "h"),
    "u32": (4, "I"),
    "i32": (5, "i"),
    "f32": (6, "f"),
    "bool": (7, "?"),
    "text": (8, ""),
    "list": (9, ""),
    "u64": (10, "Q"),
    "i64": (11, "q"),
    "f64": (12, "d"),
}
ALIGNMENT = 32


class Typed:
    """A value with the type that the file gives it, such as Typed("u64", 3); of a list its elements' type."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value


def typed(value):
    """The type that a converter would give a value."""
    if isinstance(value, Typed):
        return value
    if isinstance(value, bool):
        return Typed("bool", value)
    if isinstance(value, int):
        return Typed("u32" if 0 <= value < 1 << 32 else "i64", value)
    if isinstance(value, float):
        return Typed("f32", value)
    if isinstance(value, list):
        return Typed(typed(value[0]).kind if value else "u32", value)
    return Typed("text", value)


class Writer:
    """The bytes of a file, in either order."""

    def __init__(self, order="<", version=3):
        self.order, self.version = order, version

    def number(self, kind, value):
        return struct.pack(self.order + TYPES[kind][1], value)

    def text(self, value):
        data = value if isinstance(value, bytes) else value.encode()
        return self.number("u64", len(data)) + data

    def element(self, kind, value):
        return self.text(value) if kind == "text" else self.number(kind, value)

    def value(self, value):
        value = typed(value)
        kind = self.number("u32", TYPES[value.kind][0])
        if not isinstance(value.value, list):
            return kind + self.element(value.kind, value.value)
        elements = b"".join(self.element(value.kind, each) for each in value.value)
        return self.number("u32", TYPES["list"][0]) + kind + self.number("u64", len(value.value)) + elements

    def header(self, metadata, tensors):
        """Everything before the tensors, for ``{key: value}`` and ``{name: (shape, type)}``; and the tensors' bytes."""
        alignment = typed(metadata.get("general.alignment", ALIGNMENT)).value
        parts = [b"GGUF", self.number("u32", self.version)]
        parts += [self.number("u64", len(tensors)), self.number("u64", len(metadata))]
        parts += [self.text(key) + self.value(value) for key, value in metadata.items()]
        offset = 0
        for name, (shape, kind) in tensors.items():
            dimensions = b"".join(self.number("u64", each) for each in shape)
            parts += [self.text(name), self.number("u32", len(shape)), dimensions]
            parts += [self.number("u32", kind), self.number("u64", offset)]
            offset += -(-size_of(shape, kind) // alignment) * alignment
        data = b"".join(parts)
        return data + b"\0" * (-len(data) % alignment), offset

    def file(self, metadata, tensors=None):
        """A whole file, with zeros in its tensors."""
        header, size = self.header(metadata, tensors or {})
        return header + b"\0" * size


def size_of(shape, kind):
    elements = 1
    for number in shape:
        elements *= number
    block, size = BLOCKS[kind]
    return elements // block * size


def llama(layers=2, width=64, vocabulary=96, **more):
    """The metadata and tensors of a small dense model; ``more`` are keys of the family, a dot as two underscores."""
    metadata = {
        "general.architecture": "llama",
        "general.file_type": 1,
        "llama.block_count": layers,
        "llama.context_length": 4096,
        "llama.embedding_length": width,
        "llama.feed_forward_length": 4 * width,
        "llama.attention.head_count": 8,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [f"<{number}>" for number in range(vocabulary)],
        **{f"llama.{key.replace('__', '.')}": value for key, value in more.items()},
    }
    tensors = {"token_embd.weight": ([width, vocabulary], 1), "output_norm.weight": ([width], 0)}
    tensors["output.weight"] = ([width, vocabulary], 1)
    for layer in range(layers):
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = ([width], 0)
        for name in ("attn_q", "attn_output"):
            tensors[f"blk.{layer}.{name}.weight"] = ([width, width], 1)
        for name in ("attn_k", "attn_v"):
            tensors[f"blk.{layer}.{name}.weight"] = ([width, width // 4], 1)
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            tensors[f"blk.{layer}.{name}.weight"] = ([width, 4 * width], 1)
    return metadata, tensors
