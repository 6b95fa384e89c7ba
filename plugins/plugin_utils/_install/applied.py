# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as it will be once a decided installation is switched to, for the plan to be made for that.

``install`` is what decide() returned. Each function returns its first argument where nothing is installed.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Dict

from ansible_collections.inference.ollama.plugins.module_utils._places import PROGRAM
from ansible_collections.inference.ollama.plugins.plugin_utils._install.unit import FOUND, UNIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    Install = Mapping[str, Any]

_NEW_UNIT: Dict[str, Any] = {"slice": None, "dropins": [], "active": False, "environment_files": []}


def is_decided(install: Install | None) -> bool:
    """Whether there is an installation whose release is known."""
    return bool(install and install.get("decided") and install.get("version") != "None")


def is_new(install: Install | None) -> bool:
    """Whether the host has no unit of Ollama yet."""
    return install is not None and is_decided(install) and install["unit"] is None


def switched(install: Install) -> list[str]:
    """The links that will lead elsewhere, and where a program is kept; nothing of an empty ``install``."""
    return [*install.get("changed_links", ()), *install.get("kept", {}).values()]


def topology_with(topology: Mapping[str, Any], install: Install | None) -> Mapping[str, Any]:
    """The topology with the release, the program and the unit that will be there."""
    if install is None or not is_decided(install):
        return topology
    software = dict(topology.get("software") or {})
    before = (software.get("ollama") or {}).get("unit") or {}
    dropins = list(before.get("dropins") or ())
    unit = {
        **_NEW_UNIT,
        **before,
        "name": posixpath.basename(UNIT),
        "path": UNIT,
        "user": install["user"],
        "group": install["group"],
        "home": install["account"]["home"],
        "home_unknown": None,
        "home_links": before.get("home_links") or [] if before.get("home") == install["account"]["home"] else [],
        "dropins": [*dropins, FOUND] if FOUND in install["texts"] and FOUND not in dropins else dropins,
        "wrapped_command": None,
    }
    software["ollama"] = {"binary": PROGRAM, "version": install["version"], "unit": unit}
    return {**topology, "software": software}


def questions_with(asked: dict[str, Any], install: Install | None) -> dict[str, Any]:
    """What unit_files_info is asked, with the unit that will be there, and without a store that has no owner yet."""
    if install is None or not is_decided(install):
        return asked
    folders = {install["folder"], posixpath.dirname(PROGRAM), *asked["writes"]}
    made = not install["account"]["there"] or not install["store_there"]
    return {
        **asked,
        "planned": install["texts"],
        "writes": sorted(folders) if asked["writes"] else [],
        "store": None if made else asked["store"],
    }


def found_with(found: Mapping[str, Any], install: Install | None) -> Mapping[str, Any]:
    """What unit_files_info found, without what the installation makes first."""
    if install is None or not is_decided(install):
        return found
    missing = [entry for entry in found.get("missing") or () if entry["value"] not in install["provides"]]
    return {**found, "missing": missing}
