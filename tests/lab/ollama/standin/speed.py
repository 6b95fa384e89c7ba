# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a server of a known curve is: a model in numbers, for the stand-in and for simulations of the search.

Its shapes follow what was measured on real servers: threads help up to where memory is the limit and collapse above the
CPUs; slots help with ever smaller gains, and hurt above a knee. Python 3.9, standard library only.
"""

from __future__ import annotations

import random
from typing import Any, Mapping, NamedTuple, Optional, Tuple


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

    def loads(self, settings: Mapping[str, Any]) -> bool:
        """Return whether a model loads with these settings, by the names of the role's variables."""
        return not any(str(settings.get(option)) == str(value) for option, value in self.fails)

    def rate(self, settings: Mapping[str, Any], concurrency: int) -> float:
        """Return tokens per second of all streams together, without noise."""
        threads, slots = int(settings.get("num_threads") or self.cpus), int(settings.get("num_parallel") or 1)
        if self.flat:
            return self.base * 8
        useful = min(threads, self.thread_knee)
        rate = self.base * useful**0.8
        if threads > self.thread_knee:
            rate *= max(0.5, 1 - 0.03 * (threads - self.thread_knee))
        if threads > self.cpus:
            rate *= self.collapse
        streams = max(1, min(slots, concurrency))
        rate *= 1 + self.slot_gain * (min(streams, self.slot_knee) - 1) ** 0.85
        if slots > self.slot_knee:
            rate *= max(0.3, 1 - 0.04 * (slots - self.slot_knee))
        if str(settings.get("flash_attention", "1")).lower() in ("0", "false"):
            rate *= self.no_flash
        if str(settings.get("kv_cache_type") or "f16") not in ("f16", "f32", "bf16"):
            rate *= self.quantised
        return rate

    def drawn(self, settings: Mapping[str, Any], concurrency: int, draw: Optional[random.Random] = None) -> float:
        """Return the rate of one request's measurement, with its noise."""
        rate = self.rate(settings, concurrency)
        return rate if draw is None or not self.noise else rate * max(0.1, draw.gauss(1.0, self.noise))
