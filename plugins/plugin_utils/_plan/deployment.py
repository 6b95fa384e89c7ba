# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what a server runs: a program that systemd starts, or a container of Podman or Docker, and what that needs.

Sources: docs/policy.md, rules D1 to D4; docs/containers.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import GENERATED
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import PODMAN, engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import (
    ALL,
    AMD,
    CPUS,
    IMAGE,
    MOUNTED,
    NVIDIA,
    SECRETS_FILE,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import CONTAINER, DIRECTIVE, VARIABLE
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# The home of a server in a container: its key, and its store where ollama_models_path names no other one.
HOME, _STATE = "/var/lib/ollama", "ollama"
_REFERENCE = re.compile(r"(?P<name>.+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]*))?@(?P<digest>sha256:[0-9a-f]{64})")
# Tags of Ollama's images: a release, and behind it what the image is for (0.34.1, 0.34.1-rocm, 0.34.0-rc2).
_TAG = re.compile(r"(?P<release>[0-9]+(?:\.[0-9]+){1,3}(?:-rc[0-9]+)?)(?:-[a-z][a-z0-9]*)*")


def release_of_image(image: str) -> Release | None:
    """Return the release that the tag of a reference names; None where it names none."""
    found = _REFERENCE.fullmatch(image)
    tag = _TAG.fullmatch(found["tag"] or "") if found else None
    try:
        return parse_release(tag["release"]) if tag else None
    except OllamaError:
        return None


def by_digest(image: str) -> str:
    """Return the reference without its tag, which engines do not all take beside a digest."""
    found = _REFERENCE.fullmatch(image)
    return f"{found['name']}@{found['digest']}" if found else image


def topology_with(topology: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the topology with the unit and the release of a deployment in containers, as they will be.

    ``options`` are the role's variables without their prefix; what is wrong with them is refused elsewhere.
    """
    engine = engine_of(options.get("deployment"))
    if engine is None:
        return topology
    software = dict(topology.get("software") or {})
    before = (software.get("ollama") or {}).get("unit") or {}
    named = options.get("version")
    tagged = release_of_image(str(options.get("image") or ""))
    unit = {
        "name": before.get("name") or "ollama.service",
        "path": before.get("path"),
        # The user of the container's first process, and of the engine that starts it.
        "user": "root",
        "group": "root",
        "home": HOME,
        "home_unknown": None,
        "home_links": [],
        "slice": before.get("slice"),
        "dropins": list(before.get("dropins") or ()),
        "active": before.get("active", False),
        "environment_files": [],
        "wrapped_command": None,
    }
    version = named if named not in (None, "", "auto") else tagged
    software["ollama"] = {"binary": None, "version": None if version is None else str(version), "unit": unit}
    return {**topology, "software": software}


def found_of(found: Mapping[str, Any] | None, options: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what was found of the unit (``found_unit`` of unit_files_info) that a container can be given: variables.

    Directives of other files hold the engine and not the server. A unit that an engine's generator has made is the
    role's own, or is read as a container.
    """
    if found is None or engine_of(options.get("deployment")) is None:
        return found
    if str(found.get("path") or "").startswith(f"{GENERATED}/"):
        return None
    variables = {name: {**each, "from_file": False} for name, each in found["variables"].items()}
    # No file of the unit comes after that of the container.
    return {**found, "settings": [], "dropins": [], "variables": variables}


def check(host: Planning) -> None:
    """Note an error where the image and the deployment do not go together, or the image's release is not known."""
    engine, image = engine_of(host.policy.deployment), host.policy.image
    if engine is None:
        if image:
            host.error(
                "ollama_image: there is no container for it with ollama_deployment: systemd; set ollama_deployment:"
                " podman or docker, or leave ollama_image out"
            )
        return
    if not image and any(error.startswith("ollama_image:") for error in host.notes.errors):
        return
    if not image:
        host.error(
            f"ollama_image: {engine} needs the image to run, by its digest, such as"
            " docker.io/ollama/ollama:0.34.1@sha256:...; skopeo inspect docker://docker.io/ollama/ollama:0.34.1 prints"
            " it as Digest"
        )
    elif host.release is None:
        host.error(
            f"ollama_version: the tag of ollama_image, {image}, names no release, and no other part of the image does;"
            " write the tag before the digest, as in docker.io/ollama/ollama:0.34.1@sha256:..., or set ollama_version"
        )
    if host.policy.binary_path is not None:
        host.error(
            f"ollama_binary_path: {host.policy.binary_path!r} is a program of the host, and {engine} runs that of the"
            " image; leave ollama_binary_path on auto"
        )
    if host.policy.bind_method == "numactl":
        host.error(
            "ollama_bind_method: 'numactl' is not allowed with a container, whose image has no numactl; affinity or"
            " auto bind it by its control group"
        )


def contain(planning: Planning) -> None:
    """Decide on the image, the folders and the cards of one server's container; nothing without an engine."""
    if engine_of(planning.policy.deployment) is None or not planning.policy.image:
        return
    image = planning.policy.image
    reason = f"ollama_image is {image}; the digest names the very bytes that run, which a tag does not"
    planning.record(CONTAINER, IMAGE, by_digest(image), OPERATOR, reason)
    folders = [HOME]
    store = planning.policy.models_path
    if store is not None and not f"{store}/".startswith(f"{HOME}/"):
        folders.append(store)
    for folder in folders:
        if re.search("[:,]", folder):
            planning.error(
                f"ollama_models_path: {folder!r} holds a colon or a comma, by which engines divide the options of a"
                " volume; choose a path without one"
            )
    reason = "the server's home with its key, and the store; at the same paths inside as outside, so that both agree"
    planning.record(CONTAINER, MOUNTED, folders, POLICY if len(folders) == 1 else OPERATOR, reason)
    _cards(planning)
    if planning.policy.secret_environment or planning.policy.api_key:
        reason = "the engine hands the variables of this file on to the server, by their names alone"
        planning.record(CONTAINER, SECRETS_FILE, planning.policy.secrets_path, OPERATOR, reason)


def _cards(planning: Planning) -> None:
    nvidia = [gpu for gpu in planning.gpus if gpu.maker.cuda]
    if nvidia:
        uuids = [gpu.uuid for gpu in nvidia]
        here = [gpu for gpu in planning.machine.gpus if gpu.maker.cuda and gpu.answers is not False]
        named = str(planning.written().get("CUDA_VISIBLE_DEVICES") or "GPU-").split(",")
        by_uuid = all(uuids) and all(name.startswith(("GPU-", "MIG-")) for name in named)
        if not by_uuid or (len(nvidia) == len(here) and not any(gpu.partition for gpu in nvidia)):
            value: str | list[str] = ALL
            reason = "all NVIDIA GPUs, by the names that the Container Device Interface (CDI) has for them"
        else:
            value = [str(uuid) for uuid in uuids]
            reason = f"{len(nvidia)} of {len(here)} NVIDIA GPU(s), by UUID, since an index is another card inside"
        planning.record(CONTAINER, NVIDIA, value, POLICY, reason)
    if any(gpu.vendor == "amd" for gpu in planning.gpus):
        reason = "AMD's cards are reached by /dev/kfd and /dev/dri; variables choose among them"
        planning.record(CONTAINER, AMD, "true", POLICY, reason)


def home(planning: Planning) -> None:
    """Decide on HOME and on the folder that it is, where a container has no home of its own that outlives it."""
    engine = engine_of(planning.policy.deployment)
    if engine is None:
        return
    reason = "the server's home outlives the container there: its key, and its store unless ollama_models_path is set"
    planning.record(VARIABLE, "HOME", HOME, POLICY, reason)
    planning.record(DIRECTIVE, "StateDirectory", _STATE, POLICY, f"makes {HOME} before the first start")
    if engine == PODMAN:
        reason = "an image that somebody has removed is fetched again at the start"
        planning.record(DIRECTIVE, "TimeoutStartSec", 900, POLICY, reason)


def confine(planning: Planning, cpus: CpuSet | None, owner: str) -> None:
    """Decide on AllowedCPUs=, by which a container is bound: its control group lies in that of the unit."""
    value, reason = None, "not set: nothing is bound by it"
    if cpus is not None:
        value = str(cpus)
        reason = (
            f"binds the container to {owner} CPUs by its control group; CPUAffinity= would bind the engine, and a"
            " runtime may set back what the container inherits of that"
        )
    planning.record(DIRECTIVE, CPUS, value, POLICY, reason)
