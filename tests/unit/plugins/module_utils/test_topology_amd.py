# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AMD GPUs from KFD, sysfs and rocm-smi."""

from __future__ import annotations

import errno
import json
import os

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.amd_kfd import (
    architecture_of,
    gfx_name,
    read_kfd,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.amd_smi import parse_rocm
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import KFD
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import (
    FakeRunner,
    cases,
    dump,
    facts,
    pci_card,
)
from ansible_collections.inference.ollama.tests.unit.support.tooled import GIB, ROCM
from ansible_collections.inference.ollama.tests.unit.support.trees import needs_captures, oracle, plant, tree

# With a warning before the JSON.
ROCM_61 = "WARNING: AMD GPU device(s) is/are in a low-power state.\n" + json.dumps(ROCM)


def kfd_node(number, banks=None, links=None, **properties):
    """The files of one KFD node: memory banks as (heap type, bytes), links as (type, to)."""
    base = f"{KFD}/{number}"
    defaults = {
        "cpu_cores_count": 0,
        "simd_count": 192,
        "location_id": 0x0300,
        "domain": 0,
        "unique_id": 0x1234ABCD,
    }
    files = {f"{base}/properties": "\n".join(f"{name} {value}" for name, value in {**defaults, **properties}.items())}
    for i, (heap, size) in enumerate(banks or []):
        files[f"{base}/mem_banks/{i}/properties"] = f"heap_type {heap}\nsize_in_bytes {size}"
    for i, (kind, to) in enumerate(links or []):
        files[f"{base}/io_links/{i}/properties"] = f"type {kind}\nnode_from {number}\nnode_to {to}"
    return files


CPU_NODE = kfd_node(0, banks=[(0, 64 * GIB)], cpu_cores_count=16, simd_count=0, unique_id=0)
XTX = {
    **CPU_NODE,
    **kfd_node(1, banks=[(1, 24 * GIB)], links=[(2, 0)], gfx_target_version=110000),
    f"{KFD}/1/name": "ip discovery",
    **pci_card(
        "0000:03:00.0",
        "0x1002",
        numa_node="0",
        local_cpulist="0-15",
        mem_info_vram_total=str(24 * GIB),
        mem_info_vram_used=str(2 * GIB),
    ),
}


@pytest.fixture
def rocm(monkeypatch):
    """A host that has rocm-smi; the function makes a runner of what it prints."""
    monkeypatch.setattr(Root, "program", lambda _root, name: f"/opt/rocm/bin/{name}")
    return lambda output: FakeRunner({"rocm-smi": output})


def test_kfd_gives_every_key(tmp_path):
    """KFD and sysfs together fill an entry; the driver is named though its version is in no file."""
    root = Root(plant(tmp_path, XTX))
    gpus, drivers = read_gpus(root, None)
    assert gpus == [
        gpu_entry(
            "amd",
            index=0,
            uuid="GPU-000000001234abcd",
            pci_bus_id="0000:03:00.0",
            answers=True,
            memory_bytes=24 * GIB,
            shared_bytes=0,
            free_bytes=22 * GIB,
            gfx_target="gfx1100",
            architecture="RDNA3",
            numa_node=0,
            cpus="0-15",
            integrated=False,
            links=[],
        )
    ]
    assert drivers == {"nvidia": None, "amd": {"driver": None, "error": None}}
    assert root.problems == []


def test_rocm_smi_fills_the_gaps(tmp_path, rocm):
    """Facts that only rocm-smi has are added, and those of KFD stay."""
    gpus, drivers = read_gpus(Root(plant(tmp_path, XTX)), rocm(ROCM_61))
    assert (gpus[0]["name"], gpus[0]["free_bytes"]) == ("Radeon RX 7900 XTX", 22 * GIB)
    assert drivers["amd"] == {"driver": "6.8.0-40-generic", "error": None}


def test_rocm_smi_without_kfd(tmp_path, rocm):
    """A card that KFD does not list has no index, and from rocm-smi its memory and target."""
    card = pci_card("0000:03:00.0", "0x1002", uevent="DRIVER=amdgpu")
    gpus, drivers = read_gpus(Root(plant(tmp_path, card)), rocm(ROCM_61))
    assert (gpus[0]["index"], gpus[0]["memory_bytes"], gpus[0]["free_bytes"]) == (None, 24 * GIB, 23 * GIB)
    assert (gpus[0]["gfx_target"], gpus[0]["architecture"]) == ("gfx1100", "RDNA3")
    assert drivers["amd"] == {"driver": "6.8.0-40-generic", "error": None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0x1234abcd", "1234"),
        ("0000:03:00.0", "03:00"),
        ("gfx1100", "1100"),
        (str(24 * GIB), "24G"),
        ("Radeon", "\u0001"),
    ],
)
def test_a_damaged_value_of_rocm_smi_costs_its_answer(old, new):
    """What cannot be such a value may be any value."""
    with pytest.raises(ValueError, match="read"):
        parse_rocm(ROCM_61.replace(old, json.dumps(new)[1:-1]))


