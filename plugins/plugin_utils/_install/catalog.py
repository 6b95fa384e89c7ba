# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vendor publishes for each release, and what distributions call what is needed: ``archives.yml`` as data."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional, Tuple

import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release, parse_release

if TYPE_CHECKING:
    from collections.abc import Iterable

BASE = "base"


class Family(NamedTuple):
    """A family of distributions: how it installs a package, and which one has the program zstd."""

    refresh: Tuple[str, ...]
    install: Tuple[str, ...]
    zstd: str


class Part(NamedTuple):
    """An archive of a release: on which machines there is one, and its name from a release on, the oldest first."""

    machines: Tuple[str, ...]
    names: Tuple[Tuple[Release, str], ...]


class Catalog(NamedTuple):
    """The file as data. ``checksum_releases`` are first and last release of each time with a file of checksums."""

    vendor: str
    latest: str
    machines: Mapping[str, str]
    parts: Mapping[str, Part]
    checksum_name: str
    checksum_releases: Tuple[Tuple[Release, Optional[Release]], ...]
    unpacked: Mapping[str, float]
    account: Mapping[str, Any]
    families: Mapping[str, Family]
    family_of: Mapping[str, str]

    def name(self, part: str, machine: str, release: Release) -> str | None:
        """The archive of a part, ``ollama-linux-amd64.tar.zst``; None where the release has none for the machine.

        ``machine`` is the vendor's word for the architecture.
        """
        known = self.parts.get(part)
        if known is None:
            return None
        names = [name for since, name in known.names if since <= release]
        return names[-1].format(machine=machine, part=part) if names and machine in known.machines else None

    def since(self, part: str) -> Release:
        """The first release with this part."""
        return self.parts[part].names[0][0]

    def has_checksums(self, release: Release) -> bool:
        """Whether the vendor has published a file of checksums with this release."""
        return any(first <= release and (last is None or release <= last) for first, last in self.checksum_releases)

    def unpacked_bytes(self, name: str, packed: int) -> int:
        """How many bytes the files of an archive take, at most as far as is known."""
        return round(packed * next((ratio for end, ratio in self.unpacked.items() if name.endswith(end)), 1))

    def family(self, ids: Iterable[str]) -> Family | None:
        """The family of a distribution by its ``ID`` and ``ID_LIKE``, the nearest first."""
        found = (self.family_of[each] for each in ids if each in self.family_of)
        return next((self.families[name] for name in found), None)


@functools.lru_cache(maxsize=1)
def catalog() -> Catalog:
    """The catalog that this version of the collection ships; the file is a constant part of the program."""
    with open(os.path.join(os.path.dirname(__file__), "..", "archives.yml"), encoding="utf-8") as stream:
        data = yaml.load(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one in C
    return Catalog(
        vendor=data["vendor"],
        latest=data["latest"],
        machines=data["machines"],
        parts={
            name: Part(
                tuple(part["machines"]), tuple((parse_release(each["since"]), each["name"]) for each in part["names"])
            )
            for name, part in data["parts"].items()
        },
        checksum_name=data["checksums"]["name"],
        checksum_releases=tuple(
            (parse_release(first), None if last is None else parse_release(last))
            for first, last in data["checksums"]["releases"]
        ),
        unpacked=data["unpacked"],
        account=data["account"],
        families={
            name: Family(tuple(each["refresh"]), tuple(each["install"]), each["zstd"])
            for name, each in data["families"].items()
        },
        family_of={each: name for name, family in data["families"].items() for each in family["ids"]},
    )
