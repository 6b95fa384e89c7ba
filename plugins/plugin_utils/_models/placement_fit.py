# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How llama-server fits a model's layers into the free memory of its cards.

Pure functions over sizes in bytes. The context stays as it is, because Ollama always gives one. Source: common/fit.cpp
and src/llama-model.cpp at b11434; in own words in docs/placement.md.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_layout import f32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import ModelMemory

# The part of a layer that goes elsewhere: its experts; all of its feed-forward weights; two thirds of them; one third.
# Its three matrices are of about the same size.
EXPERTS, ALL, TWO_THIRDS, ONE_THIRD = "experts", "all", "two thirds", "one third"


class Feed(NamedTuple):
    """The bytes of one layer's feed-forward weights: those of experts, and others."""

    experts: int = 0
    dense: int = 0

    def moved(self, what: str) -> int:
        """How much of them goes elsewhere."""
        if what == EXPERTS:
            return self.experts
        return (self.experts + self.dense) * {ALL: 3, TWO_THIRDS: 2, ONE_THIRD: 1}[what] // 3


class Share(NamedTuple):
    """The layers that a card has: in all, those of them that are there in part, which part of the first such layer goes
    elsewhere (of all others the experts do), and whether it goes to the next card and not to the host.
    """

    layers: int = 0
    part: int = 0
    moved: str = EXPERTS
    to_next: bool = False


@dataclass
class Taken:
    """What a model takes of one device, in bytes; ``layers`` are those that it has, in whole or in part."""

    layers: int = 0
    weights: int = 0
    cache: int = 0
    compute: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.compute


class Job(NamedTuple):
    """A model, its feed-forward weights by layer; of each card the free bytes, and those that have to stay free."""

    memory: ModelMemory
    feeds: Sequence[Feed]
    free: Sequence[int] = ()
    targets: Sequence[int] = ()

    @property
    def most(self) -> list[int]:
        """Bytes that the model may take of each card."""
        return [size - target for size, target in zip(self.free, self.targets)]

    @property
    def total(self) -> int:
        """Layers, the output as one."""
        return len(self.memory.layers) + 1

    @property
    def experts(self) -> bool:
        return any(feed.experts for feed in self.feeds)


class Fitted(NamedTuple):
    """A model on cards, in their order, and the rest on the host; ``whole`` where every layer is on a card as a whole.

    ``changed``: the fit had to change what llama-server would have done by itself.
    """

    cards: tuple[Taken, ...]
    host: Taken
    whole: bool
    changed: bool = False


def take(job: Job, shares: Sequence[Share]) -> Fitted:
    """What a model takes with so many layers on each card; the last layer is that of the output."""
    memory, total = job.memory, job.total
    cards = [Taken() for _share in shares]
    host = Taken(weights=memory.input)
    first = total - sum(share.layers for share in shares)
    whole = first == 0
    for layer in memory.layers[:first]:
        _add(host, layer.weights, layer.cache)
    if first == total:
        host.weights += memory.output
    number = first
    for place, share in enumerate(shares):
        begin = number + share.layers - share.part
        for index in range(number, number + share.layers):
            if index == total - 1:
                _add(cards[place], memory.output, 0)
                continue
            layer, moved = memory.layers[index], 0
            if index >= begin:
                moved = min(layer.weights, job.feeds[index].moved(share.moved if index == begin else EXPERTS))
                # A layer without experts, such as the first ones of many models, stays whole.
                whole = whole and not moved
            _add(cards[place], layer.weights - moved, layer.cache)
            elsewhere = cards[place + 1] if index == begin and share.to_next else host
            elsewhere.weights += moved
        number += share.layers
    used = [card for card in cards if card.layers]
    # Where several cards have all layers, they compute parts of a batch at the same time, with buffers for each part.
    pipeline = whole and len(shares) > 1
    for card in used:
        card.compute = (pipeline and memory.compute_pipeline) or (memory.compute if whole else memory.compute_split)
    host.layers = first
    beside = (pipeline and memory.compute_host_pipeline) or memory.compute_beside(whole=whole)
    host.compute = (beside if used else memory.compute_cpu) + memory.results
    return Fitted(tuple(cards), host, whole)


def _add(device: Taken, weights: int, cache: int) -> None:
    device.layers += 1
    device.weights += weights
    device.cache += cache


def by_share(layers: int, parts: Sequence[float]) -> list[Share]:
    """So many layers over cards by their shares of the sum, as llama.cpp splits them where nobody says otherwise.

    The parts are free bytes, or what LLAMA_ARG_TENSOR_SPLIT says; a card that has none gets no layer.
    """
    ends, total = [], 0.0
    for part in parts:
        total = f32(total + f32(part))
        ends.append(total)
    ends = [f32(end / total) for end in ends] if total else [1.0 for _end in ends]
    counts = [0] * len(parts)
    for number in range(layers):
        counts[min(bisect.bisect_right(ends, f32(number / layers)), len(parts) - 1)] += 1
    return [Share(count) for count in counts]


