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

In place of a model's numbers its name may stand, or the path of its file; ``named.py`` puts what was read of it there.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import is_file, key_of, shortest
from ansible_collections.inference.ollama.plugins.plugin_utils._options import AUTO, allowed, read

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

# Of a path and of what a refusal shows of a wrong name, in characters; PATH_MAX of Linux.
_LONGEST_PATH, _LONGEST_NAME = 4096, 80
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
    ``record`` is what was read of the model, as the module models_info returns it; None where its numbers were given.
    ``optional``: nobody named the model, and where it does not fit by itself, the others are planned for without it.
    """

    name: str
    size_bytes: int
    layers: int
    kv_heads: int
    key_length: int
    value_length: int
    context_length: int | None = None
    family: str | None = None
    record: Mapping[str, Any] | None = dataclasses.field(default=None, repr=False, hash=False)
    optional: bool = False

    @property
    def embeds(self) -> bool:
        """Whether the architecture makes embeddings and no text."""
        return self.family in _EMBEDDING or bool((self.record or {}).get("embedding_only"))


def is_auto(value: object) -> bool:
    """Whether the models are to be those of the host's store."""
    return isinstance(value, str) and value.lower() == AUTO


def parse_models(value: object) -> tuple[ReferenceModel, ...]:
    """The operator's list; ValueError says what is allowed and which key of which entry is not that.

    ``auto``, names and files, which ``named.py`` replaces by models before, are judged here and are no models yet.
    """
    if is_auto(value):
        return ()
    if not isinstance(value, (list, tuple)):
        raise ValueError(load().types["models"])
    models = tuple(_entry(index, entry) for index, entry in enumerate(value))
    names = [model if isinstance(model, str) else model.name for model in models]
    keys = [name if is_file(name) else key_of(name) for name in names]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            first = keys.index(key)
            raise ValueError(f"each model once; entry {index} repeats the name {names[first]!r} of entry {first}")
    return tuple(model for model in models if not isinstance(model, str))


def from_record(record: Mapping[str, Any], *, optional: bool = False) -> ReferenceModel:
    """The model of a record of the module models_info; ValueError names the numbers that it lacks."""
    kv_heads = [number for number in record.get("kv_heads") or () if number is not None]
    numbers = {
        "size_bytes": record.get("size_bytes"),
        "layers": record.get("layers"),
        "kv_heads": max(kv_heads, default=None),
        "key_length": record.get("key_length"),
        "value_length": record.get("value_length"),
    }
    if numbers["kv_heads"] == 0 or (not kv_heads and record.get("recurrent")):
        # A model without attention has no keys and values.
        numbers.update({key: numbers[key] or 0 for key in ("kv_heads", *_LENGTHS)})
    lacking = [key for key, number in numbers.items() if number is None]
    if lacking:
        raise ValueError(", ".join(lacking))
    family = record.get("family")
    return ReferenceModel(
        name=str(record["name"]),
        context_length=record.get("context_length"),
        family=str(family).lower() if family else None,
        record=record,
        optional=optional,
        **{key: int(number) for key, number in numbers.items() if number is not None},
    )


def _entry(index: int, entry: object) -> ReferenceModel | str:
    if isinstance(entry, ReferenceModel):
        return entry
    if not isinstance(entry, str):
        return _model(index, entry)
    if is_auto(entry):
        raise ValueError(f"{AUTO} alone, in place of the list; entry {index} is {AUTO}")
    if is_file(entry):
        if not entry.isprintable() or len(entry) > _LONGEST_PATH:
            raise ValueError(f"a path of up to {_LONGEST_PATH} characters, all of them printable, in entry {index}")
        return entry
    try:
        shortest(entry)
    except ValueError:
        raise ValueError(
            f"a model's name such as llama3.1:8b, the path of its file, which is absolute or ends in .gguf, or a"
            f" mapping of its numbers; entry {index} is {entry[:_LONGEST_NAME]!r}"
        ) from None
    return entry


def _model(index: int, entry: object) -> ReferenceModel:
    if not isinstance(entry, Mapping):
        raise ValueError(f"a name, a file or a mapping for each model; entry {index} is {entry!r}")
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
