# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models, slots and contexts cost in memory, and how far a memory reaches.

Arithmetic alone: bytes in, bytes out. Sources: docs/policy.md, rules M0 to M4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import RUNTIME_BYTES
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import GIB
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.cost import Cost, LoadedModel, Place, assumed, cost
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.speed import MOST_PAYING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

MIB = 1 << 20
# From 0.30.0 on a card is taken for a model, and other models stay on it, only where that leaves a fifth of what is
# free of it (server/sched.go), and llama.cpp leaves this much of each card free (LLAMA_ARG_FIT_TARGET).
MARGIN_BYTES = 1024 * MIB
# The assumed model (cost.py) has weights that fill half of the usable memory. Beyond 32768 tokens many models were not
# trained.
ASSUMED_CONTEXT = 32768
# One slot of so many tokens is given to a model that leaves room for little else.
PLAIN_TOKENS = 8192
# The system and other programs: a quarter of a small host, 8 GiB of a large one.
SYSTEM_BYTES = 8 * GIB
# Models that every release since 0.2.0 holds at once by itself, on a host without GPU or on each card.
MODELS = 3
# llama-server's default bound for its prompt cache, per loaded model; all of them together get an eighth of the memory.
CACHE_BYTES, CACHE_SHARE = 8192 * MIB, 8

# Slots and tokens of context, from little memory to much. Neither may ever fall from one step to the next: that is what
# keeps more memory from lowering a limit.
_SLOTS = tuple((slots, 8192) for slots in (1, 2, 3, 4, *range(6, MOST_PAYING + 1, 2)))
_CONTEXTS = (12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072)
STEPS = {
    "latency": ((1, 4096), (1, 8192), (1, 16384), (1, 32768), (1, 65536), (1, 131072)),
    "balanced": ((1, 4096), *_SLOTS, *((MOST_PAYING, context) for context in _CONTEXTS)),
    "throughput": ((1, 4096), (2, 4096), *_SLOTS[1:], *((MOST_PAYING, context) for context in _CONTEXTS[:4])),
}
# From this step on further models come before further slots and tokens.
COMFORT = {"latency": 1, "balanced": 2, "throughput": 3}


class Candidate(NamedTuple):
    """Models in memory at the same time, slots of each, tokens of context of each slot."""

    loaded: int
    parallel: int
    context: int


class MemoryUse(NamedTuple):
    """The bytes that a candidate takes."""

    weights: int
    kv: int
    overhead: int

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.overhead


# Bytes that models may take of each device, in groups that layers are split over.
DeviceGroups = Tuple[Tuple[int, ...], ...]


@dataclass(frozen=True)
class Budget:
    """The memory of an instance, and the models; without models an assumed one takes their place.

    ``groups`` is what models may take beside each other; ``whole``, where it is given, what one may take that nothing
    lies beside, since no other has to make room. ``together``: assumed models share the memory with each other. On GPUs
    they do not, because the server counts what lies on a card and unloads a model before it overfills it. ``shared``:
    GPUs have their memory from the host. ``runtime`` is what a process takes of each card by itself.
    """

    groups: DeviceGroups
    models: tuple[LoadedModel, ...] = ()
    whole: DeviceGroups = ()
    together: bool = False
    flash: bool = True
    kv_type: str = "f16"
    release: Release | None = None
    shared: bool = False
    runtime: int = RUNTIME_BYTES

    def figures(self, candidate: Candidate) -> tuple[MemoryUse, int]:
        """The most that a candidate can take, that of its largest models, and the bytes that there are for it."""
        found = self._costs(candidate)
        groups = self.groups if self._fit(found, self.groups) else self._most(candidate)
        group = max(groups, key=lambda sizes: _room(sizes, found))
        alone = _left((max(group),), found.device) >= max(found.total, _left(group, found.devices))
        used = 1 if alone else sum(size > found.devices for size in group) or 1
        base = found.device if used == 1 else found.devices * used
        return MemoryUse(found.weights, found.kv, found.buffers + base), sum(group)

    def holds(self, candidate: Candidate) -> bool:
        """Whether the candidate fits: else layers go to the CPUs, or models push each other out."""
        return self._fit(self._costs(candidate), self._most(candidate))

    def fits(self, candidate: Candidate) -> bool:
        """Whether to plan the candidate: it holds, and slots and tokens to spare stay off the last fifth of a card."""
        spare = candidate.parallel > 1 or candidate.context > PLAIN_TOKENS
        return self._fit(self._costs(candidate), self.groups) if spare else self.holds(candidate)

    def largest(self, candidate: Candidate, field: str, step: int, most: int) -> int | None:
        """The largest multiple of ``step`` up to ``most`` with which the candidate holds; None where none does."""
        low, high = 0, most // step
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.holds(candidate._replace(**{field: middle * step}))
            low, high = (middle, high) if fits else (low, middle - 1)
        return low * step or None

    def _most(self, candidate: Candidate) -> DeviceGroups:
        return self.whole if self.whole and candidate.loaded == 1 else self.groups

    @staticmethod
    def _fit(found: Cost, groups: DeviceGroups) -> bool:
        return any(found.total <= _room(sizes, found) for sizes in groups)

    @property
    def _place(self) -> Place:
        return Place(host=self.together, shared=self.shared, runtime=self.runtime)

    def _costs(self, candidate: Candidate) -> Cost:
        """What a candidate's models take together."""
        if not self.models:
            return self._assumed(candidate)
        each = [cost(model, candidate.parallel, candidate.context, self._place) for model in self.models]
        each.sort(key=lambda one: one.total + one.device, reverse=True)
        return Cost(*(sum(part) for part in zip(*each[: candidate.loaded])))

    def _assumed(self, candidate: Candidate) -> Cost:
        copies = candidate.loaded if self.together else 1
        tokens = (candidate.parallel, candidate.context)
        one = assumed(tokens, self.kv_type, self.release, self._place, flash=self.flash)
        found = Cost(*(part * copies for part in one))
        usable = sum(self.groups[0])
        weights = usable // 2
        if copies == 1 and candidate.parallel == 1 and candidate.context <= STEPS["balanced"][0][1]:
            # The least that can be planned is planned on the smallest hosts too, for models that are smaller.
            weights = max(0, min(weights, usable - found.kv - found.buffers - found.device))
        return found._replace(weights=weights)


