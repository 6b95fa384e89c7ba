# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many models, requests and tokens fit the memory of an instance.

Sources: docs/policy.md, rules M0 to M2 and M4; the arithmetic is in budget.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import runtime_bytes
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import listed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import budget, speed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.attention import attends, cache_type
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import (
    ASSUMED_CONTEXT,
    MODELS,
    Budget,
    Candidate,
    DeviceGroups,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import GIB, gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.cost import LoadedModel
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import single
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.reserve import reserve
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.runners import (
    cores_of_each,
    loaded_option,
    most_models,
    most_slots,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.speed import Paying

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.threads import Room

CONTEXT, CACHE = "OLLAMA_CONTEXT_LENGTH", "LLAMA_ARG_CACHE_RAM"
LOADED = "OLLAMA_MAX_LOADED_MODELS"
# Below this a card has room for one model of a usual size.
SEVERAL_MODELS_BYTES = 11 * GIB
# The context of releases whose variable does not act yet, which only a model or a request changes.
OLD_CONTEXT = 2048
MOST_TOKENS, TOKEN_STEP, MOST_SLOTS = 1 << 24, 256, 1024


@dataclass(frozen=True)
class Fit:
    """The chosen candidate and the numbers behind it. ``usable`` None: the memory could not be read."""

    chosen: Candidate
    budget: Budget
    usable: int | None
    runners: int
    cache: int | None
    paying: Paying
    summary: dict[str, Any]
    room: Room | None = None

    @property
    def on_cards(self) -> bool:
        """Whether every reference model lies on cards as a whole."""
        return bool(self.budget.models) and not self.budget.together and self.budget.holds(self.chosen)

    @property
    def counted(self) -> list[str]:
        """The names of the models that the figures are of: as many as are to be in memory at once, the largest ones."""
        alone = self.chosen._replace(loaded=1)
        each = [
            (-replace(self.budget, models=(model,)).figures(alone)[0].total, model.reference.name)
            for model in self.budget.models
        ]
        return [name for _size, name in sorted(each)[: self.chosen.loaded]]

    @property
    def text(self) -> str:
        """The numbers, as a reason ends in them."""
        if self.usable is None:
            return "the memory could not be read, so the least is planned"
        use = self.budget.figures(self.chosen)[0]
        named = bool(self.budget.models)
        start = "" if named else "assumed model: "
        # The smallest plan of a small host assumes less.
        half = " (half of usable memory)" if not named and use.weights == sum(self.budget.groups[0]) // 2 else ""
        of = f" ({listed(self.counted)})" if named else half
        return (
            f"{start}weights {gib(use.weights)}{of}, KV cache {gib(use.kv)}, buffers {gib(use.overhead)} of"
            f" {gib(self.usable)} usable"
        )


def fit(planning: Planning, room: Room | None) -> Fit:
    """The largest candidate of the objective that fits, with the operator's numbers in place of its own."""
    runners = most_models(planning, room)
    cache = cache_bound(planning)
    groups, whole = _groups(planning, runners, cache)
    models = tuple(
        LoadedModel(
            model, single(planning, model), cache_type(planning, model), attends(planning, model), planning.release
        )
        for model in planning.policy.reference_models
    )
    memory = Budget(
        groups,
        models,
        whole,
        together=not planning.gpus,
        flash=attends(planning),
        kv_type=cache_type(planning),
        release=planning.release,
        shared=any(gpu.shared_bytes for gpu in planning.gpus),
        runtime=max((runtime_bytes(gpu.compute) for gpu in planning.gpus), default=0),
    )
    paying = _paying(planning, room)
    chosen = budget.largest_fitting(_own(planning, _candidates(planning, room, cache, paying.slots)), memory.fits)
    known = any(gpu.memory_bytes for gpu in planning.gpus) if planning.gpus else planning.memory_bytes is not None
    use, usable = memory.figures(chosen)
    each = budget.cache_bytes(planning.memory_bytes or 0, runners) if cache is None else cache
    summary = {
        "memory": "vram" if planning.gpus else "ram",
        "usable_bytes": usable if known else None,
        "weights_bytes": use.weights,
        "kv_bytes": use.kv,
        "overhead_bytes": use.overhead,
        "cache_bytes": each * chosen.loaded,
        "total_bytes": use.total,
        "models": [model.reference.name for model in models],
    }
    result = Fit(chosen, memory, usable if known else None, runners, cache, paying, summary, room)
    if known and not memory.holds(chosen):
        _exceeded(planning, result)
    return result


def cache_bound(planning: Planning) -> int | None:
    """Bytes of one prompt cache: 0 where the release has none, None where the instance's memory decides it."""
    if planning.release is not None and not planning.acts(CACHE):
        return 0
    own = planning.policy.environment.get(CACHE, "")
    if own.isdigit() and planning.acts(CACHE):
        return int(own) * budget.MIB
    return planning.policy.cache_ram_bytes if planning.acts(CACHE) else None


def _groups(planning: Planning, runners: int, cache: int | None) -> tuple[DeviceGroups, DeviceGroups]:
    """What models may take of each device beside each other, and what one by itself."""
    if not planning.gpus:
        return ((budget.host_bytes(planning.memory_bytes, runners, cache),),), ()
    kept, pool = reserve(planning), budget.host_bytes(planning.memory_bytes, runners, cache)
    groups = budget.grouped(planning.gpus, budget.card_bytes, kept, pool)
    if planning.policy.reference_models:
        return groups, budget.grouped(planning.gpus, budget.whole_bytes, kept, pool)
    # The server puts a model on the card with the most free memory.
    return ((max(size for sizes in groups for size in sizes),),), ()


def _paying(planning: Planning, room: Room | None) -> Paying:
    """The slots that cards, CPUs and families let pay."""
    policy, named = planning.policy, planning.policy.reference_models
    if named and all(single(planning, model) for model in named):
        return Paying(1, "the server holds each model to one")
    if planning.gpus:
        weights = max((model.size_bytes for model in named), default=speed.ASSUMED_BYTES)
        return speed.paying(policy.objective, weights, speed.bandwidth(planning.gpus))
    unit = "cores" if policy.num_threads is None else "threads"
    number = cores_of_each(planning, room) or "an unknown number of"
    return Paying(most_slots(planning, room), f"{number} {unit} for each model, four to a stream")


def _candidates(planning: Planning, room: Room | None, cache: int | None, slots: int) -> list[Candidate]:
    """The objective's candidates within what slots pay and models were trained for."""
    policy = planning.policy
    named = policy.reference_models
    if planning.gpus and not named:
        ordered = [each._replace(loaded=_tier(planning, cache)) for each in budget.candidates(policy.objective, 1)]
    else:
        models = len(named) or 1
        models = models if planning.gpus else min(models, most_models(planning, room))
        ordered = budget.candidates(policy.objective, models)
    top = max((model.context_length or ASSUMED_CONTEXT for model in named), default=ASSUMED_CONTEXT)
    # To read a longer prompt takes processors many minutes, and its memory is taken at once.
    top = top if planning.gpus else min(top, ASSUMED_CONTEXT)
    return [Candidate(each.loaded, min(each.parallel, slots), min(each.context, top)) for each in ordered]


def _tier(planning: Planning, cache: int | None) -> int:
    """Loaded models on cards, where none is named."""
    large = sum((gpu.memory_bytes or 0) >= SEVERAL_MODELS_BYTES for gpu in planning.gpus)
    tier = MODELS * large + len(planning.gpus) - large
    return tier if cache is not None else min(tier, budget.cached_models(planning.memory_bytes or 0))


def _own(planning: Planning, ordered: list[Candidate]) -> list[Candidate]:
    """The candidates with the operator's numbers in place of their own."""
    loaded, parallel = loaded_option(planning), planning.policy.num_parallel
    context = planning.policy.context_length if planning.acts(CONTEXT) else OLD_CONTEXT
    return [Candidate(loaded or each.loaded, parallel or each.parallel, context or each.context) for each in ordered]


def _exceeded(planning: Planning, found: Fit) -> None:
    policy, chosen = planning.policy, found.chosen
    use = found.budget.figures(chosen)[0]
    where = "VRAM" if planning.gpus else "memory"
    given = {
        "parallel": ("ollama_num_parallel", policy.num_parallel, 1, MOST_SLOTS),
        "context": ("ollama_context_length", policy.context_length, TOKEN_STEP, MOST_TOKENS),
        "loaded": ("ollama_max_loaded_models", policy.max_loaded_models, 1, MOST_SLOTS),
    }
    remedies, shared = [], 1 if planning.own_loaded_models else planning.count
    for field, (variable, value, step, most) in given.items():
        largest = found.budget.largest(chosen, field, step, most) if value else None
        if largest:
            remedies.append(f"{variable}: {largest * shared if field == 'loaded' else largest}")
    names = listed(found.counted)
    what = f"of {names}" if names else "assumed, since ollama_reference_models names no model"
    planning.warn(
        "budget-exceeded",
        f"{chosen.loaded} model(s) with {chosen.parallel} slot(s) of {chosen.context} tokens need {gib(use.total)}"
        f" (weights {gib(use.weights)} {what}, KV cache {gib(use.kv)}, buffers {gib(use.overhead)}), and"
        f" {gib(found.usable)} of {where} are usable",
        f"the most that fits is {', or '.join(remedies)}"
        if remedies
        else "name smaller models, or expect a part of their layers "
        + ("on the CPUs" if planning.gpus else "to be read from disk over and over"),
    )
