# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a card drives a screen, from the connectors of the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.tests.unit.support import reported
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import pci_card
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

DRM = "/sys/class/drm"
ON = {"status": "connected", "enabled": "enabled", "dpms": "On"}
ASLEEP = {"status": "connected", "enabled": "enabled", "dpms": "Off"}
UNUSED = {"status": "connected", "enabled": "disabled", "dpms": "Off"}
FREE = {"status": "disconnected", "enabled": "disabled", "dpms": "Off"}
ANALOG = {"status": "unknown", "enabled": "disabled", "dpms": "Off"}


def connectors(**states):
    """Files of connectors, each by its name with underscores for hyphens."""
    return {
        f"{DRM}/{name.replace('_', '-')}/{file}": text for name, files in states.items() for file, text in files.items()
    }


def cards(folder, places, **states):
    """Intel's and other cards at the places given (name of the card: PCI address or device), and their connectors."""
    files = connectors(**states)
    for address in places.values():
        files.update(pci_card(address, "0x1a03" if address == "0000:02:00.0" else "0x8086") if ":" in address else {})
    root = plant(folder, files)
    for name, address in places.items():
        Path(f"{root}{DRM}/{name}").mkdir(parents=True)
        place = f"bus/pci/devices/{address}" if ":" in address else f"devices/{address}"
        Path(f"{root}/sys/{place}").mkdir(parents=True, exist_ok=True)
        Path(f"{root}{DRM}/{name}/device").symlink_to(f"../../../{place}")
    return Root(root)


@pytest.mark.parametrize(
    ("states", "active"),
    [
        ({}, False),
        ({"card0_DP_1": FREE}, False),
        ({"card0_DP_1": FREE, "card0_HDMI_A_1": FREE, "card0_VGA_1": ANALOG}, False),
        ({"card0_DP_1": FREE, "card0_HDMI_A_1": ON}, True),
        ({"card0_eDP_1": ASLEEP}, True),
        ({"card0_DP_1_8": ON}, True),
        ({"card0_DP_1": UNUSED}, None),
        ({"card0_DP_1": UNUSED, "card0_DP_2": ON}, True),
        ({"card0_Writeback_1": {"status": "unknown", "enabled": "enabled"}}, False),
        ({"card0_Virtual_1": ON}, True),
        ({"card0_VGA_1": {"status": "unknown", "enabled": "enabled"}}, None),
        ({"card0_DP_1": {"status": "connected"}}, None),
        ({"card0_DP_1": {"enabled": "enabled"}}, None),
        ({"card1_DP_1": ON}, False),
    ],
)
def test_a_screen_is_driven_by_a_connector_that_is_connected_and_enabled(tmp_path, states, active):
    """Without a connector in use there is no screen, and one that is plugged in and off may come on."""
    root = cards(tmp_path, {"card0": "0000:00:02.0"}, **states)
    assert [gpu["display_active"] for gpu in read_gpus(root, None)[0]] == [active]
    assert root.problems == []


def test_each_card_has_its_own_connectors(tmp_path):
    """A console of the server, another card and a card whose driver has no connectors do not lend their screens."""
    places = {"card0": "0000:02:00.0", "card1": "0000:03:00.0", "card10": "0000:04:00.0", "card2": "0000:05:00.0"}
    root = cards(tmp_path, places, card0_VGA_1=ON, card1_DP_1=FREE, card10_DP_1=ON)
    plant(tmp_path, pci_card("0000:06:00.0", "0x8086"))
    gpus = read_gpus(root, None)[0]
    assert {gpu["pci_bus_id"][5:7]: gpu["display_active"] for gpu in gpus} == {
        "03": False,
        "04": True,
        "05": False,
        "06": None,
    }


@pytest.mark.parametrize(
    ("files", "active"),
    [
        ({}, True),
        (pci_card("0000:02:00.0", "0x1a03"), None),
        ({f"{DRM}/card0/device/uevent": "DRIVER=xe\nPCI_SLOT_NAME=0000:03:00.0"}, True),
        ({"/sys/bus/pci/devices/0000:03:00.0/drm/card0/dev": "226:0", **pci_card("0000:02:00.0", "0x1a03")}, True),
    ],
)
def test_a_card_is_found_where_links_are_missing(tmp_path, files, active):
    """A tree without links tells by a folder or an event file, or by there being one card; else nothing is known."""
    root = Root(plant(tmp_path, {**pci_card("0000:03:00.0", "0x8086"), **connectors(card0_DP_1=ON), **files}))
    assert [gpu["display_active"] for gpu in read_gpus(root, None)[0]] == [active]


def test_a_board_has_its_screen_on_another_device(tmp_path):
    """The display of an Arm board is not the device that computes, and shows what the board drives."""
    gpu = {f"{DRM}/renderD128/device/uevent": "DRIVER=panthor\nOF_COMPATIBLE_0=arm,mali-valhall-csf"}
    root = cards(tmp_path, {"card0": "fb000000.gpu", "card1": "display-subsystem"}, card1_HDMI_A_1=ON)
    plant(tmp_path, gpu)
    assert [gpu["display_active"] for gpu in read_gpus(root, None)[0]] == [True]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("status", "maybe", "connected, disconnected, unknown"),
        ("status", "", "connected, disconnected, unknown"),
        ("enabled", "on fire", "enabled, disabled"),
    ],
)
def test_words_that_the_kernel_does_not_have_are_problems(tmp_path, name, text, expected):
    """Another word leaves the screen unknown and is quoted."""
    root = cards(tmp_path, {"card0": "0000:00:02.0"}, card0_DP_1={**ON, name: text})
    assert [gpu["display_active"] for gpu in read_gpus(root, None)[0]] == [None]
    assert root.problems == [f"{DRM}/card0-DP-1/{name}: read {text!r}, expected one of {expected}"]


@reported.needs_reports
def test_a_reported_desktop_has_its_screen(tmp_path):
    """A desktop with a card of AMD's drives its screen by that card."""
    assert [gpu["display_active"] for gpu in reported.read("31-amd-card-drives-a-screen", tmp_path)["gpus"]] == [True]
