# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server before 0.30 takes the computation of llama.cpp's runner to need, and which models run in which engine.

The estimate is a formula by family, larger than what is used with flash attention; layers are laid out by it. Source:
fs/ggml/ggml.go@0.24.0 (GraphSize, OllamaEngineRequired).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load

# Families that run in Ollama's own engine, which reports what a layout takes; all others run in llama.cpp's runner.
# fmt: off
OWN_ENGINE = frozenset({
    "bert", "deepseek2", "deepseekocr", "gemma3", "gemma3n", "gemma4", "glm4moelite", "glmocr", "gpt-oss", "gptoss",
    "laguna", "lfm2", "lfm2moe", "llama4", "mistral3", "mllama", "nemotron_h", "nemotron_h_moe", "nemotron_h_omni",
    "nomic-bert", "olmo3", "qwen25vl", "qwen3", "qwen35", "qwen35moe", "qwen3moe", "qwen3next", "qwen3vl", "qwen3vlmoe",
})
# fmt: on


class _Shape(NamedTuple):
    """Rows of a batch, tokens of context in all slots, embedding, heads, KV heads, elements of a head, vocabulary."""

    rows: int
    tokens: int
    width: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int

    @property
    def scores(self) -> int:
        """Elements of the attention's scores and their mask, for a row."""
        return self.tokens * (1 + self.heads)

    @property
    def results(self) -> int:
        """Bytes of the last layer's input and the logits."""
        return 4 * self.rows * (self.width + self.vocabulary)

    @property
    def head_copy(self) -> int:
        """Bytes of the output weights where they are copied to the card, at five bits and a quarter an element."""
        return self.width * self.vocabulary * 105 // 128


def estimate(record: Mapping[str, Any], load: Load, cache: int) -> tuple[int, int] | None:
    """Bytes of the computation on each card, with all layers on cards and with a part of them; None where a figure
    that the formula needs is not known.

    ``cache`` are the bytes of all layers' KV cache.
    """
    family = str(record.get("family") or "")
    counts = [head for head in record.get("heads") or () if head is not None]
    heads, width = max(counts, default=0), record.get("embedding_length")
    if not heads or not width:
        return None
    kv_heads = [head for head in record.get("kv_heads") or () if head is not None]
    formula = _FORMULAS.get(family)
    if formula is None:
        # The same for both: a share of the cache by the heads that have a key in common.
        share = heads // (min(kv_heads, default=0) or 1) * cache // 6
        return share, share
    if record.get("vocabulary_size") is None:
        return None
    head = width // min(counts) if min(counts) else 0
    shape = _Shape(load.rows, load.tokens, width, heads, max(kv_heads, default=0), head, record["vocabulary_size"])
    whole, split = formula(shape)
    experts = _experts(record)
    if family in ("llama", "llama4") and experts:
        inner = max((length for length in record.get("feed_forward_length") or () if length), default=0)
        keys = shape.head * shape.kv_heads
        split = max(
            experts + 4 * shape.rows * (2 * inner + shape.kv_heads + width + shape.tokens + keys),
            4 * (shape.tokens * (shape.rows * heads + keys) + shape.rows * (1024 + keys)),
        )
    return whole, split


def _experts(record: Mapping[str, Any]) -> int:
    """Bytes of block 0's experts: gate, up and down are of one size."""
    layers = (record.get("tensor_bytes") or {}).get("layers") or ()
    return int(layers[0].get("experts") or 0) if layers else 0


def _llama(s: _Shape) -> tuple[int, int]:
    scores = 4 * s.rows * (1 + s.width + max(s.tokens, s.width)) + s.width * s.width * 9 // 16
    scores += 4 * s.tokens * (s.rows * s.heads + s.head * s.kv_heads)
    return (
        max(4 * s.rows * (1 + 4 * s.width + s.scores), s.results),
        4 * s.rows * s.width + max(scores, s.results + s.head_copy),
    )


def _gemma(s: _Shape) -> tuple[int, int]:
    wide = 2 * s.head * s.heads
    scores = 4 * s.rows * (2 * s.width + 1 + wide + s.scores) + 32 * s.head * s.tokens
    return (
        max(s.results, 4 * s.rows * (2 + s.scores + 2 * s.width + wide)),
        max(s.results + s.head_copy, scores + s.width * s.head * s.heads * 9 // 16),
    )


def _command_r(s: _Shape) -> tuple[int, int]:
    scores = 4 * s.rows * (1 + 2 * s.width + s.scores) + 4 * s.width * s.tokens + s.width * s.width * 9 // 16
    return max(s.results, 4 * s.rows * (2 + 4 * s.width + s.scores)), max(s.results + s.head_copy, scores)


def _qwen2(s: _Shape) -> tuple[int, int]:
    scores = 4 * s.rows * (1 + 2 * s.width + s.scores)
    return max(s.results, scores), max(s.results + s.head_copy, scores + 4 * s.width * (1 + s.tokens))


def _phi2(s: _Shape) -> tuple[int, int]:
    return (
        max(s.results, 4 * s.rows * (1 + 4 * s.width + s.scores)),
        max(s.results + 4 * s.rows * s.width + s.head_copy, 4 * s.rows * (2 + 3 * s.width + s.scores)),
    )


def _stablelm(s: _Shape) -> tuple[int, int]:
    whole = 4 * s.rows * (s.scores + 3 * s.width + 2)
    return whole, max(s.results + 4 * s.rows * s.width, whole)


_FORMULAS: dict[str, Callable[[_Shape], tuple[int, int]]] = {
    "llama": _llama,
    "llama4": _llama,
    "gemma": _gemma,
    "gemma2": _gemma,
    "command-r": _command_r,
    "qwen2": _qwen2,
    "phi2": _phi2,
    "stablelm": _stablelm,
}
