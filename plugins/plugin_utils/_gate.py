# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a change by what was measured before and after it: is the server slower than the tolerance allows.

A measurement is what the module benchmark returned, or ``{error}``. Of it a round is kept: the value of each window,
where more is better. Rounds of before and after with the same number had the same prompts.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.comparison import compare
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import BALANCED, SUCCESS, WITHIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEPT, SLOWER, UNCLEAR, NOT_MEASURED = "kept", "slower", "unclear", "not_measured"
# Below this share within the limits they say nothing of a change, since a request more or less decides.
_TOO_FEW = 0.05
_UNIT = "tokens/s"
_LONGEST = 400


def round_of(measured: Mapping[str, Any], objective: str) -> dict[str, Any]:
    """Return ``{error, values, tokens, share}`` of a measurement.

    ``tokens`` are the tokens/s of each window, ``values`` the same as far as they count for the objective, ``share``
    is that of the requests within its limits, None where it has none. ``error`` says why the measurement does not
    count, else it is None.
    """
    if measured.get("error"):
        return _nothing(one_line(str(measured["error"]), _LONGEST))
    points = measured.get("points") or []
    if not points:
        return _nothing("; ".join(map(str, measured.get("problems") or [])) or "nothing was measured")
    point = points[0]
    requests, windows = point["requests"], point["windows"]
    ended = requests["successful"] + requests["errored"] + requests["refused"]
    if ended and requests["successful"] < SUCCESS * ended:
        why = "; ".join(str(error["message"]) for error in (point["errors"] or [])[:2]) or "they were refused"
        return _nothing(f"{requests['successful']} of {ended} requests succeeded: {why}")
    tokens = [float(value) for value in windows["output_token_throughput"]]
    if not tokens or not any(tokens):
        return _nothing(f"no token came in {point['seconds']:.0f} s")
    made = {"error": None, "values": tokens, "tokens": tokens, "share": None}
    good, all_of_them = windows.get("goodput"), windows["request_throughput"]
    if objective != BALANCED or not good or not any(all_of_them):
        return made
    share = sum(good) / sum(all_of_them)
    shares = [part / whole if whole else share for part, whole in zip(good, all_of_them)]
    return {**made, "share": share, "values": [each * min(1, of / WITHIN) for each, of in zip(tokens, shares)]}


def _nothing(error: str) -> dict[str, Any]:
    return {"error": error.rstrip(". "), "values": [], "tokens": [], "share": None}


def is_noisy(rounds: Sequence[Mapping[str, Any]], tolerance_percent: float) -> bool:
    """Whether the rounds vary so much by themselves that they would not show a change of the tolerance."""
    values = _series(rounds, "values")
    low = compare(values, values)["low"]
    return low is None or 1 - low > tolerance_percent / 100


def judge(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], tolerance_percent: float
) -> dict[str, Any]:
    """Return ``{verdict, reason, unit, before, after, ratio, low, high, confidence, tolerance_percent, rounds}``.

    ``before`` and ``after`` are rounds, of which those of before have no error. It is ``slower`` where the ratio is
    below 1 by more than the tolerance and its interval lies below 1, and where nothing could be measured after the
    change; ``kept`` where the interval leaves out that it is slower by more; else ``unclear``.
    """
    rounds = min(len(before), len(after))
    key = "tokens" if any((each["share"] or 0) < _TOO_FEW for each in before if each["share"] is not None) else "values"
    first = _series(before[: rounds or None], key)
    verdict: dict[str, Any] = {
        "verdict": SLOWER,
        "reason": None,
        "unit": _UNIT,
        "before": fmean(first) if first else None,
        "after": None,
        "ratio": None,
        "low": None,
        "high": None,
        "confidence": None,
        "tolerance_percent": tolerance_percent,
        "rounds": rounds,
    }
    failed = next((each["error"] for each in after if each["error"]), None)
    if failed is not None:
        return {**verdict, "reason": failed}
    pairs = [pair for one, other in zip(before, after) for pair in zip(one[key], other[key])]
    found = compare([one for one, _other in pairs], [other for _one, other in pairs], paired=True)
    verdict.update({name: found[name] for name in ("before", "after", "ratio", "low", "high", "confidence")})
    least = 1 - tolerance_percent / 100
    if found["low"] is None:
        return {**verdict, "verdict": UNCLEAR, "reason": found["reason"]}
    if found["low"] >= least:
        return {**verdict, "verdict": KEPT}
    if found["ratio"] < least and found["high"] < 1:
        return verdict
    return {**verdict, "verdict": UNCLEAR, "reason": "the measurements vary too much to tell"}


