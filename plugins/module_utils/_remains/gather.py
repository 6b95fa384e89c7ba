# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of this collection beside the units and drop-ins of its servers."""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install.releases import MARKER, is_left, version_of
from ansible_collections.inference.ollama.plugins.module_utils._places import (
    ACCOUNT_AND_GROUP_MADE,
    ACCOUNT_MADE,
    METRICS_CACHE,
    METRICS_FILE,
    VARIABLES_FILE,
    known_files,
)
from ansible_collections.inference.ollama.plugins.module_utils._store.inspect import real
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import listing
from ansible_collections.inference.ollama.plugins.module_utils._store.move import last_move, read_record, state_of
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree

SCHEMA = 1
# Folders that are this collection's alone.
FOLDERS = (os.path.dirname(VARIABLES_FILE), "/usr/local/lib/inference.ollama", METRICS_CACHE)
BINARY = "/usr/local/bin/ollama"
# What the role ollama_install writes above its unit.
INSTALLED = "# Managed by Ansible, role inference.ollama.ollama_install:"
# How the names of archives begin, and so those of downloads of them.
_ARCHIVE = "ollama-linux-"
_AUTO = "auto"
_USER = re.compile(r"^User=(\S+)$", re.MULTILINE)
_UNIT = re.compile(r"inference-ollama-[^/]+\.(?:service|timer)")
_COPY = re.compile(r"ollama\.service\.\d{8}T\d{6}Z~")


def remains(params: dict[str, Any]) -> dict[str, Any]:
    """RETURN of the module remains_info."""
    root = params["root"].rstrip("/")
    problems: list[str] = []
    units = f"{root}{params['units_folder']}"
    try:
        moving, moved = state_of(read_record(params["state_folder"])), last_move(params["state_folder"])
    except OllamaError as error:
        moving = moved = None
        problems.append(str(error))
    names, unit = _names(units), f"{units}/ollama.service"
    user = params["user"]
    if user == _AUTO:
        said = _USER.search(Tree("/").read(unit) or "")
        user = said[1] if said else "ollama"
    return {
        "schema": SCHEMA,
        "files": [path for path in (*known_files(root), params["secrets_path"]) if os.path.lexists(path)],
        "units": [f"{units}/{name}" for name in names if _UNIT.fullmatch(name)],
        "boot_links": [
            f"{units}/{folder}/{name}"
            for folder in names
            if folder.endswith((".wants", ".requires"))
            for name in _names(f"{units}/{folder}")
            if _UNIT.fullmatch(name)
        ],
        "copies": [f"{units}/{name}" for name in names if _COPY.fullmatch(name)],
        "base_unit_installed": _has_line(unit, INSTALLED),
        "folders": {f"{root}{folder}": _names(f"{root}{folder}") for folder in FOLDERS if _is_folder(root + folder)},
        "state_folder": {"path": params["state_folder"], "there": _is_folder(params["state_folder"])},
        "program": _program(f"{root}{BINARY}"),
        "install": _install(f"{root}{params['install_folder']}"),
        "store": _store(params["store"] or _kept_store(root, user), problems),
        "moving": moving,
        "link": moved["source"] if moved is not None and _leads(moved) else None,
        "account": _account(user),
        "metrics": _metrics(root),
        "problems": problems,
    }


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _has_line(path: str, beginning: str) -> bool:
    text = Tree("/").read(path) or ""
    return any(line.startswith(beginning) for line in text.splitlines())


def _program(path: str) -> dict[str, Any]:
    target = os.readlink(path) if os.path.islink(path) else None
    return {"path": path, "target": target, "found": f"{path}.found" if os.path.lexists(f"{path}.found") else None}


def _install(folder: str) -> dict[str, Any]:
    current, within, downloads = f"{folder}/current", f"{folder}/releases", f"{folder}/downloads"
    names = _names(within)
    releases = [name for name in names if os.path.exists(f"{within}/{name}/{MARKER}")]
    ours = [f"{within}/{name}" for name in names if name in releases or is_left(name)]
    target = os.readlink(current) if os.path.islink(current) else None
    parts = [current] if version_of(target) else []
    if all(name.startswith(_ARCHIVE) for name in _names(downloads)) and _is_folder(downloads):
        parts.append(downloads)
    if len(ours) == len(names) and _is_folder(within):
        ours = [within]
    parts += ours
    others = [path for path in (f"{folder}/{name}" for name in _names(folder)) if path not in parts and path != within]
    others += [path for path in (f"{within}/{name}" for name in names) if not {path, within} & set(parts)]
    return {"folder": folder, "releases": releases, "current": target, "parts": parts, "others": others}


def _kept(root: str) -> dict[str, Any]:
    """The variables that the last run was made with."""
    try:
        found = json.loads(Tree("/").read(f"{root}{VARIABLES_FILE}") or "{}")["variables"]
    except (KeyError, TypeError, ValueError):
        found = None
    return found if isinstance(found, dict) else {}


def _kept_store(root: str, user: str) -> str:
    """The store that the last run was made with, by default the user's own."""
    known = _kept(root).get("ollama_models_path")
    return str(known) if str(known or "").startswith("/") else f"~{user}/.ollama/models"


def _metrics(root: str) -> str | None:
    """The file of metrics that the last run has written for; None where there is none."""
    folder = str(_kept(root).get("ollama_metrics_folder") or "")
    path = f"{root}{folder.rstrip('/')}/{METRICS_FILE}"
    return path if folder.startswith("/") and os.path.isfile(path) else None


def _store(path: str, problems: list[str]) -> dict[str, Any] | None:
    try:
        place = real(path)
        found = listing(place)
    except OllamaError as error:
        if not path.startswith("~"):
            problems.append(str(error))
        return None
    there = os.path.isdir(place)
    return {"path": place, "there": there, "models": found.models, "size_bytes": found.size_bytes}


def _leads(moved: dict[str, str]) -> bool:
    """Whether the link that a move has left is still there."""
    try:
        return os.readlink(moved["source"]) == moved["target"]
    except OSError:
        return False


def _account(user: str) -> dict[str, Any] | None:
    try:
        known = pwd.getpwnam(user)
    except KeyError:
        return None
    try:
        group = grp.getgrgid(known.pw_gid).gr_name
    except KeyError:
        group = None
    made = known.pw_gecos.split(",")[0]
    return {
        "user": known.pw_name,
        "uid": known.pw_uid,
        "home": known.pw_dir,
        "group": group,
        "gid": known.pw_gid,
        "made": made in (ACCOUNT_MADE, ACCOUNT_AND_GROUP_MADE),
        "group_made": made == ACCOUNT_AND_GROUP_MADE,
    }
