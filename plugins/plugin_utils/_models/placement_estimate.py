# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How older releases place a model by an estimate: a single card where it fits, else all cards of a library, in turn.

Those up to 0.11.4 do so with every model, those up to 0.12.10 with the models of llama.cpp's runner. They changed the
estimate often, so this is an approximation, and results say so. Two cards and their figures of nvidia-smi are in
docs/placement.md. Sources: docs/placement.md names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_layout import (
    MINIMUM_BYTES,
    Request,
    Site,
    Sizes,
    Slice,
    count,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def estimated_simply(sizes: Sizes, site: Site, request: Request, buffer: int) -> list[Slice]:
    """Layers on the first card, by free memory, that holds all of them; else over all cards of the best library.

    Each card keeps the driver's part, the computation and the size of a layer free. Raises RefusedError.
    """
    cards = site.cards
    order = sorted(range(len(cards)), key=lambda card: -cards[card].free)
    kept = MINIMUM_BYTES + request.overhead + max(sizes.whole, sizes.split) + buffer
    rooms = {card: max(0, cards[card].free - kept) for card in order}
    layout: list[Slice] = []
    wanted = len(sizes.layers) if request.layers < 0 else min(request.layers, len(sizes.layers))
    need = sum(sizes.layers[len(sizes.layers) - wanted :])
    single = [] if request.spread else [card for card in order if need <= rooms[card]]
    if single and wanted:
        layout = [Slice(single[0], tuple(range(len(sizes.layers) - wanted, len(sizes.layers))))]
    else:
        for library in dict.fromkeys(cards[card].library for card in order):
            found = _over([card for card in order if cards[card].library == library], rooms, sizes.layers, wanted)
            layout = found if count(found) > count(layout) else layout
    verify(layout, sizes.layers, 0, site, request)
    return layout


def _over(group: Sequence[int], rooms: dict[int, int], layers: Sequence[int], wanted: int) -> list[Slice]:
    """How many layers each card has room for, where they go to the cards in turn, from the last on, the output at
    the end. The runner then has the first of these layers on the first card, and so on.
    """
    left, spaces = {card: rooms[card] for card in group}, list(group)
    counts = dict.fromkeys(group, 0)
    for number in [*range(len(layers) - 2, -1, -1), len(layers) - 1]:
        if sum(counts.values()) >= wanted:
            break
        turn = sum(counts.values()) if number == len(layers) - 1 else number
        while spaces:
            card = spaces[turn % len(spaces)]
            if layers[number] <= left[card]:
                left[card] -= layers[number]
                counts[card] += 1
                break
            spaces.remove(card)
    slices, start = [], len(layers) - sum(counts.values())
    for card, size in counts.items():
        if size:
            slices.append(Slice(card, tuple(range(start, start + size))))
        start += size
    return slices
