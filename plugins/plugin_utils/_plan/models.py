# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that an operator wants to serve, in the numbers that memory depends on.

The numbers stand in the metadata of a model's GGUF file, which ``ollama show -v MODEL`` prints and ``/api/show``
returns as ``model_info``; ``*`` is there the architecture, such as ``llama``:

===================  ====================================================================================
key                  where it stands
===================  ====================================================================================
``name``             the operator's name for the model, such as ``llama3.1:8b``
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
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._options import allowed, read

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

_LENGTHS, _INSTEAD = ("key_length", "value_length"), ("embedding_length", "heads")
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
        raise ValueError(load().types["models"])
    models = tuple(_model(index, entry) for index, entry in enumerate(value))
    names = [model.name for model in models]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"each model once; entry {index} repeats the name {name!r} of entry {names.index(name)}")
    return models


def _model(index: int, entry: object) -> ReferenceModel:
    if not isinstance(entry, Mapping):
        raise ValueError(f"a mapping for each model; entry {index} is {entry!r}")
    known = load().options["reference_models"].fields
    unknown = [str(key) for key in entry if key not in known]
    if unknown:
        raise ValueError(f"{', '.join(known)} in a model; entry {index} has {', '.join(unknown)}")
    if entry.get("name") is None:
        raise ValueError(f"a model with a name; entry {index} has none")
    found: dict[str, Any] = {key: _field(index, known[key], value) for key, value in entry.items() if value is not None}
    where = f"entry {index} ({found['name']})"
    missing = [key for key, field in known.items() if field.required and key not in found]
    if missing:
        needed = ", ".join(key for key, field in known.items() if field.required)
        raise ValueError(f"a model with {needed}; {where} lacks {', '.join(missing)}")
    key_length, value_length = _lengths(where, found)
    family = found.get("family")
    return ReferenceModel(
        name=found["name"],
        size_bytes=found["size_bytes"],
        layers=found["layers"],
        kv_heads=found["kv_heads"],
        key_length=key_length,
        value_length=value_length,
        context_length=found.get("context_length"),
        family=family.lower() if family else None,
    )


def _field(index: int, field: Option, value: object) -> object:
    # Templates may hand a number over as text, and never a text as a number.
    if isinstance(value, str) or (isinstance(value, int) and field.type != "pattern"):
        with contextlib.suppress(ValueError):
            return read(field, value)
    raise ValueError(f"{allowed(field)} as {field.name}; in entry {index} it is {value!r}")


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


def single(planning: Planning, model: ReferenceModel) -> bool:
    """Whether the release holds the model to one request at a time; False where the release is unknown and matters."""
    since = planning.contract.single_slot.get(model.family or "")
    return model.embeds or (since is not None and planning.release is not None and planning.release >= since)
