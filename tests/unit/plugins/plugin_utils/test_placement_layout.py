# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of releases from 0.11.5 to 0.24, over sizes alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_estimate import estimated_simply
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Device, Host
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_layout import (
    MINIMUM_BYTES,
    RefusedError,
    Request,
    Site,
    Sizes,
    build,
    count,
    estimated,
    measured,
)

MIB, GIB = 1 << 20, 1 << 30
HOST = Host(64 * GIB, 0, 64 * GIB)
PLAIN = Request()


def device(number, free, library="CUDA", *, integrated=False):
    return Device(str(number), f"card {number}", library, free, free, integrated)


def sizes(layers=33, each=200, whole=300, split=300):
    return Sizes((each * MIB,) * layers, whole * MIB, split * MIB, 100 * MIB, 100 * MIB)


def site(*free, host=HOST, **facts):
    return Site(tuple(device(number, size, **facts) for number, size in enumerate(free)), host)


def numbers(layout):
    """Layers of each card."""
    return {part.card: len(part.layers) for part in layout if part.layers}


def test_a_model_that_fits_one_card_is_on_the_largest():
    """Whatever the order of the cards."""
    assert numbers(measured(sizes(), site(8 * GIB, 24 * GIB, 12 * GIB), PLAIN)) == {1: 33}


def test_two_cards_of_three_are_taken_where_two_are_enough():
    """The two largest."""
    assert set(numbers(measured(sizes(), site(4 * GIB, 6 * GIB, 5 * GIB), PLAIN))) == {1, 2}


def test_spread_takes_all_cards_and_fills_them_evenly():
    """By their room: half of the card has half of the layers."""
    found = numbers(measured(sizes(), site(24 * GIB, 24 * GIB, 12 * GIB), Request(spread=True)))
    assert found == {0: 13, 1: 14, 2: 6}


def test_the_last_layers_go_to_the_smallest_card_of_the_set():
    """Cards are in the order of their memory, and the output is on the last one."""
    found = measured(sizes(), site(6 * GIB, 4 * GIB), PLAIN)
    assert {part.card: part.layers[-1] for part in found} == {0: found[0].layers[-1], 1: 32}
    assert [part.card for part in found] == [0, 1]


def test_the_output_stays_on_the_host_where_not_all_layers_fit():
    """A layer is better there than the output."""
    (only,) = measured(sizes(), site(4 * GIB), PLAIN)
    assert only.layers[-1] == 31
    assert len(only.layers) == (4 * GIB - MINIMUM_BYTES - 300 * MIB) // (200 * MIB)


@pytest.mark.parametrize("kept", ["overhead", "backoff"])
def test_what_is_kept_free_costs_layers(kept):
    """The operator's bytes of each card, and the share after an allocation that failed."""
    more = Request(overhead=GIB) if kept == "overhead" else Request(backoff=0.25)
    assert numbers(measured(sizes(), site(4 * GIB), PLAIN)) == {0: 16}
    assert numbers(measured(sizes(), site(4 * GIB), more)) == {0: 11}


