# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buffers that a model computes in, as llama-server prints them at load (``compute buffer size``).

The server reserves them for the largest batch: all rows, every cell of the cache (src/llama-context.cpp, sched_reserve,
b11434). A graph of each kind of layer is laid out as its allocator does it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models import shape
from ansible_collections.inference.ollama.plugins.plugin_utils._models.allocator import Graph
from ansible_collections.inference.ollama.plugins.plugin_utils._models.blocks import (
    FLOAT,
    Attention,
    Builder,
    Compressed,
    Experts,
    Forward,
    Inputs,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.cache import (
    batch,
    cache_bytes,
    slot_cells,
    window_cells,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.layers import (
    COMPRESSED,
    FULL,
    INTERVAL_FAMILIES,
    NONE,
    RECURRENT_FAMILIES,
    SLIDING,
    WHOLE_FAMILIES,
    at,
    family,
    layers,
    own_layers,
    window,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.recurrent import recur, recurrent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load

# Several cards work on several batches at once, and each has the inputs so often (GGML_SCHED_MAX_COPIES).
COPIES = 4
# Layers of one kind repeat the same steps; what precedes the first one matters for it, so two are laid out.
REPEATED = 2
# The family whose layers pass on four streams.
STREAMED = "gemma3n"


@dataclass(frozen=True)
class Buffers:
    """Bytes of the buffers: on one device that has all layers or some, on each of several, on the host beside each of
    them, on a CPU alone.
    """

    device: int
    split: int
    pipeline: int
    host: int
    host_split: int
    host_pipeline: int
    cpu: int


def buffers(model: Mapping[str, Any], load: Load) -> Buffers:
    """The buffers of a model, for each place where it may lie."""
    plan = _Plan(model, load)
    row = plan.rows * plan.width * FLOAT
    given = plan.input_bytes
    # The embeddings by layer, and a scaled copy of those of the tokens.
    extra = plan.by_layer + (row if plan.by_layer else 0)
    device, own, host = plan.peak(own=False), plan.peak(own=True), 4 * row + given + extra
    pipeline = plan.peak(own=False, copies=COPIES)
    if any(layer.state for layer in plan.layers):
        # How their results fit into what is free depends on the device; the CPU has an embedding more.
        missing = max(0, own - row - device)
        device, pipeline = device + missing, pipeline + missing
    # Recurrent layers whose state lies on the host are computed there.
    recurs = family(model) not in INTERVAL_FAMILIES and any(layer.state for layer in plan.layers)
    return Buffers(
        device=device,
        split=max(plan.peak(own=False, copied=True), device + plan.largest_copy),
        # Embeddings by layer pass from device to device; models without attention were seen to take as much for rows.
        pipeline=pipeline + 2 * COPIES * (row if family(model) in RECURRENT_FAMILIES else plan.by_layer),
        host=host,
        host_split=max(host, own) if recurs else host,
        host_pipeline=2 * row + COPIES * (2 * row + given) + extra,
        cpu=own,
    )


class _Plan:
    """A model, a load, and what all graphs of them have in common."""

    def __init__(self, model: Mapping[str, Any], load: Load) -> None:
        self.model, self.load = model, load
        self.width, self.layers, self.caches = shape.width(model), layers(model), cache_bytes(model, load)
        self.whole = family(model) in WHOLE_FAMILIES
        self.rows = load.rows if self.whole else batch(load)
        self.cells = self.rows if self.whole else slot_cells(load)
        self.window = self.rows if self.whole else window_cells(load, window(model))
        element = 2 if load.flash else FLOAT
        self.masks = [0 if family(model) in RECURRENT_FAMILIES else element * self.rows * self.cells]
        if window(model):
            self.masks.append(element * self.rows * self.window)
        widest = max((layer.value for layer in self.layers), default=0)
        # Places of keys, and of values: without flash attention one for each element.
        self.places = 8 * self.rows * (1 + (1 if load.flash else widest))

    @property
    def input_bytes(self) -> int:
        """Bytes of the inputs but the embeddings."""
        return sum(self.masks) + len(self.masks) * self.places + FLOAT * self.rows * 5

    @property
    def by_layer(self) -> int:
        """Bytes of the token embeddings that layers have of their own."""
        return self.rows * shape.by_layer(self.model) * len(self.layers) * FLOAT

    @property
    def largest_copy(self) -> int:
        """The most bytes of weights and cache of a layer that are copied to a device for one batch."""
        gated = family(self.model) not in shape.PLAIN_FAMILIES
        groups = ("experts", "feed_forward")
        weights = (self._weight(index, group, gated=gated) for index in range(len(self.layers)) for group in groups)
        return max(weights, default=0) + max(self.caches, default=0)

    def peak(self, *, own: bool, copied: bool = False, copies: int = 1) -> int:
        """Bytes of the buffer. ``own``: inputs and embeddings are made there; ``copied``: weights come there too.

        With several ``copies`` of the inputs none of them is freed.
        """
        graph, row = Graph(), self.rows * self.width * FLOAT

        def given(size: int) -> int:
            found = graph.given(size * copies)
            return graph.op(0) if copies > 1 else found

        if own:
            given(row)
        mixed = given(row)
        tokens = x = 0
        if not own:
            tokens, x = given(row), given(row)
        positions = given(FLOAT * self.rows * 4)
        masks = [given(size) for size in self.masks]
        places = given(self.places * len(self.masks))
        if own:
            x, tokens = graph.op(row), graph.op(row)
            x = graph.op(row, x, over=True)
        # Rows of tokens and of images are mixed in a copy that is reserved and not read without images.
        graph.op(row, mixed)
        graph.op(0, tokens)
        by_layer = shape.by_layer(self.model)
        chosen = given(self.by_layer) if by_layer else 0
        builder = Builder(graph, self.rows, self.width, Inputs(positions, places, (masks[0], masks[-1])))
        entry, streams = x, family(self.model) == STREAMED
        x = builder.stacked(x) if streams else x
        for place, index in enumerate(self.distinct):
            before = builder.predicted(x) if streams else x
            x = self._layer(builder, index, before, own=own, copied=copied)
            x = builder.corrected(x, before) if streams else x
            if by_layer and not place:
                chosen = builder.embeddings(entry, chosen, by_layer * len(self.layers))
            x = builder.embedded(x, chosen, by_layer) if by_layer else x
        rows = self.rows if self.whole else self.load.parallel
        end = Builder(graph, rows, self.width, builder.given)
        x = end.normed(self.width, end.result(self.width, x))
        if not self.whole:
            end.result(shape.vocabulary(self.model), x)
        return graph.peak()

    def _weight(self, index: int, group: str, *, gated: bool) -> int:
        """Bytes of the largest tensor of a group, about: of two or three of them, of which one may have finer types."""
        tensors = at((self.model.get("tensor_bytes") or {}).get("layers"), index) or {}
        return (tensors.get(group) or 0) * (2 if gated else 3) // 5

    @functools.cached_property
    def distinct(self) -> list[int]:
        """The first layers of each kind."""
        seen: dict[Any, int] = {}
        found = []
        for index, layer in enumerate(self.layers):
            forward_part = (shape.expert_layer(self.model, index), shape.forward_length(self.model, index))
            kind = (layer, forward_part, shape.heads(self.model, index))
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] <= REPEATED:
                found.append(index)
        return found

    def _layer(self, builder: Builder, index: int, x: int, *, own: bool, copied: bool) -> int:
        model = self.model
        after, gated = family(model) in shape.AFTER_FAMILIES, family(model) not in shape.PLAIN_FAMILIES
        x = self._attention(builder, index, x, own=own, copied=copied)
        weight = self._weight(index, "feed_forward", gated=gated) if copied else 0
        if shape.expert_layer(model, index):
            found, length = model.get("experts") or {}, shape.shared_length(model, index)
            part = Experts(
                count=found.get("count") or 0,
                used=found.get("used") or 1,
                length=shape.expert_length(model, index),
                shared=Forward(length, gated, weight=weight) if length else None,
                gated=gated,
                after=after,
                weight=self._weight(index, "experts", gated=gated) if copied else 0,
                first=family(model) == "llama4",
                kept=not own,
            )
            return builder.experts(x, part)
        forward_part = Forward(shape.forward_length(model, index), gated, after, weight)
        return builder.forward(x, forward_part) if forward_part.length else x

    def _attention(self, builder: Builder, index: int, x: int, *, own: bool, copied: bool) -> int:
        model, layer, heads = self.model, self.layers[index], shape.heads(self.model, index)
        cache = self.caches[index] if copied and layer.key else 0
        tokens = (self.window if layer.kind == SLIDING else self.cells) * self.load.parallel
        widened = 2 * tokens if self.load.flash and self.load.kv_type != "f16" and not own and not self.whole else 0
        if layer.kind == COMPRESSED:
            ranks = model.get("compressed_kv") or {}
            part = Compressed(
                queries=ranks.get("q_lora_rank") or 0,
                rank=ranks.get("kv_lora_rank") or 0,
                rotated=ranks.get("rope_dimension") or 0,
                key=ranks.get("key_length") or 0,
                value=ranks.get("value_length") or 0,
                heads=heads,
                cells=self.cells,
                flash=self.load.flash,
                copied=cache,
                widened=widened * layer.key,
            )
            return builder.compressed_attention(x, part)
        key, value = model.get("key_length") or shape.HEAD, model.get("value_length") or shape.HEAD
        sliding = layer.kind == SLIDING
        if sliding:
            key, value = model.get("key_length_sliding") or key, model.get("value_length_sliding") or value
        if layer.state:
            x = recur(builder, x, recurrent(model, self.load.parallel))
        if layer.kind not in (FULL, SLIDING) and not (self.whole or self._borrows(index)):
            return x
        whole = Attention(
            queries=heads * key,
            keys=layer.key or heads * key,
            values=layer.value or heads * value,
            returned=heads * value,
            heads=heads,
            cells=self.window if sliding else self.cells,
            sliding=sliding,
            norms=family(model) in shape.NORMED_FAMILIES,
            after=family(model) in shape.AFTER_FAMILIES,
            gate=family(model) in INTERVAL_FAMILIES,
            flash=self.load.flash,
            copied=cache,
            widened=widened * (at(model.get("kv_heads"), index) or heads) * (key + value),
        )
        return builder.attention(x, whole)

    def _borrows(self, index: int) -> bool:
        """Whether a layer attends with the keys and values of another one."""
        return self.layers[index].kind == NONE and index >= own_layers(self.model, len(self.layers))
