# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Ollama is not installed on a host as asked, a sentence each with what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import PROGRAM
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._install.catalog import BASE, catalog
from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import LATEST, is_there
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import Wanted

COLLECTION = "collection"
_AUTO = ("", "auto", None)
# Who else can have installed it, in words, and what ends an installation that cannot be taken over.
_OWNERS = {
    "install.sh": "the vendor's install.sh",
    "package": "a package of the distribution",
    "unit": "a unit that this collection has not written",
    "other": "somebody else",
}
_APART = {
    "snap": ("snap", "snap remove ollama"),
    "homebrew": ("Homebrew", "brew services stop ollama; brew uninstall ollama"),
    "user_unit": ("a user's unit", "systemctl --user disable --now ollama, as that user"),
}


def asked_errors(asked: Wanted, options: Mapping[str, Any], topology: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the variables, whatever the host has."""
    release, source = asked.release, asked.source
    for name in ("staging_root", "topology_root"):
        if options.get(name) not in ("", "/", None):
            yield (
                f"ollama_install: nothing can be installed with ollama_{name}, which is {options[name]!r}; leave one of"
                " the two out"
            )
    if source and not source.startswith(("/", "https://", "http://")):
        yield (
            f"ollama_install_source: {source!r} is neither an address nor a path; allowed is an address that begins"
            " with https:// or http://, an absolute path on the controller, or nothing for the vendor's archives"
        )
    if options.get("install_version") == LATEST and source:
        yield (
            "ollama_install_version: 'latest' is asked of the vendor alone, and ollama_install_source names another"
            " place; name a release, such as 0.32.15"
        )
    if asked.machine is None:
        found = (topology.get("cpu") or {}).get("architecture")
        yield (
            f"ollama_install: there are no archives for the architecture {found}; there are some for"
            f" {' and '.join(catalog().machines)}"
        )
    if unknown := [part for part in asked.parts if part not in catalog().parts]:
        known = ", ".join(part for part in catalog().parts if part != BASE)
        yield f"ollama_install_parts: there is no archive {', '.join(unknown)}; allowed are {known}, or auto"
    if release is not None and release < load().oldest_supported:
        yield (
            f"ollama_install_version: {release} is older than {load().oldest_supported}, the oldest release that can be"
            " planned for; name a later one"
        )
    if options.get("version") not in (*_AUTO, str(release)) and release is not None:
        yield (
            f"ollama_version: {options['version']!r} is another release than {release}, which ollama_install_version"
            " installs; leave ollama_version out"
        )
    if options.get("binary_path") not in (*_AUTO, PROGRAM):
        yield (
            f"ollama_binary_path: {options['binary_path']!r} is another program than {PROGRAM}, which is installed;"
            " leave ollama_binary_path out"
        )


def archive_errors(asked: Wanted) -> Iterator[str]:
    """Yield which archives the release has not."""
    release, machine = asked.release, asked.machine
    if release is None or machine is None or any(part not in catalog().parts for part in asked.parts):
        return
    for part, name in asked.names().items():
        known = catalog().parts[part]
        if name is None and machine not in known.machines:
            yield (
                f"ollama_install_parts: there is no archive {part} for {machine}, only for {', '.join(known.machines)};"
                " leave it out"
            )
        elif name is None:
            yield (
                f"ollama_install_parts: release {release} has no archive {part}, which there is from"
                f" {catalog().since(part)} on; leave it out, or name a later release"
            )


def source_errors(
    asked: Wanted, options: Mapping[str, Any], info: Mapping[str, Any], sources: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield which archives are not available or not to be trusted; ``sources`` have name, sha256 and problem."""
    release = asked.release
    if release is None or is_there(asked, info):
        return
    given = options.get("install_checksums") or {}
    for source in sources:
        name = source["name"]
        if source["problem"]:
            # Of an address the reader's own words name it.
            place = f" from {asked.source}" if asked.is_local else ""
            right = (
                f"put it there, or in v{asked.release} below it"
                if asked.is_local
                else "name a release that has it, or another ollama_install_source"
            )
            yield f"ollama_install_source: {name} is not available{place}: {source['problem']}; {right}"
        elif not source["sha256"] and name not in given and not options.get("install_unverified"):
            eras = "" if catalog().has_checksums(release) else f" Release {release} came without that file."
            yield (
                f"ollama_install_checksums: nothing says what {name} must be like, neither this variable nor"
                f" {catalog().checksum_name} beside the archive.{eras} Name its SHA-256 here, or install it unchecked"
                " with ollama_install_unverified: true"
            )


def host_errors(
    asked: Wanted, options: Mapping[str, Any], info: Mapping[str, Any], sources: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what on the host keeps the release from being installed."""
    owner = info.get("owner") or {}
    kind = owner.get("kind")
    where = f"{owner.get('path')}: {owner.get('evidence')}"
    if kind in _APART:
        name, command = _APART[kind]
        yield (
            f"ollama_install: {name} has installed an Ollama here ({where}), which cannot be taken over; remove it"
            f" first ({command})"
        )
    elif kind not in (None, COLLECTION) and not options.get("install_adopt"):
        release = f", release {owner['version']}" if owner.get("version") else ""
        yield (
            f"ollama_install: {_OWNERS.get(kind, kind)} has installed an Ollama here{release} ({where}). It is left"
            " alone; with ollama_install_adopt: true it is replaced, and its program and its unit are kept under other"
            " names"
        )
    if (info.get("program") or {}).get("kind") == "other":
        yield f"{PROGRAM} is neither a file nor a link, so that no link can take its place; move it away"
    if is_there(asked, info):
        return
    yield from _no_unpacking(asked, info)
    yield from _no_room(asked, info, sources)


def _no_unpacking(asked: Wanted, info: Mapping[str, Any]) -> Iterator[str]:
    found = info.get("zstd") or {}
    needed = any(str(name).endswith(".zst") for name in asked.names().values())
    system = info.get("os") or {}
    ids = [system.get("id"), *(system.get("id_like") or ())]
    if needed and not found.get("program") and not found.get("python") and catalog().family(ids) is None:
        yield (
            f"ollama_install: the archives of {asked.release} are unpacked by zstd, which is not here, and how"
            f" {system.get('name') or system.get('id') or 'this system'} installs it is not known; install it first"
        )


def _no_room(asked: Wanted, info: Mapping[str, Any], sources: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    packed, unpacked = room(sources)
    free = (info.get("free_bytes") or {}).get(asked.folder)
    if free is not None and packed is not None and free < packed + unpacked:
        yield (
            f"ollama_install_folder: {asked.folder} has {gib(free)} free, and release {asked.release} needs about"
            f" {gib(packed + unpacked)}, {gib(packed)} for its archives and {gib(unpacked)} for its files ({free} and"
            f" {packed + unpacked} bytes); free some, or choose a folder of another file system"
        )


def room(sources: Iterable[Mapping[str, Any]]) -> tuple[int | None, int]:
    """How many bytes archives take, and their files; None where the size of one is not known."""
    sizes = {str(source["name"]): source["bytes"] for source in sources}
    if any(size is None for size in sizes.values()):
        return None, 0
    return sum(sizes.values()), sum(catalog().unpacked_bytes(name, size) for name, size in sizes.items())
