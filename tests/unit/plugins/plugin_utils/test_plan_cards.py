# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards count, by driver, kind and release (_plan/served.py; rules G1, G5 and G7)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import VENDORS, overridden, target_of
from ansible_collections.inference.ollama.tests.unit.support.cards import amd, apu, board, gpus, lost, message
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    instances,
    plan,
    workstation,
)

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"


@pytest.mark.parametrize("mode", [{}, {"instances": "per_gpu"}])
@pytest.mark.parametrize("facts", [{}, {"uuid": "GPU-11111111-0000-4000-8000-000000000001"}, {"driver": "vfio-pci"}])
def test_a_card_for_which_no_driver_answers_changes_nothing_but_the_warning(mode, facts):
    """The plan is that of the cards that answer, and the address of the other one is named."""
    alone, made = plan(workstation(card(0)), **mode), plan(workstation(card(0), lost(**facts)), **mode)
    assert made["instances"] == alone["instances"]
    assert made["decisions"] == alone["decisions"] or mode
    assert codes(made) == ["gpu-without-driver"]
    assert "0000:04:00.0" in message(made, "gpu-without-driver")


def test_a_lost_card_cannot_be_chosen():
    """A variable that names it would show CUDA nothing."""
    dead = lost(uuid="GPU-11111111-0000-4000-8000-000000000001")
    with pytest.raises(PlanError, match=r"is not on this host; NVIDIA GPUs here: 0 \(Card 0\)"):
        plan(workstation(card(0), dead), cuda_visible_devices=dead["uuid"])


def test_a_driver_that_failed_is_refused():
    """A restart would lose the cards, and a plan without them would be that of a smaller host."""
    machine = workstation(card(0, memory_bytes=None, compute_capability=None, answers=None))
    machine["drivers"]["nvidia"]["error"] = "Failed to initialize NVML: Driver/library version mismatch"
    with pytest.raises(PlanError, match=r"Driver/library version mismatch.*reboot.*reload the module nvidia"):
        plan(machine)
    assert gpus(plan(machine, cuda_visible_devices="none")) == [[]]


def test_a_gpu_of_which_nothing_is_known_but_that_it_is_there_counts_carefully():
    """WSL2 shows NVIDIA's library where nothing could be asked: Ollama loads it, so the host is not one without GPU."""
    unknown = {"vendor": "nvidia", "answers": None, "pci_bus_id": None, "memory_bytes": None, "display_active": None}
    made = plan(workstation(unknown, driver=None))
    assert gpus(made) == [["NVIDIA GPU"]]
    assert decision(made, "OLLAMA_CONTEXT_LENGTH")["value"] == "4096"
    assert decision(made, "CUDA_VISIBLE_DEVICES")["reason"] == "not set, so that the server sees every GPU: NVIDIA GPU"
    assert codes(made) == []


def test_a_failed_driver_of_cards_that_are_not_here_is_not_refused():
    """Cards that another driver has are no business of this one."""
    machine = workstation(lost(driver="vfio-pci"))
    machine["drivers"]["nvidia"]["error"] = "couldn't communicate with the NVIDIA driver"
    assert gpus(plan(machine)) == [[]]


@pytest.mark.parametrize("mode", ["single", "per_gpu"])
def test_mig_without_instances_is_no_gpu(mode):
    """CUDA shows no device of such a card."""
    made = plan(workstation(card(0, mig={"enabled": True, "instances": []})), instances=mode)
    assert gpus(made) == [[]]
    assert "nvidia-smi mig -i 0000:03:00.0 -cgi" in message(made, "mig-without-instances")
    assert "-mig 0" in message(made, "mig-without-instances")


@pytest.mark.parametrize("mig", [None, {"enabled": False, "instances": []}, {"enabled": True, "instances": None}])
def test_a_card_whose_instances_were_not_read_is_not_said_to_have_none(mig):
    """Only a list that was read and is empty says that there are none."""
    assert gpus(plan(workstation(card(0, mig=mig)))) == [["0000:03:00.0"]]


