# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a snapshot: go back to the state of before a change, or finish going back."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import pending_changes
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import CommitError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    read_entry,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.host import (
    Host,
    change_files,
    give_up,
    hand_copies,
    remove_empty,
    require_places,
    save,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.running import (
    active_units,
    boot_links,
    is_boot_link,
    kernel_changes,
    set_kernel,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.snapshots import (
    Snapshot,
    edited,
    entries_at,
    kernel_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store

UNFINISHED, LAST = "unfinished", "last"


class RestorePlan(NamedTuple):
    """The steps that restore a snapshot: entries and kernel values to write, folders to remove if empty.

    ``copies`` are what somebody wrote by hand, to be kept beside it.
    """

    snapshot: Snapshot
    wanted: Tuple[Entry, ...]
    kernel: dict[str, str]
    folders: Tuple[str, ...]
    changes: list[tuple[Entry, Entry]]
    copies: list[Entry]


def choose(store: Store, asked: str) -> str | None:
    """The id of the snapshot that is meant; None where nothing is pending and that is asked for.

    While a change is pending, ``last`` and ``unfinished`` both mean to finish going back: of a change to what was
    before it, of a restore to where it leads, never to the state that it saved on the way.
    """
    begun = store.pending()
    if asked in (UNFINISHED, LAST) and begun is not None:
        return begun.aim
    if asked == LAST:
        return next(iter(store.ids()), LAST)
    return None if asked == UNFINISHED else asked


def plan_restore(store: Store, host: Host, name: str) -> RestorePlan:
    """Plan how to restore ``name``; OllamaError if it, or any later snapshot, is missing, unreadable or not ours."""
    target, ids = store.snapshot(name), store.ids()
    # A later snapshot that cannot be read may be the only one that has a file.
    snapshots = [store.snapshot(each) for each in ids[: ids.index(name) + 1]]
    wanted = {entry.path: entry for entry in entries_at(snapshots, name)}
    # A snapshot has every boot link of its time, so links that only a change or a later snapshot knows are removed.
    boot = {*boot_links(host.units_folder), *(path for path in wanted if is_boot_link(host.units_folder, path))}
    wanted.update((path, Entry(path, ABSENT)) for path in boot if path not in wanted or wanted[path].kind != FILE)
    wanted.update((path, Entry(path, LINK, target=to)) for path, to in target.links.items())
    kernel = kernel_at(snapshots, name)
    if host.places is not None:
        # A secrets file may be where the variables do not name it any more.
        ours = [path for path in wanted if (read_entry(path).data or b"").startswith(HEADER.encode())]
        host = host._replace(places=host.places._replace(more=(*host.places.more, *ours)))
    require_places(host, wanted.values(), kernel, f"state {name} in {store.folder.path}: ")
    parents = {parent for path in wanted for parent in _parents(path)}
    folders = {folder for each in snapshots for folder in each.folders} & parents
    entries = tuple(wanted[path] for path in sorted(wanted))
    changes = pending_changes(entries)
    copies = hand_copies(edited((found for found, _entry in changes), snapshots), host)
    return RestorePlan(target, entries, kernel, tuple(sorted(folders, reverse=True)), changes, copies)


def _parents(path: str) -> Iterable[str]:
    while path not in ("/", ""):
        path = os.path.dirname(path)
        yield path


def go_back(store: Store, host: Host, back: RestorePlan) -> None:
    """Restore the planned state, and leave it to be confirmed. Repeated after a kill it goes on to the same state."""
    name, begun = back.snapshot.id, store.pending()
    saved = None
    if begun is not None and name in (begun.id, begun.target):
        store.claim(None if name == begun.id else name, host.holder)
    elif back.changes or kernel_changes(back.kernel):
        # What is there now is worth keeping, unless it is that of a change which failed.
        keeping = host._replace(kernel=tuple(back.kernel))
        saved = save(store, keeping, back.wanted, back.changes, f"before going back to {name}", target=name)
    elif begun is not None:
        store.claim(name, host.holder)
    try:
        restore(back)
    except CommitError as error:
        if saved is not None:
            give_up(store, saved, begun, error)
        raise _left(store, error) from None
    store.mark_restored()


def _left(store: Store, error: OllamaError) -> OllamaError:
    return OllamaError(
        f"{error}; the state is kept in {store.folder.path}, and the playbook inference.ollama.rollback goes on to it"
    )


def restore(back: RestorePlan) -> list[str]:
    """Write the planned entries and kernel values; return the kernel files that were set."""
    change_files(back.changes, back.copies)
    remove_empty(back.folders)
    return set_kernel(back.kernel)


def confirm(store: Store, host: Host, plan: dict[str, Any] | None, keep: int) -> None:
    """Confirm the pending change, and forget the snapshot before it where the host is as it was then."""
    begun, same = store.pending(), False
    if begun is not None:
        with contextlib.suppress(OllamaError):
            back = plan_restore(store, host, begun.id)
            same = not back.changes and not kernel_changes(back.kernel)
    store.confirm(plan, keep, same=same)


def services(snapshot: Snapshot, host: Host) -> dict[str, Any]:
    """``{stop, start}``: units that run now but did not then, and units that ran then, each with its OLLAMA_HOST."""
    now = active_units(host.run)
    return {"stop": [unit for unit in now if unit not in snapshot.active], "start": snapshot.active}
