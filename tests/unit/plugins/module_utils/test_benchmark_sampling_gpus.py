# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NVML says of GPUs while a server is measured."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import sampling_gpus
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_library import FUNCTIONS

UUID = "GPU-6a0b3c1d-0000-1111-2222-333344445555"
SAMPLE = {
    "index": 0,
    "uuid": UUID,
    "name": "NVIDIA H100",
    "utilization": 97,
    "memory": 42 << 30,
    "power": 612.345,
    "sm_clock": 1980,
    "memory_clock": 2619,
    "temperature": 61,
    "reasons": ["sw_power_cap", "sw_thermal_slowdown"],
}


class NvmlError(Exception):
    """As pynvml.NVMLError."""

    def __init__(self, value, text):
        super().__init__(text)
        self.value = value


def refuse(value, text):
    """A function that answers with an error."""

    def call(*_args):
        raise NvmlError(value, text)

    return call


def nvml(**other):
    """nvidia-ml-py as a module, with these functions of its own."""
    clocks = {1: 1980, 2: 2619}
    known = {
        **dict.fromkeys(FUNCTIONS, lambda *_args: None),
        "NVMLError": NvmlError,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: f"handle{index}",
        "nvmlDeviceGetUUID": lambda _handle: UUID,
        "nvmlDeviceGetName": lambda _handle: b"NVIDIA H100",
        "nvmlDeviceGetUtilizationRates": lambda _handle: SimpleNamespace(gpu=97, memory=3),
        "nvmlDeviceGetMemoryInfo": lambda _handle: SimpleNamespace(total=80 << 30, used=42 << 30, free=38 << 30),
        "nvmlDeviceGetPowerUsage": lambda _handle: 612345,
        "nvmlDeviceGetClockInfo": lambda _handle, kind: clocks[kind],
        "nvmlDeviceGetTemperature": lambda _handle, sensor: {0: 61}[sensor],
        "nvmlDeviceGetCurrentClocksEventReasons": lambda _handle: 0x24,
    }
    return SimpleNamespace(**{**known, **other})


@pytest.fixture
def read(monkeypatch):
    """Read the GPUs once of a binding with these functions of its own."""

    def read(**other):
        monkeypatch.setitem(sys.modules, "pynvml", nvml(**other))
        return sampling_gpus.prepare()()

    return read


def test_every_value_of_a_card(read):
    """In bytes, watts, MHz and degrees."""
    assert read() == {"gpus": [SAMPLE], "problems": []}


def test_reasons_have_the_names_of_their_bits():
    """Those of NVIDIA's own binding: nvmlClocksEventReasonSwPowerCap is sw_power_cap."""
    for bit, name in enumerate(sampling_gpus.REASONS):
        words = "".join(word.capitalize() for word in name.split("_"))
        constants = (f"nvmlClocksEventReason{words}", f"nvmlClocksThrottleReason{words}")
        assert 1 << bit in [getattr(pynvml, constant, None) for constant in constants]


def test_the_installed_binding_has_every_function():
    """By the names by which they are asked."""
    source = Path(sampling_gpus.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r'"(nvml\w+)"', source)) <= set(vars(pynvml))


def test_a_bit_without_a_name_has_its_number(read):
    """Of a driver that knows more of them."""
    assert read(nvmlDeviceGetCurrentClocksEventReasons=lambda _handle: 0x8001)["gpus"][0]["reasons"] == [
        "gpu_idle",
        "bit_15",
    ]


def test_drivers_of_before_2023_have_another_name_for_reasons(read):
    """Their answer is the same."""
    older = {
        "nvmlDeviceGetCurrentClocksEventReasons": refuse(13, "Function Not Found"),
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _handle: 0x1,
    }
    found = read(**older)
    assert (found["gpus"][0]["reasons"], found["problems"]) == (["gpu_idle"], [])


@pytest.mark.parametrize("value", [None, True, -1, 1 << 70, float("nan"), float("inf"), "97", [], {}])
def test_what_is_no_number_is_not_known(read, value):
    """Whatever a binding returns."""

    def one(*_args):
        return value

    found = read(
        nvmlDeviceGetUtilizationRates=lambda _handle: SimpleNamespace(gpu=value),
        nvmlDeviceGetMemoryInfo=lambda _handle: SimpleNamespace(used=value),
        nvmlDeviceGetPowerUsage=one,
        nvmlDeviceGetClockInfo=one,
        nvmlDeviceGetTemperature=one,
        nvmlDeviceGetCurrentClocksEventReasons=one,
    )
    names = ("utilization", "memory", "power", "sm_clock", "memory_clock", "temperature", "reasons")
    assert {found["gpus"][0][name] for name in names} == {None}


def test_what_a_card_does_not_support_is_not_known(read):
    """As utilisation where MIG is on; the rest is."""
    found = read(nvmlDeviceGetUtilizationRates=refuse(3, "Not Supported"))
    assert found == {"gpus": [{**SAMPLE, "utilization": None}], "problems": []}


def test_a_card_that_is_lost_is_a_problem(read):
    """In NVML's words."""
    found = read(nvmlDeviceGetPowerUsage=refuse(15, "GPU is lost"))
    assert found["gpus"] == [{**SAMPLE, "power": None}]
    assert found["problems"] == ["GPUs: nvmlDeviceGetPowerUsage: GPU is lost"]


def test_a_card_that_cannot_be_asked_is_left_out(read):
    """The others have their own numbers."""

    def handle(index):
        if index == 0:
            raise NvmlError(15, "GPU is lost")
        return index

    found = read(nvmlDeviceGetCount=lambda: 2, nvmlDeviceGetHandleByIndex=handle)
    assert [gpu["index"] for gpu in found["gpus"]] == [1]
    assert found["problems"] == ["GPUs: nvmlDeviceGetHandleByIndex: GPU is lost"]


@pytest.mark.parametrize("name", [b"\x1b[31mred", "x" * 5000, None, 7])
def test_names_are_shown(read, name):
    """In visible characters, and not too many of them."""
    shown = read(nvmlDeviceGetName=lambda _handle: name)["gpus"][0]["name"]
    assert shown is None or (shown.isprintable() and len(shown) <= 200)


@pytest.mark.parametrize(
    ("functions", "problem"),
    [
        ({"nvmlInit": refuse(9, "Driver Not Loaded")}, "NVIDIA's driver does not answer: Driver Not Loaded"),
        ({"nvmlDeviceGetCount": lambda: 0}, "not sampled, since the driver names no GPU"),
        (
            {"nvmlDeviceGetHandleByIndex": refuse(15, "GPU is lost")},
            "names no GPU; nvmlDeviceGetHandleByIndex: GPU is lost",
        ),
    ],
)
def test_a_host_without_a_gpu_has_a_reason(read, functions, problem):
    """The driver's own words are in it."""
    with pytest.raises(OllamaError) as raised:
        read(**functions)
    assert problem in str(raised.value)


def test_a_host_without_the_binding_has_a_reason(monkeypatch):
    """With the name of the package."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(OllamaError, match=r"nvidia-ml-py \(pynvml\) is missing or too old"):
        sampling_gpus.prepare()
