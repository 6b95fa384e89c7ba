# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with containers that somebody else has made: environment, cards, CPUs, image, store, address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Assignment, Service
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting
from ansible_collections.inference.ollama.plugins.plugin_utils import _lint_cpus as cpus
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import is_loopback
from ansible_collections.inference.ollama.plugins.plugin_utils._combinations import locks_memory
from ansible_collections.inference.ollama.plugins.plugin_utils._container.found import (
    addresses,
    is_nameless,
    own_variables,
    pinned,
    release_of,
    store_inside,
    store_mount,
    title,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import CODES, lint
from ansible_collections.inference.ollama.plugins.plugin_utils._lint_commands import launched
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_finding import UnitFinding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

CONTAINER_CODES = CODES | {
    "binding-without-threads",
    "container-unread",
    "exposed",
    "gpu-not-given",
    "image-without-digest",
    "memlock-missing",
    "quota-below-one-cpu",
    "store-in-container",
    "threads-oversubscribed",
    "threads-throttled",
    "unused-memlock",
}
# What the options of engines are called that do what directives of a unit do.
_OPTIONS = {"AllowedCPUs": "--cpuset-cpus", "CPUQuota": "--cpus", "LimitMEMLOCK": "--ulimit memlock"}
_QUOTA_REMEDY = "leave it out, or give as many CPUs as the server is to have physical cores"
_NVIDIA = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_AMD = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "HSA_OVERRIDE_GFX_VERSION")
_NO_CARD = ("", "-1", "none", "void")
_GIVE_NVIDIA = {
    "docker": "start it with --gpus all (Compose: deploy.resources.reservations.devices), for which NVIDIA's container"
    " toolkit is installed",
    "podman": "start it with --device nvidia.com/gpu=all (Quadlet: AddDevice=nvidia.com/gpu=all), for which nvidia-ctk"
    " cdi generate has written the cards' description",
}
_GIVE_AMD = "give it --device /dev/kfd --device /dev/dri, and take the image with the tag rocm"


def lint_containers(found: Mapping[str, Any], release: Release | None) -> list[UnitFinding]:
    """Return the findings on what containers_info has found, container by container.

    Without a release, that of a container is what the tag of its image names. None holds the value of a secret.
    """
    findings = [
        UnitFinding("containers", 0, "", "advice", "container-unread", problem, "run as root, and mend what it names")
        for problem in found["problems"]
    ]
    for container in (each for each in found["containers"] if not each["ours"]):
        findings += _one(container, found["cards"], release or release_of(container))
    return findings


def _one(container: Mapping[str, Any], cards: Mapping[str, Any], release: Release | None) -> Iterator[UnitFinding]:
    place = title(container)
    yield from _environment(container, place, release)
    yield from _resources(container, place, release)
    for name, severity, code, message, remedy in (
        *_locks(container),
        *_cards(container, cards),
        *_image(container),
        *_store(container),
        *_exposed(container),
    ):
        yield UnitFinding(place, 0, name, severity, code, message, remedy)


def _environment(container: Mapping[str, Any], place: str, release: Release | None) -> Iterator[UnitFinding]:
    # What an image sets is its maker's, and right for it; what is set beside it may still not go with it.
    own = own_variables(container)
    known = {name: value for name, value in container["environment"].items() if value is not None}
    for finding in lint(known, release):
        if finding.name in own and finding.name not in _NVIDIA[1:]:
            yield UnitFinding(place, 0, *finding)
    # Podman shows a container to its owner alone, and what a file of root's alone gives it is where it belongs.
    if container["engine"] == "podman" and container["environment_files"]:
        return
    for name in container["secrets"]:
        who = "whoever may use Docker" if container["engine"] == "docker" else "whoever may read its file"
        yield UnitFinding(
            place,
            0,
            name,
            "fatal",
            "secret",
            f"it holds a secret, and {who} can read it",
            "let the role have it in ollama_secret_environment, or keep it in a file that root alone can read (mode"
            " 0600)",
        )


