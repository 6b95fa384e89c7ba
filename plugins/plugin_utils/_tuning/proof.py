# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove a gain: measure the settings at the start and the best ones in turn, until it is clear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.comparison import FASTER, compare
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import PAIR
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import GAIN

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import Measurements, Settings

# Numbers of pairs after which it is decided whether more are needed; the last one is the most.
_LOOKS = (2, 3, 4, 6, 8, 12, 16, 24)
# Standard errors by which a gain has to differ from nothing, by the noise of all measurements of the search. The pairs'
# own interval of 95 % would be left by chance in every tenth search, since they are looked at again and again, and two
# of them may be close to each other by chance.
_STRICT = 4.0


class Proof(NamedTuple):
    """Whether a gain is proven, the comparison behind it, and why not."""

    proven: bool
    comparison: Optional[dict[str, Any]]
    message: str


def prove(measurements: Measurements, start: Settings, best: Settings) -> Proof:
    """Measure pairs and compare them. Raises Spent where the minutes do not last."""
    before: list[float] = []
    after: list[float] = []
    proof = Proof(proven=False, comparison=None, message="nothing was measured in pairs")
    for number in range(1, _LOOKS[-1] + 1):
        one = measurements.measure(start, PAIR, f"pair {number}: the settings at the start", number)
        other = measurements.measure(best, PAIR, f"pair {number}: the best settings", number)
        if one is None or other is None:
            which = "the settings at the start" if one is None else "the best settings"
            return proof._replace(proven=False, message=f"{which} failed in pair {number}")
        before.append(one)
        after.append(other)
        if number in _LOOKS:
            proof, decided = judge(before, after, measurements.noise())
            if decided:
                break
    return proof


def judge(before: list[float], after: list[float], noise: float) -> tuple[Proof, bool]:
    """Return the proof of these pairs, and whether no further pair is needed."""
    comparison = compare(before, after, paired=True, threshold=GAIN)
    if not all(before) or comparison["ratio"] is None:
        # From nothing there is no ratio: then every pair has to show it.
        proven = min(after) > 0 and not any(before) and len(before) > _LOOKS[0]
        message = "every pair shows it" if proven else "no pair has a ratio"
        return Proof(proven, comparison, message), len(before) > _LOOKS[0]
    ratio, low, high = comparison["ratio"], comparison["low"], comparison["high"]
    clear = ratio - 1 > _STRICT * noise * math.sqrt(2 / len(before))
    if comparison["verdict"] == FASTER and clear:
        message = f"{ratio - 1:.1%} over {len(before)} pairs, at least {low - 1:.1%} with 95 % confidence"
        return Proof(proven=True, comparison=comparison, message=message), True
    message = f"{ratio - 1:+.1%} over {len(before)} pairs, which is under {GAIN:.0%} or within noise"
    return Proof(proven=False, comparison=comparison, message=message), high < 1 + GAIN
