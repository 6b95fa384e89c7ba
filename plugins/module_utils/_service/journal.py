# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the log of a unit since its last start.

journalctl(1) and systemd.journal-fields(7): the entries of one invocation, as JSON, a line each; a text that is not
UTF-8 comes as a list of bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.log import ENDED, WANTED, read_log
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc, encodable, natural

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
    from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit

# A line of a log is cut here; the longest that is read, of all settings, is about 3,000 characters.
_LONGEST = 1 << 14


def read_journal(root: Proc, run: Runner, unit: Unit, lines: int, redactor: Redactor) -> dict[str, Any] | None:
    """The content of the log (see read_log); None where it cannot be read, or has no entry of this unit."""
    name = unit.name
    if unit.invocation_id is None:
        root.problem(f"{name}: systemd has no invocation id, so the log of its last start cannot be identified")
        return None
    messages = _ask(
        root, run, ["journalctl", f"_SYSTEMD_UNIT={name}", f"_SYSTEMD_INVOCATION_ID={unit.invocation_id}"], lines
    )
    # A start without a log yet still has the last line of the start before it.
    found = [*_last_words(run, unit), *(messages or [])]
    return read_log(found, redactor) if found else None


def _last_words(run: Runner, unit: Unit) -> list[str]:
    """The last line of a server that ended before systemd restarted it.

    systemd resets NRestarts with each start on request, so an end that is counted is recent.
    """
    if not unit.restarts:
        return []
    options = ["--no-pager", "--quiet", "--output=json", "--output-fields=MESSAGE", "--lines=1", f"--grep={ENDED}"]
    said = run(["journalctl", f"_SYSTEMD_UNIT={unit.name}", *options])
    # Without --grep it cannot be asked for, and the log of the last start has been read.
    return _messages(Proc("/"), [], said) or [] if said.out else []


def _ask(root: Proc, run: Runner, match: list[str], lines: int) -> list[str] | None:
    """The messages in the order in which they were logged, or None.

    A busy server logs a line for each request, so that those that matter are long gone from the last lines. journalctl
    picks them, unless it was built without that; how it ends where none fits differs between releases.
    """
    options = ["--no-pager", "--quiet", "--all", "--output=json", "--output-fields=MESSAGE", f"--lines={lines}"]
    picked = run([*match, *options, f"--grep={WANTED}"])
    if picked.out is not None and picked.out.strip():
        return _messages(root, match, picked)
    plain = run([*match, *options])
    if plain.out is None:
        root.problem(plain.problem or "")
        return None
    if not plain.out.strip():
        root.problem(
            f"{' '.join(match)}: read no entry, expected those since the start of the unit; without root this takes the"
            " group systemd-journal"
        )
        return None
    return _messages(root, match, plain)


def _messages(root: Proc, match: list[str], said: Outcome) -> list[str] | None:
    entries: list[tuple[int, str]] = []
    wrong = 0
    for line in (said.out or "").splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        text = _text(entry.get("MESSAGE")) if isinstance(entry, dict) else None
        if text is None or not isinstance(entry, dict):
            wrong += 1
            continue
        stamp = entry.get("__REALTIME_TIMESTAMP")
        entries.append(((natural(stamp) if isinstance(stamp, str) else None) or 0, text[:_LONGEST]))
    if wrong:
        root.problem(f"{' '.join(match)}: {wrong} of its lines hold no message as JSON")
    if not entries:
        return None
    # With --grep and --lines some releases print the last entry first.
    if entries[0][0] > entries[-1][0]:
        entries.reverse()
    return [text for _stamp, text in entries]


def _text(message: object) -> str | None:
    """A message, which is a text, a list of bytes, or a list of these where an entry has several."""
    if isinstance(message, str):
        return encodable(message)
    if not isinstance(message, list) or not message:
        return None
    if all(isinstance(each, int) and 0 <= each < 256 for each in message):
        return encodable(bytes(message).decode("utf-8", "replace"))
    return _text(message[0]) if not isinstance(message[0], list) or len(message[0]) else None
