# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of somebody else that have what a plan needs: a port, the store, a name. A sentence each, with what to do.

``found`` is what unit_files_info returned, with ``containers`` where they were asked for.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import meets
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import container_name
from ansible_collections.inference.ollama.plugins.plugin_utils._container.found import addresses, store_outside, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RUNS = frozenset({"running", "restarting", "paused"})
# Docker starts such a container together with itself, even one that somebody has stopped.
_ALWAYS = "always"
_HOW = (
    "To have the role take it over, run the playbook inference.ollama.lint, which prints the variables of the role that"
    " make one like it and the commands that stop it and remove nothing"
)


def others(found: Mapping[str, Any], planned: frozenset[str] = frozenset()) -> list[Mapping[str, Any]]:
    """Return the containers of others that run or start by themselves, without those whose file is in ``planned``."""
    read = (found.get("containers") or {}).get("containers") or ()
    return [each for each in read if not each["ours"] and each["path"] not in planned and _is_there(each)]


def conflicts(
    plan: Mapping[str, Any], store: str | None, found: Mapping[str, Any], planned: frozenset[str] = frozenset()
) -> tuple[list[str], dict[str, Any]]:
    """Return the sentences, and what was found without the listeners that these are about, and those in our containers.

    ``store`` is that of the servers, ``planned`` are the paths of files that a run writes, and keeps a copy of.
    """
    said: list[str] = []
    ports: set[int] = set()
    active = found.get("active") or ()
    for container in others(found, planned):
        name, runs = title(container), container["state"] in _RUNS
        # A server that has the port already keeps it from a container that does not run.
        for instance in (
            plan["instances"] if runs else [each for each in plan["instances"] if each["unit"] not in active]
        ):
            for address, port in addresses(container):
                if port == instance["port"] and meets(instance["host"], address):
                    ports.add(port)
                    said.append(
                        f"port {port} of {instance['unit']} is held by the {name}, which listens on {address}. {_HOW};"
                        " or choose another port in ollama_host or ollama_instances"
                    )
        folder = store_outside(container)
        if runs and store and folder and posixpath.normpath(store) == folder:
            said.append(
                f"ollama_models_path: {folder!r} is the store of the {name}, and each of two servers removes what the"
                f" other one has not finished pulling. {_HOW}; or choose another folder"
            )
    said += _names(plan, found, planned)
    # A server in Docker is in the control group of its container, and not in that of the unit that starts it.
    read = (found.get("containers") or {}).get("containers") or ()
    inside = {each["main_pid"] for each in read if each["ours"]} - {None}
    rest = [row for row in found.get("listeners") or () if row["port"] not in ports and row.get("pid") not in inside]
    return list(dict.fromkeys(said)), {**found, "listeners": rest}


def _names(plan: Mapping[str, Any], found: Mapping[str, Any], planned: frozenset[str]) -> Iterator[str]:
    """Yield which container of somebody else, even one that does not run, would give its place to one of the plan."""
    units = {str(each["unit"]) for each in plan["instances"]}
    wanted = {container_name(unit) for unit in units}
    for each in (found.get("containers") or {}).get("containers") or ():
        # A unit of the plan that Quadlet has made is the role's own, or gives its place with its file.
        if each["unit"] in units:
            continue
        of_plan = each["engine"] == plan.get("deployment") and each["name"] in wanted
        if of_plan and not each["ours"] and each["path"] not in planned and each["state"] != "absent":
            yield (
                f"the {title(each)} has the name of a container of the plan, which would take its place, and what lies"
                f" in it would be lost. {_HOW}; or give it another name, by {each['engine']} rename"
            )


def named(found: Mapping[str, Any]) -> list[str]:
    """Return the containers of others as parts of a sentence on who else starts Ollama."""
    return [f"the {title(each)} runs it" for each in others(found)]


def _is_there(container: Mapping[str, Any]) -> bool:
    starts = container["engine"] == "docker" and container["restart"] == _ALWAYS
    return container["state"] in _RUNS or starts
