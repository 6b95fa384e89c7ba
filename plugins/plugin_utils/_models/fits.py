# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models are asked about, and on which servers of a host: the advice for a whole host as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models import names
from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import PARALLEL, advise
from ansible_collections.inference.ollama.plugins.plugin_utils._models.emptied import emptied
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import is_file
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import place_with
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import read_inputs
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import check_topology
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import parse_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel

# The version of the data's shape, documented in model_fit.yml.
SCHEMA = 1
VARIABLE = "ollama_fit_models"
PLAN, SERVER = "plan", "server"
# What a record must have to be placed.
_NEEDED = ("size_bytes", "layers")
_UNREAD = "what it takes is unknown, since its file could not be read"


class Server(NamedTuple):
    name: str
    topology: Mapping[str, Any]
    environment: Mapping[str, str]


def model_fit(
    read: Mapping[str, Any],
    topology: Mapping[str, Any],
    settings: Mapping[str, Any],
    release: str | None = None,
    wanted: Sequence[object] | None = None,
) -> dict[str, Any]:
    """``{schema, release, settings, servers, missing, problems}`` of a host; documented in model_fit.yml.

    ``read`` is ``{models, problems}`` of models_info, and ``loaded`` of service_info where it was read. ``settings`` is
    a plan or the environment of the only server.
    ``wanted`` are names, files and numbers as in ollama_fit_models; without any, all models are. Raises OllamaError
    where an argument is of another shape.
    """
    check_topology(topology)
    asked, missing = _asked(read["models"], wanted or [])
    unknown = [model for model in asked if any(not model.get(key) for key in _NEEDED)]
    missing += [{"name": str(model.get("name")), "reason": _UNREAD} for model in unknown]
    known = [model for model in asked if model not in unknown]
    missing, problems = _with_reasons(missing, [str(problem) for problem in read.get("problems") or ()])
    host, held = emptied(topology, read.get("loaded") or ())
    problems += held
    planned = "decisions" in settings
    made_for = release or (settings.get("release") if planned else None)
    if made_for is None:
        made_for = str(load().newest_known)
        problems.append(f"the release is unknown, and the models are placed as Ollama {made_for} does")
    return {
        "schema": SCHEMA,
        "release": made_for,
        "settings": PLAN if planned else SERVER,
        "servers": [
            {"name": server.name, "models": _advised(known, server, made_for)}
            for server in (planned_servers(host, settings) if planned else _only(host, settings))
        ],
        "missing": missing,
        "problems": problems,
    }


def _advised(models: Sequence[Mapping[str, Any]], server: Server, release: str) -> list[dict[str, Any]]:
    """The advice on each model; what the server has is read once for all questions, which differ in slots alone."""
    if not models:
        return []
    inputs = read_inputs(server.topology, server.environment, release)

    def place(
        records: Sequence[Mapping[str, Any]], _topology: object, settings: Mapping[str, str], _release: object
    ) -> dict[str, Any]:
        if settings is server.environment:
            return place_with(records, inputs)
        return place_with(records, replace(inputs, options=replace(inputs.options, parallel=int(settings[PARALLEL]))))

    return [advise(model, server.topology, server.environment, release, place) for model in models]


def stays(
    records: Sequence[Mapping[str, Any]], topology: Mapping[str, Any], plan: Mapping[str, Any], server: str
) -> list[str]:
    """Return the names of the models that are not in a server's memory once all were loaded, one after the other.

    Records of which nobody knows what they take, and a plan without a release, say nothing.
    """
    known = [record for record in records if all(record.get(key) for key in _NEEDED)]
    part = next((each for each in planned_servers(topology, plan) if each.name == server), None)
    if part is None or not plan.get("release"):
        return []
    placed = place_with(known, read_inputs(part.topology, part.environment, plan["release"]))["models"]
    return [str(entry["name"]) for entry in placed if entry["fits"] is not None and not entry["resident"]]


def _only(topology: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[Server]:
    yield Server("ollama", topology, {str(name): str(value) for name, value in environment.items()})


def planned_servers(topology: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[Server]:
    """Yield the servers of a plan, each with the facts that it sees and its environment."""
    for instance in plan["instances"]:
        name = instance["name"]
        part = topology if len(plan["instances"]) == 1 else _share(topology, instance)
        yield Server(name, part, views.environment(plan, name))


def _share(topology: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with that part of cards and memory which one of several servers has."""
    own = set(instance.get("gpus") or ())
    cards = [card for card in topology.get("gpus") or [] if own & {card.get("pci_bus_id"), card.get("uuid")}]
    limits, share = topology.get("allowed") or {}, instance.get("memory_bytes")
    known = [size for size in (limits.get("memory_bytes"), share) if size is not None]
    return {**topology, "gpus": cards, "allowed": {**limits, "memory_bytes": min(known) if known else None}}


def _asked(
    models: Sequence[Mapping[str, Any]], wanted: Sequence[object]
) -> tuple[list[Mapping[str, Any]], list[dict[str, str]]]:
    """The records that were asked for, and a sentence for each that is not there."""
    if not wanted:
        return list(models), []
    try:
        in_numbers = {model.name: model for model in parse_models(wanted)}
    except ValueError as error:
        raise OllamaError(f"{VARIABLE}: allowed is {error}") from error
    found: list[Mapping[str, Any]] = []
    missing: list[dict[str, str]] = []
    for entry in wanted:
        if isinstance(entry, Mapping):
            found.append(numbers_record(in_numbers[str(entry["name"])]))
            continue
        same = [model for model in models if is_model(model, str(entry))]
        found += same[:1]
        where = "it cannot be read on the controller" if is_file(str(entry)) else "the host's store does not have it"
        missing += [] if same else [{"name": str(entry), "reason": where}]
    return found, missing


def _with_reasons(
    missing: Sequence[Mapping[str, str]], problems: Sequence[str]
) -> tuple[list[dict[str, str]], list[str]]:
    """What the reader said of a model that is missing is the reason, and no problem beside it."""
    by_name = {entry["name"]: [text for text in problems if text.startswith(f"{entry['name']}: ")] for entry in missing}
    said = [text for texts in by_name.values() for text in texts]
    reasons = {name: "; ".join(text[len(name) + 2 :] for text in texts) for name, texts in by_name.items()}
    found = [{"name": entry["name"], "reason": reasons[entry["name"]] or entry["reason"]} for entry in missing]
    return found, [text for text in problems if text not in said]


def numbers_record(model: ReferenceModel) -> Mapping[str, Any]:
    """A model in numbers in the form of those that are read; its layers are of one kind, and share its bytes."""
    return {
        "name": model.name,
        "source": "numbers",
        "size_bytes": model.size_bytes,
        "layers": model.layers,
        "kv_heads": [model.kv_heads] * model.layers,
        "key_length": model.key_length,
        "value_length": model.value_length,
        "context_length": model.context_length,
        "family": model.family,
        "embedding_only": model.embeds,
    }


def is_model(model: Mapping[str, Any], wanted: str) -> bool:
    """Whether a record is the model of this name, or of this file of the controller."""
    if not is_file(wanted):
        return model.get("source") != "file" and names.same(str(model.get("name")), wanted)
    paths = [str(file.get("path")) for file in model.get("files") or []]
    return model.get("source") == "file" and any(path == wanted or path.endswith(f"/{wanted}") for path in paths)
