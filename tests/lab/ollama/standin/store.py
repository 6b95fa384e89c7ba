# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models as files of a store, for what reads stores: manifests, and GGUF files of zeros.

The stand-in answers with its own model without any file; /api/pull writes that one too.
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
    write(os.path.join(folder, NAME), manifest(config_layer(folder), [layer(folder, "model", gguf())]))


def manifest(config: Dict[str, Any], layers: List[Dict[str, Any]]) -> bytes:
    """A manifest as the server writes it."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).encode()


def config_layer(folder: str, **more: Any) -> Dict[str, Any]:
    """The configuration of a model as a layer."""
    config = {"model_format": "gguf", "model_family": "llama", "architecture": "amd64", "os": "linux", **more}
    return blob(folder, "application/vnd.docker.container.image.v1+json", json.dumps(config).encode())


def layer(folder: str, kind: str, data: bytes) -> Dict[str, Any]:
    """A layer of a kind such as ``model``; its blob is written."""
    return blob(folder, f"application/vnd.ollama.image.{kind}", data)


def blob(folder: str, media: str, data: bytes) -> Dict[str, Any]:
    """Write a blob; return what a manifest says of it."""
    found = hashlib.sha256(data).hexdigest()
    write(blob_path(folder, found), data)
    return {"mediaType": media, "digest": f"sha256:{found}", "size": len(data)}


def blob_path(folder: str, digest: str) -> str:
    """Where the blob of a digest lies, with or without ``sha256:`` before it."""
    return os.path.join(folder, "blobs", f"sha256-{digest.rpartition(':')[2]}")


def write(path: str, data: bytes) -> None:
    """Write a file, and its folder where there is none."""
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


def gguf(**more: Any) -> bytes:
    """A small model of Llama's architecture, whose weights are zeros; ``more`` is added to its general metadata."""
    metadata: Dict[str, Any] = {
        **{f"general.{key}": value for key, value in more.items()},
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
