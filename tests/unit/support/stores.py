# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make stores as Ollama makes them.

manifest/paths.go, manifest/manifest.go and server/create.go of Ollama 0.32.15; LinkManifest of 0.40.
"""

from __future__ import annotations

import hashlib
import json
import os

from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Writer, llama

IMAGE = "application/vnd.ollama.image."
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.ollama.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"


class Store:
    """A store in a folder."""

    def __init__(self, folder):
        self.path = str(folder)
        os.makedirs(os.path.join(self.path, "blobs"), exist_ok=True)
        os.makedirs(os.path.join(self.path, "manifests"), exist_ok=True)

    def place(self, digest):
        return os.path.join(self.path, "blobs", digest.replace(":", "-"))

    def blob(self, data):
        """Keep bytes under their digest, which is returned."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with open(self.place(digest), "wb") as file:
            file.write(data)
        return digest

    def layer(self, kind, data):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        media = kind if "/" in kind else IMAGE + kind
        return {"mediaType": media, "digest": self.blob(data), "size": len(data)}

    def manifest(self, layers, config=None):
        """The bytes of a manifest of ``[(kind, bytes or an object)]``."""
        said = {"model_format": "gguf", "model_family": "llama", "architecture": "amd64", "os": "linux"}
        value = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.layer(CONFIG, {**said, **(config or {})}),
            "layers": [self.layer(*layer) for layer in layers],
        }
        return json.dumps(value, separators=(",", ":")).encode()

    def named(self, name, data, folder="manifests"):
        """Give a manifest a name such as ``registry.ollama.ai/library/tiny/latest``."""
        path = os.path.join(self.path, folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def linked(self, name, data):
        """Give a manifest a name as 0.40 does: by a link to a blob."""
        digest = self.blob(data)
        path = os.path.join(self.path, "manifests-v2", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.path.relpath(self.place(digest), os.path.dirname(path)), path)
        return digest

    def model(self, name, *more, config=None, file=None):
        """A model of one file, ``more`` layers beside it, under a name; the digest of its manifest in hex."""
        data = Writer().file(*llama()) if file is None else file
        manifest = self.manifest([("model", data), *more], config)
        self.named(name, manifest)
        return hashlib.sha256(manifest).hexdigest()
