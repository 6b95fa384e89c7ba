# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change files of a host with a snapshot before, and restore a snapshot."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import pending_changes, summarize
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import commit
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    read_entry,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.running import (
    active_units,
    boot_links,
    is_boot_link,
    kernel_values,
    set_kernel,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import (
    Snapshot,
    Store,
    entries_at,
    kernel_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

    Pairs = Sequence[tuple[Entry, Entry]]

OPTIONS: dict[str, dict[str, Any]] = {
    "units_folder": {"type": "path", "default": UNITS_FOLDER},
    "command_timeout": {"type": "float", "default": 5},
}


class Host(NamedTuple):
    """The host: a runner for systemctl, a clock, the folder of units, and kernel files to include in snapshots."""

    run: Runner
    clock: Callable[[], datetime]
    units_folder: str
    kernel: Tuple[str, ...] = ()


def save(store: Store, host: Host, wanted: Sequence[Entry], changes: Pairs, reason: str) -> str:
    """Save a snapshot of every path in ``wanted``; return its id."""
    paths = [entry.path for entry in wanted]
    snapshot = Snapshot(
        id="",
        saved_at="",
        reason=reason,
        changes=summarize([change for change in changes if change[1].path in paths]),
        entries=tuple(map(read_entry, paths)),
        folders=_missing(paths),
        links=boot_links(host.units_folder),
        active=active_units(host.run),
        kernel=kernel_values(host.kernel),
        plan=None,
    )
    return store.save(snapshot, host.clock())


def _missing(paths: Iterable[str]) -> list[str]:
    """Parent folders that do not exist yet; they are created with the files and removed with them."""
    found: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in found and not os.path.isdir(folder):
            found.add(folder)
            folder = os.path.dirname(folder)
    return sorted(found)


def write(store: Store | None, host: Host, wanted: Sequence[Entry], changes: Pairs, reason: str) -> str | None:
    """Make the changes as one, after saving a snapshot if there is a store; return its id."""
    if store is None:
        commit([entry for _found, entry in changes])
        return None
    name = save(store, host, wanted, changes, reason)
    try:
        commit([entry for _found, entry in changes])
    except OllamaError:
        # Report the failure to write the files, not one to clean up after it.
        with contextlib.suppress(OllamaError):
            store.discard(name)
        raise
    return name


class RestorePlan(NamedTuple):
    """The steps that restore a snapshot: entries and kernel values to write, folders to remove if empty."""

    snapshot: Snapshot
    wanted: Tuple[Entry, ...]
    kernel: dict[str, str]
    folders: Tuple[str, ...]

    @property
    def changes(self) -> list[tuple[Entry, Entry]]:
        return pending_changes(self.wanted)


def plan_restore(store: Store, host: Host, name: str) -> RestorePlan:
    """Plan how to restore ``name``; OllamaError if it, or any later snapshot, is missing or unreadable."""
    target, ids = store.snapshot(name), store.ids()
    # A later snapshot that cannot be read may be the only one that has a file.
    snapshots = [store.snapshot(each) for each in ids[: ids.index(name) + 1]]
    wanted = {entry.path: entry for entry in entries_at(snapshots, name)}
    # A snapshot has every boot link of its time, so links that only a change or a later snapshot knows are removed.
    boot = {*boot_links(host.units_folder), *(path for path in wanted if is_boot_link(host.units_folder, path))}
    wanted.update((path, Entry(path, ABSENT)) for path in boot if path not in wanted or wanted[path].kind != FILE)
    wanted.update((path, Entry(path, LINK, target=to)) for path, to in target.links.items())
    folders = tuple(sorted({folder for each in snapshots for folder in each.folders}, reverse=True))
    return RestorePlan(target, tuple(wanted[path] for path in sorted(wanted)), kernel_at(snapshots, name), folders)


def restore(back: RestorePlan) -> list[str]:
    """Write the planned entries and kernel values; return the kernel files that were set."""
    commit([entry for _found, entry in back.changes])
    remove_empty(back.folders)
    return set_kernel(back.kernel)


def remove_empty(folders: Iterable[str]) -> None:
    """Remove the folders that are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def services(snapshot: Snapshot, run: Runner) -> dict[str, Any]:
    """``{stop, start}``: units that run now but did not then, and units that ran then, each with its OLLAMA_HOST."""
    now = active_units(run)
    return {"stop": [unit for unit in now if unit not in snapshot.active], "start": snapshot.active}
