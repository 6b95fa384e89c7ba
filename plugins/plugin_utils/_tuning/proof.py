# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove a gain: measure the settings at the start and the best ones in turn, until it is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.comparison import compare
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import PAIR
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import GAIN

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import Measurements, Settings

# Pairs before anything is decided, and the most of them.
_LEAST, _MOST = 2, 24
# Against chance: a gain counts where it leaves the interval of 95 % behind by this factor. Pairs are looked at again
# and again, and the best of many settings is what is proven, so that 95 % would be wrong in every tenth search.
_STRICT = 1.75


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
    for number in range(1, _MOST + 1):
        one = measurements.measure(start, PAIR, f"pair {number}: the settings at the start", number)
        other = measurements.measure(best, PAIR, f"pair {number}: the best settings", number)
        if one is None or other is None:
            which = "the settings at the start" if one is None else "the best settings"
            return proof._replace(proven=False, message=f"{which} failed in pair {number}")
        before.append(one)
        after.append(other)
        if number >= _LEAST:
            proof, decided = judge(before, after)
            if decided:
                break
    return proof


def judge(before: list[float], after: list[float]) -> tuple[Proof, bool]:
    """Return the proof of these pairs, and whether no further pair is needed."""
    comparison = compare(before, after, paired=True, threshold=GAIN)
    if not all(before):
        # From nothing there is no ratio: then every pair has to show it.
        proven = min(after) > 0 and not any(before) and len(before) > _LEAST
        message = "every pair shows it" if proven else "no pair has a ratio"
        return Proof(proven, comparison, message), len(before) > _LEAST
    ratio, low, high = comparison["ratio"], comparison["low"], comparison["high"]
    if ratio >= 1 + GAIN and ratio - _STRICT * (ratio - low) > 1:
        message = f"{ratio - 1:.1%} over {len(before)} pairs, at least {low - 1:.1%} with 95 % confidence"
        return Proof(proven=True, comparison=comparison, message=message), True
    message = f"{ratio - 1:+.1%} over {len(before)} pairs, which is under {GAIN:.0%} or within noise"
    return Proof(proven=False, comparison=comparison, message=message), high < 1 + GAIN
