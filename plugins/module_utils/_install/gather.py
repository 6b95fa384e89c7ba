# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Ollama a host has, whose it is, and what installing another would find."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch.ask import head, leads_to, read
from ansible_collections.inference.ollama.plugins.module_utils._folders import free_bytes, nearest
from ansible_collections.inference.ollama.plugins.module_utils._install.host import (
    read_account,
    read_groups,
    read_jetpack,
    read_os,
    read_store,
)
from ansible_collections.inference.ollama.plugins.module_utils._install.owner import (
    HEADER,
    Found,
    find_owner,
    release_of,
)
from ansible_collections.inference.ollama.plugins.module_utils._install.releases import (
    MARKER,
    VERSION,
    Places,
    parsed,
    version_of,
)
from ansible_collections.inference.ollama.plugins.module_utils._install.sources import read_checksums
from ansible_collections.inference.ollama.plugins.module_utils._install.unpack import program_zstd, python_zstd
from ansible_collections.inference.ollama.plugins.module_utils._topology.software import read_software

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

SCHEMA = 1
_MOST_RELEASES = 100
_LARGEST_ANSWER = 1 << 20
_GROUPS = ("render", "video")


def gather(root: Root, run: Runner | None, params: dict[str, Any]) -> dict[str, Any]:
    """The fact ``install`` (plugins/modules/install_info.py). What cannot be read is null and named in its problems."""
    places, program = Places(params["folder"].rstrip("/")), params["program"]
    software = read_software(root, run, frozenset({"ollama"}))["ollama"] or {}
    unit = _unit(root, software.get("unit"))
    owner = find_owner(root, run, Found(places.folder, program, unit, software.get("binary")))
    if owner is not None and owner["version"] is None:
        owner["version"] = software.get("version")
    current = root.target(places.current)
    install = {
        "schema": SCHEMA,
        "machine": platform.machine() if root.live else None,
        "os": read_os(root),
        "folder": places.folder,
        "releases": _releases(root, places),
        "current": version_of(current),
        "current_target": current,
        "program": _program(root, program),
        "owner": owner,
        "unit": unit,
        "account": read_account(root, params["user"]),
        "groups": read_groups(root, _GROUPS),
        "store": read_store(root, params["store"], params["command_timeout"]) if params["store"] else None,
        "free_bytes": {places.folder: free_bytes(nearest(places.folder)) if root.live else None},
        "zstd": {"program": program_zstd() if root.live else None, "python": root.live and python_zstd() is not None},
        "jetpack": read_jetpack(root),
        "sources": _sources(root, params),
        "latest": _latest(root, params["latest"], params["fetch_timeout"]),
    }
    return {**install, "problems": root.problems}


def _unit(root: Root, found: dict[str, Any] | None) -> dict[str, Any] | None:
    path = (found or {}).get("path")
    return {"path": path, "ours": bool(root.lines(path, HEADER))} if path else None


def _program(root: Root, path: str) -> dict[str, Any]:
    kind = root.kind(path)
    return {"path": path, "kind": "other" if kind == "folder" else kind, "target": root.target(path)}


def _releases(root: Root, places: Places) -> list[dict[str, Any]]:
    found = []
    for name in [name for name in root.names(places.releases) if VERSION.fullmatch(name)][:_MOST_RELEASES]:
        path = places.release(name)
        if root.kind(path) != "folder":
            continue
        text = root.text(os.path.join(path, MARKER))
        marker = None if text is None else parsed(text.encode(), name)
        known = marker or {"bytes": None, "archives": []}
        found.append(
            {"version": name, "complete": marker is not None, "bytes": known["bytes"], "archives": known["archives"]}
        )
    return found


def _sources(root: Root, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Each archive with its size, and with its checksum where the file of checksums has it."""
    known: dict[str, str] = {}
    try:
        known = read_checksums(params["checksums"], params["fetch_timeout"])
    except OllamaError as error:
        root.problem(f"checksums: {error}")
    return [
        {**_source(archive, params["fetch_timeout"]), "sha256": known.get(archive["name"])}
        for archive in params["archives"]
    ]


def _source(archive: dict[str, Any], timeout: float) -> dict[str, Any]:
    size, problem = None, None
    try:
        if archive.get("url"):
            size = head(archive["url"], timeout)
        elif archive.get("path"):
            size = os.stat(archive["path"]).st_size
        else:
            problem = "it has neither url nor path"
    except OllamaError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{archive['path']}: cannot be read ({error.strerror})"
    return {"name": archive["name"], "bytes": size, "problem": problem}


def _latest(root: Root, asked: dict[str, Any] | None, timeout: float) -> str | None:
    """The newest release: of the address that a server's redirects lead to, or of an answer in JSON or text."""
    url = (asked or {}).get("url")
    if not url:
        return None
    try:
        found = release_of(leads_to(url, timeout)) if not release_of(url) else None
        return found or _said(read(url, timeout, _LARGEST_ANSWER), url)
    except OllamaError as error:
        root.problem(f"latest: {error}")
    return None


def _said(data: bytes, url: str) -> str:
    text = data.decode("utf-8", "replace")
    try:
        said = json.loads(text)
        text = str(said.get("tag_name")) if isinstance(said, dict) else text
    except (ValueError, RecursionError):
        pass
    found = release_of(text)
    if found is None:
        raise OllamaError(
            f"{url.partition('?')[0]}: the answer names no release; right is a redirect to one or tag_name"
        )
    return found
