# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs from files, and every captured GPU against its oracle."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_proc
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia import architecture_of
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import MIB
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_xml import parse_xml
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import sysfs_address
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import (
    ABSENT,
    CapturedSmi,
    FakeNvml,
    cases,
    dump,
    facts,
    nvml_runner,
    pci_card,
)
from ansible_collections.inference.ollama.tests.unit.support.trees import plant, unpack

INFORMATION = "/proc/driver/nvidia/gpus/0000:82:00.0/information"
PROC_535 = {
    "/proc/driver/nvidia/version": (
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023\n"
        "GCC version:  gcc version 12.2.0"
    ),
    INFORMATION: (
        "Model: \t\t Tesla P40\nIRQ:   \t\t 41\nGPU UUID: \t GPU-????????-????-????-????-????????????\n"
        "Bus Location: \t 0000:82:00.0"
    ),
}


def test_files_alone(tmp_path):
    """Files give name, driver and node, say what they lack, and number only the driver's cards."""
    cards = {
        **pci_card("0000:03:00.0", "0x10de", numa_node="0"),
        **pci_card("0000:82:00.0", "0x10de", numa_node="1"),
    }
    root = Root(plant(tmp_path, {**cards, **PROC_535}))
    gpus, drivers = read_gpus(root, None)
    assert [(gpu["index"], gpu["name"], gpu["uuid"], gpu["numa_node"]) for gpu in gpus] == [
        (None, None, None, 0),
        (0, "Tesla P40", None, 1),
    ]
    assert drivers["nvidia"] == {"driver": "535.54.03", "cuda": None, "error": None}
    assert any(line.startswith("NVIDIA GPUs were read from sysfs and") for line in root.problems)


def test_driver_version_of_module(tmp_path):
    """Where /proc has no version, that of the loaded module stands in."""
    root = Root(plant(tmp_path, {"/sys/module/nvidia/version": "550.1"}))
    assert nvidia_proc.read_driver(root) == "550.1"


def test_what_files_do_not_say_is_named(tmp_path):
    """A name that no card has, and a version without a number, are unknown, and a problem each."""
    said = {INFORMATION: "Model: \t\t \x07\nGPU UUID: \t card 1"}
    version = {"/proc/driver/nvidia/version": "NVRM version: none"}
    root = Root(plant(tmp_path, {**pci_card("0000:82:00.0", "0x10de"), **said, **version}))
    gpus, drivers = read_gpus(root, None)
    assert (gpus[0]["name"], gpus[0]["uuid"], drivers["nvidia"]) == (None, None, None)
    said = [line.partition(": ")[2] for line in root.problems if line.startswith("/proc/driver/nvidia/")]
    assert sorted(line.partition(", ")[0] for line in said) == [
        "read 'NVRM version: none'",
        "read '\\x07' as Model",
        "read 'card 1' as GPU UUID",
    ]


@pytest.mark.parametrize(
    ("capability", "name"),
    [
        ("5.2", "Maxwell"),
        ("6.1", "Pascal"),
        ("7.0", "Volta"),
        ("7.2", "Volta"),
        ("7.5", "Turing"),
        ("8.0", "Ampere"),
        ("8.7", "Ampere"),
        ("8.9", "Ada"),
        ("9.0", "Hopper"),
        ("10.0", "Blackwell"),
        ("12.1", "Blackwell"),
        ("99.0", None),
    ],
)
def test_architecture(capability, name):
    """A compute capability has the architecture of NVIDIA's table, one of the future none."""
    assert architecture_of(capability) == name


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("00000000:3B:00.0", "0000:3b:00.0"),
        ("0000000F:01:00.0", "000f:01:00.0"),
        ("00010000:E1:00.0", "10000:e1:00.0"),
        ("[N/A]", None),
        (None, None),
    ],
)
def test_address(printed, expected):
    """NVML's bus id becomes the name of the sysfs directory."""
    assert sysfs_address(printed) == expected


@pytest.mark.parametrize("archive", cases("topologies/gpu/nvxml__*.tar.xz"))
def test_xml_dumps(archive):
    """A captured -q -x gives what the oracle read from it."""
    gpus, drivers, problems = parse_xml(dump(archive))
    expected = facts(archive)
    assert problems == []
    assert len(gpus) == len(expected)
    for gpu, want in zip(gpus, expected):
        assert (gpu["index"], gpu["name"], gpu["uuid"]) == (want["index"], want["name"], want["uuid"])
        assert (gpu["pci_bus_id"], gpu["memory_bytes"]) == (want["pci_sysfs"], want["vram_mib"] * MIB)
        assert drivers == {"driver": want["driver"], "cuda": want["cuda"]}
        assert gpu["architecture"] == want["architecture"]
        assert want["architecture"] in (None, architecture_of(want["compute_capability_public"]))
        assert (gpu["mig"] or {}).get("enabled", None) == (want["mig_mode"] and want["mig_mode"] == "Enabled")
        sizes = [instance["memory_bytes"] for instance in (gpu["mig"] or {"instances": []})["instances"]]
        assert sizes == [device["vram_mib"] * MIB for device in want.get("mig_devices", [])]


