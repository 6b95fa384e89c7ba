# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the variables of the playbook benchmark may have, however they are typed: what the module takes."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.bounds import (
    GOODPUT,
    LONGEST,
    MODEL,
    MOST_IN_FLIGHT,
    MOST_POINTS,
    MOST_RATE,
    NUMBERS,
    SECONDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # What makes a value of what was typed, ValueError or TypeError where it cannot; and what is allowed, in words.
    Kind = tuple[Callable[[Any], Any], str]

_URL = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._-]+)?\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(?:/[!-~]*)?"
)


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
    if not 0 < found <= MOST_RATE:
        raise ValueError
    return found


def _list(kind: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """``[1, 2]``, ``"1,2"`` and ``1`` as a list of at most a hundred."""

    def take(value: Any) -> list[Any]:  # noqa: ANN401 - whatever an operator typed
        several = value.strip("[] ").split(",") if isinstance(value, str) else value
        several = several if isinstance(several, (list, tuple)) else [several]
        if not 0 < len(several) <= MOST_POINTS // 2:
            raise ValueError
        return [kind(each) for each in several]

    return take


def _one_of(choices: Sequence[str]) -> Kind:
    return lambda value: choices[choices.index(value)], " or ".join(choices)


def _limits(value: object) -> dict[str, Any]:
    """Limits by metric, also from JSON."""
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, dict) or not set(found) <= set(GOODPUT):
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
    **{name: _integer(*bounds) for name, bounds in NUMBERS.items()},
    **{name: _seconds(least) for name, least in SECONDS.items()},
    "output_tokens_stdev": _integer(0, NUMBERS["output_tokens"][1] // 2),
    "concurrency": (
        _list(_bounded(_whole, 1, MOST_IN_FLIGHT)),
        f"a list of at most {MOST_POINTS // 2} whole numbers from 1 to {MOST_IN_FLIGHT}",
    ),
    "request_rate": (
        _list(_rate),
        f"a list of at most {MOST_POINTS // 2} numbers of requests a second above 0 and up to {MOST_RATE}",
    ),
    "goodput": (_limits, f"numbers above 0 by metric: {', '.join(GOODPUT)}"),
    "arrival": _one_of(("poisson", "constant")),
    "prompt_cache": _one_of(("defeat", "use")),
}


def is_model(name: str) -> bool:
    """Whether this may be the name of a model."""
    return MODEL.fullmatch(name) is not None


def is_url(url: str) -> bool:
    """Whether this is the address of a server, without a user or a password."""
    match = _URL.fullmatch(url)
    return match is not None and not set("@?#") & set(url) and 0 < int(match[1] or 1) < 1 << 16
