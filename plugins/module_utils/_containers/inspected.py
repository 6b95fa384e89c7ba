# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer of ``podman container inspect`` or ``docker container inspect`` as a container.

Engine API 1.43, "ContainerInspect"; podman-inspect(1). Any part may be missing or of another type.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List

from ansible_collections.inference.ollama.plugins.module_utils._containers.form import (
    ALL,
    GREATEST,
    MOST,
    UNLIMITED,
    add_device,
    add_nvidia,
    apply_options,
    digest_of,
    empty,
    label_of,
)
from ansible_collections.inference.ollama.plugins.module_utils._places import DOCKER_LABEL
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

_LONGEST = 4096
# Of the options by which a container of Podman was made, those that its answer shows in no other place.
_OF_COMMAND = ("--device", "--gpus")
_NONE = ("none", "void", "")
QUADLET_UNIT = "PODMAN_SYSTEMD_UNIT"
_COMPOSE = ("com.docker.compose.", "io.podman.compose.")


def text(part: object, *names: str) -> str | None:
    """A text in nested mappings; None for an empty one, and for anything else."""
    found = inner(part, *names)
    return one_line(found, _LONGEST) or None if isinstance(found, str) else None


def number(part: object, *names: str) -> int | None:
    """A whole number in nested mappings; None for 0, and for anything else."""
    found = inner(part, *names)
    right = isinstance(found, int) and not isinstance(found, bool) and -GREATEST <= found <= GREATEST
    return found or None if right and isinstance(found, int) else None


def words(part: object, *names: str) -> List[str]:
    """A list of texts in nested mappings; a text alone is a list of it, anything else is left out."""
    found = inner(part, *names)
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [one_line(each, _LONGEST) for each in listed[:MOST] if isinstance(each, str) and each]


def inner(part: object, *names: str) -> object:
    """What nested mappings have under these names; None where one of them has none."""
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part


def mappings(part: object, *names: str) -> List[Dict[str, Any]]:
    """The mappings of a list in nested mappings."""
    found = inner(part, *names)
    return [each for each in found[:MOST] if isinstance(each, dict)] if isinstance(found, list) else []


def variables(lines: List[str]) -> Dict[str, str]:
    """The variables of a list of ``NAME=value``; a name alone has no value."""
    return {name: value for name, _equals, value in (line.partition("=") for line in lines) if name}


def container(answer: Dict[str, Any], engine: str) -> Dict[str, Any]:
    """The container of one answer, secrets and all: whoever asks hides them."""
    found, host = empty(), inner(answer, "HostConfig")
    image = text(answer, "ImageName") or text(answer, "Config", "Image")
    found.update(
        name=(text(answer, "Name") or "").lstrip("/") or None,
        engine=engine,
        id=text(answer, "Id"),
        image_id=text(answer, "Image"),
        state=text(answer, "State", "Status"),
        main_pid=number(answer, "State", "Pid"),
        image=image,
        image_digest=digest_of(image) or _digest(text(answer, "ImageDigest")),
        environment=variables(words(answer, "Config", "Env")),
        command=[*words(answer, "Config", "Entrypoint"), *words(answer, "Config", "Cmd")],
        mounts=[_mount(each) for each in mappings(answer, "Mounts") if text(each, "Destination")],
        cpus=text(host, "CpusetCpus"),
        memory_nodes=text(host, "CpusetMems"),
        cpu_quota=_quota(host),
        memory_max_bytes=number(host, "Memory"),
        oom_score_adjust=number(host, "OomScoreAdj"),
        network=text(host, "NetworkMode"),
        restart=text(host, "RestartPolicy", "Name"),
        ports=_ports(answer),
    )
    for each in mappings(host, "Ulimits"):
        name = (text(each, "Name") or "").lower().replace("rlimit_", "")
        soft = inner(each, "Soft")
        if name in found["limits"] and isinstance(soft, int):
            found["limits"][name] = UNLIMITED if soft < 0 or soft > GREATEST else soft
    _devices(found, host, words(answer, "Config", "CreateCommand"))
    _labels(found, inner(answer, "Config", "Labels"))
    return found


