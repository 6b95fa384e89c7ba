# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs from nvidia-smi, and what is listed where no driver answers."""

from __future__ import annotations

import re

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_smi import (
    FIELDS,
    parse_csv,
    parse_list,
    parse_topology,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import MIB
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_xml import parse_xml
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import (
    ABSENT,
    FakeRunner,
    pci_card,
)
from ansible_collections.inference.ollama.tests.unit.support.tooled import CSV
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

# nvidia-smi 470.57, two Pascal cards in a machine of two sockets, one of them lost; written after its format.
CSV_470_57 = (
    "0, Tesla P40, GPU-0a, 00000000:03:00.0, 22919, 22909, 6.1, 470.57.02, Enabled, Disabled, [N/A]\n"
    "1, Tesla P40, GPU-0b, 00000000:82:00.0, [GPU is lost], [Unknown Error], 6.1, 470.57.02, Disabled, "
    "[Not Supported], [N/A]\n"
)
TOPO_470_57 = (
    "\t\x1b[4mGPU0\tGPU1\tmlx5_0\tCPU Affinity\tNUMA Affinity\x1b[0m\n"
    "GPU0\t X \tSYS\tPHB\t0-13,28-41\t0\n"
    "GPU1\tSYS\t X \tSYS\t14-27,42-55\t1\n"
    "mlx5_0\tPHB\tSYS\t X \t\t\n"
    "\nLegend:\n\n  X    = Self\n"
)
XML_470_57 = (
    '<?xml version="1.0" ?><!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v11.dtd"><nvidia_smi_log>'
    "<driver_version>470.57.02</driver_version><cuda_version>11.4</cuda_version>"
    '<gpu id="00000000:03:00.0"><product_name>Tesla P40</product_name></gpu></nvidia_smi_log>'
)
# nvidia-smi 535.54 -L with MIG on.
LIST_535_54 = (
    "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-00)\n"
    "GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-01)\n"
    "  MIG 3g.40gb     Device  0: (UUID: MIG-10)\n"
    "  MIG 1g.10gb+me  Device  1: (UUID: MIG-11)\n"
)
UNKNOWN_FIELD = Outcome(
    None,
    'nvidia-smi --query-gpu=… failed with exit status 2 and said: Field "compute_cap" is not a valid field to query.',
)
PROVIDER = {"/sys/bus/pci/devices/0000:03:00.0/uevent": "DRIVER=nvidia"}
HUNG = Outcome(None, "nvidia-smi did not answer within 10 s and was stopped")


def p40(root):
    """Two P40s on PCI, the first on node 0."""
    return plant(
        root,
        {
            **pci_card("0000:03:00.0", "0x10de", numa_node="0", local_cpulist="0-13,28-41"),
            **pci_card("0000:82:00.0", "0x10de", numa_node="1", local_cpulist="14-27,42-55"),
        },
    )


def smi(**answers):
    """nvidia-smi 470.57 on a host without nvidia-ml-py."""
    return FakeRunner(
        {
            "nvml": ABSENT,
            "nvidia-smi --query-gpu": CSV_470_57,
            "nvidia-smi -q -x": XML_470_57,
            "nvidia-smi topo -m": TOPO_470_57,
            **answers,
        }
    )


def test_smi_gives_every_key(tmp_path):
    """What nvidia-smi and sysfs say together fills an entry, sizes in bytes and the address as in sysfs."""
    gpus, drivers = read_gpus(Root(p40(tmp_path)), smi())
    assert gpus[0] == gpu_entry(
        "nvidia",
        index=0,
        name="Tesla P40",
        uuid="GPU-0a",
        pci_bus_id="0000:03:00.0",
        answers=True,
        memory_bytes=22919 * MIB,
        shared_bytes=0,
        free_bytes=22909 * MIB,
        compute_capability="6.1",
        architecture="Pascal",
        numa_node=0,
        cpus="0-13,28-41",
        display_active=False,
        integrated=False,
        links=[{"to": 1, "kind": "SYS"}],
        persistence_mode=True,
    )
    assert drivers == {"nvidia": {"driver": "470.57.02", "cuda": "11.4", "error": None}, "amd": None}


def test_smi_errors_in_cells(tmp_path):
    """A value that reports an error is None and a problem; one that does not exist is None and none."""
    root = Root(p40(tmp_path))
    gpu = read_gpus(root, smi())[0][1]
    assert (gpu["memory_bytes"], gpu["free_bytes"], gpu["display_active"], gpu["mig"]) == (None,) * 4
    assert gpu["answers"] is False
    assert root.problems == [
        "nvidia-smi: GPU 1 memory.total reads '[GPU is lost]'",
        "nvidia-smi: GPU 1 memory.free reads '[Unknown Error]'",
        "0000:82:00.0: an NVIDIA GPU, bound to no driver, for which the NVIDIA driver does not answer",
    ]


def test_smi_without_compute_cap(tmp_path):
    """An old driver is asked again without the field it does not know, which is None and a problem."""
    rest = ",".join(field for field in FIELDS if field != "compute_cap")
    without = re.sub(r", 6\.1", "", CSV_470_57)
    run = smi(**{"nvidia-smi --query-gpu": UNKNOWN_FIELD, f"nvidia-smi --query-gpu={rest} ": without})
    root = Root(p40(tmp_path))
    gpu = read_gpus(root, run)[0][0]
    assert (gpu["name"], gpu["compute_capability"], gpu["memory_bytes"]) == ("Tesla P40", None, 22919 * MIB)
    assert "nvidia-smi: this driver (470.57.02) cannot be asked for compute_cap" in root.problems


@pytest.mark.parametrize("key", ["nvidia-smi -q -x", "nvidia-smi topo -m"])
def test_smi_second_question_fails(tmp_path, key):
    """A later question that fails costs its own values only."""
    root = Root(p40(tmp_path))
    gpus, _drivers = read_gpus(root, smi(**{key: HUNG}))
    assert gpus[0]["memory_bytes"] == 22919 * MIB
    assert gpus[0]["cpus"] == "0-13,28-41"
    assert HUNG.problem in root.problems


def test_hung_driver(tmp_path):
    """A driver that answers nobody leaves the cards listed, with a problem for each source and each card."""
    run = FakeRunner({"nvml": HUNG, "nvidia-smi": HUNG})
    root = Root(p40(tmp_path))
    gpus, drivers = read_gpus(root, run)
    assert gpus[1] == gpu_entry("nvidia", pci_bus_id="0000:82:00.0", numa_node=1, cpus="14-27,42-55")
    assert drivers["nvidia"] == {"driver": None, "cuda": None, "error": HUNG.problem}
    assert run.calls[0] == "nvml"
    assert len(run.calls) == 2
    assert root.problems == [
        f"NVML: {HUNG.problem}",
        HUNG.problem,
        "0000:03:00.0: an NVIDIA GPU, bound to no driver, for which the NVIDIA driver does not answer",
        "0000:82:00.0: an NVIDIA GPU, bound to no driver, for which the NVIDIA driver does not answer",
    ]


def test_card_of_another_driver(tmp_path):
    """A card that nvidia-smi does not know is listed behind those it knows, with its driver in the problem."""
    path = p40(tmp_path)
    plant(tmp_path, pci_card("0000:b3:00.0", "0x10de", uevent="DRIVER=vfio-pci"))
    root = Root(path)
    gpus, _drivers = read_gpus(root, smi())
    assert [gpu["index"] for gpu in gpus] == [0, 1, None]
    assert any("0000:b3:00.0: an NVIDIA GPU, bound to the driver vfio-pci" in line for line in root.problems)


def test_host_without_gpu(tmp_path):
    """A host without a GPU has no GPU, no driver and no problem, and no program is run there."""
    root = Root(str(tmp_path))
    run = smi()
    assert read_gpus(root, run) == ([], {"nvidia": None, "amd": None})
    assert root.problems == []
    assert run.calls == []


def test_a_driver_left_behind_is_no_problem(tmp_path):
    """A driver's device without a card is nothing to complain of where nvidia-smi fails."""
    root = Root(plant(tmp_path, {"/dev/nvidiactl": ""}))
    run = FakeRunner({"nvidia-smi": Outcome(None, "nvidia-smi failed with exit status 9 and said: no driver")})
    assert read_gpus(root, run) == ([], {"nvidia": None, "amd": None})
    assert root.problems == []


@pytest.mark.parametrize("device", ["/dev/dxg", "/dev/nvhost-gpu", "/dev/nvgpu/igpu0/ctrl", "/dev/nvidiactl"])
def test_gpu_on_no_bus(tmp_path, device):
    """A GPU that is on no PCI bus (WSL2, Tegra) is listed when its driver answers."""
    gpus, _drivers = read_gpus(Root(plant(tmp_path, {device: ""})), smi())
    assert [(gpu["index"], gpu["numa_node"], gpu["cpus"]) for gpu in gpus] == [
        (0, None, "0-13,28-41"),
        (1, None, "14-27,42-55"),
    ]


def test_csv_without_devices():
    """An old nvidia-smi that finds no device ends well and prints a sentence, which is no GPU and no problem."""
    assert parse_csv("No devices were found\n") == ([], None, [])


def test_driver_that_counts_no_gpu(tmp_path):
    """A driver that answers and lists no GPU leaves the cards to the files."""
    root = Root(p40(tmp_path))
    gpus, drivers = read_gpus(root, smi(**{"nvidia-smi --query-gpu": "No devices were found\n"}))
    assert [gpu["index"] for gpu in gpus] == [None, None]
    assert drivers["nvidia"] is None
    assert len(root.problems) == 2


def test_csv_of_another_shape():
    """A line with another number of values is a problem that quotes it."""
    assert parse_csv("0, Tesla P40\n")[2] == ["nvidia-smi: read '0, Tesla P40', expected 11 values"]


def test_csv_words_that_are_no_numbers():
    """Words where numbers, flags, identifiers and addresses belong are None and problems."""
    gpus, _driver, problems = parse_csv("x, P, U, B, many, [Insufficient Permissions], 6.1, 1, Maybe, Disabled, N/A")
    assert (gpus[0]["index"], gpus[0]["memory_bytes"], gpus[0]["persistence_mode"]) == (None, None, None)
    assert (gpus[0]["uuid"], gpus[0]["pci_bus_id"]) == (None, None)
    assert len(problems) == 6


def test_topology_without_affinity():
    """Without CPU affinity in the matrix the CPUs are unknown, and the links are read."""
    text = "\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tNV4\tN/A\nGPU1\tNV4\t X \tN/A\n"
    assert parse_topology(text) == {
        0: (None, [{"to": 1, "kind": "NV4"}]),
        1: (None, [{"to": 0, "kind": "NV4"}]),
    }


def test_list_of_mig_instances():
    """MIG instances are listed under their GPU by profile and UUID."""
    assert parse_list(LIST_535_54) == {
        0: [],
        1: [{"name": "3g.40gb", "uuid": "MIG-10"}, {"name": "1g.10gb+me", "uuid": "MIG-11"}],
    }


def mig_run(listed):
    """An A100 with MIG on, two instances in the XML."""
    row = "1, A100, GPU-01, 00000000:41:00.0, 81920, 80000, 8.0, 535.54.03, Enabled, Disabled, Enabled\n"
    device = "<mig_device><fb_memory_usage><total>{} MiB</total></fb_memory_usage></mig_device>"
    xml = (
        '<nvidia_smi_log><gpu id="00000000:41:00.0"><mig_mode><current_mig>Enabled</current_mig></mig_mode>'
        f"<mig_devices>{device.format(40192)}{device.format(9728)}</mig_devices></gpu></nvidia_smi_log>"
    )
    return FakeRunner(
        {
            "nvml": ABSENT,
            "nvidia-smi --query-gpu": row,
            "nvidia-smi -q -x": xml,
            "nvidia-smi topo -m": "",
            "nvidia-smi -L": listed,
        }
    )


def test_mig_from_smi(tmp_path):
    """A MIG instance has its profile and UUID from the list and its memory from the XML."""
    gpu = read_gpus(Root(plant(tmp_path, {"/dev/nvidiactl": ""})), mig_run(LIST_535_54))[0][0]
    assert gpu["mig"] == {
        "enabled": True,
        "instances": [
            {"name": "3g.40gb", "uuid": "MIG-10", "memory_bytes": 40192 * MIB},
            {"name": "1g.10gb+me", "uuid": "MIG-11", "memory_bytes": 9728 * MIB},
        ],
    }


def test_mig_changed_between_calls(tmp_path):
    """Where the two answers name different numbers of instances, no instance gets a memory that may be another's."""
    gpu = read_gpus(
        Root(plant(tmp_path, {"/dev/nvidiactl": ""})),
        mig_run(LIST_535_54 + "  MIG 1g.10gb  Device  2: (UUID: MIG-12)\n"),
    )[0][0]
    assert [instance["memory_bytes"] for instance in gpu["mig"]["instances"]] == [None, None, None]


def test_mig_list_fails(tmp_path):
    """Without the list the instances keep their memory and have no names."""
    root = Root(plant(tmp_path, {"/dev/nvidiactl": ""}))
    gpu = read_gpus(root, mig_run(HUNG))[0][0]
    assert gpu["mig"]["instances"][1] == {"name": None, "uuid": None, "memory_bytes": 9728 * MIB}
    assert HUNG.problem in root.problems


def test_xml_that_is_none():
    """Text that is not XML is one problem."""
    gpus, drivers, problems = parse_xml("Failed to initialize NVML")
    assert (gpus, drivers) == ([], {"driver": None, "cuda": None})
    assert problems[0].startswith("nvidia-smi -q -x: the XML cannot be read")


def test_card_whose_class_is_damaged(tmp_path):
    """A GPU that the driver names has the driver, the node and the CPUs of its address, whatever its class says."""
    root = Root(plant(p40(tmp_path), {"/sys/bus/pci/devices/0000:03:00.0/class": "0x0", **PROVIDER}))
    gpus, _drivers = read_gpus(root, smi())
    assert [(gpu["driver"], gpu["numa_node"], gpu["index"]) for gpu in gpus] == [("nvidia", 0, 0), (None, 1, 1)]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("SYS", "S?S", "expected a link such as PHB or NV18 from GPU 0 to each of the others"),
        ("SYS\tPHB", "SYS\x01PHB", "expected a link such as PHB or NV18 from GPU 0 to each of the others"),
        (" X \tSYS\tPHB", "SYS\tPHB", "expected a link such as PHB or NV18 from GPU 0 to each of the others"),
        ("GPU1\tSYS", "G\tSYS", "expected a link such as PHB or NV18 from GPU 1 to each of the others"),
        ("0-13,28-41", "0-", "CPU Affinity of GPU 0: '0-'"),
        ("CPU Affinity", "CPU", "expected a column CPU Affinity"),
    ],
)
def test_topology_that_is_damaged(tmp_path, old, new, problem):
    """What the matrix does not say is named, and the PCI tree is asked for links instead."""
    root = Root(p40(tmp_path))
    gpus = read_gpus(root, smi(**{"nvidia-smi topo -m": TOPO_470_57.replace(old, new)}))[0]
    assert any(problem in line for line in root.problems if line.startswith("nvidia-smi topo -m: "))
    assert [gpu["cpus"] for gpu in gpus] == ["0-13,28-41", "14-27,42-55"]


