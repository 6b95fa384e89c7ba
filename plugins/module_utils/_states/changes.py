# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of each path, in a word and as a difference to read.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._states.commit import differs
from ansible_collections.inference.ollama.plugins.module_utils._states.entry import ABSENT, LINK, Entry, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CREATED, CHANGED, REMOVED = "created", "changed", "removed"


def pending_changes(wanted: Iterable[Entry]) -> list[tuple[Entry, Entry]]:
    """What there is and what shall be, of every path where that is not the same."""
    pairs = ((look(entry.path), entry) for entry in wanted)
    return [(found, entry) for found, entry in pairs if differs(found, entry)]


def words(changes: Sequence[tuple[Entry, Entry]]) -> list[dict[str, str]]:
    """``{path, change}`` of each; ``change`` is created, changed or removed."""
    return [{"path": entry.path, "change": _word(found, entry)} for found, entry in changes]


def _word(found: Entry, wanted: Entry) -> str:
    if wanted.kind == ABSENT:
        return REMOVED
    return CREATED if found.kind == ABSENT else CHANGED


def diff(changes: Iterable[tuple[Entry, Entry]]) -> list[dict[str, str]]:
    """As Ansible prints it with --diff. What only its owner may read is not shown."""
    rows = []
    for found, wanted in changes:
        path = wanted.path
        if found.private or wanted.private:
            said = f"{path} is {_word(found, wanted)}; what it holds is not shown\n"
            rows.append({"prepared": said})
            continue
        row = {"before": _text(found), "after": _text(wanted), "before_header": path, "after_header": path}
        if found.kind == wanted.kind and found.data == wanted.data and found.target == wanted.target:
            row = {"before": _mode(found), "after": _mode(wanted), "before_header": path, "after_header": path}
        rows.append(row)
    return rows


def _text(entry: Entry) -> str:
    if entry.kind == LINK:
        return f"-> {entry.target}\n"
    return (entry.data or b"").decode("utf-8", "replace")


def _mode(entry: Entry) -> str:
    owner = "" if entry.owner is None else f", owner {entry.owner[0]}:{entry.owner[1]}"
    return f"mode {entry.mode or 0:04o}{owner}\n"


__all__ = ("CHANGED", "CREATED", "REMOVED", "diff", "pending_changes", "words")
