# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/api/create: from a model, whose weights, parameters and texts it takes over, or from one GGUF file that is a blob.

server/create.go and server/model.go of Ollama 0.32.15. From 0.30 on a file is rewritten by llama-quantize; without
it, as where /etc/ollama-standin/no-quantize is there, nothing is created from files.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterator, List, Mapping

from standin import models, registry, store

_REWRITES = (0, 30)
_KINDS = {"template": "template", "system": "system"}


def create(
    found: models.Models, request: Dict[str, Any], env: Mapping[str, str], version: str
) -> Iterator[Dict[str, Any]]:
    """The lines of /api/create; the model is in the store after the last one."""
    name = models.parse(request.get("model") or request.get("name"))
    before = found.data(name)
    if request.get("from"):
        base = models.parse(request["from"])
        if found.data(base) is None:
            yield from registry.pull(found, request["from"], env)
        manifest = found.manifest(base, base, 500)
        # Go's structure of a layer has no more than these.
        layers = [{**layer, "from": str(base)} for layer in manifest["layers"]]
        config = found.config(manifest)
    elif request.get("files"):
        yield {"status": "parsing GGUF"}
        layers, config = _from_file(found, request["files"], env, version), {}
    else:
        raise models.ApiError("neither 'from' or 'files' was specified", 400)
    for key, kind in _KINDS.items():
        if request.get(key):
            layers = [*_without(layers, kind), store.layer(found.folder, kind, str(request[key]).encode())]
    inherited = next((found.layer({"layers": [each]}, "params") for each in layers if _is(each, "params")), "{}")
    parameters = {**json.loads(inherited), **(request.get("parameters") or {})}
    if parameters:
        layers = [*_without(layers, "params"), store.layer(found.folder, "params", json.dumps(parameters).encode())]
    for layer in layers:
        yield {"status": f"{'using existing' if 'from' in layer else 'creating new'} layer {layer['digest']}"}
    yield {"status": "writing manifest"}
    kept = {"capabilities": config["capabilities"]} if "capabilities" in config else {}
    store.write(found.path(name), store.manifest(store.config_layer(found.folder, **kept), layers))
    if before is not None:
        found.prune(json.loads(before))
    yield {"status": "success"}


def _is(layer: Dict[str, Any], kind: str) -> bool:
    return bool(layer["mediaType"] == f"application/vnd.ollama.image.{kind}")


def _without(layers: List[Dict[str, Any]], kind: str) -> List[Dict[str, Any]]:
    return [layer for layer in layers if not _is(layer, kind)]


def _from_file(
    found: models.Models, files: Mapping[str, str], env: Mapping[str, str], version: str
) -> List[Dict[str, Any]]:
    path = found.blob(next(iter(files.values())))
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise models.ApiError(f"open {path}: no such file or directory") from None
    if not data.startswith(b"GGUF"):
        raise models.ApiError("unknown type", 400)
    if tuple(int(part) for part in version.partition("-")[0].split("."))[:2] < _REWRITES:
        return [store.layer(found.folder, "model", data)]
    if os.path.exists(os.path.join(env.get("OLLAMA_STANDIN_FOLDER") or "/etc/ollama-standin", "no-quantize")):
        words = "failed to validate GGUF with llama-quantize without compatibility patches: llama-quantize unavailable"
        raise models.ApiError(
            f"{words}: llama-quantize binary not found (checked: /usr/local/lib/ollama/llama-quantize)"
        )
    # What llama-quantize writes is another file, with the same weights.
    return [store.layer(found.folder, "model", data + bytes(32))]
