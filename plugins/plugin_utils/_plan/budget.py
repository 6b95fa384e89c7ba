# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models, slots and contexts cost in memory, and how far a memory reaches.

Arithmetic alone: bytes in, bytes out. Sources: docs/policy.md, rules M0 to M4.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import GIB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Gpu
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
# A model that nobody named is taken for one of eight billion parameters: 32 layers of 8 KV heads of 128 elements, whose
# weights fill half of what is usable. Beyond 32768 tokens many models were not trained.
STAND_IN_KV_BYTES, STAND_IN_CONTEXT = 128 * 1024, 32768
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
STEPS = {
    "latency": ((1, 4096), (1, 8192), (1, 16384), (1, 32768), (1, 65536), (1, 131072)),
    "balanced": (
        (1, 4096),
        (1, 8192),
        (2, 8192),
        (3, 8192),
        (4, 8192),
        (6, 8192),
        (6, 16384),
        (8, 16384),
        (8, 32768),
        (8, 65536),
        (8, 131072),
    ),
    "throughput": (
        (1, 4096),
        (2, 4096),
        (2, 8192),
        (3, 8192),
        (4, 8192),
        (6, 8192),
        (8, 8192),
        (12, 8192),
        (12, 16384),
        (12, 32768),
        (16, 32768),
    ),
}
# From this step on further models come before further slots and tokens.
COMFORT = {"latency": 1, "balanced": 2, "throughput": 3}


class Rung(NamedTuple):
    """Models in memory at the same time, slots of each, tokens of context of each slot."""

    loaded: int
    parallel: int
    context: int


class Demand(NamedTuple):
    """Bytes that a rung takes."""

    weights: int
    kv: int
    overhead: int

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.overhead


@dataclass(frozen=True)
class Load:
    """A reference model as this release runs it: whether it is held to one slot, its cache type, flash attention."""

    model: ReferenceModel
    single: bool = False
    kv_type: str = "f16"
    flash: bool = True


# Bytes that models may take of each device, in groups that layers are split over.
Rooms = Tuple[Tuple[int, ...], ...]


@dataclass(frozen=True)
class Budget:
    """The memory of an instance, and the models; without models a stand-in is reckoned with.

    ``rooms`` is what models may take beside each other; ``whole``, where it is given, what one may take that nothing
    lies beside, since no other has to make room. ``together``: stand-ins of all loaded models share the memory. On GPUs
    they do not, because the server counts what lies on a card and unloads a model before it overfills it.
    """

    rooms: Rooms
    loads: tuple[Load, ...] = ()
    whole: Rooms = ()
    together: bool = False
    flash: bool = True
    kv_type: str = "f16"

    def figures(self, rung: Rung) -> tuple[Demand, int]:
        """The most that a rung can take, that of its largest models, and the bytes that there are for it."""
        demand = self._demand(rung)
        rooms = self.rooms if self._fit(demand, rung, self.rooms) else self._most(rung)
        base = self._base(rung)
        group = max(rooms, key=lambda sizes: _left(sizes, base))
        used = sum(size > base for size in group) or 1
        return demand._replace(overhead=demand.overhead + base * used), sum(group)

    def holds(self, rung: Rung) -> bool:
        """Whether the rung fits: else layers go to the CPUs, or models push each other out."""
        return self._fit(self._demand(rung), rung, self._most(rung))

    def fits(self, rung: Rung) -> bool:
        """Whether to plan the rung: it holds, and slots and tokens to spare stay off the last fifth of a card."""
        spare = rung.parallel > 1 or rung.context > PLAIN_TOKENS
        return self._fit(self._demand(rung), rung, self.rooms) if spare else self.holds(rung)

    def largest(self, rung: Rung, field: str, step: int, most: int) -> int | None:
        """The largest multiple of ``step`` up to ``most`` that holds in one field of the rung, None where none does."""
        low, high = 0, most // step
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.holds(rung._replace(**{field: middle * step})) else (low, middle - 1)
        return low * step or None

    def _most(self, rung: Rung) -> Rooms:
        return self.whole if self.whole and rung.loaded == 1 else self.rooms

    def _fit(self, demand: Demand, rung: Rung, rooms: Rooms) -> bool:
        base = self._base(rung)
        return any(demand.total <= _left(sizes, base) for sizes in rooms)

    def _base(self, rung: Rung) -> int:
        """What the processes of a rung's models take on every device that they use."""
        models = min(rung.loaded, len(self.loads)) if self.loads else rung.loaded if self.together else 1
        return BASE_BYTES * models

    def _demand(self, rung: Rung) -> Demand:
        """Without what every device takes."""
        if not self.loads:
            return self._stand_in(rung)
        each = sorted((_one(load, rung) for load in self.loads), key=lambda one: one.total, reverse=True)
        return Demand(*(sum(part) for part in zip(*each[: rung.loaded])))

    def _stand_in(self, rung: Rung) -> Demand:
        copies = rung.loaded if self.together else 1
        tokens = rung.context * rung.parallel * copies
        kv = STAND_IN_KV_BYTES * BLOCK_BYTES[self.kv_type] // BLOCK_BYTES["f16"] * tokens
        overhead = _buffer_bytes(flash=self.flash) * tokens
        usable = sum(self.rooms[0])
        weights = usable // 2
        if copies == 1 and rung.parallel == 1 and rung.context <= STEPS["balanced"][0][1]:
            # The least that can be planned is planned on the smallest hosts too, for models that are smaller.
            weights = max(0, min(weights, usable - kv - overhead - self._base(rung)))
        return Demand(weights, kv, overhead)


