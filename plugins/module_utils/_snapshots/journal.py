# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a change that is not confirmed yet: where it came from, where it leads, and who makes it.

It is written before what it announces, so that whoever reads it after a kill at any point knows what to finish.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError

# The snapshot is being written, and nothing has changed yet; the change is being made; it is being confirmed.
OPENING, OPEN, CLOSING = "opening", "open", "closing"
_PHASES = (OPENING, OPEN, CLOSING)
# The moment, and a number: of all snapshots in the folder or, in earlier releases, of those of the same second.
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(?:-[0-9]{1,3}|\.[0-9]{1,12})?")


class Pending(NamedTuple):
    """A pending change.

    ``id`` is the snapshot before it. Of a restore, ``target`` is the snapshot that it leads to; None means a change of
    files, or, once ``restored`` is true, its restore. ``drop`` are snapshots that this one stands for. ``gone`` and
    ``plan`` are what is left to do of a confirmation: snapshots to delete and the plan to keep.
    """

    id: str
    target: Optional[str] = None
    restored: bool = False
    phase: str = OPEN
    sequence: int = 0
    holder: Optional[Dict[str, Any]] = None
    drop: List[str] = []  # noqa: RUF012 - a tuple's default, never changed
    gone: List[str] = []  # noqa: RUF012 - same
    plan: Optional[Dict[str, Any]] = None

    @property
    def aim(self) -> str:
        """The snapshot that finishes it: the one that a restore leads to, or the one before the change."""
        return self.target or self.id


def read_pending(value: Any) -> Pending | None:  # noqa: ANN401 - whatever JSON holds
    """The record in JSON data, of earlier releases too; None if it does not have that form."""
    if not isinstance(value, dict) or not is_id(value.get("id")):
        return None
    lists = {key: value.get(key) or [] for key in ("drop", "gone")}
    sequence, phase, target = value.get("sequence", 0), value.get("phase", OPEN), value.get("target")
    fits = (
        all(isinstance(names, list) and all(map(is_id, names)) for names in lists.values())
        and isinstance(sequence, int)
        and phase in _PHASES
        and (target is None or is_id(target))
    )
    if not fits:
        return None
    holder, plan = value.get("holder"), value.get("plan")
    return Pending(
        id=value["id"],
        target=target,
        restored=value.get("restored") is True,
        phase=phase,
        sequence=sequence,
        holder=holder if isinstance(holder, dict) else None,
        plan=plan if isinstance(plan, dict) else None,
        **lists,
    )


def is_id(name: object) -> bool:
    """Whether this is the id of a snapshot, of this release or an earlier one."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def order(name: str) -> tuple[int, str, int]:
    """Sorts ids by age. Those with a number of their own come after those of earlier releases, whatever the time."""
    if "." in name:
        return 1, "", sequence_of(name)
    moment, _dash, number = name.partition("-")
    return 0, moment, int(number or 0)


def sequence_of(name: str) -> int:
    """The number of a snapshot; 0 for one of an earlier release."""
    return int(name.partition(".")[2] or 0)


def new_id(moment: str, sequence: int) -> str:
    name = f"{moment}.{sequence}"
    if not is_id(name):
        raise OllamaError(f"a snapshot cannot be named {name[:60]!r}")
    return name