def fit(job: Job) -> Fitted:
    """The layers on each card so that each keeps its bytes free, as many of them as possible.

    Where all layers by the default split leave them free, they stay so.
    """
    plain = take(job, by_share(job.total, job.free))
    if all(card.total <= limit for card, limit in zip(plain.cards, job.most)):
        return plain
    shares = _dense(job)
    if job.experts and _surplus(job) > 0:
        shares = _with_experts(job, shares)
    return take(job, shares)._replace(changed=True)


def _surplus(job: Job) -> int:
    """Bytes that all cards together have left where they have every layer and no expert."""
    shares = by_share(job.total, job.free)
    taken = take(job, [share._replace(part=share.layers) for share in shares])
    return sum(job.most) - sum(card.total for card in taken.cards)


def _dense(job: Job) -> list[Share]:
    """Layers from the last card and the last layer on, without their experts."""
    shares = [Share() for _card in job.free]
    for place in range(len(shares) - 1, -1, -1):
        left = job.total - sum(share.layers for share in shares)
        # The output is a layer of the last card that is never there in part.
        output = 1 if place == len(shares) - 1 else 0
        options = [Share(count, max(0, count - output) if job.experts else 0) for count in range(left + 1)]
        shares = _most(job, place, [[*shares[:place], one, *shares[place + 1 :]] for one in options])
    return shares


def _with_experts(job: Job, shares: list[Share]) -> list[Share]:
    """The same layers, with experts on the cards as far as they fit, from the first card on.

    Nothing changes where the last card has no layer: only cards behind the last one without any count.
    """
    start = len(shares)
    while start and shares[start - 1].layers:
        start -= 1
    place = 0
    while place <= start < len(shares):
        every = sum(share.part for share in shares[start:])
        shares = _most(job, place, [_convert(shares, place, start, count) for count in range(every + 1)])
        # The first card that still has layers without experts; the last one where there is none left.
        start = next((number for number in range(start, len(shares)) if shares[number].part), len(shares) - 1)
        shares, start = _one_more(job, shares, place, start)
        place += 1
    return shares


def _most(job: Job, place: int, options: list[list[Share]]) -> list[Share]:
    """The last option with which the card keeps its bytes free, where each takes more of it than the one before.

    The very last is tried first, since a whole model takes less for its computation; the first one is never tried. The
    steps between are those of llama-server, by the bytes of both ends: where layers differ in size, an option that is
    not the last of those that fit can be found.
    """
    limit = job.most[place]

    def taken(number: int) -> int:
        return take(job, options[number]).cards[place].total

    low, high = 0, len(options) - 1
    if low == high or taken(high) <= limit:
        return options[high]
    least, most = taken(low), taken(high)
    while high - low > 1:
        known = most > least and limit >= least
        step = (high - low) * (limit - least) // (most - least) if known else high - low
        middle = low + min(max(step, 1), high - low - 1)
        found = taken(middle)
        if found <= limit:
            low, least = middle, found
        else:
            high, most = middle, found
    return options[low]


def _convert(shares: list[Share], place: int, start: int, count: int) -> list[Share]:
    """Make ``count`` of the layers that lie without experts on cards from ``start`` on whole layers of one card."""
    found, left = list(shares), count
    for number in range(start, len(shares)):
        moved = min(left, found[number].part)
        found[number] = found[number]._replace(layers=found[number].layers - moved, part=found[number].part - moved)
        left -= moved
    found[place] = found[place]._replace(layers=found[place].layers + count)
    return found


def _one_more(job: Job, shares: list[Share], place: int, start: int) -> tuple[list[Share], int]:
    """One more layer on a card with a part of its experts, the rest on the next card or the host."""
    last = place == len(shares) - 1
    if shares[start].layers <= (1 if last else 0) or not shares[start].part:
        return shares, start
    moved = list(shares)
    moved[start] = moved[start]._replace(layers=moved[start].layers - 1, part=moved[start].part - 1)
    # On the card itself the layer goes on being one that is there in part.
    after = start if moved[start].part or place == start else min(start + 1, len(shares) - 1)

    def tried(what: str) -> list[Share] | None:
        one = Share(moved[place].layers + 1, moved[place].part + 1, what, to_next=not last)
        layout = [one if number == place else share for number, share in enumerate(moved)]
        cards, most = take(job, layout).cards, job.most
        good = cards[place].total < most[place] and (last or cards[place + 1].total < most[place + 1])
        return layout if good else None

    found = tried(TWO_THIRDS)
    found = (tried(ONE_THIRD) or found) if found else tried(ALL)
    return (shares, start) if found is None else (found, after)


def explicit(job: Job, parts: Sequence[float], layers: int) -> Fitted:
    """So many layers over cards by their shares, whether they fit or not: the operator asks for them."""
    count = job.total if layers < 0 else min(layers, job.total)
    return take(job, by_share(count, parts) if count else [Share() for _part in parts])
