# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two measurements: by how much is the second one faster, and how sure is that.

The ratio of two means has an interval of confidence by the delta method, with Welch's degrees of freedom where the
measurements are independent (B. L. Welch, Biometrika 34, 1947) and those of the pairs where they were made in turn.
"""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FASTER, SLOWER, SAME, UNCLEAR = "faster", "slower", "same", "unclear"
CONFIDENCE = 0.95
# Quantiles 0.975 of Student's t distribution for 1 to 30 degrees of freedom; above, by Fisher's expansion.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_NORMAL = 1.959964


def compare(
    before: Sequence[float], after: Sequence[float], *, paired: bool = False, threshold: float = 0.03
) -> dict[str, Any]:
    """Return ``{before, after, ratio, low, high, confidence, verdict, reason}`` of two series where more is better.

    ``before`` and ``after`` are the means; ``ratio`` is after to before, ``low`` and ``high`` its interval of 95 %.
    With ``paired`` the values of one place belong together, such as those of the same prompts or of one turn.
    The verdict is ``faster`` or ``slower`` where the ratio differs from 1 by at least the threshold and the interval
    leaves 1 out, ``same`` where the interval lies within the threshold, and ``unclear`` otherwise, with the reason.
    """
    result: dict[str, Any] = {
        "before": fmean(before) if before else None,
        "after": fmean(after) if after else None,
        "ratio": None,
        "low": None,
        "high": None,
        "confidence": CONFIDENCE,
        "verdict": UNCLEAR,
    }
    if paired and len(before) != len(after):
        return {**result, "reason": f"{len(before)} and {len(after)} values are no pairs"}
    if not before or not after or result["before"] <= 0:
        return {**result, "reason": "nothing was measured before" if not before else "there is nothing to compare with"}
    ratio = result["after"] / result["before"]
    result["ratio"] = ratio
    if len(before) < 2 or len(after) < 2:
        return {**result, "reason": "one value has no spread; at least two of each are needed"}
    half = _paired(before, after, ratio) if paired else _independent(before, after, ratio)
    low, high = max(0.0, ratio - half), ratio + half
    return {**result, "low": low, "high": high, **_verdict(ratio, low, high, threshold)}


def quantile(degrees: float) -> float:
    """Return the quantile 0.975 of Student's t distribution."""
    if degrees < 1:
        return _T[0]
    if degrees <= len(_T):
        return _T[int(degrees) - 1]
    cubed = _NORMAL**3
    first = (cubed + _NORMAL) / (4 * degrees)
    second = (5 * _NORMAL**5 + 16 * cubed + 3 * _NORMAL) / (96 * degrees**2)
    return _NORMAL + first + second


def _verdict(ratio: float, low: float, high: float, threshold: float) -> dict[str, str]:
    if ratio >= 1 + threshold and low > 1:
        return {"verdict": FASTER, "reason": "the interval lies above 1"}
    if ratio <= 1 - threshold and high < 1:
        return {"verdict": SLOWER, "reason": "the interval lies below 1"}
    if low >= 1 - threshold and high <= 1 + threshold:
        return {"verdict": SAME, "reason": f"the interval lies within {threshold:.0%} of 1"}
    why = "the interval holds 1" if low <= 1 <= high else f"the ratio differs from 1 by less than {threshold:.0%}"
    return {"verdict": UNCLEAR, "reason": why}


def _independent(before: Sequence[float], after: Sequence[float], ratio: float) -> float:
    """Return half of the interval of the ratio of two independent means."""
    parts = [(stdev(values) / fmean(values)) ** 2 / len(values) if fmean(values) else 0.0 for values in (before, after)]
    total = sum(parts)
    if not total:
        return 0.0
    spread = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (before, after)))
    return quantile(total**2 / spread) * ratio * math.sqrt(total)


def _paired(before: Sequence[float], after: Sequence[float], ratio: float) -> float:
    """Return half of the interval of the ratio of two means of pairs."""
    rests = [second - ratio * first for first, second in zip(before, after)]
    return quantile(len(rests) - 1) * stdev(rests) / math.sqrt(len(rests)) / fmean(before)
