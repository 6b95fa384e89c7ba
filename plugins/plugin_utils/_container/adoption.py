# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the role takes over a container that somebody else has made: by which variables, what is left, in which steps."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import is_loopback
from ansible_collections.inference.ollama.plugins.plugin_utils._container.found import (
    HOST,
    MODELS,
    addresses,
    own_variables,
    pinned,
    release_of,
    store_inside,
    store_mount,
    store_outside,
    title,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# Engines and images set these by themselves.
_OF_ENGINE = frozenset({"container", "HOME", "HOSTNAME", "LD_LIBRARY_PATH", "PATH", "TERM"})
_OF_RUNTIME = ("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES")
_BEFORE = "before"


def container_variables(container: Mapping[str, Any], release: Release | None = None) -> dict[str, Any]:
    """Return ``{container, variables, left, steps}`` (docs: the filter container_variables)."""
    variables: dict[str, Any] = {"ollama_deployment": container["engine"]}
    left: list[dict[str, str]] = []
    image = pinned(container)
    if image:
        variables["ollama_image"] = image
    else:
        left.append(_left("ollama_image", _digest_command(container)))
    for part in (_address(container), _store(container)):
        for name, value, why in part:
            if value is not None:
                variables[name] = value
            if why:
                left.append(_left(name, why))
    _environment(container, release or release_of(container), variables, left)
    _limits(container, variables, left)
    return {"container": title(container), "variables": variables, "left": left, "steps": steps(container)}


def steps(container: Mapping[str, Any]) -> list[str]:
    """Return the commands that take the container out of the way and keep it, so that it can come back."""
    name, engine = shlex.quote(str(container["name"])), container["engine"]
    old = shlex.quote(f"{container['name']}-{_BEFORE}")
    if container["manager"] == "quadlet":
        path = str(container["path"])
        user = " --user" if container["user"] else ""
        return [
            f"systemctl{user} stop {shlex.quote(str(container['unit']))}",
            f"mv {shlex.quote(path)} {shlex.quote(f'{path}.{_BEFORE}')}",
            f"systemctl{user} daemon-reload",
        ]
    stop = [f"systemctl disable --now {shlex.quote(container['unit'])}"] if container["unit"] else []
    if engine == "docker":
        stop.append(f"docker update --restart=no {name}")
    stop += [f"{engine} stop {name}", f"{engine} rename {name} {old}"]
    if container["manager"] == "compose":
        file = next(iter(container["files"]), "its file")
        stop.append(f"take the service {container['service'] or container['name']} out of {file}")
    return stop


def _left(name: str, why: str) -> dict[str, str]:
    return {"name": name, "why": why}


def _digest_command(container: Mapping[str, Any]) -> str:
    image = shlex.quote(str(container["image"] or "IMAGE"))
    return (
        f"the digest of its image is not known; {container['engine']} image inspect --format"
        f" '{{{{index .RepoDigests 0}}}}' {image} prints it"
    )


def _address(container: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    found = addresses(container)
    if not found:
        yield "ollama_host", None, "none of its ports is published, so that other containers alone reach it"
    for address, port in found[:1]:
        yield "ollama_host", f"[{address}]:{port}" if ":" in address else f"{address}:{port}", None
        if not is_loopback(address):
            yield "ollama_exposure", None, f"{address} is reached by other hosts: say what guards it"
    for address, port in found[1:]:
        yield "ollama_host", None, f"it is published at port {port} of {address} too, and a server has one address"


def _store(container: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    path, mount, inside = store_outside(container), store_mount(container), store_inside(container)
    name = "ollama_models_path"
    if path is not None and mount is not None:
        why = "the folder is a volume of the engine's, which goes with the volume; ollama_models_path moves the models"
        yield name, path, why if mount["volume"] is not None else None
        if mount["read_only"]:
            yield name, None, "the container may not write there, and a server of the role does"
    elif mount is not None:
        volume = shlex.quote(str(mount["volume"]))
        command = f"{container['engine']} volume inspect --format '{{{{.Mountpoint}}}}' {volume}"
        yield name, None, f"the folder of the volume {mount['volume']} is not known; {command} prints it"
    else:
        copy = f"{container['engine']} cp {shlex.quote(str(container['name']))}:{inside}/. FOLDER"
        yield name, None, f"models lie in the container's own layer; {copy} copies them out"


def _environment(
    container: Mapping[str, Any], release: Release | None, variables: dict[str, Any], left: list[dict[str, str]]
) -> None:
    own = {name: value for name, value in own_variables(container).items() if name not in {*_OF_ENGINE, HOST, MODELS}}
    left += [_left(name, "it is a secret: put it into ollama_secret_environment") for name in container["secrets"]]
    wrong = {each.name: each for each in lint(own, release) if each.severity != "advice" or each.code == "malformed"}
    further: dict[str, str] = {}
    for name, value in own.items():
        key = load().named.get(name)
        if name in _OF_RUNTIME:
            left.append(_left(name, "it is for the engine; the role gives a server the cards of the plan"))
        elif name in wrong:
            left.append(_left(name, f"{wrong[name].message}; {wrong[name].remedy}"))
        elif key is None:
            further[name] = value
        else:
            parsed, problems = parse({key: value})
            if problems or getattr(parsed, key) is None:
                why = problems[0].partition(": ")[2] if problems else f"{value!r} leaves it open"
                left.append(_left(name, f"{why}; the rules decide unless ollama_{key} does"))
            else:
                variables[f"ollama_{key}"] = value
    if further:
        variables["ollama_environment"] = further


def _limits(container: Mapping[str, Any], variables: dict[str, Any], left: list[dict[str, str]]) -> None:
    cards = container["devices"]["nvidia"]
    if isinstance(cards, list) and cards:
        variables.setdefault("ollama_cuda_visible_devices", ",".join(cards))
    for name, value in (
        ("oom_score_adjust", container["oom_score_adjust"]),
        ("limit_nofile", container["limits"]["nofile"]),
    ):
        if value is not None and not option_errors({name: value}):
            variables[f"ollama_{name}"] = value
        elif value is not None:
            left.append(_left(f"ollama_{name}", f"{value} is not what the role takes; the rules decide"))
    for name, value, why in (
        (
            "cpus",
            container["cpus"],
            "the plan binds servers to NUMA nodes; ollama_numa_node and ollama_instances say which",
        ),
        ("memory_nodes", container["memory_nodes"], "memory comes from the node of the CPUs as long as it has any"),
        ("cpu_quota", container["cpu_quota"], "a quota makes a server stand still; the plan shares CPUs by weight"),
        (
            "memory_max_bytes",
            container["memory_max_bytes"],
            "a server that reaches it is killed; the plan reckons instead",
        ),
    ):
        if value is not None:
            left.append(_left(name, f"{value} is not taken over: {why}"))
