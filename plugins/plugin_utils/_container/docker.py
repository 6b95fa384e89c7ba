# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's container as the arguments of the module community.docker.docker_container, the file that has them, and
the unit that starts it.

Names and types after the documentation of that module in community.docker 4.8; docker-start(1), docker-stop(1). The
file is what drift, differences and restores are about: Docker itself keeps no file that anybody may write. The unit is
what systemd, and so everything of the role, knows the server by; it is the client, and the server runs beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    CLIENTS,
    DOCKER_FOLDER,
    DOCKER_HOST,
    DOCKER_LABEL,
    DOCKER_SUFFIX,
    HEADER,
)
from ansible_collections.inference.ollama.plugins.module_utils._systemd.environment_file import parse_environment_file
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import DOCKER
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import ALL, form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import directives

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MODULE = "community.docker.docker_container"
SCHEMA = 1
_ABOUT = f"{HEADER.removeprefix('# ')} the container of this server, as the arguments of {MODULE}."
# How its line begins in the file, which has no comments.
ABOUT = f'  "about": "{_ABOUT}'
_LABELS = {"shared": "z", "private": "Z"}
# The first is the group's and the second the group of all cards (Documentation/gpu of the kernel).
_AMD = ("/dev/kfd", "/dev/dri")
# Two who start the same container again would start it twice.
_BY_SYSTEMD = "no"
# Without it a variable or a mount that is no longer planned would stay.
_STRICT = ("command", "device_requests", "devices", "env", "ulimits", "volumes")
_CLIENT = " ".join(CLIENTS["docker"])
# How long a server may take to end before it is killed, in seconds; systemd waits longer.
_STOP_SECONDS = 30


def arguments(form: Mapping[str, Any], unit: str, parent: str | None = None) -> dict[str, Any]:
    """Return the arguments for the container of a unit, ``state`` and secrets left out; what is not limited is missing.

    ``form`` is what form_of() returned, ``parent`` the slice whose weight the container shares.
    """
    limits, devices, memory = form["limits"], form["devices"], form["memory_max_bytes"]
    said = {
        "name": form["name"],
        "docker_host": DOCKER_HOST,
        "image": form["image"],
        "env": {name: str(value) for name, value in sorted(form["environment"].items())},
        "command": list(form["command"]),
        "network_mode": form["network"],
        "volumes": [_volume(each) for each in form["mounts"]],
        "device_requests": _requests(devices["nvidia"]),
        "devices": [f"{path}:{path}:rwm" for path in _AMD] if devices["amd"] else None,
        "cgroup_parent": parent,
        "cpuset_cpus": form["cpus"],
        "cpuset_mems": form["memory_nodes"],
        "ulimits": [_ulimit(name, limits[name]) for name in ("memlock", "nofile") if limits[name] is not None] or None,
        "memory": None if memory is None else f"{memory}B",
        "oom_score_adj": form["oom_score_adjust"],
        "restart_policy": _BY_SYSTEMD,
        "security_opts": ["no-new-privileges"],
        "labels": {DOCKER_LABEL: unit},
        "comparisons": dict.fromkeys(_STRICT, "strict"),
        "pull": "missing",
    }
    return {name: value for name, value in said.items() if value is not None}


def container_text(plan: Mapping[str, Any], name: str) -> str:
    """Return the text of the file with the container of an instance: the same for the same plan."""
    made = container_of(plan, name)
    return json.dumps({"about": _ABOUT, "schema": SCHEMA, **made}, indent=2) + "\n"


def settings_of(text: str) -> dict[str, list[str]] | None:
    """Return what such a file sets: variables by their names, then arguments; None for any other text."""
    try:
        made = json.loads(text)["container"]
        variables = {str(name): [str(value)] for name, value in made["env"].items()}
        rest = {name: value for name, value in made.items() if name != "env"}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return {**variables, **{f"[Docker]{name}": [json.dumps(value)] for name, value in rest.items()}}


