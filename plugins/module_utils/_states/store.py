# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a host that are kept: what the files and services were before each change.

A folder for root alone holds one file for each state; ``pending.json``, from before the first write of a change until
the change is confirmed or taken back, with the state to go back to; and ``current.json``, the plan that was confirmed
last. A state may hold a key, as the file that it was copied from does.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._states.commit import commit
from ansible_collections.inference.ollama.plugins.module_utils._states.entry import (
    ABSENT,
    FILE,
    Entry,
    decode,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

SCHEMA = 1
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(?:-[0-9]{1,3})?")
_PENDING, _CURRENT = "pending", "current"


class State(NamedTuple):
    """What there was before a change.

    ``changes`` are those that were about to be made, ``folders`` those that were not there, ``links`` by which services
    start at boot (path to target), ``active`` the units that ran with the OLLAMA_HOST of each, ``kernel`` what files
    below /proc and /sys held, ``plan`` the plan that was confirmed then, None where none was.
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
        """What may be shown: no contents of files."""
        return {"id": self.id, "saved_at": self.saved_at, "reason": self.reason, "changes": self.changes}


class Store:
    """The folder. What is in it and cannot be read is named in ``problems`` and left alone."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.json")

    def _read(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """What a file holds; None where there is none."""
        path = self._path(name)
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no JSON"
            raise OllamaError(f"{path}: it cannot be read ({reason})") from None

    def _write(self, name: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, sort_keys=True) + "\n"
        commit([Entry(self._path(name), FILE, text.encode(), 0o600)], folder_mode=0o700, largest=None)

    def _remove(self, *names: str) -> None:
        commit([Entry(self._path(name), ABSENT) for name in names], largest=None)

    def ids(self) -> list[str]:
        """Of the states, the newest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OllamaError(f"{self.folder}: it cannot be listed ({error.strerror})") from None
        found = (name[: -len(".json")] for name in names if name.endswith(".json"))
        return sorted(filter(_NAME.fullmatch, found), key=_order, reverse=True)

    def state(self, name: str) -> State:
        """A state that was saved; OllamaError for one that was not, or cannot be read."""
        value = self._read(name) if _NAME.fullmatch(name) else None
        if value is None:
            known = ", ".join(self.ids()) or "none"
            raise OllamaError(f"there is no saved state {name[:40]!r} in {self.folder}; there is: {known}")
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise OllamaError(f"{self._path(name)}: it is no saved state of schema {SCHEMA}")
        try:
            plan = value["plan"]
            return State(
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
            raise OllamaError(f"{self._path(name)}: it is no saved state of schema {SCHEMA}") from None

    def states(self) -> list[State]:
        """The newest first."""
        return [state for state in map(self._readable, self.ids()) if state is not None]

    def _readable(self, name: str) -> State | None:
        try:
            return self.state(name)
        except OllamaError as error:
            self.problems.append(str(error))
            return None

    def pending(self) -> str | None:
        """The state to go back to while a change is not confirmed; None where nothing is half done."""
        return self._pending()[0]

    def _pending(self) -> tuple[str | None, bool]:
        """With it, whether the files are back already."""
        value = self._read(_PENDING)
        name = value.get("id") if isinstance(value, dict) else None
        if value is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise OllamaError(f"{self._path(_PENDING)}: it names no saved state; remove it")
        return name, isinstance(value, dict) and value.get("restored") is True

    def plan(self) -> dict[str, Any] | None:
        """The plan that was confirmed last; None for none."""
        value = self._read(_CURRENT)
        plan = value.get("plan") if isinstance(value, dict) else None
        return plan if isinstance(plan, dict) else None

    def save(self, state: State, now: datetime) -> str:
        """Keep the state under a new id, and note that a change has begun, unless one has before."""
        name = moment = now.strftime("%Y%m%dT%H%M%SZ")
        taken, number = set(self.ids()), 0
        while name in taken:
            number += 1
            name = f"{moment}-{number}"
        begun = self.pending()
        self._keep(state._replace(id=name, saved_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"), plan=self.plan()))
        if begun is None:
            self._write(_PENDING, {"id": name, "restored": False})
        return name

    def _keep(self, state: State) -> None:
        entries = [encode(entry) for entry in state.entries]
        self._write(state.id, {**state._asdict(), "schema": SCHEMA, "entries": entries})

    def abandon(self, name: str) -> None:
        """Nothing came of the change that the state was saved for."""
        self._remove(*([_PENDING] if self.pending() == name else []), name)

    def restored(self, name: str) -> None:
        """The files are as in the state again; what is left to do is to restart and to confirm."""
        self._write(_PENDING, {"id": name, "restored": True})

    def confirm(self, plan: dict[str, Any] | None, keep: int) -> bool:
        """The change is done: ``plan`` is what runs, and the last ``keep`` states stay. Whether there was one.

        A state that was gone back to is what there is now, and none to go back to.
        """
        (begun, restored), ids = self._pending(), self.ids()
        gone = [name for name in ids if begun is not None and _order(name) > _order(begun)]
        if begun is not None:
            gone = [*gone, begun] if restored else self._fold(gone, begun)
        known = self._read(_CURRENT)
        if not isinstance(known, dict) or known.get("plan") != plan:
            self._write(_CURRENT, {"plan": plan})
        kept = [name for name in ids if name not in gone]
        self._remove(_PENDING, *gone, *kept[keep:])
        return begun is not None

    def _fold(self, later: list[str], begun: str) -> list[str]:
        """Tell the state ``begun`` what later ones saw of paths that it did not know; these, which may go then.

        None may go where one of them cannot be read.
        """
        try:
            states = [self.state(name) for name in [*later, begun]]
        except OllamaError:
            return []
        if later:
            changes = {change["path"]: change for state in states for change in state.changes}
            self._keep(
                states[-1]._replace(
                    changes=[changes[path] for path in sorted(changes)],
                    entries=back_to(states, begun),
                    folders=sorted({folder for state in states for folder in state.folders}),
                    kernel=kernel_of(states, begun),
                )
            )
        return later


def _order(name: str) -> tuple[str, int]:
    moment, _dash, number = name.partition("-")
    return moment, int(number or 0)


def back_to(states: Iterable[State], name: str) -> tuple[Entry, ...]:
    """What every path must have for the state ``name`` to be back; ``states`` are the newest first.

    A path that a later state has and this one has not was not touched in between: the later one saw it as it was.
    """
    wanted: dict[str, Entry] = {}
    for state in states:
        wanted.update({entry.path: entry for entry in state.entries})
        if state.id == name:
            break
    return tuple(wanted[path] for path in sorted(wanted))


def kernel_of(states: Iterable[State], name: str) -> dict[str, str]:
    """The same for values of the kernel."""
    wanted: dict[str, str] = {}
    for state in states:
        wanted.update(state.kernel)
        if state.id == name:
            break
    return wanted


__all__ = ("SCHEMA", "State", "Store", "back_to", "kernel_of")
