# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the vendors of GPUs: who reads their cards, and when there is something to read.

On a target every imported file is compiled on every run, so a vendor's readers are imported only for its cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

# Where AMD's compute driver lists what computes, on PCI or not.
KFD = "/sys/class/kfd/kfd/topology/nodes"
# Traces of NVIDIA's driver for cards, of its driver for Tegra boards, and of Windows in WSL2: without any of them and
# without a card there is nothing to ask NVIDIA's programs.
_NVIDIA = (
    "/proc/driver/nvidia",
    "/sys/module/nvidia",
    "/sys/module/nvgpu",
    "/dev/nvidiactl",
    "/dev/nvhost-gpu",
    "/dev/nvgpu",
    "/dev/dxg",
)

# What a runner is given to ask NVIDIA's library, which is no program.
NVML = "nvml"

# Entries of ``gpus``, and the driver; None where it is not loaded.
Found = Tuple[List[Dict[str, Any]], Optional[Dict[str, Any]]]


def _nvidia(root: Root, run: Runner | None, cards: list[PciDevice]) -> Found:
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia import (  # noqa: PLC0415 compiled only where needed
        read_nvidia,
    )

    return read_nvidia(root, run, cards)


def _amd(root: Root, run: Runner | None, cards: list[PciDevice]) -> Found:
    from ansible_collections.inference.ollama.plugins.module_utils._topology.amd import (  # noqa: PLC0415 compiled only where needed
        read_amd,
    )

    return read_amd(root, run, cards)


class Vendor(NamedTuple):
    """One vendor. Without a reader of its own, ``drm.py`` reads its cards as any other vendor's.

    ``traces`` tells whether there is something to read without a card on PCI too; ``integrated`` is the PCI address of
    integrated graphics.
    """

    name: str
    pci_id: int
    read: Optional[Callable[[Root, Optional[Runner], List[PciDevice]], Found]] = None
    traces: Callable[[Root], bool] = bool
    integrated: Optional[str] = None


# In the order of the facts. The name is the one in the facts, and that of the subset where there is a reader.
VENDORS = (
    Vendor("nvidia", 0x10DE, _nvidia, lambda root: any(map(root.exists, _NVIDIA))),
    Vendor("amd", 0x1002, _amd, lambda root: bool(root.names(KFD))),
    # On every platform integrated graphics is device 2 of bus 0; cards are behind a bridge.
    Vendor("intel", 0x8086, integrated="0000:00:02.0"),
)
BY_ID = {vendor.pci_id: vendor for vendor in VENDORS}
READ = tuple(vendor for vendor in VENDORS if vendor.read)