def test_the_computation_of_a_part_counts_where_a_part_is_left():
    """A guess with all layers on cards needs less for the computation than the part that then is there."""
    less = numbers(measured(sizes(whole=100, split=1100), site(4 * GIB), PLAIN))
    assert less == {0: (4 * GIB - MINIMUM_BYTES - 1100 * MIB) // (200 * MIB)}


def test_numbers_between_two_layouts_that_alternate_are_tried():
    """The whole model needs more for its computation than a part, so the first answer allows too little; the
    first number that is tried is one less than that of the second answer.
    """
    found = numbers(measured(sizes(whole=1500, split=100), site(6400 * MIB), PLAIN))
    assert found == {0: 28}


def test_one_library_has_a_model():
    """That with room for more layers."""
    cards = (device(0, 5 * GIB), device(1, 4 * GIB, "ROCm"), device(2, 4 * GIB, "ROCm"))
    assert set(numbers(measured(sizes(), Site(cards, HOST), PLAIN))) == {1, 2}


def test_an_integrated_card_comes_last():
    """However much memory it shares."""
    cards = (device(0, 60 * GIB, integrated=True), device(1, 8 * GIB))
    assert numbers(measured(sizes(), Site(cards, HOST), PLAIN)) == {1: 33}


def test_layers_that_are_asked_for_are_placed_beyond_the_room():
    """num_gpu is done as asked where nothing else is loaded, since memory is taken to be endless then."""
    assert numbers(measured(sizes(), site(2 * GIB), Request(layers=20))) == {0: 20}
    assert numbers(measured(sizes(), site(2 * GIB), Request(layers=99))) == {0: 33}
    assert measured(sizes(), site(2 * GIB), Request(layers=0)) == [] or not count(
        measured(sizes(), site(2 * GIB), Request(layers=0))
    )


def test_beside_other_models_a_part_is_refused():
    """One of them has to go first."""
    with pytest.raises(RefusedError) as caught:
        measured(sizes(), site(4 * GIB), Request(full=True))
    assert caught.value.evict
    assert numbers(measured(sizes(), site(8 * GIB), Request(full=True))) == {0: 33}


def test_the_hosts_memory_refuses_what_the_cpus_cannot_hold():
    """By what is free beside others, and by free memory and swap where the model is alone."""
    small = Host(2 * GIB, GIB, 4 * GIB)
    for full, evict in ((True, True), (False, False)):
        with pytest.raises(RefusedError) as caught:
            measured(sizes(), Site((), small), Request(full=full))
        assert caught.value.evict is evict
    assert measured(sizes(), Site((), Host(2 * GIB, 6 * GIB, 4 * GIB)), PLAIN) == []
    assert measured(sizes(), Site((), Host(None)), Request(full=True)) == []


def test_the_runner_of_llama_cpp_keeps_a_layer_and_the_larger_computation_free():
    """Both are taken off before layers are given out."""
    found = numbers(estimated(sizes(whole=300, split=900), site(4 * GIB), PLAIN, 200 * MIB))
    assert found == {0: (4 * GIB - MINIMUM_BYTES - 900 * MIB - 200 * MIB) // (200 * MIB)}


def test_a_card_that_the_runner_does_not_report_has_no_room():
    """Only layers that weigh nothing go there."""
    assert count(build([MIB], [device(0, GIB)], {}, PLAIN)) == 0


def test_the_older_estimate_counts_layers_in_turn():
    """Spread over two cards both have about as many, the output with the last ones."""
    found = estimated_simply(sizes(), site(24 * GIB, 12 * GIB), Request(spread=True), 200 * MIB)
    assert [len(part.layers) for part in found] == [17, 16]
    assert found[-1].layers[-1] == 32


def test_the_older_estimate_prefers_one_card_and_passes_full_ones_over():
    """And gives none where nothing was asked for."""
    assert numbers(estimated_simply(sizes(), site(4 * GIB, 24 * GIB), PLAIN, 200 * MIB)) == {1: 33}
    assert numbers(estimated_simply(sizes(), site(4 * GIB, 6 * GIB), PLAIN, 200 * MIB)) == {0: 15, 1: 18}
    assert numbers(estimated_simply(sizes(), site(2 * GIB), PLAIN, 200 * MIB)) == {0: 5}
    assert numbers(estimated_simply(sizes(), site(2 * GIB), Request(layers=3), 200 * MIB)) == {0: 3}


LAYERS = st.lists(st.integers(1, 900), min_size=2, max_size=24)
FREE = st.lists(st.integers(0, 20000), min_size=1, max_size=4)


@given(layers=LAYERS, free=FREE, graph=st.integers(0, 2000), spread=st.booleans())
def test_no_card_has_more_than_its_room(layers, free, graph, spread):
    """Each layer is on one card at most, in order, and beside it the server's part has room. The computation is not in
    it: where layouts alternate between cards, the last one may not have kept room for it on its card.
    """
    made = Sizes(tuple(size * MIB for size in layers), graph * MIB, graph * MIB, 0, 0)
    cards = site(*(size * MIB for size in free))
    found = measured(made, cards, Request(spread=spread))
    placed = [number for part in found for number in part.layers]
    assert placed == sorted(set(placed))
    for part in found:
        if part.layers:
            used = sum(made.layers[number] for number in part.layers) + MINIMUM_BYTES
            assert used <= cards.cards[part.card].free


@given(layers=LAYERS, free=st.integers(0, 20000), more=st.integers(0, 4000))
def test_more_memory_of_a_card_never_places_fewer_layers(layers, free, more):
    """On a host with one card."""
    made = Sizes(tuple(size * MIB for size in layers), 300 * MIB, 300 * MIB, 0, 0)
    counts = [count(measured(made, site(size * MIB), PLAIN)) for size in (free, free + more)]
    assert counts[0] <= counts[1]


def test_a_first_guess_takes_everything():
    """Layers weigh nothing until the runner has answered, so even a card without room gets all of them."""
    assert count(build([0, 0], [device(0, 0)], {}, Request(spread=True))) == 2


def test_halving_ends_where_floats_do():
    """So many layers are asked for that only the largest share of the smallest room holds them."""
    tight = site(MINIMUM_BYTES + 300 * MIB + 33 * MIB)
    assert numbers(measured(sizes(each=1000), tight, Request(layers=33))) == {0: 33}