def _one(load: Load, rung: Rung) -> Demand:
    # The server cuts a context down to what the model was trained for.
    context = min(rung.context, load.model.context_length or rung.context)
    tokens = context * (1 if load.single else rung.parallel)
    kv = kv_bytes_per_token(load.model, load.kv_type) * tokens
    return Demand(load.model.size_bytes, kv, _buffer_bytes(flash=load.flash) * tokens)


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


def grouped(cards: Iterable[Gpu], of_card: Callable[[int | None, int], int], reserve: int = 0) -> Rooms:
    """Either of each of several cards. A model's layers are split over cards, never over those of two vendors."""
    groups: dict[str, tuple[int, ...]] = {}
    for card in cards:
        groups[card.vendor] = (*groups.get(card.vendor, ()), of_card(card.memory_bytes, reserve))
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
    """What of the host's memory is left to the system and other programs."""
    return min(memory // 4, SYSTEM_BYTES)


def cache_bytes(memory: int, runners: int) -> int:
    """The bound of one prompt cache where the memory decides it."""
    return min(CACHE_BYTES, memory // CACHE_SHARE // runners)


def cached_models(memory: int) -> int:
    """Models on cards whose prompt caches take at most a quarter of the memory, each sized as that of one of three."""
    return max(2 * MODELS, memory // 4 // CACHE_BYTES)


def ladder(objective: str, models: int, *, gentle: bool = True) -> list[Rung]:
    """Every rung of an objective, from least to most. ``gentle``: slots and tokens to work with come before a second
    model; else all models come first.
    """
    steps = STEPS[objective]
    start = COMFORT[objective] if gentle else 0
    rungs = [Rung(1, *step) for step in steps[: start + 1]]
    rungs += [Rung(loaded, *steps[start]) for loaded in range(2, models + 1)]
    return rungs + [Rung(models, *step) for step in steps[start + 1 :]]


def climb(rungs: list[Rung], fits: Callable[[Rung], bool]) -> Rung:
    """The highest rung that fits; the lowest one where none does."""
    best = rungs[0]
    for rung in rungs:
        if not fits(rung):
            break
        best = rung
    return best


def _buffer_bytes(*, flash: bool) -> int:
    return MASK_BYTES if flash else MASK_BYTES + SCORES_BYTES


__all__ = (
    "BLOCK",
    "MODELS",
    "Budget",
    "Demand",
    "Load",
    "Rung",
    "cache_bytes",
    "cached_models",
    "card_bytes",
    "climb",
    "grouped",
    "host_bytes",
    "kv_bytes_per_token",
    "ladder",
    "system_bytes",
    "whole_bytes",
)
