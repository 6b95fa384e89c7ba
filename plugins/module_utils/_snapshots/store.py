# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a host: its files and services before each change.

A folder for root alone holds one file for each snapshot; ``pending.json``, from before the first write of a change
until the change is confirmed or taken back; and ``current.json``, the plan confirmed last with the number of the last
change. A snapshot holds a secret if a file in it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import encode
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.folder import Folder
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.journal import (
    CLOSING,
    OPEN,
    OPENING,
    Pending,
    is_id,
    new_id,
    order,
    read_pending,
    sequence_of,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.snapshots import (
    SCHEMA,
    Snapshot,
    merged,
    read_snapshot,
)

if TYPE_CHECKING:
    from datetime import datetime

_PENDING, _CURRENT = "pending", "current"


class Store:
    """The folder. Unreadable files in it are named in ``problems`` and left alone."""

    def __init__(self, folder: str) -> None:
        self.folder = Folder(folder)
        self.problems: list[str] = []

    def ids(self) -> list[str]:
        """The ids of all snapshots, the newest first."""
        return sorted(filter(is_id, self.folder.names()), key=order, reverse=True)

    def snapshot(self, name: str) -> Snapshot:
        """A snapshot by its id; OllamaError if there is no such snapshot, or it cannot be read."""
        value = self.folder.read(name) if is_id(name) else None
        if value is None:
            known = ", ".join(self.ids()) or "none"
            raise OllamaError(f"no snapshot {name[:40]!r} in {self.folder.path}; found: {known}")
        found = read_snapshot(name, value)
        if found is None:
            raise OllamaError(f"{self.folder.file(name)}: not a snapshot of schema {SCHEMA}")
        return found

    def snapshots(self) -> list[Snapshot]:
        """All readable snapshots, the newest first."""
        return [found for found in map(self._readable, self.ids()) if found is not None]

    def _readable(self, name: str) -> Snapshot | None:
        try:
            return self.snapshot(name)
        except OllamaError as error:
            self.problems.append(str(error))
            return None

    def pending(self) -> Pending | None:
        """The change that is not confirmed; None if there is none, or nothing of it is left but to clean up."""
        found = self._record()
        return found if found is not None and found.phase == OPEN else None

    def _record(self) -> Pending | None:
        value = self.folder.read(_PENDING)
        found = read_pending(value)
        if value is not None and found is None:
            raise OllamaError(f"{self.folder.file(_PENDING)}: it does not name a snapshot; remove it")
        return found

    def _put(self, pending: Pending) -> None:
        self.folder.write(_PENDING, pending._asdict())

    def _current(self) -> dict[str, Any]:
        value = self.folder.read(_CURRENT)
        return value if isinstance(value, dict) else {}

    def plan(self) -> dict[str, Any] | None:
        """The plan confirmed last, if any."""
        plan = self._current().get("plan")
        return plan if isinstance(plan, dict) else None

    def sequence(self) -> int:
        """The number of the last change, or of the last step of the pending one; it only grows."""
        last, record = self._current().get("sequence"), self._record()
        known = [last if isinstance(last, int) else 0, record.sequence if record else 0]
        return max([*known, *map(sequence_of, self.ids())])

    def recover(self) -> None:
        """Finish what a killed run left in this folder: a snapshot half written, a confirmation not finished."""
        record = self._record()
        if record is not None and record.phase == OPENING:
            self.folder.remove(record.id, _PENDING)
        elif record is not None and record.phase == CLOSING:
            self._finish(record)

    def save(self, snapshot: Snapshot, now: datetime, target: str | None = None, holder: Any = None) -> str:  # noqa: ANN401 - a record or None
        """Save the snapshot under a new id, and mark a change as pending unless one is; return the id."""
        self.recover()
        begun, sequence = self.pending(), self.sequence() + 1
        name = new_id(now.strftime("%Y%m%dT%H%M%SZ"), sequence)
        record = Pending(name, target, sequence=sequence, holder=holder)
        if begun is None:
            self._put(record._replace(phase=OPENING))
        elif begun.restored and begun.target is None:
            # That change is taken back, so this one begins at what there is, and its snapshots say the same.
            stale = [each for each in self.ids() if order(each) >= order(begun.id)]
            record = record._replace(drop=[*stale, *begun.drop])
        else:
            record = record._replace(id=begun.id, drop=begun.drop)
        self._keep(snapshot._replace(id=name, saved_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"), plan=self.plan()))
        self._put(record)
        return name

    def _keep(self, snapshot: Snapshot) -> None:
        entries = [encode(entry) for entry in snapshot.entries]
        self.folder.write(snapshot.id, {**snapshot._asdict(), "schema": SCHEMA, "entries": entries})

    def discard(self, name: str, before: Pending | None) -> None:
        """Delete the snapshot of a change that was not made; ``before`` is what was pending until then."""
        record = self._record()
        if before is not None:
            self._put(before._replace(sequence=self.sequence()))
            self.folder.remove(name)
        elif record is not None:
            self._close(record._replace(gone=[name, *record.drop], plan=self.plan()))

    def claim(self, target: str | None, holder: Any, *, restored: bool = False) -> None:  # noqa: ANN401 - same
        """Record who goes on with the pending change, and where it leads now."""
        record = self.pending()
        if record is not None:
            same = restored or (record.restored and record.target is None and target is None)
            self._put(record._replace(target=target, restored=same, holder=holder, sequence=self.sequence() + 1))

    def mark_restored(self) -> None:
        """Record that the files are restored, so that only restarts and the confirmation are left."""
        record = self.pending()
        if record is not None:
            self._put(record._replace(restored=True))

    def confirm(self, plan: dict[str, Any] | None, keep: int, *, same: bool = False) -> bool:
        """Confirm the pending change; return whether there was one.

        ``plan`` becomes the current plan, and the last ``keep`` snapshots are kept. The one before the change is
        deleted where the host is in that state now: it was restored, or is the ``same``.
        """
        self.recover()
        begun, ids = self.pending(), self.ids()
        if begun is None:
            if self._current().get("plan", {}) != plan:
                self.folder.write(_CURRENT, {"plan": plan, "sequence": self.sequence()})
            self.folder.remove(*ids[keep:])
            return False
        later = [name for name in ids if order(name) > order(begun.id)]
        taken_back = begun.restored and begun.target is None
        gone = [*later, begun.id] if taken_back or same else self._merge(later, begun.id)
        gone += begun.drop
        kept = [name for name in ids if name not in gone]
        self._close(begun._replace(gone=[*gone, *kept[keep:]], plan=plan))
        return True

    def _close(self, record: Pending) -> None:
        """From the first write on the change is confirmed; what fails then is left to the next call."""
        closing = record._replace(phase=CLOSING, sequence=self.sequence() + 1)
        self._put(closing)
        try:
            self._finish(closing)
        except OllamaError as error:
            self.problems.append(str(error))

    def _finish(self, record: Pending) -> None:
        if self._current() != {"plan": record.plan, "sequence": record.sequence}:
            self.folder.write(_CURRENT, {"plan": record.plan, "sequence": record.sequence})
        self.folder.remove(*record.gone, _PENDING)

    def _merge(self, later: list[str], begun: str) -> list[str]:
        """Add to the snapshot ``begun`` what later ones have of paths that it lacks; return the ids to delete.

        Nothing is deleted if one of them cannot be read.
        """
        try:
            snapshots = [self.snapshot(name) for name in [*later, begun]]
        except OllamaError:
            return []
        if later:
            self._keep(merged(snapshots))
        return list(later)
