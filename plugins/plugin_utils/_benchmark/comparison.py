# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two measurements: by how much is the second one faster, and how sure is that.

The ratio of two means has an interval of confidence by the delta method, with Welch's degrees of freedom where the
measurements are independent (B. L. Welch, Biometrika 34, 1947) and those of the pairs where they were made in turn.
Values that follow each other and resemble their neighbours, such as the windows of one measurement, count as fewer: n
values with a correlation r of neighbours say as much as n (1 - r) / (1 + r) independent ones (G. V. Bayley and
J. M. Hammersley, J. R. Stat. Soc. Suppl. 8, 1946). What differs from one run to the next is in no interval of one run.
"""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FASTER, SLOWER, SAME, UNCLEAR = "faster", "slower", "same", "unclear"
CONFIDENCE = 0.95
# Quantiles 0.975 of Student's t distribution for 1 to 30 degrees of freedom; above, by Fisher's expansion.
# The last one is that of the expansion, so that there is no step between the two.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042175819,
)  # fmt: skip
_NORMAL = 1.959964
# Of fewer values the correlation of neighbours is a guess that makes every interval useless.
_LEAST_SERIES = 8
_HIGHEST = 0.95
# No server does so many of anything; infinite values and what is no number are not below it.
_LARGEST = 1e15
# Of less than this a ratio says nothing, and may have no number.
_LEAST = 1e-9


def compare(
    before: Sequence[float],
    after: Sequence[float],
    *,
    paired: bool = False,
    threshold: float = 0.03,
    less_is_better: bool = False,
) -> dict[str, Any]:
    """Return ``{before, after, ratio, low, high, confidence, verdict, reason}`` of two series where more is better.

    ``before`` and ``after`` are the means; ``ratio`` is after to before, ``low`` and ``high`` its interval of 95 %.
    With ``paired`` the values of one place belong together, such as those of the same prompts or of one turn.
    The verdict is ``faster`` or ``slower`` where the ratio differs from 1 by at least the threshold and the interval
    leaves 1 out, ``same`` where the interval lies within the threshold, and ``unclear`` otherwise, with the reason.
    """
    first, second = ([float(value) for value in values if abs(value) < _LARGEST] for values in (before, after))
    result = _means(fmean(first) if first else None, fmean(second) if second else None)
    if paired and (len(before) != len(after) or len(first) != len(before) or len(second) != len(after)):
        return {**result, "reason": f"{len(first)} and {len(second)} values are no pairs"}
    if (reason := _incomparable(result)) is not None:
        return {**result, "reason": reason}
    ratio = result["ratio"] = result["after"] / result["before"]
    if len(first) < 2 or len(second) < 2:
        return {**result, "reason": "one value has no spread; at least two of each are needed"}
    if paired:
        half = _paired(first, second, ratio)
    else:
        half = _independent(*((fmean(values), stdev(values), worth(values)) for values in (first, second)))
    return _judged(result, half, threshold, less_is_better=less_is_better)


def compare_summaries(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    beside: tuple[float, float] = (1.0, 1.0),
    threshold: float = 0.03,
    less_is_better: bool = False,
) -> dict[str, Any]:
    """Compare two summaries ``{count, mean, std_dev}`` of requests, as compare() does two series.

    ``beside`` is how many requests were in flight at a time: what disturbs one of them disturbs all of them, so that
    together they count as one.
    """
    result = _means(*(_number(each.get("mean")) for each in (before, after)))
    if (reason := _incomparable(result)) is not None:
        return {**result, "reason": reason}
    result["ratio"] = result["after"] / result["before"]
    sides = []
    for mean, each, many in zip((result["before"], result["after"]), (before, after), beside):
        count, spread = _number(each.get("count")), _number(each.get("std_dev"))
        if count is None or spread is None or count < 2 or spread < 0:
            return {**result, "reason": "one value has no spread; at least two of each are needed"}
        sides.append((mean, spread, max(2.0, count / max(1.0, many))))
    return _judged(result, _independent(*sides), threshold, less_is_better=less_is_better)


def quantile(degrees: float) -> float:
    """Return the quantile 0.975 of Student's t distribution, between whole degrees by a straight line."""
    if degrees <= 1:
        return _T[0]
    if degrees < len(_T):
        low = int(degrees)
        return _T[low - 1] + (degrees - low) * (_T[low] - _T[low - 1])
    cubed = _NORMAL**3
    first = (cubed + _NORMAL) / (4 * degrees)
    second = (5 * _NORMAL**5 + 16 * cubed + 3 * _NORMAL) / (96 * degrees**2)
    return _NORMAL + first + second


