# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model has to see or hear with: a projector in a file of its own, or its tensors in the model's file.

tools/mtmd/clip-impl.h of llama.cpp b11434 for the keys of such a file; fs/ggml/ggml.go of Ollama 0.24.0 for those
of models that Ollama's own engine reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._models.tensors import is_projector
from ansible_collections.inference.ollama.plugins.module_utils._text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Header, Tensor

_KEYS = {"image_size": "image_size", "patch_size": "patch_size", "embedding_length": "embedding_length"}
_GREATEST = (1 << 63) - 1


def projector_of(metadata: Mapping[str, Any], tensors: Sequence[Tensor]) -> dict[str, Any] | None:
    """What the tensors of a projector in the model's own file take; None where there are none."""
    size = sum(tensor.size_bytes for tensor in tensors if is_projector(tensor))
    family = metadata.get("general.architecture")
    return described(metadata, str(family), size) if size and isinstance(family, str) else None


def projector_from(header: Header) -> dict[str, Any]:
    """What a file of a projector holds: all its tensors, whatever their names."""
    family = header.metadata.get("general.architecture")
    size = sum(tensor.size_bytes for tensor in header.tensors)
    return described(header.metadata, family if isinstance(family, str) else "", size)


def described(metadata: Mapping[str, Any], family: str, size: int | None) -> dict[str, Any]:
    """What metadata say of a projector of so many bytes; None for what they do not say."""

    def number(key: str) -> int | None:
        for part in ("vision", "audio"):
            value = metadata.get(f"{family}.{part}.{key}")
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _GREATEST:
                return value
        return None

    kinds = (metadata.get(f"{family}{part}.projector_type") for part in ("", ".vision", ".audio"))
    kind = next((kind for kind in kinds if isinstance(kind, str) and kind), None)
    return {
        "size_bytes": size,
        "family": visible(family[:256]) or None,
        "type": None if kind is None else visible(kind[:256]),
        **{name: number(key) for name, key in _KEYS.items()},
        "layers": number("block_count"),
    }
