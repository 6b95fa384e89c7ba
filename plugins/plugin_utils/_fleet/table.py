# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A placement of a fleet as lines to read in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.placement import (
    LOADED,
    NEW,
    STAYS,
    STORED,
    UNREAD,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import CPU, GPU
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of
from ansible_collections.inference.ollama.plugins.plugin_utils._table import table, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._table import Row

_WORDS = {STAYS: "stays", UNREAD: "stays, not read", LOADED: "in memory", STORED: "has its files", NEW: "most room"}
_ON = {GPU: "GPU", CPU: "CPU"}


def fleet_table(result: Mapping[str, Any]) -> list[str]:
    """Lines with every model and its hosts, why it is there, what has no place and what that needs, what moved, and how
    full the hosts are. ``result`` is what fleet_placement() returned.
    """
    models, hosts = result["models"], result["hosts"]
    placed, wanted = sum(len(each["hosts"]) for each in models), sum(each["copies"] for each in models)
    title = f"{_many(len(models), 'model')} on {_many(len(hosts), 'host')}: {placed} of {_copies(wanted)} placed"
    lines = wrapped(title, indent=4)
    rows: list[Row] = [
        (
            (
                model["name"],
                entry["host"],
                entry["domain"],
                _ON.get(entry["on"]),
                None if entry["bytes"] is None else bytes_of(entry["bytes"]),
                _WORDS.get(entry["how"], entry["how"]),
            ),
            [],
        )
        for model in models
        for entry in model["hosts"]
    ]
    lines += ["", *table(("MODEL", "HOST", "DOMAIN", "ON", "MEMORY", "WHY"), rows)] if rows else []
    for model in models:
        if model["missing"]:
            lines += ["", *wrapped(f"NO PLACE {model['name']}: {model['reason']}", indent=4)]
            lines += wrapped(f"needed: {model['needed']}", "    -> ") if model["needed"] else []
    lines += [""] if result["gone"] else []
    for entry in result["gone"]:
        lines += wrapped(f"{entry['name']} leaves {entry['host']}: {entry['reason']}", "  ", 4)
    of_hosts: list[Row] = [
        (
            (
                host["host"],
                _ON.get(host["on"]),
                None if host["memory_bytes"] is None else bytes_of(host["memory_bytes"]),
                None if host["filled_percent"] is None else f"{host['filled_percent']} %",
                len(host["models"]),
            ),
            [],
        )
        for host in hosts
    ]
    lines += ["", *table(("HOST", "ON", "FOR MODELS", "FILLED", "MODELS"), of_hosts)] if of_hosts else []
    for problem in result["problems"]:
        lines += ["", *wrapped(f"WARNING {problem}", indent=4)]
    return lines


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count} copies"
