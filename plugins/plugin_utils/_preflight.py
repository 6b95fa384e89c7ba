# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What on a host would make a change fail, said before anything is written: a sentence each, with what to do.

Every function takes what unit_files_info has found, and yields sentences.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import NFT
from ansible_collections.inference.ollama.plugins.module_utils._systemd.command_line import STARTING
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import meets
from ansible_collections.inference.ollama.plugins.plugin_utils._container.conflicts import named
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import directives
from ansible_collections.inference.ollama.plugins.plugin_utils._sandbox import hidden, why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_OWN_NETWORK = {("PrivateNetwork", word) for word in YES}
# Directives by which a server has ports of its own, which this host's are not.
_APART = frozenset({"NetworkNamespacePath", "JoinsNamespaceOf"})
_ACCOUNTS = {"User": "user", "Group": "group", "SupplementaryGroups": "group"}
_MANAGERS = {
    "snap": "snap starts it (settings: snap set ollama)",
    "homebrew": "Homebrew starts it (brew services stop ollama)",
    "user": "it is a user's unit (systemctl --user disable --now ollama)",
    "openrc": "it is a script for OpenRC (rc-service ollama stop)",
    "unit": "it is a unit of another name",
}


def masked(plan: Mapping[str, Any], files: Iterable[Mapping[str, Any]], found: Mapping[str, Any]) -> Iterator[str]:
    """Masks of what the plan needs, which it never replaces, and links in the place of its files."""
    planned = {instance["unit"] for instance in plan["instances"]} | {SINGLE}
    planned |= {str(file["unit"]) for file in files}
    paths = {str(file["path"]) for file in files}
    places = {"/".join(path.split("/")[-2:]) for path in paths if posixpath.dirname(path).endswith(".d")}
    for mask in found.get("masks") or []:
        name = posixpath.basename(mask)
        if name in planned:
            yield (
                f"{name} is masked ({mask} is a link to /dev/null or empty), and a mask is not replaced; run systemctl"
                f" unmask{' --runtime' if '/run/' in mask else ''} {name}, if it is to run"
            )
        elif "/".join(mask.split("/")[-2:]) in places:
            yield (
                f"{mask} is a link to /dev/null or empty, which masks the drop-in, and a mask is not replaced; remove"
                " it, or choose another name in ollama_dropin_name"
            )
    for path, target in sorted((found.get("links") or {}).items()):
        if path in paths and path not in (found.get("masks") or []):
            yield (
                f"{path} is a link to {target}, and a link is not replaced by a file; remove it, or choose another name"
                " in ollama_dropin_name"
            )


def unwritable(changes: Iterable[str], found: Mapping[str, Any]) -> Iterator[str]:
    """Folders in which something is to change and nothing can."""
    said: dict[str, list[str]] = {}
    reasons = found.get("unwritable") or {}
    for path in changes:
        inside = [folder for folder in reasons if path.startswith(f"{folder}/")]
        if inside:
            said.setdefault(reasons[max(inside, key=len)], []).append(path)
    for reason, paths in said.items():
        advice = ""
        if "read-only" in reason:
            advice = (
                "; on a host whose configuration is part of its image, declare the drop-in there: ollama_staging_root"
                " renders it"
            )
        yield f"{paths[0]}{f' and {len(paths) - 1} more' if paths[1:] else ''} cannot be written: {reason}{advice}"


def environment_files(found: Mapping[str, Any], ours: str) -> Iterator[str]:
    """Environment files without which systemd does not start the service."""
    for entry in (found.get("found_unit") or {}).get("environment_files") or []:
        if entry["problem"] == "it does not exist" and not entry["optional"] and entry["path"] != ours:
            yield (
                f"{entry['path']}: EnvironmentFile= of {SINGLE} names it, and it does not exist, so that the service"
                " does not start; make the file, or write a dash before its name"
            )


