# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans of hosts with GPUs after public reports, read from their files and planned as somebody asked for."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.tests.unit.support import reported
from ansible_collections.inference.ollama.tests.unit.support.plans import codes, decision, instances

pytestmark = reported.needs_reports

OVERRIDE = {"environment": {"HSA_OVERRIDE_GFX_VERSION": "11.0.2"}}
NV = {"name": "nv", "cuda_visible_devices": "0"}


def planned(name, folder, options=None):
    """The plan of a reported host."""
    topology = reported.read(name, folder)
    return make_plan(topology, options or {}, topology["software"]["ollama"]["version"])


def said(made, code):
    """What the one warning of a code says, with its remedy."""
    (found,) = [warning for warning in made["warnings"] if warning["code"] == code]
    return f"{found['message']}; {found['remedy']}"


@pytest.mark.parametrize("mode", [{}, {"instances": "per_gpu"}])
@pytest.mark.parametrize(
    ("name", "context"),
    [("02-gb10-unified-memory", "262144"), ("03-jetson-orin", "4096"), ("03-jetson-orin-cc-na", "4096")],
)
def test_boards_that_share_memory_are_gpu_hosts(name, context, mode, tmp_path):
    """One GPU, waited for and verified; no word of a host without GPU, of huge pages or of a driver to upgrade."""
    made = planned(name, tmp_path, mode)
    (server,) = instances(made)
    assert len(server["gpus"]) == 1
    assert server["order"]["After"] == "nvidia-persistenced.service"
    assert not {"huge-pages-not-always", "no-gpu-for-instances", "driver-too-old"} & set(codes(made))
    assert f"takes {context}" in decision(made, "OLLAMA_CONTEXT_LENGTH")["reason"]
    assert server["budget"]["usable_bytes"] < server["memory_bytes"]
    assert not [note for note in made["decisions"] if "without GPU" in note["reason"] or "no GPU" in note["reason"]]


def test_strix_halo_is_a_gpu_host(tmp_path):
    """gfx1151 is taken by default, with 96 GiB that are the host's own."""
    made = planned("04-strix-halo-gtt", tmp_path)
    assert [len(server["gpus"]) for server in instances(made)] == [1]
    assert "huge-pages-not-always" not in codes(made)
    assert 64 << 30 < made["instances"][0]["budget"]["usable_bytes"] < 96 << 30


@pytest.mark.parametrize("options", [{}, OVERRIDE])
def test_an_integrated_gpu_that_the_release_drops_is_named(options, tmp_path):
    """With and without the override the warning names the variable that helps, and lint finds the override."""
    text = said(planned("05-radeon-780m-override", tmp_path, options), "integrated-gpu-dropped")
    assert "OLLAMA_IGPU_ENABLE: 1" in text
    assert ("HSA_OVERRIDE_GFX_VERSION alone does not" in text) is bool(options)
    (finding,) = lint(OVERRIDE["environment"], parse_release("0.34.1"))
    assert (finding.name, finding.code) == ("HSA_OVERRIDE_GFX_VERSION", "integrated-not-enabled")


def test_a_card_without_kernels_does_not_count(tmp_path):
    """Models run on the CPUs until one of two variables is set."""
    made = planned("06-rx6600-gfx1032-0.24", tmp_path)
    assert instances(made)[0]["gpus"] == []
    text = said(made, "gpu-without-kernels")
    assert "HSA_OVERRIDE_GFX_VERSION: 10.3.0" in text
    assert "OLLAMA_VULKAN: 1" in text


def test_two_cards_of_vulkans_are_not_divided(tmp_path):
    """Neither server is written with Vulkan off."""
    with pytest.raises(PlanError, match="GGML_VK_VISIBLE_DEVICES"):
        planned("06-rx6600-twice-per-gpu", tmp_path, {"instances": "per_gpu"})
    (server,) = instances(planned("06-rx6600-twice-per-gpu", tmp_path))
    assert (len(server["gpus"]), "OLLAMA_VULKAN" in server["environment"]) == (2, False)


@pytest.mark.parametrize(
    "options",
    [
        {"instances": "per_gpu"},
        {"instances": [NV, {"name": "amd"}]},
        {"instances": [NV, {"name": "amd", "cuda_visible_devices": "none"}]},
        {"cuda_visible_devices": "none"},
    ],
)
def test_an_amd_card_beside_nvidias_stays_visible(options, tmp_path):
    """Each way to give it to a server sets HIP's variable beside CUDA's."""
    *_others, server = instances(planned("07-nvidia-and-amd", tmp_path, options))
    assert server["gpus"] == ["0000:08:00.0"]
    assert {name: server["environment"][name] for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")} == {
        "CUDA_VISIBLE_DEVICES": "-1",
        "HIP_VISIBLE_DEVICES": "0",
    }


@pytest.mark.parametrize("mode", [{}, {"instances": "per_gpu"}])
def test_a_lost_card_is_no_card(mode, tmp_path):
    """One server on the card that answers, with all that this card has."""
    made = planned("08-card-lost-or-in-another-container", tmp_path, mode)
    (server,) = instances(made)
    assert server["gpus"] == ["0000:04:00.0"]
    assert server["environment"]["OLLAMA_FLASH_ATTENTION"] == "1"
    assert "0000:0a:00.0" in said(made, "gpu-without-driver")


def test_a_driver_of_another_version_is_refused(tmp_path):
    """Yesterday's plan stays until the host was rebooted."""
    with pytest.raises(PlanError, match="Driver/library version mismatch"):
        planned("09-nvml-driver-mismatch", tmp_path)
    assert instances(planned("09-same-before-the-upgrade", tmp_path))[0]["environment"]["OLLAMA_FLASH_ATTENTION"] == "1"


@pytest.mark.parametrize("mode", [{}, {"instances": "per_gpu"}])
def test_mig_without_instances_is_no_gpu(mode, tmp_path):
    """The warning says both ways out."""
    made = planned("10-mig-on-no-instances", tmp_path, mode)
    assert [server["gpus"] for server in instances(made)] == [[]]
    assert "-cgi" in said(made, "mig-without-instances")


def test_an_amd_card_with_a_screen_leaves_room_for_it(tmp_path):
    """An hour, 1 GiB of reserve, and no score against the desktop's programs."""
    made = planned("31-amd-card-drives-a-screen", tmp_path)
    (server,) = instances(made)
    assert (server["environment"]["OLLAMA_KEEP_ALIVE"], server["environment"]["LLAMA_ARG_FIT_TARGET"]) == ("1h", "2048")
    assert "OOMScoreAdjust" not in server["directives"]
