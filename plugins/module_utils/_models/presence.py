# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a server has a model, or has it no more; and doing it.

A digest that is asked for is that of the manifest, as /api/tags has it: the SHA-256 of the file that a registry has
under the name. What is under a name is only replaced by what has that digest.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.failures import Failure
from ansible_collections.inference.ollama.plugins.module_utils._models.library import Entry, Library, described
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened
from ansible_collections.inference.ollama.plugins.module_utils._models.pull import Bounds, Pull, check_room
from ansible_collections.inference.ollama.plugins.module_utils._models.registry import Offer, offered

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.inference.ollama.plugins.module_utils._models.manifest import Manifest

# Under this tag is kept what a pull may replace, until it has the right digest.
_KEPT, _LONGEST_TAG = "-before-pull", 80


class World(NamedTuple):
    """What a state is made with: the server's models, bounds, where progress and problems go, and whether to act."""

    library: Library
    bounds: Bounds
    say: Callable[[str], None]
    problems: list[str]
    acts: bool
    # The folder of the store; None where room is not to be checked.
    store: Optional[str]


class Wanted(NamedTuple):
    """A model that a server shall have: its name, the beginning of its digest, and what to pull it as."""

    name: str
    digest: Optional[str] = None
    source: Optional[str] = None
    insecure: bool = False
    update: bool = False


class Outcome(NamedTuple):
    """What was, what is or would be, as texts and digests, and what it took."""

    changed: bool
    before: Optional[str]
    after: Optional[str]
    text_before: str
    text_after: str
    downloaded_bytes: int = 0


def absent(world: World, name: str) -> Outcome:
    """Take a model away; None of another name is touched."""
    entry = world.library.entry(name)
    if entry is None:
        return Outcome(changed=False, before=None, after=None, text_before="", text_after="")
    text = described(entry, world.library.show(entry.name))
    if world.acts:
        world.library.delete(entry.name)
    return Outcome(changed=True, before=entry.digest, after=None, text_before=text, text_after="")


def present(world: World, wanted: Wanted) -> Outcome:
    """Have a model pulled where it is missing, has another digest than asked for, or shall be the newest."""
    library = world.library
    entry = library.entry(wanted.name)
    before = entry.digest if entry is not None else None
    text = described(entry, library.show(entry.name) if entry is not None else None)
    unchanged = Outcome(changed=False, before=before, after=before, text_before=text, text_after=text)
    if entry is not None and _fits(entry, wanted.digest) and not wanted.update:
        _drop_kept(world, wanted)
        return unchanged
    offer = offered(wanted.source or wanted.name, library.server.timeout, insecure=wanted.insecure)
    manifest = _judged(world, wanted, entry, offer)
    if entry is not None and wanted.update and manifest is not None and manifest.digest == before:
        return unchanged
    if not world.acts:
        if entry is not None and manifest is None and _fits(entry, wanted.digest):
            world.problems.append(f"model {wanted.name}: whether there is a newer one is not known: {offer.problem}")
            return unchanged
        after = None if manifest is None else manifest.digest
        new = described(Entry(wanted.name, after), None)
        return Outcome(changed=True, before=before, after=after, text_before=text, text_after=new)
    pull = Pull(library.server, wanted.source or wanted.name, world.bounds, world.say)
    if wanted.source and shortened(wanted.source) != shortened(wanted.name):
        _mirrored(world, wanted, pull)
    else:
        _replaced(world, wanted, pull, entry)
    now = library.entry(wanted.name)
    after = now.digest if now is not None else None
    text_after = described(now, library.show(wanted.name))
    return Outcome(entry is None or after != before, before, after, text, text_after, pull.downloaded_bytes)


def remove(world: World, name: str) -> None:
    """Take away a name that only this module has used; that it could not be is a problem, and nothing else fails."""
    try:
        world.library.delete(name)
    except OllamaError as error:
        world.problems.append(str(error))


def _fits(entry: Entry | None, digest: str | None) -> bool:
    return entry is not None and (digest is None or (entry.digest or "").startswith(digest))


