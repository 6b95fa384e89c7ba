# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that GPU and host share, and screens that may be there (rules M0, M3, M6 and S5)."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from ansible_collections.inference.ollama.tests.unit.support.cards import GIB, amd, apu, board, lost
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    decision,
    environment,
    instances,
    plan,
    workstation,
)


@pytest.mark.parametrize(("shared", "gib"), [(121, 121), (96, 124)])
def test_shared_memory_is_counted_once(shared, gib):
    """What models may take is what the host has left beside its system and prompt caches, and the GPU can have."""
    gpu = board(memory_bytes=shared * GIB, shared_bytes=shared * GIB, compute_capability="12.1")
    made = plan(workstation(gpu, memory_gib=gib))
    budget = made["instances"][0]["budget"]
    caches = int(instances(made)[0]["environment"]["LLAMA_ARG_CACHE_RAM"]) * 3 << 20
    assert budget["memory"] == "vram"
    assert budget["usable_bytes"] <= min(shared * GIB * 4 // 5, gib * GIB - 8 * GIB - caches + (3 << 20))
    assert budget["usable_bytes"] > shared * GIB // 2


def test_what_firmware_set_aside_is_not_the_hosts():
    """Of an APU the part that MemTotal is without counts as a card's own."""
    own = apu("gfx1151", memory_bytes=96 * GIB, shared_bytes=0)
    shared = apu("gfx1151", memory_bytes=96 * GIB, shared_bytes=96 * GIB)
    sizes = [plan(workstation(gpu, memory_gib=31))["instances"][0]["budget"]["usable_bytes"] for gpu in (own, shared)]
    assert sizes[0] == 96 * GIB * 4 // 5
    assert sizes[1] < 31 * GIB


@hypothesis.given(
    memory=strategies.integers(4, 512), shared=strategies.integers(1, 512), extra=strategies.integers(0, 64)
)
@hypothesis.settings(max_examples=examples(40), deadline=None)
def test_a_gpu_that_shares_never_has_more_than_the_host(memory, shared, extra):
    """The budget stays below what GPU and host have together, and more host memory never lowers it."""
    gpu = apu("gfx1151", memory_bytes=shared * GIB, shared_bytes=max(0, shared - extra) * GIB)
    sizes = []
    for gib in (memory, memory + 8):
        machine = workstation(gpu)
        machine["memory"] = {**machine["memory"], "total_bytes": gib * GIB, "host_bytes": gib * GIB}
        sizes.append(plan(machine)["instances"][0]["budget"]["usable_bytes"])
    assert sizes[0] <= sizes[1]
    assert sizes[0] < memory * GIB + min(extra, shared) * GIB


def test_two_gpus_that_share_divide_the_memory():
    """The host's memory is there once, however many GPUs may use it."""
    first = apu("gfx1151", memory_bytes=64 * GIB, shared_bytes=64 * GIB)
    second = {**first, "index": 1, "uuid": "GPU-00000000000000b1", "pci_bus_id": "0000:21:00.0"}
    model = {"name": "m", "size_bytes": GIB, "layers": 8, "kv_heads": 8, "key_length": 128, "value_length": 128}
    sizes = [
        plan(workstation(*cards, memory_gib=64), reference_models=[model])["instances"][0]["budget"]["usable_bytes"]
        for cards in ((first,), (first, second))
    ]
    assert sizes[1] <= sizes[0] + (8 << 20)


def test_the_default_context_of_shared_memory_is_that_of_vram():
    """The server takes the sum of what its cards report."""
    made = plan(workstation(board(memory_bytes=121 * GIB, shared_bytes=121 * GIB), memory_gib=121))
    assert "takes 262144" in decision(made, "OLLAMA_CONTEXT_LENGTH")["reason"]


def test_a_model_in_shared_memory_makes_room_on_a_small_host():
    """What an idle model holds of it other programs lack."""
    assert environment(workstation(board(), memory_gib=16))["OLLAMA_KEEP_ALIVE"] == "1h"
    large = board(memory_bytes=121 * GIB, shared_bytes=121 * GIB)
    assert environment(workstation(large, memory_gib=121))["OLLAMA_KEEP_ALIVE"] == "-1"


@pytest.mark.parametrize("made_by", [card, amd])
@pytest.mark.parametrize(("screen", "why"), [(True, "drives a display"), (None, "unknown")])
def test_a_screen_that_may_be_there_is_left_room(made_by, screen, why):
    """Unknown is not no: an hour, a reserve and no score against other programs, with the reason."""
    made = plan(workstation(made_by(0, display_active=screen), memory_gib=96))
    found = instances(made)[0]
    assert (found["environment"]["OLLAMA_KEEP_ALIVE"], found["environment"]["LLAMA_ARG_FIT_TARGET"]) == ("1h", "2048")
    assert "OOMScoreAdjust" not in found["directives"]
    for setting in ("OLLAMA_KEEP_ALIVE", "LLAMA_ARG_FIT_TARGET", "OOMScoreAdjust"):
        assert why in decision(made, setting)["reason"]


def test_a_card_without_a_screen_is_used_to_the_full():
    """A compute card that was read to drive none, beside one that nobody answers for."""
    made = plan(workstation(amd(0), lost(driver="vfio-pci"), memory_gib=96))
    found = instances(made)[0]
    assert found["environment"]["OLLAMA_KEEP_ALIVE"] == "-1"
    assert found["directives"]["OOMScoreAdjust"] == -500
