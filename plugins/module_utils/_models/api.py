# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the server for the models that no file could be read of: /api/tags and /api/show.

api/types.go, server/routes.go (GetModelInfo) and fs/ggml/gguf.go of Ollama 0.32.15: the metadata of a model without
its lists, and its tensors with their types; the lists, vocabulary and all, where the answer is to be verbose.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._models.folder import MOST_MODELS
from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import BLOCKS, NAMES
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Skipped, Tensor
from ansible_collections.inference.ollama.plugins.module_utils._models.manifest import parameter
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened
from ansible_collections.inference.ollama.plugins.module_utils._models.projector import described
from ansible_collections.inference.ollama.plugins.module_utils._models.record import (
    PARAMETERS,
    is_whole,
    quantization_of,
    record_from,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from ansible_collections.inference.ollama.plugins.module_utils._models.record import Problem
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

# The verbose answer holds the vocabulary: 256 Ki tokens and 500,000 merges are about 13 MiB.
VERBOSE = 1 << 25
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_GREATEST = (1 << 63) - 1
_MOST_TENSORS = 1 << 15


class Server:
    """A server by its address; ``fetch`` asks, and ``fetch_large`` for answers of up to VERBOSE bytes."""

    def __init__(self, url: str, fetch: Fetch, fetch_large: Fetch, problem: Problem) -> None:
        self._base = url.rstrip("/")
        self._fetch, self._fetch_large, self._problem = fetch, fetch_large, problem

    def listed(self, names: Collection[str]) -> dict[str, dict[str, Any]]:
        """``{name, digest, size_bytes, details}`` of each model here by its shortened name; of all without ``names``.

        Models of the cloud are left out.
        """
        url = f"{self._base}/api/tags"
        said, problem = self._fetch(url)
        models = said.get("models") if isinstance(said, dict) else None
        if problem is not None or not (models is None or isinstance(models, list)) or not isinstance(said, dict):
            self._problem(problem or f"{url}: the answer has no list models")
            return {}
        found: dict[str, dict[str, Any]] = {}
        for entry in models or []:
            name = text_of(entry.get("name") or entry.get("model")) if isinstance(entry, dict) else None
            if name is None:
                self._problem(f"{url}: a model has no valid name")
            elif not entry.get("remote_host") and (not names or shortened(name) in names):
                found[shortened(name)] = _listed(name, entry)
        if len(found) > MOST_MODELS:
            self._problem(f"{url}: it names {len(found)} models, of which the first {MOST_MODELS} were read")
        return dict(list(found.items())[:MOST_MODELS])

    def model(self, listed: dict[str, Any]) -> dict[str, Any] | None:
        """The record of a model that is listed; None where the server says nothing of it."""
        url, name = f"{self._base}/api/show", listed["name"]
        said, problem = self._fetch(url, {"model": name})
        if problem is None and not isinstance(said, dict):
            problem = f"{url}: the answer is not an object"
        if problem is not None:
            self._problem(f"{name}: {problem}")
            return None
        said = self._with_lists(url, name, said)
        record = self._record(f"{url}: {name}", said)
        record.update(name=name, source="api", digest=listed["digest"], size_bytes=listed["size_bytes"])
        details = {**listed["details"], **_object(said, "details")}
        for key in ("family", "parameter_size"):
            record[key] = record[key] or text_of(details.get(key))
        record["quantization"] = record["quantization"] or quantization_of(details.get("quantization_level"))
        return record

    def _with_lists(self, url: str, name: str, said: dict[str, Any]) -> dict[str, Any]:
        """The verbose answer where the plain one leaves out a list that tells how layers differ."""
        info = _object(said, "model_info")
        family = f"{info.get('general.architecture')}."
        if not any(key.startswith(family) and (value is None or value == []) for key, value in info.items()):
            return said
        verbose, problem = self._fetch_large(url, {"model": name, "verbose": True})
        if problem is None and isinstance(verbose, dict) and _object(verbose, "model_info"):
            return {**said, **verbose}
        self._problem(f"{name}: {problem or f'{url}: the verbose answer has no model_info'}")
        return said

    def _record(self, where: str, said: dict[str, Any]) -> dict[str, Any]:
        def problem(text: str) -> None:
            self._problem(f"{where}: {text}")

        metadata = _metadata(_object(said, "model_info"))
        record = record_from(metadata, _tensors(said.get("tensors"), problem), problem)
        beside = _metadata(_object(said, "projector_info"))
        if beside:
            record["projector"] = described(beside, str(beside.get("general.architecture", "")), None)
            problem("the bytes of its projector are not known")
        record["parameters"] = _parameters(said.get("parameters"))
        record["requires"] = text_of(said.get("requires")) or record["requires"]
        return record


def _listed(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    match = _DIGEST.fullmatch(str(entry.get("digest")))
    size = entry.get("size")
    return {
        "name": name,
        "digest": None if match is None else match.group(1).lower(),
        "size_bytes": size if is_whole(size) and 0 <= size <= _GREATEST else None,
        "details": _object(entry, "details"),
    }


def _object(said: dict[str, Any], key: str) -> dict[str, Any]:
    value = said.get(key)
    return value if isinstance(value, dict) else {}


def _metadata(info: dict[str, Any]) -> dict[str, Any]:
    """The metadata as a file has them: a list that the API leaves out is null or empty in its answer."""
    return {
        key: Skipped(0) if value is None or value == [] else Skipped(len(value)) if _is_long(value) else value
        for key, value in info.items()
        if not isinstance(value, dict)
    }


def _is_long(value: object) -> bool:
    return isinstance(value, list) and (isinstance(value[0], str) or len(value) > 1024)


def _tensors(said: object, problem: Problem) -> list[Tensor] | None:
    if not isinstance(said, list) or not said:
        problem("the answer has no tensors")
        return None
    if len(said) > _MOST_TENSORS:
        problem(f"the answer has {len(said)} tensors, expected {_MOST_TENSORS} at most")
        return None
    found = [_tensor(entry) for entry in said]
    known = [tensor for tensor in found if tensor is not None]
    if len(known) < len(found):
        wrong = said[found.index(None)]
        problem(f"a tensor is {str(wrong)[:120]}, expected a name, a type and a shape")
        return None
    return known


def _tensor(said: object) -> Tensor | None:
    if not isinstance(said, dict):
        return None
    name, kind, shape = said.get("name"), NAMES.get(str(said.get("type")).upper()), said.get("shape")
    if not isinstance(name, str) or kind is None or not isinstance(shape, list) or len(shape) > 4:
        return None
    elements = 1
    for number in shape:
        if not is_whole(number) or not 0 <= number <= _GREATEST:
            return None
        elements *= number
    block, size = BLOCKS[kind]
    return Tensor(name, tuple(shape), kind, 0, elements, elements // block * size) if elements <= _GREATEST else None


def _parameters(said: object) -> dict[str, Any]:
    """The parameters that decide what a model takes, of lines such as ``num_ctx    8192``."""
    found: dict[str, Any] = dict.fromkeys(PARAMETERS)
    for line in said.splitlines()[:1000] if isinstance(said, str) else []:
        name, _blank, text = line.partition(" ")
        if name in PARAMETERS:
            found[name] = parameter(_value(text.strip()), PARAMETERS[name])
    return found


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text[:40])
    except ValueError:
        return None
