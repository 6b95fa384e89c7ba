# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs, and flash attention on them (_plan/gpu.py, _plan/attention.py; rules G1 to G5, A1, A2)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    environment,
    instances,
    plan,
    workstation,
)


def test_every_card_is_seen_without_a_word():
    """A variable that hides nothing would only make the server warn."""
    found = environment(workstation(card(0), card(1)))
    assert "CUDA_VISIBLE_DEVICES" not in found
    assert found["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_one_card_needs_no_order():
    """With one card there is nothing to number."""
    assert "CUDA_DEVICE_ORDER" not in environment(workstation(card(0)))


def test_chosen_cards_are_named_and_the_rest_is_not_planned_on():
    """A card that is hidden counts neither for context nor for parallel requests."""
    made = plan(workstation(card(0, memory_bytes=48 << 30), card(1)), cuda_visible_devices="0")
    found = instances(made)[0]
    assert found["gpus"] == ["0000:03:00.0"]
    assert found["environment"]["CUDA_VISIBLE_DEVICES"] == "0"
    assert found["environment"]["OLLAMA_NUM_PARALLEL"] == "8"


def test_cards_may_be_named_by_uuid():
    """Indexes change with the slots, UUIDs do not."""
    uuid = card(1)["uuid"]
    assert environment(workstation(card(0), card(1)), cuda_visible_devices=[uuid])["CUDA_VISIBLE_DEVICES"] == uuid


@pytest.mark.parametrize("device", ["2", "GPU-00000000-0000-4000-8000-000000000009"])
def test_a_card_that_is_not_there_is_refused(device):
    """CUDA would silently see no device at all."""
    with pytest.raises(
        OllamaError, match=rf"ollama_cuda_visible_devices: '{device}' is not on this host.*0 \(Card 0\)"
    ):
        plan(workstation(card(0)), cuda_visible_devices=device)


@pytest.mark.parametrize(("release", "vulkan"), [("0.34.1", "0"), ("0.24.0", None)])
def test_hiding_every_card_also_hides_it_from_vulkan(release, vulkan):
    """From 0.30.0 on a card hidden from CUDA can come back as a Vulkan device."""
    made = plan(workstation(card(0)), release, cuda_visible_devices="none")
    found = instances(made)[0]["environment"]
    assert (found["CUDA_VISIBLE_DEVICES"], found.get("OLLAMA_VULKAN")) == ("-1", vulkan)
    assert instances(made)[0]["gpus"] == []


def test_spread_is_done_as_asked():
    """The operator's option in the form that Ollama reads."""
    machine = workstation(card(0), card(1))
    assert environment(machine, sched_spread=True)["OLLAMA_SCHED_SPREAD"] == "1"
    assert environment(machine, sched_spread=False)["OLLAMA_SCHED_SPREAD"] == "0"
    assert "OLLAMA_SCHED_SPREAD" not in environment(machine)


def test_spreading_over_one_card_is_questioned():
    """It does no harm and no good."""
    assert "nothing-to-spread" in codes(plan(workstation(card(0)), sched_spread=True))


def test_a_card_below_5_0_is_not_planned_on():
    """No build has kernels for it."""
    made = plan(workstation(card(0, compute_capability="3.5")))
    assert instances(made)[0]["gpus"] == []
    assert "gpu-too-old" in codes(made)


@pytest.mark.parametrize(
    "facts",
    [{"vendor": "amd", "compute_capability": None, "gfx_target": "gfx1103", "integrated": True}, {"vendor": "intel"}],
)
def test_what_cannot_be_counted_on_is_left_to_the_server(facts):
    """Integrated and foreign cards are neither used nor hidden by the plan, and it says so."""
    made = plan(workstation(card(0, **facts)))
    assert instances(made)[0]["gpus"] == []
    assert "left to the server are Card 0" in decision(made, "CUDA_VISIBLE_DEVICES")["reason"]
    assert "CUDA_VISIBLE_DEVICES" not in instances(made)[0]["environment"]


def test_a_card_that_only_the_kernel_knows_is_counted_on_carefully():
    """With a driver the models will run on it; with its memory unread nothing large is planned."""
    unread = card(0, memory_bytes=None, compute_capability=None)
    made = plan(workstation(unread))
    found = instances(made)[0]
    assert found["gpus"] == ["0000:03:00.0"]
    assert (found["environment"]["OLLAMA_NUM_PARALLEL"], found["environment"]["OLLAMA_CONTEXT_LENGTH"]) == ("1", "4096")
    assert "could not be read" in decision(made, "OLLAMA_MAX_LOADED_MODELS")["reason"]
    assert "could not be read" in decision(made, "OLLAMA_CONTEXT_LENGTH")["reason"]


def test_a_card_without_driver_is_not_counted_on():
    """The models will run on the CPUs, and the operator hears why."""
    made = plan(workstation(card(0, memory_bytes=None, compute_capability=None), driver=None))
    assert instances(made)[0]["gpus"] == []
    assert "gpu-without-driver" in codes(made)


def test_gpus_that_were_not_read_are_not_called_absent():
    """No statement about what nobody looked at."""
    machine = workstation()
    machine["gpus"] = None
    assert "were not read" in decision(plan(machine), "CUDA_VISIBLE_DEVICES")["reason"]


def test_an_amd_card_counts():
    """Its memory decides like any other card's."""
    amd = card(0, vendor="amd", compute_capability=None, gfx_target="gfx90a", memory_bytes=64 << 30)
    found = environment(workstation(amd))
    assert (found["OLLAMA_NUM_PARALLEL"], found["OLLAMA_FLASH_ATTENTION"]) == ("8", "1")


@pytest.mark.parametrize(
    ("release", "compute", "driver", "warned"),
    [
        ("0.34.1", "6.1", "565.57", True),
        ("0.34.1", "6.1", "580.65.06", False),
        ("0.24.0", "6.1", "535.1", False),
        ("0.34.1", "8.6", "545.1", True),
        ("0.30.0", "8.6", "545.1", False),
        ("0.34.1", "8.6", "garbage", False),
    ],
)
def test_a_driver_that_makes_the_server_drop_the_card_is_warned_of(release, compute, driver, warned):
    """The models would run on the CPU without a word."""
    made = plan(workstation(card(0, compute_capability=compute), driver=driver), release)
    assert ("driver-too-old" in codes(made)) is warned


def test_cards_that_no_one_library_serves_leave_the_choice_to_the_server():
    """A card that is too old for cuda_v13 beside one that is too new for cuda_v12."""
    made = plan(workstation(card(0, compute_capability="6.1"), card(1, compute_capability="12.1")))
    assert decision(made, "OLLAMA_LLM_LIBRARY")["value"] is None
    assert "no model spans both" in decision(made, "OLLAMA_LLM_LIBRARY")["reason"]
