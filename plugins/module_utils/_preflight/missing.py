# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit's own lines name and the host has not, without which systemd does not start the service.

systemd.exec(5), "WorkingDirectory=", "User=", "Paths"; systemd.service(5), "Command lines", for prefixes and for where
a program without a path is looked for. Where it is not certain, nothing is missing.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.inference.ollama.plugins.module_utils._systemd.command_line import STARTING, commands
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES, expand, split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PATHS = (
    *("ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths"),
    *("ReadWriteDirectories", "ReadOnlyDirectories", "InaccessibleDirectories", "BindPaths", "BindReadOnlyPaths"),
)
# By these the unit sees other files than this host has, or places that systemd makes before it looks.
_APART = frozenset({"RootDirectory", "RootImage", "ExtensionImages", "ExtensionDirectories", "MountImages"})
_MADE = {
    "StateDirectory": ("/var/lib", "/var/lib/private"),
    "CacheDirectory": ("/var/cache", "/var/cache/private"),
    "LogsDirectory": ("/var/log", "/var/log/private"),
    "RuntimeDirectory": ("/run", "/run/private"),
    "ConfigurationDirectory": ("/etc",),
    "TemporaryFileSystem": ("",),
}
# The folders in which systemd looks for a program (src/basic/path-util.h).
_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_KNOWN: dict[str, Callable[[str], object]] = {
    "User": pwd.getpwnam,
    "Group": grp.getgrnam,
    "SupplementaryGroups": grp.getgrnam,
}
# Of DynamicUser=, which makes them.
_ACCOUNTS = frozenset({"User", "Group"})
_NUMBER = re.compile("[0-9]{1,10}")


def missing(unit: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """``{directive, value, file, line}`` of each program, folder, user and group that is named and not there.

    ``unit`` is found_unit of unit_files_info.
    """
    said = [each for each in (unit or {}).get("settings") or [] if each["section"] == "Service" and each["value"]]
    if any(each["directive"] in _APART for each in said):
        return []
    made = [*_made(said)]
    dynamic = any(each["directive"] == "DynamicUser" and each["value"].lower() in YES for each in said)
    searched = not any(each["directive"] == "ExecSearchPath" for each in said)
    skipped = (_ACCOUNTS if dynamic else frozenset()) | (frozenset() if searched else frozenset(STARTING))
    return [
        {"directive": each["directive"], "value": value, "file": each["file"], "line": each["line"]}
        for each in said
        for value in _absent(each["directive"], each["value"], skipped)
        if not any(value == place or value.startswith(f"{place}/") for place in made)
    ]


def absent_programs(paths: Iterable[str]) -> list[str]:
    """The paths, of those that begin with a slash, at which no program is."""
    return [path for path in paths if path.startswith("/") and not _runs(path)]


def _absent(directive: str, value: str, skipped: frozenset[str]) -> list[str]:
    """What the value of a directive names and the host has not; of a skipped one only what has a path."""
    if directive in STARTING:
        return [
            program
            for program in _programs(value)
            if (not _runs(program) if program.startswith("/") else directive not in skipped and not _is_found(program))
        ]
    if directive == "WorkingDirectory":
        path = expand(value.strip("\"'"))
        return [path] if _is_certain(path) and not os.path.isdir(path) else []
    if directive in _KNOWN and directive not in skipped:
        names = value.split() if directive == "SupplementaryGroups" else [value]
        return [name for name in map(_name, names) if not _is_known(name, _KNOWN[directive])]
    paths = [expand(word).partition(":")[0] for word in split_words(value)[0]] if directive in _PATHS else []
    return [path for path in paths if _is_certain(path) and not os.path.lexists(path)]


def _programs(value: str) -> list[str]:
    """The programs of a command line; those that systemd does not mind, or nobody knows, are left out."""
    # With | it is a shell's command (systemd 258).
    return [
        each.words[0]
        for each in commands(value)
        if each.words[0] and not set("-|") & set(each.prefixes) and "%" not in each.words[0]
    ]


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _is_found(name: str) -> bool:
    return any(_runs(f"{folder}/{name}") for folder in _SEARCHED)


def _is_certain(path: str) -> bool:
    """Whether a missing path is an error: one that begins with a dash, or with the root of an image, is none."""
    return path.startswith("/") and "%" not in path


def _name(text: str) -> str:
    return expand(text.strip("\"'"))


def _is_known(name: str, look_up: Callable[[str], object]) -> bool:
    """Whether there is such an account; a number needs none, and what differs from host to host is not looked up."""
    if _NUMBER.fullmatch(name) or "%" in name:
        return True
    try:
        look_up(name)
    except (KeyError, ValueError):
        return False
    return True


def _made(said: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Folders that systemd makes for the service."""
    for each in said:
        for base in _MADE.get(each["directive"], ()):
            for word in split_words(each["value"])[0]:
                yield f"{base}/{expand(word).partition(':')[0].lstrip('/')}"