def section(text, title):
    """The part of a capture under a title such as ``list (-L)``."""
    return re.search(rf"# \w+ :: {re.escape(title)}[^\n]*\n# \$[^\n]*\n#+\n(.*?)\n\n\n", text + "\n\n\n", re.DOTALL)[1]


@pytest.mark.parametrize("archive", cases("topologies/gpu/nvcsv__*.tar.xz"))
def test_csv_dumps(archive, tmp_path):
    """A captured nvidia-smi gives what the oracle read from it."""
    text = dump(archive)
    run = CapturedSmi(
        section(text, "query-gpu (csv"),
        {
            "nvml": ABSENT,
            "nvidia-smi -L": section(text, "list (-L)"),
            "nvidia-smi topo -m": section(text, "topo -m"),
        },
    )
    gpus, drivers = read_gpus(Root(plant(tmp_path, {"/dev/nvidiactl": ""})), run)
    expected = facts(archive)
    assert len(gpus) == len(expected)
    for gpu, want in zip(gpus, expected):
        assert (gpu["index"], gpu["name"], gpu["uuid"]) == (want["index"], want["name"], want["uuid"])
        assert (gpu["pci_bus_id"], gpu["memory_bytes"]) == (want["pci_sysfs"], want["vram_mib"] * MIB)
        assert gpu["compute_capability"] == want["compute_capability"]
        assert drivers["nvidia"]["driver"] == want["driver"]
        assert (gpu["mig"] or {}).get("enabled", None) == (want["mig_mode"] and want["mig_mode"] == "Enabled")
        names = [(instance["name"], instance["uuid"]) for instance in (gpu["mig"] or {"instances": []})["instances"]]
        assert names == [(device["profile"], device["uuid"]) for device in want.get("mig_devices", [])]


@pytest.fixture
def h200(request):
    """The same host through NVML, through nvidia-smi and as files."""
    folder = request.param
    text = (folder / "text.txt").read_text()
    tree = unpack(f"h200/{folder.name}/tree.tar.xz")
    affinity = re.findall(r"^GPU\d+\t.*?\t([0-9]\S*)\t", text, re.MULTILINE)
    nvml = FakeNvml(json.loads((folder / "nvml.json").read_text()), affinity)
    table = re.search(r"^index, name.*?(?=^Architecture)", text, re.MULTILINE | re.DOTALL)[0]
    topo = re.search(r"^\t[^\n]*CPU Affinity.*?^Legend", text, re.MULTILINE | re.DOTALL)[0]
    xml = (folder / "nvidia-smi-q.xml").read_text()
    captured = CapturedSmi(table, {"nvml": ABSENT, "nvidia-smi topo -m": topo, "nvidia-smi -q -x": xml})
    return SimpleNamespace(tree=tree, nvml=nvml_runner(nvml), smi=captured)


H200 = pytest.mark.parametrize("h200", cases("h200/x*"), indirect=True)


@H200
def test_h200_sources_agree(h200):
    """NVML and nvidia-smi give the same GPUs and drivers, but for the bytes below a MiB."""
    one, other = Root(h200.tree), Root(h200.tree)
    gpus, drivers = read_gpus(one, h200.nvml)
    others, other_drivers = read_gpus(other, h200.smi)
    for gpu in gpus:
        gpu["free_bytes"] = round(gpu["free_bytes"] / MIB) * MIB
    assert gpus == others
    assert drivers == other_drivers == {"nvidia": {"driver": "580.159.04", "cuda": "13.0", "error": None}, "amd": None}
    assert one.problems == other.problems == []


@H200
def test_h200_facts(h200):
    """An H200 is a Hopper of 143771 MiB on no NUMA node, and two are joined by 18 NVLinks."""
    gpus, _drivers = read_gpus(Root(h200.tree), h200.nvml)
    for gpu in gpus:
        assert gpu["memory_bytes"] == 143771 * MIB
        assert (gpu["compute_capability"], gpu["architecture"], gpu["integrated"]) == ("9.0", "Hopper", False)
        assert (gpu["numa_node"], gpu["cpus"]) == (None, f"0-{16 * len(gpus) - 1}")
        assert gpu["mig"] == {"enabled": False, "instances": []}
        assert gpu["links"] == [{"to": 1 - gpu["index"], "kind": "NV18"}] * (len(gpus) - 1)


@H200
def test_h200_tree_is_the_subset(h200):
    """The tree alone gives what files have, the same as NVML gives, and None for the rest."""
    gpus, drivers = read_gpus(Root(h200.tree), None)
    others, _drivers = read_gpus(Root(h200.tree), h200.nvml)
    assert drivers["nvidia"] == {"driver": "580.159.04", "cuda": None, "error": None}
    for gpu, other in zip(gpus, others):
        for key in ("index", "name", "pci_bus_id", "numa_node", "cpus"):
            assert gpu[key] == other[key]
        for key in ("memory_bytes", "compute_capability", "architecture", "mig", "display_active"):
            assert gpu[key] is None
