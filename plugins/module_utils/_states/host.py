# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the files of a host so that it can be taken back, and take it back.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._states.changes import pending_changes, words
from ansible_collections.inference.ollama.plugins.module_utils._states.commit import commit
from ansible_collections.inference.ollama.plugins.module_utils._states.entry import ABSENT, FILE, LINK, Entry, look
from ansible_collections.inference.ollama.plugins.module_utils._states.running import (
    active_units,
    boot_links,
    is_boot_link,
    kernel_values,
    set_kernel,
)
from ansible_collections.inference.ollama.plugins.module_utils._states.store import State, Store, back_to, kernel_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

    Pairs = Sequence[tuple[Entry, Entry]]

OPTIONS: dict[str, dict[str, Any]] = {
    "units_folder": {"type": "path", "default": "/etc/systemd/system"},
    "command_timeout": {"type": "float", "default": 5},
}


class Host(NamedTuple):
    """Where from: who answers for systemd, the clock, the folder of units, and files of the kernel to keep."""

    run: Runner
    clock: Callable[[], datetime]
    units_folder: str
    kernel: Tuple[str, ...] = ()


def save(store: Store, host: Host, wanted: Sequence[Entry], changes: Pairs, reason: str) -> str:
    """Keep what there is of every path in ``wanted``; the id of the state."""
    paths = [entry.path for entry in wanted]
    state = State(
        id="",
        saved_at="",
        reason=reason,
        changes=words([change for change in changes if change[1].path in paths]),
        entries=tuple(map(look, paths)),
        folders=_missing(paths),
        links=boot_links(host.units_folder),
        active=active_units(host.run),
        kernel=kernel_values(host.kernel),
        plan=None,
    )
    return store.save(state, host.clock())


def _missing(paths: Iterable[str]) -> list[str]:
    """The folders above them that are not there; they come with the files, and go with them."""
    found: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in found and not os.path.isdir(folder):
            found.add(folder)
            folder = os.path.dirname(folder)
    return sorted(found)


def write(store: Store | None, host: Host, wanted: Sequence[Entry], changes: Pairs, reason: str) -> str | None:
    """Make the changes as one, after the state was saved where there is a store; its id."""
    if store is None:
        commit([entry for _found, entry in changes])
        return None
    name = save(store, host, wanted, changes, reason)
    try:
        commit([entry for _found, entry in changes])
    except OllamaError:
        # The complaint is about the files; what was noted of the change is no news.
        with contextlib.suppress(OllamaError):
            store.abandon(name)
        raise
    return name


class Return(NamedTuple):
    """The way back to a state: what is to be written, and what ran then."""

    state: State
    wanted: Tuple[Entry, ...]
    kernel: dict[str, str]
    folders: Tuple[str, ...]

    @property
    def changes(self) -> list[tuple[Entry, Entry]]:
        return pending_changes(self.wanted)


def way_back(store: Store, host: Host, name: str) -> Return:
    """What the state ``name`` asks for; OllamaError where there is none such, or one after it cannot be read."""
    target, ids = store.state(name), store.ids()
    # A state in between that cannot be read may be the only one that knows of a file.
    states = [store.state(each) for each in ids[: ids.index(name) + 1]]
    wanted = {entry.path: entry for entry in back_to(states, name)}
    # Of these links a state has all that there were, whatever a change or a later state has seen of them.
    boot = {*boot_links(host.units_folder), *(path for path in wanted if is_boot_link(host.units_folder, path))}
    wanted.update((path, Entry(path, ABSENT)) for path in boot if path not in wanted or wanted[path].kind != FILE)
    wanted.update((path, Entry(path, LINK, target=to)) for path, to in target.links.items())
    folders = tuple(sorted({folder for state in states for folder in state.folders}, reverse=True))
    return Return(target, tuple(wanted[path] for path in sorted(wanted)), kernel_of(states, name), folders)


def go_back(back: Return) -> list[str]:
    """Write it; the files of the kernel that were set."""
    commit([entry for _found, entry in back.changes])
    remove_empty(back.folders)
    return set_kernel(back.kernel)


def remove_empty(folders: Iterable[str]) -> None:
    """Those that hold nothing; what holds something is somebody's."""
    for folder in folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def services(state: State, run: Runner) -> dict[str, Any]:
    """``{stop, start}``: units that run and did not then, and those that ran then, with the OLLAMA_HOST of each."""
    now = active_units(run)
    return {"stop": [unit for unit in now if unit not in state.active], "start": state.active}


__all__ = ("OPTIONS", "Host", "Return", "go_back", "remove_empty", "save", "services", "way_back", "write")
