# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a store of models has room for what a release will make of it (module_utils/_models/room.py has the rule).

A store is an entry of ``stores`` that the module models_info returns: ``{path, free_bytes, …}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.room import room_for
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import listed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a conversion must find free: a quarter more than the weights, and so much (compatmigrate/migrate.go@0.40.0).
_MORE, _HEADROOM = 4, 512 << 20
# The runner that a manifest of 0.40.0 and later names for a converted model.
_CONVERTED = "llamacpp"
# Characters of a path or a name.
_LONGEST = 200


def rewrites(release: str | None) -> bool:
    """Whether a release converts models of a store after their first load, and keeps the originals."""
    first, last = load().rewriting
    try:
        return release is not None and first <= parse_release(release) <= last
    except OllamaError:
        return False


def rewriting(release: str | None, read: Mapping[str, Any]) -> list[str]:
    """Sentences on stores that a release will fill with converted copies further than they have room for.

    ``read`` is what the module models_info returned. The release leaves a model as it is that finds no room, and loads
    it all the same: that is no reason to refuse a host, but its disk may be nearly full then.
    """
    if not rewrites(release):
        return []
    found = (_short_of_room(str(release), store, read) for store in read.get("stores") or ())
    return [sentence for sentence in found if sentence is not None]


def _short_of_room(release: str, store: Mapping[str, Any], read: Mapping[str, Any]) -> str | None:
    free, path = store.get("free_bytes"), store.get("path")
    models = [model for model in read.get("models") or () if model.get("store") == path]
    waiting = _waiting(models)
    names, needed = [name for name, _size in waiting], sum(size for _name, size in waiting)
    if free is None or not waiting or room_for(store, needed + needed // _MORE + _HEADROOM) is None:
        return None
    kept = [name for name, size in waiting if size + size // _MORE + _HEADROOM > free]
    alone = f"; {listed(kept)} would find no room, are left as they are, and load all the same" if kept else ""
    return (
        f"Ollama {release} converts models after their first load and keeps the originals: {listed(names)} may take up"
        f" to {gib(needed)} more in {_path(store)}, whose file system has {gib(free)} free ({needed} and {free} bytes)"
        f"{alone}. Make room, or choose another release"
    )


def _waiting(models: list[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Name and bytes of each model that a conversion may be ahead of, the largest first."""
    found, seen = [], set()
    for model in models:
        size, digest, name = model.get("size_bytes"), model.get("digest"), one_line(str(model.get("name")), _LONGEST)
        convertible = str(model.get("family")).lower() in load().rewritten and model.get("runner") != _CONVERTED
        if size is not None and convertible and (digest is None or digest not in seen):
            # Two names of one model are converted to one copy.
            seen.add(digest)
            found.append((name, int(size)))
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _path(store: Mapping[str, Any]) -> str:
    return one_line(str(store.get("path")), _LONGEST)