def _judged(world: World, wanted: Wanted, entry: Entry | None, offer: Offer) -> Manifest | None:
    """The manifest that a pull would bring, where it is known. Raise OllamaError where it is not the one asked for."""
    what = wanted.source or wanted.name
    if offer.missing:
        raise OllamaError(f"model {what}: the registry has no model of this name and tag ({offer.problem})")
    manifest = offer.manifest
    # From 0.40 on a manifest may list others, of which the server takes one.
    if manifest is None or manifest.child is not None:
        return None
    if wanted.digest is not None and not manifest.digest.startswith(wanted.digest):
        raise OllamaError(f"model {what}: {_mismatch(manifest.digest, wanted.digest)}; {_left(entry)}")
    short = check_room(world.store, _missing_bytes(world, manifest))
    if short is not None:
        raise OllamaError(f"model {what}: it is not pulled, since {short}")
    return manifest


def _missing_bytes(world: World, manifest: Manifest) -> int:
    """The bytes of the layers that the server has not, less what an earlier pull has left of them."""
    missing = 0
    for layer in {layer.digest: layer for layer in manifest.layers}.values():
        try:
            there = world.library.server.has_blob(layer.digest)
        except Failure:
            there = False
        missing += 0 if there else max(0, layer.size_bytes - _partial_bytes(world.store, layer.digest))
    return missing


def _partial_bytes(store: str | None, digest: str) -> int:
    try:
        # The server makes the file as long as the layer will be; only what has arrived takes blocks.
        return os.stat(f"{store}/blobs/sha256-{digest}-partial").st_blocks * 512
    except OSError:
        return 0


def _mismatch(found: str | None, asked: str) -> str:
    return f"the registry has one with the digest {found or 'that is not known'}, and digest asks for {asked}"


def _left(entry: Entry | None) -> str:
    return "nothing was pulled" if entry is None else f"the one that is there, {entry.digest}, stays"


def _mirrored(world: World, wanted: Wanted, pull: Pull) -> None:
    """Pull it under the name of its source, give it its own name, and take away the first where it was not there."""
    library, source = world.library, str(wanted.source)
    was_there = library.entry(source) is not None
    pull.run(insecure=wanted.insecure, store=world.store)
    found = library.entry(source)
    try:
        if not _fits(found, wanted.digest):
            digest = None if found is None else found.digest
            raise OllamaError(f"model {source}: {_mismatch(digest, str(wanted.digest))}; {wanted.name} is as before")
        library.copy(source, wanted.name)
    finally:
        if not was_there and found is not None:
            remove(world, source)


def _kept_name(name: str) -> str:
    base, _colon, tag = shortened(name).rpartition(":")
    return f"{base}:{tag[: _LONGEST_TAG - len(_KEPT)]}{_KEPT}"


def _drop_kept(world: World, wanted: Wanted) -> None:
    """Take away what an earlier run that was killed has left, now that the model is the one asked for."""
    if world.acts and wanted.digest is not None and world.library.entry(_kept_name(wanted.name)) is not None:
        remove(world, _kept_name(wanted.name))


def _replaced(world: World, wanted: Wanted, pull: Pull, entry: Entry | None) -> None:
    """Pull it under its own name; what was there comes back where the new one has another digest than asked for."""
    library, kept = world.library, _kept_name(wanted.name)
    guarded = entry is not None and wanted.digest is not None
    if guarded and library.entry(kept) is None:
        library.copy(wanted.name, kept)
    try:
        pull.run(insecure=wanted.insecure, store=world.store)
        found = library.entry(wanted.name)
        if not _fits(found, wanted.digest):
            if guarded:
                library.copy(kept, wanted.name)
            elif found is not None:
                library.delete(wanted.name)
            digest = None if found is None else found.digest
            end = _left(entry) if guarded else "it was removed again"
            raise OllamaError(f"model {wanted.name}: {_mismatch(digest, str(wanted.digest))}; {end}")
    finally:
        if guarded:
            remove(world, kept)
