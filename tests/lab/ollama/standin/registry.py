# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/api/pull from a registry that a file describes: progress, breaks, resumption and failures as the server has them.

/etc/ollama-standin/registry is JSON: ``{NAME: {...}}`` with any of ``bytes`` (of the weights; a model has 266272
anyway), ``revision`` (another one has another digest), ``parameters``, ``template``, ``system``, ``embeds``,
``breaks_at`` (the pull ends at so many bytes, and goes on from there the next time), ``error`` (the words of a pull
that fails), ``full`` (no space is left on the device at so many bytes) and ``pause`` (seconds between two lines).
Without it the registry has the stand-in's own model. server/images.go (PullModel) and server/download.go of Ollama
0.32.15.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import Any, Dict, Iterator, Mapping

from standin import models, store

Line = Dict[str, Any]
# How many lines the weights of a model take.
_STEPS = 4


def described(env: Mapping[str, str]) -> Dict[str, Dict[str, Any]]:
    """What the file says; nothing where there is none."""
    try:
        with open(os.path.join(env.get("OLLAMA_STANDIN_FOLDER") or "/etc/ollama-standin", "registry")) as file:
            found: Dict[str, Dict[str, Any]] = json.load(file)
            return found
    except FileNotFoundError:
        return {}


def pull(found: models.Models, asked: object, env: Mapping[str, str]) -> Iterator[Line]:
    """The lines of a pull; the model is in the store after the last one."""
    name = models.parse(asked)
    known = {str(models.parse(key)): value for key, value in described(env).items()}
    entry = known.get(str(name), {} if str(name) == "standin:latest" else {"error": "file does not exist"})
    yield {"status": "pulling manifest"}
    if "error" in entry:
        raise models.ApiError(f"pull model manifest: {entry['error']}")
    weights = _weights(str(name), entry)
    yield from _download(found.folder, weights, entry)
    layers = [store.layer(found.folder, "model", weights)]
    texts = {"template": entry.get("template"), "system": entry.get("system")}
    if entry.get("parameters"):
        texts["params"] = json.dumps(entry["parameters"])
    layers += [store.layer(found.folder, kind, text.encode()) for kind, text in texts.items() if text]
    config = store.config_layer(found.folder, capabilities=["embedding" if entry.get("embeds") else "completion"])
    for layer in (*layers[1:], config):
        yield {**_line(layer["digest"], layer["size"]), "completed": layer["size"]}
    yield {"status": "verifying sha256 digest"}
    yield {"status": "writing manifest"}
    before = found.data(name)
    store.write(found.path(name), store.manifest(config, layers))
    if before is not None:
        yield {"status": "removing unused layers"}
        found.prune(json.loads(before))
    yield {"status": "success"}


def _weights(name: str, entry: Dict[str, Any]) -> bytes:
    if name == "standin:latest" and not entry:
        return store.gguf()
    data = store.gguf(name=name, version=str(entry.get("revision", 1)))
    return data + bytes(max(0, int(entry.get("bytes", 0)) - len(data)))


def _line(digest: str, total: int) -> Line:
    return {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}


def _download(folder: str, data: bytes, entry: Dict[str, Any]) -> Iterator[Line]:
    """Lines of the weights; what an earlier pull has left is not fetched again."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    path, line = store.blob_path(folder, digest), _line(digest, len(data))
    if os.path.exists(path):
        yield {**line, "completed": len(data)}
        return
    partial = f"{path}-partial"
    done = os.path.getsize(partial) if os.path.exists(partial) else 0
    # Go leaves out a number that is nought.
    yield {**line, **({"completed": done} if done else {})}
    breaks_at, full = int(entry.get("breaks_at", 0)), int(entry.get("full", 0))
    ends = sorted({*(len(data) * step // _STEPS for step in range(1, _STEPS + 1)), breaks_at, full})
    for end in [each for each in ends if each > done]:
        store.write(partial, data[:end])
        if end == full:
            raise models.ApiError(f"write {partial}: no space left on device")
        yield {**line, "completed": end}
        if end == breaks_at:
            raise models.ApiError("max retries exceeded: unexpected EOF")
        time.sleep(float(entry.get("pause", 0)))
    os.rename(partial, path)
