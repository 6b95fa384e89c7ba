# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folders a server writes to, and what it needs below the homes of people.

systemd.exec(5), "ProtectSystem=", "ProtectHome=" and "ReadWritePaths="; envconfig.Models() and initializeKeypair() of
Ollama 0.34.1 for ~/.ollama.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, List, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import REPLACE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.service import DEFAULT_BINARY, MODELS

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

# What ProtectHome= hides, and where these lie on hosts whose root directory is an image.
HOMES = ("/home", "/root", "/run/user", "/var/home", "/var/roothome")
# PrivateTmp= makes them the service's own.
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - systemd's names, no files of ours
# Variables that name a folder in which the server, a runner or a library of theirs writes.
FOLDERS = (
    *("OLLAMA_TMPDIR", "OLLAMA_RUNNERS_DIR", "TMPDIR", "LLAMA_CACHE", "LLAMA_ARG_SLOT_SAVE_PATH"),
    *("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "CUDA_CACHE_PATH"),
)
# Commands before the program that write nothing.
_HARMLESS = frozenset({"numactl", "taskset"})


class Writable(NamedTuple):
    """What is known of a server's folders.

    ``paths`` are the words of ReadWritePaths=; ``unknown`` says why they are not known. ``at_home`` is the first path
    that the server needs and that ProtectHome= would hide.
    """

    paths: List[str]
    unknown: Optional[str] = None
    at_home: Optional[str] = None


def writable(planning: Planning) -> Writable:
    """Which folders the planned server writes to, with a home and a store that somebody has named or read."""
    machine, unit = planning.machine, planning.machine.ollama.get("unit") or {}
    variables = {**_kept(planning), **planning.written()}
    home = _absolute(variables.get("HOME")) or unit.get("home")
    wrapped = (machine.wrapped or "").split()
    if wrapped and posixpath.basename(wrapped[0]) not in _HARMLESS:
        return Writable([], f"nobody knows where {machine.wrapped} writes")
    if not home:
        return Writable([], unit.get("home_unknown") or "nobody has read where the home of the service's user is")
    if posixpath.normpath(home) == "/":
        return Writable([], "the home of the service's user is /")
    store = variables.get(MODELS) or f"{home}/.ollama/models"
    # systemd follows a link, but not one within a folder that is writable already.
    links = (unit.get("home_links") or []) if home == unit.get("home") else []
    folders = [home, *links, store, *(variables[name] for name in FOLDERS if name in variables)]
    odd = next((path for path in (home, store) if _absolute(path) is None), None)
    if odd is not None:
        return Writable([], f"{odd} is not a path that this can be decided for")
    kept = [path for each in folders if (path := _absolute(each)) is not None and not _below(path, _TEMPORARY)]
    binary = planning.policy.binary_path or machine.ollama.get("binary") or DEFAULT_BINARY
    named = (part for value in variables.values() for part in value.split(":"))
    needed = (path for each in (*kept, binary, *wrapped, *named) if (path := _absolute(each)) is not None)
    # A minus lets a path be missing.
    return Writable(
        [f"-{path}" for path in dict.fromkeys(kept)], None, next((path for path in needed if _below(path, HOMES)), None)
    )


def _kept(planning: Planning) -> dict[str, str]:
    """The variables of the unit's other files, without those of a file that the role's takes the place of."""
    machine, place = planning.machine, f".d/{planning.policy.dropin_name}"
    if planning.policy.adopt != REPLACE:
        return machine.unit_variables
    given_up = {name for name, file in machine.unit_variable_files.items() if file.endswith(place)}
    return {name: value for name, value in machine.unit_variables.items() if name not in given_up}


def _absolute(path: str | None) -> str | None:
    """The path without what is redundant; None for one that is relative, or that systemd would read otherwise."""
    fits = path and path.startswith("/") and "%" not in path and path.isprintable() and ".." not in path.split("/")
    return posixpath.normpath(path) if path and fits else None


def _below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
