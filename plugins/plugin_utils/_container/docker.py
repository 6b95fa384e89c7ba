# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's container as the arguments of the module community.docker.docker_container, and as the file that has them.

Names and types after the documentation of that module in community.docker 4.8. The file is what drift, differences and
restores are about: Docker itself keeps no file that anybody may write.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import DOCKER_FOLDER, DOCKER_LABEL, HEADER
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULE = "community.docker.docker_container"
SCHEMA = 1
_ABOUT = f"{HEADER.removeprefix('# ')} the container of this server, as the arguments of {MODULE}."
_LABELS = {"shared": "z", "private": "Z"}
# The first is the group's and the second the group of all cards (Documentation/gpu of the kernel).
_AMD = ("/dev/kfd", "/dev/dri")
# Docker starts a container at boot by its policy alone, and leaves one alone that an operator has stopped by hand.
_RESTART, _NEVER = "unless-stopped", "no"
# Without it a variable or a mount that is no longer planned would stay.
_STRICT = ("command", "device_requests", "devices", "env", "ulimits", "volumes")


def container_path(unit: str, root: str = "") -> str:
    """Return the path of the file with the container of a unit."""
    return f"{root}{DOCKER_FOLDER}/{unit}.json"


def arguments(form: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """Return the arguments for the container of a unit, ``state`` and secrets left out; what is not limited is missing.

    ``form`` is what form_of() returned.
    """
    limits, devices, memory = form["limits"], form["devices"], form["memory_max_bytes"]
    said = {
        "name": form["name"],
        "image": form["image"],
        "env": {name: str(value) for name, value in sorted(form["environment"].items())},
        "command": list(form["command"]),
        "network_mode": form["network"],
        "volumes": [_volume(each) for each in form["mounts"]],
        "device_requests": _requests(devices["nvidia"]),
        "devices": [f"{path}:{path}:rwm" for path in _AMD] if devices["amd"] else None,
        "cpuset_cpus": form["cpus"],
        "cpuset_mems": form["memory_nodes"],
        "ulimits": [_ulimit(name, limits[name]) for name in ("memlock", "nofile") if limits[name] is not None] or None,
        "memory": None if memory is None else f"{memory}B",
        "oom_score_adj": form["oom_score_adjust"],
        "restart_policy": _NEVER if form["restart"] == _NEVER else _RESTART,
        "security_opts": ["no-new-privileges"],
        "labels": {DOCKER_LABEL: unit},
        "comparisons": dict.fromkeys(_STRICT, "strict"),
        "pull": "missing",
    }
    return {name: value for name, value in said.items() if value is not None}


def container_text(form: Mapping[str, Any], unit: str) -> str:
    """Return the text of the file with the container of a unit: the same for the same plan."""
    whole = {"about": _ABOUT, "schema": SCHEMA, "unit": unit, "secrets": list(form["secrets"])}
    return json.dumps({**whole, "container": arguments(form, unit)}, indent=2) + "\n"


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
