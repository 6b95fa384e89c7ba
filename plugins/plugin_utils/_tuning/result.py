# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search has found: the settings, the gain, and the record that plans take it from."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.comparison import compare
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.measurements import PAIR
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import GAIN, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def tuning_result(
    history: Sequence[Mapping[str, Any]],
    space: Mapping[str, Any],
    step: Mapping[str, Any],
    profile: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the result of a search, schema 1, for files and for the record of what was measured.

    ``step`` is the last one, which is done. ``profile`` has ``hardware``, ``machine``, ``release``, ``model``,
    ``digest``, ``at`` and ``host``.
    """
    start, best = dict(space["start"]), dict(step["settings"])
    pairs = [trial for trial in history if trial["phase"] == PAIR]
    before = [trial["value"] for trial in pairs if key_of(trial["settings"]) == key_of(start)]
    after = [trial["value"] for trial in pairs if key_of(trial["settings"]) == key_of(best)]
    comparison = None
    if step["proven"]:
        comparison = compare(before, after, paired=True, threshold=GAIN)
    known = [trial["value"] for trial in history if key_of(trial["settings"]) == key_of(start)]
    base = fmean(before) if comparison else _mean(known)
    value = fmean(after) if comparison else base
    gain = 100 * (value / base - 1) if comparison and base and value is not None else None
    result = {
        "schema": 1,
        "objective": space["objective"],
        "metric": space["metric"],
        "unit": space["unit"],
        "concurrency": space["concurrency"],
        "profile": dict(profile),
        "before": {"settings": start, "value": base},
        "best": {"settings": best, "value": value},
        "proven": step["proven"],
        "gain_percent": None if gain is None else round(gain, 1),
        "comparison": comparison,
        "points": len({key_of(trial["settings"]) for trial in history}),
        "trials": len(history),
        "failed": sum(trial["value"] is None for trial in history),
        "seconds": sum(trial["seconds"] for trial in history),
        "stop": dict(step["stop"]),
        "left_out": list(space["left_out"]),
        "history": [dict(trial) for trial in history],
        "measured": None,
    }
    if step["proven"]:
        result["measured"] = {
            **{name: profile[name] for name in ("hardware", "machine", "release", "model", "digest")},
            "objective": space["objective"],
            "settings": best,
            "metric": space["metric"],
            "unit": space["unit"],
            "value": value,
            "before": base,
            "gain_percent": result["gain_percent"],
            "at": profile["at"],
            "host": profile["host"],
        }
    return result


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
