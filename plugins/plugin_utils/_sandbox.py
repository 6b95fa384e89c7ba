# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service's sandbox lets its server write to a folder, by the directives of its unit.

systemd.exec(5), "Sandboxing", "Paths" and "DynamicUser="; the mounts as systemd makes them (src/core/namespace.c): the
longest path that covers a folder decides, and nothing below what is made inaccessible comes back. Of several for one
path one is kept, by the order of its MountMode, and what any of them says of reading only counts.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES, expand, split_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HOMES = ("/home", "/root", "/run/user")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - systemd's names, no files of ours
_SYSTEM = ("/usr", "/boot", "/efi")
_OWN = {
    "StateDirectory": ("/var/lib", "/var/lib/private"),
    "CacheDirectory": ("/var/cache", "/var/cache/private"),
    "LogsDirectory": ("/var/log", "/var/log/private"),
    "RuntimeDirectory": ("/run", "/run/private"),
}
# Of several for one path the last one here counts. One that concerns execution keeps its folder from being remounted
# read-only with those above it.
_TEMPORARY_FILES, _EXECUTION, _WRITABLE, _READ_ONLY, _EMPTY, _BOUND, _HIDDEN = range(7)
_WORDS = {
    _TEMPORARY_FILES: "puts an empty file system over it",
    _READ_ONLY: "makes it read-only",
    _EMPTY: "puts an empty file system over it",
    _HIDDEN: "hides it",
}


class Mount(NamedTuple):
    """What one directive does to a path; ``place`` is its file and line, empty for what another directive implies."""

    path: str
    effect: int
    directive: str
    place: str
    read_only: bool = False


def hidden(settings: Sequence[Mapping[str, Any]], path: str) -> Mount | None:
    """The directive that keeps the service from writing to the folder; None where none does, or it cannot be known.

    ``settings`` are those of found_unit of unit_files_info.
    """
    said = [entry for entry in settings if entry["section"] == "Service" and entry["value"]]
    if any(entry["directive"] in ("RootDirectory", "RootImage", "RootEphemeral") for entry in said):
        return None
    covering = [mount for mount in _mounts(said) if _covers(mount.path, path)]
    lost = [mount for mount in covering if mount.effect == _HIDDEN]
    if lost:
        return min(lost, key=lambda mount: len(mount.path))
    longest = max((len(mount.path) for mount in covering), default=0)
    there = [mount for mount in covering if len(mount.path) == longest]
    if not there:
        return None
    kept = max(there, key=lambda mount: mount.effect)
    if kept.effect in (_EXECUTION, _WRITABLE, _BOUND):
        return next((mount for mount in there if mount.read_only or mount.effect == _READ_ONLY), None)
    return kept


def why(mount: Mount) -> str:
    """What the directive does to the folder, as the end of a sentence."""
    words = _WORDS.get(mount.effect) or _WORDS[_READ_ONLY]
    return f"{mount.directive}{f' ({mount.place})' if mount.place else ''} {words}"


def _mounts(said: list[Mapping[str, Any]]) -> Iterator[Mount]:
    last = {entry["directive"]: entry for entry in said}
    dynamic = _value(last, "DynamicUser") in YES
    home, system = _value(last, "ProtectHome"), _value(last, "ProtectSystem")
    if dynamic and home not in {*YES, "tmpfs"}:
        yield from _each(_HOMES, _READ_ONLY, last, "DynamicUser", "ProtectHome=read-only of DynamicUser=yes")
    elif home in {*YES, "tmpfs", "read-only"}:
        effect = _READ_ONLY if home == "read-only" else _EMPTY if home == "tmpfs" else _HIDDEN
        yield from _each(_HOMES, effect, last, "ProtectHome")
    if system == "strict" or dynamic:
        implied = None if system == "strict" else "ProtectSystem=strict of DynamicUser=yes"
        yield from _each(("/",), _READ_ONLY, last, "ProtectSystem" if implied is None else "DynamicUser", implied)
        yield from _each(("/dev", "/proc", "/sys", *_HOMES), _WRITABLE, last, "ProtectSystem")
    elif system in {*YES, "full"}:
        yield from _each((*_SYSTEM, *(("/etc",) if system == "full" else ())), _READ_ONLY, last, "ProtectSystem")
    if dynamic or _value(last, "PrivateTmp") in {*YES, "disconnected"}:
        name = "PrivateTmp" if "PrivateTmp" in last else "DynamicUser"
        implied = None if name == "PrivateTmp" else "PrivateTmp=yes of DynamicUser=yes"
        yield from _each(_TEMPORARY, _EMPTY, last, name, implied)
    for entry in said:
        yield from _listed(entry)


def _each(
    paths: tuple[str, ...], effect: int, last: Mapping[str, Any], directive: str, name: str | None = None
) -> Iterator[Mount]:
    entry = last.get(directive)
    for path in paths:
        yield Mount(path, effect, name or f"{directive}={entry['value'] if entry else ''}", _place(entry))


def _listed(entry: Mapping[str, Any]) -> Iterator[Mount]:
    """The mounts of a directive that lists paths."""
    directive = entry["directive"]
    words = [expand(word) for word in split_words(entry["value"])[0]]
    for word in words:
        path = posixpath.normpath(word.lstrip("-+"))
        said = f"{directive}={word}"
        if directive in ("ReadWritePaths", "ReadWriteDirectories"):
            yield Mount(path, _WRITABLE, said, _place(entry))
        elif directive in ("ReadOnlyPaths", "ReadOnlyDirectories"):
            yield Mount(path, _READ_ONLY, said, _place(entry))
        elif directive in ("InaccessiblePaths", "InaccessibleDirectories"):
            yield Mount(path, _HIDDEN, said, _place(entry))
        elif directive == "TemporaryFileSystem":
            place, _colon, options = path.partition(":")
            yield Mount(posixpath.normpath(place), _TEMPORARY_FILES, said, _place(entry), "ro" in options.split(","))
        elif directive in ("ExecPaths", "NoExecPaths"):
            yield Mount(path, _EXECUTION, said, _place(entry))
        elif directive in ("BindPaths", "BindReadOnlyPaths"):
            source, _colon, target = path.partition(":")
            place = posixpath.normpath(target.partition(":")[0] or source)
            yield Mount(place, _BOUND, said, _place(entry), directive == "BindReadOnlyPaths")
        elif directive in _OWN:
            for base in _OWN[directive]:
                yield Mount(f"{base}/{word.partition(':')[0]}", _BOUND, said, _place(entry))


def _value(last: Mapping[str, Any], directive: str) -> str:
    entry = last.get(directive)
    return str(entry["value"]).strip("\"'").lower() if entry else ""


def _place(entry: Mapping[str, Any] | None) -> str:
    return f"{entry['file']}:{entry['line']}" if entry else ""


def _covers(path: str, folder: str) -> bool:
    path, folder = posixpath.normpath(path), posixpath.normpath(folder)
    return path in ("/", folder) or folder.startswith(f"{path}/")
