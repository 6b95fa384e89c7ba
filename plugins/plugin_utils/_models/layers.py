# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kind each layer of a model is, and what it keeps of a token or a slot.

Sources: llama.cpp b11434, ``load_arch_hparams`` of each family in src/models, src/llama-hparams.cpp, and
``create_memory`` in src/llama-model.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
FULL, SLIDING, COMPRESSED, RECURRENT, NONE = "full", "sliding", "compressed", "recurrent", "none"


@dataclass(frozen=True)
class Layer:
    """One repeating layer.

    ``key`` and ``value`` are elements of the KV cache for each token, ``state`` bytes of recurrent state for each slot,
    ``window`` the tokens that a sliding layer attends to.
    """

    kind: str
    key: int = 0
    value: int = 0
    state: int = 0
    window: int = 0


@dataclass(frozen=True)
class Sliding:
    """Which layers of a family have a sliding window, where its files do not list them.

    One layer in ``period`` attends to everything: the last one of each period, or the first (``dense_first``).
    ``window`` is that of files without one; None: such files have full attention alone. ``fixed``: the file's window is
    not read. ``layers``: only a model of so many layers has a window.
    """

    period: int
    window: int | None = None
    dense_first: bool = False
    fixed: bool = False
    layers: int | None = None


SLIDING_FAMILIES = {
    "afmoe": Sliding(4),
    "cohere2": Sliding(4),
    "cohere2moe": Sliding(4, dense_first=True),
    "exaone-moe": Sliding(4, 128),
    "exaone4": Sliding(4, 4096, layers=64),
    "gemma-embedding": Sliding(6),
    "gemma2": Sliding(2, 4096),
    "gemma3": Sliding(6),
    "gemma3n": Sliding(5),
    "gpt-oss": Sliding(2),
    "laguna": Sliding(4, dense_first=True),
    "llama4": Sliding(4, 8192, fixed=True),
    "mellum": Sliding(4),
    "modern-bert": Sliding(3, dense_first=True),
    "muse-glimmer": Sliding(4),
    "olmo2": Sliding(4),
    "plamo3": Sliding(8),
    "smallthinker": Sliding(4, 4096, dense_first=True, fixed=True),
}
# Families that take the list of sliding layers from the file, and have no pattern of their own.
LISTED_FAMILIES = frozenset({"dots3note", "gemma4", "granite_swa", "maple", "mimo2", "spark2_5", "step35"})
# Every layer is recurrent (llm_arch_is_recurrent).
RECURRENT_FAMILIES = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
# A layer without KV heads is recurrent.
HEADLESS_FAMILIES = frozenset(
    {"bailingmoe3", "glm5-next", "granitehybrid", "jamba", "kimi-k3", "kimi-linear", "lfm2", "lfm2moe", "plamo2"}
)
# A layer without KV heads and without feed forward is recurrent; one with feed forward keeps nothing.
SINGLE_PURPOSE_FAMILIES = frozenset({"nemotron_h", "nemotron_h_moe"})
# One layer in full_attention_interval attends, the others are recurrent.
INTERVAL_FAMILIES = frozenset({"minimax-01", "qwen35", "qwen35moe", "qwen3next", "qwen4exp"})
INTERVAL = 4
# Both at once in every layer.
PARALLEL_FAMILIES = frozenset({"falcon-h1"})
# No memory between batches: these read a text as a whole.
WHOLE_FAMILIES = frozenset(
    {
        "bert",
        "clef",
        "dream",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llada",
        "llada-moe",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "rnd1",
        "t5encoder",
        "wavtokenizer-dec",
    }
)
# Layers from this one on take keys and values of earlier ones (n_layer_kv_from_start).
GEMMA3N_OWN = 20
# Names of Ollama's own converter (llama/compat/llama-ollama-compat.cpp@0.32.15), which the server maps at load.
ALIASES = {"gptoss": "gpt-oss", "gemma3-embedding": "gemma-embedding", "qwen25vl": "qwen2vl"}


def family(model: Mapping[str, Any]) -> str:
    """The architecture as llama.cpp names it; "" where it is not known."""
    name = model.get("family") or ""
    return ALIASES.get(name, name)


