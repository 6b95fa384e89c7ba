# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a runner has of cards: libraries and device files that it has mapped, and its memory by the driver's own list.

proc(5), /proc/PID/maps; nvidia-smi(1), --query-compute-apps, which prints NVML's list of processes;
drivers/gpu/drm/amd/amdkfd/kfd_process.c, /sys/class/kfd/kfd/proc/PID/vram_GPUID.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

# Backends of ggml and the libraries of drivers under them. A backend is mapped wherever it is installed; a device file
# only where a card was opened.
_LIBRARY = re.compile(
    r"/(lib(?:cuda|ggml-cuda|amdhip64|ggml-hip|hsa-runtime64|ggml-vulkan|vulkan))(?:-[\w.-]{1,40})?\.so(?:\.[0-9.]{1,40})?$"
)
_DEVICE = re.compile(r"(/dev/(?:nvidia[0-9]{1,3}|nvidia-uvm|nvhost-[a-z-]{1,20}gpu|kfd|dri/renderD[0-9]{1,3}))$")
_APP = re.compile(r"([0-9]{1,9}), *([0-9]{1,9}|\[?N/A\]?|\[Not Supported\])")
_KFD = "/sys/class/kfd/kfd/proc"
_SMI = ["nvidia-smi", "--query-compute-apps=pid,used_gpu_memory", "--format=csv,noheader,nounits"]
_MIB = 1 << 20


def read_use(root: Proc, folder: str) -> dict[str, Any]:
    """``{libraries, devices, memory_bytes}`` of the process in ``/proc/PID``; None where its maps cannot be read."""
    text = root.text(f"{folder}/maps")
    if text is None:
        return {"libraries": None, "devices": None, "memory_bytes": None}
    libraries, devices = set(), set()
    for line in text.splitlines():
        library, device = _LIBRARY.search(line), _DEVICE.search(line)
        if library:
            libraries.add(library[1] or library[2])
        if device:
            devices.add(device[1])
    return {"libraries": sorted(libraries), "devices": sorted(devices), "memory_bytes": None}


def add_memory(root: Proc, run: Runner | None, processes: Iterable[dict[str, Any]]) -> None:
    """Set ``memory_bytes`` of each runner that may have a card; 0 for one that the driver does not list.

    The driver is asked once, and only where a library of it is mapped. In a container it may list nobody: a process
    that has a card open stays None then.
    """
    runners = [each for each in processes if each.get("kind") == "runner" and (each.get("gpu") or {}).get("libraries")]
    if not runners:
        return
    nvidia = [each for each in runners if {"libcuda", "libggml-cuda"} & set(each["gpu"]["libraries"])]
    held = _nvidia(run) if nvidia and run is not None else None
    for each in runners:
        use, pid = each["gpu"], each["pid"]
        of_kfd = _kfd(root, pid)
        found = of_kfd if of_kfd is not None else (None if held is None or each not in nvidia else held.get(pid, 0))
        use["memory_bytes"] = None if found == 0 and use["devices"] else found


def _nvidia(run: Runner) -> dict[int, int] | None:
    """Bytes by process; None where the driver does not answer. An amount that it does not know counts as one byte."""
    said = run(_SMI)
    if said.out is None:
        return None
    found: dict[int, int] = {}
    for line in said.out.splitlines():
        match = _APP.fullmatch(line.strip())
        if match:
            size = int(match[2]) * _MIB if match[2].isdigit() else 1
            found[int(match[1])] = found.get(int(match[1]), 0) + size
    return found


def _kfd(root: Proc, pid: int) -> int | None:
    """Bytes on AMD cards; None for a process without a queue of the compute driver, or without that driver."""
    folder = f"{_KFD}/{pid}"
    sizes = [root.natural(f"{folder}/{name}") for name in root.names(folder) if name.startswith("vram_")]
    return sum(size for size in sizes if size is not None) if sizes else None