@pytest.mark.parametrize("release", ["0.24.0", "0.30.0", "0.34.1"])
@pytest.mark.parametrize("facts", [{"compute_capability": "12.1"}, {"compute_capability": "8.7"}, {}])
def test_cudas_integrated_gpus_count_in_every_release(release, facts):
    """No release drops them: the unit waits for the driver, and nothing says that the host has no GPU."""
    made = plan(workstation(board(**facts), memory_gib=16), release)
    server = instances(made)[0]
    assert server["gpus"] == ["0000:03:00.0"]
    assert server["order"]["After"] == "nvidia-persistenced.service"
    assert codes(made) in ([], ["threads-not-settable"])


@pytest.mark.parametrize("driver", ["540.4.0", "35.4.1", "550.1"])
def test_the_driver_of_a_board_is_not_to_be_upgraded(driver):
    """It is part of JetPack, and a library of the board's own serves it."""
    for compute in (None, "8.7", "7.2"):
        made = plan(workstation(board(compute_capability=compute), driver=driver))
        assert gpus(made) == [["0000:03:00.0"]]
        assert "driver-too-old" not in codes(made)
        assert decision(made, "OLLAMA_LLM_LIBRARY")["value"] is None


def test_a_board_that_no_library_serves_does_not_count():
    """cuda_jetpack5 begins with 7.2; a Jetson Nano (5.3) has no kernels."""
    made = plan(workstation(board(compute_capability="5.3")))
    assert (gpus(made), "gpu-too-old" in codes(made)) == ([[]], True)


def test_a_board_without_address_and_name_is_called_by_its_model():
    """Tegra has no PCI bus, and its tools know no UUID; verification then counts cards."""
    made = plan(workstation(board(name="Orin (nvgpu)", pci_bus_id=None, uuid=None)))
    assert gpus(made) == [["Orin (nvgpu)"]]


@pytest.mark.parametrize(
    ("release", "target", "free", "counts"),
    [
        ("0.24.0", "gfx1151", {}, True),
        ("0.6.0", "gfx1151", {}, False),
        ("0.30.0", "gfx1151", {}, False),
        ("0.30.0", "gfx1151", {"OLLAMA_IGPU_ENABLE": "1"}, True),
        ("0.30.1", "gfx1151", {}, True),
        ("0.34.1", "gfx1151", {"OLLAMA_IGPU_ENABLE": "0"}, False),
        ("0.24.0", "gfx1103", {}, True),
        ("0.34.1", "gfx1103", {}, False),
        ("0.34.1", "gfx1103", {OVERRIDE: "11.0.2"}, False),
        ("0.34.1", "gfx1103", {OVERRIDE: "11.0.2", "OLLAMA_IGPU_ENABLE": "1"}, True),
        ("0.34.1", "gfx1103", {"OLLAMA_IGPU_ENABLE": "1"}, True),
        ("0.34.1", "gfx1150", {}, False),
        ("0.34.1", "gfx1036", {}, False),
    ],
)
def test_integrated_amd_gpus_count_where_the_release_takes_them(release, target, free, counts):
    """From 0.30.0 on the server drops them unless a variable keeps them, but for gfx1151 from 0.30.1 on."""
    made = plan(workstation(apu(target)), release, environment=free)
    assert gpus(made) == ([["0000:10:00.0"]] if counts else [[]])
    dropped = not counts and parse_release(release) >= parse_release("0.30.0")
    assert ("integrated-gpu-dropped" in codes(made)) is dropped
    if dropped:
        assert "OLLAMA_IGPU_ENABLE" in message(made, "integrated-gpu-dropped")
        assert (f"{OVERRIDE} alone does not" in message(made, "integrated-gpu-dropped")) is (OVERRIDE in free)


def test_an_integrated_gpu_beside_a_card_is_not_worth_a_warning():
    """Models run on the card; the processor's own graphics drive a screen."""
    made = plan(workstation(amd(1), apu("gfx1036")))
    assert (gpus(made), codes(made)) == ([["0000:11:00.0"]], [])


