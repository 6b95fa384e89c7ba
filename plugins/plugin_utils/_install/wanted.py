# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release with which archives is wanted, from where, and what a host is asked for it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._places import INSTALL_FOLDER, PROGRAM
from ansible_collections.inference.ollama.plugins.plugin_utils._install.catalog import BASE, catalog
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

LATEST = "latest"
# The file of checksums, among the archives that may be on the controller.
CHECKSUMS = "checksums"
_AUTO = ("", "auto", None)
# How long one answer of a server or a mirror may take, in seconds.
FETCH_TIMEOUT = 30


class Wanted(NamedTuple):
    """What is to be installed. ``release`` is None for the newest one until it is known.

    ``machine`` is the vendor's word for the architecture, None for one without archives; ``parts`` lack the base.
    """

    release: Optional[Release]
    machine: Optional[str]
    parts: Tuple[str, ...]
    source: str
    folder: str
    user: str
    home: Optional[str]
    store: Optional[str]

    @property
    def is_local(self) -> bool:
        """Whether the archives are on the controller."""
        return self.source.startswith("/")

    @property
    def prefix(self) -> str:
        """The address of the folder with the release's archives."""
        return f"{self.source or catalog().vendor}/v{self.release}"

    def names(self) -> dict[str, str | None]:
        """The archive of each part, the base first; None where the release or the machine has none."""
        release, machine = self.release, self.machine
        if release is None or machine is None:
            return {}
        return {part: catalog().name(part, machine, release) for part in (BASE, *self.parts)}


def wanted(options: Mapping[str, Any], topology: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> Wanted:
    """What the variables, without their prefix, and the host ask for; they were found right before.

    ``info`` is what install_info returned as ``install``, None before it was asked.
    """
    unit = ((topology.get("software") or {}).get("ollama") or {}).get("unit") or {}
    said, account = options.get("install_version"), (info or {}).get("account") or {}
    if said == LATEST:
        said = (info or {}).get("latest")
    user, home, store = options.get("install_user"), options.get("install_home"), options.get("models_path")
    return Wanted(
        release=None if said is None else parse_release(str(said)),
        machine=catalog().machines.get(str((topology.get("cpu") or {}).get("architecture"))),
        parts=_parts(options.get("install_parts"), topology, info or {}),
        source=str(options.get("install_source") or "").rstrip("/") or "",
        folder=posixpath.normpath(str(options.get("install_folder") or INSTALL_FOLDER)),
        user=(unit.get("user") or catalog().account["user"]) if user in _AUTO else str(user),
        home=(account.get("home") or catalog().account["home"]) if home in _AUTO else str(home),
        store=str(store) if str(store or "").startswith("/") else None,
    )


def _parts(said: object, topology: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(said, (list, tuple)) and list(said) != ["auto"]:
        return tuple(dict.fromkeys(str(part) for part in said if part != BASE))
    vendors = {gpu.get("vendor") for gpu in topology.get("gpus") or ()}
    found = ["rocm"] if "amd" in vendors and (topology.get("cpu") or {}).get("architecture") == "x86_64" else []
    jetpack = f"jetpack{info.get('jetpack')}"
    return (*found, *([jetpack] if jetpack in catalog().parts else []))


def first_question(asked: Wanted, options: Mapping[str, Any], command_timeout: object) -> dict[str, Any]:
    """What the module install_info is asked first: all but archives."""
    latest = {"url": catalog().latest} if options.get("install_version") == LATEST and not asked.source else None
    return {
        "folder": asked.folder,
        "program": PROGRAM,
        "archives": [],
        "checksums": None,
        "latest": latest,
        "user": asked.user,
        "store": asked.store,
        "command_timeout": command_timeout,
        "fetch_timeout": FETCH_TIMEOUT,
    }


def second_question(asked: Wanted, first: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any] | None:
    """What it is asked of the archives; None where none has to be fetched from an address."""
    if asked.is_local or is_there(asked, info) or not asked.source.startswith(("", "http://", "https://")):
        return None
    names = [name for name in asked.names().values() if name is not None]
    if not names:
        return None
    return {
        **first,
        "latest": None,
        "archives": [{"name": name, "url": f"{asked.prefix}/{name}"} for name in names],
        "checksums": {"url": f"{asked.prefix}/{catalog().checksum_name}"},
    }


def is_there(asked: Wanted, info: Mapping[str, Any]) -> bool:
    """Whether the release is unpacked on the host, whole, with every archive that is wanted."""
    return not lacking(asked, info) and any(_is_whole(asked, row) for row in info.get("releases") or ())


def lacking(asked: Wanted, info: Mapping[str, Any]) -> list[str]:
    """The archives without which the wanted release was unpacked; none where it is not unpacked."""
    row: Mapping[str, Any] = next((row for row in info.get("releases") or () if _is_whole(asked, row)), {})
    names = {str(each["name"] if isinstance(each, dict) else each) for each in row.get("archives") or ()}
    return [name for name in asked.names().values() if names and name is not None and name not in names]


def _is_whole(asked: Wanted, row: Mapping[str, Any]) -> bool:
    return row.get("version") == str(asked.release) and bool(row.get("complete"))


def local_paths(asked: Wanted) -> dict[str, list[str]]:
    """Where on the controller each archive and the checksums may be, by name, the likelier place first."""
    names = [name for name in asked.names().values() if name is not None]
    if not asked.is_local:
        return {}
    own = posixpath.basename(asked.source)
    places = {
        name: [
            f"{asked.source}/v{asked.release}/{name}",
            f"{asked.source}/{name}",
            *([asked.source] if name == own else []),
        ]
        for name in names
    }
    sums = catalog().checksum_name
    beside = f"{posixpath.dirname(asked.source)}/{sums}"
    return {**places, CHECKSUMS: [f"{asked.source}/v{asked.release}/{sums}", f"{asked.source}/{sums}", beside]}


def read_checksums(text: str, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 by name from a text as sha256sum(1) writes it; names may begin with ``./`` or ``*``."""
    found = {}
    for line in text.splitlines():
        digest, _blank, name = line.strip().partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        if name in names and len(digest) == 64 and all(each in "0123456789abcdefABCDEF" for each in digest):
            found[name] = digest.lower()
    return found
