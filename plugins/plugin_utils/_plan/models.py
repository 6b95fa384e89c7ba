# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that an operator wants to serve, in the numbers that memory depends on.

The numbers stand in the metadata of a model's GGUF file, which ``ollama show -v MODEL`` prints and ``/api/show``
returns as ``model_info``; ``*`` is there the architecture, such as ``llama``:

===================  ====================================================================================
key                  where it stands
===================  ====================================================================================
``name``             the operator's own word for the model, such as ``llama3.1:8b``
``size_bytes``       the weights: ``size`` in ``/api/tags``, as ``ollama list`` shows it
``layers``           ``*.block_count``
``kv_heads``         ``*.attention.head_count_kv``; where that is a list, its largest number
``key_length``       ``*.attention.key_length``
``value_length``     ``*.attention.value_length``
``context_length``   ``*.context_length``, the context that the model was trained for
``family``           ``general.architecture``
``embedding_length`` ``*.embedding_length``; with ``heads`` in place of the two lengths, which old files lack
``heads``            ``*.attention.head_count``
===================  ====================================================================================

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MIB, TIB = 1 << 20, 1 << 40

# What a model can be, with room above the largest known: a slip of the keyboard must not decide how memory is filled.
_WHOLE = {
    "size_bytes": (MIB, 4 * TIB),
    "layers": (1, 1000),
    "kv_heads": (1, 1024),
    "key_length": (1, 8192),
    "value_length": (1, 8192),
    "context_length": (1, 1 << 24),
    "embedding_length": (1, 1 << 20),
    "heads": (1, 1024),
}
_NEEDED = ("size_bytes", "layers", "kv_heads")
_LENGTHS, _INSTEAD = ("key_length", "value_length"), ("embedding_length", "heads")
_NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,254}[^\s\x00-\x1f\x7f])?")
_FAMILY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Architectures that make vectors of texts and answer nothing (convert_hf_to_gguf.py of llama.cpp).
_EMBEDDING = frozenset(
    {
        "bert",
        "nomic-bert",
        "nomic-bert-moe",
        "neo-bert",
        "modern-bert",
        "jina-bert-v2",
        "jina-bert-v3",
        "gemma-embedding",
    }
)


@dataclass(frozen=True)
class ReferenceModel:
    """One model. ``size_bytes`` are its weights; lengths are elements of one head's key and value in the KV cache;
    ``context_length`` is in tokens and None where it was not given, as ``family`` is, which is in lower case.
    """

    name: str
    size_bytes: int
    layers: int
    kv_heads: int
    key_length: int
    value_length: int
    context_length: int | None = None
    family: str | None = None

    @property
    def embeds(self) -> bool:
        """Whether the architecture makes embeddings and no text."""
        return self.family in _EMBEDDING


def parse_models(value: object) -> tuple[ReferenceModel, ...]:
    """The operator's list; ValueError says what is allowed and which key of which entry is not that."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("a list of models, each with name, size_bytes, layers, kv_heads, key_length and value_length")
    models = tuple(_model(index, entry) for index, entry in enumerate(value))
    names = [model.name for model in models]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"each model once; entry {index} repeats the name {name!r} of entry {names.index(name)}")
    return models


def _model(index: int, entry: object) -> ReferenceModel:
    if not isinstance(entry, Mapping):
        raise ValueError(f"a mapping for each model; entry {index} is {entry!r}")
    known = ("name", "family", *_WHOLE)
    unknown = [str(key) for key in entry if key not in known]
    if unknown:
        raise ValueError(f"{', '.join(known)} in a model; entry {index} has {', '.join(unknown)}")
    name = _text(index, entry, "name", _NAME, "a model's name such as llama3.1:8b")
    if name is None:
        raise ValueError(f"a model with a name; entry {index} has none")
    family = _text(index, entry, "family", _FAMILY, "an architecture such as llama or qwen3moe")
    numbers = {key: _number(index, key, entry[key]) for key in _WHOLE if entry.get(key) is not None}
    missing = [key for key in _NEEDED if key not in numbers]
    if missing:
        raise ValueError(f"a model with {', '.join(_NEEDED)}; entry {index} ({name}) lacks {', '.join(missing)}")
    key_length, value_length = _lengths(f"entry {index} ({name})", numbers)
    return ReferenceModel(
        name=name,
        size_bytes=numbers["size_bytes"],
        layers=numbers["layers"],
        kv_heads=numbers["kv_heads"],
        key_length=key_length,
        value_length=value_length,
        context_length=numbers.get("context_length"),
        family=family.lower() if family else None,
    )


def _text(index: int, entry: Mapping[str, object], key: str, pattern: re.Pattern[str], right: str) -> str | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{right} as {key}; in entry {index} it is {value!r}")
    return str(value)


def _number(index: int, key: str, value: object) -> int:
    least, most = _WHOLE[key]
    text = str(value).strip()
    # Templates may hand a number over as text.
    if isinstance(value, (int, str)) and not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,18}", text):
        number = int(text)
        if least <= number <= most:
            return number
    raise ValueError(f"a whole number from {least} to {most} as {key}; in entry {index} it is {value!r}")


def _lengths(where: str, numbers: Mapping[str, int]) -> tuple[int, int]:
    """Key and value length; where the metadata lack them, llama.cpp takes embedding length by heads for both."""
    default = numbers["embedding_length"] // numbers["heads"] if all(key in numbers for key in _INSTEAD) else 0
    key_length, value_length = (numbers.get(key, default) for key in _LENGTHS)
    if not key_length or not value_length:
        raise ValueError(
            f"a model with {' and '.join(_LENGTHS)}, or with {' and '.join(_INSTEAD)} in their place; {where} has"
            " neither"
        )
    return key_length, value_length


__all__ = ("ReferenceModel", "parse_models")
