# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphics and compute cards on the PCI bus, and the shape of one entry of ``gpus``.

Sources: Documentation/ABI/testing/sysfs-bus-pci and the class codes of pci_ids.h in the Linux kernel.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import BY_ID

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import Vendor

DEVICES = "/sys/bus/pci/devices"
# Where render nodes are, of GPUs that need not be on PCI.
DRM = "/sys/class/drm"

_DISPLAY = 0x03
_ACCELERATOR = 0x12
# Of a device without a driver.
_UEVENT = re.compile(r"(?:(?!DRIVER=)[A-Z][A-Z_]*[0-9]*=[ -~]*(?:\n|$))+", re.ASCII)
_ADDRESS = re.compile(r"([0-9a-fA-F]+):([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])")


class PciDevice(NamedTuple):
    """One card as sysfs shows it; None where the kernel gives no answer."""

    address: str
    vendor_id: int
    device_id: Optional[int]
    driver: Optional[str]
    numa_node: Optional[int]
    cpus: Optional[str]

    @property
    def vendor(self) -> str:
        """``nvidia``, ``amd``, ``intel`` or the vendor number as in ``0x1ed5``."""
        return self.maker.name if self.maker else f"0x{self.vendor_id:04x}"

    @property
    def maker(self) -> Vendor | None:
        """What is known of the vendor; None for one that makes no GPUs for computing."""
        return BY_ID.get(self.vendor_id)


def read_cards(root: Root) -> list[PciDevice]:
    """Every display controller (class 03xxxx) in the order of PCI addresses, display adapters of servers too.

    Compute cards of a vendor with a reader may call themselves processing accelerators (class 12xxxx).
    """
    cards = []
    for address in sorted(root.names(DEVICES), key=_order):
        folder = f"{DEVICES}/{address}"
        code, vendor_id = root.natural(f"{folder}/class", 16), root.natural(f"{folder}/vendor", 16)
        if code is None or vendor_id is None:
            if code is None and vendor_id is None and not root.names(folder):
                root.problem(f"{folder}: expected the files of a PCI device, such as class and vendor, found none")
            continue
        kind = code >> 16
        if kind == _DISPLAY or (kind == _ACCELERATOR and vendor_id in BY_ID and BY_ID[vendor_id].read):
            cards.append(_card(root, address, vendor_id))
    return cards


def find_card(root: Root, cards: dict[str, PciDevice], address: str | None) -> PciDevice | None:
    """The card at an address that a driver named; it is one whatever its files say of its class."""
    if address is None or address in cards or not root.exists(f"{DEVICES}/{address}"):
        return cards.get(address or "")
    return _card(root, address, 0)


def _order(address: str) -> tuple[int, ...]:
    match = _ADDRESS.fullmatch(address)
    return tuple(int(part, 16) for part in match.groups()) if match else ()


def _card(root: Root, address: str, vendor_id: int) -> PciDevice:
    folder = f"{DEVICES}/{address}"
    node = root.integer(f"{folder}/numa_node")
    cpus = root.cpus(f"{folder}/local_cpulist")
    return PciDevice(
        address=address,
        vendor_id=vendor_id,
        device_id=root.natural(f"{folder}/device", 16),
        driver=read_driver(root, folder),
        # -1 is how the kernel says that firmware named no node.
        numa_node=None if node is None or node < 0 else node,
        cpus=None if cpus is None else str(cpus),
    )


def read_driver(root: Root, folder: str) -> str | None:
    """The kernel driver that a device is bound to, as in ``amdgpu``; None if unbound."""
    # The uevent file travels in captures that leave symbolic links out.
    said = root.text(f"{folder}/uevent")
    named = re.search(r"^DRIVER=([\w.-]+)$", said or "", re.MULTILINE | re.ASCII)
    if said is not None and named is None and not _UEVENT.fullmatch(said):
        root.problem(f"{folder}/uevent: read {said[:80]!r}, expected lines such as 'DRIVER=nvidia'")
    return root.link(f"{folder}/driver") or (named[1] if named else None)


def sysfs_address(text: str | None) -> str | None:
    """A PCI address as sysfs writes it: ``0000:3b:00.0`` for ``00000000:3B:00.0``; None for other text."""
    match = _ADDRESS.fullmatch((text or "").strip())
    if match is None:
        return None
    domain, bus, device, function = (int(part, 16) for part in match.groups())
    return f"{domain:04x}:{bus:02x}:{device:02x}.{function}"


def gpu_entry(vendor: str, **known: Any) -> dict[str, Any]:  # noqa: ANN401 values as many as keys
    """One entry of ``gpus`` with every key; what the caller does not name is None.

    ``memory_bytes``, ``free_bytes`` and ``shared_bytes`` (the part of ``memory_bytes`` that MemTotal counts) in bytes,
    ``answers`` whether the vendor's compute driver lists it, ``pci_bus_id`` as sysfs writes it, ``cpus`` in list form,
    ``mig`` ``{enabled, instances: [{name, uuid, memory_bytes}]}``, ``links`` ``[{to: index, kind}]``.
    """
    entry: dict[str, Any] = {
        "vendor": vendor,
        "index": None,
        "name": None,
        "uuid": None,
        "pci_bus_id": None,
        "driver": None,
        "answers": None,
        "memory_bytes": None,
        "free_bytes": None,
        "shared_bytes": None,
        "memory_bandwidth_bytes_per_second": None,
        "compute_capability": None,
        "gfx_target": None,
        "architecture": None,
        "numa_node": None,
        "cpus": None,
        "display_active": None,
        "integrated": None,
        "mig": None,
        "links": None,
        "persistence_mode": None,
    }
    unknown = known.keys() - entry.keys()
    if unknown:
        raise KeyError(f"{sorted(unknown)} are no keys of a GPU")
    return {**entry, **known}


def fill(entry: dict[str, Any], **known: Any) -> None:  # noqa: ANN401 values as many as keys
    """Put values where the entry has None; values of a better source stay."""
    for key, value in known.items():
        if entry[key] is None:
            entry[key] = value