def _room(sizes: Sequence[int], found: Cost) -> int:
    """Bytes for weights and caches, on the largest device or on all of a group."""
    return max(_left((max(sizes),), found.device), _left(sizes, found.devices))


def _left(sizes: Iterable[int], base: int) -> int:
    """Bytes of the devices that are left beside their processes; a device that holds no more is not used."""
    return sum(max(0, size - base) for size in sizes)


def whole_bytes(vram: int | None, reserve: int = 0) -> int:
    """Bytes of a card that a model may take where it is the only one, 0 where the card's memory could not be read."""
    return max(0, (vram or 0) - MARGIN_BYTES - reserve)


def card_bytes(vram: int | None, reserve: int = 0) -> int:
    """Bytes of a card that models may take beside each other."""
    return min((vram or 0) * 4 // 5, whole_bytes(vram, reserve))


def grouped(
    cards: Sequence[Gpu], of_card: Callable[[int | None, int], int], reserve: int = 0, pool: int = 0
) -> DeviceGroups:
    """Either of each of several cards. A model's layers are split over cards, never over those of two libraries.

    ``pool`` is the host memory for models. GPUs that share it have equal parts of it, since it is there once.
    """
    sharing = sum(card.shared_bytes > 0 for card in cards)
    groups: dict[str, tuple[int, ...]] = {}
    for card in cards:
        size = of_card(card.memory_bytes, reserve)
        if card.shared_bytes:
            size = min(size, (card.memory_bytes or 0) - card.shared_bytes + pool // sharing)
        key = card.library or card.vendor
        groups[key] = (*groups.get(key, ()), size)
    return tuple(groups.values())


def host_bytes(memory: int | None, runners: int, cache: int | None) -> int:
    """Bytes of host memory for models: without the system's part and the prompt caches of ``runners`` models.

    ``cache`` is the bound of one in bytes, None where it follows from the memory. One division at the end: rounding
    each part by itself would let a byte more of memory lower the result.
    """
    memory = memory or 0
    system = min(memory * 2, SYSTEM_BYTES * 8)
    caches = min(memory, CACHE_BYTES * runners * 8) if cache is None else cache * runners * 8
    return max(0, (memory * 8 - system - caches) // 8)


def system_bytes(memory: int) -> int:
    """The part of the host's memory that is left to the system and other programs."""
    return min(memory // 4, SYSTEM_BYTES)


def cache_bytes(memory: int, runners: int) -> int:
    """The bound of one prompt cache where the memory decides it."""
    return min(CACHE_BYTES, memory // CACHE_SHARE // runners)


def cached_models(memory: int) -> int:
    """Models on cards whose prompt caches take at most a quarter of the memory, each sized as that of one of three."""
    return max(2 * MODELS, memory // 4 // CACHE_BYTES)


def candidates(objective: str, models: int) -> list[Candidate]:
    """Every candidate of an objective, from least to most memory; slots to work with come before a second model."""
    steps, start = STEPS[objective], COMFORT[objective]
    found = [Candidate(1, *step) for step in steps[: start + 1]]
    found += [Candidate(loaded, *steps[start]) for loaded in range(2, models + 1)]
    return found + [Candidate(models, *step) for step in steps[start + 1 :]]


def largest_fitting(ordered: list[Candidate], fits: Callable[[Candidate], bool]) -> Candidate:
    """The last candidate before the first that does not fit; the first one where none does."""
    best = ordered[0]
    for candidate in ordered:
        if not fits(candidate):
            break
        best = candidate
    return best
