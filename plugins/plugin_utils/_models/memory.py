# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model takes in memory once it is loaded, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models import shape
from ansible_collections.inference.ollama.plugins.plugin_utils._models.cache import cache_bytes
from ansible_collections.inference.ollama.plugins.plugin_utils._models.compute import buffers
from ansible_collections.inference.ollama.plugins.plugin_utils._models.layers import (
    WHOLE_FAMILIES,
    family,
    trunk_layers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the driver and its libraries take of each card for a process: 590 to 600 MiB on an H100 (driver 580), up to 400
# where the kernels of fewer generations are loaded (llama.cpp b11434, Ollama's build).
RUNTIME_BYTES, RUNTIME_HOPPER_BYTES, HOPPER = 400 << 20, 600 << 20, (9, 0)
# A projector's buffers beside its weights, where nothing of its shape is known.
PROJECTOR_SHARE = 4


@dataclass(frozen=True)
class Load:
    """How a server loads a model.

    ``context`` is the tokens of one slot, ``parallel`` the slots, ``rows`` the most tokens that a batch computes at
    once (``-ub``). ``kv_type`` is the type of the KV cache: f16, q8_0 or q4_0. ``flash``: with flash attention.
    """

    context: int
    parallel: int = 1
    kv_type: str = "f16"
    flash: bool = True
    rows: int = 512

    @property
    def tokens(self) -> int:
        """Tokens of context in all slots."""
        return self.context * self.parallel


@dataclass(frozen=True)
class LayerBytes:
    """The bytes of one repeating layer: its weights; its KV cache and recurrent state, of all slots."""

    weights: int
    cache: int


@dataclass(frozen=True)
class ModelMemory:
    """The bytes of a loaded model, by part.

    ``layers`` holds the repeating layers, block 0 first. ``output`` are the weights of output norm and head, which lie
    with the last layer; ``input`` those of the token embedding, which stay with the CPU. ``projector`` is what a vision
    or audio projector takes on the first device, weights and buffers. ``compute`` are the buffers of the computation on
    each device that has layers, where the model lies on devices as a whole; ``compute_split`` where layers are left to
    the CPU; ``compute_host`` what the host has beside them for a model on devices, ``compute_cpu`` for one on the CPU
    alone. ``results`` is the buffer of the results (logits or embeddings), on the host. ``compute_pipeline`` and
    ``compute_host_pipeline`` are what ``compute`` and ``compute_host`` become where several devices have all layers,
    ``compute_host_split`` what the latter becomes where layers are left to the CPU.
    """

    layers: tuple[LayerBytes, ...]
    output: int
    input: int
    projector: int
    compute: int
    compute_split: int
    compute_host: int
    compute_cpu: int
    results: int
    compute_pipeline: int = 0
    compute_host_pipeline: int = 0
    compute_host_split: int = 0

    @property
    def weights(self) -> int:
        """All weights, without the projector's."""
        return self.input + self.output + sum(layer.weights for layer in self.layers)

    @property
    def cache(self) -> int:
        """KV cache and recurrent state of all layers."""
        return sum(layer.cache for layer in self.layers)

    def compute_beside(self, *, whole: bool) -> int:
        """What the host computes in beside devices that have all layers, or some of them."""
        return self.compute_host if whole else max(self.compute_host, self.compute_host_split)


def runtime_bytes(compute: tuple[int, int] | None) -> int:
    """What a process takes of a card of this compute capability before it has a model; None: of any other card."""
    return RUNTIME_HOPPER_BYTES if compute is not None and compute >= HOPPER else RUNTIME_BYTES


def model_memory(model: Mapping[str, Any], load: Load) -> ModelMemory:
    """The bytes of a model record once it is loaded. Without the bytes of its tensors its layers share its size."""
    caches, computed = cache_bytes(model, load), buffers(model, load)
    weights, entry, head = _weights(model)
    return ModelMemory(
        layers=tuple(LayerBytes(*both) for both in zip(weights, caches)),
        output=head,
        input=entry,
        projector=_projector(model),
        compute=computed.device,
        compute_split=computed.split,
        compute_host=computed.host,
        compute_cpu=computed.cpu,
        results=load.parallel * _result(model) * 4,
        compute_pipeline=computed.pipeline,
        compute_host_pipeline=computed.host_pipeline,
        compute_host_split=computed.host_split,
    )


def _weights(model: Mapping[str, Any]) -> tuple[list[int], int, int]:
    """Bytes of each layer, of the token embedding, and of head and norm."""
    count, known = model.get("layers") or 0, model.get("tensor_bytes")
    if not known:
        size = model.get("size_bytes") or 0
        each = size // max(1, count)
        return [each] * count, 0, size - each * count
    trunk = trunk_layers(model)
    each_layer = [sum(size or 0 for size in layer.values()) for layer in known.get("layers") or []]
    layers = [size if index < trunk else 0 for index, size in enumerate(each_layer)]
    entry, head = known.get("input") or 0, (known.get("output") or 0) + (known.get("other") or 0)
    # A head that shares the embedding is a copy of it on a device; those without a head have none.
    shared = model.get("tied_embeddings") and family(model) not in WHOLE_FAMILIES
    return layers, entry, head + (known.get("embedding") or entry if shared else 0)


def _projector(model: Mapping[str, Any]) -> int:
    size = (model.get("projector") or {}).get("size_bytes") or 0
    return int(size + size // PROJECTOR_SHARE)


def _result(model: Mapping[str, Any]) -> int:
    """Elements of a row of results: all servers keep room for logits, those of embedding models for a vector too."""
    vector = shape.width(model) if model.get("embedding_only") else 0
    return shape.vocabulary(model) + vector
