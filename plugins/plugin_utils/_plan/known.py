# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan says of a release that the rules were not checked against, and of facts that were not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

# Characters of a problem.
_LONGEST = 400


def check_release(planning: Planning) -> None:
    """Warn of a release that is not known, or older or newer than those that the rules were checked against."""
    release, oldest, newest = planning.release, planning.contract.oldest_supported, planning.contract.newest_known
    wrapped = planning.machine.wrapped
    if release is None:
        behind = f"the program behind {wrapped} is not known, or did not answer with its release"
        planning.warn(
            "release-unknown",
            f"{behind if wrapped else 'no installed Ollama answered with its release'}; only what is right or harmless"
            " in every supported release is set",
            f"{'' if wrapped else 'install Ollama first, or '}name the release in ollama_version",
        )
    elif release < oldest:
        planning.warn(
            "release-too-old",
            f"Ollama {release} is older than {oldest}, the oldest release that these rules were checked against",
            "upgrade Ollama",
        )
    elif release > newest:
        planning.warn(
            "release-not-yet-known",
            f"Ollama {release} is newer than {newest}, the newest release that these rules were checked against",
            "look for a newer inference.ollama, and at the server's log after the restart",
        )


def check_facts(planning: Planning) -> None:
    """Warn of facts that could not be read, and of drop-ins that are read after the role's."""
    if planning.machine.problems:
        first = [one_line(str(problem), _LONGEST) for problem in planning.machine.problems[:3]]
        shown = [*first, *(["…"] if len(planning.machine.problems) > 3 else [])]
        planning.warn(
            "facts-incomplete",
            f"{len(planning.machine.problems)} fact(s) could not be read or contradict each other: {'; '.join(shown)}",
            "see ollama_topology.problems; what depends on them is left to the server",
        )
    unit = planning.machine.ollama.get("unit") or {}
    own = planning.policy.dropin_name
    later = [path for path in unit.get("dropins") or [] if path.rsplit("/", 1)[-1] > own]
    if later:
        planning.warn(
            "dropins-read-later",
            f"{', '.join(later)} is read after {own} and may override it",
            "remove what it sets twice, or choose a later name in ollama_dropin_name",
        )