@pytest.mark.parametrize(
    ("release", "target", "free", "counts", "advice"),
    [
        ("0.24.0", "gfx1032", {}, False, (f"{OVERRIDE}: 10.3.0", "OLLAMA_VULKAN: 1")),
        ("0.12.3", "gfx1032", {}, False, (f"{OVERRIDE}: 10.3.0",)),
        ("0.24.0", "gfx1032", {OVERRIDE: "10.3.0"}, True, ()),
        ("0.24.0", "gfx1032", {f"{OVERRIDE}_0": "10.3.0"}, True, ()),
        ("0.24.0", "gfx1032", {f"{OVERRIDE}_1": "10.3.0"}, False, ()),
        ("0.24.0", "gfx1032", {OVERRIDE: "10.3.1"}, False, (f"{OVERRIDE}: 10.3.0",)),
        ("0.24.0", "gfx1032", {"OLLAMA_VULKAN": "1"}, True, (f"{OVERRIDE}: 10.3.0",)),
        ("0.34.1", "gfx1032", {}, True, (f"{OVERRIDE}: 10.3.0",)),
        ("0.34.1", "gfx1032", {"OLLAMA_VULKAN": "0"}, False, ("OLLAMA_VULKAN",)),
        ("0.34.1", "gfx1032", {"GGML_VK_VISIBLE_DEVICES": "-1"}, False, ("GGML_VK_VISIBLE_DEVICES",)),
        ("0.12.3", "gfx906", {}, True, ()),
        ("0.24.0", "gfx906", {}, False, ("OLLAMA_VULKAN: 1",)),
        ("0.34.1", "gfx803", {}, True, ("Vulkan driver",)),
        ("0.31.1", "gfx1010", {}, True, ()),
        ("0.31.2", "gfx1010", {}, True, ("Vulkan driver",)),
        ("0.6.3", "gfx1201", {}, False, ("0.30.0",)),
        ("0.6.4", "gfx1201", {}, True, ()),
        ("0.24.0", "gfx1100", {}, True, ()),
        ("0.24.0", "gfx90a", {}, True, ()),
    ],
)
def test_amd_targets_count_where_the_release_has_kernels_or_vulkan(release, target, free, counts, advice):
    """Without kernels in ROCm a card is used through Vulkan or not at all, and the warning says what would help."""
    made = plan(workstation(amd(0, target)), release, environment=free)
    assert gpus(made) == ([["0000:10:00.0"]] if counts else [[]])
    found = " ".join(f"{each['message']}; {each['remedy']}" for each in made["warnings"])
    assert all(text in found for text in advice)
    assert (("kernels for" in found) is bool(advice)) or not counts
    assert ("gpu-without-kernels" in codes(made)) is not counts


@pytest.mark.parametrize(
    ("release", "library", "counted"),
    [
        ("0.34.1", "cuda_v12", ["0000:03:00.0"]),
        ("0.34.1", "rocm_v7_2", ["0000:10:00.0"]),
        ("0.34.1", "vulkan", ["0000:03:00.0", "0000:10:00.0"]),
        ("0.24.0", "vulkan", []),
        ("0.12.3", "rocm", ["0000:03:00.0", "0000:10:00.0"]),
    ],
)
def test_a_named_library_leaves_the_cards_of_others_out(release, library, counted):
    """From 0.12.4 on the server keeps the libraries of that name alone."""
    made = plan(workstation(card(0), amd(0)), release, environment={"OLLAMA_LLM_LIBRARY": library})
    assert gpus(made) == [counted]
    assert codes(made).count("gpu-without-library") == 2 - len(counted)


def test_every_override_leads_to_kernels():
    """A version that is advised is one of a family that some release serves, and never that of the card itself."""
    vendor = VENDORS["amd"]
    served = {target for _since, targets in vendor.kernels for target in targets}
    for target, version in vendor.overrides.items():
        assert target_of(version) in served
        assert target_of(version) != target
        # ROCm takes steppings of one generation for each other, and no others.
        assert target_of(version)[:5] == target[:5]
    assert vendor.override("gfx1032", parse_release("0.34.1")) == "10.3.0"
    assert vendor.override("gfx1012", parse_release("0.34.1")) is None
    assert overridden({f"{OVERRIDE}_1": "9.0.0", OVERRIDE: "10.3.0"}, 1) == "9.0.0"
