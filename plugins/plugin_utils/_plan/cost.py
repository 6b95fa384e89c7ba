# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one loaded model costs, where it lies on cards and where it lies in host memory.

Arithmetic alone: bytes in, bytes out. Sources: docs/policy.md, rule M0; the bytes themselves are reckoned in _models.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import (
    RUNTIME_BYTES,
    Load,
    ModelMemory,
    model_memory,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.prediction import batch_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

MIB = 1 << 20
# What a process takes in host memory beside its model: vocabulary, graphs, slots.
PROCESS_BYTES = 128 * MIB
# Without reference models one of eight billion parameters is assumed: 32 layers of 8 KV heads of 128 elements.
ASSUMED: dict[str, Any] = {
    "family": "llama",
    "layers": 32,
    "heads": [32] * 32,
    "kv_heads": [8] * 32,
    "key_length": 128,
    "value_length": 128,
    "embedding_length": 4096,
    "feed_forward_length": [14336] * 32,
    "vocabulary_size": 131072,
    "size_bytes": 0,
}


class Cost(NamedTuple):
    """Bytes that a model takes. ``buffers`` are there once; ``device`` is taken of the one device that has it,
    ``devices`` of each of several.
    """

    weights: int
    kv: int
    buffers: int
    device: int
    devices: int

    @property
    def total(self) -> int:
        """Without what each device takes."""
        return self.weights + self.kv + self.buffers


@dataclass(frozen=True)
class LoadedModel:
    """A reference model as this release runs it: whether it is held to one slot, its cache type, flash attention."""

    reference: ReferenceModel
    single: bool = False
    kv_type: str = "f16"
    flash: bool = True
    release: Release | None = None


@dataclass(frozen=True)
class Place:
    """Where models lie: in host memory, on cards, or on cards that share it; ``runtime`` bytes that a process takes of
    each card by itself.
    """

    host: bool
    shared: bool = False
    runtime: int = RUNTIME_BYTES


@functools.lru_cache(maxsize=4096)
def cost(model: LoadedModel, parallel: int, context: int, place: Place) -> Cost:
    """What a model takes with so many slots, and tokens of each."""
    reference = model.reference
    # The server cuts a context down to what the model was trained for.
    context = min(context, reference.context_length or context)
    parallel = 1 if model.single else parallel
    rows = batch_rows(context * parallel, model.release, embedding=reference.embeds)
    load = Load(context, parallel, model.kv_type, model.flash, rows)
    record = reference.record or numbers(reference)
    return _placed(model_memory(record, load), place, record)


@functools.lru_cache(maxsize=4096)
def assumed(tokens: tuple[int, int], kv_type: str, release: Release | None, place: Place, *, flash: bool) -> Cost:
    """What the assumed model takes beside its weights, with (slots, tokens of each)."""
    parallel, context = tokens
    load = Load(context, parallel, kv_type, flash, batch_rows(context * parallel, release))
    return _placed(model_memory(ASSUMED, load), place, ASSUMED)


def numbers(reference: ReferenceModel) -> dict[str, Any]:
    """The record of a model of which only the numbers are known: a dense transformer, whatever its family."""
    return {
        "layers": reference.layers,
        "kv_heads": [reference.kv_heads] * reference.layers,
        "key_length": reference.key_length,
        "value_length": reference.value_length,
        "size_bytes": reference.size_bytes,
        "context_length": reference.context_length,
        "embedding_only": reference.embeds,
    }


def _placed(memory: ModelMemory, place: Place, record: Mapping[str, Any]) -> Cost:
    if place.host:
        # A head that is the token embedding too is there twice only on devices.
        weights = memory.weights - (memory.input if record.get("tied_embeddings") else 0)
        buffers = memory.compute_cpu + memory.results + memory.projector
        return Cost(weights, memory.cache, buffers, PROCESS_BYTES, PROCESS_BYTES)
    weights = memory.weights - memory.input
    buffers = memory.projector
    if place.shared:
        weights += memory.input
        buffers += memory.compute_host + memory.results + PROCESS_BYTES
    device, devices = place.runtime + memory.compute, place.runtime + memory.compute_pipeline
    return Cost(weights, memory.cache, buffers, device, max(device, devices))
