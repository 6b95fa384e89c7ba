# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one answer of what loading, measuring and unloading a model returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._change import failure_reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHECK_MODE = "nothing is measured in check mode"


def outcome(
    measured: Mapping[str, Any], loads: Sequence[Mapping[str, Any]] = (), left: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the measurement, or ``{error: sentence}`` where there is none; in check mode with ``would`` beside it.

    ``measured`` is what the module benchmark returned, ``loads`` what the module model returned for each server that
    the model was loaded on, ``left`` what it returned when the memory was put back. How long the slowest load took is
    in ``load.seconds`` where the measurement found the model in memory; what could not be put back is a problem.
    """
    # A task that may not fail says failed: false even where the call failed; the keys of the result show.
    failed = [load for load in loads if "loaded" not in load]
    if failed:
        return {
            "error": "; ".join(dict.fromkeys(f"the model was not loaded: {failure_reason(load)}" for load in failed))
        }
    if "would" in measured:
        return {"error": _CHECK_MODE, "would": list(measured["would"])}
    result = measured.get("benchmark")
    if not isinstance(result, dict):
        return {"error": failure_reason(measured)}
    seconds = [load["seconds"] for load in loads if load["loaded"] and isinstance(load.get("seconds"), (int, float))]
    load = dict(result.get("load") or {})
    if seconds:
        load.update(already_loaded=False, seconds=max(seconds))
    kept = [f"the memory is not as it was: {failure_reason(each)}" for each in left if "loaded" not in each]
    return {**result, "load": load, "problems": [*(result.get("problems") or []), *kept]}
