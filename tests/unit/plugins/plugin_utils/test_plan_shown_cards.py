# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How servers that divide cards are shown their own (_plan/devices.py, _plan/listed.py; rules G2 and I4)."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError
from ansible_collections.inference.ollama.tests.unit.support.cards import GIB, amd, apu, gpus, message
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    environment,
    instances,
    plan,
    workstation,
)

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"


@pytest.mark.parametrize("vendor", [card, amd])
def test_cards_that_have_no_name_are_not_divided(vendor):
    """Whatever was not read, no unit gets the text of it; one server that sees every card needs no names."""
    machine = workstation(vendor(0), {**vendor(1), "index": None, "uuid": None})
    with pytest.raises(PlanError, match=r"ollama_instances: cards .* neither UUID nor index of .* was read"):
        plan(machine, instances="per_gpu")
    assert "None" not in "".join(environment(machine).values())


@hypothesis.given(
    facts=strategies.lists(
        strategies.fixed_dictionaries(
            {
                "index": strategies.sampled_from([None, 0, 1]),
                "uuid": strategies.sampled_from([None, "GPU-00000000-0000-4000-8000-000000000001"]),
                "pci_bus_id": strategies.sampled_from([None, "0000:03:00.0"]),
                "answers": strategies.sampled_from([None, True, False]),
                "memory_bytes": strategies.sampled_from([None, 8 * GIB]),
                "integrated": strategies.sampled_from([None, True, False]),
                "display_active": strategies.sampled_from([None, True, False]),
                "vendor": strategies.sampled_from(["nvidia", "amd", "intel"]),
                "gfx_target": strategies.sampled_from([None, "gfx1100", "gfx1032"]),
            }
        ),
        min_size=1,
        max_size=3,
    ),
    mode=strategies.sampled_from(["single", "per_gpu"]),
)
@hypothesis.settings(max_examples=examples(60), deadline=None)
def test_nothing_that_was_not_read_reaches_a_unit(facts, mode):
    """Whatever is unknown of cards, no value and no card of a plan is the text None."""
    machine, said = workstation(*({**card(0), **each} for each in facts)), ""
    try:
        made = plan(machine, instances=mode)
    except PlanError as error:
        said, made = str(error), {"decisions": [], "instances": [], "warnings": []}
    assert "None" not in said + str([warning["message"] for warning in made["warnings"]])
    assert all("None" not in str(note["value"]) for note in made["decisions"] if note["value"] is not None)
    assert all(isinstance(name, str) and name for server in made["instances"] for name in server["gpus"])


@pytest.mark.parametrize("other", [amd(1, "gfx1032"), amd(1), card(1)])
def test_cards_that_vulkan_serves_are_not_divided(other):
    """No fact tells which index of Vulkan's means which card, and without Vulkan the server would run on the CPUs."""
    machine = workstation(amd(0, "gfx1032"), other)
    with pytest.raises(PlanError, match=r"GGML_VK_VISIBLE_DEVICES.*HSA_OVERRIDE_GFX_VERSION"):
        plan(machine, instances="per_gpu")
    assert "OLLAMA_VULKAN" not in environment(machine)


def test_cards_that_are_served_as_others_are_divided_by_rocm():
    """With the override they are ROCm's, named by UUID."""
    machine = workstation(amd(0, "gfx1032"), amd(1, "gfx1032"))
    found = instances(plan(machine, instances="per_gpu", environment={OVERRIDE: "10.3.0"}))
    assert [each["environment"]["ROCR_VISIBLE_DEVICES"] for each in found] == [
        "GPU-00000000000000a0",
        "GPU-00000000000000a1",
    ]


def test_an_operator_who_numbers_vulkans_cards_divides_them():
    """Each entry of a list may carry the variable; OLLAMA_VULKAN=0 is then written in neither."""
    machine = workstation(amd(0, "gfx1032"), amd(1, "gfx1032"))
    listed = [
        {"name": name, "environment": {"GGML_VK_VISIBLE_DEVICES": number}} for name, number in (("a", "0"), ("b", "1"))
    ]
    found = instances(plan(machine, instances=listed))
    assert [each["environment"]["GGML_VK_VISIBLE_DEVICES"] for each in found] == ["0", "1"]
    assert all("OLLAMA_VULKAN" not in each["environment"] for each in found)


def _two():
    return workstation(card(0), amd(0))


@pytest.mark.parametrize(
    ("options", "amds"),
    [
        ({"instances": "per_gpu"}, 1),
        ({"instances": [{"name": "nv", "cuda_visible_devices": "0"}, {"name": "amd"}]}, 1),
        (
            {
                "instances": [
                    {"name": "nv", "cuda_visible_devices": "0"},
                    {"name": "amd", "cuda_visible_devices": "none"},
                ]
            },
            1,
        ),
        (
            {"instances": [{"name": "amd", "cuda_visible_devices": "none"}, {"name": "nv"}]},
            0,
        ),
        ({"cuda_visible_devices": "none"}, 0),
    ],
)
def test_a_server_with_an_amd_card_gets_its_indexes_where_cudas_variable_is_set(options, amds):
    """HIP takes CUDA_VISIBLE_DEVICES for its own where HIP_VISIBLE_DEVICES is empty, and would find no card."""
    made = plan(_two(), **options)
    mine = instances(made)[amds]
    assert mine["gpus"] == ["0000:10:00.0"]
    assert mine["environment"]["CUDA_VISIBLE_DEVICES"] == "-1"
    assert mine["environment"]["HIP_VISIBLE_DEVICES"] == "0"
    for other in instances(made):
        assert other is not mine or "ROCR_VISIBLE_DEVICES" not in other["environment"]
        if other["gpus"] == ["0000:03:00.0"]:
            assert "HIP_VISIBLE_DEVICES" not in other["environment"]
            assert other["environment"]["ROCR_VISIBLE_DEVICES"] == "-1"
    assert "gpu-of-no-instance" not in codes(made)


def test_indexes_count_what_is_left_of_all_amd_cards():
    """An integrated GPU is among HIP's devices, so the card is named by UUID first and is then the first one."""
    found = environment(workstation(card(0), apu("gfx1036"), amd(1)), cuda_visible_devices="none")
    assert (found["ROCR_VISIBLE_DEVICES"], found["HIP_VISIBLE_DEVICES"]) == ("GPU-00000000000000a1", "0")
    both = environment(workstation(card(0), amd(0), amd(1)), cuda_visible_devices="none")
    assert ("ROCR_VISIBLE_DEVICES" in both, both["HIP_VISIBLE_DEVICES"]) == (False, "0,1")


def test_one_server_for_both_vendors_needs_no_variable():
    """Where nothing is hidden nothing is mistaken."""
    assert not {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"} & environment(_two()).keys()


def test_a_card_of_no_entry_is_named():
    """It would lie idle without a word."""
    made = plan(_two(), instances=[{"name": "nv", "cuda_visible_devices": "0"}])
    assert "0000:10:00.0" in message(made, "gpu-of-no-instance")
    silent = plan(workstation(card(0)), instances=[{"name": "a", "cuda_visible_devices": "none"}])
    assert "gpu-of-no-instance" not in codes(silent)


def test_none_says_nothing_on_a_host_without_nvidia_cards():
    """The card goes to the entry that says nothing of cards, as without the word."""
    made = plan(workstation(amd(0)), instances=[{"name": "a", "cuda_visible_devices": "none"}, {"name": "b"}])
    assert gpus(made) == [[], ["0000:10:00.0"]]
