# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move a store in three steps that each may be killed: copied, then finished or taken back.

A record in the state folder says what is under way, from before the first file of the new store until the last one of
the old is gone. Until then one of the two has everything: the old one while files are brought, both once they are, the
new one while the old is removed.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.folder import Folder
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import Entry, Listing, digest_of, listing
from ansible_collections.inference.ollama.plugins.module_utils._store.transfer import (
    Owner,
    Transfer,
    content,
    holds,
    sweep,
    take_away,
)

# What is under way, and the last move that ended.
RECORD, LAST = "store", "store-moved"
COPYING, REMOVING = "copying", "removing"
SCHEMA = 1


class Move(NamedTuple):
    """What is under way.

    ``made`` are folders that were made, ``there`` is what the new store had before, ``link`` where the new path led
    where it was a link to the old store.
    """

    source: str
    target: str
    phase: str
    made: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    link: str | None = None


def read_record(state_folder: str) -> Move | None:
    """The move that is under way; None without one. OllamaError for a record that says none."""
    folder = Folder(state_folder)
    value = folder.read(RECORD)
    if value is None:
        return None
    try:
        phase = {COPYING: COPYING, REMOVING: REMOVING}[value["phase"] if value["schema"] == SCHEMA else ""]
        texts = tuple(map(str, value["made"])), tuple(map(str, value["there"]))
        return Move(str(value["source"]), str(value["target"]), phase, *texts, value["link"])
    except (KeyError, TypeError):
        raise OllamaError(f"{folder.file(RECORD)}: it names no move of a store; remove it") from None


def last_move(state_folder: str) -> dict[str, str] | None:
    """The last move that ended with a link in the place of the old store, with ``source`` and ``target``."""
    value = Folder(state_folder).read(LAST)
    known = isinstance(value, dict) and {"source", "target"} <= set(value)
    return {name: str(value[name]) for name in ("source", "target")} if known else None


def _keep(state_folder: str, move: Move) -> None:
    Folder(state_folder).write(RECORD, {"schema": SCHEMA, **move._asdict()})


def copied(
    state_folder: str, source: str, target: str, owner: Owner, say: Callable[[int], None] = lambda _done: None
) -> Transfer:
    """Bring everything of the old store to the new one, which nobody uses yet; the old one stays as it is."""
    move = read_record(state_folder)
    if move is not None and (move.source, move.target) != (source, target):
        raise OllamaError(
            f"{Folder(state_folder).file(RECORD)}: a move from {move.source} to {move.target} is under way; finish it"
            " or take it back first"
        )
    if move is not None and move.phase == REMOVING:
        return Transfer(source, target, owner, say)
    if move is None:
        leads = os.readlink(target) if os.path.islink(target) else None
        if leads is not None and os.path.realpath(target) != os.path.realpath(source):
            leads = None
        there = () if leads is not None else tuple(listing(target).entries)
        move = Move(source, target, COPYING, _missing(target), there, leads)
    _keep(state_folder, move)
    if move.link is not None and os.path.islink(target):
        os.unlink(target)
    _make(move, owner, source)
    found, present = listing(source), listing(target)
    transfer = Transfer(source, target, owner, say)
    fresh = {
        name: entry
        for name, entry in found.entries.items()
        if not _is_there((source, target), name, entry, present.entries.get(name), known=name not in move.there)
    }
    transfer.bring(fresh, found.folders)
    return transfer


def _is_there(stores: tuple[str, str], name: str, entry: Entry, other: Entry | None, *, known: bool) -> bool:
    """Whether a file has come already; OllamaError where there is another one in its place."""
    source, target = stores
    if other is None:
        return False
    if entry.is_same(other) or entry.target is not None:
        return True
    if digest_of(name) is not None:
        # What this move has brought was compared when it came.
        return entry.size_bytes == other.size_bytes and (known or holds(target, name))
    if other.target is None and entry.size_bytes == other.size_bytes and content(source, name) == content(target, name):
        return True
    if known:
        return entry.mtime_ns <= other.mtime_ns
    raise OllamaError(
        f"{os.path.join(target, name)} differs from the one in {source}; remove one of the two models by its name"
    )


def _missing(path: str) -> tuple[str, ...]:
    """The folders that are to be made for a path, the uppermost first."""
    found: list[str] = []
    while not os.path.isdir(path):
        found.insert(0, path)
        path = os.path.dirname(path)
    return tuple(found)


