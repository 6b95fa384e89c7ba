# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free environment, ``ollama_environment``, and how it meets the named variables.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy, parse

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

_PREFIX = "ollama_environment."


def check(policy: Policy, release: Release | None) -> tuple[list[str], list[dict[str, str]]]:
    """Errors and warnings on names and values of the free environment.

    What is fatal is an error, and so is what is inert where ``lint_level`` says so; without_inert() takes out what
    is only warned about.
    """
    errors: list[str] = []
    warnings: list[dict[str, str]] = []
    for finding in lint(policy.environment, release):
        if finding.severity in ("fatal", policy.lint_level):
            errors.append(f"ollama_environment.{finding.name}: {finding.message}; {finding.remedy}")
        else:
            left_out = "; it was left out" if finding.severity == "inert" else ""
            warnings.append(
                {
                    "code": f"environment-{finding.code}",
                    "message": f"{finding.name}: {finding.message}{left_out}",
                    "remedy": finding.remedy,
                }
            )
    return errors, warnings


def without_inert(policy: Policy, release: Release | None) -> Policy:
    """The policy less the names of the free environment that do nothing on this release."""
    inert = {finding.name for finding in lint(policy.environment, release) if finding.severity == "inert"}
    kept = {name: value for name, value in policy.environment.items() if name not in inert}
    return policy.replace(environment=kept)


def ready(policy: Policy, release: Release | None) -> tuple[Policy, list[str], list[dict[str, str]]]:
    """The policy with its environment checked and its named variables settled; errors; warnings."""
    errors, warnings = check(policy, release)
    # A name that is refused already says nothing about the variable that it stands for.
    wrong = {name for name in policy.environment if any(text.startswith(f"{_PREFIX}{name}:") for text in errors)}
    active = without_inert(policy, release)
    kept = {name: value for name, value in active.environment.items() if name not in wrong}
    settled, clashes = settle(active.replace(environment=kept))
    return settled, errors + clashes, warnings


def settle(policy: Policy) -> tuple[Policy, list[str]]:
    """Take what the environment says of a named variable for that variable, or refuse two words on one thing."""
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
                f"ollama_environment.{name}: {value!r} contradicts ollama_{key}: {shown(set_by_name)}; set only one of"
                " them"
            )
        else:
            policy = policy.replace(**{key: wanted})
    return policy.replace(environment=free), errors


def shown(value: object) -> str:
    """A parsed value as the operator would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)


def merge(case: Case, environment: dict[str, str]) -> dict[str, str]:
    """The planned environment with the operator's free names in it; theirs win and are marked so."""
    for name, value in case.policy.environment.items():
        for decision in case.decisions:
            if decision["setting"] == name and decision["instance"] == case.instance:
                decision.update(
                    value=value, source=OPERATOR, reason=f"ollama_environment.{name}; the rule: {decision['reason']}"
                )
                break
        else:
            case.decide(name, value, OPERATOR, f"ollama_environment.{name}")
    return dict(sorted({**environment, **case.policy.environment}.items()))


__all__ = ("check", "merge", "ready", "settle", "shown", "without_inert")
