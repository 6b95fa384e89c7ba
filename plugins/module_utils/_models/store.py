# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the models in a store: the manifest of each, and the headers of the files that it names.

server/images.go (GetModel) and manifest/manifest.go of Ollama 0.32.15 and 0.40; a converted model of 0.40 has a second
name, ``llamacpp:DIGEST``, which 0.40.2 does not list.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.files import check_split
from ansible_collections.inference.ollama.plugins.module_utils._models.folder import Folder
from ansible_collections.inference.ollama.plugins.module_utils._models.manifest import (
    LARGEST,
    Layer,
    Manifest,
    manifest_from,
    parameters_of,
    parsed,
    plain_parameters,
)
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened, shown
from ansible_collections.inference.ollama.plugins.module_utils._models.projector import described, projector_from
from ansible_collections.inference.ollama.plugins.module_utils._models.record import (
    quantization_of,
    record_from,
    record_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Header
    from ansible_collections.inference.ollama.plugins.module_utils._models.record import Problem

_SMALL = 1 << 20
_ROLES = {"model": "model", "projector": "projector", "adapter": "adapter", "draft": "draft"}
_CONVERTED = "llamacpp"
_DIGITS = 20


def read_store(path: str, names: Collection[str], problem: Problem) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """``{path, size_bytes, free_bytes, models, readable}`` of a store, and the records of its models by name.

    ``readable`` is None where there is no such folder.
    ``names`` are those to read, as ``shortened`` gives them; all where there are none. A model whose files cannot be
    read has a record of what its manifest says, with None for the rest. ``problem`` takes sentences with a path.
    """
    store: dict[str, Any] = {"path": path, "size_bytes": None, "free_bytes": None, "models": 0, "readable": False}
    try:
        os.listdir(os.path.join(path, "manifests") if os.path.isdir(os.path.join(path, "manifests")) else path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its path is not one"
        problem(f"{path}: the store cannot be read ({reason})")
        # Ollama makes the folder when it starts for the first time.
        return {**store, "readable": None if isinstance(error, FileNotFoundError) else False}, []
    folder = Folder(path, problem)
    found = folder.manifests()
    records = []
    for parts, place in found.items():
        name = shown(*parts)
        if names and name.lower() not in names:
            continue
        record = _record(folder, name, place, problem)
        if record is not None:
            records.append(record)
    store.update(size_bytes=folder.size(), free_bytes=folder.free(), models=len(records), readable=True)
    return store, sorted(records, key=lambda record: str(record["name"]))


def wanted(names: Collection[str]) -> set[str]:
    """The names to read, as they are compared."""
    return {shortened(name) for name in names}


def _record(folder: Folder, name: str, place: str, problem: Problem) -> dict[str, Any] | None:
    """The record of one model; None for one that is not here, and for the second name of one."""
    try:
        data = folder.data(place, LARGEST)
        top = manifest_from(data)
        if name == f"{_CONVERTED}:{top.digest}":
            return None
        manifest = top if top.child is None else manifest_from(folder.data(folder.blob(top.child), LARGEST))
    except OllamaError as error:
        problem(str(error) if str(error).startswith(folder.path) else f"{place}: {error}")
        return None
    config = _config(folder, manifest, problem)
    # A model of the cloud has a manifest here, and nothing else.
    if config.get("remote_host"):
        return None
    record = _of_files(folder, name, manifest, config, problem)
    record.update(name=name, source="store", store=folder.path, digest=top.digest, size_bytes=manifest.size_bytes)
    record["files"] = [
        {"role": _ROLES[layer.kind], "path": folder.blob(layer.digest), "size_bytes": layer.size_bytes}
        for layer in manifest.layers
        if layer.kind in _ROLES
    ]
    said = _parameters(folder, manifest, problem)
    record["parameters"] = record["parameters"] if said is None else parameters_of(said)
    record["modelfile"] = {
        **{kind: next((layer.digest for layer in manifest.of(kind)), None) for kind in ("template", "system")},
        "parameters": said,
        "from": next((layer.origin for layer in manifest.of("model")), None),
    }
    record["requires"] = text_of(config.get("requires")) or record["requires"]
    record["runner"] = top.runner or manifest.runner
    # Converters need not say it in the file.
    record["quantization"] = record["quantization"] or quantization_of(config.get("file_type"))
    return record


def _config(folder: Folder, manifest: Manifest, problem: Problem) -> dict[str, Any]:
    if manifest.config is None:
        return {}
    path = folder.blob(manifest.config.digest)
    try:
        return parsed(folder.data(path, _SMALL), f"{path}: the configuration")
    except OllamaError as error:
        problem(str(error))
        return {}


def _parameters(folder: Folder, manifest: Manifest, problem: Problem) -> dict[str, Any] | None:
    """All parameters of the model's Modelfile, none where it has none; None where they cannot be read."""
    found: dict[str, Any] | None = {}
    for layer in manifest.of("params"):
        path = folder.blob(layer.digest)
        try:
            found = plain_parameters(folder.data(path, _SMALL))
        except OllamaError as error:
            problem(str(error) if str(error).startswith(folder.path) else f"{path}: {error}")
            found = None
    return found


def _of_files(
    folder: Folder, name: str, manifest: Manifest, config: dict[str, Any], problem: Problem
) -> dict[str, Any]:
    try:
        models = _models(folder, name, manifest)
    except OllamaError as error:
        problem(str(error))
        return _unread(config)
    record = record_of([header for _path, header, _size in models], lambda text: problem(f"{models[0][0]}: {text}"))
    projectors = manifest.of("projector")
    if projectors:
        record["projector"] = _projector(folder, projectors[0], problem)
    return record


def _models(folder: Folder, name: str, manifest: Manifest) -> list[tuple[str, Header, int]]:
    """Path, header and bytes of each file of the model, in order. Raises OllamaError unless all are there."""
    found = [(folder.blob(layer.digest), *_whole(folder, layer)) for layer in manifest.of("model")]
    if not found:
        raise OllamaError(f"{name}: its manifest in {folder.path} names no file of a model in GGUF")
    found.sort(key=lambda model: str(model[1].metadata.get("split.no", 0)).zfill(_DIGITS))
    wrong: list[str] = []
    check_split(found, wrong.append)
    if wrong:
        raise OllamaError(wrong[0])
    return found


def _projector(folder: Folder, layer: Layer, problem: Problem) -> dict[str, Any]:
    try:
        return projector_from(_whole(folder, layer)[0])
    except OllamaError as error:
        problem(str(error))
        return described({}, "", layer.size_bytes)


def _whole(folder: Folder, layer: Layer) -> tuple[Header, int]:
    header, size = folder.header(layer.digest)
    if size != layer.size_bytes:
        raise OllamaError(
            f"{folder.blob(layer.digest)}: it has {size} bytes, expected {layer.size_bytes} as its manifest says"
        )
    return header, size


def _unread(config: dict[str, Any]) -> dict[str, Any]:
    """The record of a model of which only its configuration is known."""
    family = config.get("model_family")
    record = record_from({"general.architecture": family if isinstance(family, str) else ""}, None, lambda _text: None)
    record.update(parameter_size=text_of(config.get("model_type")), embedding_only=None)
    return record
