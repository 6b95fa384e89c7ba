# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards a server from 0.30 on starts llama-server on, and with how many rows of a batch.

The server does so on a prediction, before anything is loaded. Sources: server/sched.go and llm/llama_server.go at
0.30.0 and 0.32.15, where both say the same; in own words in docs/placement.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._models.prediction import (
    CONSTRAINED_BYTES,
    CONSTRAINED_ROWS,
    CONSTRAINED_TOKENS,
    ROWS,
    USABLE_PERCENT,
    affordable_rows,
    batch_rows,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import CUDA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Device, Host

GIB = 1 << 30
# A projector is on a card only where each has so much beside its weights (mmprojOffloadHeadroom).
PROJECTOR_BYTES = GIB


class Choice(NamedTuple):
    """The cards, by their numbers in order, and the bytes that the server takes to be free on them."""

    cards: tuple[int, ...]
    available: int

    @property
    def single(self) -> bool:
        return len(self.cards) == 1


def choose(cards: Sequence[Device], host: Host, predicted: int | None, *, spread: bool, layers: int) -> Choice:
    """The single card that holds the prediction in its share, best first; else the cards of one library.

    Discrete cards come before integrated ones, then those with more free memory. ``layers`` 0 means none on cards.
    """
    if layers == 0 or not cards:
        return Choice((), 0)
    everything = tuple(range(len(cards)))
    if len(cards) == 1:
        return Choice(everything, _available(cards, host))
    if not spread and predicted:
        fitting = [card for card in everything if predicted <= _free(cards[card], host) * USABLE_PERCENT // 100]
        if fitting:
            best = max(fitting, key=lambda card: (not cards[card].integrated, _free(cards[card], host), -card))
            return Choice((best,), _free(cards[best], host))
    groups: dict[str, list[int]] = {}
    for card in everything:
        groups.setdefault(cards[card].library, []).append(card)
    best_group: list[int] = []
    worth = (False, -1)
    for group in groups.values():
        members = [cards[card] for card in group]
        found = (any(not card.integrated for card in members), _available(members, host))
        if found > worth:
            best_group, worth = group, found
    return Choice(tuple(best_group), worth[1])


def runners_cards(cards: Sequence[Device], choice: Choice) -> tuple[int, ...]:
    """The cards that llama.cpp itself then uses: integrated ones only where there is no other."""
    discrete = tuple(card for card in choice.cards if not cards[card].integrated)
    return discrete or choice.cards


def rows(tokens: int, predicted: int, available: int, cards: Sequence[Device], *, flash: bool) -> int:
    """Rows of a batch for a model that answers: more of them for long contexts, where memory is left over.

    Without flash attention on CUDA there are few, and fewer where a small card serves a long context.
    """
    cuda = [card for card in cards if card.library == CUDA]
    if cuda and not flash:
        small = any(0 < (card.free or card.memory or 0) <= CONSTRAINED_BYTES for card in cuda)
        return CONSTRAINED_ROWS if small and tokens > CONSTRAINED_TOKENS else ROWS
    wanted = batch_rows(tokens, None)
    return affordable_rows(wanted, predicted, available) if predicted and available else wanted


def projector_on_card(cards: Sequence[Device], weights: int, layers: int, total: int) -> bool:
    """Whether a projector lies on the first card: not where num_gpu leaves layers to the CPU, nor on small cards."""
    if not cards or layers == 0 or 0 < layers < total:
        return False
    return all((card.free or card.memory or weights + PROJECTOR_BYTES) >= weights + PROJECTOR_BYTES for card in cards)


def _free(card: Device, host: Host) -> int:
    """An integrated card has no more than the host has."""
    return min(card.free, host.free) if card.integrated and host.free else card.free


def _available(cards: Sequence[Device], host: Host) -> int:
    shared = sum(card.free for card in cards if card.integrated)
    own = sum(card.free for card in cards if not card.integrated)
    return own + (host.free if host.free and 0 < host.free < shared else shared)
