# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free environment, ``ollama_environment``, and how it meets the named variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._values import canonical

if TYPE_CHECKING:
    from collections.abc import Collection

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release


def ready(
    policy: Policy, release: Release | None, judged: Collection[str] = ()
) -> tuple[Policy, list[str], list[dict[str, str]]]:
    """The policy with its environment checked and its named variables settled; errors; warnings.

    A fatal finding is an error, and so is an inert one if ``lint_level`` asks for it; otherwise an inert name is left
    out with a warning. A value that the server only happens to take as it is meant is an error too. Names that were
    ``judged`` before are not again.
    """
    kept = dict(policy.environment)
    errors: list[str] = []
    warnings: list[dict[str, str]] = []
    for finding in lint(policy.environment, release, hardware_known=True):
        if finding.name in judged:
            continue
        if finding.severity in ("fatal", policy.lint_level) or finding.code == "malformed":
            errors.append(f"ollama_environment.{finding.name}: {finding.message}; {finding.remedy}")
            kept.pop(finding.name, None)
        else:
            left_out = finding.severity == "inert" and kept.pop(finding.name, None) is not None
            message = f"{finding.name}: {finding.message}{'; it was left out' if left_out else ''}"
            warnings.append({"code": f"environment-{finding.code}", "message": message, "remedy": finding.remedy})
    for name, value in kept.items():
        setting = load().get(name)
        kept[name] = value if setting is None else canonical(setting, value)
    settled, clashes = settle(policy.replace(environment=kept))
    return settled, errors + clashes, warnings


def settle(policy: Policy) -> tuple[Policy, list[str]]:
    """Move each named variable from the environment to its option, and refuse contradictions."""
    errors: list[str] = []
    free = dict(policy.environment)
    default = Policy()
    for name, key in load().named.items():
        if name not in free:
            continue
        value = free.pop(name)
        parsed, wrong = parse({key: value})
        wanted, set_by_name = getattr(parsed, key), getattr(policy, key)
        if wrong:
            errors += [f"ollama_environment.{name}: {text}" for text in wrong]
        elif set_by_name not in (getattr(default, key), wanted):
            errors.append(
                f"ollama_environment.{name}: {_brief(value)} contradicts ollama_{key}: {shown(set_by_name)}; set only"
                " one of them"
            )
        else:
            policy = policy.replace(**{key: wanted})
    return policy.replace(environment=free), errors


def shown(value: object) -> str:
    """A parsed value as the operator would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)


def _brief(value: str) -> str:
    """A number, a time or a word as it is; nobody knows what a longer text holds."""
    return repr(value) if re.fullmatch(r"[a-z0-9_.:+-]{1,24}", value) else "its value"


def check_written(planning: Planning) -> None:
    """Note an error for names that are right alone and wrong beside what the plan sets."""
    for finding in lint(planning.written(), planning.release, hardware_known=True):
        kept = planning.found.variables.get(finding.name)
        # What was found was judged alone before, and an address is read as the server does.
        alone = kept is not None and finding.code in ("malformed", "fatal-value")
        if finding.severity == "fatal" and not alone:
            where = "ollama_environment." if finding.name in planning.policy.environment and kept is None else ""
            where += f"{kept.where}: " if kept is not None else ""
            planning.error(f"{where}{finding.name}: {finding.message}; {finding.remedy}")
