# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NVIDIA's GPUs do, read once an interval by nvidia-ml-py; in a process of its own, which a driver may hang.

Functions, units and bits: the NVML API reference, and nvml.h for nvmlClocksEventReasons.
"""

from __future__ import annotations

import math
from typing import Any, Callable

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_reader import Reader

# More than any host has: a damaged number must not keep the process busy.
_CARDS = 64
_SM, _MEMORY = 1, 2  # NVML_CLOCK_SM, NVML_CLOCK_MEM
_CORE = 0  # NVML_TEMPERATURE_GPU
_LONGEST = 200
_GREATEST = 1 << 63
# In the words of nvidia-smi, clocks_event_reasons.*, by bit.
REASONS = (
    "gpu_idle",
    "applications_clocks_setting",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "display_clock_setting",
)
_BITS = 64


def prepare() -> Callable[[], dict[str, Any]]:
    """What reads the GPUs; OllamaError without nvidia-ml-py, without a driver and without a GPU."""
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_library import (  # noqa: PLC0415 its import fails where Python has no ctypes
        binding,
    )

    nvml = binding()
    if nvml is None:
        raise OllamaError("not sampled, since the Python package nvidia-ml-py (pynvml) is missing or too old")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise OllamaError(f"not sampled, since NVIDIA's driver does not answer: {error}") from error
    return Cards(nvml).read


class Cards:
    """Reads each GPU, in NVML's order, that of nvidia-smi."""

    def __init__(self, nvml: Any) -> None:  # noqa: ANN401 a module without types
        self._reader = Reader(nvml)
        count = self._reader.count("nvmlDeviceGetCount", _CARDS)
        handles = ((index, self._reader.ask("nvmlDeviceGetHandleByIndex", index)) for index in range(count))
        self._handles = [(index, handle) for index, handle in handles if handle is not None]
        if not self._handles:
            raise OllamaError("; ".join(["not sampled, since the driver names no GPU", *self._reader.errors]))
        self._cards = [
            {
                "index": index,
                "uuid": _text(self._reader.ask("nvmlDeviceGetUUID", handle)),
                "name": _text(self._reader.ask("nvmlDeviceGetName", handle)),
            }
            for index, handle in self._handles
        ]

    def read(self) -> dict[str, Any]:
        """``{gpus, problems}``; a value that the driver does not tell is None."""
        gpus = [{**card, **self._card(handle)} for card, (_index, handle) in zip(self._cards, self._handles)]
        errors, self._reader.errors = self._reader.errors, []
        return {"gpus": gpus, "problems": [f"GPUs: {error}" for error in errors]}

    def _card(self, handle: Any) -> dict[str, Any]:  # noqa: ANN401 an opaque handle
        ask = self._reader.ask
        power = _number(ask("nvmlDeviceGetPowerUsage", handle))
        return {
            "utilization": _number(getattr(ask("nvmlDeviceGetUtilizationRates", handle), "gpu", None)),
            "memory": _number(getattr(ask("nvmlDeviceGetMemoryInfo", handle), "used", None)),
            "power": None if power is None else power / 1000,
            "sm_clock": _number(ask("nvmlDeviceGetClockInfo", handle, _SM)),
            "memory_clock": _number(ask("nvmlDeviceGetClockInfo", handle, _MEMORY)),
            "temperature": _number(ask("nvmlDeviceGetTemperature", handle, _CORE)),
            "reasons": self._reasons(handle),
        }

    def _reasons(self, handle: Any) -> list[str] | None:  # noqa: ANN401 an opaque handle
        # Its name since 2023, and the one before, which drivers of before have alone.
        for function in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"):
            bits = _number(self._reader.ask(function, handle))
            if bits is not None:
                return [_reason(bit) for bit in range(_BITS) if int(bits) >> bit & 1]
        return None


def _reason(bit: int) -> str:
    return REASONS[bit] if bit < len(REASONS) else f"bit_{bit}"


def _number(value: Any) -> int | float | None:  # noqa: ANN401 whatever a binding returns
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value if 0 <= value < _GREATEST else None


def _text(value: Any) -> str | None:  # noqa: ANN401 whatever a binding returns
    return one_line(value, _LONGEST) if isinstance(value, str) else None