def _make(move: Move, owner: Owner, source: str) -> None:
    try:
        for path in move.made:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o755)
                os.chmod(path, 0o755)  # noqa: S103 - the user of the service has to pass
        if move.made or move.link is not None:
            with contextlib.suppress(FileExistsError):
                os.mkdir(move.target, 0o755)
            os.chmod(move.target, os.stat(source).st_mode & 0o7777)
            os.chown(move.target, *owner)
    except OSError as error:
        raise OllamaError(f"{error.filename}: cannot be made for the store ({error.strerror})") from None


def finished(state_folder: str, owner: Owner, say: Callable[[int], None] = lambda _done: None) -> Transfer | None:
    """Remove the old store, which nobody uses any more, once the new one has all of it; None without a move."""
    move = read_record(state_folder)
    if move is None:
        return None
    transfer = Transfer(move.source, move.target, owner, say)
    found = listing(move.source)
    if move.phase == COPYING:
        # What has come to the old one since it was copied.
        _bring_rest(transfer, found)
        sweep(move.target)
        _keep(state_folder, move._replace(phase=REMOVING))
    _take_away_proven(move.source, move.target, found, ())
    if not os.path.islink(move.source) and not os.path.exists(move.source):
        # A state from before the move, which a rollback restores, finds the models by it.
        with contextlib.suppress(OSError):
            os.symlink(move.target, move.source)
            Folder(state_folder).write(LAST, {"source": move.source, "target": move.target})
    else:
        transfer.problems += [f"{move.source}/{name}: it is no file of a store, and stays" for name in found.others]
    Folder(state_folder).remove(RECORD)
    return transfer


def taken_back(state_folder: str, owner: Owner, say: Callable[[int], None] = lambda _done: None) -> Transfer | None:
    """Bring to the old store what has come to the new one since, and remove that; None without a move."""
    move = read_record(state_folder)
    if move is None:
        return None
    if move.phase == REMOVING:
        raise OllamaError(
            f"the models of {move.source} are in {move.target} already; run again with ollama_models_path:"
            f" {move.target}, and move them back afterwards"
        )
    transfer = Transfer(move.target, move.source, owner, say)
    found = listing(move.target)
    ours = Listing(
        {name: entry for name, entry in found.entries.items() if name not in move.there}, found.folders, found.others
    )
    _bring_rest(transfer, ours)
    _take_away_proven(move.target, move.source, ours, move.made)
    sweep(move.target)
    if move.made or move.link is not None:
        for path in (move.target, *reversed(move.made)):
            with contextlib.suppress(OSError):
                os.rmdir(path)
    if move.link is not None and not os.path.lexists(move.target):
        os.symlink(move.link, move.target)
    Folder(state_folder).remove(RECORD)
    return transfer


def _bring_rest(transfer: Transfer, found: Listing) -> None:
    present = listing(transfer.target).entries
    rest = {
        name: entry
        for name, entry in found.entries.items()
        if not _is_there((transfer.source, transfer.target), name, entry, present.get(name), known=True)
    }
    transfer.bring(rest, found.folders)


def _take_away_proven(path: str, other: str, found: Listing, made: tuple[str, ...]) -> None:
    """Remove from a store what the other one has too, its folders, and itself where it is empty then."""
    if _same(path, other, ""):
        return  # an earlier run has removed it, and left a link
    for name in found.folders:
        if _same(path, other, name):
            raise OllamaError(f"{os.path.join(path, name)} is the same folder as in {other}, so nothing is removed")
    present = listing(other).entries
    lost = [
        name
        for name, entry in found.entries.items()
        if name not in present or (digest_of(name) is not None and present[name].size_bytes != entry.size_bytes)
    ]
    if lost:
        raise OllamaError(f"{os.path.join(path, lost[0])}: {other} does not have it, so nothing is removed; run again")
    take_away(path, found.entries, found.folders)
    if not made and not os.path.islink(path):
        with contextlib.suppress(OSError):
            os.rmdir(path)


def _same(path: str, other: str, name: str) -> bool:
    """Whether a folder of both stores is one, by a link or a mount."""
    try:
        return os.path.samefile(os.path.join(path, name), os.path.join(other, name))
    except OSError:
        return False


def state_of(move: Move | None) -> dict[str, Any] | None:
    """The move as data."""
    return None if move is None else {"source": move.source, "target": move.target, "phase": move.phase}
