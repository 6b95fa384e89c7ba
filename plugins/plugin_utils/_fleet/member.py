# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a host to place models on it: the memory of its servers as if they held none, and what they have.

The memory is what the host has for models for good: what its cards and the host have, without what the system and other
programs take, in steps of a 64th, so that hosts of one kind look alike and the same from run to run.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import parse_fleet
from ansible_collections.inference.ollama.plugins.plugin_utils._models.emptied import emptied
from ansible_collections.inference.ollama.plugins.plugin_utils._models.fits import planned_servers
from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import RUNTIME_BYTES
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import budget, views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.capacity import PARALLEL
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import CONTEXT, LOADED
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import FleetModel

SCHEMA = 1
_STEPS, _LEAST_STEP = 64, 256 << 20
THREADS = "LLAMA_ARG_THREADS"
# On cards the plan holds as many models as fit.
_ANY_NUMBER = 512
# What a placement depends on; the rest tells hosts of one kind apart.
_CARD = (
    "vendor",
    "index",
    "name",
    "uuid",
    "pci_bus_id",
    "answers",
    "memory_bytes",
    "free_bytes",
    "shared_bytes",
    "compute_capability",
    "gfx_target",
    "integrated",
    "display_active",
    "driver",
    "mig",
)
_OF_NO_USE = ("modelfile", "store", "digest", "requires")
_LONGEST, _LONGEST_DOMAIN = 200, 100


