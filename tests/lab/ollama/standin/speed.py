# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a server of a known curve is: a model in numbers, for the stand-in and for simulations of the search.

Its shapes follow what was measured on real servers: threads help up to where memory is the limit and collapse above the
CPUs; slots help with ever smaller gains, and hurt above a knee. Over each of the two the rate goes up to one height and
never rises again after it. Python 3.9, standard library only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    import random

# Types of the cache that are not quantised, and what a setting says that leaves the type to the server.
PLAIN = ("", "auto", "none", "f16", "f32", "bf16")


class Speed(NamedTuple):
    """A curve. Rates are tokens per second; ``fails`` are settings with which no model loads, ``((option, value), …)``.

    ``flat`` is a server on which no setting changes anything.
    """

    cpus: int = 16
    base: float = 12.0  # one stream, one thread
    thread_knee: int = 12  # threads above it add nothing, and cost a little
    slot_gain: float = 0.6  # what the second stream adds to the rate of one
    slot_knee: int = 12
    collapse: float = 0.01  # what is left where threads outnumber the CPUs
    no_flash: float = 0.4  # what is left without flash attention
    quantised: float = 1.0  # what is left, or gained, with a quantised cache
    noise: float = 0.0  # standard deviation of a request's rate, as a share
    flat: bool = False
    fails: Tuple[Tuple[str, Any], ...] = ()
    prompt_gain: float = 20.0  # tokens of a prompt that are read while one stream gets one token
    seed: Optional[int] = None  # of the noise; none: another one at each start

    def loads(self, settings: Mapping[str, Any]) -> bool:
        """Return whether a model loads with these settings, by the names of the role's variables."""
        if self.is_quantised(settings) and not self.has_flash(settings):
            return False
        return not any(str(settings.get(option)) == str(value) for option, value in self.fails)

    @staticmethod
    def has_flash(settings: Mapping[str, Any]) -> bool:
        """Return whether flash attention is on; left to the server it is."""
        return str(settings.get("flash_attention", "auto")).lower() not in ("0", "false", "off", "no")

    @staticmethod
    def is_quantised(settings: Mapping[str, Any]) -> bool:
        """Return whether the cache has a quantised type."""
        return str(settings.get("kv_cache_type") or "").lower() not in PLAIN

    def one_stream(self, settings: Mapping[str, Any]) -> float:
        """Return tokens per second of a stream that is alone, without what flash attention and the cache change."""
        threads = _number(settings.get("num_threads"), self.cpus)
        # Above the CPUs none is useful, so that the rate does not rise again after it has collapsed.
        rate = self.base * min(threads, self.thread_knee, self.cpus) ** 0.8
        if threads > self.thread_knee:
            rate *= max(0.5, 1 - 0.03 * (threads - self.thread_knee))
        return rate * self.collapse if threads > self.cpus else rate

    def rate(self, settings: Mapping[str, Any], concurrency: int) -> float:
        """Return tokens per second of all streams together, without noise."""
        if self.flat:
            return self.base * 8
        slots = _number(settings.get("num_parallel"), 1)
        streams = max(1, min(slots, concurrency, self.slot_knee))
        rate = self.one_stream(settings) * (1 + self.slot_gain * (streams - 1) ** 0.85)
        if slots > self.slot_knee:
            rate *= max(0.3, 1 - 0.04 * (slots - self.slot_knee))
        if not self.has_flash(settings):
            rate *= self.no_flash
        return rate * self.quantised if self.is_quantised(settings) else rate

    def prompt_rate(self, settings: Mapping[str, Any]) -> float:
        """Return tokens per second that are read of all prompts together, without noise."""
        return self.prompt_gain * (self.base * 8 if self.flat else self.one_stream(settings))

    def drawn(self, settings: Mapping[str, Any], concurrency: int, draw: Optional[random.Random] = None) -> float:
        """Return the rate of one request's measurement, with its noise."""
        return self.rate(settings, concurrency) * self.factor(draw)

    def factor(self, draw: Optional[random.Random] = None) -> float:
        """Return what noise makes of a rate of 1: 1 on average, and cut alike on both sides to stay above 0."""
        if draw is None or not self.noise:
            return 1.0
        return min(1.9, max(0.1, draw.gauss(1.0, self.noise)))


def _number(value: Any, default: int) -> int:
    """Return a setting as a number; what is unset or left to the server is the default."""
    try:
        return int(value) or default
    except (TypeError, ValueError):
        return default


def from_json(text: str) -> Speed:
    """Return the curve that a file describes; ValueError says what is wrong with it."""
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("the speed is no map of fields")
    unknown = sorted(set(fields) - set(Speed._fields))
    if unknown:
        raise ValueError(f"the speed has no field {', '.join(unknown)}; there are {', '.join(Speed._fields)}")
    fails = tuple((option, value) for option, value in fields.get("fails", ()))
    return Speed(**{**fields, "fails": fails})