def test_rocm_smi_knows_another_card(tmp_path, rocm):
    """Nothing of a card on another address, or on none, is put into an entry."""
    for values in ({"PCI Bus": "0000:99:00.0", "Card Series": "X"}, {"Card Series": "X"}):
        gpus = read_gpus(Root(plant(tmp_path, XTX)), rocm(json.dumps({"card0": values})))[0]
        assert [gpu["name"] for gpu in gpus] == [None]


def test_a_bank_without_a_size_leaves_the_memory_unknown(tmp_path):
    """The sum of the others would be another number."""
    files = {**XTX, f"{KFD}/1/mem_banks/1/properties": "heap_type 1"}
    root = Root(plant(tmp_path, files))
    assert read_gpus(root, None)[0][0]["memory_bytes"] is None
    assert [problem.split(":")[0] for problem in root.problems] == [f"{KFD}/1/mem_banks/*/properties"]


def test_a_link_to_nowhere_leaves_the_links_unknown(tmp_path):
    """And a node without a location has no address."""
    files = {**kfd_node(1), f"{KFD}/1/io_links/0/properties": "type 2"}
    files[f"{KFD}/1/properties"] = files[f"{KFD}/1/properties"].replace("location_id 768\n", "")
    root = Root(plant(tmp_path, files))
    (gpu,) = read_kfd(root)
    assert (gpu["pci_bus_id"], gpu["links"]) == (None, None)
    assert [problem.split(":")[0] for problem in root.problems] == [
        f"{KFD}/1/properties",
        f"{KFD}/1/mem_banks",
        f"{KFD}/1/io_links/*/properties",
    ]


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (Outcome(None, "rocm-smi did not answer within 10 s and was stopped"), "rocm-smi did not answer"),
        ("ERROR: no GPU", "rocm-smi: read 'ERROR: no GPU', expected one JSON object"),
        ('{"card0": ', "rocm-smi: Expecting value"),
        ('{"card0": 1}', "rocm-smi: read '{\"card0\": 1}', expected one object a card"),
    ],
)
def test_rocm_smi_fails(tmp_path, rocm, output, problem):
    """A rocm-smi that fails is a problem and costs nothing that KFD knows."""
    root = Root(plant(tmp_path, {**XTX, "/sys/module/amdgpu/version": "6.10.5"}))
    gpus, drivers = read_gpus(root, rocm(output))
    assert gpus[0]["memory_bytes"] == 24 * GIB
    assert drivers["amd"] == {"driver": "6.10.5", "error": None}
    assert len(root.problems) == 1
    assert root.problems[0].startswith(problem)


def test_card_without_compute_driver(tmp_path):
    """An old Radeon that KFD does not know is listed with its memory, and no compute driver is claimed."""
    card = pci_card(
        "0000:0a:00.0",
        "0x1002",
        uevent="DRIVER=radeon",
        product_name="Radeon HD 6670",
        mem_info_vram_total="1024",
        mem_info_vram_used="24",
    )
    root = Root(plant(tmp_path, card))
    gpus, drivers = read_gpus(root, None)
    assert root.problems == [
        "0000:0a:00.0: an AMD GPU, bound to the driver radeon, that the compute driver (KFD) does not list"
    ]
    assert gpus == [
        gpu_entry(
            "amd",
            name="Radeon HD 6670",
            pci_bus_id="0000:0a:00.0",
            driver="radeon",
            answers=False,
            memory_bytes=1024,
            free_bytes=1000,
            links=[],
        )
    ]
    assert drivers["amd"] is None


