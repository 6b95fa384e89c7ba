# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the file system of a store of models has room for what is to come: the one rule of modules and deciders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_GIB, _MIB = 1 << 30, 1 << 20
# Characters of a path.
_LONGEST = 200


def room_for(store: Mapping[str, Any], size_bytes: int) -> str | None:
    """Why a store has no room for so many bytes more, as a sentence; None where it has, or where nobody knows.

    ``store`` has the keys ``path`` and ``free_bytes`` of an entry of ``stores`` that the module models_info returns.
    """
    free = store.get("free_bytes")
    if free is None or size_bytes <= free:
        return None
    return (
        f"the file system of {one_line(str(store.get('path')), _LONGEST)} has {gib(free)} free, and"
        f" {gib(size_bytes)} are needed ({free} and {size_bytes} bytes); remove models, or choose a folder of another"
        " file system in ollama_models_path"
    )


def gib(count: int) -> str:
    """``8589934592`` as ``8.0 GiB``."""
    return f"{count / _GIB:.1f} GiB"


def amount(count: int) -> str:
    """A size of any order, below a GiB in MiB."""
    return gib(count) if count >= _GIB else f"{count / _MIB:.1f} MiB"
