# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hours in which a host may be changed: what an operator writes, and whether a time is in it.

``mon-fri 08:00-18:00, sat 22:00-04:00`` are spans of days and times, in any of which a change is allowed; with ``not``
in front, in none of which it is. A span without days is of every day, one without times of the whole day, and one that
ends before it begins ends on the next day.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(DAYS)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SPAN = re.compile(rf"(?:({_DAY})(?:-({_DAY}))?(?: |$))?(?:({_TIME})-({_TIME}|24:00))?")
_NOT = "not "
_ALLOWED = (
    "ollama_retune_hours: {given} is not allowed; allowed are spans such as mon-fri 08:00-18:00, with commas between"
    " them, and not in front of all for the hours in which nothing is changed"
)


class Span(NamedTuple):
    """Days by their numbers, Monday is 0, and minutes of a day; ``end`` is below ``begin`` where it is a day later."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Whether a time is in the span."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or ((day - 1) % 7 in self.days and minute < self.end)


class Hours(NamedTuple):
    """Spans, and whether they are those in which a change is allowed."""

    spans: tuple[Span, ...]
    allowed: bool

    def allow(self, day: str, time: str) -> bool:
        """Whether a change is allowed at this time, as ``fri`` and ``21:35``."""
        number, minute = DAYS.index(day), _minute(time)
        return not self.spans or any(span.holds(number, minute) for span in self.spans) == self.allowed


def parse_hours(text: str) -> Hours:
    """Read what an operator wrote; OllamaError with what is right."""
    words = " ".join(text.lower().split())
    if not words:
        return Hours((), allowed=True)
    spans = tuple(_span(each.strip(), text) for each in words.removeprefix(_NOT).split(","))
    return Hours(spans, allowed=not words.startswith(_NOT))


def _span(words: str, text: str) -> Span:
    match = _SPAN.fullmatch(words)
    if match is None or not words:
        raise OllamaError(_ALLOWED.format(given=one_line(repr(text), 80)))
    first, last, begin, end = match.groups()
    span = Span(_days(first, last), _minute(begin or "00:00"), _minute(end or "24:00"))
    if span.begin == span.end:
        raise OllamaError(f"ollama_retune_hours: {words} ends when it begins; for a whole day leave the times out")
    return span


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return frozenset((begin + each) % 7 for each in range((end - begin) % 7 + 1))


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return 60 * int(hours) + int(minutes)
