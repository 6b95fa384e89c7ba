# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reference models do not fit by themselves, with their figures, and what would fit.

Sources: docs/policy.md, rule M0; the arithmetic is in budget.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import fit
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Notes, Planning

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import Budget, Candidate
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import Fit
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import Room

CODE = "model-does-not-fit"
# Tokens of context are given in steps of so many; slots one by one.
_TOKENS = 256
# Warnings on models, one each.
_MOST = 8


def fit_of_those_that_fit(planning: Planning, room: Room | None) -> tuple[Planning, Fit]:
    """The fit of an instance, whose models of ``auto`` are those that fit by themselves, and the planning with these.

    Where none of them fits, all of them stay. Each model that does not fit by itself has a warning.
    """
    own = Notes()
    found = fit(replace(planning, notes=own), room)
    wrong = [] if found.usable is None else _misfits(found)
    left = [model for model in wrong if model.optional]
    left = left if len(left) < len(found.budget.models) else []
    for model in wrong[:_MOST]:
        _warn(planning, found, model, left=model in left)
    if left:
        rest = tuple(model for model in planning.policy.reference_models if model not in left)
        planning = replace(planning, policy=planning.policy.replace(reference_models=rest))
        return planning, fit(planning, room)
    for warning in own.warnings:
        planning.warn(**warning)
    return planning, found


def _misfits(found: Fit) -> list[ReferenceModel]:
    """The models that do not fit with the chosen slots and tokens even where no other is in memory."""
    models = [model.reference for model in found.budget.models]
    return [model for model in models if not _only(found.budget, model).holds(_one(found.chosen))]


def _warn(planning: Planning, found: Fit, model: ReferenceModel, *, left: bool) -> None:
    own, asked = _only(found.budget, model), _one(found.chosen)
    use, usable = own.figures(asked)
    planning.warn(
        CODE,
        f"{model.name} by itself with {asked.parallel} slot(s) of {asked.context} tokens needs"
        f" {gib(use.total)} (weights {gib(use.weights)}, KV cache {gib(use.kv)}, buffers {gib(use.overhead)}), and"
        f" {gib(usable)} of {'VRAM' if planning.gpus else 'memory'} are usable"
        f"{'; the plan is made for the others' if left else ''}",
        _remedy(own, asked, model),
    )


def _remedy(own: Budget, asked: Candidate, model: ReferenceModel) -> str:
    slots = own.largest(asked, "parallel", 1, asked.parallel)
    tokens = own.largest(asked, "context", _TOKENS, asked.context)
    found = [f"{slots} slot(s)"] if slots else []
    found += [f"{tokens} tokens"] if tokens else []
    if found:
        return f"it fits with {', or with '.join(found)}"
    room = _room(own, asked)
    if room <= 0:
        fewer = _room(own, asked._replace(parallel=1, context=_TOKENS))
        return (
            "no model of its kind fits there"
            if fewer <= 0
            else f"with fewer slots and tokens weights of at most {gib(fewer)} fit"
        )
    parameters = (model.record or {}).get("parameter_count")
    # As files are named by it: Q4_K_M takes 4.9 bits for each parameter, Q8_0 8.5.
    bits = f", {room * 8 / parameters:.1f} bits for each of its parameters" if parameters else ""
    return (
        f"a quantisation with weights of at most {gib(room)} fits{bits}; else expect a part of its layers on the CPUs"
    )


def _room(memory: Budget, candidate: Candidate) -> int:
    """Bytes that are left for weights beside everything else."""
    use, usable = memory.figures(candidate)
    return usable - (use.total - use.weights)


def _only(memory: Budget, model: ReferenceModel) -> Budget:
    return replace(memory, models=tuple(each for each in memory.models if each.reference == model))


def _one(candidate: Candidate) -> Candidate:
    return candidate._replace(loaded=1)
