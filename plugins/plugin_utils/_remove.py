# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook remove takes away of a host, what it puts back, and what it leaves.

``found`` is what the module unit_files_info returned, ``remains`` what remains_info did.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    CONTAINER_SUFFIX,
    DOCKER_SUFFIX,
    GENERATED,
    UNITS_FOLDER,
    Places,
    unit_of_container,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import removals
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import container_name
from ansible_collections.inference.ollama.plugins.plugin_utils._files import kept_name
from ansible_collections.inference.ollama.plugins.plugin_utils._firewalld import left_rules, removed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import HOME
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Accounts of services have numbers below it (login.defs(5), SYS_UID_MAX).
_SYSTEM = 1000
_UNIT = f"{UNITS_FOLDER}/{SINGLE}"
NOTHING = "no role has installed an Ollama here, so nothing is taken away"
# The settings of a unit that the role ollama_install has replaced.
_ADOPTED = f"{_UNIT}.d/10-found.conf"


def removal(
    found: Mapping[str, Any], remains: Mapping[str, Any], *, models: bool = False, only_installed: bool = False
) -> dict[str, Any]:
    """Return the steps of a removal (docs: the filter removal); ``refusals`` alone where there are some.

    With ``only_installed`` a server that somebody else has installed keeps its settings.
    """
    refusals = list(_refusals(found, remains))
    if refusals:
        return {"refusals": refusals}
    installed = remains["base_unit_installed"]
    apart = only_installed and not installed
    if apart:
        models = models and found["found_unit"] is None and bool((remains["account"] or {}).get("made"))
        found, remains = _without_settings(found, remains)
    ours = list(found["headed"])
    back = dict(_back(found, remains))
    units = [path for path in remains["units"] if path not in ours]
    links = [*remains["boot_links"], *_instance_links(found)]
    program = remains["program"]
    linked = _is_ours(program, remains)
    absent = [
        *ours,
        *([_UNIT] if installed else []),
        *([_ADOPTED] if installed and _ADOPTED in found["files"] else []),
        *(link for link in found["boot_links"] if installed and _UNIT not in back.values() and link.endswith(SINGLE)),
        *remains["files"],
        *units,
        *links,
        *([program["path"]] if linked else []),
    ]
    absent = list(dict.fromkeys(absent))
    stays = not installed and found["found_unit"] is not None and not _is_of_container(found)
    returns = stays or _UNIT in back.values()
    account, folders = _account(remains, models=models, returns=returns), _folders(remains, models=models)
    pending = bool(absent or back or folders or account)
    leaves = list(_left(found, remains, models=models, returns=returns))
    return {
        "refusals": [],
        "stop": [*_stopped(found, remains), *([SINGLE] if installed and not returns else [])],
        # systemctl disables no unit that a generator has made.
        "generated": _containers(found, CONTAINER_SUFFIX),
        # Those of Podman are gone once they have stopped.
        "containers": removals(container_name(unit) for unit in _containers(found, DOCKER_SUFFIX)),
        "absent": [path for path in absent if Places(UNITS_FOLDER, tuple(remains["files"])).has(path)],
        "plain": [path for path in absent if not Places(UNITS_FOLDER, tuple(remains["files"])).has(path)],
        "back": back,
        "zones": removed(found.get("firewalld")).closed,
        "empty_folders": sorted({posixpath.dirname(path) for path in (*ours, *remains["files"]) if _may_be_ours(path)}),
        "folders": folders,
        "start": [SINGLE] if returns and _ran(found) and (absent or back) else [],
        "account": account,
        "group": {name: remains["account"][name] for name in ("group", "gid", "group_made")} if account else None,
        "leaves": [NOTHING] if apart and not pending else leaves,
        "pending": pending,
    }


