# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards for which no compute driver answers, as sysfs shows them: Intel's, AMD's without KFD, other vendors'.

Sources, all of the Linux kernel: Documentation/ABI/testing/sysfs-bus-pci, the amdgpu documentation
(mem_info_vram_*, product_name), and drivers/gpu/drm/xe/xe_tile_sysfs.c (physical_vram_size_bytes). Intel's i915
shows no memory size, so there it stays unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DEVICES, DRM, gpu_entry, read_driver

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

# Adapters that show a console and compute nothing: remote consoles of servers, screens of virtual machines.
_CONSOLE_VENDORS = {
    0x102B: "Matrox",
    0x1A03: "ASPEED",
    0x19E5: "Huawei iBMC",
    0x126F: "Silicon Motion",
    0x18CA: "XGI",
    0x1AF4: "virtio",
    0x1013: "Cirrus Logic",
    0x1234: "QEMU and Bochs",
    0x1B36: "QXL",
    0x15AD: "VMware",
    0x80EE: "VirtualBox",
    0x1414: "Hyper-V",
}
_CONSOLE_DRIVERS = frozenset(("mgag200", "ast", "hibmc-drm", "virtio-pci", "cirrus", "bochs-drm", "qxl", "vmwgfx"))

# Documentation/devicetree/bindings/gpu: the vendor stands before the comma. NVIDIA's are nvidia.py's.
_COMPATIBLE = re.compile(r"^OF_COMPATIBLE_0=([a-z0-9-]{1,40}),([\w.+-]{1,80})$", re.MULTILINE | re.ASCII)
_RENDER_NODE = re.compile(r"renderD[0-9]+")
_NO_GPUS = ("nvidia", "virtio")


def is_console(card: PciDevice) -> bool:
    """Whether the card only shows a console; never true for a vendor of GPUs for computing."""
    return not card.maker and (card.vendor_id in _CONSOLE_VENDORS or card.driver in _CONSOLE_DRIVERS)


def read_others(root: Root, cards: list[PciDevice]) -> list[dict[str, Any]]:
    """An entry for each card but consoles, ``index`` counting each vendor's cards in PCI order."""
    gpus: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for card in cards:
        if is_console(card):
            continue
        gpus.append({**read_card(root, card), "index": counts.setdefault(card.vendor, 0)})
        counts[card.vendor] += 1
    for gpu in _on_chip(root):
        gpus.append({**gpu, "index": counts.setdefault(gpu["vendor"], 0)})
        counts[gpu["vendor"]] += 1
    return gpus


def _on_chip(root: Root) -> list[dict[str, Any]]:
    """GPUs of Arm and RISC-V boards, which are on no PCI bus: render nodes of devices that a device tree names."""
    gpus = []
    for name in root.names(DRM):
        folder = f"{DRM}/{name}/device"
        named = _COMPATIBLE.search(root.text(f"{folder}/uevent") or "") if _RENDER_NODE.fullmatch(name) else None
        if named is not None and named[1] not in _NO_GPUS:
            driver = read_driver(root, folder)
            gpus.append(gpu_entry(named[1], name=f"{named[1]},{named[2]}", driver=driver, integrated=True))
    return gpus


def read_card(root: Root, card: PciDevice) -> dict[str, Any]:
    """The entry of one card as sysfs has it; ``index`` is None."""
    folder, place = f"{DEVICES}/{card.address}", card.maker.integrated if card.maker else None
    total, used = _tiles(root, folder), root.natural(f"{folder}/mem_info_vram_used")
    if total is None:
        total = root.natural(f"{folder}/mem_info_vram_total")
    return gpu_entry(
        card.vendor,
        name=root.word(f"{folder}/product_name", "a product's name"),
        pci_bus_id=card.address,
        driver=card.driver,
        memory_bytes=total,
        free_bytes=None if total is None or used is None else max(0, total - used),
        numa_node=card.numa_node,
        cpus=card.cpus,
        # A card given to a virtual machine may stand where integrated graphics does, but has memory of its own.
        integrated=card.address == place and total is None if place else None,
    )


def _tiles(root: Root, folder: str) -> int | None:
    """Bytes of the chips on an Intel card of the xe driver, the part that the driver keeps for itself included."""
    names = [name for name in root.names(folder) if name.startswith("tile")]
    sizes = [root.natural(f"{folder}/{name}/physical_vram_size_bytes") for name in names]
    # Without one of them the sum would be another number.
    return None if None in sizes else sum(size for size in sizes if size is not None) or None
