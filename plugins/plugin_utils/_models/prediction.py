# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server itself reckons with before it starts a runner: rows of a batch, memory of a model.

Source: server/sched.go and llm/llama_server.go of Ollama 0.30.0 and 0.32.15, which agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load as contract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

MIB = 1 << 20
# Rows of a batch by the tokens of all slots: above so many tokens, so many rows. The share of the memory that the
# prediction may take for these rows, in percent, and what the server adds to it.
ROWS = 512
LARGER_ROWS = ((32768, 2048, 60, 2048 * MIB), (4096, 1024, 75, 768 * MIB))
# With flash attention off on CUDA, and this with a card of at most 8 GiB and more than 4096 tokens.
CONSTRAINED_ROWS, CONSTRAINED_BYTES, CONSTRAINED_TOKENS = 256, 8 << 30, 4096
# A model is loaded beside others, or on one card, where the prediction takes no more of the free memory.
USABLE_PERCENT = 80
# Rows of a model that makes embeddings, no more than its context.
EMBEDDING_ROWS = 2048


def batch_rows(tokens: int, release: Release | None, *, embedding: bool = False) -> int:
    """The most rows that the release computes at once, for so many tokens in all slots.

    With the release unknown those of the newer ones, which are more. A server takes fewer where memory is short
    (``affordable_rows``).
    """
    newer = release is None or contract().reached("llama_server", release)
    if embedding:
        return max(1, min(EMBEDDING_ROWS if newer else ROWS, tokens))
    return next((rows for above, rows, _share, _extra in LARGER_ROWS if newer and tokens > above), ROWS)


def affordable_rows(rows: int, predicted: int, available: int) -> int:
    """The rows that are left of ``rows`` where a model of ``predicted`` bytes has ``available`` bytes of memory."""
    for _above, step, share, extra in reversed(LARGER_ROWS):
        usable = available * USABLE_PERCENT // 100
        if step <= rows and (predicted > available * share // 100 or predicted + extra > usable):
            return ROWS if step == LARGER_ROWS[-1][1] else LARGER_ROWS[-1][1]
    return rows


def surcharge(rows: int) -> int:
    """Bytes that the server adds to its prediction for a batch of so many rows."""
    return next((extra for _above, step, _share, extra in LARGER_ROWS if rows >= step), 0)


def server_prediction(model: Mapping[str, Any], load: Load) -> int:
    """Bytes that the server expects a model to take: its file, and an f16 cache with full attention.

    PredictServerVRAM takes the fewest KV heads of any layer, at least one, the embedding length by the most heads for
    the length of a key, and no more tokens than the model was trained for.
    """
    trained = int(model.get("context_length") or load.context)
    tokens = min(load.context, trained) * load.parallel
    heads = max(1, min(model.get("kv_heads") or [1]))
    most = max(model.get("heads") or [0])
    length = int((model.get("embedding_length") or 0) // most if most else model.get("key_length") or 0)
    return _file_bytes(model) + 4 * int(model.get("layers") or 0) * int(heads) * length * tokens


def _file_bytes(model: Mapping[str, Any]) -> int:
    files = [each.get("size_bytes") or 0 for each in model.get("files") or [] if each.get("role") == "model"]
    return int(files[0] if files else model.get("size_bytes") or 0)
