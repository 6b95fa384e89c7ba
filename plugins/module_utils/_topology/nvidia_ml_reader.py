# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of NVML as one JSON text, asked in a process of its own, which a driver may hang and a library may crash.

Functions, units and error codes: the NVML API reference; Python names: nvidia-ml-py (``pynvml``).
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

# nvmlReturn_t: what a device or an old driver cannot tell is absent; anything else is an error.
_NO_ERROR_TO_REPORT = (
    2,  # NVML_ERROR_INVALID_ARGUMENT, for a link number past the GPU's last
    3,  # NVML_ERROR_NOT_SUPPORTED
    6,  # NVML_ERROR_NOT_FOUND
    13,  # NVML_ERROR_FUNCTION_NOT_FOUND
    25,  # NVML_ERROR_ARGUMENT_VERSION_MISMATCH
    26,  # NVML_ERROR_DEPRECATED
)

# NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED, NVML_ERROR_UNKNOWN: no program can use such a card.
_LOST = (15, 16, 999)

# 64 words of 64 bits: 4096 CPUs; NVML fills what the array is long.
_CPU_WORDS = 64

# More than any host has of cards, and any card of instances: a damaged number must not keep this process busy.
_CARDS = 256
_INSTANCES = 64
_MEMORY_CLOCK = 2  # NVML_CLOCK_MEM
_MOST_NVLINKS = 36
_P2P_NVLINK = 2  # NVML_P2P_CAPS_INDEX_NVLINK
# nvmlGpuTopologyLevel_t, in the words of "nvidia-smi topo -m".
_COMMON_ANCESTOR = {0: "PIX", 10: "PIX", 20: "PXB", 30: "PHB", 40: "NODE", 50: "SYS"}


