# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation changes: variables, the host's topology and what is installed in; everything that is done, out.

The switch itself (links, base unit) is a part of the transaction of the role ollama; what is here first changes nothing
that runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import (
    ACCOUNT_AND_GROUP_MADE,
    ACCOUNT_MADE,
    CURRENT,
    PROGRAM,
    PROGRAM_FOUND,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._install.catalog import catalog
from ansible_collections.inference.ollama.plugins.plugin_utils._install.refusals import (
    COLLECTION,
    archive_errors,
    asked_errors,
    host_errors,
    source_errors,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._install.unit import (
    FOUND,
    UNIT,
    base_unit,
    found_dropin,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import LATEST, is_there, lacking
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import Wanted

OURS = (None, COLLECTION)


class Seen(NamedTuple):
    """What is there: the topology; what install_info returned as ``install``; ``found_unit`` of unit_files_info, empty
    without a unit; and ``{path, bytes, sha256, problem}`` of each archive on the controller, by its name.
    """

    topology: Mapping[str, Any]
    info: Mapping[str, Any]
    found: Mapping[str, Any]
    local: Mapping[str, Mapping[str, Any]]


def decide(asked: Wanted, options: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """``{decided: true, refusals, …}`` as of the module desired_install."""
    topology, info, found, local = seen
    sources = _sources(asked, info, local)
    errors = [*asked_errors(asked, options, topology), *archive_errors(asked)]
    if asked.release is None:
        errors.append(_no_latest(info))
    elif asked.machine is not None and not errors:
        errors += source_errors(asked, options, info, sources)
    errors += host_errors(asked, options, info, sources)
    kind, unit = (info.get("owner") or {}).get("kind"), info.get("unit") or {}
    adopts = kind not in OURS
    dropin, secrets = (None, []) if not adopts else found_dropin(found.get("settings") or (), str(found.get("path")))
    if secrets and options.get("install_adopt"):
        errors.append(
            f"{found['path']}: {', '.join(secrets)} holds a secret, which every user can read there, and which is not"
            " copied; move it to a file that root alone can read, and name that in EnvironmentFile="
        )
    account = _account(asked, info)
    group = account["group"]
    texts = {UNIT: base_unit(asked.user, group, [asked.folder, asked.store or account["home"]], asked.parts)}
    if dropin is not None:
        texts[FOUND] = dropin
    current, program = f"{asked.folder}/{CURRENT}", info.get("program") or {}
    links = {current: f"releases/{asked.release}", PROGRAM: f"{current}/bin/ollama"}
    foreign = program.get("kind") in ("file", "link") and program.get("target") != links[PROGRAM]
    if foreign and not adopts and not options.get("install_adopt"):
        errors.append(
            f"{PROGRAM} is no link to {current}, so that somebody has put another program there; move it away, or let"
            f" it be kept as {PROGRAM_FOUND} with ollama_install_adopt: true"
        )
    there = {current: info.get("current_target"), PROGRAM: program.get("target")}
    return {
        "decided": True,
        "refusals": errors,
        "notices": list(_notices(asked, options, info, unit)) if not errors else [],
        "version": str(asked.release),
        "before": info.get("current"),
        "coming": _coming(asked, info),
        "folder": asked.folder,
        "user": asked.user,
        "group": group,
        "texts": texts,
        "links": links,
        "changed_links": [path for path, target in links.items() if there[path] != target],
        "kept": {PROGRAM: PROGRAM_FOUND} if foreign else {},
        "backup": [UNIT] if unit.get("path") == UNIT and not unit.get("ours") else [],
        "unit": unit.get("path"),
        "provides": [PROGRAM, asked.user, group, account["home"], *([asked.store] if asked.store else [])],
        "account": account,
        "store_there": asked.store is None or bool((info.get("store") or {}).get("there")),
        "store_parents": _store_parents(asked, info, account["home"]),
        "leaves": _leaves(asked, info, account),
        "stage": _stage(asked, options, info, sources, local),
    }


def _coming(asked: Wanted, info: Mapping[str, Any]) -> str | None:
    """Which release a plan is for that is still to come; None where it is in use."""
    if asked.release is None or info.get("current") == str(asked.release):
        return None
    runs = f"{info['current']} is in use" if info.get("current") else "none that a role has installed is in use"
    return f"planned for release {asked.release}, which ollama_install is to install; {runs}"


def _no_latest(info: Mapping[str, Any]) -> str:
    said = "; ".join(str(line) for line in info.get("problems") or () if "latest" in str(line))
    return (
        f"ollama_install_version: which release is the latest could not be asked of {catalog().latest}"
        f"{f': {said}' if said else ''}; name a release, such as 0.32.15"
    )


def _sources(asked: Wanted, info: Mapping[str, Any], local: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    if asked.is_local:
        return [{"name": name, **found} for name, found in local.items()]
    return [dict(source) for source in info.get("sources") or ()]


def _store_parents(asked: Wanted, info: Mapping[str, Any], home: str) -> list[dict[str, str]]:
    """The folders above the store that are made with it, ``{path, owner}``: root's, but for those in the home."""
    parents = [str(path) for path in (info.get("store") or {}).get("parents") or ()]
    return [
        {"path": path, "owner": asked.user if path.startswith(f"{home}/") else "root"}
        for path in parents
        # The home, and what is above it, comes with the account.
        if not f"{home}/".startswith(f"{path}/")
    ]


def _leaves(asked: Wanted, info: Mapping[str, Any], account: Mapping[str, Any]) -> list[str]:
    """What a first installation leaves that fails; nothing where another release runs then."""
    if info.get("current") or (info.get("owner") or {}).get("kind") not in OURS:
        return []
    store = asked.store if asked.store and not (info.get("store") or {}).get("there") else None
    return [
        f"{asked.folder}/releases/{asked.release} stays, so that the next run need not download it",
        *([] if account["there"] else [f"account {asked.user} stays, with its home {account['home']}"]),
        *([f"{store} stays"] if store else []),
        "ollama_install_state: absent takes all of it away, but for models",
    ]


def _account(asked: Wanted, info: Mapping[str, Any]) -> dict[str, Any]:
    """The account of the service, and the groups that it lacks."""
    there, known = info.get("account") or {}, catalog().account
    groups = [name for name in known["groups"] if (info.get("groups") or {}).get(name) is not None]
    return {
        "user": asked.user,
        "group": there.get("group") or asked.user,
        "home": asked.home,
        "shell": there.get("shell") or known["shell"],
        "there": bool(there),
        "comment": ACCOUNT_MADE,
        "comment_with_group": ACCOUNT_AND_GROUP_MADE,
        "groups": groups,
        "missing_groups": [name for name in groups if name not in (there.get("groups") or ())],
    }


def _stage(
    asked: Wanted,
    options: Mapping[str, Any],
    info: Mapping[str, Any],
    sources: Iterable[Mapping[str, Any]],
    local: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """What is done before the switch: packages, files from the controller, the release unpacked."""
    there, given = is_there(asked, info), options.get("install_checksums") or {}
    names = [str(name) for name in asked.names().values() if name is not None]
    zstd, system = info.get("zstd") or {}, info.get("os") or {}
    unpacks = not there and any(name.endswith(".zst") for name in names)
    family = catalog().family([str(system.get("id")), *map(str, system.get("id_like") or ())])
    packages = unpacks and not zstd.get("program") and not zstd.get("python") and family is not None
    known = {str(source["name"]): source.get("sha256") for source in sources}
    downloads = f"{asked.folder}/downloads"
    return {
        "needed": not there,
        "refresh": list(family.refresh) if packages and family else [],
        "install": [*family.install, family.zstd] if packages and family else [],
        "copies": []
        if there or not asked.is_local
        else [{"src": local[name]["path"], "dest": f"{downloads}/{name}"} for name in names if name in local],
        "downloads": downloads,
        "archives": [
            {
                "name": name,
                "url": None if asked.is_local else f"{asked.prefix}/{name}",
                "path": f"{downloads}/{name}" if asked.is_local else None,
                "sha256": given.get(name) or known.get(name),
            }
            for name in names
        ],
        "checksums": None if asked.is_local else {"url": f"{asked.prefix}/{catalog().checksum_name}"},
    }


def _notices(
    asked: Wanted, options: Mapping[str, Any], info: Mapping[str, Any], unit: Mapping[str, Any]
) -> Iterable[str]:
    owner = info.get("owner") or {}
    if owner.get("kind") not in OURS:
        yield (
            f"the Ollama at {owner.get('path')} ({owner.get('kind')}) is taken over; a program at {PROGRAM} is kept as"
            f" {PROGRAM_FOUND}"
        )
    if unit.get("path") not in (None, UNIT):
        yield f"{UNIT} takes the place of {unit['path']}, which stays and is not read any more"
    if missing := lacking(asked, info):
        yield f"release {asked.release} was unpacked without {', '.join(missing)}, and is unpacked again with it"
    if options.get("install_version") == LATEST:
        runs = f"{info['current']} is in use" if info.get("current") else "none is in use"
        yield f"ollama_install_version: the latest release is {asked.release}, and {runs}"


def kept_releases(info: Mapping[str, Any], decision: Mapping[str, Any], keep: int, targets: Iterable[str]) -> list[str]:
    """The releases that stay: that which runs, those that kept states lead to, and so many others, the newest ones."""
    ran = {decision["version"], *(target.rpartition("/")[2] for target in targets if target.startswith("releases/"))}
    others = [str(row["version"]) for row in info.get("releases") or () if str(row["version"]) not in ran]
    return sorted([*ran, *sorted(others, key=_order, reverse=True)[:keep]])


def _order(version: str) -> tuple[bool, Any]:
    try:
        release = parse_release(version)
    except OllamaError:
        return False, version
    return True, (release.base, release.candidate, release.commits)
