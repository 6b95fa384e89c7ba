# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVML, the library of NVIDIA's driver that nvidia-smi asks too, through ctypes.

Functions, structures and error codes: the NVML API reference (nvml.h). Methods have the names and arguments of
nvidia-ml-py (``pynvml``), NVIDIA's own Python binding, which is asked first where it is installed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Any

# It is part of every driver, for graphics and for computing, and of WSL2.
NAME = "libnvidia-ml.so.1"
# Where it is that the dynamic linker does not look in: WSL2 without its file in /etc/ld.so.conf.d, NixOS, JetPack, and
# GPU nodes of Container-Optimized OS.
_FOLDERS = (
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/local/nvidia/lib64",
    "/home/kubernetes/bin/nvidia/lib64",
)

_FUNCTION_NOT_FOUND = 13
# The longest of NVML's text buffers, NVML_DEVICE_NAME_V2_BUFFER_SIZE and NVML_DEVICE_UUID_V2_BUFFER_SIZE.
_TEXT = 96
# Functions whose last argument is where one number or one text goes. A name with a version is the one that drivers have
# had since 2017 or before, and takes the same arguments.
_NUMBERS = {
    "nvmlDeviceGetCount": "nvmlDeviceGetCount_v2",
    "nvmlSystemGetCudaDriverVersion_v2": "",
    "nvmlDeviceGetPersistenceMode": "",
    "nvmlDeviceGetDisplayActive": "",
    "nvmlDeviceGetMemoryBusWidth": "",
    "nvmlDeviceGetMaxClockInfo": "",
    "nvmlDeviceGetMaxMigDeviceCount": "",
    "nvmlDeviceGetP2PStatus": "",
    "nvmlDeviceGetNvLinkState": "",
    "nvmlDeviceGetTopologyCommonAncestor": "",
}
_TEXTS = ("nvmlSystemGetDriverVersion", "nvmlDeviceGetName", "nvmlDeviceGetUUID")


def _load(name: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        from ansible_collections.inference.ollama.plugins.module_utils._trust import (  # noqa: PLC0415 compiled only where needed
            weakness,
        )

        # One that is there and cannot be loaded, such as one of another architecture, gives the same exception.
        for path in (f"{folder}/{name}" for folder in _FOLDERS):
            if os.path.exists(path) and (os.geteuid() != 0 or weakness(path) is None):
                with contextlib.suppress(OSError):
                    return ctypes.CDLL(path)
        raise error from None


class NVMLError(Exception):
    """An nvmlReturn_t other than success, in NVML's words."""

    def __init__(self, value: int, text: str) -> None:
        super().__init__(text)
        self.value = value


class _Memory(ctypes.Structure):  # nvmlMemory_t
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


class _PciInfo(ctypes.Structure):  # nvmlPciInfo_t
    _fields_ = [
        ("busIdLegacy", ctypes.c_char * 16),
        *((name, ctypes.c_uint) for name in ("domain", "bus", "device", "pciDeviceId", "pciSubSystemId")),
        ("busId", ctypes.c_char * 32),
    ]


class Library:
    """The functions that the reader asks; a method raises NVMLError where the library returns an error."""

    NVMLError = NVMLError

    def __init__(self, name: str = NAME) -> None:
        """Load the library; OSError where there is none."""
        self._library = _load(name)

    def __getattr__(self, function: str) -> Any:  # noqa: ANN401 a function of any of these types
        if function in _NUMBERS:
            return lambda *args: self._fill(_NUMBERS[function] or function, ctypes.c_uint(), *args).value
        if function in _TEXTS:
            return lambda *args: self._text(function, *args)
        raise AttributeError(function)

    def nvmlInit(self) -> None:  # noqa: N802 pynvml's name
        self._call("nvmlInit_v2")

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        return self._fill("nvmlDeviceGetHandleByIndex_v2", ctypes.c_void_p(), index)

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Any, index: int) -> Any:  # noqa: N802, ANN401 pynvml's name, opaque handles
        return self._fill("nvmlDeviceGetMigDeviceHandleByIndex", ctypes.c_void_p(), handle, index)

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        return self._fill("nvmlDeviceGetMemoryInfo", _Memory(), handle)

    def nvmlDeviceGetPciInfo(self, handle: Any) -> Any:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        return self._fill("nvmlDeviceGetPciInfo_v3", _PciInfo(), handle)

    def nvmlDeviceGetNvLinkRemotePciInfo(self, handle: Any, link: int) -> Any:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        return self._fill("nvmlDeviceGetNvLinkRemotePciInfo_v2", _PciInfo(), handle, link)

    def nvmlDeviceGetCudaComputeCapability(self, handle: Any) -> list[int]:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        return self._pair("nvmlDeviceGetCudaComputeCapability", handle)

    def nvmlDeviceGetMigMode(self, handle: Any) -> list[int]:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        """The mode now, and the one after the next reset."""
        return self._pair("nvmlDeviceGetMigMode", handle)

    def nvmlDeviceGetCpuAffinity(self, handle: Any, words: int) -> list[int]:  # noqa: N802, ANN401 pynvml's name, an opaque handle
        mask = (ctypes.c_ulong * words)()
        self._call("nvmlDeviceGetCpuAffinity", handle, words, mask)
        return list(mask)

    def _fill(self, function: str, place: Any, *args: Any) -> Any:  # noqa: ANN401 of any type of ctypes
        self._call(function, *args, ctypes.byref(place))
        return place

    def _pair(self, function: str, handle: Any) -> list[int]:  # noqa: ANN401 an opaque handle
        first, second = ctypes.c_int(), ctypes.c_int()
        self._call(function, handle, ctypes.byref(first), ctypes.byref(second))
        return [first.value, second.value]

    def _text(self, function: str, *args: Any) -> bytes:  # noqa: ANN401 handles
        text = ctypes.create_string_buffer(_TEXT)
        self._call(function, *args, text, _TEXT)
        return text.value

    def _call(self, function: str, *args: Any) -> None:  # noqa: ANN401 of any type of ctypes
        try:
            call = getattr(self._library, function)
        except AttributeError:
            raise NVMLError(_FUNCTION_NOT_FOUND, "Function Not Found") from None
        code = call(*args)
        if code:
            raise NVMLError(code, self._words(code))

    def _words(self, code: int) -> str:
        describe = self._library.nvmlErrorString
        describe.restype = ctypes.c_char_p
        return (describe(code) or b"").decode("utf-8", "replace") or f"error {code}"


# What the reader may ask of either.
FUNCTIONS = (*_NUMBERS, *_TEXTS, *(name for name in vars(Library) if name.startswith("nvml")))


def binding() -> Any:  # noqa: ANN401 a module without types
    """nvidia-ml-py; None where it is not installed, cannot be imported or is too old to have every function.

    To be called in a process of its own: an import runs what is installed, whatever that is.
    """
    try:
        import pynvml  # noqa: PLC0415 in no process but that one
    except Exception:  # noqa: BLE001 of any type, such as SyntaxError from a version for Python 2
        return None
    return pynvml if all(hasattr(pynvml, name) for name in ("NVMLError", *FUNCTIONS)) else None
