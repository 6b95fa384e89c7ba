# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the model in a runner's file is called: the API names models, and a process names the file of one.

The manifest of a name has the digest of its file (server/images.go of Ollama 0.32.15, GetModel).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

_BLOBS = "blobs"
# Those of 0.40 go before those of earlier releases.
_MANIFESTS = ("manifests-v2", "manifests")


def names_of_files(root: Proc, seen: Mapping[str, Any]) -> dict[str, str]:
    """The name of the model in each runner's file, by its path; a file whose model nothing names is left out.

    ``seen`` is one instance of what service_info returns.
    """
    runners = [each for each in seen["processes"] or () if each["kind"] == "runner" and each["model"]]
    files = sorted({str(each["model"]) for each in runners})
    named = [str(each["name"]) for each in (seen["api"] or {}).get("models") or () if each["name"]]
    if len(files) == len(named) == 1:
        return {files[0]: named[0]}
    found: dict[str, str] = {}
    for name in named:
        for store in sorted({posixpath.dirname(posixpath.dirname(file)) for file in files}):
            file = _file(root, store, name)
            if file in files:
                found.setdefault(str(file), name)
    return found


def _file(root: Proc, store: str, name: str) -> str | None:
    """The file of a model's weights in a store; None where no manifest says it."""
    # Only hosts with several models in memory need it.
    from ansible_collections.inference.ollama.plugins.module_utils._models.manifest import manifest_from  # noqa: PLC0415
    from ansible_collections.inference.ollama.plugins.module_utils._models.names import parts_of  # noqa: PLC0415

    parts = parts_of(name)
    for folder in _MANIFESTS if parts else ():
        text = root.text(posixpath.join(store, folder, *(parts or ())))
        try:
            manifest = manifest_from((text or "{}").encode())
            if manifest.child is not None:
                text = root.text(posixpath.join(store, _BLOBS, f"sha256-{manifest.child}"))
                manifest = manifest_from((text or "{}").encode())
        except OllamaError:
            continue
        for layer in manifest.of("model"):
            return posixpath.join(store, _BLOBS, f"sha256-{layer.digest}")
    return None