def _resources(container: Mapping[str, Any], place: str, release: Release | None) -> Iterator[UnitFinding]:
    """The rules for units, where options of an engine do the same."""
    quota, memlock = container["cpu_quota"], container["limits"]["memlock"]
    values = {
        "AllowedCPUs": container["cpus"],
        "CPUQuota": f"{quota * 100:.6g}%" if quota else None,
        "LimitMEMLOCK": str(memlock) if memlock is not None else None,
    }
    settings = [Setting(place, 0, "Service", name, value) for name, value in values.items() if value]
    variables = {name: value for name, value in container["environment"].items() if value is not None}
    service = Service(tuple(settings), {name: (Assignment(value, place, 0),) for name, value in variables.items()}, ())
    found = [
        *cpus.locked(service, release),
        *cpus.bound(service, launched(service), release),
        *cpus.crowded(service, release),
    ]
    for finding in found:
        name = _OPTIONS.get(finding.name, finding.name)
        remedy = _QUOTA_REMEDY if finding.code == "quota-below-one-cpu" else finding.remedy
        yield finding._replace(name=name, remedy=remedy)


_Parts = tuple[str, str, str, str, str]


def _locks(container: Mapping[str, Any]) -> Iterator[_Parts]:
    variables = {name: value for name, value in container["environment"].items() if value is not None}
    if locks_memory(variables, None) and container["limits"]["memlock"] is None:
        yield (
            "--ulimit memlock",
            "advice",
            "memlock-missing",
            "its variables ask for locked weights, and it sets no limit for that: the engine's own holds, often 8 MiB",
            "start it with --ulimit memlock=-1:-1 (Compose: ulimits, Quadlet: Ulimit=), or leave the locking out",
        )


def _cards(container: Mapping[str, Any], cards: Mapping[str, Any]) -> Iterator[_Parts]:
    own, given = own_variables(container), container["devices"]
    rocm = "rocm" in (container["image"] or "").rpartition("/")[2]
    hidden = container["environment"].get(_NVIDIA[0]) == "-1"
    for vendor, names, by_image, remedy in (
        ("nvidia", _NVIDIA, False, _GIVE_NVIDIA[container["engine"]]),
        ("amd", _AMD, rocm, _GIVE_AMD),
    ):
        asked = [name for name in names if own.get(name, "") not in _NO_CARD]
        label = {"nvidia": "NVIDIA", "amd": "AMD"}[vendor]
        if given[vendor]:
            continue
        if asked or by_image:
            what = asked[0] if asked else "image"
            message = f"it asks for cards of {label}, and the container is given none, so that models run on CPUs"
            yield what, "inert", "gpu-not-given", message, remedy
        elif cards.get(vendor) and not given["nvidia"] and not given["amd"] and not hidden:
            message = f"the host has cards of {label}, and the container is given none, so that models run on CPUs"
            yield "devices", "advice", "gpu-not-given", message, remedy


def _image(container: Mapping[str, Any]) -> Iterator[_Parts]:
    image = container["image"]
    if not image or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2] or "latest"
    what = "whatever is the newest then" if tag == "latest" else f"whatever has the tag {tag} then"
    known = pinned(container)
    yield (
        "image",
        "advice",
        "image-without-digest",
        f"{image} has no digest, so that the next one who makes this container gets {what}",
        f"name what runs now: {known}" if known else "name the digest too, as in NAME@sha256:...",
    )


def _store(container: Mapping[str, Any]) -> Iterator[_Parts]:
    mount, path = store_mount(container), store_inside(container)
    how = "mount a folder of the host or a named volume there"
    if mount is None:
        message = f"models lie in {path} in the container's own layer, and are lost with the container"
        yield "OLLAMA_MODELS", "advice", "store-in-container", message, how
    elif is_nameless(mount):
        message = f"models lie in a volume without a name, which no other container finds again, at {mount['target']}"
        yield "OLLAMA_MODELS", "advice", "store-in-container", message, how


def _exposed(container: Mapping[str, Any]) -> Iterator[_Parts]:
    for address, port in addresses(container):
        if is_loopback(address):
            continue
        message = (
            f"port {port} of {address} can be reached by other hosts, and no Ollama release checks a key on requests"
        )
        if container["engine"] == "docker" and container["network"] != "host":
            message += "; Docker lets published ports in before the rules of ufw and firewalld see them"
        yield (
            "OLLAMA_HOST" if container["network"] == "host" else "--publish",
            "advice",
            "exposed",
            message,
            f"publish 127.0.0.1:{port} behind a reverse proxy that authenticates"
            if container["network"] != "host"
            else "listen on 127.0.0.1 behind a reverse proxy that authenticates",
        )
