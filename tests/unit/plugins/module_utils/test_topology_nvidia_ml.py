# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs from NVML, the library of NVIDIA's driver."""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_ml, nvidia_ml_reader, options
from ansible_collections.inference.ollama.plugins.module_utils._topology.gpus import read_gpus
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import (
    ABSENT,
    FakeNvml,
    FakeRunner,
    NVMLError,
    attach,
    nvml_runner,
    pci_card,
)
from ansible_collections.inference.ollama.tests.unit.support.tooled import NVML
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

# nvidia-smi 470.57, the line of one card.
ROW_470_57 = "0, Tesla P40, GPU-0a, 00000000:03:00.0, 22919, 22909, 6.1, 470.57.02, Enabled, Disabled, [N/A]\n"


class MigNvml(FakeNvml):
    """NVML of an A100 with one MIG instance, with two things going wrong."""

    def __init__(self):
        device = {
            "nvmlDeviceGetName": b"NVIDIA A100",
            "nvmlDeviceGetUUID": b"GPU-1",
            "nvmlDeviceGetMaxClockInfo": 1215,
            "nvmlDeviceGetMemoryBusWidth": 5120,
            "nvmlDeviceGetMigMode": [1, 1],
            "nvmlDeviceGetMaxMigDeviceCount": 7,
            "nvmlDeviceGetCudaComputeCapability": [8, 0],
            "nvmlDeviceGetPersistenceMode": 0,
            "memory": {"total": 85899345920, "free": 85000000001},
            "pci": {"busId": b"0000000F:41:00.0"},
        }
        instance = {
            "nvmlDeviceGetName": b"NVIDIA A100 MIG 3g.40gb",
            "nvmlDeviceGetUUID": b"MIG-1",
            "memory": {"total": 42144366592, "free": 0},
        }
        super().__init__({"driver": b"450.80.02", "cuda": 11000, "devices": [device, instance]}, ["64-65", ""])

    def nvmlDeviceGetCount(self):  # noqa: N802 NVML's name
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802 NVML's name
        if index == 1:
            raise NVMLError(15, "GPU is lost")
        return index

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _handle, index):  # noqa: N802 NVML's name
        if index == 0:
            return 1
        raise NVMLError(6, "Not Found")

    def nvmlDeviceGetDisplayActive(self, _handle):  # noqa: N802 NVML's name
        raise NVMLError(999, "Unknown Error")


def test_nvml_gives_every_key(tmp_path):
    """NVML's answers become an entry with MIG, exact bytes and CPUs; what fails is a problem, not an exception."""
    root = Root(plant(tmp_path, pci_card("000f:41:00.0", "0x10de", numa_node="1")))
    gpus, drivers = read_gpus(root, nvml_runner(MigNvml()))
    assert gpus == [
        gpu_entry(
            "nvidia",
            index=0,
            name="NVIDIA A100",
            uuid="GPU-1",
            pci_bus_id="000f:41:00.0",
            answers=True,
            memory_bytes=85899345920,
            shared_bytes=0,
            free_bytes=85000000001,
            memory_bandwidth_bytes_per_second=1_555_200_000_000,
            compute_capability="8.0",
            architecture="Ampere",
            numa_node=1,
            cpus="64-65",
            integrated=False,
            mig={
                "enabled": True,
                "instances": [{"name": "3g.40gb", "uuid": "MIG-1", "memory_bytes": 42144366592}],
            },
            persistence_mode=False,
            links=[],
        )
    ]
    assert drivers["nvidia"] == {"driver": "450.80.02", "cuda": "11.0", "error": None}
    assert root.problems == [
        "NVML: nvmlDeviceGetHandleByIndex: GPU is lost",
        "NVML: nvmlDeviceGetDisplayActive: Unknown Error",
    ]


def test_nvml_direct_links():
    """NVLinks that end at the peer are counted apart from those that end elsewhere."""
    nvml = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlDeviceGetP2PStatus=lambda *_: 0,
        nvmlDeviceGetNvLinkState=lambda _one, link: int(link < 6),
        nvmlDeviceGetNvLinkRemotePciInfo=lambda _one, link: SimpleNamespace(busId=f"{link % 3}"),
        nvmlDeviceGetPciInfo=lambda other: SimpleNamespace(busId=f"{other}"),
    )
    assert nvidia_ml_reader.Reader(nvml).link(0, 1) == "NV2"


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (
            json.dumps({"failed": "Driver/library version mismatch"}),
            "NVML failed: Driver/library version mismatch",
        ),
        ("", "NVML: read '', expected one JSON object"),
        ("Segmentation\n", "NVML: read 'Segmentation\\n', expected one JSON object"),
        (ABSENT, None),
    ],
)
def test_nvml_does_not_answer(tmp_path, output, problem):
    """Without an answer of NVML nvidia-smi is asked, and all but a missing library is a problem."""
    root = Root(plant(tmp_path, pci_card("0000:03:00.0", "0x10de")))
    gpus, _drivers = read_gpus(root, FakeRunner({"nvml": output, "nvidia-smi --query-gpu": ROW_470_57}))
    assert gpus[0]["uuid"] == "GPU-0a"
    assert [line for line in root.problems if "NVML" in line] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("clock", "width", "expected"),
    [
        (2619, 5120, 3_352_320_000_000),  # H100 80GB HBM3
        (3201, 6144, 4_916_736_000_000),  # H200
        (10501, 384, 1_008_096_000_000),  # RTX 4090
        (None, 384, None),
        (0, 384, None),
        (10501, None, None),
        (10501, 0, None),
    ],
)
def test_bandwidth_is_that_of_clock_and_width(clock, width, expected):
    """Two bits a cycle on each pin, as data sheets have it; unknown where either number is."""
    answer = json.loads(json.dumps(NVML))
    answer["gpus"][0].update(memory_clock_mhz=clock, memory_bus_bits=width)
    gpus, _drivers, problems = nvidia_ml.parse(answer)
    assert gpus[0]["memory_bandwidth_bytes_per_second"] == expected
    # The other card is one of a machine that was captured before these numbers were asked for.
    assert gpus[1]["memory_bandwidth_bytes_per_second"] is None
    assert problems == []