def test_mig_devices_that_one_answer_lacks(tmp_path):
    """Fewer names than instances are no names, and no instances where some must be is a problem."""
    root = Root(plant(tmp_path, {"/dev/nvidiactl": ""}))
    gpu = read_gpus(root, mig_run("GPU 1: A100 (UUID: GPU-01)\n"))[0][0]
    assert [instance["name"] for instance in gpu["mig"]["instances"]] == [None, None]
    assert [line.split(": ")[0] for line in root.problems if "topo" not in line] == ["nvidia-smi -L"]
    run = mig_run(LIST_535_54)
    run.answers["nvidia-smi -q -x"] = "<nvidia_smi_log/>"
    root = Root(plant(tmp_path, {"/dev/nvidiactl": ""}))
    read_gpus(root, run)
    assert "nvidia-smi -q -x: expected the MIG devices of 0000:41:00.0, found none" in root.problems


def test_lines_that_are_repeated_are_one_gpu_and_named():
    """A thousand copies of a line are no thousand GPUs, each with a link to each."""
    gpus, _driver, problems = parse_csv(CSV * 1000)
    assert len(gpus) == 2
    assert len(problems) == 1
    many = "".join(CSV.splitlines(keepends=True)[0].replace("GPU-0a", f"GPU-{number}") for number in range(1000))
    assert len(parse_csv(many)[0]) == 256


def test_mig_instances_that_are_repeated_are_one():
    """100,000 lines of one instance are one instance, whose memory the XML says."""
    line = "  MIG 3g.20gb     Device  0: (UUID: MIG-10)\n"
    assert parse_list("GPU 0: NVIDIA A100 (UUID: GPU-0a)\n" + line * 100_000) == {
        0: [{"name": "3g.20gb", "uuid": "MIG-10"}]
    }
