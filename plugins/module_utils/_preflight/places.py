# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files cannot be written, and which units and drop-ins are masks or links, before anything is written.

statvfs(3) for file systems that are read-only; systemd.unit(5) for masks.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._bounded import listed
from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import FOLDERS
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Units that the role writes files for; a slice only below the root.
_UNIT = re.compile(r"ollama(?:@[^/]*)?\.service|[^/-]+\.slice")
_MOST = 1000


def unwritable(folders: Iterable[str]) -> dict[str, str]:
    """Why no file can be made in a folder, for each in which none can; a folder that is not there would be made."""
    found = {}
    for folder in folders:
        reason = _reason(folder)
        if reason is not None:
            found[folder] = reason
    return found


def dropin_folders(folder: str) -> list[str]:
    """The places of drop-ins of our units that are there, be they folders or not."""
    names = sorted(name for name in _names(folder) if name.endswith(".d") and _UNIT.fullmatch(name[: -len(".d")]))
    return [os.path.join(folder, name) for name in names[:_MOST]]


def links(folder: str) -> dict[str, str]:
    """The units and drop-ins below a folder of units that are links, and where each leads."""
    found = {}
    places = [os.path.join(folder, name) for name in _names(folder) if _UNIT.fullmatch(name)]
    for place in dropin_folders(folder):
        places += [os.path.join(place, name) for name in _names(place) if name.endswith(".conf")]
    for place in sorted(places)[:_MOST]:
        target = _target(place)
        if target is not None:
            found[place] = target
    return found


def masks(prefix: str) -> list[str]:
    """The masks in effect of our units and of drop-ins for them: links to /dev/null, and empty files."""
    tree = Tree(prefix)
    first: dict[str, str] = {}
    for folder in FOLDERS:
        for name in tree.names(folder):
            if _UNIT.fullmatch(name):
                first.setdefault(name, f"{folder}/{name}")
            elif name.endswith(".d") and _UNIT.fullmatch(name[: -len(".d")]):
                for file in tree.names(f"{folder}/{name}"):
                    if file.endswith(".conf"):
                        first.setdefault(f"{name}/{file}", f"{folder}/{name}/{file}")
    return [tree.shown(path) for _name, path in sorted(first.items())[:_MOST] if tree.is_masked(path)]


def _target(place: str) -> str | None:
    try:
        return os.fsencode(os.readlink(place)).decode("utf-8", "replace")
    except OSError:
        return None


def _reason(folder: str) -> str | None:
    place = folder
    for place in _upwards(folder):
        if os.path.lexists(place):
            break
    if not os.path.isdir(place):
        return (
            f"{place} is a file, and a folder is needed; move it away"
            if os.path.exists(place)
            else (f"{place} is a link to nothing")
        )
    try:
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return f"{place} is on a file system that is mounted read-only"
    except OSError as error:
        return f"{place} cannot be looked at ({error.strerror})"
    if os.access(place, os.W_OK | os.X_OK):
        return None
    who = "" if os.geteuid() == 0 else "; the run is not root's: set become: true"
    return f"{place} cannot be written to (permission denied{who})"


def _upwards(folder: str) -> Iterator[str]:
    place = os.path.abspath(folder)
    yield place
    while place != "/":
        place = os.path.dirname(place)
        yield place


def _names(folder: str) -> list[str]:
    try:
        return listed(folder)
    except OSError:
        return []
