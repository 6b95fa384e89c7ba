# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done with the models of one store, in order: each step is a call of the module ``model``.

A store has the records that the module models_info returns of it. What follows from them needs no step.
"""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, Any, Iterator, Mapping, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import ServedModel, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PULL, CREATE, REMOVE = "present", "created", "absent"
_BLOB = "sha256-"


class Step(NamedTuple):
    """One call: the model, the state, and why, as the end of a sentence. ``removed`` are names that nobody wants."""

    model: ServedModel
    state: str
    why: str


class Files(NamedTuple):
    """What is known of the controller's files, ``{path, size_bytes, sha256}`` by the path as it was written."""

    known: Mapping[str, Mapping[str, Any]]

    def path(self, model: ServedModel) -> str | None:
        """Where the file is on the controller."""
        return (self.known.get(model.file or "") or {}).get("path") or model.file

    def size(self, model: ServedModel) -> int | None:
        found = self.known.get(model.file or "") or {}
        return model.size_bytes or found.get("size_bytes")

    def sha256(self, model: ServedModel) -> str | None:
        return model.sha256 or (self.known.get(model.file or "") or {}).get("sha256")


def steps_of(
    wanted: Sequence[ServedModel], records: Mapping[str, Mapping[str, Any]], files: Files, removed: Iterable[str] = ()
) -> list[Step]:
    """Return the steps: files first, then what goes, what is pulled, and what is derived, each after its base.

    ``records`` are those of the store by key_of() of their names; ``removed`` are further names to remove.
    """
    present = [model for model in wanted if model.present]
    named = {key_of(model.name) for model in wanted}
    bases = [model for model in present if model.base and key_of(model.base) not in named]
    # The server would pull a base by itself, without a word on how far it is.
    pulled = {key_of(str(each.base)): ServedModel(each.number, str(each.base)) for each in bases}
    gone = [model for model in wanted if not model.present]
    gone += [ServedModel(-1, name, state=REMOVE) for name in removed]
    steps = [Step(model, REMOVE, "it is there") for model in gone if key_of(model.name) in records]
    steps += _each([*pulled.values(), *(model for model in present if not model.created)], records, _pull)
    made = in_order([model for model in present if model.created])
    redone = {key_of(step.model.name) for step in steps if step.state != REMOVE}
    for model in made:
        why = _create(model, records, files)
        if why is None and model.base and key_of(model.base) in redone:
            why = f"{model.base} may be another one then"
        if why is not None:
            redone.add(key_of(model.name))
            steps.append(Step(model, CREATE, why))
    # A file needs nothing of a store, and its copy is the slowest thing to find out that it does not work.
    return sorted(steps, key=lambda step: step.model.file is None)


def _each(
    models: Iterable[ServedModel],
    records: Mapping[str, Mapping[str, Any]],
    judge: Any,  # noqa: ANN401 - a function
) -> Iterator[Step]:
    for model in models:
        why = judge(model, records.get(key_of(model.name)))
        if why is not None:
            yield Step(model, PULL, why)


def _pull(model: ServedModel, record: Mapping[str, Any] | None) -> str | None:
    if record is None:
        return "it is not there"
    if model.digest is not None and not str(record.get("digest")).startswith(model.digest):
        return f"it has the digest {str(record.get('digest'))[:12]}, wanted is {model.digest[:12]}"
    return "the registry may have a newer one" if model.update else None


def _create(model: ServedModel, records: Mapping[str, Mapping[str, Any]], files: Files) -> str | None:
    record = records.get(key_of(model.name))
    if record is None:
        return "it is not there"
    blobs, said = _blobs(record), record.get("modelfile") or {}
    base: Mapping[str, Any] = records.get(key_of(model.base)) or {} if model.base else {}
    if model.base:
        if _blobs(base) != blobs:
            return f"it has other weights than {model.base}"
    else:
        sha256 = files.sha256(model)
        if sha256 is None or sha256 not in (*blobs, file_of(record)):
            return "it was made from another file"
    inherited = base.get("modelfile") or {}
    for key in ("template", "system"):
        text = getattr(model, key)
        wanted = inherited.get(key) if text is None else hashlib.sha256(text.encode()).hexdigest()
        if said.get(key) != wanted and (text is not None or model.base):
            return f"it has another {key}"
    return _parameters(model, said.get("parameters"), inherited.get("parameters"))


def file_of(record: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the file that a model was made from, which the module model puts into a name that it goes by.

    From 0.30 on the server writes a file again, so that no layer has its sum.
    """
    name = str((record.get("modelfile") or {}).get("from") or "").rpartition("/")[2]
    return name.partition(":")[0].removeprefix(_BLOB) if name.startswith(_BLOB) else None


def _parameters(model: ServedModel, there: object, inherited: object) -> str | None:
    if not isinstance(there, Mapping):
        return "its parameters could not be read"
    wanted = {**(inherited if isinstance(inherited, Mapping) else {}), **model.parameters}
    # A model from a file may have more, which the server has found in the file.
    names = {**wanted, **(there if model.base else {})}
    different = [name for name in names if _plain(there.get(name)) != _plain(wanted.get(name))]
    return f"it has another {', '.join(different)}" if different else None


def _plain(value: object) -> object:
    """The value in one form for what means the same: one text is a list of it, 1.0 is 1."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return float(value)
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _blobs(record: Mapping[str, Any]) -> list[str]:
    """The digests of the files that a model is loaded from."""
    files = [file for file in record.get("files") or () if file.get("role") == "model"]
    return [posixpath.basename(str(file.get("path"))).removeprefix(_BLOB) for file in files]


def extra_names(
    records: Mapping[str, Mapping[str, Any]], wanted: Iterable[ServedModel], used: Iterable[str]
) -> list[str]:
    """Return the names that a store has beyond what is wanted, its bases, and the names that others use."""
    known = {key_of(name) for name in used}
    for model in wanted:
        known |= {key_of(name) for name in (model.name, model.base) if name}
    return sorted(str(record["name"]) for key, record in records.items() if key not in known)