def _digest(said: str | None) -> str | None:
    return said if said and re.fullmatch("sha256:[0-9a-f]{64}", said) else None


def _mount(each: Dict[str, Any]) -> Dict[str, Any]:
    mode = (text(each, "Mode") or "").split(",")
    return {
        "source": text(each, "Source"),
        "target": text(each, "Destination"),
        "volume": text(each, "Name") if text(each, "Type") == "volume" else None,
        "read_only": inner(each, "RW") is False,
        "label": label_of(mode),
    }


def _quota(host: object) -> float | None:
    whole, part, period = number(host, "NanoCpus"), number(host, "CpuQuota"), number(host, "CpuPeriod")
    if whole and whole > 0:
        return whole / 1e9
    # The kernel's own period is 100 ms.
    return part / (period if period and period > 0 else 100_000) if part and part > 0 else None


def _ports(answer: Dict[str, Any]) -> List[Dict[str, Any]]:
    """What is published; where no port of the host was asked for, the one that the engine has taken."""
    asked, taken = inner(answer, "HostConfig", "PortBindings"), inner(answer, "NetworkSettings", "Ports")
    names = [str(each) for part in (asked, taken) if isinstance(part, dict) for each in list(part)[:MOST]]
    found = []
    for name in dict.fromkeys(names):
        match = re.fullmatch("([0-9]{1,5})(?:/tcp)?", name)
        rows = mappings(asked, name)
        if not all(_port(row) for row in rows) or not rows:
            # One row for each family of addresses.
            rows = list({_port(row): row for row in mappings(taken, name)[::-1]}.values()) or rows
        for row in rows if match else []:
            inside = int(match[1]) if match else 0
            found.append({"address": text(row, "HostIp") or "", "port": _port(row), "container_port": inside})
    return found[:MOST]


def _port(row: Dict[str, Any]) -> int | None:
    said = text(row, "HostPort") or ""
    return int(said) or None if re.fullmatch("[0-9]{1,5}", said) else None


def _devices(found: Dict[str, Any], host: object, made: List[str]) -> None:
    for each in mappings(host, "Devices"):
        add_device(found, text(each, "PathOnHost") or "")
    for each in mappings(host, "DeviceRequests"):
        _request(found, each)
    named = found["environment"].get("NVIDIA_VISIBLE_DEVICES", "")
    if text(host, "Runtime") == "nvidia" and named not in _NONE:
        # nvidia-container-toolkit, "Specialized Configurations with Docker".
        add_nvidia(found, named.split(","))
    if inner(host, "Privileged") is True:
        found["devices"]["amd"] = True
    for place, word in enumerate(made):
        if word.partition("=")[0] in _OF_COMMAND:
            apply_options(found, made[place : place + (1 if "=" in word else 2)])


def _request(found: Dict[str, Any], each: Dict[str, Any]) -> None:
    ids, count = words(each, "DeviceIDs"), inner(each, "Count")
    if text(each, "Driver") == "cdi":
        for word in ids:
            add_device(found, word)
    elif ids or count == -1:
        add_nvidia(found, ids or [ALL])
    elif isinstance(count, int) and 0 < count < MOST:
        add_nvidia(found, map(str, range(count)))


def _labels(found: Dict[str, Any], labels: object) -> None:
    unit = text(labels, QUADLET_UNIT)
    found["unit"] = unit if unit and re.fullmatch(r"[\w:.@\\-]{1,255}", unit) else None
    found["ours"] = text(labels, DOCKER_LABEL) is not None
    prefix = next((each for each in _COMPOSE if text(labels, f"{each}project")), None)
    found["manager"] = found["engine"]
    if prefix is not None:
        found["manager"] = "compose"
        found["project"] = text(labels, f"{prefix}project")
        found["service"] = text(labels, f"{_COMPOSE[0]}service")
        files = (text(labels, f"{_COMPOSE[0]}project.config_files") or "").split(",")
        folder = text(labels, f"{_COMPOSE[0]}project.working_dir") or ""
        found["files"] = [each if each.startswith("/") else f"{folder}/{each}" for each in files if each][:20]