def layers(model: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The repeating layers of a model record, block 0 first; those of speculative heads keep nothing."""
    count = model.get("layers") or 0
    trunk = trunk_layers(model)
    recurrent = _recurrent(model, trunk)
    sliding = sliding_layers(model)
    state = state_bytes(model)
    own = own_layers(model, count)
    found = []
    for index in range(count):
        if index >= trunk or family(model) in WHOLE_FAMILIES:
            found.append(Layer(NONE))
        elif recurrent[index]:
            attends = family(model) in PARALLEL_FAMILIES
            layer = _attention(model, index, sliding=False) if attends else Layer(RECURRENT)
            found.append(Layer(layer.kind, layer.key, layer.value, state))
        elif index >= own or not at(model.get("kv_heads"), index):
            found.append(Layer(NONE))
        else:
            found.append(_attention(model, index, sliding=sliding[index]))
    return tuple(found)


def trunk_layers(model: Mapping[str, Any]) -> int:
    """Layers without those of speculative heads, which the server loads only when it is asked to speculate."""
    return max(0, (model.get("layers") or 0) - number(model, "nextn_predict_layers"))


def own_layers(model: Mapping[str, Any], count: int) -> int:
    """Layers from the first one on that have keys and values of their own."""
    if family(model) == "gemma3n":
        return GEMMA3N_OWN
    return count - (model.get("shared_kv_layers") or 0) if family(model) == "gemma4" else count


def window(model: Mapping[str, Any]) -> int:
    """Tokens of the sliding window; 0 where the model has none."""
    rule, given = SLIDING_FAMILIES.get(family(model)), model.get("sliding_window")
    if rule is None:
        return (given or 0) if family(model) in LISTED_FAMILIES or family(model) == "lfm2" else 0
    if given == 0 or rule.layers not in (None, model.get("layers")):
        return 0
    return rule.window or 0 if rule.fixed or given is None else given


def sliding_layers(model: Mapping[str, Any]) -> list[bool]:
    """Which layers have a sliding window."""
    count, trunk, pattern = model.get("layers") or 0, trunk_layers(model), model.get("sliding_window_pattern")
    if not window(model):
        return [False] * count
    if isinstance(pattern, (list, tuple)):
        return [bool(at(pattern, index)) for index in range(count)]
    if family(model) == "lfm2":
        return [bool(at(model.get("kv_heads"), index)) for index in range(count)]
    rule = SLIDING_FAMILIES.get(family(model))
    if rule is None:
        return [False] * count
    period = rule.period if pattern is None else int(pattern)
    dense = 0 if rule.dense_first else period - 1
    return [index < trunk and (period == 0 or index % period != dense) for index in range(count)]


def compressed(model: Mapping[str, Any]) -> bool:
    """Whether the cache holds the compressed keys alone, one vector a token, from which values are taken too."""
    lengths = model.get("compressed_kv") or {}
    return bool(lengths.get("key_length") and lengths.get("value_length"))


def state_bytes(model: Mapping[str, Any]) -> int:
    """Bytes of recurrent state of one layer and slot, four for each element (n_embd_r and n_embd_s)."""
    width, states = model.get("embedding_length") or 0, model.get("recurrent") or {}
    conv, inner, size = (states.get(key) or 0 for key in ("conv_kernel", "inner_size", "state_size"))
    shift = max(0, conv - 1)
    if wkv := number(model, "wkv.head_size"):
        # rwkv7 and its relatives keep two token shifts, those without a channel mix of their own one.
        shifts = number(model, "token_shift_count") or 2
        return 4 * width * (shifts + wkv)
    if cache := number(model, "shortconv.l_cache"):
        return 4 * (width * (cache - 1) + size * inner)
    heads = at(model.get("heads"), 0) or 0
    if head := number(model, "kda.head_dim"):
        return 4 * head * heads * (3 * (shift if conv else 3) + head)
    if family(model) == "minimax-01":
        head = int(model.get("key_length") or 0)
        return 4 * head * head * heads
    return 4 * (shift * (inner + 2 * (states.get("group_count") or 0) * size) + size * inner)


def number(model: Mapping[str, Any], key: str) -> int:
    """A further number of the file's; 0 where it has none."""
    found = (model.get("metadata") or {}).get(key)
    return found if isinstance(found, int) else 0


def listed(model: Mapping[str, Any], key: str) -> Sequence[int] | None:
    """A further list of the file's, a value for each layer; None where it has none."""
    found = (model.get("metadata") or {}).get(key)
    return found if isinstance(found, (list, tuple)) else None


def at(values: Sequence[T] | None, index: int) -> T | None:
    """The value of a layer; None where the list is shorter or not known."""
    return values[index] if values is not None and index < len(values) else None


def _recurrent(model: Mapping[str, Any], trunk: int) -> list[bool]:
    name, count = family(model), model.get("layers") or 0
    kv_heads, forward = model.get("kv_heads"), model.get("feed_forward_length")
    if name in RECURRENT_FAMILIES or name in PARALLEL_FAMILIES:
        return [True] * count
    if name in HEADLESS_FAMILIES:
        return [at(kv_heads, index) == 0 for index in range(count)]
    if name in SINGLE_PURPOSE_FAMILIES:
        return [not at(kv_heads, index) and not at(forward, index) for index in range(count)]
    if name in INTERVAL_FAMILIES:
        given = listed(model, "attention.recurrent_layers")
        if given is not None:
            return [bool(at(given, index)) for index in range(count)]
        interval = number(model, "full_attention_interval") or INTERVAL
        return [index < trunk and (index + 1) % interval != 0 for index in range(count)]
    return [False] * count


def _attention(model: Mapping[str, Any], index: int, *, sliding: bool) -> Layer:
    heads = at(model.get("kv_heads"), index) or 0
    key, value = model.get("key_length") or 0, model.get("value_length") or 0
    if compressed(model):
        # One key of an indexer lies beside the compressed one where the model chooses its tokens.
        return Layer(COMPRESSED, heads * key + _indexer(model, index))
    if not sliding:
        return Layer(FULL, heads * key, heads * value)
    key = model.get("key_length_sliding") or key
    value = model.get("value_length_sliding") or value
    return Layer(SLIDING, heads * key, heads * value, window=window(model))


def _indexer(model: Mapping[str, Any], index: int) -> int:
    if family(model) not in ("deepseek32", "glm-dsa"):
        return 0
    types = listed(model, "attention.indexer.types")
    chosen = types is None or bool(at(types, index))
    return number(model, "attention.indexer.key_length") if chosen else 0