def _without_settings(
    found: Mapping[str, Any], remains: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both without what was written for a server that somebody else has installed."""
    empty: dict[str, Any] = {name: [] for name in ("files", "units", "boot_links", "copies")}
    folder = {**remains["state_folder"], "there": False}
    bare: dict[str, Any] = {name: [] for name in ("headed", "files", "boot_links", "active")}
    return {**found, **bare}, {**remains, **empty, "folders": {}, "link": None, "metrics": None, "state_folder": folder}


def _refusals(found: Mapping[str, Any], remains: Mapping[str, Any]) -> Iterator[str]:
    if found.get("user_id"):
        yield "removing needs root; run with become: true"
    if found["unfinished"]:
        yield (
            "a change of this host was begun and never confirmed; take it back first, by the playbook"
            " inference.ollama.rollback with ollama_rollback_to=unfinished"
        )
    if remains["moving"]:
        moving = remains["moving"]
        yield (
            f"the models move from {moving['source']} to {moving['target']}, and that is not through; end it first, by"
            " the playbook inference.ollama.site"
        )
    for folder, reason in sorted(found["unwritable"].items()):
        yield f"{folder}: nothing can be removed there ({reason})"
    for path, other in _back(found, remains):
        if other in found["files"] and other not in found["headed"] and other != _UNIT:
            yield f"{other}: {path} would be put back there, and there is another file; move one of them away"
    yield from remains["problems"]
    yield from removed(found.get("firewalld")).errors


def _back(found: Mapping[str, Any], remains: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the roles have renamed, and where it was."""
    for path in found["headed"]:
        if path.endswith(".conf") and kept_name(path) in found["files"] and kept_name(path) not in found["headed"]:
            yield kept_name(path), path
    hidden = (_UNIT not in found["files"] or _UNIT in found["headed"]) and SINGLE in _containers(found)
    if (remains["base_unit_installed"] or hidden) and remains["copies"]:
        yield max(remains["copies"]), _UNIT
    program = remains["program"]
    if program["found"] and (_is_ours(program, remains) or program["target"] is None):
        yield program["found"], program["path"]


def _containers(found: Mapping[str, Any], *suffixes: str) -> list[str]:
    """The units that start the role's containers, of both engines, or of those whose files end so."""
    wanted = suffixes or (CONTAINER_SUFFIX, DOCKER_SUFFIX)
    return [unit_of_container(path) for path in found["headed"] if path.endswith(wanted)]


def _is_ours(program: Mapping[str, Any], remains: Mapping[str, Any]) -> bool:
    """Whether the program is a link into the folder of releases."""
    return str(program["target"] or "").startswith(f"{remains['install']['folder']}/")


def _instance_links(found: Mapping[str, Any]) -> list[str]:
    template = any(posixpath.basename(path) == TEMPLATE for path in found["headed"])
    return [link for link in found["boot_links"] if template and "/ollama@" in link]


def _stopped(found: Mapping[str, Any], remains: Mapping[str, Any]) -> list[str]:
    """The services that run, or start at boot, and have no file any more."""
    instances = {posixpath.basename(link) for link in _instance_links(found)}
    if any(posixpath.basename(path) == TEMPLATE for path in found["headed"]):
        instances |= {unit for unit in found["active"] or () if unit.startswith("ollama@")}
    beside = {posixpath.basename(path) for path in remains["units"]}
    # A timer goes before what it starts.
    instances |= {*_containers(found)}
    return [*sorted(beside, key=lambda unit: (not unit.endswith(".timer"), unit)), *sorted(instances)]


def _ran(found: Mapping[str, Any]) -> bool:
    """Whether a server ran, by whatever unit."""
    return bool(found["active"])


def _is_of_container(found: Mapping[str, Any]) -> bool:
    """Whether the unit is the role's own: Quadlet has made it of a container's file, or the role has for Docker."""
    path = str(found["found_unit"].get("path") or "")
    return path.startswith(f"{GENERATED}/") or (path in found["headed"] and SINGLE in _containers(found))


def _may_be_ours(path: str) -> bool:
    folder = posixpath.dirname(path)
    return (folder.endswith(".d") and folder.startswith(UNITS_FOLDER)) or posixpath.basename(folder) == "ollama"


def _folders(remains: Mapping[str, Any], *, models: bool) -> list[str]:
    """What is removed once the servers are proven without the files."""
    install, state = remains["install"], remains["state_folder"]
    found = [*remains["folders"], *install["parts"]]
    if install["parts"] and not install["others"]:
        found.append(install["folder"])
    found += [remains["link"]] if remains["link"] else []
    found += [remains["metrics"]] if remains["metrics"] else []
    if models and remains["store"] and remains["store"]["size_bytes"]:
        # Nothing else that may lie in that folder.
        found += [f"{remains['store']['path']}/{name}" for name in ("manifests", "manifests-v2", "blobs")]
    return [*found, *([state["path"]] if state["there"] else [])]


def _account(remains: Mapping[str, Any], *, models: bool, returns: bool) -> str | None:
    """The account that goes: one that the role has made, where nothing runs as it, and not even models stay."""
    account, store = remains["account"], remains["store"]
    gone = account and account["made"] and not returns and 0 < account["uid"] < _SYSTEM
    return str(account["user"]) if gone and account and (models or not (store and store["there"])) else None


def _left(found: Mapping[str, Any], remains: Mapping[str, Any], *, models: bool, returns: bool) -> Iterator[str]:
    """What stays on the host, and why."""
    store, account = remains["store"], remains["account"]
    if store and store["there"] and not models:
        number = f"{store['models']} model{'' if store['models'] == 1 else 's'}"
        yield (
            f"{store['path']} stays: {number} ({gib(store['size_bytes'])}), which ollama_remove_models: true removes"
        )
    if account and _account(remains, models=models, returns=returns) is None:
        why = "the service runs as it" if returns else "the models belong to it"
        if not account["made"]:
            why = "no role has made it"
        yield f"account {account['user']} stays: {why}"
    for path in remains["install"]["others"]:
        yield f"{path} stays: no role has written it"
    gone = {
        *found["headed"],
        *dict(_back(found, remains)),
        *([_UNIT, _ADOPTED] if remains["base_unit_installed"] else []),
    }
    for path in found["files"]:
        if path not in gone and path.startswith(f"{UNITS_FOLDER}/ollama"):
            yield f"{path} stays: no role has written it"
    for path in sorted(remains["copies"])[: -1 if remains["base_unit_installed"] else None]:
        yield f"{path} stays: a copy of a file of somebody else"
    if _containers(found):
        yield f"{HOME} stays: the home of servers in containers, with the models that lie there"
    yield from left_rules(found.get("firewalld"))
    yield "packages stay, such as zstd: others may use them"
    if any(path.endswith(("/ollama.conf", "/90-ollama.conf")) for path in remains["files"]):
        yield "settings of the kernel stay as they are until the next boot"
