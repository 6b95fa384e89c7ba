# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of this collection beside the units and drop-ins of its servers."""

from __future__ import annotations

import json
import os
import pwd
import re
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import VARIABLES_FILE, known_files
from ansible_collections.inference.ollama.plugins.module_utils._store.inspect import real
from ansible_collections.inference.ollama.plugins.module_utils._store.listing import listing
from ansible_collections.inference.ollama.plugins.module_utils._store.move import last_move, read_record, state_of
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree

SCHEMA = 1
# Folders that are this collection's alone.
FOLDERS = (os.path.dirname(VARIABLES_FILE), "/usr/local/lib/inference.ollama")
BINARY = "/usr/local/bin/ollama"
# What the role ollama_install writes above its unit.
INSTALLED = "# Managed by Ansible, role inference.ollama.ollama_install:"
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
    names = _names(units)
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
        "base_unit_installed": _has_line(f"{units}/ollama.service", INSTALLED),
        "folders": {f"{root}{folder}": _names(f"{root}{folder}") for folder in FOLDERS if _is_folder(root + folder)},
        "state_folder": {"path": params["state_folder"], "there": _is_folder(params["state_folder"])},
        "program": _program(f"{root}{BINARY}"),
        "install": _install(f"{root}{params['install_folder']}"),
        "store": _store(params["store"] or _kept_store(f"{root}{VARIABLES_FILE}", params["user"]), problems),
        "moving": moving,
        "link": moved["source"] if moved is not None and _leads(moved) else None,
        "account": _account(params["user"]),
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
    current = f"{folder}/current"
    releases = [name for name in _names(f"{folder}/releases") if os.path.exists(f"{folder}/releases/{name}/.complete")]
    known = ("current", "downloads", "releases")
    return {
        "folder": folder,
        "releases": releases,
        "current": os.readlink(current) if os.path.islink(current) else None,
        "parts": [f"{folder}/{name}" for name in known if os.path.lexists(f"{folder}/{name}")],
        "others": [f"{folder}/{name}" for name in _names(folder) if name not in known],
    }


def _kept_store(path: str, user: str) -> str:
    """The store that the last run was made with, by default the user's own."""
    try:
        known = json.loads(Tree("/").read(path) or "{}")["variables"]["ollama_models_path"]
    except (KeyError, TypeError, ValueError):
        known = None
    return str(known) if str(known or "").startswith("/") else f"~{user}/.ollama/models"


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
    return {"user": known.pw_name, "uid": known.pw_uid, "home": known.pw_dir}
