# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many models, requests and tokens fit the memory of an instance.

Sources: docs/policy.md, rules M0 to M2 and M4; the arithmetic is in budget.py.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan import budget, families
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.attention import attends, cache_type
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import (
    MODELS,
    STAND_IN_CONTEXT,
    Budget,
    Load,
    Rooms,
    Rung,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import GIB, gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.reserve import reserve

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

CONTEXT, CACHE = "OLLAMA_CONTEXT_LENGTH", "LLAMA_ARG_CACHE_RAM"
LOADED = "OLLAMA_MAX_LOADED_MODELS"
# Below this a card has room for one model of a usual size.
SEVERAL_MODELS_BYTES = 11 * GIB
# Streams of fewer threads each are slower to read along with than one after the other.
THREADS_PER_STREAM = 4
# The context of releases whose variable does not act yet, which only a model or a request changes.
OLD_CONTEXT = 2048
MOST_TOKENS, TOKEN_STEP, MOST_SLOTS = 1 << 24, 256, 1024


@dataclass(frozen=True)
class Fit:
    """What was chosen, and the numbers behind it. ``usable`` None: the memory could not be read."""

    rung: Rung
    budget: Budget
    usable: int | None
    runners: int
    cache: int | None

    @property
    def text(self) -> str:
        """The numbers, as a reason ends in them."""
        if self.usable is None:
            return "how much could not be read, so the least is planned"
        need = self.budget.figures(self.rung)[0]
        what = "" if self.budget.loads else "a model that fills half: "
        return (
            f"{what}{gib(need.weights)} of weights, {gib(need.kv)} of KV cache and {gib(need.overhead)} of buffers in"
            f" {gib(self.usable)}"
        )


def fit(case: Case, threads: int | None) -> Fit:
    """The highest rung of the objective's ladder that fits, with the operator's numbers in the place of its own."""
    runners = most_models(case)
    cache = cache_bound(case)
    rooms, whole = _rooms(case, runners, cache)
    loads = tuple(
        Load(model, families.single(case, model), cache_type(case, model), attends(case, model))
        for model in case.policy.reference_models
    )
    room = Budget(rooms, loads, whole, together=not case.gpus, flash=attends(case), kv_type=cache_type(case))
    rung = budget.climb(_own(case, _rungs(case, threads, cache)), room.fits)
    known = any(gpu.memory_bytes for gpu in case.gpus) if case.gpus else case.memory_bytes is not None
    result = Fit(rung, room, room.figures(rung)[1] if known else None, runners, cache)
    if known and not room.holds(rung):
        _exceeded(case, result)
    _note(case, result)
    return result


def most_models(case: Case) -> int:
    """Models that share the prompt caches' part of the memory, whatever cards and memory there are."""
    return loaded_wish(case) or len(case.policy.reference_models) or MODELS


def loaded_wish(case: Case) -> int | None:
    """The operator's number of loaded models: the instance's own, or the host's, divided by its instances."""
    wish: int | None = case.policy.max_loaded_models
    if wish is None or case.count == 1 or case.own_loaded_models:
        return wish
    if wish < case.count:
        case.refuse(
            f"ollama_max_loaded_models: {wish} is the host's total, and each of its {case.count} instances holds at"
            f" least one model; allowed is auto, or at least {case.count}, or fewer instances"
        )
        return 1
    return wish // case.count + (case.index < wish % case.count)


def cache_bound(case: Case) -> int | None:
    """Bytes of one prompt cache: 0 where the release has none, None where the instance's memory decides it."""
    if case.release is not None and not case.acts(CACHE):
        return 0
    own = case.policy.environment.get(CACHE, "")
    if own.isdigit() and case.acts(CACHE):
        return int(own) * budget.MIB
    return case.policy.cache_ram_bytes if case.acts(CACHE) else None


def _rooms(case: Case, runners: int, cache: int | None) -> tuple[Rooms, Rooms]:
    """What models may take of each device beside each other, and what one by itself."""
    if not case.gpus:
        return ((budget.host_bytes(case.memory_bytes, runners, cache),),), ()
    kept = reserve(case)
    if case.policy.reference_models:
        return (
            budget.grouped(case.gpus, budget.card_bytes, kept),
            budget.grouped(case.gpus, budget.whole_bytes, kept),
        )
    # The server puts a model on the card with the most room.
    return ((max(budget.card_bytes(gpu.memory_bytes, kept) for gpu in case.gpus),),), ()


def _rungs(case: Case, threads: int | None, cache: int | None) -> list[Rung]:
    """The ladder within what threads, families and training allow."""
    policy = case.policy
    named = policy.reference_models
    if named:
        rungs = budget.ladder(policy.objective, len(named))
    elif case.gpus:
        rungs = [rung._replace(loaded=_tier(case, cache)) for rung in budget.ladder(policy.objective, 1)]
    else:
        rungs = budget.ladder(policy.objective, MODELS, gentle=False)
    slots = MOST_SLOTS if case.gpus else max(1, (threads or 0) // THREADS_PER_STREAM)
    if not case.gpus and policy.objective == "balanced":
        slots = min(slots, 2)
    if named and all(families.single(case, model) for model in named):
        slots = 1
    top = max((model.context_length or STAND_IN_CONTEXT for model in named), default=STAND_IN_CONTEXT)
    # To read a longer prompt takes processors many minutes, and its memory is taken at once.
    top = top if case.gpus else min(top, STAND_IN_CONTEXT)
    return [Rung(rung.loaded, min(rung.parallel, slots), min(rung.context, top)) for rung in rungs]


def _tier(case: Case, cache: int | None) -> int:
    """Loaded models on cards, where none is named."""
    large = sum((gpu.memory_bytes or 0) >= SEVERAL_MODELS_BYTES for gpu in case.gpus)
    tier = MODELS * large + len(case.gpus) - large
    return tier if cache is not None else min(tier, budget.cached_models(case.memory_bytes or 0))


def _own(case: Case, rungs: list[Rung]) -> list[Rung]:
    """The ladder with the operator's numbers in the place of its own."""
    loaded, parallel = loaded_wish(case), case.policy.num_parallel
    context = case.policy.context_length if case.acts(CONTEXT) else OLD_CONTEXT
    return [Rung(loaded or rung.loaded, parallel or rung.parallel, context or rung.context) for rung in rungs]


def _exceeded(case: Case, found: Fit) -> None:
    policy, rung = case.policy, found.rung
    need = found.budget.figures(rung)[0]
    where = "VRAM" if case.gpus else "memory"
    given = {
        "parallel": ("ollama_num_parallel", policy.num_parallel, 1, MOST_SLOTS),
        "context": ("ollama_context_length", policy.context_length, TOKEN_STEP, MOST_TOKENS),
        "loaded": ("ollama_max_loaded_models", policy.max_loaded_models, 1, MOST_SLOTS),
    }
    remedies, shared = [], 1 if case.own_loaded_models else case.count
    for field, (variable, value, step, most) in given.items():
        largest = found.budget.largest(rung, field, step, most) if value else None
        if largest:
            remedies.append(f"{variable}: {largest * shared if field == 'loaded' else largest}")
    names = [load.model.name for load in found.budget.loads]
    what = f"of {', '.join(names)}" if names else "of a stand-in, since ollama_reference_models names no model"
    case.warn(
        "budget-exceeded",
        f"{rung.loaded} model(s) with {rung.parallel} slot(s) of {rung.context} tokens need {gib(need.total)} (weights"
        f" {gib(need.weights)} {what}, KV cache {gib(need.kv)}, buffers {gib(need.overhead)}), and {gib(found.usable)}"
        f" of {where} are usable",
        f"the most that fits is {', or '.join(remedies)}"
        if remedies
        else "name smaller models, or expect a part of their layers "
        + ("on the CPUs" if case.gpus else "to be read from disk over and over"),
    )


def _note(case: Case, found: Fit) -> None:
    need = found.budget.figures(found.rung)[0]
    each = budget.cache_bytes(case.memory_bytes or 0, found.runners) if found.cache is None else found.cache
    case.budget = {
        "memory": "vram" if case.gpus else "ram",
        "usable_bytes": found.usable,
        "weights_bytes": need.weights,
        "kv_bytes": need.kv,
        "overhead_bytes": need.overhead,
        "cache_bytes": each * found.rung.loaded,
        "total_bytes": need.total,
        "models": [load.model.name for load in found.budget.loads],
    }


__all__ = ("CACHE", "CONTEXT", "LOADED", "SEVERAL_MODELS_BYTES", "Fit", "fit", "loaded_wish")
