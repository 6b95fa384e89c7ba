# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a plan needs, which are left of an earlier one, and which services a change concerns.

Paths of drop-ins after systemd.unit(5): ``UNIT.d/NAME.conf`` below the administrator's folder.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    CONTAINER_SUFFIX,
    CONTAINERS_FOLDER,
    DOCKER_FOLDER,
    DOCKER_SUFFIX,
    HEADER,
    UNITS_FOLDER,
    unit_of_container,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import ABOUT
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import DOCKER, PODMAN
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Folders of drop-ins that can be ours; a copy of one of our files elsewhere is somebody's own. Only what the first
# pattern names is ever stopped: a slice takes everything in it along.
_DROPINS = re.compile(r"(ollama(?:@[^/]+)?\.service)\.d")
_WHOLE = re.compile(r"ollama(?:@[^/]+)?\.service")
_SLICE_DROPINS = re.compile(r"[^/-]+\.slice\.d")


def is_ours(text: str) -> bool:
    """Whether the role has written this text."""
    return any(line.startswith((HEADER, ABOUT)) for line in text.splitlines())


def unit_files(plan: Mapping[str, Any], dropin_name: str, root: str = "") -> list[dict[str, str | None]]:
    """``{path, unit, instance}`` of every file of units that the plan asks for, the template unit and the slice first.

    ``instance`` is None for these two. Of an instance in a container its file comes before the drop-in, and
    of one of Docker a whole unit too.
    ``root`` stands before each path.
    """
    files: list[dict[str, str | None]] = []
    if plan.get("template"):
        unit = plan["template"]["unit"]
        files.append({"path": f"{root}{UNITS_FOLDER}/{unit}", "unit": unit, "instance": None})
    if plan.get("slice"):
        unit = plan["slice"]
        files.append({"path": f"{root}{UNITS_FOLDER}/{unit}.d/{dropin_name}", "unit": unit, "instance": None})
    for instance in plan["instances"]:
        unit = instance["unit"]
        if plan.get("deployment") == PODMAN:
            path = f"{root}{CONTAINERS_FOLDER}/{unit.removesuffix('.service')}{CONTAINER_SUFFIX}"
            files.append({"path": path, "unit": unit, "instance": instance["name"]})
        if plan.get("deployment") == DOCKER:
            paths = (f"{root}{DOCKER_FOLDER}/{unit}.json", f"{root}{UNITS_FOLDER}/{unit}")
            files += [{"path": path, "unit": unit, "instance": instance["name"]} for path in paths]
        path = f"{root}{UNITS_FOLDER}/{unit}.d/{dropin_name}"
        files.append({"path": path, "unit": unit, "instance": instance["name"]})
    return files


def kept_name(path: str) -> str:
    """Where a drop-in of somebody else stays whose place the role's takes: systemd reads it just before that one."""
    return f"{path.removesuffix('.conf')}-found.conf"


def foreign_dropins(files: Iterable[Mapping[str, Any]], there: Iterable[str], ours: Iterable[str]) -> list[str]:
    """The paths of planned drop-ins where somebody else's file is, in the order of ``files``, of unit_files()."""
    others = set(there) - set(ours)
    return [str(file["path"]) for file in files if file["path"] in others and str(file["path"]).endswith(".conf")]


def stale_files(
    plan: Mapping[str, Any], files: Iterable[Mapping[str, Any]], ours: Iterable[str], links: Iterable[str] = ()
) -> dict[str, list[str]]:
    """What a host has of other plans: ``{units, files, folders}``, each sorted.

    ``files`` is what unit_files() gave, ``ours`` the paths of files on the host that carry the role's header, ``links``
    those by which instances of our template unit are started at boot. ``units`` are to be stopped and disabled,
    ``files`` removed, and ``folders`` are those of drop-ins that may be empty then.
    """
    wanted = {file["path"] for file in files}
    kept = {posixpath.dirname(path) for path in wanted}
    planned = {instance["unit"] for instance in plan["instances"]}
    units = {posixpath.basename(link) for link in links} - planned
    old, folders = [], set()
    for path in sorted(set(ours) - wanted):
        folder = posixpath.dirname(path)
        if path.endswith((CONTAINER_SUFFIX, DOCKER_SUFFIX)):
            old.append(path)
            units |= {unit_of_container(path)} - planned
            continue
        if _WHOLE.fullmatch(posixpath.basename(path)):
            # The role writes such a unit for a container of Docker alone.
            old.append(path)
            units |= {posixpath.basename(path)} - planned
            continue
        name = posixpath.basename(folder)
        match = _DROPINS.fullmatch(name)
        is_dropin = match is not None or _SLICE_DROPINS.fullmatch(name) is not None
        if not is_dropin and posixpath.basename(path) != TEMPLATE:
            continue
        old.append(path)
        if is_dropin and folder not in kept:
            folders.add(folder)
            units |= {match[1]} - planned - {SINGLE} if match else set()
    if plan.get("template") or (plan.get("deployment") in (PODMAN, DOCKER) and SINGLE not in planned):
        # It holds the port that the first instance takes.
        units.add(SINGLE)
    return {"units": sorted(units), "files": old, "folders": sorted(folders)}


def containers_of(paths: Iterable[str]) -> set[str]:
    """Return the units whose containers are described by files among these, for either engine."""
    return {unit_of_container(path) for path in paths if path.endswith((CONTAINER_SUFFIX, DOCKER_SUFFIX))}


def changed_units(plan: Mapping[str, Any], changes: Iterable[str], *, everywhere: bool) -> list[str]:
    """The planned units that a restart is due for, in the plan's order.

    ``changes`` are paths. A changed drop-in concerns its own unit, the template unit all of its instances; a change
    ``everywhere``, such as that of the secrets, concerns all.
    """
    paths = list(changes)
    names = {posixpath.basename(posixpath.dirname(path)).removesuffix(".d") for path in paths}
    names |= containers_of(paths)
    if plan.get("deployment") in (PODMAN, DOCKER):
        names |= {posixpath.basename(path) for path in paths if _WHOLE.fullmatch(posixpath.basename(path))}
    if any(posixpath.basename(path) == TEMPLATE for path in paths):
        names |= {instance["unit"] for instance in plan["instances"] if instance["unit"] != SINGLE}
    return [instance["unit"] for instance in plan["instances"] if everywhere or instance["unit"] in names]
