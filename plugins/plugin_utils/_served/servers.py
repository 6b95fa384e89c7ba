# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server is to have which models, in which store: servers that share a store share what is pulled.

A model with the plan's compute threads is derived where the release takes no number of threads (docs/served.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of
from ansible_collections.inference.ollama.plugins.plugin_utils._options import read
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import ServedModel, parse_served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

THREADS, PARAMETER = "LLAMA_ARG_THREADS", "num_thread"
# What stands at the end of a derived model's tag, and how long a tag may be (types/model/name.go@0.32.15).
_END, _LONGEST_TAG = "threads", 80


class Server(NamedTuple):
    """A server of the plan. ``store`` is None where no unit says whose it is; ``twins`` are derived models by name."""

    name: str
    unit: str
    url: str
    store: str | None
    models: tuple[ServedModel, ...]
    twins: Mapping[str, ServedModel]


def servers_of(
    plan: Mapping[str, Any], options: Mapping[str, Any], store_of: Callable[[str], str | None]
) -> list[Server]:
    """Return the servers of a plan with what each is to have; ``store_of`` gives the store by the instance's name.

    The options are right: the plan was made with them.
    """
    instances = plan["instances"]
    listed = options.get("instances")
    own = listed if isinstance(listed, (list, tuple)) and len(listed) == len(instances) else [{}] * len(instances)
    found = []
    for instance, entry in zip(instances, own):
        said = entry.get("models") if isinstance(entry, Mapping) else None
        models = parse_served(options.get("models") or [] if said is None else said)
        store = store_of(instance["name"])
        found.append(Server(instance["name"], instance["unit"], instance["url"], store, models, {}))
    return _with_twins(found, plan, options)


def derives(release: str | None, options: Mapping[str, Any]) -> bool:
    """Whether models with the number of threads are derived: asked for, and the release needs it."""
    try:
        if release is None or not read(load().options["derive_threads"], options.get("derive_threads")):
            return False
        return not load().acts(THREADS, parse_release(release))
    except (OllamaError, ValueError):
        # What is refused elsewhere asks for nothing.
        return False


def twin_name(name: str, server: str = "") -> str:
    """The name of the derived model, with the server's where several need different ones."""
    model, _colon, tag = name.rpartition(":")
    end = f"-{_END}{f'-{server}' if server else ''}"
    return f"{model}:{tag[: _LONGEST_TAG - len(end)]}{end}"


def _with_twins(servers: list[Server], plan: Mapping[str, Any], options: Mapping[str, Any]) -> list[Server]:
    if not derives(plan["release"], options):
        return servers
    threads = {server.name: views.placement(plan, server.name).get("compute_threads") for server in servers}
    made = []
    for server in servers:
        number = threads[server.name]
        beside = {threads[other.name] for other in servers if other.store == server.store}
        twins = {
            model.name: ServedModel(
                model.number,
                twin_name(model.name, server.name if len(beside) > 1 else ""),
                base=model.name,
                parameters={PARAMETER: number},
                keep=model.keep,
                warm_up=model.warm_up,
            )
            for model in server.models
            if number is not None and model.present and PARAMETER not in model.parameters
        }
        # What clients are to ask for stays in memory, and not the model beside it.
        models = tuple(_plain(model) if model.name in twins else model for model in server.models)
        made.append(server._replace(models=models, twins=twins))
    return made


def _plain(model: ServedModel) -> ServedModel:
    return replace(model, keep=False, warm_up=False)


def together(servers: Iterable[Server]) -> list[list[Server]]:
    """Return the servers by the store that they share, in their order."""
    found: dict[str | None, list[Server]] = {}
    for server in servers:
        found.setdefault(server.store, []).append(server)
    return list(found.values())


def union(servers: Iterable[Server]) -> tuple[list[ServedModel], list[str]]:
    """Return what a store is to have for all of its servers, each model once, and where they want different things."""
    models: dict[str, tuple[Server, ServedModel]] = {}
    wrong: list[str] = []
    for server in servers:
        for model in (*server.models, *server.twins.values()):
            other, first = models.setdefault(key_of(model.name), (server, model))
            if different := model.differs(first):
                wrong.append(
                    f"ollama_models: {server.name} and {other.name} share the store {server.store}, and want another"
                    f" {' and '.join(different)} of {model.name}; allowed is one model for a name, or a store for each"
                    " (ollama_models_path)"
                )
    return [model for _server, model in models.values()], list(dict.fromkeys(wrong))


def kept(server: Server, *, warm_up: bool = False) -> Iterator[ServedModel]:
    """Yield the models that are to stay in a server's memory, or with ``warm_up`` those to load after a restart."""
    for model in (*server.models, *server.twins.values()):
        if model.present and (model.keep or (warm_up and model.warm_up)):
            yield model
