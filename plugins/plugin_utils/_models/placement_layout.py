# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server from 0.11.5 to 0.24 lays a model's layers out over cards.

Pure functions over sizes in bytes. Layer 0 is block 0, the last layer is the output layer. The server computes
shares of memory in floats of 32 bits, and so does this. Sources: llm/server.go@0.24.0 (buildLayout, assignLayers,
findBestFit, greedyFit, verifyLayout), ml/device.go@0.24.0; in own words in docs/placement.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Device, Host

MIB = 1 << 20
# Kept free of each card for the driver's structures (DeviceInfo.MinimumMemory, on all but Apple's systems).
MINIMUM_BYTES = 457 * MIB
# The smallest difference of capacity that is tried, and the capacity that stands for unlimited memory.
_STEP, _UNLIMITED = 1e-6, 1000.0
_FLOAT = struct.Struct("f")


class Slice(NamedTuple):
    """The layers on one card, by their numbers in ascending order; the card by its number among the devices."""

    card: int
    layers: tuple[int, ...]


class RefusedError(Exception):
    """The layout is refused. ``evict``: another model has to go; else there is too little memory of the host."""

    def __init__(self, reason: str, *, evict: bool) -> None:
        super().__init__(reason)
        self.evict = evict


@dataclass(frozen=True)
class Request:
    """How a layout is asked for: ``full`` where other models are loaded, so that a part on the CPU is no answer;
    ``layers`` are those that the operator asks for (num_gpu), -1 for as many as fit; ``backoff`` is the share of each
    card's free memory that is left out after an allocation failed.
    """

    full: bool = False
    layers: int = -1
    spread: bool = False
    overhead: int = 0
    backoff: float = 0.0


class Site(NamedTuple):
    """The cards that a layout may use, and the host."""

    cards: Sequence[Device]
    host: Host


class _Room(NamedTuple):
    card: int
    free: int
    integrated: bool


def count(layout: Sequence[Slice]) -> int:
    """Layers on cards."""
    return sum(len(part.layers) for part in layout)


def f32(number: float) -> float:
    """A number as a float of 32 bits holds it."""
    value: float = _FLOAT.unpack(_FLOAT.pack(number))[0]
    return value


def build(layers: Sequence[int], cards: Sequence[Device], graphs: Mapping[int, int], request: Request) -> list[Slice]:
    """Layers to the cards of the library that takes the most of them.

    ``graphs`` gives the bytes of the computation on each card that the runner reported, 0 where it has no layers; a
    card that is not in it has no room.
    """
    order = sorted(range(len(cards)), key=lambda card: (cards[card].integrated, -cards[card].free))
    best: list[Slice] = []
    for library in dict.fromkeys(cards[card].library for card in order):
        group = [card for card in order if cards[card].library == library]
        rooms, last = [], 0
        for place, card in enumerate(group):
            free = 0
            if card in graphs:
                last = place if graphs[card] else last
                kept = int(f32(f32(cards[card].free) * f32(request.backoff))) + MINIMUM_BYTES + request.overhead
                free = max(0, cards[card].free - kept - graphs[card])
            rooms.append(_Room(card, free, cards[card].integrated))
        found = assign(layers, rooms, request, last)
        if count(found) > count(best):
            best = found
    return best


def assign(layers: Sequence[int], rooms: Sequence[_Room], request: Request, last: int = 0) -> list[Slice]:
    """The most layers on the fewest cards, the first ones before others; on all of them where layers are spread.

    ``last`` is the last card that an earlier layout has used: fewer are not tried again.
    """
    if request.layers >= 0 or request.spread:
        rooms = [room._replace(integrated=False) for room in rooms]
    wanted, found, whole = request.layers, [], len(layers)
    # Where not all of them fit, layers are better on a card than the output is.
    for size in (whole, whole - 1):
        tried = layers[:size]
        wanted = min(size, wanted)
        for number in [len(rooms)] if request.spread else range(last + 1, len(rooms) + 1):
            forced = number == len(rooms) and not request.full
            found = _best(tried, rooms[:number], wanted, forced=forced)
            if count(found) in (size, wanted):
                break
        if count(found) == size:
            return found
    return found


def _best(layers: Sequence[int], rooms: Sequence[_Room], wanted: int, *, forced: bool) -> list[Slice]:
    """The most layers, with the smallest share of each card's room: that balances them. Faster cards come first."""
    found: list[Slice] = []
    for integrated in dict.fromkeys(room.integrated for room in rooms):
        group = [room for room in rooms if room.integrated == integrated]
        high, low = _UNLIMITED if wanted >= 0 and forced else 1.0, 0.0
        best = _fill(layers, group, high, wanted)
        most = count(best)
        while high - low > f32(_STEP):
            middle = f32(f32(low + high) / 2)
            if middle in (low, high):
                break
            tried = _fill(layers, group, middle, wanted)
            if count(tried) == most:
                high, best = middle, tried
            else:
                low = middle
        layers, wanted = layers[: len(layers) - most], wanted - most
        found = best + found
    return found


