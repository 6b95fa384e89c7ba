# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA's library through ctypes: what it is given, what is made of its answers, and what goes wrong."""

from __future__ import annotations

import ctypes
import json

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _fork
from ansible_collections.inference.ollama.plugins.module_utils._topology import nvidia_ml, nvidia_ml_library
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_library import Library, NVMLError
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_reader import answer

GIB = 1 << 30


class FakeLibrary:
    """The functions of a driver with two H100, the first in partitions; they return error codes as C does."""

    numbers = {  # noqa: RUF012 constant
        "nvmlDeviceGetCount_v2": 2,
        "nvmlSystemGetCudaDriverVersion_v2": 13000,
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetDisplayActive": 0,
        "nvmlDeviceGetMemoryBusWidth": 5120,
        "nvmlDeviceGetMaxClockInfo": 2619,
        "nvmlDeviceGetMaxMigDeviceCount": 2,
        "nvmlDeviceGetP2PStatus": 0,
        "nvmlDeviceGetNvLinkState": 1,
        "nvmlDeviceGetTopologyCommonAncestor": 50,
    }
    started = 0

    def __init__(self, name):
        assert name == "libnvidia-ml.so.1"
        words = {3: b"Not Supported", 6: b"Not Found", 9: b"Driver Not Loaded", 999: None}
        # A function, since its type of result is set.
        self.nvmlErrorString = lambda code: words[code]

    def __getattr__(self, function):
        if function not in self.numbers:
            raise AttributeError(function)

        def number(*args):
            args[-1]._obj.value = self.numbers[function]
            return 0

        return number

    def nvmlInit_v2(self):  # noqa: N802
        return self.started

    def nvmlDeviceGetHandleByIndex_v2(self, index, handle):  # noqa: N802
        handle._obj.value = 0x7F00_0000_0000 + index
        return 0

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _handle, index, instance):  # noqa: N802
        if index:
            return 6
        instance._obj.value = 0x7F00_0000_0009
        return 0

    def nvmlSystemGetDriverVersion(self, text, length):  # noqa: N802
        assert length == ctypes.sizeof(text)
        text.value = b"580.65.06"
        return 0

    def nvmlDeviceGetName(self, handle, text, _length):  # noqa: N802
        text.value = b"NVIDIA H100 80GB HBM3" + (b" MIG 1g.10gb" if handle.value & 9 == 9 else b"")
        return 0

    def nvmlDeviceGetUUID(self, handle, text, _length):  # noqa: N802
        text.value = b"%s-%d" % (b"MIG" if handle.value & 9 == 9 else b"GPU", handle.value & 0xF)
        return 0

    def nvmlDeviceGetMemoryInfo(self, _handle, memory):  # noqa: N802
        memory._obj.total, memory._obj.free = 80 * GIB, 79 * GIB
        return 0

    def nvmlDeviceGetPciInfo_v3(self, handle, info):  # noqa: N802
        info._obj.busId = b"00000000:%d3:00.0" % (handle.value & 0xF)
        return 0

    def nvmlDeviceGetNvLinkRemotePciInfo_v2(self, _handle, _link, info):  # noqa: N802
        info._obj.busId = b"FFFFFFFF:FF:FF.0"
        return 0

    def nvmlDeviceGetCudaComputeCapability(self, _handle, major, minor):  # noqa: N802
        major._obj.value, minor._obj.value = 9, 0
        return 0

    def nvmlDeviceGetMigMode(self, handle, now, then):  # noqa: N802
        if handle.value & 1:
            return 3
        now._obj.value = then._obj.value = 1
        return 0

    def nvmlDeviceGetCpuAffinity(self, _handle, words, mask):  # noqa: N802
        assert words == len(mask)
        mask[0], mask[1] = 0b101, 1
        return 0


@pytest.fixture
def library(monkeypatch):
    monkeypatch.setattr(nvidia_ml_library.ctypes, "CDLL", FakeLibrary)
    return FakeLibrary


@pytest.mark.usefixtures("library")
def test_every_fact_of_every_card():
    """Numbers, texts, structures, pairs and masks come through, in a process of their own as a host is asked."""
    outcome = _fork.call(answer, 60)
    gpus, drivers, problems = nvidia_ml.parse(json.loads(outcome.out))
    assert (outcome.problem, problems, drivers) == (None, [], {"driver": "580.65.06", "cuda": "13.0"})
    first, second = gpus
    known = {key: value for key, value in first.items() if value is not None}
    assert known == {
        "vendor": "nvidia",
        "index": 0,
        "name": "NVIDIA H100 80GB HBM3",
        "uuid": "GPU-0",
        "pci_bus_id": "0000:03:00.0",
        "memory_bytes": 80 * GIB,
        "free_bytes": 79 * GIB,
        "memory_bandwidth_bytes_per_second": 3_352_320_000_000,
        "compute_capability": "9.0",
        "cpus": "0,2,64",
        "display_active": False,
        "persistence_mode": True,
        "mig": {"enabled": True, "instances": [{"name": "1g.10gb", "uuid": "MIG-9", "memory_bytes": 80 * GIB}]},
        "links": [{"to": 1, "kind": "NV36"}],
    }
    assert (second["pci_bus_id"], second["mig"]) == ("0000:13:00.0", None)


def test_a_driver_that_is_not_loaded_says_so(library, monkeypatch):
    """The library's own words reach the operator."""
    monkeypatch.setattr(library, "started", 9)
    assert json.loads(answer()) == {"failed": "Driver Not Loaded"}


def test_a_host_without_the_library(monkeypatch):
    """The loader's words say what is absent."""

    def load(name):
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(nvidia_ml_library.ctypes, "CDLL", load)
    assert json.loads(answer())["absent"].startswith("libnvidia-ml.so.1: cannot open")


def test_an_old_driver_has_fewer_functions(library, monkeypatch):
    """A function that is not there is an answer without a value, and no problem."""
    numbers = {name: value for name, value in library.numbers.items() if "Clock" not in name}
    monkeypatch.setattr(library, "numbers", numbers)
    said = json.loads(answer())
    assert (said["gpus"][0]["memory_clock_mhz"], said["errors"]) == (None, [])


def test_an_error_without_words_is_its_number(library, monkeypatch):
    """A library that does not know its own error gives at least the number."""
    monkeypatch.setattr(library, "started", 999)
    with pytest.raises(NVMLError, match=r"^error 999$") as error:
        Library().nvmlInit()
    assert error.value.value == 999


@pytest.mark.usefixtures("library")
def test_no_other_function_is_asked():
    """What the reader has no signature for is not called."""
    with pytest.raises(AttributeError):
        Library().nvmlDeviceSetPersistenceMode(0, 1)
