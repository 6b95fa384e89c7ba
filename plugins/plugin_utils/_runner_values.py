# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What llama-server makes of a value that is not right: it stops, or it takes something of it.

common/arg.cpp of llama.cpp: std::stoi, stoull and stof read a number at the beginning of a text and leave the rest, so
that 1e3 is 1 and 0x10 is 0; bounds are looked at for few numbers. Tried with each value on build 11669.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Setting

# isspace() of C.
_WHOLE = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,40})")
_FRACTION = re.compile(r"[ \t\n\v\f\r]*[+-]?(?:[0-9]|\.[0-9]|(?i:inf|nan))")
_INT = (-(2**31), 2**31 - 1)
_UNSIGNED_LONG = 2**64 - 1
# Any text is taken.
_ANY = frozenset({"line", "llama_switch", "none", "path", "secret", "text"})


def taken_as(setting: Setting, value: str) -> int | None:
    """The whole number that llama-server reads in the value; None for settings of another kind."""
    found = _WHOLE.match(value) if setting.type in ("integer", "unsigned") else None
    return int(found[1]) if found and _INT[0] <= int(found[1]) <= _INT[1] else None


def least_of(setting: Setting) -> int:
    """The least whole number that is right."""
    if setting.minimum is not None:
        return setting.minimum
    return 0 if setting.type == "unsigned" else _INT[0]


def stops(setting: Setting, value: str) -> bool:
    """Whether llama-server stops on this value of a setting that it reads."""
    kind = setting.type
    if kind in ("integer", "unsigned"):
        number = taken_as(setting, value)
        if value in setting.values or number is None:
            return value not in setting.values
        return setting.strict and number < least_of(setting)
    if kind == "integers":
        found = [_WHOLE.match(part) for part in value.split(",")]
        return not all(each and abs(int(each[1])) <= _UNSIGNED_LONG for each in found)
    if kind in ("number", "numbers"):
        parts = value.split(",") if kind == "numbers" else [value]
        return not all(_FRACTION.match(part) for part in parts)
    return kind not in _ANY
