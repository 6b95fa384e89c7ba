# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: which setting acts in which Ollama release.

The facts are in ``settings.yml`` beside this file. Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Mapping, Optional, Tuple

import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release, parse_release

# What each kind of proof needs, beside key, since and until, which each may have.
PROOFS: Mapping[str, Tuple[str, ...]] = MappingProxyType(
    {
        "config_map": (),
        "server_environ": (),
        "runner_environ": (),
        "runner_status": ("field",),
        "command_line": ("flag",),
        "journal": ("pattern",),
        "api": ("path", "field"),
        "none": ("why",),
    }
)
# Those that look a name up, by default the setting's own.
_KEYED = frozenset({"config_map", "server_environ", "runner_environ"})
# The server or one of its runners reads these, between since and until; every other status says why setting the name
# is a mistake in any release.
ACTING = frozenset({"active", "passthrough", "informational", "removed"})


@dataclass(frozen=True)
class Phase:
    """A span of releases in which a setting works in one way. ``end`` is the last release, None while it lasts.

    ``instead`` names what does in this phase what the operator wants of the setting, which itself no longer does;
    ``inert`` where nothing is left of it. ``wrong`` is what a wrong value does beyond being ignored.
    """

    start: Release
    end: Optional[Release]
    how: str
    instead: Optional[str] = None
    values: Tuple[str, ...] = ()
    default: Optional[str] = None
    inert: bool = False
    wrong: Optional[str] = None

    def covers(self, release: Release) -> bool:
        return self.start <= release and (self.end is None or release <= self.end)


@dataclass(frozen=True)
class Proof:
    """One way in which a program sees that a setting acts; the kinds are explained at the head of ``settings.yml``.

    ``since`` and ``until`` are the first and the last release in which it holds, None for no bound.
    """

    kind: str
    key: Optional[str] = None
    field: Optional[str] = None
    flag: Optional[str] = None
    pattern: Optional[str] = None
    path: Optional[str] = None
    why: Optional[str] = None
    since: Optional[Release] = None
    until: Optional[Release] = None

    def covers(self, release: Release) -> bool:
        return (self.since is None or self.since <= release) and (self.until is None or release <= self.until)


@dataclass(frozen=True)
class Setting:
    """One environment variable. The fields are explained at the head of ``settings.yml``."""

    name: str
    status: str
    scope: str
    type: str
    effect: str
    source: str
    default: Optional[str] = None
    since: Optional[Release] = None
    until: Optional[Release] = None
    instead: Optional[str] = None
    pitfall: Optional[str] = None
    values: Tuple[str, ...] = ()
    minimum: Optional[int] = None
    maximum: Optional[int] = None
    pattern: Optional[str] = None
    example: Optional[str] = None
    acts: Tuple[Phase, ...] = ()
    proof: Tuple[Proof, ...] = ()

    def read_in(self, release: Release) -> bool:
        """Whether this release reads the name at all."""
        return self.since is not None and Phase(self.since, self.until, "").covers(release)

    def phase(self, release: Release) -> Phase | None:
        """How the setting works in this release, where that has changed over time."""
        return next((phase for phase in self.acts if phase.covers(release)), None)

    def default_in(self, release: Release | None) -> str | None:
        """What holds in this release where the setting is unset; in the newest known one for None."""
        phase = self.phase(release) if release is not None else next(iter(self.acts[-1:]), None)
        return self.default if phase is None or phase.default is None else phase.default

    def proofs(self, release: Release) -> tuple[Proof, ...]:
        """How a program sees in this release that the setting acts, the strongest way first."""
        return tuple(proof for proof in self.proof if proof.covers(release))


@dataclass(frozen=True)
class Group:
    """Settings that answer one question, in the order of the file."""

    title: str
    about: str
    settings: Tuple[Setting, ...]


@dataclass(frozen=True)
class Contract:
    """Every known setting."""

    oldest_supported: Release
    newest_known: Release
    none_between: Tuple[str, str]
    groups: Tuple[Group, ...]
    by_name: Mapping[str, Setting]

    def get(self, name: str) -> Setting | None:
        """The setting of this name, or of its family (``GGML_VK_*``); None for a name that nobody knows."""
        found = self.by_name.get(name)
        if found is not None:
            return found
        families = [key for key in self.by_name if key.endswith("*") and name.startswith(key[:-1])]
        return self.by_name[max(families, key=len)] if families else None

    def acts(self, name: str, release: Release | None) -> bool:
        """Whether setting the name does to the server what its entry promises.

        An unknown release (None) could be any supported one: true only where the setting acts in all of them.
        """
        setting = self.get(name)
        if setting is None or setting.status not in ACTING:
            return False
        if release is not None:
            phase = setting.phase(release)
            return setting.read_in(release) and (phase is None or phase.instead is None)
        changed = any(
            phase.instead and (phase.end is None or phase.end >= self.oldest_supported) for phase in setting.acts
        )
        return setting.read_in(self.oldest_supported) and setting.until is None and not changed


@functools.lru_cache(maxsize=1)
def load() -> Contract:
    """The contract that this version of the collection ships.

    The only I/O among the deciders: the file is a part of the program, as constant as the code beside it.
    """
    with open(os.path.join(os.path.dirname(__file__), "settings.yml"), encoding="utf-8") as stream:
        # Seven times as fast as the pure Python loader, and every worker of a play reads the file anew.
        data = yaml.load(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    groups = tuple(
        Group(
            title=group["title"],
            about=group["about"],
            settings=tuple(
                _setting(name, {**group["common"], **(own or {})}) for name, own in group["settings"].items()
            ),
        )
        for group in data["groups"]
    )
    return Contract(
        oldest_supported=parse_release(data["releases"]["oldest_supported"]),
        newest_known=parse_release(data["releases"]["newest_known"]),
        none_between=tuple(data["releases"]["none_between"]),
        groups=groups,
        by_name=MappingProxyType({setting.name: setting for group in groups for setting in group.settings}),
    )


def _setting(name: str, fields: dict[str, Any]) -> Setting:
    fields["values"] = tuple(fields.get("values", ()))
    fields["acts"] = tuple(_phase(entry) for entry in fields.get("acts", ()))
    proof = fields.get("proof", ())
    fields["proof"] = tuple(_proof(name, entry) for entry in ([proof] if isinstance(proof, dict) else proof))
    for edge in ("since", "until"):
        fields[edge] = _release(fields.get(edge))
    return Setting(name=name, **fields)


def _phase(entry: dict[str, Any]) -> Phase:
    return Phase(
        start=parse_release(entry["from"]),
        end=_release(entry["to"]),
        how=entry["how"],
        instead=entry.get("instead"),
        values=tuple(entry.get("values", ())),
        default=entry.get("default"),
        inert=entry.get("inert", False),
        wrong=entry.get("wrong"),
    )


def _proof(name: str, entry: Mapping[str, Any]) -> Proof:
    # A family of names has no name of its own.
    own = {"key": name} if entry["kind"] in _KEYED and not name.endswith("*") else {}
    edges = {edge: _release(entry.get(edge)) for edge in ("since", "until")}
    return Proof(**{**own, **entry, **edges})


def _release(text: str | None) -> Release | None:
    return None if text is None else parse_release(text)


__all__ = (
    "ACTING",
    "PROOFS",
    "Contract",
    "Group",
    "Phase",
    "Proof",
    "Release",
    "Setting",
    "load",
    "parse_release",
)