def fleet_host(
    read: Mapping[str, Any], topology: Mapping[str, Any], plan: Mapping[str, Any], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """What placing models needs of a host, documented in fleet_host.yml.

    ``read`` is ``{models, problems}`` of models_info, with ``loaded``, the models of ``/api/ps``; ``variables`` are
    ``fleet_models``, ``models``, ``instances`` and ``objective`` of the role without their prefix, and ``domains``,
    the host's variables that name failure domains. Raises OllamaError where an argument is of another form.
    """
    try:
        wanted = parse_fleet(variables.get("fleet_models"))
    except ValueError as error:
        raise OllamaError(f"ollama_fleet_models: allowed is {error}") from None
    records = {key_of(str(each["name"])): each for each in read["models"] if each.get("source") == "store"}
    loaded = list(read.get("loaded") or ())
    problems = [one_line(str(problem), _LONGEST) for problem in read.get("problems") or ()]
    release = plan.get("release")
    machine = Machine(topology)
    servers: list[dict[str, Any]] = []
    if release is None:
        problems.append("no release of Ollama is known, so no model is placed here")
    elif machine.memory_bytes is None:
        problems.append("the host's memory could not be read, so no model is placed here")
    else:
        free = _without_models(topology, loaded)
        servers = [
            _server(part.topology, plan, part.name, variables)
            for part in planned_servers(_budgeted(free, loaded), plan)
        ]
    kept = list(_kept(variables))
    unknown = [name for name in kept if key_of(name) not in records]
    problems += [f"{name} is to stay in memory, and is not reckoned with until the store has it" for name in unknown]
    names = _names(wanted)
    return {
        "schema": SCHEMA,
        "kind": _digest([servers, release]),
        "release": release,
        "servers": servers,
        "fleet": _digest([str(model) + json.dumps(model.entry, default=str, sort_keys=True) for model in wanted]),
        "domains": {name: _domain(value) for name, value in dict(variables.get("domains") or {}).items()},
        "loaded": sorted({key_of(str(model.get("name"))) for model in loaded} & names),
        "stored": sorted(set(records) & names),
        "kept": [_slim(records[key_of(name)]) for name in kept if name not in unknown],
        "models": [_slim(record) for key, record in sorted(records.items()) if key in names],
        "problems": problems,
    }


def _names(wanted: Iterable[FleetModel]) -> set[str]:
    """The names whose records say what models of the fleet take: their own, those of bases and those of sources."""
    served = [model.served for model in wanted]
    return {key_of(name) for each in served for name in (each.name, each.base, each.source) if name}


def _kept(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the host's own models that stay in memory."""
    for entry in entries_of(variables):
        if not isinstance(entry, str) and entry.get("keep") and entry.get("name"):
            yield str(entry["name"])


def _slim(record: Mapping[str, Any]) -> dict[str, Any]:
    files = [{"role": file.get("role")} for file in record.get("files") or ()]
    return {**{key: value for key, value in record.items() if key not in _OF_NO_USE}, "files": files}


def _domain(value: object) -> str | None:
    """The name of a failure domain; None where the host names none."""
    return one_line(str(value), _LONGEST_DOMAIN) if value not in (None, "") else None


def _without_models(topology: Mapping[str, Any], loaded: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The facts with what models and their processes take of the cards given back."""
    held = [
        {**model, "size_vram_bytes": model["size_vram_bytes"] + RUNTIME_BYTES}
        for model in loaded
        if model.get("size_vram_bytes")
    ]
    return emptied(topology, held)[0]


def _budgeted(topology: Mapping[str, Any], loaded: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The facts that a placement depends on, with what is for models as what is free."""
    memory, machine = topology.get("memory") or {}, Machine(topology)
    total = machine.memory_bytes or 0
    on_host = sum(max(0, (model.get("size_bytes") or 0) - (model.get("size_vram_bytes") or 0)) for model in loaded)
    available = memory.get("available_bytes")
    others = 0 if available is None else (memory.get("total_bytes") or total) - available - on_host
    # As the plan divides it: a part for the system, an eighth for prompt caches.
    free = _stepped(total, max(others, budget.system_bytes(total)) + total // budget.CACHE_SHARE)
    return {
        "schema": topology["schema"],
        "cpu": {"architecture": machine.architecture},
        "memory": {"total_bytes": _stepped(total, 0), "available_bytes": free, "swap_free_bytes": 0},
        "gpus": None if topology.get("gpus") is None else [_card(card) for card in topology["gpus"]],
        "drivers": topology.get("drivers"),
        "virtualization": topology.get("virtualization"),
    }


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: card.get(key) for key in _CARD}
    total, free = card.get("memory_bytes"), card.get("free_bytes")
    if total is not None:
        made["free_bytes"] = _stepped(total, 0 if free is None else total - free)
    mig = card.get("mig") or {}
    if mig.get("instances"):
        # On which partition a model lies is not known, so that each is taken as if it held none.
        parts = [{**part, "free_bytes": _stepped(part.get("memory_bytes") or 0, 0)} for part in mig["instances"]]
        made["mig"] = {**mig, "instances": parts}
    return made


def _stepped(total: int, others: int) -> int:
    """Bytes that are left beside others, in whole steps."""
    # From a power of two, since what two hosts of one kind show differs by some pages.
    step = max(_LEAST_STEP, (1 << max(0, total.bit_length() - 1)) // _STEPS)
    return max(0, total - max(0, others)) // step * step


def _server(
    topology: Mapping[str, Any], plan: Mapping[str, Any], name: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Facts and environment of a server, without what tells it from others of its kind.

    The plan fills the memory with slots and tokens once it knows the models; before it does that, it plans so many
    slots and tokens for each (rule M1), which are reckoned with here. Numbers of the operator's own count as they are.
    """
    objective = str(variables.get("objective") or "balanced")
    steps = budget.STEPS.get(objective, budget.STEPS["balanced"])
    slots, tokens = steps[budget.COMFORT.get(objective, budget.COMFORT["balanced"])]
    limit = (topology.get("allowed") or {}).get("memory_bytes")
    if limit is not None:
        topology = {**topology, "allowed": {"memory_bytes": _stepped(limit, 0)}}
    own = {each["setting"]: each for each in views.decisions_of(plan, name) if each["value"] is not None}
    environment = views.environment(plan, name)
    for setting, value in ((PARALLEL, slots), (CONTEXT, tokens)):
        if setting in own and own[setting]["source"] in (POLICY, CONTRACT):
            environment[setting] = str(value)
    if own.get(LOADED, {}).get("source") != OPERATOR:
        environment[LOADED] = str(_most(plan, name, objective, on_cards=bool(topology.get("gpus"))))
    for own_path in ("OLLAMA_HOST", "OLLAMA_MODELS", "OLLAMA_KEEP_ALIVE", "OLLAMA_MAX_QUEUE", THREADS):
        environment.pop(own_path, None)
    made: dict[str, Any] = json.loads(_anonymous({"topology": topology, "environment": environment}))
    return made


def _most(plan: Mapping[str, Any], name: str, objective: str, *, on_cards: bool) -> int:
    """The models that a server may hold: on CPUs as many as can have a thread each (_plan/runners.py)."""
    if on_cards:
        return _ANY_NUMBER
    threads = views.placement(plan, name).get("compute_threads")
    if not threads or objective == "latency" or not load().acts(THREADS, parse_release(plan["release"])):
        return 1
    return int(threads)


def _anonymous(server: Mapping[str, Any]) -> str:
    """The server as JSON with cards numbered in the place of their UUIDs and addresses."""
    text = json.dumps(server, sort_keys=True, default=str)
    cards = server["topology"].get("gpus") or []
    parts = [part for card in cards for part in (card.get("mig") or {}).get("instances") or []]
    for kind, entries, key in (("MIG", parts, "uuid"), ("GPU", cards, "uuid"), ("PCI", cards, "pci_bus_id")):
        for number, entry in enumerate(entries):
            if entry.get(key):
                text = text.replace(str(entry[key]), f"{kind}-00000000-0000-4000-8000-{number:012x}")
    return text


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
