# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of a store by name: what /api/tags and /api/show say of them, /api/copy, /api/delete and the blobs.

types/model/name.go, server/routes.go and server/images.go of Ollama 0.32.15. Runs on Python 3.9, the floor on targets.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional

from standin import store

HOST, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_DIGEST = re.compile(r"sha256[:-][0-9a-fA-F]{64}")


class ApiError(Exception):
    """What the server answers with, and the status of it."""

    def __init__(self, text: str, status: int = 500) -> None:
        super().__init__(text)
        self.status = status


class Name(NamedTuple):
    """A name in full."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def path(self) -> str:
        """Where its manifest lies below the folder of manifests."""
        return os.path.join(*self)

    def __str__(self) -> str:
        """As the server shows it."""
        if self.host != HOST:
            return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"
        return (
            f"{self.model}:{self.tag}" if self.namespace == NAMESPACE else f"{self.namespace}/{self.model}:{self.tag}"
        )


def parse(text: object, status: int = 400, error: str = "invalid model name") -> Name:
    """The name that a request means; ApiError for what is no name."""
    rest, tag = str(text or ""), TAG
    if rest.rfind(":") > rest.rfind("/"):
        rest, _colon, tag = rest.rpartition(":")
    parts = [HOST, NAMESPACE, *rest.rpartition("://")[2].split("/")]
    name = Name(*parts[-3:], tag) if len(parts) < 6 else Name("", "", "", "")
    if not all(_PART.fullmatch(part) for part in name):
        raise ApiError(error, status)
    return name


class Models:
    """The models of the store in a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, name: Name) -> str:
        """Where the manifest of a name lies."""
        return os.path.join(self.folder, "manifests", name.path)

    def blob(self, digest: str) -> str:
        """Where a blob lies; ApiError for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise ApiError("invalid digest format", 400)
        return store.blob_path(self.folder, digest.replace("-", ":"))

    def names(self) -> List[Name]:
        """Every name, in the order of their paths."""
        root = os.path.join(self.folder, "manifests")
        paths = [os.path.relpath(os.path.join(at, file), root) for at, _dirs, files in os.walk(root) for file in files]
        return [Name(*path.split(os.sep)) for path in sorted(paths) if path.count(os.sep) == 3]

    def data(self, name: Name) -> Optional[bytes]:
        """The manifest of a name; None where there is none."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except OSError:
            return None

    def manifest(self, name: Name, asked: object, status: int = 404) -> Dict[str, Any]:
        """The manifest as an object; ApiError that it is not found, under the name that was asked for."""
        data = self.data(name)
        if data is None:
            raise ApiError(f"model '{asked}' not found", status)
        found: Dict[str, Any] = json.loads(data)
        return found

    def digest(self, name: Name) -> str:
        """The digest of a name's manifest in hex; noughts where there is none."""
        data = self.data(name)
        return "0" * 64 if data is None else hashlib.sha256(data).hexdigest()

    def weights(self, name: Name) -> Optional[str]:
        """The blob that a runner is started with."""
        data = self.data(name)
        layers = [] if data is None else json.loads(data)["layers"]
        return next((self.blob(layer["digest"]) for layer in layers if layer["mediaType"].endswith(".model")), None)

    def layer(self, manifest: Dict[str, Any], kind: str) -> str:
        """The text of the layer of a kind, empty where there is none."""
        for layer in manifest["layers"]:
            if layer["mediaType"] == f"application/vnd.ollama.image.{kind}":
                with open(self.blob(layer["digest"]), encoding="utf-8") as file:
                    return file.read()
        return ""

    def options(self, name: Name) -> Dict[str, Any]:
        """The parameters of a model."""
        data = self.data(name)
        text = "" if data is None else self.layer(json.loads(data), "params")
        found: Dict[str, Any] = json.loads(text) if text else {}
        return found

    def config(self, manifest: Dict[str, Any]) -> Dict[str, Any]:
        """The configuration of a model."""
        with open(self.blob(manifest["config"]["digest"]), encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
        return found

    def embeds(self, name: Name) -> bool:
        """Whether it only embeds."""
        data = self.data(name)
        return data is not None and "embedding" in self.config(json.loads(data)).get("capabilities", ())

    def tags(self) -> List[Dict[str, Any]]:
        """The entries of /api/tags."""
        found = []
        for name in self.names():
            data = self.data(name)
            if data is None:
                continue
            manifest = json.loads(data)
            size = sum(layer["size"] for layer in (manifest["config"], *manifest["layers"]))
            entry = {"name": str(name), "model": str(name), "size": size, "digest": hashlib.sha256(data).hexdigest()}
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(os.path.getmtime(self.path(name))))
            found.append({**entry, "modified_at": stamp, "details": _details(manifest)})
        return found

    def show(self, asked: object) -> Dict[str, Any]:
        """The answer of /api/show."""
        name = parse(asked)
        manifest = self.manifest(name, name)
        template, system = self.layer(manifest, "template") or "{{ .Prompt }}", self.layer(manifest, "system")
        options = self.options(name)
        pairs = [(key, each) for key, value in options.items() for each in _each(value)]
        weights = [layer for layer in manifest["layers"] if layer["mediaType"].endswith(".model")]
        lines = [f"FROM {self.blob(layer['digest'])}" for layer in weights] + [f"TEMPLATE {json.dumps(template)}"]
        return {
            "modelfile": "\n".join(['# Modelfile generated by "ollama show"', f"# FROM {name}", "", *lines, ""]),
            "parameters": "\n".join(f"{key:<30} {go_value(value)}" for key, value in pairs),
            "template": template,
            **({"system": system} if system else {}),
            "details": _details(manifest),
            "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
            "capabilities": self.config(manifest).get("capabilities", ["completion"]),
        }

    def copy(self, source: object, destination: object) -> None:
        """Give a model one more name."""
        old = parse(source, error=f'source "{source}" is invalid')
        new = parse(destination, error=f'destination "{destination}" is invalid')
        data = self.data(old)
        if data is None:
            raise ApiError(f'model "{source}" not found', 404)
        store.write(self.path(new), data)

    def put(self, digest: str, data: bytes) -> None:
        """Write a blob."""
        path, found = self.blob(digest), f"sha256:{hashlib.sha256(data).hexdigest()}"
        if found != digest.replace("-", ":"):
            raise ApiError(f'digest mismatch, expected "{digest}", got "{found}"', 400)
        store.write(path, data)

    def delete(self, asked: object) -> None:
        """Take a name away, and the layers that no other model has."""
        name = parse(asked, error=f'name "{asked}" is invalid')
        manifest = self.manifest(name, asked)
        os.unlink(self.path(name))
        self.prune(manifest)

    def prune(self, manifest: Dict[str, Any]) -> None:
        """Delete the layers of a manifest that no model has."""
        kept = set()
        for name in self.names():
            other = self.manifest(name, name)
            kept |= {layer["digest"] for layer in (other["config"], *other["layers"])}
        for digest in {layer["digest"] for layer in (manifest["config"], *manifest["layers"])} - kept:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.blob(digest))


def _each(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]


def _details(manifest: Dict[str, Any]) -> Dict[str, Any]:
    weights = [layer for layer in manifest["layers"] if layer["mediaType"].endswith(".model")]
    known = {"format": "gguf", "family": "llama", "parameter_size": "1M", "quantization_level": "F16"}
    return {"parent_model": weights[0].get("from", "") if weights else "", **known}


def go_value(value: Any) -> str:
    """A value as Go prints it by %#v: a number of JSON is a float64, from a million on with an exponent."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    number = float(value)
    if abs(number) >= 1e6 or 0 < abs(number) < 1e-4:
        return next(text for text in (f"{number:.{digits}e}" for digits in range(18)) if float(text) == number)
    return repr(number)[:-2] if number.is_integer() else repr(number)
