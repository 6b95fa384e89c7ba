# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has reached the server: a canary for tests of what stands in front of it.

A request is marked where its request line, a header or the model that it asks for has the word ``attack-``: no such
request may come through a gateway. GET /standin/received says how many requests came, and the first marked ones.
"""

from __future__ import annotations

import collections
import json
import threading
from typing import Any, BinaryIO, Dict, List, Mapping, Optional, Tuple

PATH = "/standin/received"
MARK = "attack-"
KEPT = 50
LARGEST_BYTES = 1 << 26
# Fields of requests that Go matches whatever their case (encoding/json), and of which the last counts.
FIELDS = ("model", "name")

_lock = threading.Lock()
_paths: collections.Counter[str] = collections.Counter()
_marked: List[Dict[str, Any]] = []


def count(method: str, path: str, headers: Mapping[str, str]) -> None:
    """Count a request, and keep it where it is marked."""
    line = f"{method} {path}"
    said = {name: value for name, value in headers.items() if MARK in f"{name} {value}"}
    with _lock:
        _paths[f"{method} {path.partition('?')[0]}"[:100]] += 1
        if MARK in line or said:
            _keep({"line": line[:300], "headers": {name[:100]: value[:300] for name, value in said.items()}})


def asked(path: str, model: Any) -> None:
    """Keep a request whose body asks for a marked model."""
    if isinstance(model, str) and MARK in model:
        with _lock:
            _keep({"line": path[:300], "model": model[:300]})


def _keep(entry: Dict[str, Any]) -> None:
    _paths["marked"] += 1
    if len(_marked) < KEPT:
        _marked.append(entry)


def shown() -> Dict[str, Any]:
    with _lock:
        paths = dict(_paths)
        marked = paths.pop("marked", 0)
        return {"requests": sum(paths.values()), "paths": paths, "marked": marked, "first": list(_marked)}


def body(file: BinaryIO, headers: Mapping[str, str]) -> bytes:
    """The body of a request by its framing, as RFC 9112 has it: chunks go before a length."""
    if "chunked" not in (headers.get("Transfer-Encoding") or "").lower():
        return file.read(int(headers.get("Content-Length") or 0))
    parts: List[bytes] = []
    while True:
        length = int(file.readline(300).partition(b";")[0], 16)
        if not length:
            break
        if length + sum(map(len, parts)) > LARGEST_BYTES:
            raise ValueError("the body is too large")
        parts.append(file.read(length))
        file.readline(300)
    while file.readline(300).strip():
        pass
    return b"".join(parts)


def parsed(raw: bytes) -> Dict[str, Any]:
    """The object of a request as Go reads it: the first value counts, and some fields whatever their case."""

    def fields(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        return {key.lower() if key.lower() in FIELDS else key: value for key, value in pairs}

    text = raw.decode("utf-8", "replace").lstrip()
    found: Any = json.JSONDecoder(object_pairs_hook=fields).raw_decode(text)[0]
    if not isinstance(found, dict):
        raise ValueError("json: cannot unmarshal into an object")
    return found


def named(request: Mapping[str, Any]) -> Optional[str]:
    """The model that a request asks for."""
    return request.get("model") or request.get("name")