def container_of(plan: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return ``{unit, secrets, container}`` of an instance: its unit, names of secrets, and the arguments()."""
    unit = next(str(each["unit"]) for each in plan["instances"] if each["name"] == name)
    form = form_of(plan, name)
    if form is None:
        return {"unit": unit, "secrets": [], "container": {}}
    parent = directives(plan, name).get("Slice")
    return {"unit": unit, "secrets": list(form["secrets"]), "container": arguments(form, unit, parent)}


def containers(
    plan: Mapping[str, Any], found: Mapping[str, Any], due: Iterable[str], changed: Iterable[str]
) -> dict[str, Any]:
    """Return ``{made, gone}``: containers that are made before their units start, and the commands that remove others.

    ``made`` are those of the units that are ``due`` to start, as container_of() gives each, with ``recreate``, whether
    one of its name gives its place, as for ``changed`` units. ``found`` is what unit_files_info returned.
    """
    of_docker = plan.get("deployment") == DOCKER
    all_of = [container_of(plan, each["name"]) for each in plan["instances"]] if of_docker else []
    changed, due = set(changed), set(due)
    made = [{**each, "recreate": each["unit"] in changed} for each in all_of if each["container"]]
    names = {each["container"]["name"] for each in made}
    read = (found.get("containers") or {}).get("containers") or ()
    ours = [each["name"] for each in read if each["ours"] and each["engine"] == "docker"]
    return {
        "made": [each for each in made if each["unit"] in due],
        "gone": removals(name for name in ours if name not in names),
    }


def removals(names: Iterable[str]) -> list[list[str]]:
    """Return the command that removes each container; its unit has stopped it, or does not know of it any more."""
    return [[*CLIENTS["docker"], "rm", "--force", name] for name in names]


def of_texts(texts: Mapping[str, str | None], secrets: str = "") -> list[dict[str, Any]]:
    """Return the containers of files, by their paths, as they are made again after these were restored.

    Each is container_of() with ``recreate``, and in its environment the values that ``secrets``, the text of an
    environment file of systemd, has for the names of its secrets. A text that is no such file makes none.
    """
    files = [text for path, text in sorted(texts.items()) if text and path.endswith(DOCKER_SUFFIX)]
    known = {name: value for name, value, _line in parse_environment_file(secrets)}
    return [{**_read(text, known), "recreate": True} for text in files if settings_of(text) is not None]


def _read(text: str, known: Mapping[str, str]) -> dict[str, Any]:
    """Return container_of() of the text of a file, with the values of its secrets."""
    read = json.loads(text)
    names = [str(name) for name in read.get("secrets") or ()]
    env = {**read["container"]["env"], **{name: known[name] for name in names if name in known}}
    container = {"docker_host": DOCKER_HOST, **read["container"], "env": env}
    return {"unit": read.get("unit"), "secrets": names, "container": container}


def entries(plan: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the entries of the unit of an instance: ``{section, comment: [text, ...], lines: [text, ...]}``."""
    form = form_of(plan, name) or {"name": name}
    container = form["name"]
    unit = [
        f"Description=Ollama, server {name}, in a container of Docker",
        "Wants=network-online.target docker.service",
        "After=network-online.target docker.service",
        "PartOf=docker.service",
    ]
    service = [
        f"ExecStart={_CLIENT} start --attach {container}",
        f"ExecStop={_CLIENT} stop --time {_STOP_SECONDS} {container}",
        f"TimeoutStopSec={2 * _STOP_SECONDS}",
    ]
    why = [f"policy: the role makes the container by its file in {DOCKER_FOLDER}"]
    return [
        {"section": "Unit", "comment": [], "lines": unit},
        {"section": "Service", "comment": why, "lines": service},
        {"section": "Install", "comment": [], "lines": ["WantedBy=multi-user.target"]},
    ]


def _volume(mount: Mapping[str, Any]) -> str:
    options = ["ro"] if mount["read_only"] else []
    options += [_LABELS[mount["label"]]] if mount["label"] else []
    return ":".join([mount["source"], mount["target"], *([",".join(options)] if options else [])])


def _requests(nvidia: object) -> list[dict[str, Any]] | None:
    if not nvidia:
        return None
    which = (
        {"count": -1} if nvidia == ALL else {"device_ids": list(map(str, nvidia))} if isinstance(nvidia, list) else {}
    )
    return [{"driver": "nvidia", "capabilities": [["gpu"]], **which}]


def _ulimit(name: str, limit: object) -> str:
    value = -1 if limit == "infinity" else limit
    return f"{name}:{value}:{value}"
