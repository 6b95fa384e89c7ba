# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs that share a chip with the CPUs or are on no PCI bus: GB10, Tegra (Jetson, IGX), Windows' below WSL2.

Sources: NVIDIA's list "CUDA GPU Compute Capability" (Jetson and DGX Spark), the device trees of the Linux kernel
(arch/arm64/boot/dts/nvidia), the Jetson Linux Developer Guide (/etc/nv_tegra_release, which names the release of
Jetson Linux), and Microsoft's "GPU acceleration in WSL" (/dev/dxg, /usr/lib/wsl/lib). nvidia-smi of JetPack 6 and of
GB10 prints [N/A] for memory, and some releases for the compute capability too; JetPack 5 and older have neither NVML
nor nvidia-smi.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.memory import read_sizes
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import fill, gpu_entry

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# By the chip in a device tree, and by the word in a product's name.
_CHIPS = {"124": "3.2", "210": "5.3", "186": "6.2", "194": "7.2", "234": "8.7", "264": "11.0"}
_NAMES = {"TX2": "6.2", "Xavier": "7.2", "Orin": "8.7", "Thor": "11.0", "GB10": "12.1"}
_NAME = re.compile(rf"\b({'|'.join(_NAMES)})\b")
# How the driver of Tegra's GPUs ends their names.
_NVGPU = "(nvgpu)"

_TREE = "/proc/device-tree"
_RELEASE = "/etc/nv_tegra_release"
_TEGRA_DRIVER = ("/sys/module/nvgpu", "/dev/nvhost-gpu", "/dev/nvgpu")
_DXG = "/dev/dxg"
_WSL = "/usr/lib/wsl/lib"


def complete(root: Root, gpu: dict[str, Any]) -> None:
    """The compute capability and ``integrated`` of a GPU whose driver leaves them out; others stay as they are."""
    name = gpu["name"] or ""
    named = _NAME.search(name)
    # Only a Tegra's GPU is on no PCI bus there; a card in a slot of the same board is.
    tegra = name.endswith(_NVGPU) or (gpu["pci_bus_id"] is None and _is_tegra(root))
    if named is None and not tegra:
        return
    fill(gpu, integrated=True, compute_capability=_NAMES[named[1]] if named else _capability(root))


def share(root: Root, gpu: dict[str, Any]) -> None:
    """The memory of a GPU that has the host's: all of it at most, which MemTotal counts."""
    total = read_sizes(root, "/proc/meminfo", ("MemTotal",)).get("MemTotal")
    known = [size for size in (gpu["memory_bytes"], total) if size is not None]
    gpu["memory_bytes"] = min(known, default=None)
    gpu["shared_bytes"] = None if total is None else gpu["memory_bytes"]


def unlisted(root: Root, *, asked: bool) -> list[dict[str, Any]]:
    """The GPU that a host shows on no PCI bus, where nothing lists it; WSL2 has none that an answer leaves out."""
    if any(map(root.exists, _TEGRA_DRIVER)) and _is_tegra(root):
        gpu = gpu_entry("nvidia", index=0, name=root.word(f"{_TREE}/model", "a board's name"))
        fill(gpu, integrated=True, compute_capability=_capability(root))
        return [gpu]
    if not asked and root.exists(_DXG) and any(name.startswith("libcuda.so") for name in root.names(_WSL)):
        root.problem(
            f"{_DXG}: Windows lends this host a GPU, and {_WSL} has NVIDIA's libcuda, but nothing answers for it that "
            f"could be asked (NVIDIA's library, nvidia-smi); its facts are unknown"
        )
        return [gpu_entry("nvidia")]
    return []


def _is_tegra(root: Root) -> bool:
    return bool(re.search("nvidia,tegra[0-9]", _compatible(root))) or root.exists(_RELEASE)


def _capability(root: Root) -> str | None:
    chip = re.search(r"nvidia,tegra([0-9]{3})(?![0-9])", _compatible(root))
    return _CHIPS.get(chip[1]) if chip else None


def _compatible(root: Root) -> str:
    return root.text(f"{_TREE}/compatible") or ""
