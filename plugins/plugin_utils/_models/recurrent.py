# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results that recurrent parts of a layer have in memory: state spaces, delta nets, short convolutions, RWKV.

Sources: llama.cpp b11434, src/models/mamba-base.cpp, delta-net-base.cpp, qwen35.cpp, lfm2.cpp, rwkv6-base.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models import shape
from ansible_collections.inference.ollama.plugins.plugin_utils._models.blocks import FLOAT
from ansible_collections.inference.ollama.plugins.plugin_utils._models.layers import (
    INTERVAL_FAMILIES,
    family,
    number,
    state_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.blocks import Builder

# Families whose time steps have the width of the state space, not one for each head.
WIDE_STEPS = frozenset({"jamba", "mamba"})
# Mixtures of a token with the one before it that RWKV computes at once.
MIXTURES = 5


@dataclass(frozen=True)
class Recurrent:
    """A recurrent part.

    ``inner`` elements for each row, ``convolved`` those that go through a convolution of ``kernel`` rows, ``keys``
    those of keys (delta nets), ``projected`` all that come out of the first product, ``steps`` time steps. ``state``
    are bytes of the state of all ``slots``.
    """

    kind: str
    inner: int
    convolved: int
    kernel: int
    keys: int
    projected: int
    steps: int
    state: int
    slots: int


def recurrent(model: Mapping[str, Any], slots: int) -> Recurrent:
    """The recurrent part of a model's layers."""
    sizes = model.get("recurrent") or {}
    kernel, inner, size, steps, groups = (
        sizes.get(key) or 0 for key in ("conv_kernel", "inner_size", "state_size", "time_step_rank", "group_count")
    )
    state, width = slots * state_bytes(model), shape.width(model)
    head = number(model, "kda.head_dim")
    if number(model, "wkv.head_size") or (not inner and not head):
        short = bool(number(model, "shortconv.l_cache"))
        kind = "convolution" if short else "rwkv"
        return Recurrent(kind, width, width, number(model, "shortconv.l_cache"), 0, 3 * width, 0, state, slots)
    if head or family(model) in INTERVAL_FAMILIES:
        keys = head * shape.heads(model, 0) if head else size * groups
        inner = inner or keys
        return Recurrent("delta", inner, 2 * keys + inner, kernel, keys, 2 * keys + inner, 0, state, slots)
    convolved = inner + 2 * groups * size
    wide = family(model) in WIDE_STEPS
    projected = 2 * inner if wide else inner + convolved + steps
    return Recurrent("space", inner, convolved, kernel, 0, projected, inner if wide else steps, state, slots)


def recur(builder: Builder, x: int, part: Recurrent) -> int:
    """The part, of the kind that the family has."""
    base = builder.normed(builder.width, x)
    if part.kind == "space":
        found = _space(builder, base, part)
    elif part.kind == "delta":
        found = _delta(builder, base, part)
    elif part.kind == "convolution":
        found = builder.result(builder.width, _convolved(builder, builder.result(part.projected, base), part))
    else:
        found = _mixed(builder, base, part)
    return builder.added(builder.result(builder.width, found), x)


def _convolved(builder: Builder, x: int, part: Recurrent) -> int:
    """The rows behind the last ones of each slot, convolved."""
    before = max(0, part.kernel - 1) * part.slots
    joined = builder.graph.op((builder.rows + before) * part.convolved * FLOAT, x)
    return builder.result(part.convolved, joined)


def _scanned(builder: Builder, part: Recurrent, *sources: int) -> int:
    """The rows, and the new state behind them."""
    return builder.graph.op(builder.rows * part.inner * FLOAT + part.state, *sources)


def _space(builder: Builder, base: int, part: Recurrent) -> int:
    projected = builder.result(part.projected, base)
    convolved = _convolved(builder, projected, part)
    steps = builder.result(part.steps, projected)
    scanned = _scanned(builder, part, convolved, steps)
    # The states of all slots but one are moved.
    builder.graph.op(0, builder.graph.op(part.state - part.state // part.slots))
    gate = builder.result(part.inner, projected)
    skipped = builder.result(part.inner, convolved)
    skipped = builder.result(part.inner, skipped, scanned, over=True)
    return builder.result(part.inner, builder.result(part.inner, gate, skipped))


def _delta(builder: Builder, base: int, part: Recurrent) -> int:
    convolved = _convolved(builder, builder.result(part.projected, base), part)
    state = builder.graph.op(part.state)
    query, key = builder.result(part.keys, convolved), builder.result(part.keys, convolved)
    scanned = _scanned(builder, part, convolved, query, key, state)
    found = builder.result(part.inner, scanned)
    gate = builder.result(part.inner, base)
    return builder.result(part.inner, found, builder.result(part.inner, gate), over=True)


def _mixed(builder: Builder, base: int, part: Recurrent) -> int:
    shifted = builder.result(builder.width, base)
    mixed = builder.result(MIXTURES * builder.width, base, shifted)
    parts = [builder.result(builder.width, mixed) for _each in range(MIXTURES)]
    return builder.result(builder.width, _scanned(builder, part, *parts))
