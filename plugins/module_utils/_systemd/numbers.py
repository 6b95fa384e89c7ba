# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, sizes, times, percentages and CPU sets as systemd reads them; None for what it does not take.

Source: systemd.syntax(7), systemd.time(7), and what systemd-analyze of 252 refuses (src/basic/parse-util.c,
time-util.c).
"""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet

BLANKS = " \t\n\r"
INFINITE = (1 << 64) - 1
_NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]*)|([1-9][0-9]*))")
# The longest number that is worth reading; no value of systemd has more digits.
_MOST_DIGITS = 40
_SECOND = 1_000_000
_UNITS = (
    ("seconds", _SECOND), ("second", _SECOND), ("sec", _SECOND), ("s", _SECOND),
    ("minutes", 60 * _SECOND), ("minute", 60 * _SECOND), ("min", 60 * _SECOND),
    ("months", 2629800 * _SECOND), ("month", 2629800 * _SECOND), ("M", 2629800 * _SECOND),
    ("msec", 1000), ("ms", 1000), ("m", 60 * _SECOND),
    ("hours", 3600 * _SECOND), ("hour", 3600 * _SECOND), ("hr", 3600 * _SECOND), ("h", 3600 * _SECOND),
    ("days", 86400 * _SECOND), ("day", 86400 * _SECOND), ("d", 86400 * _SECOND),
    ("weeks", 604800 * _SECOND), ("week", 604800 * _SECOND), ("w", 604800 * _SECOND),
    ("years", 31557600 * _SECOND), ("year", 31557600 * _SECOND), ("y", 31557600 * _SECOND),
    ("usec", 1), ("us", 1), ("μs", 1), ("µs", 1),
)  # fmt: skip
_NANO = (("nsec", 1), ("ns", 1))
_TIME_NUMBER = re.compile(r"[ \t\n\r]*\+?([0-9]*)(\.[0-9]+)?([ \t\n\r]*)")
_SIZE_NUMBER = re.compile(r"[ \t\n\r]*\+?([0-9]+)(?:\.([0-9]*))?[ \t\n\r]*")
_SIZES = ("E", "P", "T", "G", "M", "K", "B", "")
_SHARE = re.compile(r"([^%‰‱.]*)(?:\.([0-9]{1,2}))?([%‰‱])")
_MOST_CPUS = 8192


def integer(text: str) -> int | None:
    """A number of C: decimal, or with 0x, 0o, 0b or a zero before it."""
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > _MOST_DIGITS:
        return None
    sign, *digits = match.groups()
    bases = (16, 2, 8, 8, 10)
    value = next(int(each or "0", base) for each, base in zip(digits, bases) if each is not None)
    return -value if sign == "-" else value


def between(text: str, least: int, most: int) -> bool:
    number = integer(text)
    return number is not None and least <= number <= most


def time_span(text: str, *, nanoseconds: bool = False) -> int | None:
    """Microseconds, or nanoseconds of a plain number of them."""
    text = text.strip(BLANKS)
    if text == "infinity":
        return INFINITE
    factor = 1000 if nanoseconds else 1
    units = [(name, each * factor) for name, each in _UNITS] + list(_NANO if nanoseconds else ())
    total, position = 0, 0
    while position < len(text) or not position:
        match = _TIME_NUMBER.match(text, position)
        if match is None or not (match[1] or match[2]) or len(match[1]) > _MOST_DIGITS:
            return None
        number = int(match[1] or "0")
        unit = next((each for each in units if text.startswith(each[0], match.end())), None)
        if unit is None and not match[3] and match.end() < len(text):
            return None
        plain = 1 if nanoseconds else _SECOND
        total += number * (unit[1] if unit else plain)
        if total >= INFINITE or number >= 1 << 63:
            return None
        position = match.end() + len(unit[0] if unit else "")
    return total


def size(text: str) -> int | None:
    """Bytes; suffixes are to the base 1024, and each is smaller than the one before it."""
    total, position, start = 0, 0, 0
    while position < len(text) or not position:
        match = _SIZE_NUMBER.match(text, position)
        if match is None or len(match[1]) > _MOST_DIGITS:
            return None
        place = next((at for at in range(start, len(_SIZES)) if text.startswith(_SIZES[at], match.end())), None)
        if place is None:
            return None
        factor = 1 << 10 * max(0, 6 - place)
        total += int(match[1]) * factor + (int(match[2][:15]) * factor // 10 ** len(match[2][:15]) if match[2] else 0)
        if total >= INFINITE:
            return None
        position, start = match.end() + len(_SIZES[place]), place + 1
    return total


def share(text: str, most: int | None = None) -> int | None:
    """Hundredths of a percent of ``50%``, ``12.5%`` or ``5‰``."""
    match = _SHARE.fullmatch(text)
    if match is None:
        return None
    whole = integer(match[1])
    places = {"%": 2, "‰": 1, "‱": 0}[match[3]]
    fraction = match[2] or ""
    if whole is None or whole < 0 or len(fraction) > places:
        return None
    value = whole * 10**places + int(fraction.ljust(places, "0") or "0")
    return value if value <= (most if most is not None else (1 << 31) - 1) else None


def cpu_list(text: str) -> tuple[CpuSet, bool] | None:
    """The CPUs or nodes of a list, and whether every word counts; None where systemd reads none of it.

    systemd passes a range over whose end comes first.
    """
    found, whole = CpuSet(), True
    parts = words(text, BLANKS + ",")
    if parts is None:
        return None
    for part in parts:
        first, dash, last = part.partition("-")
        low = integer(first)
        high = integer(last) if dash else low
        if low is None or high is None or min(low, high) < 0 or "-" in last or max(low, high) >= _MOST_CPUS:
            return None
        found |= CpuSet(range(low, high + 1))
        whole = whole and low <= high
    return found, whole


def words(text: str, separators: str = BLANKS) -> list[str] | None:
    """The words of a list; quotes hold blanks, a backslash takes what is behind it. None where a quote is open."""
    found: list[str] = []
    word, quote, inside, position = "", "", False, 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == "\\":
            if position == len(text):
                return None
            word, inside, position = word + text[position], True, position + 1
        elif quote or character in "\"'":
            word += "" if character in (quote, quote or character) else character
            quote, inside = ("" if character == quote else quote or character), True
        elif character in separators:
            found, word, inside = [*found, word] if inside else found, "", False
        else:
            word, inside = word + character, True
    if quote:
        return None
    return [*found, word] if inside else found
