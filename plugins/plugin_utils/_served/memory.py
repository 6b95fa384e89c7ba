# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models are loaded: those that are to stay in memory, and those that a restart has taken out of it.

A model that stays for ever expires in a year far ahead (server/sched.go@0.32.15).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of
from ansible_collections.inference.ollama.plugins.plugin_utils._served.servers import kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._served.servers import Server

FOR_EVER = "-1"
_FAR_AHEAD = 2200
# RFC 3339 with up to nine digits of a second.
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|([+-])(\d\d):(\d\d))", re.ASCII)
# Days from the year 0 to 1970.
_EPOCH = 719468


def loads_now(servers: Iterable[Server], service: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the models that are to stay in memory and are not there for ever, by what service_info returned.

    Of a server that did not answer nothing is known: where it is started, the run loads them then.
    """
    found: list[dict[str, Any]] = []
    there = _memory(service)
    for server in servers:
        here = there.get(server.unit)
        if here is not None:
            found += [
                _load(server.unit, server.url, model.name, FOR_EVER)
                for model in kept(server)
                if _stays(here.get(key_of(model.name)), None) != FOR_EVER
            ]
    return found


def model_loads(
    served: Mapping[str, Any] | None,
    restarted: Sequence[str],
    units: Sequence[Mapping[str, str]],
    before: Mapping[str, Any] | None = None,
    now: str | None = None,
) -> list[dict[str, Any]]:
    """Return what is loaded at the end of a run, ``{unit, url, name, keep_alive, context_length}`` each.

    ``served`` is that of desired_state, None where no variable names models; ``restarted`` are the units that were
    restarted or started; ``before`` is what service_info read of ``units`` before, None where that does not count;
    ``now`` is the time (RFC 3339).
    """
    wanted = {str(each["unit"]): each for each in (served or {}).get("memory") or ()}
    moment, there = _moment(now or ""), _memory(before)
    loads = [load for load in (served or {}).get("loads") or () if load["unit"] not in restarted]
    for each in units:
        unit, url = each["unit"], each["url"]
        if unit not in restarted:
            continue
        own = wanted.get(unit) or {"keep": (), "warm_up": (), "keep_alive": None}
        made = [_load(unit, url, name, FOR_EVER) for name in own["keep"]]
        made += [_load(unit, url, name, own["keep_alive"]) for name in own["warm_up"]]
        named = {key_of(str(load["name"])) for load in made}
        for key, model in there.get(unit, {}).items():
            left = _stays(model, moment)
            if key not in named and left is not None:
                made.append(_load(unit, url, str(model["name"]), left, model.get("context_length")))
        loads += made
    return loads


def _load(unit: str, url: str, name: str, keep_alive: str | None, context: object = None) -> dict[str, Any]:
    return {"unit": unit, "url": url, "name": name, "keep_alive": keep_alive, "context_length": context}


def _memory(service: Mapping[str, Any] | None) -> dict[str, dict[str, Mapping[str, Any]]]:
    """What is in memory by unit and key_of() of the name; a server that did not answer is left out."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in ((service or {}).get("service") or {}).get("instances") or ():
        models = (each.get("api") or {}).get("models")
        if models is not None:
            found[each["unit"]] = {key_of(str(model["name"])): model for model in models if model.get("name")}
    return found


def _stays(model: Mapping[str, Any] | None, now: int | None) -> str | None:
    """For how long a model in memory stays, as a request says it; None where its time is over or not known."""
    match = _STAMP.fullmatch(str((model or {}).get("expires_at")))
    if match is None:
        return None
    if int(match[1]) >= _FAR_AHEAD:
        return FOR_EVER
    end = _moment(match[0])
    if end is None or now is None:
        return None
    left = end - now
    return f"{left}s" if left > 0 else None


def _moment(text: str) -> int | None:
    """Seconds since 1970 of a time, for differences of hours and days."""
    match = _STAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    # Days of the calendar, in which a year begins with March, so that a leap day is its last.
    years, months = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = years * 365 + years // 4 - years // 100 + years // 400 + (months * 153 + 2) // 5 + day - 1 - _EPOCH
    sign, hours, minutes = match[8] or "+", int(match[9] or 0), int(match[10] or 0)
    offset = (hours * 60 + minutes) * (-60 if sign == "-" else 60)
    return days * 86400 + hour * 3600 + minute * 60 + second - offset