def worth(values: Sequence[float]) -> float:
    """Return how many independent values say as much of the mean as these, which follow each other in time."""
    count, mean = len(values), fmean(values)
    rests = [value - mean for value in values]
    squares = sum(rest * rest for rest in rests)
    if count < _LEAST_SERIES or not squares:
        return float(count)
    alike = min(_HIGHEST, sum(one * other for one, other in zip(rests, rests[1:])) / squares)
    # Neighbours that differ more than chance has it would narrow the interval, for which there is no proof.
    return max(2.0, count * (1 - alike) / (1 + alike)) if alike > 0 else float(count)


def _means(before: float | None, after: float | None) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "ratio": None,
        "low": None,
        "high": None,
        "confidence": CONFIDENCE,
        "verdict": UNCLEAR,
    }


def _incomparable(result: Mapping[str, Any]) -> str | None:
    if result["before"] is None or result["after"] is None:
        return f"nothing was measured {'before' if result['before'] is None else 'after'}"
    return "there is nothing to compare with" if result["before"] < _LEAST or result["after"] < 0 else None


def _judged(result: dict[str, Any], half: float, threshold: float, *, less_is_better: bool) -> dict[str, Any]:
    ratio = result["ratio"]
    low, high = max(0.0, ratio - half), ratio + half
    return {
        **result,
        "low": low,
        "high": high,
        **_verdict(ratio, (low, high), threshold, less_is_better=less_is_better),
    }


def _verdict(ratio: float, interval: tuple[float, float], threshold: float, *, less_is_better: bool) -> dict[str, str]:
    (low, high), (more, less) = interval, (SLOWER, FASTER) if less_is_better else (FASTER, SLOWER)
    if ratio >= 1 + threshold and low > 1:
        return {"verdict": more, "reason": "the interval lies above 1"}
    if ratio <= 1 - threshold and high < 1:
        return {"verdict": less, "reason": "the interval lies below 1"}
    if low >= 1 - threshold and high <= 1 + threshold:
        return {"verdict": SAME, "reason": f"the interval lies within {threshold:.0%} of 1"}
    why = "the interval holds 1" if low <= 1 <= high else f"the ratio differs from 1 by less than {threshold:.0%}"
    return {"verdict": UNCLEAR, "reason": why}


def _independent(*sides: tuple[float, float, float]) -> float:
    """Return half of the interval of the ratio of two independent means, each with its spread and its worth."""
    (before, _spread, _count), (after, _other, _more) = sides
    # Errors of the means, both in units of the second one's.
    parts = [(scale * spread) ** 2 / count for (_mean, spread, count), scale in zip(sides, (after / before, 1.0))]
    total = sum(parts)
    if not total:
        return 0.0
    # As shares: the squares of tiny numbers are 0.
    shares = sum((part / total) ** 2 / (count - 1) for part, (_mean, _spread, count) in zip(parts, sides))
    return quantile(1 / shares) * math.sqrt(total) / before


def _paired(before: Sequence[float], after: Sequence[float], ratio: float) -> float:
    """Return half of the interval of the ratio of two means of pairs."""
    rests = [second - ratio * first for first, second in zip(before, after)]
    count = worth(rests)
    return quantile(count - 1) * stdev(rests) / math.sqrt(count) / fmean(before)


def _number(value: object) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST
    return float(value) if good else None  # type: ignore[arg-type]
