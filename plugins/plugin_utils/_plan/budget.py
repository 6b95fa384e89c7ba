# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models, slots and contexts cost in memory, and how far a memory reaches.

Arithmetic alone: bytes in, bytes out. Sources: docs/policy.md, rules M0 to M4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import GIB
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.speed import MOST_PAYING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel

MIB = 1 << 20
# Bytes of 32 elements: a block of q8_0 is 32 bytes and a scale of two, one of q4_0 16 and two (ggml-common.h).
BLOCK = 32
BLOCK_BYTES = {"f16": 64, "q8_0": 34, "q4_0": 18}
# From 0.30.0 on a card is taken for a model, and other models stay on it, only where that leaves a fifth of what is
# free of it (server/sched.go), and llama.cpp leaves this much of each card free (LLAMA_ARG_FIT_TARGET).
MARGIN_BYTES = 1024 * MIB
# What a model process needs beside weights and KV cache: buffers of the computation and of the driver on each device,
# and the attention mask, 512 rows (num_batch) of four bytes for each token of context.
BASE_BYTES, MASK_BYTES = 512 * MIB, 2048
# Without flash attention the scores of 512 rows and 64 heads are stored too, four bytes for each token of context.
SCORES_BYTES = 512 * 64 * 4
# Without reference models one of eight billion parameters is assumed: 32 layers of 8 KV heads of 128 elements, whose
# weights fill half of the usable memory. Beyond 32768 tokens many models were not trained.
ASSUMED_KV_BYTES, ASSUMED_CONTEXT = 128 * 1024, 32768
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


@dataclass(frozen=True)
class LoadedModel:
    """A reference model as this release runs it: whether it is held to one slot, its cache type, flash attention."""

    reference: ReferenceModel
    single: bool = False
    kv_type: str = "f16"
    flash: bool = True


# Bytes that models may take of each device, in groups that layers are split over.
DeviceGroups = Tuple[Tuple[int, ...], ...]


@dataclass(frozen=True)
class Budget:
    """The memory of an instance, and the models; without models an assumed one takes their place.

    ``groups`` is what models may take beside each other; ``whole``, where it is given, what one may take that nothing
    lies beside, since no other has to make room. ``together``: assumed models share the memory with each other. On GPUs
    they do not, because the server counts what lies on a card and unloads a model before it overfills it.
    """

    groups: DeviceGroups
    models: tuple[LoadedModel, ...] = ()
    whole: DeviceGroups = ()
    together: bool = False
    flash: bool = True
    kv_type: str = "f16"

    def figures(self, candidate: Candidate) -> tuple[MemoryUse, int]:
        """The most that a candidate can take, that of its largest models, and the bytes that there are for it."""
        use = self._use(candidate)
        groups = self.groups if self._fit(use, candidate, self.groups) else self._most(candidate)
        base = self._base(candidate)
        group = max(groups, key=lambda sizes: _left(sizes, base))
        used = sum(size > base for size in group) or 1
        return use._replace(overhead=use.overhead + base * used), sum(group)

    def holds(self, candidate: Candidate) -> bool:
        """Whether the candidate fits: else layers go to the CPUs, or models push each other out."""
        return self._fit(self._use(candidate), candidate, self._most(candidate))

    def fits(self, candidate: Candidate) -> bool:
        """Whether to plan the candidate: it holds, and slots and tokens to spare stay off the last fifth of a card."""
        spare = candidate.parallel > 1 or candidate.context > PLAIN_TOKENS
        return self._fit(self._use(candidate), candidate, self.groups) if spare else self.holds(candidate)

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

    def _fit(self, use: MemoryUse, candidate: Candidate, groups: DeviceGroups) -> bool:
        base = self._base(candidate)
        return any(use.total <= _left(sizes, base) for sizes in groups)

    def _base(self, candidate: Candidate) -> int:
        """What the processes of a candidate's models take on every device that they use."""
        count = min(candidate.loaded, len(self.models)) if self.models else candidate.loaded if self.together else 1
        return BASE_BYTES * count

    def _use(self, candidate: Candidate) -> MemoryUse:
        """Without what every device takes."""
        if not self.models:
            return self._assumed(candidate)
        each = sorted((_one(model, candidate) for model in self.models), key=lambda one: one.total, reverse=True)
        return MemoryUse(*(sum(part) for part in zip(*each[: candidate.loaded])))

    def _assumed(self, candidate: Candidate) -> MemoryUse:
        copies = candidate.loaded if self.together else 1
        tokens = candidate.context * candidate.parallel * copies
        kv = ASSUMED_KV_BYTES * BLOCK_BYTES[self.kv_type] // BLOCK_BYTES["f16"] * tokens
        overhead = _buffer_bytes(flash=self.flash) * tokens
        usable = sum(self.groups[0])
        weights = usable // 2
        if copies == 1 and candidate.parallel == 1 and candidate.context <= STEPS["balanced"][0][1]:
            # The least that can be planned is planned on the smallest hosts too, for models that are smaller.
            weights = max(0, min(weights, usable - kv - overhead - self._base(candidate)))
        return MemoryUse(weights, kv, overhead)


def _one(model: LoadedModel, candidate: Candidate) -> MemoryUse:
    reference = model.reference
    # The server cuts a context down to what the model was trained for.
    context = min(candidate.context, reference.context_length or candidate.context)
    tokens = context * (1 if model.single else candidate.parallel)
    kv = kv_bytes_per_token(reference, model.kv_type) * tokens
    return MemoryUse(reference.size_bytes, kv, _buffer_bytes(flash=model.flash) * tokens)


def _left(sizes: Iterable[int], base: int) -> int:
    """Bytes of the devices that are left beside their processes; a device that holds no more is not used."""
    return sum(max(0, size - base) for size in sizes)


def kv_bytes_per_token(model: ReferenceModel, kv_type: str = "f16") -> int:
    """Bytes that one token takes in a model's KV cache: for every layer and KV head a key and a value.

    llama3.1:8b (32 layers, 8 heads, 128 and 128 elements) takes 131072 in f16. Elements are stored in blocks of 32.
    """
    elements = model.kv_heads * (model.key_length + model.value_length)
    return model.layers * -(-elements * BLOCK_BYTES[kv_type] // BLOCK)


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


def _buffer_bytes(*, flash: bool) -> int:
    return MASK_BYTES if flash else MASK_BYTES + SCORES_BYTES
