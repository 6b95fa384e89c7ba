# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a host: its files and services before each change.

A folder for root alone holds one file for each snapshot; ``pending.json``, from before the first write of a change
until the change is confirmed or rolled back, with the snapshot to restore; and ``current.json``, the plan confirmed
last. A snapshot holds a secret if a file in it does.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import commit
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    Entry,
    decode,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

SCHEMA = 1
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(?:-[0-9]{1,3})?")
_PENDING, _CURRENT = "pending", "current"


class Snapshot(NamedTuple):
    """A host before a change.

    ``changes`` are the changes about to be made, ``folders`` those that did not exist, ``links`` those that start
    services at boot (path to target), ``active`` the running units with the OLLAMA_HOST of each, ``kernel`` the values
    of files below /proc and /sys, ``plan`` the plan confirmed at that time, if any.
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

    def summary(self) -> dict[str, Any]:
        """The parts that may be shown: no contents of files."""
        return {"id": self.id, "saved_at": self.saved_at, "reason": self.reason, "changes": self.changes}


class Store:
    """The folder. Unreadable files in it are named in ``problems`` and left alone."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.json")

    def _read(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The data in a file; None if it does not exist."""
        path = self._path(name)
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "invalid JSON"
            raise OllamaError(f"{path}: cannot be read ({reason})") from None

    def _write(self, name: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, sort_keys=True) + "\n"
        commit([Entry(self._path(name), FILE, text.encode(), 0o600)], folder_mode=0o700, largest=None)

    def _remove(self, *names: str) -> None:
        commit([Entry(self._path(name), ABSENT) for name in names], largest=None)

    def ids(self) -> list[str]:
        """The ids of all snapshots, the newest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OllamaError(f"{self.folder}: cannot be listed ({error.strerror})") from None
        found = (name[: -len(".json")] for name in names if name.endswith(".json"))
        return sorted(filter(_NAME.fullmatch, found), key=_order, reverse=True)

    def snapshot(self, name: str) -> Snapshot:
        """A snapshot by its id; OllamaError if there is no such snapshot, or it cannot be read."""
        value = self._read(name) if _NAME.fullmatch(name) else None
        if value is None:
            known = ", ".join(self.ids()) or "none"
            raise OllamaError(f"no snapshot {name[:40]!r} in {self.folder}; found: {known}")
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise OllamaError(f"{self._path(name)}: not a snapshot of schema {SCHEMA}")
        try:
            plan = value["plan"]
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
            )
        except (KeyError, TypeError, AttributeError, OllamaError):
            raise OllamaError(f"{self._path(name)}: not a snapshot of schema {SCHEMA}") from None

    def snapshots(self) -> list[Snapshot]:
        """All readable snapshots, the newest first."""
        return [found for found in map(self._readable, self.ids()) if found is not None]

    def _readable(self, name: str) -> Snapshot | None:
        try:
            return self.snapshot(name)
        except OllamaError as error:
            self.problems.append(str(error))
            return None

    def pending(self) -> str | None:
        """The id of the snapshot before an unconfirmed change; None if no change is pending."""
        return self._pending()[0]

    def _pending(self) -> tuple[str | None, bool]:
        """The same, and whether its files have been restored already."""
        value = self._read(_PENDING)
        name = value.get("id") if isinstance(value, dict) else None
        if value is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise OllamaError(f"{self._path(_PENDING)}: it does not name a snapshot; remove it")
        return name, isinstance(value, dict) and value.get("restored") is True

    def plan(self) -> dict[str, Any] | None:
        """The plan confirmed last, if any."""
        value = self._read(_CURRENT)
        plan = value.get("plan") if isinstance(value, dict) else None
        return plan if isinstance(plan, dict) else None

    def save(self, snapshot: Snapshot, now: datetime) -> str:
        """Save the snapshot under a new id, and mark a change as pending unless one is; return the id."""
        name = moment = now.strftime("%Y%m%dT%H%M%SZ")
        taken, number = set(self.ids()), 0
        while name in taken:
            number += 1
            name = f"{moment}-{number}"
        begun = self.pending()
        self._keep(snapshot._replace(id=name, saved_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"), plan=self.plan()))
        if begun is None:
            self._write(_PENDING, {"id": name, "restored": False})
        return name

    def _keep(self, snapshot: Snapshot) -> None:
        entries = [encode(entry) for entry in snapshot.entries]
        self._write(snapshot.id, {**snapshot._asdict(), "schema": SCHEMA, "entries": entries})

    def discard(self, name: str) -> None:
        """Delete the snapshot of a change that was not made."""
        self._remove(*([_PENDING] if self.pending() == name else []), name)

    def mark_restored(self, name: str) -> None:
        """Record that the files are restored, so that only restarts and the confirmation are left."""
        self._write(_PENDING, {"id": name, "restored": True})

    def confirm(self, plan: dict[str, Any] | None, keep: int) -> bool:
        """Confirm the pending change; return whether there was one.

        ``plan`` becomes the current plan, and the last ``keep`` snapshots are kept. A snapshot that was restored is
        deleted, because the host is in that state now.
        """
        (begun, restored), ids = self._pending(), self.ids()
        gone = [name for name in ids if begun is not None and _order(name) > _order(begun)]
        if begun is not None:
            gone = [*gone, begun] if restored else self._merge_unconfirmed(gone, begun)
        known = self._read(_CURRENT)
        if not isinstance(known, dict) or known.get("plan") != plan:
            self._write(_CURRENT, {"plan": plan})
        kept = [name for name in ids if name not in gone]
        self._remove(_PENDING, *gone, *kept[keep:])
        return begun is not None

    def _merge_unconfirmed(self, later: list[str], begun: str) -> list[str]:
        """Add to the snapshot ``begun`` what later ones have of paths that it lacks; return the ids to delete.

        Nothing is deleted if one of them cannot be read.
        """
        try:
            snapshots = [self.snapshot(name) for name in [*later, begun]]
        except OllamaError:
            return []
        if later:
            changes = {change["path"]: change for each in snapshots for change in each.changes}
            self._keep(
                snapshots[-1]._replace(
                    changes=[changes[path] for path in sorted(changes)],
                    entries=entries_at(snapshots, begun),
                    folders=sorted({folder for each in snapshots for folder in each.folders}),
                    kernel=kernel_at(snapshots, begun),
                )
            )
        return later


def _order(name: str) -> tuple[str, int]:
    moment, _dash, number = name.partition("-")
    return moment, int(number or 0)


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
