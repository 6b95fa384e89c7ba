# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the log of a unit since its last start.

journalctl(1) and systemd.journal-fields(7): the entries of one invocation, as JSON, a line each; a text that is not
UTF-8 comes as a list of bytes.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import last_of, options_of
from ansible_collections.inference.ollama.plugins.module_utils._service.log import ENDED, RARE, WARNED, read_log
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc, encodable, natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
    from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit

# A line of a log is cut here; the longest that is read, of all settings, is about 3,000 characters.
_LONGEST = 1 << 14
# How long before and after the start of a process its lines are looked for, in seconds: a model may take minutes.
_BEFORE, _AFTER = 30, 600
# Warnings without a code, of which 50 different ones are reported.
_MOST_WARNED = 200


def read_journal(  # noqa: PLR0913, PLR0917
    root: Proc,
    run: Runner,
    unit: Unit,
    lines: int,
    redactor: Redactor,
    processes: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any] | None:
    """The content of the log (see read_log); None where it cannot be read, or has no entry of this unit.

    What is missing of the start of each of ``processes``, those of the unit as they were read a moment ago, is looked
    for around its own start, and named as a problem where it is not there either.
    """
    name = unit.name
    if unit.invocation_id is None:
        root.problem(f"{name}: systemd has no invocation id, so the log of its last start cannot be identified")
        return None
    match = ["journalctl", f"_SYSTEMD_UNIT={name}", f"_SYSTEMD_INVOCATION_ID={unit.invocation_id}"]
    # journald's own word on what it dropped of this service.
    match += ["+", f"OBJECT_SYSTEMD_UNIT={name}", f"OBJECT_SYSTEMD_INVOCATION_ID={unit.invocation_id}"]
    entries = _ask(root, run, match, lines)
    # A start without a log yet still has the last line of the start before it.
    words = _last_words(run, unit)
    if entries is None:
        return read_log(words, redactor) if words else None
    found = read_log([*words, *_texts(entries)], redactor)
    for process in _missing(found, processes):
        more = _around(run, match, lines, process["started_seconds"])
        if more is None:
            break
        entries = _joined(entries, more)
        found = read_log([*words, *_texts(entries)], redactor)
    for process in _missing(found, processes):
        root.problem(_out_of_reach(name, found, process))
    return found


