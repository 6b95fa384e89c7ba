# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a model: what its headers say, under names that do not depend on the family.

Keys of src/llama-arch.cpp, and the rules of src/llama-model.cpp (load_hparams) for those that are absent, of llama.cpp
b11434; the parameter size as format/format.go and the kind as server/images.go of Ollama 0.32.15. What a file does not
say is None, and what it says wrongly is a problem, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import FILE_TYPES
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Skipped
from ansible_collections.inference.ollama.plugins.module_utils._models.projector import projector_of
from ansible_collections.inference.ollama.plugins.module_utils._models.tensors import is_projector, tensor_bytes
from ansible_collections.inference.ollama.plugins.module_utils._text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeGuard

    from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Header, Tensor

# LLAMA_MAX_LAYERS of llama.cpp; no model has an eighth of it.
_MOST_LAYERS = 512
_LONGEST_TEXT, _MOST_VALUES = 256, 1024
_GREATEST = (1 << 63) - 1

Problem = Callable[[str], None]

# The parameters of a Modelfile that decide what a model takes (api/types.go, Runner).
PARAMETERS = {"num_ctx": int, "num_thread": int, "num_gpu": int, "use_mmap": bool, "num_batch": int}
NO_PARAMETERS: dict[str, Any] = dict.fromkeys(PARAMETERS)


class Values:
    """The metadata of one family: keys without its name in front; None for what is absent or of a wrong kind."""

    def __init__(self, metadata: Mapping[str, Any], family: str, problem: Problem) -> None:
        self._metadata, self._family, self._problem = metadata, family, problem

    def get(self, key: str) -> Any:  # noqa: ANN401 - as many kinds as a file may hold
        return self._metadata.get(f"{self._family}.{key}")

    def wrong(self, key: str, found: object, expected: str) -> None:
        self._problem(f"{self._family}.{key} is {visible(str(found)[:80])}, expected {expected}")

    def count(self, key: str, most: int = _GREATEST) -> int | None:
        value = self.get(key)
        if value is None or (is_whole(value) and 0 <= value <= most):
            return None if value is None else int(value)
        self.wrong(key, value, f"a whole number from 0 to {most}")
        return None

    def by_layer(self, key: str, layers: int) -> list[int] | None:
        """A number for each layer, which a file gives as a list or as one for all."""
        value = self.get(key)
        if value is None:
            return None
        numbers = value if isinstance(value, list) else [value] * layers
        if len(numbers) == layers and all(is_whole(number) and 0 <= number <= _GREATEST for number in numbers):
            return [int(number) for number in numbers]
        self.wrong(key, value, f"a whole number, or one for each of {layers} layers")
        return None


def is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def parameter_size(count: int) -> str:
    """The number of parameters as the API shows it, such as ``8.0B`` or ``137M``."""
    for unit, name, digits in ((10**9, "B", 1), (10**6, "M", 2)):
        if count >= unit:
            return f"{count // unit}{name}" if count % unit == 0 else f"{count / unit:.{digits}f}{name}"
    return f"{count / 1000:.0f}K" if count >= 1000 else str(count)


def record_of(headers: Sequence[Header], problem: Problem) -> dict[str, Any]:
    """The record of a model in one or several files; ``problem`` takes a sentence for each value that is wrong.

    The metadata is that of the first file, the tensors are those of all. The keys that a header does not tell (name,
    source, store, digest, size_bytes, files, parameters, requires, runner) are None, or empty.
    """
    return record_from(headers[0].metadata, [tensor for header in headers for tensor in header.tensors], problem)


def record_from(metadata: Mapping[str, Any], tensors: Sequence[Tensor] | None, problem: Problem) -> dict[str, Any]:
    """The same of metadata and tensors, from wherever they are; None for tensors that are not known."""
    family = metadata.get("general.architecture")
    if not isinstance(family, str) or not family:
        problem("general.architecture is absent, expected the name of a family")
        family = ""
    values = Values(metadata, family, problem)
    layers = values.count("block_count", _MOST_LAYERS)
    heads = _lists(values, layers)
    embedding = values.count("embedding_length")
    count = _parameters(metadata, tensors)
    return {
        "name": None,
        "source": None,
        "store": None,
        "digest": None,
        "size_bytes": None,
        "files": [],
        "family": visible(family[:_LONGEST_TEXT]) or None,
        "parameter_size": None if count is None else parameter_size(count),
        "parameter_count": count,
        "quantization": _quantization(metadata),
        "context_length": values.count("context_length"),
        "embedding_length": embedding,
        "vocabulary_size": _vocabulary(metadata, values, tensors or ()),
        "layers": layers,
        **heads,
        **_head_lengths(values, heads["heads"], embedding),
        "sliding_window": values.count("attention.sliding_window") or None,
        "sliding_window_pattern": _pattern(values),
        "shared_kv_layers": values.count("attention.shared_kv_layers"),
        "compressed_kv": _compressed(values),
        "recurrent": _recurrent(values),
        "experts": _experts(values),
        "tensor_bytes": None if tensors is None or layers is None else tensor_bytes(tensors, layers),
        "tied_embeddings": None if tensors is None else _tied(tensors),
        "projector": projector_of(metadata, [] if tensors is None else tensors),
        # A model that only embeds says how its tokens become one vector (server/images.go, Capabilities).
        "embedding_only": values.get("pooling_type") is not None,
        "metadata": _further(metadata, family),
        "parameters": dict(NO_PARAMETERS),
        "modelfile": None,
        "requires": text_of(metadata.get("general.requires")),
        "runner": None,
    }


