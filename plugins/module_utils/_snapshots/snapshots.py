# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot as data: a host before a change, what several of them say together, and its form as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    FILE,
    Entry,
    decode,
    fingerprint,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SCHEMA = 1


class Snapshot(NamedTuple):
    """A host before a change.

    ``changes`` are the changes about to be made, ``folders`` those that did not exist, ``links`` those that start
    services at boot (path to target), ``active`` the running units with the OLLAMA_HOST of each, ``kernel`` the values
    of files below /proc and /sys, ``plan`` the plan confirmed at that time, if any. ``written`` has the fingerprint of
    each file that the change writes, by path; None in snapshots of earlier releases.
    """

    id: str
    saved_at: str
    reason: str
    changes: List[Dict[str, str]]
    entries: Tuple[Entry, ...]
    folders: List[str]
    links: Dict[str, str]
    active: Dict[str, str]
    kernel: Dict[str, str]
    plan: Optional[Dict[str, Any]]
    written: Optional[Dict[str, Optional[str]]] = None

    def summary(self) -> dict[str, Any]:
        """The parts that may be shown: no contents of files."""
        return {"id": self.id, "saved_at": self.saved_at, "reason": self.reason, "changes": self.changes}


def read_snapshot(name: str, value: Any) -> Snapshot | None:  # noqa: ANN401 - whatever JSON holds
    """The snapshot in JSON data; None if it does not have that form."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        return None
    try:
        plan, written = value["plan"], value.get("written")
        return Snapshot(
            id=name,
            saved_at=str(value["saved_at"]),
            reason=str(value["reason"]),
            changes=[{key: str(change[key]) for key in ("path", "change")} for change in value["changes"]],
            entries=tuple(decode(entry) for entry in value["entries"]),
            folders=[str(folder) for folder in value["folders"]],
            links={str(path): str(target) for path, target in value["links"].items()},
            active={str(unit): str(address) for unit, address in value["active"].items()},
            kernel={str(path): str(said) for path, said in value["kernel"].items()},
            plan=plan if isinstance(plan, dict) else None,
            written={str(path): said for path, said in written.items()} if isinstance(written, dict) else None,
        )
    except (KeyError, TypeError, AttributeError, OllamaError):
        return None


def merged(snapshots: Sequence[Snapshot]) -> Snapshot:
    """The last of the snapshots, the oldest, with what the others, the newest first, have of paths that it lacks."""
    begun = snapshots[-1]
    changes = {change["path"]: change for each in snapshots for change in each.changes}
    # What was written last counts.
    written = {path: said for each in reversed(snapshots) for path, said in (each.written or {}).items()}
    return begun._replace(
        changes=[changes[path] for path in sorted(changes)],
        entries=entries_at(snapshots, begun.id),
        folders=sorted({folder for each in snapshots for folder in each.folders}),
        kernel=kernel_at(snapshots, begun.id),
        written=written,
    )


def entries_at(snapshots: Iterable[Snapshot], name: str) -> tuple[Entry, ...]:
    """The entries that restore the snapshot ``name``; ``snapshots`` are sorted, the newest first.

    A path that only a later snapshot has was not touched in between, so the later one has it as it was.
    """
    wanted = {entry.path: entry for snapshot in _back_to(snapshots, name) for entry in snapshot.entries}
    return tuple(wanted[path] for path in sorted(wanted))


def kernel_at(snapshots: Iterable[Snapshot], name: str) -> dict[str, str]:
    """The kernel values that restore the snapshot ``name``, by path."""
    return {path: value for snapshot in _back_to(snapshots, name) for path, value in snapshot.kernel.items()}


def _back_to(snapshots: Iterable[Snapshot], name: str) -> Iterator[Snapshot]:
    for snapshot in snapshots:
        yield snapshot
        if snapshot.id == name:
            return


def edited(found: Iterable[Entry], snapshots: Sequence[Snapshot]) -> list[Entry]:
    """The files among the entries found that no change of these snapshots wrote, and that none of them has.

    Of a path of which no snapshot says what was written, nothing is known, and it is not returned.
    """
    known: dict[str, set[str | None]] = {}
    for each in snapshots:
        for path, said in (each.written or {}).items():
            known.setdefault(path, set()).add(said)
    for each in snapshots:
        for entry in each.entries:
            if entry.path in known:
                known[entry.path].add(fingerprint(entry))
    return [
        each
        for each in found
        if each.kind == FILE and fingerprint(each) not in known.get(each.path, {fingerprint(each)})
    ]