def start_of(starts: Iterable[Mapping[str, Any]], process: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The start of this runner among those that were logged: its model and its port, which no two runners share."""
    wanted = _identity(process.get("command_line"))
    return next((start for start in reversed([*starts]) if _identity(start.get("command_line")) == wanted), None)


def _identity(argv: object) -> tuple[str | None, str | None]:
    options = options_of(argv) if isinstance(argv, (list, tuple)) else {}
    return last_of(options, "--model", "-m"), last_of(options, "--port")


def _missing(found: Mapping[str, Any], processes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The processes whose start the log does not show as a whole, the server first."""
    return [
        each
        for each in processes
        if isinstance(each.get("started_seconds"), float)
        and (found["server_config"] is None if each["kind"] == "server" else not _whole(found, each))
    ]


def _whole(found: Mapping[str, Any], runner: Mapping[str, Any]) -> bool:
    start = start_of(found["starts"], runner)
    return start is not None and start["complete"]


def _around(run: Runner, match: list[str], lines: int, age: float) -> list[tuple[int, str]] | None:
    """What was logged around the start of a process, by its age; None where journalctl fails or is not waited for."""
    began = time.time() - age
    window = [f"--since=@{began - _BEFORE:.0f}", f"--until=@{began + _AFTER:.0f}"]
    said = run([*match, *_options(lines), *window, f"--grep={RARE}"])
    return None if said.out is None else _messages(Proc("/"), "", said) or []


def _out_of_reach(name: str, found: Mapping[str, Any], process: Mapping[str, Any]) -> str:
    if process["kind"] == "server":
        return (
            f"the log of {name}: read no line 'server config' of the server {process['pid']}, expected one at its start"
            f" {process['started_seconds']:.0f} s ago; journald has dropped it since, or never took it"
        )
    start = start_of(found["starts"], process)
    if start is None:
        return (
            f"the log of {name}: read no start of the runner {process['pid']}, expected one"
            f" {process['started_seconds']:.0f} s ago; journald has dropped it since, or never took it"
        )
    return (
        f"the log of {name}: the start of the runner {process['pid']} is there in part: journald dropped lines, or"
        " another runner was started at the same time"
    )


def _last_words(run: Runner, unit: Unit) -> list[str]:
    """The last line of a server that ended before systemd restarted it.

    systemd resets NRestarts with each start on request, so an end that is counted is recent.
    """
    if not unit.restarts:
        return []
    options = ["--no-pager", "--quiet", "--output=json", "--output-fields=MESSAGE", "--lines=1", f"--grep={ENDED}"]
    said = run(["journalctl", f"_SYSTEMD_UNIT={unit.name}", *options])
    # Without --grep it cannot be asked for, and the log of the last start has been read.
    return _texts(_messages(Proc("/"), "", said) or []) if said.out else []


def _options(lines: int) -> list[str]:
    return ["--no-pager", "--quiet", "--all", "--output=json", "--output-fields=MESSAGE", f"--lines={lines}"]


def _ask(root: Proc, run: Runner, match: list[str], lines: int) -> list[tuple[int, str]] | None:
    """The entries in the order in which they were logged, or None.

    A busy server logs lines for each request, so that those that matter are long gone from the last lines. journalctl
    picks them, unless it was built without that; how it ends where none fits differs between releases.
    """
    words = " ".join(match[:3])
    picked = run([*match, *_options(lines), f"--grep={RARE}"])
    if picked.out is not None and picked.out.strip():
        # Requests may make a server warn, so that these lines are counted apart.
        warned = run([*match, *_options(min(lines, _MOST_WARNED)), f"--grep={WARNED}"])
        entries = _messages(root, words, picked)
        more = _messages(Proc("/"), words, warned) if warned.out else None
        return entries if entries is None else _joined(entries, more or [])
    plain = run([*match, *_options(lines)])
    if plain.out is None:
        root.problem(plain.problem or "")
        return None
    if not plain.out.strip():
        root.problem(
            f"{words}: read no entry, expected those since the start of the unit; without root this takes the"
            " group systemd-journal"
        )
        return None
    if picked.problem is not None and "did not answer" in picked.problem:
        root.problem(f"{picked.problem}; of the log only the last {lines} lines were read, and those of each start")
    return _messages(root, words, plain)


def _joined(entries: list[tuple[int, str]], more: list[tuple[int, str]]) -> list[tuple[int, str]]:
    known = set(entries)
    return [*entries, *(entry for entry in more if entry not in known)]


def _texts(entries: list[tuple[int, str]]) -> list[str]:
    """The messages by their time; those of one moment stay in the order in which journalctl gave them."""
    return [text for _stamp, text in sorted(entries, key=lambda entry: entry[0])]


def _messages(root: Proc, words: str, said: Outcome) -> list[tuple[int, str]] | None:
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
        root.problem(f"{words}: {wrong} of its lines hold no message as JSON")
    if not entries:
        return None
    # With --grep and --lines some releases print the last entry first.
    if entries[0][0] > entries[-1][0]:
        entries.reverse()
    return entries


def _text(message: object) -> str | None:
    """A message, which is a text, a list of bytes, or a list of these where an entry has several."""
    if isinstance(message, str):
        return encodable(message)
    if not isinstance(message, list) or not message:
        return None
    if all(isinstance(each, int) and 0 <= each < 256 for each in message):
        return encodable(bytes(message).decode("utf-8", "replace"))
    return _text(message[0]) if not isinstance(message[0], list) or len(message[0]) else None
