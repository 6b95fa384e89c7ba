# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When does a point end before its time: a server that falls behind, one that is too slow, one that only fails.

Over-saturation is GuideLLM's rule (src/guidellm/scheduler/constraints/saturation.py): from 30 s on, where more than
half of the times to first token of the last requests are above 2.5 s, and both the number of requests in flight and
the time to first token rise, each by a straight line through the last 120 s, at most three quarters of all, whose
slope is known better than to a factor of three with a confidence of 95 %. As many values count as there are seconds,
since those of one second hang together.
"""

from __future__ import annotations

import math
from collections import deque

SECONDS = 30.0
FIRST_TOKEN = 2.5
_WINDOW = 120.0
_SHARE = 0.75
_MARGIN = 2.0
_FEWEST = 5
_NORMAL = 1.959964
_TINY = 1e-12
# Of the requests that have ended, before it is judged that most of them fail.
_ENDED = 10
_MOST_ENDED = 100
# Of a point, before its rate is judged.
_PART = 0.25
_SETTLING = 5.0


class Trend:
    """A straight line through the last values over time."""

    def __init__(self) -> None:
        self._values: deque[tuple[float, float]] = deque()
        self._ever = 0
        self._sums = [0.0] * 5

    def __len__(self) -> int:
        return len(self._values)

    def add(self, time: float, value: float) -> None:
        """Take a value."""
        self._values.append((time, value))
        self._ever += 1
        self._count(time, value, 1)

    def forget(self, now: float) -> list[float]:
        """Leave out what is too old, or more than its share of all values; return what went."""
        gone = []
        while self._values and (len(self._values) > self._ever * _SHARE or now - self._values[0][0] > _WINDOW):
            time, value = self._values.popleft()
            self._count(time, value, -1)
            gone.append(value)
        return gone

    def rises(self, now: float) -> bool:
        """Whether the slope is above 0 and known well enough."""
        count = len(self._values)
        degrees = min(now, count) - 2
        if degrees < 1:
            return False
        time, value, square_time, product, square_value = self._sums
        xx = max(square_time - time * time / count, _TINY)
        xy = product - time * value / count
        yy = square_value - value * value / count
        slope = xy / xx
        error = math.sqrt(max(yy - xy * xy / xx, 0.0) / degrees / xx)
        return slope > 0 and _student(degrees) * error < _MARGIN * slope

    def _count(self, time: float, value: float, sign: int) -> None:
        for place, each in enumerate((time, value, time * time, time * value, value * value)):
            self._sums[place] += sign * each


def _student(degrees: float) -> float:
    """Return the quantile 0.975 of Student's t distribution, by Fisher's expansion."""
    first = (_NORMAL**3 + _NORMAL) / 4
    second = (5 * _NORMAL**5 + 16 * _NORMAL**3 + 3 * _NORMAL) / 96
    third = (3 * _NORMAL**7 + 19 * _NORMAL**5 + 17 * _NORMAL**3 - 15 * _NORMAL) / 384
    return _NORMAL + first / degrees + second / degrees**2 + third / degrees**3


class Saturation:
    """Sees each request start and each first token; times are seconds of the point."""

    def __init__(self) -> None:
        self._in_flight = Trend()
        self._first = Trend()
        self._late = 0

    def started(self, now: float, in_flight: int) -> None:
        """Take the start of a request, and how many are in flight with it."""
        self._in_flight.add(now, in_flight)

    def first_token(self, now: float, seconds: float) -> None:
        """Take a time to first token."""
        self._first.add(now, seconds)
        self._late += seconds > FIRST_TOKEN

    def reached(self, now: float) -> bool:
        """Whether the server falls behind."""
        self._in_flight.forget(now)
        self._late -= sum(seconds > FIRST_TOKEN for seconds in self._first.forget(now))
        if now < SECONDS or len(self._first) > self._late * 2 or len(self._in_flight) < _FEWEST:
            return False
        if not self._in_flight.rises(now):
            return False
        return len(self._first) < _FEWEST or self._first.rises(now)


def mostly_errors(ended: int, failed: int, concurrency: int) -> bool:
    """Whether more than half of the requests fail, once so many have ended that it is no chance."""
    return ended >= min(max(_ENDED, concurrency), _MOST_ENDED) and failed * 2 > ended


def too_slow(tokens: int, streams: int, seconds: float, duration: float, least: float | None) -> bool:
    """Whether the rate stays below the least that is of interest, even if each stream had a token more by now."""
    if not least or seconds < max(_SETTLING, duration * _PART):
        return False
    return (tokens + streams) / seconds < least
