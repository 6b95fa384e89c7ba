# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a table to read in a terminal.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH = 118


def plan_table(plan: Mapping[str, Any], host: str) -> str:
    """Instances, then a row for every decision, then the warnings. Ends without a line break."""
    lines = [f"{host}: Ollama {plan['release'] or '(release unknown)'}"]
    for instance in plan["instances"]:
        lines.append(f"  {instance['name']} ({instance['unit']}) at {instance['url']}: {_placement(instance)}")
        rows = [d for d in plan["decisions"] if d["instance"] == instance["name"]]
        lines += ["", *_rows(rows)]
    if len(plan["instances"]) > 1:
        servers = (f"{entry['host']}:{entry['port']} weight {entry['weight']}" for entry in plan["upstreams"])
        lines += ["", *_wrapped("  for a proxy in front of them: ", ", ".join(servers), 4)]
    named = {instance["name"] for instance in plan["instances"]}
    if rows := [d for d in plan["decisions"] if d["instance"] not in named]:
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


def _placement(instance: Mapping[str, Any]) -> str:
    node = "them" if instance["numa_node"] is None else f"node {instance['numa_node']}"
    where = "not bound" if instance["bind"] == "none" else f"bound to {node} by {instance['bind']}"
    gpus = f", {len(instance['gpus'])} GPU(s)" if instance["gpus"] else ""
    return f"{instance['threads'] or '?'} threads on CPUs {instance['cpus'] or '?'}, {where}{gpus}"


def _rows(decisions: list[Mapping[str, Any]]) -> Iterator[str]:
    head = {"setting": "SETTING", "value": "VALUE", "source": "SOURCE", "reason": "REASON"}
    cells = [head, *({**d, "value": "-" if d["value"] is None else str(d["value"])} for d in decisions)]
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
