# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of a host before it decides."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import PORT_MAX, read_host, with_own
from ansible_collections.inference.ollama.plugins.module_utils._places import (
    FIREWALLD_FILE,
    HEADER,
    NFT,
    PROGRAMS_FOLDER,
    UNITS_FOLDER,
    VARIABLES_FILE,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import extra_paths
from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import PATHS
from ansible_collections.inference.ollama.plugins.plugin_utils._gate_steps import is_on
from ansible_collections.inference.ollama.plugins.plugin_utils._kernel_settings import KERNEL
from ansible_collections.inference.ollama.plugins.plugin_utils._models.room import rewrites
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.exposure import NETWORKS, has_rules
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.measured import compared
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.named import wants_store, without_models
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.service import MODELS
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import environment
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import plan_or_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._served.decide import is_wanted, wants_memory

if TYPE_CHECKING:
    from collections.abc import Mapping


# What is asked before the topology is known is asked for so many servers.
_SERVERS = 16


def first_questions(
    options: Mapping[str, Any], secrets: Mapping[str, str], *, preflight: bool = True
) -> dict[str, Any]:
    """Return what the module unit_files_info is asked together with the topology, which is not known yet.

    It is what questions() would ask of a host with a unit, and for the ports of as many servers as few hosts have.
    """
    host = read_host(str(options.get("host") or ""))
    ports = [port for port in range(host.port, host.port + _SERVERS) if 0 < port <= PORT_MAX]
    return _questions({"user": "root"}, ports, options, secrets, preflight=preflight)


def answer_to(asked: Mapping[str, Any], first: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what was found by the first questions as the answer to others; None where those ask for more.

    Whose the store is, the module knows by the topology that it has read.
    """
    alike = ("ports", "store_user")
    if any(value != first.get(name) for name, value in asked.items() if name not in alike):
        return None
    if not set(asked["ports"]) <= set(first["ports"]):
        return None
    ports = with_own(asked["ports"], found.get("found_unit"))
    return {**found, "listeners": [row for row in found.get("listeners") or [] if row["port"] in ports]}


def questions(
    topology: Mapping[str, Any], options: Mapping[str, Any], secrets: Mapping[str, str], *, preflight: bool = True
) -> dict[str, Any]:
    """Return what the module unit_files_info is asked, for desired_state() to decide by its answer.

    Without preflight it is what any user may read: the unit files alone.
    """
    ports = _ports(topology, options) if preflight and not prefix_of(options) else []
    return _questions(unit_of(topology), ports, options, secrets, preflight=preflight)


def _questions(
    unit: Mapping[str, Any],
    ports: list[int],
    options: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    preflight: bool,
) -> dict[str, Any]:
    prefix = prefix_of(options)
    changeable = preflight and bool(unit) and not prefix
    store, program = options.get("models_path") if changeable else None, options.get("binary_path")
    variables = f"{prefix}{VARIABLES_FILE}"
    known = [f"{prefix}{options['secrets_path']}", *(f"{prefix}{setting.path}" for setting in KERNEL), variables]
    known += [store_record(options)] if changeable else []
    known += extra_paths(prefix)
    known += [f"{prefix}{path}" for path in (*PATHS, FIREWALLD_FILE)]
    return {
        "folder": f"{prefix}{UNITS_FOLDER}",
        "header": HEADER,
        "paths": known,
        "variables": variables,
        "secrets": dict(secrets),
        "services": changeable,
        "containers": preflight and not prefix,
        "state_folder": options["state_folder"] if changeable else None,
        # A path that is refused is not tried.
        "store": store if str(store).startswith("/") else None,
        "store_user": unit.get("user") or "root",
        "writes": _written_folders(options) if changeable else [],
        "programs": [
            *([str(program)] if changeable and str(program).startswith("/") else []),
            *([NFT] if changeable and _has_rules(options) else []),
        ],
        "folders": [str(options["metrics_folder"])] if changeable and options.get("metrics") is True else [],
        "ports": ports if preflight and not prefix else [],
        "command_timeout": options["command_timeout"],
    }


def models_question(
    topology: Mapping[str, Any], options: Mapping[str, Any], found: Mapping[str, Any], *, preflight: bool = True
) -> dict[str, Any] | None:
    """Return what the module models_info is asked; None where nothing of the host's models has to be known.

    ``found`` is what unit_files_info returned.
    """
    if options["topology_root"] != "/":
        return None
    plan, _errors = plan_or_errors(topology, without_models(options), found.get("found_unit"))
    changeable = preflight and bool(unit_of(topology)) and not prefix_of(options)
    checked = changeable and (is_on(options) or (plan is not None and rewrites(plan["release"])))
    brought = is_wanted(options) and not prefix_of(options)
    everything = wants_store(options) or checked or brought
    names = [] if everything or plan is None else compared(topology, options)
    if not everything and not names:
        return None
    servers = [instance["name"] for instance in plan["instances"]] if plan and brought else [None]
    # What is there to be served lies in the old store while it has not moved.
    moves = found.get("moves")
    old = moves.models_in if moves is not None else None
    stores = [old] if old else [store_of(plan, topology, options, found, server) for server in servers]
    known = [store for store in dict.fromkeys(stores) if store is not None]
    return {**({"stores": known} if known else {}), **({"names": names} if names else {})}


def memory_question(
    topology: Mapping[str, Any], options: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what the module service_info is asked where models are to stay in memory; None where none are."""
    if not wants_memory(options) or not unit_of(topology) or prefix_of(options) or options["topology_root"] != "/":
        return None
    plan, _errors = plan_or_errors(topology, without_models(options), found.get("found_unit"))
    if plan is None:
        return None
    units = [{"unit": instance["unit"], "url": instance["url"]} for instance in plan["instances"]]
    return {"units": units, "parts": ["api"], "command_timeout": options["command_timeout"]}


def store_of(
    plan: Mapping[str, Any] | None,
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any],
    server: str | None = None,
) -> str | None:
    """Return the store that a server of the plan uses, the first one unless another is named, ``~USER`` for a home.

    None where no unit says whose it is.
    """
    name = server or (plan["instances"][0]["name"] if plan else "")
    variables = environment(plan, name) if plan else {}
    planned = variables.get(MODELS) if plan else options.get("models_path")
    if str(planned or "").startswith("/"):
        return str(planned)
    # envconfig.Models() of Ollama 0.32.15; systemd sets HOME to the home of User=.
    of_unit = (found.get("found_unit") or {}).get("variables") or {}
    home = variables.get("HOME") or (of_unit.get("HOME") or {}).get("value")
    unit = unit_of(topology)
    if not str(home or "").startswith("/"):
        home = f"~{unit.get('user') or 'root'}" if unit else None
    return None if home is None else f"{home}/.ollama/models"


def store_record(options: Mapping[str, Any]) -> str:
    """Return the path of the record of a store's move that is under way (module store)."""
    return posixpath.join(str(options["state_folder"]), "store.json")


def _written_folders(options: Mapping[str, Any]) -> list[str]:
    """The folders that a run writes files to, without those of drop-ins."""
    files = [options["secrets_path"], *(setting.path for setting in KERNEL), *(PATHS if _has_rules(options) else ())]
    folders = [
        UNITS_FOLDER,
        *(posixpath.dirname(str(path)) for path in files),
        PROGRAMS_FOLDER,
        str(options["state_folder"]),
    ]
    return sorted({folder for folder in folders if folder.startswith("/")})


def _has_rules(options: Mapping[str, Any]) -> bool:
    return has_rules(options.get("exposure"), options.get(NETWORKS))


def _ports(topology: Mapping[str, Any], options: Mapping[str, Any]) -> list[int]:
    plan, _errors = plan_or_errors(topology, without_models(options))
    return [] if plan is None else [instance["port"] for instance in plan["instances"]]


def prefix_of(options: Mapping[str, Any]) -> str:
    """What stands before each path: the staging folder without a slash at its end, or nothing."""
    return str(options.get("staging_root") or "").rstrip("/")


def unit_of(topology: Mapping[str, Any]) -> Mapping[str, Any]:
    """The installed unit; empty where there is none."""
    ollama = (topology.get("software") or {}).get("ollama") or {}
    return ollama.get("unit") or {}
