# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model takes in memory once it is loaded, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass


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
    alone. ``results`` is the buffer of the results (logits or embeddings), on the host.
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

    @property
    def weights(self) -> int:
        """All weights, without the projector's."""
        return self.input + self.output + sum(layer.weights for layer in self.layers)

    @property
    def cache(self) -> int:
        """KV cache and recurrent state of all layers."""
        return sum(layer.cache for layer in self.layers)
