# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's container in the neutral form, which renderers write for one engine, and readers make of what they find.

A container's form is ``{name, image, environment, environment_file, secrets, command, mounts, devices, cpus,
memory_nodes, limits, memory_max_bytes, oom_score_adjust, network, restart}``. In it ``environment`` maps names to
values, ``secrets`` are the names of variables whose values ``environment_file`` has (an environment file of systemd),
``command`` is a list of words that follow the image's own entry point. Each of ``mounts`` is ``{source, target,
read_only, label}``, in which ``label`` is ``shared``, ``private`` or None: how SELinux labels what is mounted.
``devices`` is ``{nvidia, amd}``: ``all``, or a list of UUIDs or indexes, and a truth value. ``cpus`` and
``memory_nodes`` are kernel lists, ``limits`` is ``{memlock, nofile}``, each a number or ``infinity``. None is what is
not limited or not set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views

if TYPE_CHECKING:
    from collections.abc import Mapping

# Settings of a plan's decisions on a container, beside its variables and directives.
IMAGE, NVIDIA, AMD, MOUNTED, SECRETS_FILE = "image", "nvidia_devices", "amd_devices", "mounts", "environment_file"
# The control group of a unit holds the container's, so that these directives reach it.
CPUS, MEMORY_NODES = "AllowedCPUs", "AllowedMemoryNodes"
ALL = "all"
# The entry point of Ollama's images is the program.
COMMAND = ("serve",)


def container_name(unit: str) -> str:
    """Return the name of a unit's container: ``ollama@gpu0.service`` as ``ollama-gpu0``."""
    return unit.removesuffix(".service").replace("@", "-")


def form_of(plan: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return the container of one instance of a plan; None where the instance runs in none."""
    said, directives = views.container(plan, name), views.directives(plan, name)
    if not said:
        return None
    unit = next(str(each["unit"]) for each in plan["instances"] if each["name"] == name)
    return {
        "name": container_name(unit),
        "image": said[IMAGE],
        "environment": views.environment(plan, name),
        "environment_file": said.get(SECRETS_FILE),
        "secrets": list(views.secrets(plan, name)),
        "command": [*COMMAND],
        "mounts": [mount(path) for path in said.get(MOUNTED) or ()],
        "devices": {"nvidia": said.get(NVIDIA) or [], "amd": bool(said.get(AMD))},
        "cpus": directives.get(CPUS),
        "memory_nodes": directives.get(MEMORY_NODES),
        "limits": {"memlock": directives.get("LimitMEMLOCK"), "nofile": directives.get("LimitNOFILE")},
        "memory_max_bytes": None,
        "oom_score_adjust": directives.get("OOMScoreAdjust"),
        "network": "host",
        "restart": directives.get("Restart"),
    }


def mount(path: str) -> dict[str, Any]:
    """Return a folder of the host that the container has at the same path, and may write to."""
    return {"source": path, "target": path, "read_only": False, "label": "shared"}
