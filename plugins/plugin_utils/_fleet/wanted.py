# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that some hosts of a fleet are to have, ``ollama_fleet_models``, and which ones have them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, shortest
from ansible_collections.inference.ollama.plugins.plugin_utils._options import allowed, form_of, read
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import parse_models
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import ABSENT, parse_served
from ansible_collections.inference.ollama.plugins.plugin_utils._values import quoted

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import ServedModel

ANY, GPU, CPU = "any", "gpu", "cpu"
# The variable of a host that names its failure domain where an entry names no other.
DOMAIN = "ollama_failure_domain"
# What an entry has beyond one of ollama_models.
OWN = ("copies", "spread", "devices", "needs")
_LONGEST_NAME = 80
# An inventory name has neither spaces nor what separates hosts in a pattern (ansible-core, inventory/manager.py).
_HOST = re.compile(r"[^\s,;&!\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True)
class FleetModel:
    """One entry. ``entry`` is what ollama_models would have for it, ``spread`` the variable of the failure domain.

    ``needs`` are the numbers that its memory depends on, where the entry has them.
    """

    served: ServedModel
    entry: Mapping[str, Any] = field(hash=False)
    copies: int = 1
    spread: str = DOMAIN
    devices: str = ANY
    needs: ReferenceModel | None = None

    @property
    def name(self) -> str:
        return self.served.name

    @functools.cached_property
    def key(self) -> str:
        """One text for all ways to write its name."""
        return key_of(self.served.name)


def parse_fleet(value: object) -> tuple[FleetModel, ...]:
    """The operator's list; ValueError says what is allowed, and every key of every entry that is not that."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(load().types["fleet_models"])
    wrong: list[str] = []
    own: list[dict[str, Any]] = []
    entries: list[Any] = []
    for number, given in enumerate(value):
        entry = {"name": given} if isinstance(given, str) else given
        if not isinstance(entry, Mapping):
            wrong.append(f"a name or a mapping for each model; entry {number} is {form_of(entry)}")
            continue
        entries.append({key: content for key, content in entry.items() if key not in OWN})
        own.append(_own(number, entry, wrong))
    if wrong:
        # The other keys are judged too, where no entry is left out, which would change the numbers.
        wrong += _errors(entries) if len(entries) == len(value) else []
        raise ValueError("; ".join(wrong))
    served = parse_served(entries)
    gone = [model.where for model in served if model.state == ABSENT]
    if gone:
        raise ValueError(
            f"models that are to be there; {', '.join(gone)} is absent, and a model without an entry is extra on its"
            " hosts (ollama_models_extra)"
        )
    return tuple(FleetModel(model, entry, **more) for model, entry, more in zip(served, entries, own))


def _errors(entries: list[Any]) -> list[str]:
    try:
        parse_served(entries)
    except ValueError as error:
        return [str(error)]
    return []


def _own(number: int, entry: Mapping[str, Any], wrong: list[str]) -> dict[str, Any]:
    """What an entry says beyond one of ollama_models; what is not allowed is added to ``wrong``."""
    known, found = load().options["fleet_models"].fields, {}
    name = entry.get("name")
    where = f"entry {number}{f' ({name[:_LONGEST_NAME]})' if isinstance(name, str) else ''}"
    for key in OWN:
        value = entry.get(key)
        if value is None:
            continue
        try:
            found[key] = _needs(value) if key == "needs" else _plain(known[key], value)
        except ValueError as error:
            shown = quoted(value) if isinstance(value, str) else form_of(value)
            shown = str(value) if isinstance(value, int) and not isinstance(value, bool) else shown
            wrong.append(f"{error} as {key}; in {where} it is {shown}")
    return found


def _plain(option: Any, value: object) -> object:  # noqa: ANN401 - an option
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            return read(option, value)
        except ValueError:
            pass
    raise ValueError(allowed(option))


def _needs(value: object) -> ReferenceModel:
    if not isinstance(value, Mapping) or "name" in value:
        raise ValueError(load().types["needs"])
    # The name is only there to be read as an entry of ollama_reference_models.
    (model,) = parse_models([{**value, "name": "numbers"}])
    return model


def parse_placement(value: object) -> dict[str, tuple[str, ...]]:
    """The hosts of each model by key_of() its name; ValueError says what is allowed, and all that is not that."""
    if not isinstance(value, Mapping):
        raise ValueError(load().types["fleet_placement"])
    wrong: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    for name, hosts in value.items():
        shown = quoted(str(name)[:_LONGEST_NAME])
        try:
            shortest(name if isinstance(name, str) else "")
        except ValueError:
            wrong.append(f"models' names such as llama3.2:3b, unlike {shown}")
            continue
        if not isinstance(hosts, (list, tuple)):
            wrong.append(f"a list of inventory names for each model; that of {shown} is {form_of(hosts)}")
            continue
        bad = [host for host in hosts if not (isinstance(host, str) and _HOST.fullmatch(host))]
        twice = sorted({host for host in hosts if isinstance(host, str) and hosts.count(host) > 1})
        wrong += [f"inventory names; {shown} has {quoted(str(host)[:_LONGEST_NAME])}" for host in bad]
        wrong += [f"each host once; {shown} has {host} more than once" for host in twice if host not in bad]
        if key_of(name) in found:
            wrong.append(f"each model once; {shown} is there twice")
        found[key_of(name)] = tuple(str(host) for host in hosts)
    if wrong:
        raise ValueError("; ".join(wrong))
    return found
