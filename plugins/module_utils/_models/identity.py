# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GGUF file a path of this machine leads to: its bytes and, where that matters, its SHA-256."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.files import read_file

if TYPE_CHECKING:
    from collections.abc import Collection

_CHUNK = 1 << 20


def file_identity(path: str, sizes: Collection[int] | None, sha256: str | None = None) -> dict[str, Any]:
    """``{path, size_bytes, sha256, problem}``; ``problem`` is a sentence where it is no GGUF file that can be read.

    The sum is computed only where nobody has given it and a file of the same size is known: of another size it is
    another file. ``sizes`` None stands for every size.
    """
    found: dict[str, Any] = {"path": path, "size_bytes": None, "sha256": sha256, "problem": None}
    try:
        _header, size = read_file(path)
        found["size_bytes"] = size
        if sha256 is None and (sizes is None or size in sizes):
            found["sha256"] = _sum(path)
    except OllamaError as error:
        found["problem"] = str(error)
    return found


def _sum(path: str) -> str:
    made = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while data := file.read(_CHUNK):
                made.update(data)
    except OSError as error:
        raise OllamaError(f"{path}: cannot be read ({error.strerror})") from None
    return made.hexdigest()
