# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models of the fleet a host has by the placement, for the role and for the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import parse_fleet, parse_placement
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, listed
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import entries_of, served_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel

MODELS, PLACEMENT = "ollama_fleet_models", "ollama_fleet_placement"
_PLACE = "run the playbook inference.ollama.place with -e ollama_fleet_placement_path=FILE"


def models_of(host: str, fleet_models: object, placement: object) -> list[dict[str, Any]] | None:
    """Return the entries of the fleet's models that are placed on a host, in the order of the list; None without any
    fleet models, so that a host may have whatever its own variables say.

    ``fleet_models`` and ``placement`` are ollama_fleet_models and ollama_fleet_placement as the operator wrote them. An
    entry is a mapping with ``name``, in its shortest form with its tag, and else with the keys of one of ollama_models.
    Raises OllamaError where either is of another form.
    """
    if not fleet_models:
        return None
    try:
        wanted = parse_fleet(fleet_models)
    except ValueError as error:
        raise OllamaError(f"{MODELS}: allowed is {error}") from None
    try:
        placed = parse_placement(placement or {})
    except ValueError as error:
        raise OllamaError(f"{PLACEMENT}: allowed is {error}") from None
    return [{**model.entry, "name": model.name} for model in wanted if host in placed.get(model.key, ())]


def with_placed(options: Mapping[str, Any], host: str) -> dict[str, Any]:
    """Return the role's variables with the models that are placed on the host beside those of ollama_models.

    An instance with a list of its own gets them too, since a gateway sends requests to every server of the host. What
    is of another form stays as it is, to be refused with the rest.
    """
    made = dict(options)
    try:
        placed = models_of(host, options.get("fleet_models"), options.get("fleet_placement"))
    except OllamaError:
        return made
    if not placed:
        return made
    made["models"] = _joined(options.get("models") or [], placed)
    instances = options.get("instances")
    if isinstance(instances, (list, tuple)):
        made["instances"] = [
            {**entry, "models": _joined(entry["models"], placed)}
            if isinstance(entry, Mapping) and entry.get("models") is not None
            else entry
            for entry in instances
        ]
    return made


def _joined(models: object, placed: list[dict[str, Any]]) -> object:
    return [*models, *placed] if isinstance(models, (list, tuple)) else models


def of_fleet(options: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return those of the names that are models of the fleet, by the role's variables, which are right."""
    keys = {model.key for model in parse_fleet(options.get("fleet_models") or [])}
    return [name for name in names if key_of(name) in keys]


def coming_in_numbers(options: Mapping[str, Any]) -> list[ReferenceModel]:
    """Return the models of the fleet that the role's variables name for the host, with_placed(), and whose numbers
    the operator gives; none where the fleet's list is refused.
    """
    try:
        wanted = parse_fleet(options.get("fleet_models") or [])
    except ValueError:
        return []
    here = {key_of(name) for name in served_names(options)}
    return [
        replace(model.needs, name=model.name, optional=True) for model in wanted if model.needs and model.key in here
    ]


def fleet_errors(options: Mapping[str, Any], inventory: Collection[str] | None) -> Iterator[str]:
    """Yield why the fleet's models and their placement do not go together, of the variables as the operator wrote them.

    ``inventory`` are the names of all hosts, None where they are not known. What is of another form is refused with the
    other variables.
    """
    fleet = options.get("fleet_models")
    try:
        wanted, placed = parse_fleet(fleet or []), parse_placement(options.get("fleet_placement") or {})
    except ValueError:
        return
    if not wanted:
        # A placement without models is what is left of them, and asks for nothing.
        return
    keys = {model.key: model for model in wanted}
    unknown = sorted(name for name in placed if name not in keys)
    if unknown:
        yield f"{PLACEMENT}: {listed(unknown)} {_are(unknown)} not in {MODELS}; {_PLACE}, which takes out what is gone"
    waiting = [model.name for model in wanted if model.key not in placed]
    if waiting:
        yield f"{MODELS}: {listed(waiting)} {'have' if len(waiting) > 1 else 'has'} no place yet; {_PLACE}"
    hosts = sorted({host for model in wanted for host in placed.get(model.key, ())})
    lost = [host for host in hosts if inventory is not None and host not in inventory]
    if lost:
        yield (
            f"{PLACEMENT}: {listed(lost)} {_are(lost)} not in the inventory; {_PLACE}, which moves their models, or"
            " give the inventory that they are in"
        )
    own = [entry if isinstance(entry, Mapping) else {"name": entry} for entry in entries_of(options)]
    names = dict.fromkeys(str(entry.get("name")) for entry in own)
    both = [name for name in names if key_of(name) in keys]
    if both:
        yield (
            f"ollama_models: {listed(both)} {_are(both)} in {MODELS} too; allowed is one of the two, the host's own"
            " list or the fleet's"
        )


def _are(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