APU = {
    **CPU_NODE,
    **kfd_node(1, banks=[(1, 60 * GIB)], gfx_target_version=110501, location_id=0xC500, unique_id=0),
    **pci_card(
        "0000:c5:00.0",
        "0x1002",
        mem_info_vram_total=str(GIB // 2),
        mem_info_vram_used="0",
        mem_info_gtt_total=str(60 * GIB),
        mem_info_gtt_used=str(GIB),
    ),
}


def test_apu_counts_what_it_may_map(tmp_path):
    """The memory of an APU is the host memory that it may map, and free is what is free of that."""
    gpu = read_gpus(Root(plant(tmp_path, APU)), None)[0][0]
    assert (gpu["integrated"], gpu["memory_bytes"], gpu["free_bytes"]) == (True, 60 * GIB, 59 * GIB)
    assert gpu["uuid"] is None


def test_apu_keeps_kfd_memory_over_the_carve_out(tmp_path, rocm):
    """rocm-smi's VRAM of an APU, which is the carve-out, mixes with no number of KFD's."""
    output = json.dumps(
        {
            "card0": {
                "PCI Bus": "0000:c5:00.0",
                "VRAM Total Memory (B)": "9",
                "VRAM Total Used Memory (B)": "1",
            }
        }
    )
    files = {path: text for path, text in APU.items() if "mem_info" not in path}
    gpu = read_gpus(Root(plant(tmp_path, files)), rocm(output))[0][0]
    assert (gpu["memory_bytes"], gpu["free_bytes"]) == (60 * GIB, None)


@pytest.mark.parametrize("properties", [{"cpu_cores_count": 24, "gfx_target_version": 90402}, {}])
def test_apu_of_other_kinds(tmp_path, properties):
    """A node with CPUs of its own is integrated, and so is one whose bank is the GTT."""
    files = {**APU, **kfd_node(1, banks=[(1, 60 * GIB)], location_id=0xC500, **properties)}
    assert read_gpus(Root(plant(tmp_path, files)), None)[0][0]["integrated"] is True


def memory(vram, gtt):
    """The pools of amdgpu in GiB, None for one that it does not show."""
    known = {"mem_info_vram_total": vram, "mem_info_gtt_total": gtt}
    return {name: str(int(size * GIB)) for name, size in known.items() if size is not None}


@pytest.mark.parametrize(
    ("node", "pools", "integrated", "shared"),
    [
        # Strix Halo: the kernel offers GTT where that is larger than the carve-out, whatever limits GTT.
        ((110501, 0, 96), (0.5, 96), True, 96),
        ((110501, 0, 60), (0.5, 62), True, 60),
        # 96 GiB set aside by firmware.
        ((110501, 0, 96), (96, 16), True, 0),
        ((110501, 0, 16), (16, 16), True, 0),
        # 780M before Linux 6.10, and after.
        ((110003, 0, 4), (4, 14), True, 0),
        ((110003, 0, 14), (4, 14), True, 14),
        # Steam Deck, BC-250, Raphael, Krackan.
        ((100303, 0, 1), (1, 7.5), True, 0),
        ((100303, 0, 7.5), (1, 7.5), True, 7.5),
        ((100103, 0, 12), (12, 7.5), True, 0),
        ((100306, 0, 15), (0.5, 15), True, 15),
        ((110502, 0, 15), (0.5, 15), True, 15),
        # Nothing tells the pools apart.
        ((110501, 0, 60), (None, None), True, None),
        # An APU newer than the table is known by its pool.
        ((999999, 0, 60), (0.5, 60), True, 60),
        # Old kernels have one node for both.
        ((90002, 8, 2), (2, 3), True, 0),
        # MI300A has one memory.
        ((90402, 24, 128), (128, 64), True, 128),
        ((90402, 24, 128), (0, 128), True, 128),
        # A card, whose GTT may have the size of its VRAM; MI300X.
        ((110000, 0, 24), (24, 24), False, 0),
        ((110000, 0, 24), (24, 62), False, 0),
        ((90402, 0, 192), (192, 1000), False, 0),
    ],
)
def test_the_part_of_its_memory_that_is_the_hosts(tmp_path, node, pools, integrated, shared):
    """Firmware's part and a card's own memory are not in MemTotal, host memory that a GPU maps is."""
    target, cpus, bank = node
    files = {
        **CPU_NODE,
        **kfd_node(1, banks=[(1, int(bank * GIB))], gfx_target_version=target, cpu_cores_count=cpus),
        **pci_card("0000:03:00.0", "0x1002", **memory(*pools)),
    }
    gpu = read_gpus(Root(plant(tmp_path, files)), None)[0][0]
    assert (gpu["integrated"], gpu["memory_bytes"]) == (integrated, int(bank * GIB))
    assert gpu["shared_bytes"] == (None if shared is None else int(shared * GIB))


@pytest.mark.parametrize(
    ("files", "answers", "missing"),
    [
        ({}, False, "/dev/kfd"),
        ({"/dev/kfd": ""}, False, "/dev/dri/renderD128"),
        ({"/dev/dri/renderD128": ""}, False, "/dev/kfd"),
        ({"/dev/kfd": "", "/dev/dri/renderD129": ""}, False, "/dev/dri/renderD128"),
        ({"/dev/kfd": "", "/dev/dri/renderD128": ""}, True, None),
    ],
)
def test_a_container_without_a_cards_devices_has_not_the_card(tmp_path, files, answers, missing):
    """sysfs shows a container the cards of its host; what it was not given does not answer."""
    inside = {"/run/host/container-manager": "lxc", "/sys/bus/pci/devices/0000:03:00.0/drm/renderD128/dev": "226:128"}
    root = Root(plant(tmp_path, {**XTX, **inside, **files}))
    assert [gpu["answers"] for gpu in read_gpus(root, FakeRunner({}))[0]] == [answers]
    expected = f"0000:03:00.0: an AMD GPU that this container has no device of, expected {missing}"
    assert root.problems == ([expected] if missing else [])


@pytest.mark.parametrize(
    ("error", "answers"), [(errno.EIO, None), (errno.EACCES, None), (errno.EPERM, False), (errno.ENOENT, False)]
)
def test_a_list_that_cannot_be_read_leaves_the_cards_unknown(tmp_path, monkeypatch, error, answers):
    """A driver whose list fails has its reason; a node that a container may not read, or none, is no failure."""
    root = Root(plant(tmp_path, {**XTX, "/sys/bus/pci/devices/0000:03:00.0/uevent": "DRIVER=amdgpu"}))
    whole = Root._bytes

    def read(self, path):
        if path == f"{KFD}/1/properties":
            raise OSError(error, os.strerror(error))
        return whole(self, path)

    monkeypatch.setattr(Root, "_bytes", read)
    gpus, drivers = read_gpus(root, None)
    assert [gpu["answers"] for gpu in gpus] == [answers]
    reason = f"{KFD}/1/properties: cannot be read ({os.strerror(error)})"
    assert drivers["amd"] == {"driver": None, "error": reason if answers is None else None}


def test_partitions_share_a_board(tmp_path):
    """Two partitions have the address and the UUID of their board, and their own share of its memory."""
    files = {
        **kfd_node(1, banks=[(1, 10), (2, 5), (4, 1)], links=[(11, 2), (11, 1), (7, 2)], gfx_target_version=90402),
        **kfd_node(2, banks=[(1, 15)], links=[(11, 1)], location_id=0x0301, gfx_target_version=90402),
        **pci_card(
            "0000:03:00.0",
            "0x1002",
            **{"class": "0x120000"},
            mem_info_vram_total="15",
            mem_info_vram_used="1",
        ),
    }
    gpus = read_gpus(Root(plant(tmp_path, files)), None)[0]
    assert [(gpu["pci_bus_id"], gpu["memory_bytes"], gpu["free_bytes"]) for gpu in gpus] == [
        ("0000:03:00.0", 15, None),
        ("0000:03:00.0", 15, None),
    ]
    assert gpus[0]["uuid"] == gpus[1]["uuid"]
    assert [gpu["links"] for gpu in gpus] == [[{"to": 1, "kind": "XGMI"}], [{"to": 0, "kind": "XGMI"}]]


def test_damaged_properties(tmp_path):
    """A line that is no name and number is a problem that quotes it, and the rest is read."""
    files = kfd_node(1)
    files[f"{KFD}/1/properties"] += "\ngfx_target_version eleven"
    root = Root(plant(tmp_path, files))
    assert [(gpu["gfx_target"], gpu["memory_bytes"]) for gpu in read_kfd(root)] == [(None, None)]
    assert root.problems[0] == (
        f"{KFD}/1/properties: read 'gfx_target_version eleven', expected a name and a whole number"
    )


@pytest.mark.parametrize("name", ["²", "٣", "99999999999999999999", "-1", "1_0", "01", "x" * 255])
def test_a_node_that_is_named_by_no_number_is_left_out_and_named(tmp_path, name):
    """What int() refuses, and what it would take for another node, stops nothing and changes no other node."""
    root = Root(plant(tmp_path, {**kfd_node(1), f"{KFD}/{name}/properties": "simd_count 4"}))
    assert len(read_kfd(root)) == 1
    assert any("expected a node's number such as 0" in problem for problem in root.problems)
    assert max(map(len, root.problems)) < 250


@pytest.mark.parametrize("text", ["", "\0", "cpu_cores_count 0"])
def test_properties_that_do_not_say_what_a_node_is_are_named(tmp_path, text):
    """An empty or cut file is no node of CPUs: whether there is a GPU is unknown, and the problem names the file."""
    root = Root(plant(tmp_path, {f"{KFD}/0/properties": "simd_count 0", f"{KFD}/1/properties": text}))
    assert read_kfd(root) == []
    assert [problem.split(":")[0] for problem in root.problems] == [f"{KFD}/1/properties"]


@pytest.mark.parametrize("there", [0, 1])
def test_banks_that_are_missing_leave_the_memory_unknown(tmp_path, there):
    """A sum without one of the banks that the node counts would be another number."""
    files = kfd_node(1)
    files[f"{KFD}/1/properties"] += "\nmem_banks_count 2"
    banks = {f"{KFD}/1/mem_banks/{bank}/properties": "heap_type 1\nsize_in_bytes 4096" for bank in range(there)}
    root = Root(plant(tmp_path, {**files, **banks}))
    assert [gpu["memory_bytes"] for gpu in read_kfd(root)] == [None]
    assert [problem.split(":")[0] for problem in root.problems] == [f"{KFD}/1/mem_banks"]


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (0, None),
        (80003, "gfx803"),
        (90010, "gfx90a"),
        (90402, "gfx942"),
        (100306, "gfx1036"),
        (110501, "gfx1151"),
    ],
)
def test_gfx_name(version, name):
    """Minor version and stepping are hexadecimal digits of the name."""
    assert gfx_name(version) == name


