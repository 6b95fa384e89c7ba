# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a running HAProxy: which take requests, with how many streams, and how one is drained.

Source: HAProxy's management guide 2.4, section 9.1 for the columns of "show stat", section 9.3 for "show servers state"
and "set server".
"""

from __future__ import annotations

import csv
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from typing import Callable, Iterable, Sequence

    Ask = Callable[[str], str]

READY, DRAINED, DOWN, MAINTENANCE = "ready", "drained", "down", "maintenance"
# What "set server" is asked for, to reach a state.
_WORDS = {READY: "ready", DRAINED: "drain"}
# The nearer to taking requests, the earlier.
_ORDER = (READY, DOWN, DRAINED, MAINTENANCE)
# Bits of srv_admin_state: maintenance that was forced, inherited, configured or of the resolver; drain that was forced
# or inherited.
_IN_MAINTENANCE, _IN_DRAIN = 0x01 | 0x02 | 0x04 | 0x20, 0x08 | 0x10
# srv_op_state: 1 is a slow start, in which requests arrive already.
_TAKES_REQUESTS = ("1", "2")
_SERVER = "2"
_ALL = "*"
# How often a server is looked at while it is waited for, in seconds.
_LOOK_EVERY = 0.5
# As HAProxy allows for names (cfgparse.c, invalid_char), and as this module's patterns end.
NAME = re.compile(r"[A-Za-z0-9_.:-]+(?::\*)?")
_SHOWN = 12


class Row(NamedTuple):
    """A server in one backend; ``own`` is false where it follows one of another backend."""

    backend: str
    name: str
    state: str
    sessions: int
    queued: int
    own: bool


class Servers(NamedTuple):
    """What was found of the servers that were asked for.

    ``servers`` are ``{name, state, sessions, queued}``, summed over all backends; ``settled`` is whether all have the
    state that was wanted.
    """

    servers: list[dict[str, Any]]
    problems: list[str]
    settled: bool


def rows(ask: Ask) -> list[Row]:
    """Return every server of every backend; OllamaError where the answer is none of HAProxy 2.4 or later."""
    states = _states(ask("show servers state"))
    found = []
    try:
        for line in csv.DictReader(ask("show stat").strip().removeprefix("# ").splitlines()):
            if line["type"] != _SERVER:
                continue
            place = (line["pxname"], line["svname"])
            counts = int(line["scur"] or 0), int(line["qcur"] or 0)
            if place in states:
                found.append(Row(*place, states[place], *counts, not line["tracked"]))
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error):
        raise OllamaError("socket: the answer to show stat is not of HAProxy 2.4 or later") from None
    return found


def _states(text: str) -> dict[tuple[str, str], str]:
    lines = text.strip().splitlines()
    if len(lines) < 2 or lines[0].strip() != "1" or not lines[1].startswith("# "):
        raise OllamaError(
            f"socket: the answer to show servers state is not of HAProxy 2.4 or later: {one_line(text[:80], 60)!r}"
        )
    columns, found = lines[1][2:].split(), {}
    try:
        for line in lines[2:]:
            of = dict(zip(columns, line.split()))
            found[of["be_name"], of["srv_name"]] = _state(int(of["srv_admin_state"]), of["srv_op_state"])
    except (KeyError, ValueError):
        raise OllamaError("socket: a line of show servers state is damaged or of another form") from None
    return found


def _state(admin: int, op: str) -> str:
    if admin & _IN_MAINTENANCE:
        return MAINTENANCE
    if admin & _IN_DRAIN:
        return DRAINED
    return READY if op in _TAKES_REQUESTS else DOWN


def look(ask: Ask, asked: Sequence[str], state: str | None = None) -> Servers:
    """Return what is found of the servers of these names; of all where there is none."""
    known = rows(ask)
    names, problems = _named(known, asked)
    mine = [row for row in known if row.name in names]
    own = [row for row in mine if row.own]
    servers = [_server(name, [row for row in mine if row.name == name]) for name in names]
    kept = [each["name"] for each in servers if state and each["state"] == MAINTENANCE]
    problems += [f"{name} is in maintenance, which is somebody's own, and stays so" for name in kept]
    waiting = [row for row in own if row.name not in kept]
    if state == DRAINED:
        settled = not any(row.sessions or row.queued for row in mine)
    else:
        settled = all(row.state == READY for row in waiting)
    return Servers(servers, problems, settled)


def change(ask: Ask, asked: Sequence[str], state: str, *, pretend: bool = False) -> list[Row]:
    """Set the servers of these names to a state, where they are not so; return them as they were, in every backend."""
    known = rows(ask)
    names, _problems = _named(known, asked)
    # One that is in maintenance was set so by somebody who may not want it to come back.
    to_set = [row for row in known if row.name in names and row.own and _differs(row.state, state)]
    for row in () if pretend else to_set:
        said = ask(f"set server {row.backend}/{row.name} state {_WORDS[state]}").strip()
        if said:
            raise OllamaError(f"servers: {row.backend}/{row.name} could not be set to {state}: {one_line(said, 200)}")
    set_now = {row.name for row in to_set}
    return [row for row in known if row.name in set_now]


def stranded(ask: Ask, drained: Sequence[Row]) -> list[str]:
    """Return the backends of which the last server was drained that took requests, and that have others too.

    It is read after the drain, so that of two runs that drain the last two at a time one notices at least.
    """
    took = {row.backend for row in drained if row.state == READY}
    names = {row.name for row in drained}
    others: dict[str, list[str]] = {}
    for row in rows(ask) if took else ():
        if row.backend in took and row.name not in names:
            others.setdefault(row.backend, []).append(row.state)
    return [backend for backend, states in others.items() if READY not in states]


def wait(ask: Ask, asked: Sequence[str], state: str, seconds: float) -> Servers:
    """Return what is found once it is settled, or after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        found = look(ask, asked, state)
        left = until - time.monotonic()
        if found.settled or left <= 0:
            return found
        time.sleep(min(_LOOK_EVERY, left))


def _differs(now: str, wanted: str) -> bool:
    # One that does not answer takes requests as soon as it does, so it is drained too; what is not drained is ready.
    return now in ((READY, DOWN) if wanted == DRAINED else (DRAINED,))


def _named(known: Iterable[Row], asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names that are meant, and which patterns mean none; OllamaError for a name that is not there."""
    there = list(dict.fromkeys(row.name for row in known))
    if not asked:
        return there, []
    meant: dict[str, None] = {}
    problems, missing = [], []
    for each in asked:
        host, _colon, last = each.rpartition(":")
        if last == _ALL:
            found = [name for name in there if name.rpartition(":")[0] == host]
            problems += [] if found else [f"no server of {host} is known to the gateway"]
        else:
            found = [name for name in there if name == each]
            missing += [] if found else [each]
        meant.update(dict.fromkeys(found))
    if missing:
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        raise OllamaError(
            f"servers: the gateway has no {', '.join(missing)}; it has {', '.join(there[:_SHOWN]) or 'none'}{more}"
        )
    return list(meant), problems


def _server(name: str, mine: list[Row]) -> dict[str, Any]:
    return {
        "name": name,
        "state": min((row.state for row in mine if row.own), key=_ORDER.index, default=DOWN),
        "sessions": sum(row.sessions for row in mine),
        "queued": sum(row.queued for row in mine),
    }
