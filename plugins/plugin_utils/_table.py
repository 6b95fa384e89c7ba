# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a table to read in a terminal.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import as_text, decisions_of, placement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH = 118


def plan_table(plan: Mapping[str, Any], host: str) -> str:
    """Instances, then a row for every decision, then the warnings. Ends without a line break."""
    lines = [f"{host}: Ollama {plan['release'] or '(release unknown)'}"]
    for instance in plan["instances"]:
        where = _placement(placement(plan, instance["name"]), instance["gpus"])
        lines.append(f"  {instance['name']} ({instance['unit']}) at {instance['url']}: {where}")
        lines += ["", *_rows(decisions_of(plan, instance["name"]))]
    if len(plan["instances"]) > 1:
        servers = (f"{entry['host']}:{entry['port']} weight {entry['weight']}" for entry in plan["upstreams"])
        lines += ["", *_wrapped("  for a proxy in front of them: ", ", ".join(servers), 4)]
    if rows := decisions_of(plan, None):
        lines += ["", "  the host itself", "", *_rows(rows)]
    for warning in plan["warnings"]:
        lines.append("")
        lines += _wrapped(f"WARNING {warning['code']}: ", warning["message"], 4)
        lines += _wrapped("    -> ", warning["remedy"], 7)
    return "\n".join(line.rstrip() for line in lines)


def drift_table(drift: Mapping[str, Any], host: str) -> str:
    """A row for every difference of unit_drift(). Ends without a line break."""
    differences = drift["differences"]
    if not differences:
        return f"{host}: the unit files on the host are those of the plan"
    head = {"unit": "UNIT", "setting": "SETTING", "kind": "DIFFERENCE", "on_host": "ON THE HOST", "planned": "PLANNED"}
    # What concerns a whole file names the file.
    rows = [head, *({**row, "setting": row["setting"] or row["path"]} for row in differences)]
    table = [[str(row[column] or "-") for column in head] for row in rows]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(head))]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths)).rstrip() for cells in table]
    title = f"{host}: {len(differences)} difference(s) between the unit files on the host and the plan"
    return "\n".join([title, *lines])


def _placement(place: Mapping[str, Any], gpus: list[str]) -> str:
    node = "them" if place["numa_node"] is None else f"node {place['numa_node']}"
    where = "not bound" if place["binding"] == "none" else f"bound to {node} by {place['binding']}"
    cards = f", {len(gpus)} GPU(s)" if gpus else ""
    return f"{place['compute_threads'] or '?'} threads on CPUs {place['cpus'] or '?'}, {where}{cards}"


def _rows(decisions: list[Mapping[str, Any]]) -> Iterator[str]:
    head = {"setting": "SETTING", "value": "VALUE", "source": "SOURCE", "reason": "REASON"}
    cells = [head, *({**d, "value": as_text(d["value"]) or "-"} for d in decisions)]
    setting = max(len(cell["setting"]) for cell in cells)
    # A long command or UUID list must not push the reasons off the screen.
    value = min(24, max(len(cell["value"]) for cell in cells))
    source = max(len(cell["source"]) for cell in cells)
    indent = setting + value + source + 6
    for cell in cells:
        overflow = len(cell["value"]) > value
        start = f"{cell['setting']:{setting}}  {cell['value']:{value}}  {cell['source']:{source}}  "
        if overflow:
            yield f"{cell['setting']:{setting}}  {cell['value']}"
            start = " " * (setting + value + 4) + f"{cell['source']:{source}}  "
        yield from _wrapped(start, cell["reason"], indent)


def _wrapped(start: str, text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(WIDTH, indent + 40),
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


__all__ = ("drift_table", "plan_table")
