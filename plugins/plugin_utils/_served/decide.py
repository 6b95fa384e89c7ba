# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does with the models of a host: ``ollama_models`` and what its servers have in; steps and refusals out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.role import of_fleet
from ansible_collections.inference.ollama.plugins.plugin_utils._models.emptied import emptied
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, listed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.capacity import KEEP
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import environment
from ansible_collections.inference.ollama.plugins.plugin_utils._served.checks import (
    file_errors,
    keep_errors,
    keep_notices,
    room_errors,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._served.memory import loads_now
from ansible_collections.inference.ollama.plugins.plugin_utils._served.servers import (
    kept,
    servers_of,
    together,
    union,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._served.steps import (
    CREATE,
    PULL,
    REMOVE,
    Files,
    extra_names,
    file_of,
    steps_of,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import entries_of, listed_instances

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._served.servers import Server
    from ansible_collections.inference.ollama.plugins.plugin_utils._served.steps import Step
    from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import ServedModel

# How long a model stays where the server's environment does not say (envconfig/config.go@0.32.15).
_KEEP_ALIVE = "5m"
_REMOVE_EXTRA = "remove"
_VERBS = {PULL: "pulled", CREATE: "created", REMOVE: "removed"}
# The options of the module model that an entry has under the same name.
_SAME = ("digest", "source", "insecure", "base", "parameters", "template", "system", "update")


def is_wanted(options: Mapping[str, Any]) -> bool:
    """Whether a variable of the role, or an instance's, says anything of models.

    The fleet's models say of a host that has none of them that none is there any more.
    """
    named = options.get("models") or options.get("fleet_models")
    return bool(named) or any(entry.get("models") for entry in listed_instances(options))


def wants_memory(options: Mapping[str, Any]) -> bool:
    """Whether a model is to stay in memory, so that what is there has to be read."""
    return any(isinstance(entry, Mapping) and entry.get("keep") for entry in entries_of(options))


def files_to_send(options: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """The files of the controller that are named, each with the sum that its entry gives."""
    found: dict[str, str | None] = {}
    for entry in entries_of(options):
        path = entry.get("file") if isinstance(entry, Mapping) else None
        if isinstance(path, str) and path:
            found[path] = found.get(path) or entry.get("sha256")
    return list(found.items())


def verified_with(
    plan: Mapping[str, Any], options: Mapping[str, Any], brought: Mapping[str, Any] | None
) -> dict[str, str]:
    """Return the model by which each unit is verified: a derived one, else ollama_verify_model; none without either."""
    derived, asked = (brought or {}).get("verify") or {}, str(options.get("verify_model") or "")
    named = {each["unit"]: derived.get(each["unit"]) or asked for each in plan["instances"]}
    return {unit: name for unit, name in named.items() if name}


def blob_sizes(read: Mapping[str, Any]) -> set[int] | None:
    """The bytes of the files of all models that models_info has read; None where a file of any size may be one's."""
    records = [record for record in read.get("models") or () if isinstance(record, Mapping)]
    if any(map(file_of, records)):
        return None
    return {file["size_bytes"] for record in records for file in record.get("files") or () if file.get("size_bytes")}


def served(
    plan: Mapping[str, Any],
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    store_of: Callable[[str], str | None],
    read: Mapping[str, Any] | None,
) -> tuple[dict[str, Any] | None, list[str], list[str]]:
    """``{steps, early, loads, memory, verify, extra}``, refusals and notices; None where nothing is wanted or read.

    ``store_of`` gives the store by the name of an instance, ``read`` is what models_info returned, with
    ``service``, which service_info did, and ``files`` of the controller by their path. The steps are options of the
    module model, with what the role needs beside them; docs: the module desired_state.
    """
    if read is None or not is_wanted(options):
        return None, [], []
    servers, files, service = servers_of(plan, options, store_of), Files(read.get("files") or {}), read.get("service")
    errors = list(keep_errors(plan, servers))
    notices: list[str] = []
    steps: list[dict[str, Any]] = []
    extra: dict[str, list[str]] = {}
    records_of: dict[str, Mapping[str, Any]] = {}
    stores = together(servers)
    remove = options.get("models_extra") == _REMOVE_EXTRA
    for sharing in stores:
        wanted, wrong = union(sharing)
        errors += [*wrong, *file_errors(wanted, files)]
        store, records = _records(read, sharing[0].store, only=len(stores) == 1)
        if store is not None and store.get("readable") is False:
            errors.append(
                f"ollama_models: the store {store['path']} cannot be read, so what it has is not known; run as root"
            )
            continue
        names = extra_names(records, wanted, _used(options))
        if not wanted and options.get("fleet_models"):
            # Models are left alone where none is wanted, but for those of the fleet, which have moved away.
            names = of_fleet(options, names)
        known = wanted or options.get("fleet_models")
        if names:
            extra[str((store or {}).get("path") or sharing[0].store)] = names
        found = steps_of(wanted, records, files, names if remove and known else ())
        errors += room_errors(store, found, files)
        steps += [_call(step, sharing[0], files) for step in found]
        records_of.update(records)
    if extra and not remove:
        beyond = "ollama_models and its part of ollama_fleet_models" if options.get("fleet_models") else "ollama_models"
        notices += [f"the store {path} has {listed(names)} beyond {beyond}" for path, names in extra.items()]
    if wants_memory(options):
        free, _held = emptied(topology, _loaded(service))
        notices += keep_notices(plan, free, servers, records_of)
    verify = _verified(servers, options)
    early = _needed(steps, [*verify.values(), *_proofs(options)])
    return (
        {
            "steps": [step for step in steps if step not in early],
            "early": early,
            "loads": loads_now(servers, service),
            "memory": [
                {
                    "unit": server.unit,
                    "url": server.url,
                    "keep_alive": environment(plan, server.name).get(KEEP) or _KEEP_ALIVE,
                    "keep": [model.name for model in kept(server)],
                    "warm_up": [model.name for model in kept(server, warm_up=True) if not model.keep],
                }
                for server in servers
            ],
            "verify": {
                unit: name for unit, name in verify.items() if key_of(name) in records_of or _comes(name, steps)
            },
            "extra": extra,
        },
        errors,
        notices,
    )


def has_work(brought: Mapping[str, Any] | None) -> bool:
    """Whether anything is done with models."""
    return any((brought or {}).get(key) for key in ("steps", "early", "loads"))


def askable(brought: dict[str, Any] | None, running: Iterable[str]) -> dict[str, Any] | None:
    """The same with whether the server of each step answers in a dry run, too: it runs, and as it will then."""
    if brought is None:
        return None
    units = set(running)
    return {
        **brought,
        **{key: [{**step, "askable": step["unit"] in units} for step in brought[key]] for key in ("steps", "early")},
    }


def _records(
    read: Mapping[str, Any], path: str | None, *, only: bool
) -> tuple[Mapping[str, Any] | None, dict[str, Mapping[str, Any]]]:
    """The store at a path, which may begin with ``~USER``, and its records by name; None where none was read."""
    stores = [store for store in read.get("stores") or () if isinstance(store, Mapping)]
    stores = [store for store in stores if only or _is_at(str(store.get("path")), path)]
    paths = {store.get("path") for store in stores}
    models = [record for record in read.get("models") or () if isinstance(record, Mapping)]
    records = [record for record in models if record.get("source") == "store"]
    found = {key_of(str(record["name"])): record for record in records if record.get("store") in paths}
    return (stores[0] if stores else None), found


def _is_at(path: str, wanted: str | None) -> bool:
    text = str(wanted)
    return path == text or (text.startswith("~") and path.endswith(text[text.find("/") :]))


def _used(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that other variables of the role need."""
    yield from _proofs(options)
    for entry in (options, *listed_instances(options)):
        named = entry.get("reference_models")
        yield from (name for name in named if isinstance(name, str)) if isinstance(named, (list, tuple)) else ()


def _proofs(options: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(options[name]) for name in ("verify_model", "benchmark_model") if options.get(name))


def _verified(servers: Iterable[Server], options: Mapping[str, Any]) -> dict[str, str]:
    """The derived model by the unit that is verified with it: that of ollama_verify_model, else the first one."""
    asked, found = str(options.get("verify_model") or ""), {}
    for server in servers:
        twins = [twin.name for name, twin in server.twins.items() if not asked or key_of(name) == key_of(asked)]
        if twins:
            found[server.unit] = twins[0]
    return found


def _needed(steps: Sequence[dict[str, Any]], names: Iterable[str]) -> list[dict[str, Any]]:
    """The steps that bring these models, and their bases before them."""
    keys = {key_of(name) for name in names}
    for _each in steps:
        keys |= {key_of(step["base"]) for step in steps if step["base"] and key_of(step["name"]) in keys}
    return [step for step in steps if key_of(step["name"]) in keys and step["state"] != REMOVE]


def _comes(name: str, steps: Iterable[Mapping[str, Any]]) -> bool:
    return any(step["state"] != REMOVE and key_of(step["name"]) == key_of(name) for step in steps)


def _loaded(service: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    instances = ((service or {}).get("service") or {}).get("instances") or []
    return [model for each in instances for model in (each.get("api") or {}).get("models") or []]


def _call(step: Step, server: Server, files: Files) -> dict[str, Any]:
    """A step as the role takes it: options of the module model, the unit, and what a dry run says."""
    model: ServedModel = step.model
    said = {name: getattr(model, name) or None for name in _SAME} if step.state != REMOVE else dict.fromkeys(_SAME)
    return {
        "name": model.name,
        "state": step.state,
        "unit": server.unit,
        "url": server.url,
        **said,
        "file": files.path(model),
        "file_url": model.url,
        "file_sha256": files.sha256(model),
        "would": f"{model.name} would be {_VERBS[step.state]}: {step.why}",
    }
