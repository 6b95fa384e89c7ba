# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a search has found, as lines to read in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._table import table, wrapped
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import key_of, same, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADS = ("NUMBER", "SETTINGS", "VALUE", "PHASE")


def tuning_table(result: Mapping[str, Any], host: str) -> list[str]:
    """Return the lines: what was gained, each setting before and after, every point, why the search ended."""
    lines = wrapped(f"{host}: {_headline(result)}", indent=4)
    before, best = result["before"]["settings"], result["best"]["settings"]
    if before:
        rows = [((name, text(value), text(best.get(name))), ()) for name, value in before.items()]
        lines += ["", *table(("SETTING", "BEFORE", "BEST"), rows)]
    if result["history"]:
        lines += ["", *table(_HEADS, _rows(result))]
    for knob in result["left_out"]:
        lines += wrapped(f"{knob['name']} was not searched: {knob['reason']}", indent=4)
    return [*lines, "", *wrapped(f"ended: {result['stop']['reason']}: {result['stop']['message']}", indent=4)]


def _headline(result: Mapping[str, Any]) -> str:
    unit = result["unit"]
    if result["proven"] and result["gain_percent"] is not None:
        return (
            f"{result['best']['value']:.4g} in place of {result['before']['value']:.4g} {unit}"
            f" ({result['gain_percent']:+.1f} %), {result['objective']}, {result['points']} points"
        )
    value = result["before"]["value"]
    known = "" if value is None else f" at {value:.4g} {unit}"
    return f"the settings stay as they are{known}, {result['objective']}, {result['points']} points"


def _rows(result: Mapping[str, Any]) -> list[tuple[tuple[object, ...], tuple[tuple[str, object], ...]]]:
    start = result["before"]["settings"]
    rows: list[tuple[tuple[object, ...], tuple[tuple[str, object], ...]]] = []
    for trial in result["history"]:
        changed = [f"{n}={text(v)}" for n, v in trial["settings"].items() if not same(v, start.get(n))]
        settings = ", ".join(changed) if key_of(trial["settings"]) != key_of(start) else "as planned"
        value = "failed" if trial["value"] is None else f"{trial['value']:.4g}"
        notes = (("    ", trial["failed"]),) if trial["failed"] else ()
        rows.append(((trial["number"], settings, value, trial["phase"]), notes))
    return rows
