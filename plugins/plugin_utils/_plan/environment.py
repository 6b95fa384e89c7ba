# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free environment, ``ollama_environment``, and how it meets the named variables.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy, parse

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Release

_PREFIX = "ollama_environment."
# A name of the environment that one variable of the role decides.
NAMED = {
    "LLAMA_ARG_LOAD_MODE": "load_mode",
    "LLAMA_ARG_THREADS": "num_threads",
    "CUDA_VISIBLE_DEVICES": "cuda_visible_devices",
    "OLLAMA_CONTEXT_LENGTH": "context_length",
    "OLLAMA_FLASH_ATTENTION": "flash_attention",
    "OLLAMA_HOST": "host",
    "OLLAMA_KEEP_ALIVE": "keep_alive",
    "OLLAMA_KV_CACHE_TYPE": "kv_cache_type",
    "OLLAMA_MAX_LOADED_MODELS": "max_loaded_models",
    "OLLAMA_MAX_QUEUE": "max_queue",
    "OLLAMA_MODELS": "models_path",
    "OLLAMA_NUM_PARALLEL": "num_parallel",
    "OLLAMA_SCHED_SPREAD": "sched_spread",
}


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
    return dataclasses.replace(policy, environment=kept)


def ready(policy: Policy, release: Release | None) -> tuple[Policy, list[str], list[dict[str, str]]]:
    """The policy with its environment checked and its named variables settled; errors; warnings."""
    errors, warnings = check(policy, release)
    # A name that is refused already says nothing about the variable that it stands for.
    wrong = {name for name in policy.environment if any(text.startswith(f"{_PREFIX}{name}:") for text in errors)}
    active = without_inert(policy, release)
    kept = {name: value for name, value in active.environment.items() if name not in wrong}
    settled, clashes = settle(dataclasses.replace(active, environment=kept))
    return settled, errors + clashes, warnings


def settle(policy: Policy) -> tuple[Policy, list[str]]:
    """Take what the environment says of a named variable for that variable, or refuse two words on one thing."""
    errors: list[str] = []
    free = dict(policy.environment)
    default = Policy()
    for name, key in NAMED.items():
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
            policy = dataclasses.replace(policy, **{key: wanted})
    return dataclasses.replace(policy, environment=free), errors


def shown(value: object) -> str:
    """A parsed value as the operator would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)


__all__ = ("NAMED", "check", "ready", "settle", "shown", "without_inert")
