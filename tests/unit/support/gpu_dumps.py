# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captured GPUs as test data: where they are, and programs and libraries that answer from them."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_ml_reader
from ansible_collections.inference.ollama.tests.unit.support.trees import captures, needs_captures, plant

# What a host without NVIDIA's library answers.
ABSENT = json.dumps({"absent": "libnvidia-ml.so.1: cannot open shared object file: No such file or directory"})


def cases(pattern):
    """A parameter for each captured file; without captures one that is skipped and says why."""
    folder = captures()
    if folder is None:
        return [pytest.param(None, marks=needs_captures, id="absent")]
    return [pytest.param(path, id=path.name.split(".")[0]) for path in sorted(folder.glob(pattern))]


def facts(archive):
    """What the oracle read from the same dump, a dictionary for each GPU."""
    name = archive.name.replace(".tar.xz", ".oracle.json")
    return json.loads(archive.with_name(name).read_text(encoding="utf-8"))["gpus"]


def dump(archive):
    """The one text in an archive."""
    with tarfile.open(archive) as tar:
        return tar.extractfile(tar.getmembers()[0]).read().decode()


def pci_card(address, vendor, **more):
    """The files of one display controller."""
    files = {"class": "0x030000", "vendor": vendor, "device": "0x0001", "numa_node": "-1", **more}
    return {f"/sys/bus/pci/devices/{address}/{name}": text for name, text in files.items()}


def attach(folder, files, bridges):
    """Plant files and move each PCI device (address: the bridges above it) to where the kernel links it."""
    devices = "/sys/bus/pci/devices"
    moved = {}
    for path, text in files.items():
        address = path[len(devices) + 1 :].split("/")[0] if path.startswith(devices) else None
        place = f"/sys/devices/{bridges[address]}" if address in bridges else devices
        moved[path.replace(devices, place, 1)] = text
    root = plant(folder, moved)
    Path(root + devices).mkdir(parents=True, exist_ok=True)
    for address, place in bridges.items():
        Path(f"{root}{devices}/{address}").symlink_to(f"../../../devices/{place}/{address}")
    return root


class FakeRunner:
    """Answers a command line by the longest key that begins it; ``nvml`` is the question to NVIDIA's library."""

    def __init__(self, answers):
        self.answers = answers
        self.calls = []

    def __call__(self, argv):
        line = " ".join(argv)
        self.calls.append(line)
        for key in sorted(self.answers, key=len, reverse=True):
            if line.startswith(key):
                answer = self.answers[key]
                return answer if isinstance(answer, Outcome) else Outcome(answer, None)
        return Outcome(None, f"{argv[0]} is not installed")


class CapturedSmi(FakeRunner):
    """nvidia-smi whose CSV query is answered from a capture with more columns, units and a header."""

    def __init__(self, csv, answers):
        super().__init__(answers)
        header, *rows = (line.split(", ") for line in csv.strip().splitlines())
        names = [name.split(" [")[0] for name in header]
        self.rows = [dict(zip(names, (re.sub(r" MiB$", "", cell) for cell in row))) for row in rows]

    def __call__(self, argv):
        if argv[0] == "nvidia-smi" and argv[1].startswith("--query-gpu="):
            fields = argv[1].partition("=")[2].split(",")
            return Outcome("".join(", ".join(row[field] for field in fields) + "\n" for row in self.rows), None)
        return super().__call__(argv)


class NVMLError(Exception):
    """An error of NVIDIA's library: a return code and its text."""

    def __init__(self, value, text):
        super().__init__(text)
        self.value = value


class FakeNvml:
    """NVIDIA's library, as the reader asks it, that answers from a capture of NVML's answers."""

    NVMLError = NVMLError

    def __init__(self, captured, cpus):
        self.captured = captured
        self.devices = captured["devices"]
        self.cpus = cpus

    def __getattr__(self, function):
        if not function.startswith("nvmlDevice"):
            raise AttributeError(function)

        def answer(handle, *_which):
            value = self.devices[handle].get(function, "NVMLError_NotSupported")
            if isinstance(value, str) and value.startswith("NVMLError_NotSupported"):
                raise NVMLError(3, "Not Supported")
            return value

        return answer

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return self.captured["driver"]

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:  # noqa: N802
        return self.captured["cuda"]

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetMemoryInfo(self, handle) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(**self.devices[handle]["memory"])

    def nvmlDeviceGetPciInfo(self, handle) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(**self.devices[handle]["pci"])

    def nvmlDeviceGetCpuAffinity(self, handle, words) -> list[int]:  # noqa: N802
        mask = sum(1 << cpu for cpu in CpuSet.parse(self.cpus[handle]))
        return [mask >> 64 * word & (1 << 64) - 1 for word in range(words)]

    def nvmlDeviceGetP2PStatus(self, one, _other, _index) -> int:  # noqa: N802
        return 0 if 1 in self.devices[one]["nvlinks"] else 6

    def nvmlDeviceGetNvLinkState(self, handle, link) -> int:  # noqa: N802
        if link >= len(self.devices[handle]["nvlinks"]):
            raise NVMLError(2, "Invalid Argument")
        return self.devices[handle]["nvlinks"][link]

    def nvmlDeviceGetNvLinkRemotePciInfo(self, _handle, _link) -> SimpleNamespace:  # noqa: N802
        # As an H200 behind an NVSwitch that the guest cannot see answers.
        return SimpleNamespace(busId="FFFFFFFF:FF:FF.0")

    def nvmlDeviceGetTopologyCommonAncestor(self, one, _other) -> int:  # noqa: N802
        return self.devices[one]["topology"][0]


def nvml_runner(nvml, **more):
    """A runner whose host has this NVML."""
    return FakeRunner({"nvml": json.dumps(nvidia_ml_reader.Reader(nvml).everything()), **more})
