# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's model as files of a store, for what reads stores: a manifest, and a GGUF file of zeros.

Only /api/pull writes it; the stand-in answers with its model without any.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from typing import Any, Dict, List, Tuple

NAME = "manifests/registry.ollama.ai/library/standin/latest"
LAYERS, WIDTH, WORDS = 2, 64, 96
F32, F16 = 0, 1
ALIGNMENT = 32


def digest(folder: str) -> str:
    """The model's digest in hex; zeros where no store has it."""
    try:
        with open(os.path.join(folder, NAME), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return "0" * 64


def pull(folder: str) -> None:
    """Write the model into a store."""
    config = json.dumps({"model_format": "gguf", "model_family": "llama", "architecture": "amd64", "os": "linux"})
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": _blob(folder, "application/vnd.docker.container.image.v1+json", config.encode()),
        "layers": [_blob(folder, "application/vnd.ollama.image.model", _gguf())],
    }
    _write(os.path.join(folder, NAME), json.dumps(manifest).encode())


def _blob(folder: str, media: str, data: bytes) -> Dict[str, Any]:
    found = hashlib.sha256(data).hexdigest()
    _write(os.path.join(folder, "blobs", f"sha256-{found}"), data)
    return {"mediaType": media, "digest": f"sha256:{found}", "size": len(data)}


def _write(path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _value(value: Any) -> bytes:
    """A value with its type (docs/gguf.md of ggml): a list of texts, a text, a fraction, or a number."""
    if isinstance(value, list):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<II", 4, value)


def _tensors() -> List[Tuple[str, Tuple[int, ...], int]]:
    found: List[Tuple[str, Tuple[int, ...], int]] = [("token_embd.weight", (WIDTH, WORDS), F16)]
    found += [("output_norm.weight", (WIDTH,), F32), ("output.weight", (WIDTH, WORDS), F16)]
    wide = {"attn_q": WIDTH, "attn_output": WIDTH, "attn_k": WIDTH // 4, "attn_v": WIDTH // 4}
    wide.update(dict.fromkeys(("ffn_gate", "ffn_up", "ffn_down"), 4 * WIDTH))
    for layer in range(LAYERS):
        found += [(f"blk.{layer}.{name}.weight", (WIDTH,), F32) for name in ("attn_norm", "ffn_norm")]
        found += [(f"blk.{layer}.{name}.weight", (WIDTH, width), F16) for name, width in wide.items()]
    return found


def _gguf() -> bytes:
    """A small model of Llama's architecture, whose weights are zeros."""
    metadata: Dict[str, Any] = {
        "general.architecture": "llama",
        "general.file_type": 1,
        "llama.block_count": LAYERS,
        "llama.context_length": 131072,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": 4 * WIDTH,
        "llama.attention.head_count": 8,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [f"<{number}>" for number in range(WORDS)],
    }
    tensors, offset = _tensors(), 0
    data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    data += b"".join(_text(key) + _value(value) for key, value in metadata.items())
    for name, shape, kind in tensors:
        data += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        size = (4 if kind == F32 else 2) * shape[0] * (shape[1] if len(shape) > 1 else 1)
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    return data + bytes(-len(data) % ALIGNMENT + offset)
