# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server puts models that are loaded one after the other, and which of them have to go for it.

Sources: server/sched.go at 0.24.0, 0.30.0 and 0.32.15; docs/placement.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_attempt import (
    LAYOUT,
    LAYOUT_FOR_ALL,
    Attempt,
    by_fit,
    by_layout,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_graph import OWN_ENGINE
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import (
    Device,
    Host,
    Inputs,
    read_inputs,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_layout import RefusedError
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_result import (
    NOT,
    ON_CPU,
    ON_GPU,
    SCHEMA,
    Placed,
    device_entries,
    model_entry,
)

ESTIMATE, LAYOUT_NAME, FIT = "estimate", "layout", "fit"
# Models that a server holds for each card, or on a host without one, where OLLAMA_MAX_LOADED_MODELS is unset.
_FOR_EACH_CARD = 3
# Without these nobody can say where a model goes.
_NEEDED = ("layers", "size_bytes")


@dataclass(frozen=True)
class Resident:
    """A model in memory. ``place`` is its number in the list, ``path`` what the server sorts it by."""

    place: int
    name: str
    path: str
    found: Placed


def place(
    models: Sequence[Mapping[str, Any]], topology: Mapping[str, Any], settings: Mapping[str, Any], release: str
) -> dict[str, Any]:
    """The placement of models that are loaded in this order, schema 1 (plugins/filter/model_placement.yml).

    ``models`` are records of the module models_info, ``settings`` the environment of the server. Raises OllamaError
    where an argument is of another form.
    """
    if not isinstance(models, Sequence) or isinstance(models, str):
        raise OllamaError("models: expected the list that models_info returns")
    for record in models:
        if not isinstance(record, Mapping):
            raise OllamaError("models: expected records of models_info, and one of them is no mapping")
    return place_with(models, read_inputs(topology, settings, release))


def place_with(models: Sequence[Mapping[str, Any]], inputs: Inputs) -> dict[str, Any]:
    """The same with devices and settings that were read before, for those who ask about one server many times."""
    algorithm = FIT if inputs.fits_itself else LAYOUT_NAME if inputs.release >= LAYOUT else ESTIMATE
    warnings = [*inputs.warnings, *_approximations(inputs, models, algorithm)]
    residents: list[Resident] = []
    results: list[tuple[str, Placed, list[str]]] = []
    for number, record in enumerate(models):
        name = str(record.get("name") or f"model {number + 1}")
        loaded = next((other for other in residents if other.name == name), None)
        if loaded is not None:
            again = replace(loaded.found, reason=f"{name} is in memory already. {loaded.found.reason}")
            results.append((name, again, []))
            continue
        found, evicted, unsure = _load(record, inputs, residents)
        results.append((name, found, [other.name for other in evicted]))
        if unsure:
            warnings.append(
                f"which model goes for {name} depends on the paths of the files, which are not known; the first by name"
                " is taken"
            )
        if found.fits not in (NOT, None):
            residents.append(Resident(number, name, _path(record), found))
    return {
        "schema": SCHEMA,
        "release": str(inputs.release),
        "algorithm": algorithm,
        "devices": device_entries(inputs.devices, inputs.host, *_free(inputs, residents)),
        "models": [
            model_entry(name, found, inputs.devices, evicts, resident=_stays(name, found, residents))
            for name, found, evicts in results
        ],
        "warnings": list(dict.fromkeys(warnings)),
    }


def beside(record: Mapping[str, Any], inputs: Inputs, residents: Sequence[Resident]) -> Resident | None:
    """The model in memory beside those that are there, all of it on cards where the server has some; None where that
    is not so, where one of the others would have to go for it, or where its size is not known.
    """
    most = inputs.options.loaded or _FOR_EACH_CARD * max(1, len(inputs.devices))
    if len(residents) >= most or not all(record.get(key) for key in _NEEDED):
        return None
    cards, host = _free(inputs, residents)
    try:
        attempt = Attempt(record, inputs, tuple(cards), host, others=bool(residents))
        found = (by_fit if inputs.fits_itself else by_layout)(attempt)
    except RefusedError:
        return None
    wanted = ON_GPU if inputs.devices else ON_CPU
    return Resident(len(residents), str(record.get("name")), "", found) if found.fits == wanted else None


def _load(record: Mapping[str, Any], inputs: Inputs, residents: list[Resident]) -> tuple[Placed, list[Resident], bool]:
    """Where the model goes; those that had to go before, which are taken out of ``residents``; whether their order is a
    guess.
    """
    missing = [key for key in _NEEDED if not record.get(key)]
    if missing:
        text = " and ".join(key.replace("_bytes", "") for key in missing)
        return Placed(None, f"The model's {text} could not be read, so where it goes is not known."), [], False
    most = inputs.options.loaded or _FOR_EACH_CARD * max(1, len(inputs.devices))
    evicted: list[Resident] = []
    unsure = False
    while True:
        if len(residents) >= most:
            unsure |= _evict(residents, evicted)
            continue
        cards, host = _free(inputs, residents)
        attempt = Attempt(record, inputs, tuple(cards), host, others=bool(residents))
        try:
            return (by_fit if inputs.fits_itself else by_layout)(attempt), evicted, unsure
        except RefusedError as refusal:
            if refusal.evict and residents:
                unsure |= _evict(residents, evicted)
                continue
            reason = str(refusal)
            return Placed(NOT, f"{reason[0].upper()}{reason[1:]}."), evicted, unsure


def _evict(residents: list[Resident], evicted: list[Resident]) -> bool:
    """Unload the model that the server unloads first; whether that is a guess.

    Those that stay the shortest time go first, and here all stay as long; then the paths of their files decide.
    """
    first = min(residents, key=lambda other: (other.path or other.name, other.place))
    unsure = len(residents) > 1 and not all(other.path for other in residents)
    residents.remove(first)
    evicted.append(first)
    return unsure


def _path(record: Mapping[str, Any]) -> str:
    files = record.get("files") or ()
    return next((str(part["path"]) for part in files if part.get("role") == "model" and part.get("path")), "")


def _free(inputs: Inputs, residents: Sequence[Resident]) -> tuple[list[Device], Host]:
    """Cards and host with what is free beside the models in memory. A card that shares the host's memory has no more of
    it than the host.
    """
    used = [
        sum(other.found.cards[card].total for other in residents if card in other.found.cards)
        for card in range(len(inputs.devices))
    ]
    host, host_used = inputs.host, sum(other.found.host.total for other in residents)
    host_used += sum(device.shared(taken) for device, taken in zip(inputs.devices, used))
    if host.free is not None:
        host = replace(host, free=max(0, host.free - host_used))
    cards = []
    for device, taken in zip(inputs.devices, used):
        left = max(0, device.free - taken)
        if device.own is not None and host.free is not None:
            left = min(left, max(0, device.own - taken) + host.free)
        cards.append(replace(device, free=left, own=None if device.own is None else max(0, device.own - taken)))
    return cards, host


def _stays(name: str, found: Placed, residents: Sequence[Resident]) -> bool:
    return any(other.name == name and other.found.cards == found.cards for other in residents) and found.fits not in (
        NOT,
        None,
    )


def _approximations(inputs: Inputs, models: Sequence[Mapping[str, Any]], algorithm: str) -> list[str]:
    """A sentence where the release places models in a way that is not followed step by step here."""
    if algorithm == ESTIMATE:
        return [f"Ollama {inputs.release} places models by an estimate of its own, which is followed roughly"]
    if algorithm == FIT or inputs.release >= LAYOUT_FOR_ALL:
        return []
    others = [str(model.get("name")) for model in models if str(model.get("family")) not in OWN_ENGINE]
    if not others:
        return []
    said = f"Ollama {inputs.release} places models of llama.cpp's runner by an estimate of its own, followed roughly"
    return [f"{said}: {', '.join(others)}"]
