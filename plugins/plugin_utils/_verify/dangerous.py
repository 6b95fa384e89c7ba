# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a variable is set that lets others in, makes a runner fetch, or breaks it, whoever set it.

A runner inherits the environment of its server, and every local user reaches its port (llm/llama_server.go of Ollama).
Values are not shown: some of them are secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._lint import is_dangerous
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

DANGEROUS = "dangerous_variables"
_NONE = "none"


def check_dangerous(subject: Subject) -> Check:
    """Fail on such a variable of the server, of a runner, or of what systemd would start."""
    observed = subject.observed
    server = observed.server
    processes = [*([server] if server is not None else []), *observed.runners]
    read = [(each.file("environ"), each.environment) for each in processes]
    found: dict[str, str] = {}
    for place, environment in [*read, (f"the environment of {subject.unit}", observed.environment)]:
        for name in _dangerous(environment or {}):
            found.setdefault(name, place)
    if found:
        names, places = ", ".join(sorted(found)), ", ".join(dict.fromkeys(found.values()))
        remedy = (
            f"take {names} out of the files of the unit (systemctl cat {subject.unit}), of those of EnvironmentFile="
        )
        remedy += (
            f" and of systemd's own environment, then {cause.restart(subject)}; docs/settings.md says what each does"
        )
        return subject.fails(DANGEROUS, _NONE, names, places, remedy)
    missing = subject.no_server(DANGEROUS, _NONE)
    if missing is not None:
        return missing
    for place, environment in read:
        if environment is None:
            return subject.unread(DANGEROUS, _NONE, place, place)
    return subject.passes(DANGEROUS, _NONE, _NONE, ", ".join(place for place, _environment in read))


def _dangerous(environment: Mapping[str, str]) -> list[str]:
    return [name for name, value in environment.items() if is_dangerous(name, value)]
