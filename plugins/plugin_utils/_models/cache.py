# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the KV cache and the recurrent state of a model take, layer by layer.

Sources: the constructors in src/llama-context.cpp, llama-kv-cache.cpp, llama-kv-cache-iswa.cpp and
llama-memory-recurrent.cpp of llama.cpp b11434. Ollama starts a runner with ``-c`` context times slots and ``-np`` slots
(llm/llama_server.go@0.32.15), so that each slot has a cache of its own (kv_unified is off) and the tokens of one are
divided, then rounded up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.layers import SLIDING, layers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load

# Elements of a block of the cache types, and its bytes (ggml-common.h).
BLOCK = 32
BLOCK_BYTES = {"f16": 64, "q8_0": 34, "q4_0": 18}
# Cells are allocated in steps of so many.
CELLS = 256


def padded(number: int, step: int = CELLS) -> int:
    """The number, rounded up to a multiple of ``step``."""
    return -(-number // step) * step


def slot_cells(load: Load) -> int:
    """Cells of the cache of one slot, where every token is kept."""
    total = padded(load.context * load.parallel)
    return padded(total // load.parallel)


def window_cells(load: Load, window: int) -> int:
    """Cells of the cache of one slot, where a window is kept, and the rows of a batch beside it."""
    return padded(min(slot_cells(load), window + batch(load)))


def batch(load: Load) -> int:
    """Rows of a batch, no more than tokens."""
    return min(load.rows, slot_cells(load) * load.parallel)


def cache_bytes(model: Mapping[str, Any], load: Load) -> tuple[int, ...]:
    """Bytes of cache and state of each layer, of all slots."""
    found = layers(model)
    widest = max((layer.value for layer in found), default=0)
    sizes = []
    for layer in found:
        cells = window_cells(load, layer.window) if layer.kind == SLIDING else slot_cells(load)
        # Without flash attention values are stored transposed, as wide as those of the widest layer.
        value = widest if layer.value and not load.flash else layer.value
        each = (_row(layer.key, load.kv_type) + _row(value, load.kv_type)) * cells + layer.state
        sizes.append(each * load.parallel)
    return tuple(sizes)


def _row(elements: int, kv_type: str) -> int:
    return -(-elements * BLOCK_BYTES[kv_type] // BLOCK)
