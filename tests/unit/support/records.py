# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of models as models_info returns them, with sizes of one's choice."""

from __future__ import annotations

MIB = 1 << 20


def record(name="llama3.1:8b", *, layers=32, layer=130, experts=0, **facts):
    """A dense model of eight billion parameters; the sizes of a layer and of its experts in MiB."""
    output, entry = 410, 280
    feed = {"attention": (layer - experts) // 4, "feed_forward": (layer - experts) * 3 // 4, "experts": experts}
    each = {**{key: size * MIB for key, size in feed.items()}, "recurrent": 0, "norm": 32768, "other": 0}
    size = (entry + output + layers * layer) * MIB
    return {
        "name": name,
        "source": "store",
        "store": "/usr/share/ollama/.ollama/models",
        "digest": None,
        "size_bytes": size,
        "files": [{"role": "model", "path": f"/blobs/{name}", "size_bytes": size}],
        "family": "llama",
        "quantization": "Q4_K_M",
        "context_length": 131072,
        "embedding_length": 4096,
        "vocabulary_size": 128256,
        "layers": layers,
        "heads": [32] * layers,
        "kv_heads": [8] * layers,
        "feed_forward_length": [14336] * layers,
        "key_length": 128,
        "value_length": 128,
        "key_length_sliding": None,
        "value_length_sliding": None,
        "sliding_window": None,
        "sliding_window_pattern": None,
        "shared_kv_layers": None,
        "compressed_kv": None,
        "recurrent": None,
        "experts": {"count": 8, "used": 2, "shared": None} if experts else None,
        "tensor_bytes": {
            "input": entry * MIB,
            "output": output * MIB,
            "other": 0,
            "layers": [dict(each) for _layer in range(layers)],
        },
        "tied_embeddings": False,
        "projector": None,
        "embedding_only": False,
        "metadata": {},
        "parameters": dict.fromkeys(("num_ctx", "num_thread", "num_gpu", "use_mmap", "num_batch")),
        **facts,
    }