def _fill(layers: Sequence[int], rooms: Sequence[_Room], capacity: float, wanted: int) -> list[Slice]:
    """Layers from the last on, to cards from the last on, each up to a share of its room."""
    place, number = len(rooms) - 1, len(layers) - 1
    found: list[tuple[int, list[int]]] = [(rooms[place].card, [])]
    space = int(f32(f32(rooms[place].free) * capacity))
    while number >= 0 and not 0 <= wanted <= len(layers) - 1 - number:
        if layers[number] <= space:
            found[0][1].insert(0, number)
            space -= layers[number]
            number -= 1
            continue
        place -= 1
        if place < 0:
            break
        found.insert(0, (rooms[place].card, []))
        space = int(f32(f32(rooms[place].free) * capacity))
    return [Slice(card, tuple(numbers)) for card, numbers in found]


def verify(layout: Sequence[Slice], layers: Sequence[int], base: int, site: Site, request: Request) -> None:
    """Raise RefusedError where the layout breaks a rule of the server.

    ``base`` are the bytes on the host beside layers: token embedding and computation. A host whose memory is unknown
    refuses nothing.
    """
    host = site.host
    placed = {number for part in layout for number in part.layers}
    need = base + sum(size for number, size in enumerate(layers) if number not in placed)
    fewer = len(placed) < len(layers) and (request.layers < 0 or len(placed) < request.layers)
    if request.full and site.cards and fewer:
        raise RefusedError(f"only {len(placed)} of {len(layers)} layers fit beside the loaded models", evict=True)
    if host.free is None:
        return
    if request.full and need > host.free:
        raise RefusedError("the CPUs' part needs more of the host's memory than the loaded models leave", evict=True)
    if need > host.free + host.swap:
        raise RefusedError(
            f"the CPUs' part needs {gib(need)} of the host's memory, and {gib(host.free + host.swap)} are free",
            evict=False,
        )


@dataclass(frozen=True)
class Sizes:
    """What the runner reports of a model for a layout.

    ``layers`` as above; ``whole`` and ``split`` the computation on each card that has layers, where all layers are on
    cards and where not; ``host`` and ``alone`` what the host has beside layers then, and for a model on the CPU alone.
    """

    layers: tuple[int, ...]
    whole: int
    split: int
    host: int
    alone: int

    def graphs(self, layout: Sequence[Slice], cards: int) -> dict[int, int]:
        """The computation on each card."""
        size = self.whole if count(layout) == len(self.layers) else self.split
        used = {part.card for part in layout if part.layers}
        return {card: size if card in used else 0 for card in range(cards)}

    def base(self, layout: Sequence[Slice]) -> int:
        """The bytes on the host beside layers."""
        return self.host if count(layout) else self.alone


def measured(sizes: Sizes, site: Site, request: Request) -> list[Slice]:
    """The layout of a model in Ollama's own engine, which tells the server what each layout takes.

    A first guess has all layers on the largest card; each answer leads to a further layout until none is new that
    has no more layers. Where answers lead back to a layout with more layers, the numbers between are tried. Raises
    RefusedError.
    """
    cards = site.cards

    def laid(graphs: Mapping[int, int], base: int, asked: Request) -> list[Slice]:
        layout = build(sizes.layers, cards, graphs, asked)
        verify(layout, sizes.layers, base, site, asked)
        return layout

    # Nothing is known before the first answer, not even that a card has room: all layers weigh nothing then.
    layout = build([0] * len(sizes.layers), cards, {}, request)
    seen = set()
    while True:
        graphs, base = sizes.graphs(layout, len(cards)), sizes.base(layout)
        seen.add(_trace(layout))
        new = laid(graphs, base, request)
        if _trace(new) not in seen and count(new) <= count(layout):
            layout = new
            continue
        if request.layers < 0:
            for number in range(count(new) - 1, count(layout) - 1, -1) if count(new) - count(layout) > 1 else ():
                tried = laid(graphs, base, replace(request, layers=number))
                again = laid(sizes.graphs(tried, len(cards)), sizes.base(tried), request)
                if count(tried) <= count(again):
                    return tried
        return layout


def estimated(sizes: Sizes, site: Site, request: Request, buffer: int) -> list[Slice]:
    """The layout of a model in the runner of llama.cpp, whose needs the server estimates before.

    ``buffer``, the size of block 0 with its cache, stays free of each card; the larger of both computations is taken
    for each card that is used. Token embedding and the host's part of the computation do not count. Raises
    RefusedError.
    """
    cards = [replace(card, free=max(0, card.free - buffer)) for card in site.cards]
    graphs = dict.fromkeys(range(len(cards)), 0)
    layout: list[Slice] = []
    while True:
        new = build(sizes.layers, cards, graphs, request)
        verify(new, sizes.layers, 0, site, request)
        if len(new) <= len(layout):
            return new
        layout = new
        graphs.update({part.card: max(sizes.whole, sizes.split) for part in layout})


def _trace(layout: Sequence[Slice]) -> tuple[Slice, ...]:
    return tuple(part for part in layout if part.layers)