def is_certain(verdict: Mapping[str, Any]) -> bool:
    """Whether more rounds would hardly change a verdict: its whole interval is on one side of what is allowed."""
    least = 1 - verdict["tolerance_percent"] / 100
    return verdict["ratio"] is None or verdict["low"] is None or verdict["low"] >= least or verdict["high"] < least


def not_measured(reason: str, tolerance_percent: float | None = None) -> dict[str, Any]:
    """Return the verdict on a change that was not measured."""
    return {
        "verdict": NOT_MEASURED,
        "reason": reason,
        "unit": _UNIT,
        **dict.fromkeys(("before", "after", "ratio", "low", "high", "confidence")),
        "tolerance_percent": tolerance_percent,
        "rounds": 0,
    }


def figures(verdict: Mapping[str, Any]) -> str:
    """Return the figures of a verdict, as ``312 -> 455 tokens/s (+46 %)``."""
    if verdict["before"] is None:
        return "nothing measured"
    before = _number(verdict["before"])
    if verdict["ratio"] is None:
        return f"{before} {verdict['unit']} before, not measured after"
    return f"{before} -> {_number(verdict['after'])} {verdict['unit']} ({_percent(verdict['ratio'])})"


def short_text(verdict: Mapping[str, Any]) -> str:
    """Return a verdict in the few words that a line of many hosts has room for."""
    if verdict["verdict"] == NOT_MEASURED:
        text = f"not measured, {verdict['reason']}"
    elif verdict["verdict"] == UNCLEAR:
        text = f"{figures(verdict)}, within noise and kept"
    else:
        text = figures(verdict)
    return f"{text}, measured on {verdict['measured_on']}" if verdict.get("measured_on") else text


def sentence(verdict: Mapping[str, Any], how: str) -> str:
    """Return a verdict in one sentence with its figures, without a full stop; ``how`` says what was measured."""
    if verdict["verdict"] == NOT_MEASURED:
        return f"the change was not measured: {verdict['reason']}"
    tolerance = f"ollama_gate_tolerance is {verdict['tolerance_percent']:g} %"
    if verdict["verdict"] == SLOWER and verdict["ratio"] is None:
        return (
            f"after the change the server could not be measured, as it could before"
            f" ({_number(verdict['before'])} {verdict['unit']}{how}): {verdict['reason']}"
        )
    said = f"{figures(verdict)}{_interval(verdict)}{how}; {tolerance}"
    if verdict["verdict"] == SLOWER:
        return f"the server was slower after the change: {said}"
    if verdict["verdict"] == UNCLEAR:
        return f"whether the server is slower after the change is not clear: {said}, and {verdict['reason']}"
    return f"the server is not slower after the change: {said}"


def _interval(verdict: Mapping[str, Any]) -> str:
    if verdict["low"] is None:
        return ""
    ends = f"{_percent(verdict['low'])} to {_percent(verdict['high'])}"
    return f", {100 * verdict['confidence']:.0f} % interval {ends}"


def _series(rounds: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [value for each in rounds for value in each[key]]


def _number(value: float) -> str:
    """Three digits, as far as there are decimals to leave out."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _percent(ratio: float) -> str:
    percent = round(100 * (ratio - 1), 1) or 0.0
    return f"{percent:+.0f} %" if abs(percent) >= 10 else f"{percent:+.1f} %"