class Reader:
    """Asks nvidia-ml-py, or the library by the same names, one function at a time."""

    def __init__(self, nvml: Any) -> None:  # noqa: ANN401 any object with these functions
        self.nvml = nvml
        self.errors: list[str] = []
        # The return code of the last function that failed.
        self.code: int | None = None

    def ask(self, function: str, *args: Any) -> Any:  # noqa: ANN401 each function has its own type
        """The function's answer; None, and an error in words where it is one, instead of an exception."""
        try:
            call = getattr(self.nvml, function)
        except AttributeError:
            # Nothing to ask with.
            return None
        self.code = None
        try:
            answer = call(*args)
        except self.nvml.NVMLError as error:
            self.code = getattr(error, "value", None)
            if self.code not in _NO_ERROR_TO_REPORT:
                self.errors.append(f"{function}: {error}")
            return None
        # The library gives bytes, and so does nvidia-ml-py before 11.525.
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer

    def everything(self) -> dict[str, Any]:
        """Driver, CUDA version (13000 is 13.0) and the GPUs in NVML's order, that of nvidia-smi."""
        handles = [self.ask("nvmlDeviceGetHandleByIndex", i) for i in range(self.count("nvmlDeviceGetCount", _CARDS))]
        return {
            "driver": self.ask("nvmlSystemGetDriverVersion"),
            "cuda": self.ask("nvmlSystemGetCudaDriverVersion_v2"),
            "gpus": [self.gpu(i, handles) for i, handle in enumerate(handles) if handle is not None],
            "errors": self.errors,
        }

    def count(self, function: str, most: int, *args: Any) -> int:  # noqa: ANN401 an opaque handle, or nothing
        """How many there are, as far as it can be true; 0 where that is unknown."""
        number = int(self.ask(function, *args) or 0)
        if number > most:
            self.errors.append(f"{function}: {number}, expected {most} at most")
        return min(number, most)

    def gpu(self, index: int, handles: list[Any]) -> dict[str, Any]:
        """One GPU; memory in bytes, flags as bool, affinity as a list of CPU numbers."""
        handle = handles[index]
        memory = self.ask("nvmlDeviceGetMemoryInfo", handle)
        return {
            "index": index,
            "lost": memory is None and self.code in _LOST,
            "name": self.ask("nvmlDeviceGetName", handle),
            "uuid": self.ask("nvmlDeviceGetUUID", handle),
            "bus_id": self.bus_id(self.ask("nvmlDeviceGetPciInfo", handle)),
            "memory_bytes": None if memory is None else int(memory.total),
            "free_bytes": None if memory is None else int(memory.free),
            "memory_clock_mhz": self.ask("nvmlDeviceGetMaxClockInfo", handle, _MEMORY_CLOCK),
            "memory_bus_bits": self.ask("nvmlDeviceGetMemoryBusWidth", handle),
            "compute_capability": self.ask("nvmlDeviceGetCudaComputeCapability", handle),
            "persistence_mode": _flag(self.ask("nvmlDeviceGetPersistenceMode", handle)),
            "display_active": _flag(self.ask("nvmlDeviceGetDisplayActive", handle)),
            "affinity": self.affinity(handle),
            "mig": self.mig(handle),
            "links": [
                {"to": to, "kind": kind}
                for to, other in enumerate(handles)
                if to != index and other is not None
                for kind in [self.link(handle, other)]
                if kind is not None
            ],
        }

    def bus_id(self, info: Any) -> str | None:  # noqa: ANN401 a ctypes structure
        """``00000000:3B:00.0`` of an nvmlPciInfo_t."""
        if info is None:
            return None
        return info.busId.decode("utf-8", "replace") if isinstance(info.busId, bytes) else str(info.busId)

    def affinity(self, handle: Any) -> list[int] | None:  # noqa: ANN401 an opaque handle
        words = self.ask("nvmlDeviceGetCpuAffinity", handle, _CPU_WORDS)
        if words is None:
            return None
        return [64 * i + bit for i, word in enumerate(words) for bit in range(64) if int(word) >> bit & 1]

    def mig(self, handle: Any) -> dict[str, Any] | None:  # noqa: ANN401 an opaque handle
        """Whether MIG is on now, and the instances; None for a GPU that has no MIG."""
        mode = self.ask("nvmlDeviceGetMigMode", handle)
        if mode is None:
            return None
        instances = []
        for i in range(self.count("nvmlDeviceGetMaxMigDeviceCount", _INSTANCES, handle) if mode[0] else 0):
            instance = self.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, i)
            if instance is None:
                continue
            memory = self.ask("nvmlDeviceGetMemoryInfo", instance)
            # "NVIDIA H100 80GB HBM3 MIG 1g.10gb", whose last word nvidia-smi prints.
            name = self.ask("nvmlDeviceGetName", instance)
            instances.append(
                {
                    "name": None if name is None else name.rpartition("MIG ")[2],
                    "uuid": self.ask("nvmlDeviceGetUUID", instance),
                    "memory_bytes": None if memory is None else int(memory.total),
                }
            )
        return {"enabled": bool(mode[0]), "instances": instances}

    def link(self, one: Any, other: Any) -> str | None:  # noqa: ANN401 opaque handles
        """``NV18`` for 18 NVLinks, else the closest common part of the PCI tree."""
        if self.ask("nvmlDeviceGetP2PStatus", one, other, _P2P_NVLINK) == 0:
            ends = [
                self.bus_id(self.ask("nvmlDeviceGetNvLinkRemotePciInfo", one, link))
                for link in range(_MOST_NVLINKS)
                if self.ask("nvmlDeviceGetNvLinkState", one, link) == 1
            ]
            peer = self.bus_id(self.ask("nvmlDeviceGetPciInfo", other))
            # Through an NVSwitch no link ends at the peer, and every link leads to it.
            direct = ends.count(peer)
            if ends:
                return f"NV{direct or len(ends)}"
        return _COMMON_ANCESTOR.get(self.ask("nvmlDeviceGetTopologyCommonAncestor", one, other))


def _flag(value: Any) -> bool | None:  # noqa: ANN401 an nvmlEnableState_t
    return None if value is None else bool(value)


def answer() -> str:
    """JSON: the facts, ``{"absent": why}`` without the library, or ``{"failed": why}``."""
    try:
        # Where Python was built without ctypes this is an ImportError.
        from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_library import (  # noqa: PLC0415 its absence is an answer
            NAME,
            Library,
            binding,
        )

        nvml = binding()
        if nvml is not None:
            # Whatever an installation gets wrong, such as other arguments, the library itself may answer. What is wrong
            # with the driver it says too, and it tells an absent library from one that failed.
            with contextlib.suppress(Exception):
                return _facts("pynvml", nvml)
        nvml = Library()
    except (ImportError, OSError) as error:
        return json.dumps({"absent": str(error)})
    try:
        return _facts(NAME, nvml)
    except nvml.NVMLError as error:
        return json.dumps({"failed": str(error)})


def _facts(asked: str, nvml: Any) -> str:  # noqa: ANN401 any object with these functions
    """The facts and what was asked for them; an exception of its own type where it does not start."""
    nvml.nvmlInit()
    return json.dumps({"asked": asked, **Reader(nvml).everything()})
