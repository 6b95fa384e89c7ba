# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host cannot run the containers of a plan: a sentence each, with what to do.

``engine`` is what the module engine_info has found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import GENERATED
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import MODULE
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import PODMAN, engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import ALL, form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# The first release with Quadlet.
SINCE = (4, 4)
NVIDIA = "nvidia.com/gpu"
_GENERATE = "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"


def engine_errors(
    options: Mapping[str, Any], engine: Mapping[str, Any] | None, plan: Mapping[str, Any] | None
) -> Iterator[str]:
    """Yield why the host cannot run them; nothing where systemd starts the program, or nobody has looked."""
    name = engine_of(options.get("deployment"))
    if name is None or engine is None:
        return
    said = f"ollama_deployment: {name!r}"
    if engine["program"] is None:
        yield f"{said} needs {name}, and the host has none; install the package {name}, or set systemd"
        return
    if options.get("install") is True:
        yield f"{said} runs the program of an image, and ollama_install: true installs another one; leave one of them"
    if engine.get("image") and engine.get("image_there") is None and engine["problems"]:
        yield f"{said}: {name} could not be asked for the image: {'; '.join(engine['problems'])}; start it, as root can"
    if name == PODMAN:
        yield from _quadlet(engine, said)
        yield from _cards(engine, plan)
    else:
        yield from _docker(engine, plan, said)
    yield from _control_groups(engine, plan, said)


def _docker(engine: Mapping[str, Any], plan: Mapping[str, Any] | None, said: str) -> Iterator[str]:
    """Yield what the controller and the host lack to make containers by the module for Docker."""
    if not engine.get("module", True):
        yield (
            f"{said} makes containers by {MODULE}, which this Ansible has not; run ansible-galaxy collection install"
            " community.docker"
        )
    if not engine.get("requests", True):
        yield (
            f"{said} makes containers by {MODULE}, which needs the Python package requests on the host; install"
            " python3-requests there, for the interpreter of ansible_python_interpreter"
        )
    wanted = any(form["devices"]["nvidia"] for form in _forms(plan))
    if wanted and not engine.get("nvidia_hook", True) and not engine["cdi"].get(NVIDIA):
        yield (
            f"{said}: the container is to have NVIDIA GPUs, which Docker gives by nvidia-container-runtime-hook, and"
            " the host has none; install nvidia-container-toolkit and restart Docker"
        )


def uncontained(topology: Mapping[str, Any], engine: str | None, ours: Iterable[str] = ()) -> Iterator[str]:
    """Yield that the host's unit is a container's, where systemd is to start a program by it.

    ``ours`` are the paths of files on the host that the role has written.
    """
    path = str((((topology.get("software") or {}).get("ollama") or {}).get("unit") or {}).get("path") or "")
    # The role writes a whole unit of this name for a container of Docker alone.
    of = "Podman" if path.startswith(f"{GENERATED}/") else "Docker" if path in ours else None
    if engine is None and of is not None:
        yield (
            f"ollama_deployment: 'systemd' sets up a program that {SINGLE} starts, and {path} is made of a container of"
            f" {of}, which no variable of the unit reaches. Allowed is {of.lower()}, with ollama_image; or take the"
            " container away first, by the playbook inference.ollama.remove, and install Ollama"
        )


def _quadlet(engine: Mapping[str, Any], said: str) -> Iterator[str]:
    numbers = tuple(map(int, re.findall("[0-9]+", engine["version"] or "")[:2]))
    if engine["version"] is None:
        yield f"{said}: the release of podman could not be read: {'; '.join(engine['problems'])}"
    elif numbers < SINCE:
        yield (
            f"{said} needs Podman 4.4 or later, the first with Quadlet, and the host has {engine['version']}; upgrade"
            " it, or set systemd"
        )
    elif engine["generator"] is None:
        yield (
            f"{said} needs podman-system-generator, by which systemd makes units of Quadlet's files, and the host has"
            " none; on some distributions it is the package podman-quadlet"
        )
    elif engine["cgroup_version"] != 2:
        yield (
            f"{said} needs control groups of version 2, in which the unit's group holds the container's; boot with"
            " systemd.unified_cgroup_hierarchy=1, or set systemd"
        )


def _control_groups(engine: Mapping[str, Any], plan: Mapping[str, Any] | None, said: str) -> Iterator[str]:
    bound = [form["cpus"] for form in _forms(plan) if form["cpus"] is not None]
    if bound and engine["controllers"] is not None and "cpuset" not in engine["controllers"]:
        yield (
            f"{said}: the plan binds a container to CPUs {bound[0]} by its control group, and those of this host have"
            " no controller cpuset; let the kernel have it, or set ollama_numa_node: none and ollama_instances: single"
        )


def _cards(engine: Mapping[str, Any], plan: Mapping[str, Any] | None) -> Iterator[str]:
    known = engine["cdi"].get(NVIDIA)
    wanted = [form["devices"]["nvidia"] for form in _forms(plan)]
    if any(wanted) and not known:
        yield (
            "ollama_deployment: the container is to have NVIDIA GPUs, and no file in /etc/cdi or /run/cdi names them;"
            f" install nvidia-container-toolkit and run {_GENERATE}"
        )
        return
    missing = [uuid for uuids in wanted if uuids != ALL for uuid in uuids if uuid not in (known or ())]
    if missing:
        yield (
            f"ollama_deployment: the Container Device Interface has no NVIDIA GPU {', '.join(missing)} but"
            f" {', '.join(known or ())}; run {_GENERATE} --device-name-strategy=index --device-name-strategy=uuid"
        )


def _forms(plan: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    found = (form_of(plan, each["name"]) for each in plan["instances"]) if plan else ()
    return [form for form in found if form is not None]
