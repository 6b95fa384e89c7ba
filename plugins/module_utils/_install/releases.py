# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of releases on a host: where each thing lies in it, and which releases are there as a whole.

A release lies in FOLDER/releases/VERSION. It is extracted elsewhere and renamed, and the last file of it that is
written is its marker, so that one with a marker is whole. FOLDER/current leads to the one in use.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import read_regular

VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}(?:[-+][0-9A-Za-z.+-]{1,80})?")
MARKER = ".complete"
SCHEMA = 1
PROGRAM = "bin/ollama"
# The folders of a release as its archives have them.
LAYOUT = frozenset({"bin", "lib", MARKER})
# What a release is called that is not whole yet, and one that is about to go.
_PARTIAL, _OLD = ".partial", ".old"
_LEFT = re.compile(rf"\.({VERSION.pattern})(?:\{_PARTIAL}|\{_OLD})")
_LARGEST = 1 << 16
_GREATEST = (1 << 63) - 1
_MOST_ARCHIVES = 100


class Places(NamedTuple):
    """The paths of a folder of releases."""

    folder: str

    @property
    def releases(self) -> str:
        return os.path.join(self.folder, "releases")

    @property
    def downloads(self) -> str:
        return os.path.join(self.folder, "downloads")

    @property
    def current(self) -> str:
        return os.path.join(self.folder, "current")

    def release(self, version: str) -> str:
        return os.path.join(self.releases, version)

    def partial(self, version: str) -> str:
        """Return where a release is extracted."""
        return os.path.join(self.releases, f".{version}{_PARTIAL}")

    def old(self, version: str) -> str:
        """Return what a release is renamed to before it is deleted."""
        return os.path.join(self.releases, f".{version}{_OLD}")

    def used(self) -> str | None:
        """The version that ``current`` leads to; None where it leads to no release of this folder."""
        return version_of(_target(self.current))


def version_of(target: str | None) -> str | None:
    """The version of a link's target such as ``releases/0.32.15``, relative or absolute."""
    parts = (target or "").rstrip("/").split("/")
    return parts[-1] if len(parts) > 1 and parts[-2] == "releases" and VERSION.fullmatch(parts[-1]) else None


def is_left(name: str) -> bool:
    """Whether a name in the folder of releases is what a killed run leaves."""
    return _LEFT.fullmatch(name) is not None


def parsed(data: bytes, version: str) -> dict[str, Any] | None:
    """The marker of a release, ``{archives: [{name, sha256, bytes}], files, bytes}``; None for any other text."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("schema") != SCHEMA or said.get("version") != version:
        return None
    archives, files, size = said.get("archives"), said.get("files"), said.get("bytes")
    if not isinstance(archives, list) or len(archives) > _MOST_ARCHIVES or not (_count(files) and _count(size)):
        return None
    if not all(_is_archive(archive) for archive in archives):
        return None
    kept = [{name: archive[name] for name in ("name", "sha256", "bytes")} for archive in archives]
    return {"archives": kept, "files": files, "bytes": size}


def written(version: str, archives: list[dict[str, Any]], files: int, size: int) -> bytes:
    """The text of a marker."""
    said = {"schema": SCHEMA, "version": version, "archives": archives, "files": files, "bytes": size}
    return json.dumps(said, sort_keys=True).encode() + b"\n"


def read_marker(folder: str, version: str) -> dict[str, Any] | None:
    """The marker of the release in a folder of this host; None without one that is right."""
    try:
        return parsed(read_regular(os.path.join(folder, MARKER), _LARGEST), version)
    except (OSError, ValueError):
        return None


def _is_archive(archive: object) -> bool:
    if not isinstance(archive, dict):
        return False
    name, sha256 = archive.get("name"), archive.get("sha256")
    fits = isinstance(name, str) and 0 < len(name) < 256 and name.isprintable() and isinstance(sha256, str)
    return fits and re.fullmatch("[0-9a-f]{64}", str(sha256)) is not None and _count(archive.get("bytes"))


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _GREATEST


def _target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
