# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards that have no compute driver to ask, and the PCI bus under them all."""

from __future__ import annotations

import re

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.drm import is_console
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import (
    PciDevice,
    gpu_entry,
    read_cards,
)
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import attach, pci_card
from ansible_collections.inference.ollama.tests.unit.support.trees import (
    names,
    needs_captures,
    oracle,
    plant,
    tree,
)


def test_intel_integrated_and_card(tmp_path):
    """Intel's GPU at device 2 of bus 0 is integrated, its cards are not, and they are counted in PCI order."""
    files = {
        **pci_card("0000:03:00.0", "0x8086", numa_node="1", local_cpulist="8-15", uevent="DRIVER=xe"),
        **pci_card("0000:00:02.0", "0x8086", local_cpulist="0-15", uevent="DRIVER=i915"),
    }
    root = Root(attach(tmp_path, files, {"0000:03:00.0": "pci0000:00/0000:00:01.0", "0000:00:02.0": "pci0000:00"}))
    assert read_gpus(root, None) == (
        [
            gpu_entry(
                "intel",
                index=0,
                pci_bus_id="0000:00:02.0",
                driver="i915",
                cpus="0-15",
                integrated=True,
                links=[{"to": 1, "kind": "PHB"}],
            ),
            gpu_entry(
                "intel",
                index=1,
                pci_bus_id="0000:03:00.0",
                driver="xe",
                numa_node=1,
                cpus="8-15",
                integrated=False,
                links=[{"to": 0, "kind": "PHB"}],
            ),
        ],
        {"nvidia": None, "amd": None},
    )
    assert root.problems == []


def test_intel_memory_of_tiles(tmp_path):
    """An Intel card has the memory of its tiles, and is no integrated one wherever a virtual machine puts it."""
    tiles = {f"tile{i}/physical_vram_size_bytes": str(8 << 30) for i in (0, 1)}
    path = plant(tmp_path, pci_card("0000:00:02.0", "0x8086", **tiles))
    gpu = read_gpus(Root(path), None)[0][0]
    assert (gpu["memory_bytes"], gpu["free_bytes"], gpu["integrated"]) == (16 << 30, None, False)


def test_other_vendor(tmp_path):
    """A card of a vendor that this file does not know is listed under the vendor's number."""
    gpus, _drivers = read_gpus(Root(plant(tmp_path, pci_card("0000:17:00.0", "0x1ed5"))), None)
    assert [(gpu["vendor"], gpu["index"], gpu["integrated"]) for gpu in gpus] == [("0x1ed5", 0, None)]


@pytest.mark.parametrize(
    ("vendor", "driver", "console"),
    [
        (0x102B, "mgag200", True),
        (0x1A03, "ast", True),
        (0x1AF4, "virtio-pci", True),
        (0x1013, None, True),
        (0x1234, "bochs-drm", True),
        (0x1B36, "qxl", True),
        (0x9999, "ast", True),
        (0x9999, None, False),
        (0x8086, None, False),
        (0x1002, "radeon", False),
        (0x10DE, "nouveau", False),
    ],
)
def test_consoles(vendor, driver, console):
    """Adapters of server consoles and virtual screens are no GPUs; AMD, Intel and NVIDIA always are."""
    card = PciDevice("0000:00:03.0", vendor, None, driver, None, None)
    assert is_console(card) is console


def test_console_is_not_listed(tmp_path):
    """A server whose only display is its remote console has no GPU."""
    root = Root(plant(tmp_path, pci_card("0000:02:00.0", "0x1a03")))
    assert read_gpus(root, None)[0] == []
    assert root.problems == []


def test_other_devices_are_no_cards(tmp_path):
    """Network cards, bridges, accelerators of unknown vendors and half-removed devices are left out."""
    files = {
        **pci_card("0000:01:00.0", "0x10de", **{"class": "0x068000"}),
        **pci_card("0000:02:00.0", "0x1d0f", **{"class": "0x120000"}),
        **pci_card("0000:04:00.0", "0x1002", **{"class": "0x120000"}),
        "/sys/bus/pci/devices/0000:03:00.0/class": "0x030000",
    }
    assert [card.address for card in read_cards(Root(plant(tmp_path, files)))] == ["0000:04:00.0"]


def test_order_of_addresses(tmp_path):
    """Cards are ordered by domain, bus and device as numbers, also in a domain of five digits."""
    addresses = ["10000:01:00.0", "0000:81:00.0", "0001:01:00.0", "0000:0a:00.0"]
    files = {path: text for address in addresses for path, text in pci_card(address, "0x8086").items()}
    found = [card.address for card in read_cards(Root(plant(tmp_path, files)))]
    assert found == ["0000:0a:00.0", "0000:81:00.0", "0001:01:00.0", "10000:01:00.0"]


def test_driver_link_and_uevent(tmp_path):
    """The driver is the target of a link or, in a capture without links, named in uevent."""
    path = plant(
        tmp_path,
        {
            **pci_card("0000:01:00.0", "0x8086", uevent="DRIVER=xe\nPCI_ID=8086:E20B"),
            **pci_card("0000:02:00.0", "0x8086"),
        },
    )
    (tmp_path / "sys/bus/pci/devices/0000:02:00.0/driver").symlink_to("../../../../bus/pci/drivers/i915")
    assert [card.driver for card in read_cards(Root(path))] == ["xe", "i915"]


