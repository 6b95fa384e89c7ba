# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two texts mean the same value: what a unit says, and what a program says of it in its own words.

Go's forms: time.Duration.String() prints 24h0m0s, bools are true and false; envconfig/config.go of Ollama keeps a model
for ever where the duration is negative, which it prints as the longest there is. llama.cpp prints on, enabled, 1.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re

_TRUE = frozenset({"1", "t", "true", "on", "enabled"})
_FALSE = frozenset({"0", "f", "false", "off", "disabled"})
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_AMOUNT = re.compile(rf"([0-9]{{1,20}})(?:\.([0-9]{{1,12}}))?({'|'.join(_UNITS)})")
_DURATION = re.compile(rf"-?(?:{_AMOUNT.pattern}){{1,8}}")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
# The longest time.Duration, 2562047h47m16.854775807s.
_EVER = 2**63 - 1
_EXACT = frozenset({"enum", "path", "devices", "pattern", "text", "url", "number"})
_BOOLEAN = frozenset({"ollama_boolean", "llama_boolean", "presence"})
_WHOLE = frozenset({"unsigned", "bytes", "integer"})


def same(kind: str, planned: str, seen: str) -> bool | None:
    """Whether both mean the same for a setting of this type (settings.yml); None where that cannot be told."""
    if kind in _BOOLEAN:
        return _alike(_truth(planned), _truth(seen))
    if kind in _WHOLE:
        return _alike(_integer(planned), _integer(seen))
    if kind == "duration":
        wanted, found = _nanoseconds(planned), _nanoseconds(seen)
        # None at all means for ever to some settings, as OLLAMA_LOAD_TIMEOUT.
        return None if {wanted, found} == {0, _EVER} else _alike(wanted, found)
    if kind == "host":
        return _address(planned) == _address(seen)
    return planned == seen if kind in _EXACT else None


def _address(value: str) -> str:
    return value.rsplit("://", maxsplit=1)[-1]


def _alike(planned: int | None, seen: int | None) -> bool | None:
    return None if planned is None or seen is None else planned == seen


def _truth(value: str) -> int | None:
    return 1 if value.lower() in _TRUE else 0 if value.lower() in _FALSE else None


def _integer(value: str) -> int | None:
    return int(value) if _INTEGER.fullmatch(value) else None


def _nanoseconds(value: str) -> int | None:
    if _INTEGER.fullmatch(value):
        # A plain number is one of seconds.
        total = int(value) * 10**9
    elif _DURATION.fullmatch(value):
        total = sum(
            int(whole) * _UNITS[unit] + int(f"0{part}") * _UNITS[unit] // 10 ** len(part)
            for whole, part, unit in _AMOUNT.findall(value)
        )
        total = -total if value.startswith("-") else total
    else:
        return None
    return _EVER if total < 0 else min(total, _EVER)


__all__ = ("same",)
