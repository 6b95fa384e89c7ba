# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take releases away: what nobody keeps, or all of it; never the one in use, and nothing that is no release."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install.releases import (
    LAYOUT,
    MARKER,
    VERSION,
    Places,
    is_left,
)

if TYPE_CHECKING:
    from collections.abc import Collection


class Removal(NamedTuple):
    """What goes and what stays: paths of releases, of leftovers and of downloads; what is not of this collection."""

    releases: list[str]
    leftovers: list[str]
    foreign: list[str]


def names(folder: str) -> list[str]:
    """The names in a folder, sorted; none where there is no folder. Raise OllamaError."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OllamaError(f"{folder}: cannot be listed ({error.strerror})") from None


def is_release(path: str) -> bool:
    """Whether a folder is a release, be it damaged: it is called like one and has nothing else in it."""
    if not VERSION.fullmatch(os.path.basename(path)) or os.path.islink(path) or not os.path.isdir(path):
        return False
    return os.path.lexists(os.path.join(path, MARKER)) or set(names(path)) <= LAYOUT


def plan(places: Places, keep: Collection[str] | None, *, downloads: bool = True) -> Removal:
    """What is taken away where these versions stay (None: no release stays).

    Raise OllamaError where no release stays and one is in use.
    """
    used = places.used()
    if keep is None and os.path.lexists(places.current):
        raise OllamaError(
            f"{places.current}: it is there, so a release may be in use; nothing was removed, and right is to remove"
            " the link first"
        )
    there = [os.path.join(places.releases, name) for name in names(places.releases)]
    mine = [path for path in there if is_release(path)]
    left = [path for path in there if is_left(os.path.basename(path))]
    left += [os.path.join(places.downloads, name) for name in names(places.downloads)] if downloads else []
    stays = {*(keep or ()), *([used] if used and keep is not None else [])}
    return Removal(
        releases=[path for path in mine if os.path.basename(path) not in stays],
        leftovers=left,
        foreign=[path for path in there if path not in mine and path not in left],
    )


def carry_out(places: Places, removal: Removal, *, folders: bool) -> None:
    """Remove it, and with ``folders`` the folders around it where nothing is left in them. Raise OSError."""
    for path in removal.leftovers:
        delete(path)
    for path in removal.releases:
        retire(places, os.path.basename(path))
    if folders:
        for folder in (places.releases, places.downloads, places.folder):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def retire(places: Places, version: str) -> None:
    """Remove a release: it is under its name as a whole, or not at all. Raise OSError."""
    delete(places.old(version))
    os.replace(places.release(version), places.old(version))
    delete(places.old(version))


def delete(path: str) -> None:
    """Remove a file, a link or a folder with all that is in it; what is not there counts as removed. Raise OSError."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return