def test_a_count_that_cannot_be_is_a_problem():
    """A driver that counts millions of cards is asked for as many as a host can have, and the number is named."""

    class Endless(FakeNvml):
        def nvmlDeviceGetCount(self):  # noqa: N802 NVML's name
            return 4_000_000_000

        def nvmlDeviceGetHandleByIndex(self, _index):  # noqa: N802 NVML's name
            raise NVMLError(2, "Invalid Argument")

    said = nvidia_ml_reader.Reader(Endless({"driver": None, "cuda": None, "devices": []}, [])).everything()
    assert (said["gpus"], said["errors"]) == ([], ["nvmlDeviceGetCount: 4000000000, expected 256 at most"])


def test_only_the_library_is_asked_in_a_fork(monkeypatch):
    """The question to NVML goes to a process that starts no program; every other question is a program's."""
    monkeypatch.setattr(nvidia_ml_reader, "answer", lambda: f"{os.getpid()}")
    _root, run = options.machine_of({"root": "/", "command_timeout": 30})
    other = int(run(["nvml"]).out)
    assert other != os.getpid()
    assert run([sys.executable, "-c", "print('started')"]).out == "started\n"


class BareNvml(FakeNvml):
    """NVML of a card that answers nothing but its number, and of no other."""

    def __init__(self):
        super().__init__({"driver": "1", "cuda": None, "devices": [{}, {}]}, [])

    def __getattribute__(self, function):
        if function.startswith("nvmlDeviceGet") and not function.endswith(("Count", "ByIndex")):

            def refuse(*_args):
                raise NVMLError(3, "Not Supported")

            return refuse
        return super().__getattribute__(function)


def test_nvml_supports_nothing(tmp_path):
    """What a device does not support is None and no problem."""
    root = Root(plant(tmp_path, {"/dev/nvidiactl": ""}))
    gpus, drivers = read_gpus(root, nvml_runner(BareNvml()))
    assert gpus == [gpu_entry("nvidia", index=number, answers=True) for number in (0, 1)]
    assert drivers["nvidia"] == {"driver": "1", "cuda": None, "error": None}
    assert root.problems == []


def test_nvml_without_links_has_the_common_bridge():
    """GPUs without NVLink are joined by what they share of the PCI tree, also where peer access claims NVLink."""
    nvml = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlDeviceGetP2PStatus=lambda *_: 0,
        nvmlDeviceGetNvLinkState=lambda *_: 0,
        nvmlDeviceGetPciInfo=lambda _: SimpleNamespace(busId="1"),
        nvmlDeviceGetTopologyCommonAncestor=lambda *_: 40,
    )
    assert nvidia_ml_reader.Reader(nvml).link(0, 1) == "NODE"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("index", -1),
        ("index", True),
        ("name", "\x01"),
        ("uuid", "0a"),
        ("bus_id", "3:0"),
        ("memory_bytes", "many"),
        ("memory_clock_mhz", -1),
        ("memory_bus_bits", "wide"),
        ("compute_capability", [9]),
        ("compute_capability", ["9", "0"]),
        ("affinity", [0.5]),
        ("affinity", [-1]),
        ("persistence_mode", 1),
        ("mig", {"enabled": True}),
        ("links", [{"to": 1}]),
        ("links", None),
    ],
)
def test_half_an_answer_is_none(tmp_path, key, value):
    """A value that NVML cannot have given costs its whole answer, and nvidia-smi is asked."""
    answer = json.loads(json.dumps(NVML))
    answer["gpus"][0][key] = value
    root = Root(plant(tmp_path, pci_card("0000:03:00.0", "0x10de")))
    run = FakeRunner({"nvml": json.dumps(answer), "nvidia-smi --query-gpu": ROW_470_57})
    assert read_gpus(root, run)[0][0]["uuid"] == "GPU-0a"
    assert root.problems[0].startswith("NVML: read ")


def test_pairs_that_nvml_does_not_know_are_looked_up(tmp_path):
    """Where NVML says nothing of a pair of GPUs, the bridges between them do."""
    answer = json.loads(json.dumps(NVML))
    for gpu in answer["gpus"]:
        gpu["links"] = []
    cards = {**pci_card("0000:03:00.0", "0x10de"), **pci_card("0000:82:00.0", "0x10de")}
    root = Root(attach(tmp_path, cards, {"0000:03:00.0": "pci0000:00", "0000:82:00.0": "pci0000:00"}))
    gpus = read_gpus(root, FakeRunner({"nvml": json.dumps(answer)}))[0]
    assert [gpu["links"] for gpu in gpus] == [[{"to": 1, "kind": "PHB"}], [{"to": 0, "kind": "PHB"}]]
