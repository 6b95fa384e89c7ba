# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook upgrade does on a host, and why it is refused there, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._answers.bounds import LONGEST_PROMPT, MOST_PROMPTS
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._answers import (
    DIFFERENT,
    NOT_COMPARED,
    SAME,
    UNSTABLE,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.limits import is_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPORT, REQUIRE = "report", "require"


def upgrade_request(asked: Mapping[str, Any], desired: Mapping[str, Any] | None, host: str) -> dict[str, Any]:
    """Return ``{refusals, moves, before, after, asks, unasked, model, prompts, passes, line}``.

    ``asked`` are variables of the role without their prefix, and ``given``, whether the operator named a release, and
    ``refused``, why the host cannot be planned for; ``desired`` is what desired_state returned, None where it refused.
    ``asks`` is whether answers of before and after are compared; ``unasked`` says why not. ``passes`` are the verdicts
    of answers_verdict() with which a change stays.
    """
    install = (desired or {}).get("install") or {}
    refusals = [*_refusals(asked, desired, install, host), *map(str, asked.get("refused") or ())]
    before, after = install.get("before"), install.get("version")
    moves = not refusals and before != after
    model = str(asked.get("upgrade_model") or asked.get("verify_model") or asked.get("benchmark_model") or "")
    mode = str(asked.get("upgrade_answers")).lower()
    unasked = None
    if not moves:
        unasked = "nothing is upgraded"
    elif mode not in (REPORT, REQUIRE):
        unasked = "ollama_upgrade_answers is none"
    elif not model:
        unasked = "ollama_upgrade_model names no model, and neither does ollama_verify_model or ollama_benchmark_model"
    return {
        "refusals": list(dict.fromkeys(refusals)),
        "moves": moves,
        "before": before,
        "after": after,
        "asks": unasked is None,
        "unasked": unasked,
        "model": model,
        "prompts": list(asked.get("upgrade_prompts") or ()),
        "passes": [SAME, UNSTABLE] if mode == REQUIRE else [SAME, UNSTABLE, DIFFERENT, NOT_COMPARED],
        "line": _line(host, before, after, model, unasked),
    }


def _line(host: str, before: object, after: object, model: str, unasked: str | None) -> str:
    if before == after:
        return f"{host}: release {after} is in use already, so there is nothing to upgrade"
    answers = f"answers are not compared, since {unasked}" if unasked else f"answers of {model} are compared"
    return f"{host}: from {before} to {after}; {answers}"


def _refusals(
    asked: Mapping[str, Any], desired: Mapping[str, Any] | None, install: Mapping[str, Any], host: str
) -> Iterator[str]:
    if not asked.get("given"):
        yield (
            "ollama_install_version: it is not given, and which release the fleet is moved to is yours to say; allowed"
            " is a release such as 0.33.0, in the inventory or as -e ollama_install_version=0.33.0"
        )
    if str(asked.get("install_state") or "present") != "present":
        yield (
            f"ollama_install_state: with {one_line(str(asked['install_state']), 40)!r} nothing is upgraded; allowed is"
            " present"
        )
    if desired is not None and not install.get("before"):
        yield _not_installed(install, host)
    yield from _of_answers(asked)


def _not_installed(install: Mapping[str, Any], host: str) -> str:
    if not install:
        return (
            f"{host}: ollama_install is false, so that the role installs no release here; an upgrade needs true, which"
            " this playbook sets by itself unless -e ollama_install=false says otherwise"
        )
    return (
        f"{host}: no role has installed the Ollama of this host, so there is nothing to upgrade from; the playbook"
        " inference.ollama.site with ollama_install: true installs one, or with ollama_install_adopt: true takes over"
        " the one that is there"
    )


def _of_answers(asked: Mapping[str, Any]) -> Iterator[str]:
    model, prompts = asked.get("upgrade_model"), asked.get("upgrade_prompts") or ()
    if model and not is_model(model):
        yield (
            f"ollama_upgrade_model: {one_line(repr(model), 80)} is not allowed; allowed is the name of a model that"
            " each server has, such as llama3.2:3b"
        )
    fits = isinstance(prompts, (list, tuple)) and len(prompts) <= MOST_PROMPTS
    if not fits or not all(isinstance(each, str) and 0 < len(each.strip()) <= LONGEST_PROMPT for each in prompts):
        yield (
            f"ollama_upgrade_prompts: it is not allowed; allowed is a list of at most {MOST_PROMPTS} prompts, each a"
            f" text of 1 to {LONGEST_PROMPT} characters"
        )
    elif len(set(prompts)) < len(prompts):
        yield "ollama_upgrade_prompts: one of them is there twice, which the prompt cache would answer the second time"
    needs = str(asked.get("upgrade_answers")).lower() == REQUIRE
    if needs and not any(asked.get(name) for name in ("upgrade_model", "verify_model", "benchmark_model")):
        yield (
            "ollama_upgrade_answers: with require the answers decide, and no model is named that answers; name one in"
            " ollama_upgrade_model, such as llama3.2:3b"
        )