def missing(found: Mapping[str, Any], plan: Mapping[str, Any] | None) -> Iterator[str]:
    """What the unit's own lines or a variable name and the host has not, without which no service starts."""
    instances = plan["instances"] if plan else []
    commands = [str(directives(plan or {}, each["name"]).get("ExecStart", "")) for each in instances]
    for entry in found.get("missing") or []:
        directive, value = entry["directive"], entry["value"]
        place = f"{directive}= of {SINGLE} ({entry['file']}:{entry['line']})"
        if value == NFT:
            yield (
                "ollama_exposure: with ollama_exposure_networks the rules are those of nftables, and the host has no"
                f" {NFT}; install the package nftables, or say gateway without networks, or trusted_network, where"
                " something else guards the address"
            )
        elif directive is None:
            yield f"ollama_binary_path: {value!r} is no program of this host; allowed is the path of one, or auto"
        elif directive in _ACCOUNTS:
            yield (
                f"{directive}={value} of {SINGLE} ({entry['file']}:{entry['line']}): there is no such"
                f" {_ACCOUNTS[directive]} on this host, so that the service does not start; make it, or correct the"
                " line"
            )
        elif directive not in STARTING:
            made = "make the folder" if directive == "WorkingDirectory" else "make it"
            yield (
                f"{value}: {place} names it, and it does not exist, so that the service does not start; {made}, or"
                " write a dash before its name"
            )
        elif directive != "ExecStart" or not commands or any(not said or value in said for said in commands):
            yield (
                f"{value}: {place} starts it, and there is no such program, so that the service does not start; install"
                " it, or correct the line"
            )


def unread_metrics(found: Mapping[str, Any]) -> Iterator[str]:
    """A folder for metrics that is not there, so that nobody would read them."""
    for path in found.get("missing_folders") or []:
        yield (
            f"ollama_metrics_folder: {path} is not there, so that nobody would read what is written for Prometheus;"
            " install node_exporter first (on Debian prometheus-node-exporter, which makes it), or name the folder of"
            " its option --collector.textfile.directory"
        )


def ports(plan: Mapping[str, Any], found: Mapping[str, Any], stopped: Iterable[str]) -> Iterator[str]:
    """Ports of the plan that another program holds; what this run stops or restarts does not count."""
    unit = found.get("found_unit") or {}
    settings = unit.get("settings") or []
    said = {(entry["directive"], str(entry["value"]).lower()) for entry in settings}
    if said & _OWN_NETWORK or {directive for directive, _value in said} & _APART:
        return
    ours = {instance["unit"] for instance in plan["instances"]} | set(stopped)
    # Who is not root sees no owner, and it may be a server of ours that runs.
    active = found.get("active")
    unseen = active is None or bool(ours & set(active))
    for instance in plan["instances"]:
        held = [
            row
            for row in found.get("listeners") or []
            if row["port"] == instance["port"] and row["unit"] not in ours and not (unseen and row["pid"] is None)
        ]
        row = next((row for row in held if meets(instance["host"], row["address"])), None)
        if row is not None:
            yield (
                f"port {row['port']} of {instance['unit']} is held by {_holder(row)}, which listens on"
                f" {row['address']}; stop it, or choose another port in ollama_host or ollama_instances"
            )


def _holder(row: Mapping[str, Any]) -> str:
    if row["pid"] is None:
        return "another program"
    return f"{row['program'] or 'a program'} (PID {row['pid']}{', ' + row['unit'] if row['unit'] else ''})"


def sandboxed_store(options: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Why the unit's own sandbox keeps its server from the store; None where it does not."""
    settings = (found.get("found_unit") or {}).get("settings") or []
    path = str(options.get("models_path") or "")
    for place in dict.fromkeys([path, str(found.get("store_real") or path)]):
        mount = hidden(settings, place) if place.startswith("/") else None
        if mount is not None:
            led = "" if place == path else f", which is {place},"
            return (
                f"ollama_models_path: {path!r}{led} is out of the service's reach: {why(mount)}. Take that out of the"
                " unit, or write ReadWritePaths= (under ProtectHome=tmpfs or TemporaryFileSystem=: BindPaths=) beside"
                " it, or choose another folder"
            )
    return None


def managers(found: Mapping[str, Any]) -> str:
    """The part of a sentence that names an Ollama which another manager starts; empty without one."""
    said = [
        f"{row['path']}: {_MANAGERS.get(row['manager'], row['manager'])}" for row in found.get("other_managers") or []
    ]
    held = [f"port {row['port']} is held by {_holder(row)}" for row in found.get("listeners") or []]
    parts = [*said, *named(found), *held]
    if not parts:
        return ""
    return (
        f" There is an Ollama under another manager, or its port is taken: {'; '.join(parts)}. Stop that one first, or"
        " there will be two for one port."
    )
