# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of ``settings.yml`` as data: settings, which are environment variables, and options, which are variables
of the role. The fields are explained at the head of that file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release, parse_release

# Proofs that look a name up, by default the setting's own.
_KEYED = frozenset({"config_map", "server_environ", "runner_environ"})
# What an option takes from its setting, unless it has its own type.
_RULE = ("type", "values", "minimum", "maximum", "pattern", "example", "acts")


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
    also: Tuple[str, ...] = ()

    def covers(self, release: Release) -> bool:
        return self.start <= release and (self.end is None or release <= self.end)


@dataclass(frozen=True)
class Proof:
    """One way in which a program sees that a setting acts.

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
class Option:
    """One variable of ``role``, ``name`` without its prefix. ``variable`` is the environment variable that it sets,
    ``fields`` are the keys of an entry where the value is a list of mappings.
    """

    name: str
    type: str
    description: Tuple[str, ...]
    section: str = ""
    role: str = "ollama"
    scope: str = "host"
    variable: Optional[str] = None
    own_type: bool = True
    auto: bool = False
    default: Any = "auto"
    required: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    allowed: Optional[str] = None
    becomes: Tuple[str, ...] = ()
    proof: Optional[str] = None
    fields: Mapping[str, Option] = field(default_factory=dict)
    values: Tuple[str, ...] = ()
    minimum: Optional[int] = None
    maximum: Optional[int] = None
    pattern: Optional[str] = None
    example: Optional[str] = None
    acts: Tuple[Phase, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One environment variable."""

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
    strict: bool = False
    below: Optional[str] = None
    harmless: Tuple[str, ...] = ()
    negated: bool = True
    proof: Tuple[Proof, ...] = ()
    option: Optional[Option] = None

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


def build_setting(name: str, fields: dict[str, Any]) -> Setting:
    """The setting of an entry, to which the fields of its group were added."""
    fields["values"] = tuple(fields.get("values", ()))
    fields["harmless"] = tuple(fields.get("harmless", ()))
    fields["acts"] = tuple(_phase(entry) for entry in fields.get("acts", ()))
    proof = fields.get("proof", ())
    fields["proof"] = tuple(_proof(name, entry) for entry in ([proof] if isinstance(proof, dict) else proof))
    for edge in ("since", "until"):
        fields[edge] = None if fields.get(edge) is None else parse_release(fields[edge])
    option = fields.get("option")
    if option is not None:
        own = "type" in option
        rule = {} if own else {key: fields[key] for key in _RULE if key in fields}
        fields["option"] = build_option(option["name"], {"variable": name, "own_type": own, **rule, **option})
    return Setting(name=name, **fields)


def build_option(name: str, fields: dict[str, Any]) -> Option:
    """The option of an entry."""
    description = fields["description"]
    fields["description"] = (description,) if isinstance(description, str) else tuple(description)
    fields["values"] = tuple(fields.get("values", ()))
    fields["becomes"] = tuple(fields.get("becomes", [fields["variable"]] if "variable" in fields else ()))
    fields["fields"] = {key: build_option(key, entry) for key, entry in fields.get("fields", {}).items()}
    return Option(**{**fields, "name": name})


def _phase(entry: dict[str, Any]) -> Phase:
    return Phase(
        start=parse_release(entry["from"]),
        end=None if entry["to"] is None else parse_release(entry["to"]),
        how=entry["how"],
        instead=entry.get("instead"),
        values=tuple(entry.get("values", ())),
        default=entry.get("default"),
        inert=entry.get("inert", False),
        wrong=entry.get("wrong"),
        also=tuple(entry.get("also", ())),
    )


def _proof(name: str, entry: Mapping[str, Any]) -> Proof:
    # A family of names is not a name to look up.
    own = {"key": name} if entry["kind"] in _KEYED and not name.endswith("*") else {}
    edges = {edge: parse_release(entry[edge]) for edge in ("since", "until") if edge in entry}
    return Proof(**{**own, **entry, **edges})
