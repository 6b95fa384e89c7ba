# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: which setting acts in which Ollama release, and which variable of the role decides it.

The facts are in ``settings.yml`` beside this file.
"""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, FrozenSet, Mapping, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release, parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._setting import (
    Group,
    Option,
    Setting,
    build_option,
    build_setting,
)

# The same facts in a program that stays on a host, where no package reads YAML.
PACKED = "ansible_collections/inference/ollama/plugins/plugin_utils/settings.json"
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
# The server or one of its runners reads these, between since and until; every other status says why setting the name
# is a mistake in any release.
ACTING = frozenset({"active", "passthrough", "informational", "removed"})
# The role of which no variable is about a server.
GATEWAY = "ollama_gateway"


@dataclass(frozen=True)
class Contract:
    """Every known setting and option.

    ``options`` are by their names, in the order of ``sections``; ``gateway_options`` are those of the role
    ``ollama_gateway``, which no plan of a server is made of. ``named`` gives the option of each environment
    variable that an option decides in the variable's own unit. ``single_slot`` gives the release since when the server
    holds an architecture to one request at a time; ``rewriting`` are the first and the last release that convert models
    of the architectures ``rewritten``. ``types`` says what a value of each type may be.
    """

    oldest_supported: Release
    newest_known: Release
    none_between: Tuple[str, str]
    milestones: Mapping[str, Release]
    single_slot: Mapping[str, Release]
    rewriting: Tuple[Release, Release]
    rewritten: FrozenSet[str]
    types: Mapping[str, str]
    sections: Mapping[str, Mapping[str, str]]
    groups: Tuple[Group, ...]
    by_name: Mapping[str, Setting]
    options: Mapping[str, Option]
    gateway_options: Mapping[str, Option]
    named: Mapping[str, str]

    def of_role(self, role: str) -> list[Option]:
        """The variables of a role, in the order of ``sections``."""
        return [option for option in (*self.options.values(), *self.gateway_options.values()) if option.role == role]

    def since(self, milestone: str) -> Release:
        """The first release with this change, a name of ``milestones`` in ``settings.yml``."""
        return self.milestones[milestone]

    def reached(self, milestone: str, release: Release | None) -> bool:
        """Whether the release is known and has this change."""
        return release is not None and release >= self.since(milestone)

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
    data = _facts()
    groups = tuple(
        Group(
            title=group["title"],
            about=group["about"],
            settings=tuple(
                build_setting(name, {**group["common"], **(own or {})}) for name, own in group["settings"].items()
            ),
        )
        for group in data["groups"]
    )
    settings = [setting for group in groups for setting in group.settings]
    options = [setting.option for setting in settings if setting.option is not None]
    options += [build_option(name, fields) for name, fields in data["options"].items()]
    order = list(data["sections"])
    first, last = data["rewriting"]["releases"]
    options.sort(key=lambda option: order.index(option.section))
    return Contract(
        oldest_supported=parse_release(data["releases"]["oldest_supported"]),
        newest_known=parse_release(data["releases"]["newest_known"]),
        none_between=tuple(data["releases"]["none_between"]),
        milestones=_releases(data["milestones"]),
        single_slot=_releases(data["single_slot"]),
        rewriting=(parse_release(first), parse_release(last)),
        rewritten=frozenset(data["rewriting"]["families"]),
        types=MappingProxyType(data["types"]),
        sections=MappingProxyType(data["sections"]),
        groups=groups,
        by_name=MappingProxyType({setting.name: setting for setting in settings}),
        options=MappingProxyType({option.name: option for option in options if option.role != GATEWAY}),
        gateway_options=MappingProxyType({option.name: option for option in options if option.role == GATEWAY}),
        named=MappingProxyType(
            {option.variable: option.name for option in options if option.variable and not option.own_type}
        ),
    )


def packed() -> bytes:
    """The facts as JSON, for the file ``PACKED`` of a program: the same bytes for the same facts."""
    return json.dumps(_facts(), sort_keys=False, separators=(",", ":")).encode()


def _facts() -> Any:  # noqa: ANN401 - a mapping of whatever the file has
    loader: Any = globals().get("__loader__")
    beside = os.path.join(os.path.dirname(__file__), os.path.basename(PACKED))
    # In a program's archive, or where one was unpacked.
    if hasattr(loader, "archive") or os.path.exists(beside):
        return json.loads(loader.get_data(beside))
    import yaml  # noqa: PLC0415 a host has no such package

    with open(os.path.join(os.path.dirname(__file__), "settings.yml"), encoding="utf-8") as stream:
        # Seven times as fast as the pure Python loader, and every worker of a play reads the file again.
        return yaml.load(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _releases(entries: Mapping[str, Any]) -> Mapping[str, Release]:
    return MappingProxyType({name: parse_release(text) for name, text in entries.items()})
