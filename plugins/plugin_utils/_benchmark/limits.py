# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the variables of the playbook benchmark may have: those that the module benchmark takes.

The module has the same bounds in its own options, which a decider cannot import; a test compares the two.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # What makes a value of what was typed, ValueError or TypeError where it cannot; and what is allowed, in words.
    Kind = tuple[Callable[[Any], Any], str]

LONGEST = 86400
MOST_STREAMS = 4096
_MOST_RATE = 10000
_MOST_POINTS = 100
# What the module takes where nothing is asked for.
DEFAULTS: dict[str, Any] = {
    "prompt_tokens": 256,
    "output_tokens": 128,
    "output_tokens_stdev": 0,
    "prompt_cache": "defeat",
    "arrival": "poisson",
    "duration": 30.0,
    "requests": 10000,
}
_LIMITS = (
    "time_to_first_token_ms",
    "inter_token_latency_ms",
    "request_latency_ms",
    "output_token_throughput_per_user",
)
_URL = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._-]+)?\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(?:/[!-~]*)?"
)
_MODEL = re.compile(r"[!-~]{1,500}")


def _bounded(kind: Callable[[Any], Any], least: float, most: float) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:  # noqa: ANN401 - whatever an operator typed
        found = kind(value)
        if not least <= found <= most:
            raise ValueError
        return found

    return take


def _whole(value: object) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
        raise ValueError
    return int(value)  # type: ignore[call-overload, no-any-return]


def _number(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)  # type: ignore[arg-type]


def _rate(value: object) -> float:
    found = _number(value)
    if not 0 < found <= _MOST_RATE:
        raise ValueError
    return found


def _list(kind: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """``[1, 2]``, ``"1,2"`` and ``1`` as a list of at most a hundred."""

    def take(value: Any) -> list[Any]:  # noqa: ANN401 - whatever an operator typed
        several = value.strip("[] ").split(",") if isinstance(value, str) else value
        several = several if isinstance(several, (list, tuple)) else [several]
        if not 0 < len(several) <= _MOST_POINTS // 2:
            raise ValueError
        return [kind(each) for each in several]

    return take


def _one_of(choices: Sequence[str]) -> Kind:
    return lambda value: choices[choices.index(value)], " or ".join(choices)


def _limits(value: object) -> dict[str, Any]:
    """Limits by metric, also from JSON."""
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, dict) or not set(found) <= set(_LIMITS):
        raise ValueError
    numbers = {name: _number(limit) for name, limit in found.items()}
    if not all(math.isfinite(limit) and limit > 0 for limit in numbers.values()):
        raise ValueError
    return numbers


def _integer(least: int, most: int) -> Kind:
    return _bounded(_whole, least, most), f"a whole number from {least} to {most}"


def _seconds(least: float) -> Kind:
    return _bounded(_number, least, LONGEST), f"a number of seconds from {least:g} to {LONGEST}"


# Of each option of the module that has a variable.
KINDS: dict[str, Kind] = {
    "prompt_tokens": _integer(1, 1 << 20),
    "output_tokens": _integer(1, 1 << 17),
    "output_tokens_stdev": _integer(0, 1 << 16),
    "warmup_requests": _integer(0, 10000),
    "requests": _integer(1, 1000000),
    "seed": _integer(-(1 << 63), (1 << 63) - 1),
    "duration": _seconds(1),
    "max_duration": _seconds(1),
    "request_timeout": _seconds(0.1),
    "concurrency": (
        _list(_bounded(_whole, 1, MOST_STREAMS)),
        f"a list of at most {_MOST_POINTS // 2} whole numbers from 1 to {MOST_STREAMS}",
    ),
    "request_rate": (
        _list(_rate),
        f"a list of at most {_MOST_POINTS // 2} numbers of requests a second above 0 and up to {_MOST_RATE}",
    ),
    "goodput": (_limits, f"numbers above 0 by metric: {', '.join(_LIMITS)}"),
    "arrival": _one_of(("poisson", "constant")),
    "prompt_cache": _one_of(("defeat", "use")),
}


def is_model(name: str) -> bool:
    """Whether this may be the name of a model."""
    return _MODEL.fullmatch(name) is not None


def is_url(url: str) -> bool:
    """Whether this is the address of a server, without a user or a password."""
    match = _URL.fullmatch(url)
    return match is not None and not set("@?#") & set(url) and 0 < int(match[1] or 1) < 1 << 16