@pytest.mark.parametrize(
    ("gfx", "name"),
    [
        ("gfx906", "Vega"),
        ("gfx908", "CDNA"),
        ("gfx90a", "CDNA2"),
        ("gfx1201", "RDNA4"),
        ("gfx803", None),
        (None, None),
    ],
)
def test_architecture(gfx, name):
    """A target has the architecture of AMD's tables, an unknown one none."""
    assert architecture_of(gfx) == name


@needs_captures
@pytest.mark.parametrize("name", ["own__kfd-strixhalo", "kfd__vega10-mi25-2gpu", "kfd__mi308"])
def test_kfd_trees(name):
    """A captured KFD gives the oracle's GPUs: order, target, address of the board, UUID and memory."""
    expected = oracle(name)
    root = Root(tree(name))
    gpus = read_gpus(root, None)[0]
    assert root.problems == []
    assert len(gpus) == expected["gpu_nodes"]
    for index, (gpu, want) in enumerate(zip(gpus, expected["gpus"])):
        assert gpu["index"] == index
        assert (gpu["gfx_target"], gpu["memory_bytes"]) == (want["gfx"], want["vram_bytes"])
        assert gpu["pci_bus_id"] == want["bdf_physical"]
        assert gpu["uuid"] == (f"GPU-{want['unique_id']:016x}" if want["unique_id"] else None)
    assert len({gpu["uuid"] for gpu in gpus}) == expected["physical_gpus"]


@needs_captures
@pytest.mark.parametrize(("name", "integrated"), [("own__kfd-strixhalo", True), ("kfd__mi308", False)])
def test_kfd_trees_integrated(name, integrated):
    """An APU is known by its target: like an MI308 it has no local_mem_size and all of its memory in a bank."""
    assert {gpu["integrated"] for gpu in read_kfd(Root(tree(name)))} == {integrated}


@pytest.mark.parametrize("archive", cases("topologies/gpu/rocmsmi__*.tar.xz"))
def test_rocm_dumps(archive):
    """A captured rocm-smi gives what the oracle read from it; VRAM is all of it, not what the host sees."""
    cards, version = parse_rocm(dump(archive))
    expected = facts(archive)
    assert len(cards) == len(expected)
    for card, want in zip(cards, expected):
        assert (card["name"], card["gfx_target"]) == (want["name"], want["gfx"])
        assert (card["pci_bus_id"], card["memory_bytes"]) == (want["pci_sysfs"], want["vram_bytes"])
        assert card["uuid"] == (want["unique_id"] and f"GPU-{int(want['unique_id'], 16):016x}")
        assert version == want["driver"]
