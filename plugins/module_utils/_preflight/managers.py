# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ollama that another manager than ollama.service starts.

systemd.unit(5), "Unit File Load Path" of user units; snapcraft.io for the names of snap's units.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._places import BESIDE_UNITS
from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import FOLDERS
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree, UnreadableError

_USER_FOLDERS = ("/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/usr/share/systemd/user")
_HOMES = ("/home", "/var/home")
# Of each user: units that they wrote, and those that systemctl --user enables.
_OWN = (".config/systemd/user", ".local/share/systemd/user")
_SNAP, _HOMEBREW, _USER, _OPENRC, _OTHER = "snap", "homebrew", "user", "openrc", "unit"
_PROGRAMS = (
    ("/snap/bin/ollama", _SNAP),
    ("/home/linuxbrew/.linuxbrew/bin/ollama", _HOMEBREW),
    ("/etc/init.d/ollama", _OPENRC),
)
# What a unit of any name has that starts the server.
_SERVES = re.compile(r"^\s*ExecStart\s*=.*\bollama[\"']?\s+serve\b", re.MULTILINE)
# Folders in which people and programs put units of their own.
_OWN_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
_MOST_READ = 500
_MOST = 20
_MOST_HOMES = 2000


def other_managers(prefix: str = "") -> list[dict[str, Any]]:
    """``{manager, path}`` of each unit, script or program by which another manager starts Ollama."""
    tree = Tree(prefix)
    found = [(_kind(name), f"{folder}/{name}") for folder in FOLDERS for name in tree.names(folder) if _is_other(name)]
    found += [(_OTHER, path) for folder in _OWN_UNITS for path in _starters(tree, folder)]
    homes = ["/root", *(f"{place}/{name}" for place in _HOMES for name in tree.names(place)[:_MOST_HOMES])]
    for folder in [*_USER_FOLDERS, *(f"{home}/{own}" for home in homes for own in _OWN)]:
        names = [name for name in tree.names(folder) if fnmatch.fnmatchcase(name, "*ollama*.service")]
        names += [path.rpartition("/")[2] for path in _starters(tree, folder)]
        found += [(_HOMEBREW if name.startswith("homebrew.") else _USER, f"{folder}/{name}") for name in names]
    found += [(manager, path) for path, manager in _PROGRAMS if tree.there(path)]
    rows = [{"manager": manager, "path": tree.shown(path)} for manager, path in dict.fromkeys(found)]
    return rows[:_MOST]


def not_folders(prefix: str = "") -> list[str]:
    """Files in the place of folders of drop-ins for Ollama, of which systemd reads nothing."""
    tree = Tree(prefix)
    places = [f"{folder}/{name}" for folder in FOLDERS for name in tree.names(folder)]
    dropins = [place for place in places if fnmatch.fnmatchcase(posixpath.basename(place), "ollama*.service.d")]
    return [tree.shown(place) for place in dropins if not tree.is_folder(place)]


def _starters(tree: Tree, folder: str) -> list[str]:
    """Units without Ollama in their names that start its server."""
    names = [name for name in tree.names(folder) if name.endswith(".service") and "ollama" not in name]
    found = []
    for name in names[:_MOST_READ]:
        try:
            text = tree.read(f"{folder}/{name}")
        except UnreadableError:
            continue
        if text is not None and _SERVES.search(text):
            found.append(f"{folder}/{name}")
    return found


def _is_other(name: str) -> bool:
    if name in BESIDE_UNITS:
        return False
    return fnmatch.fnmatchcase(name, "*ollama*.service") and not fnmatch.fnmatchcase(name, "ollama.service")


def _kind(name: str) -> str:
    return (
        _SNAP if name.startswith("snap.") else _HOMEBREW if posixpath.basename(name).startswith("homebrew.") else _OTHER
    )
