# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an alert may change a host: what has changed it before, and the limits that hold a change back.

The times are data: the clock is the host's own (clock_info), as are the dates of its changes (snapshot) and of what
alerts have led to (the record). A host whose clock went back counts as changed just now.
"""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.hours import parse_hours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SCHEMA = 1
# In seconds. The record keeps so many entries, for as long.
_DAY = 86400
_KEPT, _KEPT_FOR = 100, 7 * _DAY
_STAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")


class Moment(NamedTuple):
    """A time in UTC, as seconds and as it was written."""

    seconds: int
    text: str


class Times(NamedTuple):
    """The host's clock, when it was changed by whomever, and when by which alert; ``unfinished`` names a change that
    is under way.
    """

    clock: Mapping[str, Any]
    now: Moment
    changed: tuple[Moment, ...]
    past: tuple[tuple[Moment, str], ...]
    unfinished: str | None

    def record(self, names: Sequence[str]) -> str:
        """The text of the record once these alerts have changed the host now."""
        kept = [(at, alert) for at, alert in self.past if self.now.seconds - at.seconds < _KEPT_FOR][-_KEPT:]
        entries = [*kept, (self.now, ", ".join(names))]
        retunes = [{"at": at.text, "alert": one_line(alert, 200)} for at, alert in entries]
        return json.dumps({"schema": _SCHEMA, "retunes": retunes}, indent=2) + "\n"


def times_of(seen: Mapping[str, Any]) -> Times:
    """Return the times in what was read of a host; OllamaError where its clock says none."""
    kept = seen.get("kept") or {}
    now = _time(str(seen["clock"]["utc"]))
    changed = tuple(time for state in kept.get("states") or () if (time := _maybe(state.get("saved_at"))) is not None)
    return Times(seen["clock"], now, changed, tuple(_past(seen.get("record"))), kept.get("unfinished"))


def held_back(desired: Mapping[str, Any], times: Times, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the limits that keep the host from being changed now."""
    install = desired.get("install") or {}
    if install and install.get("before") != install.get("version"):
        yield (
            f"the plan is for release {install.get('version')}, and {install.get('before') or 'none'} is in use; the"
            " playbook inference.ollama.upgrade brings another release"
        )
    if times.unfinished:
        yield "a change of it is under way, or was cut off; the next run of inference.ollama.site finishes it"
    yield from _outside(times.clock, str(options.get("retune_hours") or ""))
    cooldown, most = int(options["retune_cooldown"]), int(options["retune_per_day"])
    last = max((*times.changed, *(at for at, _alert in times.past)), default=None)
    if last is not None and times.now.seconds - last.seconds < cooldown:
        ago = max(0, times.now.seconds - last.seconds)
        yield f"its last change was {ago} s ago, at {last.text}, and ollama_retune_cooldown is {cooldown} s"
    today = sum(times.now.seconds - at.seconds < _DAY for at, _alert in times.past)
    if today >= most:
        yield f"alerts have changed it {today} times in 24 hours, and ollama_retune_per_day is {most}"


def _outside(clock: Mapping[str, Any], hours: str) -> Iterator[str]:
    if not hours:
        return
    if clock["time"] is None:
        yield "; ".join(map(str, clock["problems"])) or "the time of day is not known"
    elif not parse_hours(hours).allow(str(clock["day"]), str(clock["time"])):
        yield f"it is {clock['day']} {clock['time']} in {clock['zone']}, and ollama_retune_hours is {hours}"


def _past(text: object) -> Iterator[tuple[Moment, str]]:
    """Yield when which alert has led to a change; what is damaged counts for nothing but itself."""
    try:
        entries = json.loads(str(text or "{}"))["retunes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for each in entries if isinstance(entries, list) else ():
        at = _maybe(each.get("at")) if isinstance(each, Mapping) else None
        if at is not None:
            yield at, str(each.get("alert"))


def _time(text: str) -> Moment:
    match = _STAMP.fullmatch(text)
    if match is None:
        raise OllamaError(f"{one_line(repr(text), 60)} is no time such as 2026-11-27T20:35:00Z")
    return Moment(timegm(tuple(map(int, match.groups()))), text)


def _maybe(value: object) -> Moment | None:
    try:
        return _time(str(value))
    except (OllamaError, ValueError):
        return None