def render_node(number, uevent):
    return {f"/sys/class/drm/renderD{number}/device/uevent": uevent}


def test_gpus_of_boards_without_pci(tmp_path):
    """A render node that a device tree names is an integrated GPU of that vendor, with its driver."""
    files = {
        **render_node(128, "DRIVER=panthor\nOF_NAME=gpu\nOF_COMPATIBLE_0=rockchip,rk3588-mali\nOF_COMPATIBLE_N=2"),
        **render_node(129, "DRIVER=v3d\nOF_COMPATIBLE_0=brcm,2712-v3d"),
        **render_node(130, "DRIVER=tegra\nOF_COMPATIBLE_0=nvidia,tegra234-host1x"),
        **render_node(131, "DRIVER=vgem"),
        "/sys/class/drm/card0/device/uevent": "DRIVER=vc4-drm\nOF_COMPATIBLE_0=brcm,bcm2712-vc6",
    }
    root = Root(plant(tmp_path, files))
    common = {"index": 0, "integrated": True, "links": []}
    assert read_gpus(root, None)[0] == [
        gpu_entry("rockchip", name="rockchip,rk3588-mali", driver="panthor", **common),
        gpu_entry("brcm", name="brcm,2712-v3d", driver="v3d", **common),
    ]
    assert root.problems == []


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        # A card with two GPUs and two cards below one switch; switches below each other; ports of one host bridge.
        (
            "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:08.0",
            "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:10.0",
            "PIX",
        ),
        ("pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:08.0", "pci0000:00/0000:00:01.0/0000:01:00.0", "PIX"),
        (
            "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:08.0/0000:03:00.0/0000:04:00.0",
            "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:10.0",
            "PXB",
        ),
        ("pci0000:00/0000:00:01.0", "pci0000:00/0000:00:03.0", "PHB"),
        ("pci0000:00/0000:00:01.0", "pci0000:80/0000:80:03.0", "NODE"),
    ],
)
def test_links_over_pci(tmp_path, one, other, kind):
    """The bridges that two GPUs do not share say how far apart they are, in nvidia-smi's words."""
    files = {**pci_card("0000:10:00.0", "0x8086"), **pci_card("0000:20:00.0", "0x8086")}
    root = Root(attach(tmp_path, files, {"0000:10:00.0": one, "0000:20:00.0": other}))
    gpus = read_gpus(root, None)[0]
    assert [gpu["links"] for gpu in gpus] == [[{"to": 1, "kind": kind}], [{"to": 0, "kind": kind}]]
    assert root.problems == []


@pytest.mark.parametrize(
    ("nodes", "kind"), [(("0", "0"), "NODE"), (("0", "1"), "SYS"), (("0", "-1"), None), (("-1", "-1"), None)]
)
def test_links_between_host_bridges(tmp_path, nodes, kind):
    """Behind two host bridges the NUMA nodes decide; where the kernel does not name them the links are unknown."""
    files = {
        **pci_card("0000:10:00.0", "0x8086", numa_node=nodes[0]),
        **pci_card("0000:20:00.0", "0x8086", numa_node=nodes[1]),
        "/sys/devices/system/node/node0/cpulist": "0",
        "/sys/devices/system/node/node1/cpulist": "1",
    }
    root = Root(attach(tmp_path, files, {"0000:10:00.0": "pci0000:00", "0000:20:00.0": "pci0000:80"}))
    assert [gpu["links"] for gpu in read_gpus(root, None)[0]] == [
        kind and [{"to": 1, "kind": kind}],
        kind and [{"to": 0, "kind": kind}],
    ]
    assert len(root.problems) == (0 if kind else 2)


def test_links_that_no_path_tells_are_unknown(tmp_path):
    """A capture without the links of sysfs says so for each card."""
    files = {**pci_card("0000:10:00.0", "0x8086"), **pci_card("0000:20:00.0", "0x8086")}
    root = Root(plant(tmp_path, files))
    assert [gpu["links"] for gpu in read_gpus(root, None)[0]] == [None, None]
    assert [problem.split(": ")[0] for problem in root.problems] == [
        "/sys/bus/pci/devices/0000:10:00.0",
        "/sys/bus/pci/devices/0000:20:00.0",
    ]


def test_unreadable_entry_key():
    """An entry takes no key that the schema does not have."""
    with pytest.raises(KeyError, match="wattage"):
        gpu_entry("intel", wattage=75)


@needs_captures
@pytest.mark.parametrize("name", [name for name in names() if not name.startswith(("kfd__", "own__kfd"))])
def test_captured_machines(name):
    """On every captured machine the GPUs are the oracle's, each at the NUMA node that the kernel printed."""
    # Class 0b4000 is a Xeon Phi, a computer of its own that no model runs on.
    cards = [
        card
        for card in oracle(name).get("pci", {}).get("accelerators", [])
        if card["vendor"] in ("0x10de", "0x1002", "0x8086") and card["cls"].startswith("0x03")
    ]
    root = Root(tree(name))
    gpus, _drivers = read_gpus(root, None)
    found = {gpu["pci_bus_id"]: (gpu["numa_node"], gpu["cpus"]) for gpu in gpus}
    assert found == {
        card["bdf"]: (card["numa_node"] if card["numa_node"] >= 0 else None, card["local_cpulist"]) for card in cards
    }
    assert all(re.search("an? (NVIDIA|AMD) GPU", problem) for problem in root.problems)