def _lists(values: Values, layers: int | None) -> dict[str, list[int] | None]:
    if layers is None:
        return {"heads": None, "kv_heads": None, "feed_forward_length": None}
    heads = values.by_layer("attention.head_count", layers)
    return {
        "heads": heads,
        # Without it each head has its own keys and values.
        "kv_heads": heads
        if values.get("attention.head_count_kv") is None
        else values.by_layer("attention.head_count_kv", layers),
        "feed_forward_length": values.by_layer("feed_forward_length", layers),
    }


def _head_lengths(values: Values, heads: list[int] | None, embedding: int | None) -> dict[str, int | None]:
    first = heads[0] if heads else None
    rest = None if not first or embedding is None else embedding // first
    key, value = values.count("attention.key_length"), values.count("attention.value_length")
    return {
        "key_length": rest if key is None else key,
        "value_length": rest if value is None else value,
        "key_length_sliding": values.count("attention.key_length_swa"),
        "value_length_sliding": values.count("attention.value_length_swa"),
    }


def _quantization(metadata: Mapping[str, Any]) -> str | None:
    kind = metadata.get("general.file_type")
    return FILE_TYPES.get(kind) if is_whole(kind) else None


def _parameters(metadata: Mapping[str, Any], tensors: Sequence[Tensor] | None) -> int | None:
    if tensors is not None:
        return sum(tensor.elements for tensor in tensors)
    count = metadata.get("general.parameter_count")
    return count if is_whole(count) and 0 <= count <= _GREATEST else None


def _vocabulary(metadata: Mapping[str, Any], values: Values, tensors: Sequence[Tensor]) -> int | None:
    tokens = metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, Skipped) and tokens.count:
        return tokens.count
    # The table of the embeddings has a row for each token.
    rows = (tensor.shape[1] for tensor in tensors if tensor.name == "token_embd.weight" and len(tensor.shape) > 1)
    return len(tokens) if isinstance(tokens, list) else values.count("vocab_size") or next(rows, None)


def _pattern(values: Values) -> int | list[bool] | None:
    key = "attention.sliding_window_pattern"
    value = values.get(key)
    if isinstance(value, Skipped):
        values.wrong(key, value, "a number, or a truth value for each layer")
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        return [bool(each) for each in value]
    return int(value) if is_whole(value) and value > 0 else None


def _compressed(values: Values) -> dict[str, int | None] | None:
    rank = values.count("attention.kv_lora_rank")
    if not rank:
        return None
    return {
        "kv_lora_rank": rank,
        "q_lora_rank": values.count("attention.q_lora_rank") or None,
        "rope_dimension": values.count("rope.dimension_count"),
        "key_length": values.count("attention.key_length_mla"),
        "value_length": values.count("attention.value_length_mla"),
    }


def _recurrent(values: Values) -> dict[str, int | None] | None:
    names = ("conv_kernel", "inner_size", "state_size", "time_step_rank", "group_count")
    found = {name: values.count(f"ssm.{name}") for name in names}
    return found if any(number is not None for number in found.values()) else None


def _experts(values: Values) -> dict[str, int | None] | None:
    count = values.count("expert_count")
    if not count:
        return None
    used = values.get("expert_used_count")
    if isinstance(used, list):
        used = max((number for number in used if is_whole(number)), default=None)
    return {
        "count": count,
        "used": used if is_whole(used) else None,
        "shared": values.count("expert_shared_count"),
        "feed_forward_length": values.count("expert_feed_forward_length"),
        "shared_feed_forward_length": values.count("expert_shared_feed_forward_length"),
        "leading_dense_layers": values.count("leading_dense_block_count"),
    }


def _tied(tensors: Sequence[Tensor]) -> bool:
    names = {tensor.name for tensor in tensors if not is_projector(tensor)}
    return "token_embd.weight" in names and "output.weight" not in names


def text_of(value: object) -> str | None:
    """A text, shown visibly and no longer than 256 characters; None for anything else and for an empty one."""
    return visible(value[:_LONGEST_TEXT]) if isinstance(value, str) and value else None


def quantization_of(said: object) -> str | None:
    """The quantisation that a configuration or the API names; None where Ollama did not know it."""
    return None if said == "unknown" else text_of(said)


def _further(metadata: Mapping[str, Any], family: str) -> dict[str, Any]:
    """Every number, truth value, short text and list of numbers of the family, by its key without the family's name."""
    found: dict[str, Any] = {}
    for key, value in metadata.items():
        name = visible(key[len(family) + 1 :])
        if not family or not key.startswith(f"{family}.") or not _plain(value):
            continue
        found[name] = visible(value) if isinstance(value, str) else value
    return found


def _plain(value: object) -> bool:
    """Whether a value is one that JSON has, and short."""
    if isinstance(value, list):
        return len(value) <= _MOST_VALUES and all(not isinstance(each, list) and _plain(each) for each in value)
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace")) <= _LONGEST_TEXT
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
