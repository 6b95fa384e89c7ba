# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One check of the timer: which servers fell to the CPU, and a repair where that is allowed.

It ends well whether or not something is wrong: what it found is one line in the journal, and a record for everybody.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, Sequence
from urllib.parse import urlsplit

from ansible_collections.inference.ollama.plugins.module_utils._readiness import record
from ansible_collections.inference.ollama.plugins.module_utils._readiness.judge import HOUR, Decision, Repairs, decide
from ansible_collections.inference.ollama.plugins.module_utils._readiness.repair import (
    Server,
    System,
    blocked,
    look,
    real,
    repair,
    server_of,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

FILE = f"{record.FOLDER}/gpu-watch.json"
# Repairs that are remembered, the last ones.
_MOST = 100
_ESTABLISHED = "01"
_SOCKET = re.compile(r"^ *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) ")


def is_busy(root: Proc, url: str) -> bool:
    """Whether somebody is connected to the server: no API says how many requests run. proc(5), /proc/net/tcp."""
    try:
        port = urlsplit(url).port
    except ValueError:
        port = None
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (root.text(path) or "").splitlines():
            match = _SOCKET.match(line)
            if match and match[2] == _ESTABLISHED and int(match[1], 16) == port:
                return True
    return False


def check(system: System, servers: Sequence[Server], limit: int, path: str = FILE) -> dict[str, Any]:
    """Look at every server, repair what is due, and write the record; the record."""
    now = system.today()
    history = _history(record.read(path, system.root()), now)
    rows, due = [], []
    for server in servers:
        # Before the API is asked, which is a connection too.
        busy = is_busy(system.root(), server.url)
        finding, _seen = look(system, server)
        why_not = blocked(system, server) if finding.fallen else None
        decision = decide(finding, Repairs(history, limit), now, why_not, busy=busy)
        row = {"unit": server.unit, "state": finding.state, "reason": finding.reason, "repaired": False, "done": []}
        rows.append(_said(row, decision) if finding.fallen else row)
        due += [(row, server, finding)] if decision.act else []
    if due:
        # Before they begin, so that a repair that is killed counts as well.
        history += [{"unit": server.unit, "at": int(now), "helped": False} for _row, server, _finding in due]
        _write(path, now, rows, history)
        for (row, server, _finding), (after, done) in zip(due, repair(system, [each[1:] for each in due])):
            helped = not after.fallen
            row.update(state=after.state, was=row["state"], repaired=True, done=done, helped=helped, after=after.reason)
            mine = [each for each in history if each["unit"] == server.unit]
            mine[-1]["helped"] = helped
    return _write(path, now, rows, history)


def _said(row: dict[str, Any], decision: Decision) -> dict[str, Any]:
    row["decision"] = decision.why
    return row


def _history(found: dict[str, Any], now: float) -> list[dict[str, Any]]:
    """The repairs of the last hour that a record has."""
    rows = found.get("repairs") if isinstance(found.get("repairs"), list) else []
    kept = [
        {"unit": str(each.get("unit"))[:200], "at": each["at"], "helped": each.get("helped") is True}
        for each in rows or []
        if isinstance(each, dict) and isinstance(each.get("at"), int) and 0 <= now - each["at"] < HOUR
    ]
    return kept[-_MOST:]


def _write(path: str, now: float, rows: list[dict[str, Any]], history: list[dict[str, Any]]) -> dict[str, Any]:
    made = {"checked_at": int(now), "servers": rows, "repairs": history[-_MOST:]}
    record.write(path, made)
    return made


def line(row: dict[str, Any]) -> str:
    """What one server's row says, for the journal."""
    said = f"{row['unit']}: {row.get('was', row['state'])}: {row['reason']}"
    if row["repaired"]:
        outcome = "it runs on its cards again" if row["helped"] else f"which did not help: {row['after']}"
        return f"{said}; repaired, {'; '.join([*row['done'], outcome])}"
    return f"{said}; not repaired: {row['decision']}" if "decision" in row else said


def main(arguments: Sequence[str], system: System | None = None, path: str = FILE) -> int:
    """``--repairs N --server UNIT URL CARDS …``: 0, or 1 where the record cannot be written (OllamaError)."""
    parser = argparse.ArgumentParser(prog="readiness watch")
    parser.add_argument("--repairs", type=int, required=True)
    parser.add_argument("--server", nargs=3, action="append", required=True)
    asked = parser.parse_args(arguments)
    made = check(system or real(), [server_of(words) for words in asked.server], asked.repairs, path)
    sys.stdout.write("".join(f"{line(row)}\n" for row in made["servers"]))
    return 0
