# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The placement of a fleet as data: what was read of all hosts in, hosts of each model with reasons out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.file import file_text
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.placement import (
    LOADED,
    NEW,
    STAYS,
    STORED,
    UNREAD,
    place_models,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.reading import read_fleet
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.reasons import why_not
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import CPU, GPU

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.placement import Placement
    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.reading import Fleet
    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import FleetModel

# The version of the data's shape, documented in fleet_placement.yml.
SCHEMA = 1
_REASONS = {
    STAYS: "it was there",
    UNREAD: "it was there, and the host was not read",
    LOADED: "it is in memory there",
    STORED: "its files are there",
    NEW: "the most room",
}
_DIGITS = re.compile("([0-9]{1,18})")


def fleet_placement(
    records: Mapping[str, Any],
    fleet_models: object,
    placement: object = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``{schema, placement, text, models, gone, hosts, unplaced, problems}``; documented in fleet_placement.yml.

    ``records`` are what fleet_host() returned by host, or the text of its JSON; nothing for a host that was not read.
    ``placement`` is the one before. ``options`` may have ``hosts``, the names of all hosts of the fleet, ``without``,
    hosts that are to have no model, ``files``, records of files on the controller, ``rebalance``, ``reasons``, why
    hosts were not read, and ``text``, that of the file of the placement, which counts before. Raises OllamaError where
    an argument is of another form.
    """
    given = options or {}
    fleet = read_fleet(records, fleet_models, placement, given)
    wanted = fleet.models
    made = place_models(
        wanted, fleet.members.values(), fleet.rule, fleet.before, rebalance=bool(given.get("rebalance"))
    )
    models = [_model(model, made, fleet) for model in wanted]
    hosts_of = {each["name"]: [entry["host"] for entry in each["hosts"]] for each in models}
    return {
        "schema": SCHEMA,
        "placement": hosts_of,
        "text": file_text(hosts_of),
        "models": models,
        "gone": _gone(made, wanted, fleet.before.placed),
        "hosts": [_host(name, made, fleet) for name in sorted(fleet.hosts, key=_natural)],
        "unplaced": [f"{each['name']}: {each['reason']}" for each in models if each["missing"]],
        "problems": list(fleet.problems),
    }


def _model(model: FleetModel, made: Placement, fleet: Fleet) -> dict[str, Any]:
    """A row of the result."""
    there = made.hosts[model.key]
    missing = model.copies - len(there)
    why, needed = why_not(model, made, fleet) if missing else (None, None)
    return {
        "name": model.name,
        "copies": model.copies,
        "hosts": [_entry(model, name, there[name], made, fleet) for name in sorted(there, key=_natural)],
        "missing": missing,
        "reason": f"{len(there)} of {model.copies} placed: {why}" if there and why else why,
        "needed": needed,
    }


def _entry(model: FleetModel, name: str, how: str, made: Placement, fleet: Fleet) -> dict[str, Any]:
    member = fleet.members.get(name)
    known = member is not None and fleet.rule.knows(model.key)
    return {
        "host": name,
        "domain": None if member is None else member.domains.get(model.spread),
        "how": how,
        "reason": _REASONS[how],
        "on": (GPU if fleet.rule.kind(member.kind).on_cards else CPU) if member is not None else None,
        "bytes": fleet.rule.taken(member.kind, made.members[name], model.key) if member is not None and known else None,
    }


def _gone(made: Placement, wanted: Sequence[FleetModel], placed: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Where models were and are no longer; those that came back to their host are where they were."""
    names = {model.key: model.name for model in wanted}
    found = [
        {"name": names[key], "host": host, "reason": why}
        for key, hosts in made.gone.items()
        for host, why in hosts.items()
        if host not in made.hosts[key]
    ]
    found += [
        {"name": key, "host": host, "reason": "the model is no longer in ollama_fleet_models"}
        for key, hosts in placed.items()
        if key not in names
        for host in hosts
    ]
    return sorted(found, key=lambda each: (each["name"], _natural(each["host"])))


def _host(name: str, made: Placement, fleet: Fleet) -> dict[str, Any]:
    member = fleet.members.get(name)
    names = {model.key: model.name for model in fleet.models}
    here = [names[key] for key, hosts in made.hosts.items() if name in hosts]
    filled = None if member is None else round(100 * fleet.rule.fill(member.kind, made.members[name]))
    return {
        "host": name,
        "read": name not in fleet.before.unread,
        "models": sorted(here),
        "memory_bytes": None if member is None else min(fleet.rule.kind(member.kind).bytes),
        "on": None if member is None else GPU if fleet.rule.kind(member.kind).on_cards else CPU,
        "filled_percent": filled,
    }


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Names with numbers in order: node-2 before node-10."""
    return tuple((int(part), "") if number % 2 else (-1, part) for number, part in enumerate(_DIGITS.split(name)))
