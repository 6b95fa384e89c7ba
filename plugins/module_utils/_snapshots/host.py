# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change files of a host with a snapshot before."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER, Places
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import summarize
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import CommitError, commit
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    Entry,
    fingerprint,
    read_entry,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.running import (
    active_units,
    boot_links,
    kernel_values,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.scratch import copies, sweep
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.snapshots import Snapshot
from ansible_collections.inference.ollama.plugins.module_utils._topology.options import check_timeout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._snapshots.store import Store

    Pairs = Sequence[tuple[Entry, Entry]]

OPTIONS: dict[str, dict[str, Any]] = {
    "units_folder": {"type": "path", "default": UNITS_FOLDER},
    "command_timeout": {"type": "float", "default": 5},
    "secrets_paths": {"type": "list", "elements": "path", "default": [], "no_log": False},
    "lock_timeout": {"type": "float", "default": 30},
    "run": {"type": "dict"},
    "takeover": {"type": "str"},
}
_LONGEST_WAIT = 3600
# A set-uid or set-gid file, or a sticky one, is no file of systemd's.
_SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX

_NOT_OURS = "a scratch file that this collection cannot have made, so it is left; remove it"


class Host(NamedTuple):
    """The host: a runner for systemctl, a clock, the folder of units, and kernel files to include in snapshots.

    ``places`` are the paths that may be written, None leaves them to the caller; ``holder`` is the run that changes.
    """

    run: Runner
    clock: Callable[[], datetime]
    units_folder: str
    kernel: Tuple[str, ...] = ()
    places: Optional[Places] = None
    holder: Optional[Dict[str, Any]] = None


def require_places(host: Host, entries: Iterable[Entry], kernel: Iterable[str], whose: str = "") -> None:
    """OllamaError for a path that this collection does not write, or a mode that it never gives."""
    for entry in entries:
        if host.places is not None and not host.places.has(entry.path):
            raise OllamaError(f"{whose}{entry.path}: {host.places.refusal}")
        if (entry.mode or 0) & _SPECIAL:
            raise OllamaError(
                f"{whose}{entry.path}: mode {entry.mode:04o} is set-uid, set-gid or sticky, which no file of"
                " systemd is, so it is not written"
            )
    for path in kernel:
        if host.places is not None and not host.places.has_kernel(path):
            raise OllamaError(f"{whose}{path}: {host.places.kernel_refusal}")


def tidy(store: Store | None, wanted: Iterable[Entry]) -> None:
    """Finish what a killed run left in the folder, and remove its scratch files beside all known paths."""
    known = list(wanted)
    if store is None:
        sweep(known)
        return
    store.recover()
    for each in store.snapshots():
        known += [*each.entries, *(Entry(path, ABSENT) for path in each.links)]
    # Those that cannot be read are named once, by who needs them.
    store.problems.clear()
    _removed, left = sweep(known)
    store.problems += [f"{path}: {_NOT_OURS}" for path in [*store.folder.sweep(), *left]]


def save(  # noqa: PLR0913 - what a snapshot is made of
    store: Store, host: Host, wanted: Sequence[Entry], changes: Pairs, reason: str, *, target: str = ""
) -> str:
    """Save a snapshot of every path in ``wanted``; return its id. ``target`` is the snapshot to be restored."""
    paths = [entry.path for entry in wanted]
    entries = tuple(map(read_entry, paths))
    require_places(host, [*entries, *wanted], host.kernel)
    begun = store.pending()
    active = active_units(host.run)
    if begun is not None and begun.restored and begun.target is None:
        # What ran before that change may not have been started again.
        with contextlib.suppress(OllamaError):
            active = store.snapshot(begun.id).active
    snapshot = Snapshot(
        id="",
        saved_at="",
        reason=reason,
        changes=summarize([change for change in changes if change[1].path in paths]),
        entries=entries,
        folders=missing_folders(paths),
        links=boot_links(host.units_folder),
        active=active,
        kernel=kernel_values(host.kernel),
        plan=None,
        written={entry.path: fingerprint(entry) for entry in wanted},
    )
    return store.save(snapshot, host.clock(), target or None, host.holder)


def missing_folders(paths: Iterable[str]) -> list[str]:
    """Parent folders that do not exist yet; they are created with the files and removed with them."""
    found: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in found and not os.path.isdir(folder):
            found.add(folder)
            folder = os.path.dirname(folder)
    return sorted(found)


def write(  # noqa: PLR0913 - what a change is made of
    store: Store | None,
    host: Host,
    wanted: Sequence[Entry],
    changes: Pairs,
    reason: str,
    *,
    kept: Sequence[Entry] = (),
    root: str | None = None,
) -> str | None:
    """Make the changes as one, after saving a snapshot if there is a store; return its id.

    ``kept`` are copies of files to write before anything changes.
    """
    if store is None:
        change_files(changes, kept, root)
        return None
    before = store.pending()
    name = save(store, host, wanted, changes, reason)
    try:
        change_files(changes, kept, root)
    except CommitError as error:
        give_up(store, name, before, error)
    return name


def change_files(changes: Pairs, kept: Sequence[Entry] = (), root: str | None = None) -> None:
    """Write the copies, and then the changes; where that fails the copies are removed again."""
    commit(kept, root=root)
    try:
        commit([entry for _found, entry in changes], before=[found for found, _entry in changes], root=root)
    except CommitError as error:
        if not error.lost:
            with contextlib.suppress(OllamaError):
                commit([Entry(copy.path, ABSENT) for copy in kept], root=root)
        raise


def give_up(store: Store, name: str, before: Any, error: CommitError) -> None:  # noqa: ANN401 - a record or None
    """Raise the error. The snapshot is deleted where all is as before, and is kept as the only copy where it is not."""
    if error.lost:
        raise CommitError(
            f"{error}; what they were is kept as state {name} in {store.folder.path}, and the playbook"
            " inference.ollama.rollback writes it back",
            error.lost,
        ) from None
    # Report the failure to write the files, not one to clean up after it.
    with contextlib.suppress(OllamaError):
        store.discard(name, before)
    raise error


def hand_copies(found: Iterable[Entry], host: Host) -> list[Entry]:
    """The copies to make of files that somebody else wrote."""
    return copies([entry for entry in found if entry.kind == FILE], host.clock())


def remove_empty(folders: Iterable[str]) -> None:
    """Remove the folders that are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def check_options(params: dict[str, Any]) -> None:
    """OllamaError for a wrong value of OPTIONS."""
    check_timeout(params["command_timeout"])
    timeout, run = params["lock_timeout"], params["run"]
    if not 0 <= timeout <= _LONGEST_WAIT:
        raise OllamaError(f"lock_timeout: {timeout:g} is not a number of seconds from 0 to {_LONGEST_WAIT}")
    if run and not isinstance(run.get("run"), str):
        raise OllamaError("run: it has no id; leave it to Ansible")
