# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""llama-server's fit and the choice of cards before it, over sizes alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models import placement_choice as choice
from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import LayerBytes, ModelMemory
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_fit import (
    Feed,
    Job,
    Share,
    by_share,
    explicit,
    fit,
    take,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Device, Host

MIB, GIB = 1 << 20, 1 << 30
HOST = Host(64 * GIB, 0, 64 * GIB)


def model(layers=32, each=200, cache=16, compute=300, split=400):
    """Sizes in MiB; the output has 400, the input 280."""
    return ModelMemory(
        layers=(LayerBytes(each * MIB, cache * MIB),) * layers,
        output=400 * MIB,
        input=280 * MIB,
        projector=0,
        compute=compute * MIB,
        compute_split=split * MIB,
        compute_host=20 * MIB,
        compute_cpu=150 * MIB,
        results=MIB,
    )


def job(free, *, target=1024, experts=0, dense=0, memory=None):
    memory = memory or model()
    feeds = [Feed(experts * MIB, dense * MIB)] * len(memory.layers)
    return Job(memory, feeds, [size * MIB for size in free], [target * MIB] * len(free))


def layers(found):
    return [card.layers for card in found.cards]


def device(number, free, library="CUDA", *, integrated=False, memory=None):
    return Device(str(number), f"card {number}", library, memory or free, free, integrated)


def test_all_layers_stay_where_the_target_is_left_free():
    """One card; the host has the token embedding and its part of the computation."""
    found = fit(job([10000]))
    assert (layers(found), found.whole, found.changed) == ([33], True, False)
    assert found.host.weights == 280 * MIB
    assert found.host.compute == 21 * MIB
    assert found.cards[0].compute == 300 * MIB


def test_layers_are_split_by_free_memory():
    """By the share that each card has of it, the first layers on the first card."""
    assert layers(fit(job([20000, 10000]))) == [22, 11]
    assert [share.layers for share in by_share(33, [1.0, 0.0])] == [33, 0]
    assert [share.layers for share in by_share(3, [0.0, 0.0])] == [3, 0]


def test_the_last_layers_are_on_the_card_where_not_all_fit():
    """As many as leave the target free, and the computation of a part counts."""
    found = fit(job([5000]))
    assert layers(found) == [1 + (5000 - 1024 - 400 - 400) // 216]
    assert (found.whole, found.changed) == (False, True)
    assert found.host.layers == 33 - found.cards[0].layers


def test_the_last_card_is_filled_first():
    """The default split would take too much of the first card, so both are filled from the back."""
    found = fit(job([3000, 6000]))
    assert layers(found)[1] == 1 + (6000 - 1024 - 400 - 400) // 216
    assert sum(layers(found)) == 33 - found.host.layers


def test_a_card_without_room_has_no_layer():
    """And the host has the whole model, with the computation of a model on the CPUs."""
    found = fit(job([1000]))
    assert layers(found) == [0]
    assert found.host.layers == 33
    assert found.host.compute == 151 * MIB


def test_experts_go_to_the_host_before_layers_do():
    """All layers are on the card, some without their experts, and one with a part of them."""
    found = fit(job([5000], experts=150, dense=30))
    assert layers(found) == [33]
    assert not found.whole
    assert found.host.weights > 280 * MIB
    assert found.cards[0].total <= (5000 - 1024) * MIB
    # One more layer with its experts would not have fitted.
    assert found.cards[0].total + 150 * MIB > (5000 - 1024) * MIB


def test_where_not_even_dense_layers_fit_experts_stay_on_the_host():
    """Layers without experts are given out from the last one on; the first of a card that has the output is whole."""
    found = fit(job([2500], experts=150))
    assert layers(found)[0] < 33
    assert found.cards[0].total <= (2500 - 1024) * MIB


def test_experts_fill_the_first_cards():
    """With several cards whole layers are on the first ones, and the last one has what is left."""
    found = fit(job([4000, 3500, 3000], experts=150, dense=30))
    assert sum(layers(found)) == 33
    assert all(card.total <= (size - 1024) * MIB for card, size in zip(found.cards, (4000, 3500, 3000)))
    assert found.cards[0].weights / found.cards[0].layers > found.cards[2].weights / found.cards[2].layers


def test_experts_stay_on_the_host_where_the_last_card_has_no_layer():
    """llama-server then leaves the layers as they are, although the first card has room."""
    found = fit(job([20000, 1500], experts=150, dense=30, memory=model(layers=80)))
    assert layers(found) == [81, 0]
    assert found.host.weights == (280 + 80 * 150) * MIB
    assert found.cards[0].total < (20000 - 1024 - 150) * MIB


def test_layers_that_are_asked_for_are_not_fitted():
    """They are split by free memory, or by the shares that are asked for, whatever room there is."""
    assert layers(explicit(job([1000, 1000]), [1.0, 3.0], 8)) == [2, 6]
    assert layers(explicit(job([1000]), [1000], -2)) == [33]
    assert layers(explicit(job([1000]), [1000], 99)) == [33]
    assert layers(explicit(job([1000]), [1000], 0)) == [0]


def test_a_part_can_go_to_the_next_card():
    """Its bytes are there, and the layer is that of the card before."""
    shares = [Share(3, 1, "all", to_next=True), Share(30)]
    found = take(job([1, 1], experts=120), shares)
    assert found.cards[1].weights == (29 * 200 + 400 + 120) * MIB
    assert found.host.weights == 280 * MIB


def test_a_single_card_is_taken_where_four_fifths_hold_the_prediction():
    """The one with the most free memory; a discrete one before an integrated one."""
    cards = (device(0, 10 * GIB), device(1, 12 * GIB), device(2, 40 * GIB, integrated=True))
    assert choice.choose(cards, HOST, 8 * GIB, spread=False, layers=-1) == ((1,), 12 * GIB)
    assert choice.choose(cards, HOST, 12 * GIB, spread=False, layers=-1).cards == (2,)
    assert choice.choose(cards[:2], HOST, 10 * GIB, spread=False, layers=-1) == ((0, 1), 22 * GIB)
    assert choice.choose(cards[:2], HOST, 8 * GIB, spread=True, layers=-1).cards == (0, 1)
    assert choice.choose(cards, HOST, 8 * GIB, spread=False, layers=0) == ((), 0)


def test_the_library_with_the_most_memory_has_a_model_of_several_cards():
    """One with a discrete card comes before one without."""
    cards = (device(0, 6 * GIB), device(1, 4 * GIB, "ROCm"), device(2, 4 * GIB, "ROCm"))
    assert choice.choose(cards, HOST, 20 * GIB, spread=False, layers=-1) == ((1, 2), 8 * GIB)
    shared = (device(0, 6 * GIB), device(1, 40 * GIB, "Vulkan", integrated=True))
    assert choice.choose(shared, HOST, 90 * GIB, spread=False, layers=-1).cards == (0,)


def test_an_integrated_card_has_no_more_than_the_host():
    """And llama.cpp uses it only where there is no other."""
    shared = (device(0, 40 * GIB, integrated=True),)
    assert choice.choose(shared, Host(8 * GIB), 6 * GIB, spread=False, layers=-1).available == 8 * GIB
    both = (device(0, 40 * GIB, integrated=True), device(1, 8 * GIB))
    assert choice.runners_cards(both, choice.Choice((0, 1), 48 * GIB)) == (1,)
    assert choice.runners_cards(both, choice.Choice((0,), 40 * GIB)) == (0,)


def test_rows_follow_context_and_room():
    """More rows for long contexts, fewer where memory is short or CUDA has no flash attention."""
    card = device(0, 24 * GIB)
    assert choice.rows(65536, 10 * GIB, 24 * GIB, [card], flash=True) == 2048
    assert choice.rows(65536, 17 * GIB, 24 * GIB, [card], flash=True) == 1024
    assert choice.rows(65536, 19 * GIB, 24 * GIB, [card], flash=True) == 512
    assert choice.rows(65536, 10 * GIB, 0, [], flash=True) == 2048
    assert choice.rows(65536, 10 * GIB, 24 * GIB, [card], flash=False) == 512
    assert choice.rows(65536, GIB, 8 * GIB, [device(0, 8 * GIB)], flash=False) == 256


def test_a_projector_needs_a_gibibyte_beside_it_on_every_card():
    """And none is on a card where layers are left to the CPUs by the operator."""
    cards = (device(0, 8 * GIB), device(1, 2 * GIB))
    assert choice.projector_on_card(cards, GIB, -1, 33)
    assert not choice.projector_on_card(cards, 2 * GIB, -1, 33)
    assert not choice.projector_on_card(cards, GIB, 10, 33)
    assert not choice.projector_on_card((), GIB, -1, 33)


@given(
    count=st.integers(1, 30),
    each=st.integers(1, 900),
    free=st.lists(st.integers(0, 20000), min_size=1, max_size=4),
    target=st.integers(0, 3000),
    share=st.integers(0, 100),
)
def test_no_card_has_more_than_its_target_leaves(count, each, free, target, share):
    """Every layer is somewhere, every byte of a weight too, and a card with layers keeps its target free."""
    memory = model(layers=count, each=each)
    asked = job(free, target=target, experts=each * share // 100, memory=memory)
    found = fit(asked)
    assert sum(layers(found)) + found.host.layers == count + 1
    assert sum(card.weights for card in found.cards) + found.host.weights == memory.weights
    assert sum(card.cache for card in found.cards) + found.host.cache == memory.cache
    assert all(card.total <= limit for card, limit in zip(found.cards, asked.most) if card.total)


@given(each=st.integers(1, 900), free=st.integers(0, 20000), more=st.integers(0, 4000), share=st.integers(0, 100))
def test_more_memory_of_a_card_never_places_fewer_layers(each, free, more, share):
    """On a host with one card."""
    counts = [
        sum(layers(fit(job([size], experts=each * share // 100, memory=model(each=each)))))
        for size in (free, free + more)
    ]
    assert counts[0] <= counts[1]
