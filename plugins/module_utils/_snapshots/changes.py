# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe what a change does to each path: in a word, and as a diff."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._secrets import MASK, hide_in_file
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.commit import differs
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    LINK,
    PROGRAM,
    Entry,
    read_entry,
)
from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.module_utils._text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CREATED, CHANGED, REMOVED = "created", "changed", "removed"


def pending_changes(wanted: Iterable[Entry]) -> list[tuple[Entry, Entry]]:
    """Pairs of the entry found and the entry wanted, for every path where they differ."""
    pairs = ((read_entry(entry.path), entry) for entry in wanted)
    return [(found, entry) for found, entry in pairs if differs(found, entry)]


def summarize(changes: Sequence[tuple[Entry, Entry]]) -> list[dict[str, str]]:
    """``{path, change}`` of each; ``change`` is created, changed or removed."""
    return [{"path": entry.path, "change": _word(found, entry)} for found, entry in changes]


def _word(found: Entry, wanted: Entry) -> str:
    if wanted.kind == ABSENT:
        return REMOVED
    return CREATED if found.kind == ABSENT else CHANGED


def diff(changes: Iterable[tuple[Entry, Entry]]) -> list[dict[str, str]]:
    """Rows for Ansible's --diff.

    The contents of files that only their owner may read are not shown, nor are secrets in files that others may read.
    """
    rows = []
    for found, wanted in changes:
        path = wanted.path
        if found.private or wanted.private:
            lines = [f"{path} is {_word(found, wanted)}; its contents are not shown", *_names(found, wanted)]
            rows.append({"prepared": "".join(f"{line}\n" for line in lines)})
            continue
        before, after = _without_secrets(_text(found), _text(wanted))
        row = {"before": before, "after": after, "before_header": path, "after_header": path}
        if found._replace(mode=None, owner=None) == wanted._replace(mode=None, owner=None):
            row = {"before": _mode(found), "after": _mode(wanted), "before_header": path, "after_header": path}
        rows.append(row)
    return rows


def _names(found: Entry, wanted: Entry) -> list[str]:
    """Which variables of a file of secrets are another than before, by their names."""
    texts = [_text(entry) for entry in (found, wanted)]
    if any(text and not text.startswith(HEADER) for text in texts):
        # Of what somebody else wrote nobody knows what is a name.
        return []
    before, after = ({name: value for name, value, _line in parse_environment_file(text)} for text in texts)
    lines = []
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            word = "is gone" if name not in after else "is new" if name not in before else "has another value"
            lines.append(f"{visible(name)} {word}")
    return lines


def _without_secrets(before: str, after: str) -> tuple[str, str]:
    """Both texts with secrets masked, and one that is another than before marked as changed."""
    known: set[str] = set()

    def old(secret: str) -> str:
        if MASK not in secret:
            known.add(secret.strip())
        return MASK

    def new(secret: str) -> str:
        if MASK in secret:
            return secret
        return MASK if secret.strip() in known or not known else f"{MASK} (changed)"

    hidden = hide_in_file(visible(before), old), hide_in_file(visible(after), new)
    if before != after and hidden[0] == hidden[1]:
        return hidden[0], f"{hidden[1]}# {MASK} (changed)\n"
    return hidden


def _text(entry: Entry) -> str:
    if entry.kind == LINK:
        return f"-> {entry.target}\n"
    if entry.kind == PROGRAM and entry.identity is not None:
        return f"a program of {entry.identity[0]} bytes\n"
    data = entry.data or b""
    if b"\0" in data:
        # A program: what changed in it nobody reads here.
        return f"a program of {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}\n"
    return data.decode("utf-8", "replace")


def _mode(entry: Entry) -> str:
    owner = "" if entry.owner is None else f", owner {entry.owner[0]}:{entry.owner[1]}"
    return f"mode {entry.mode or 0:04o}{owner}\n"
