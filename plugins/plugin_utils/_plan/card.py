# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One GPU of a host as a plan sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import Vendor, vendor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

GIB = 1 << 30
_COMPUTE = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")
# A card that this driver has belongs to a virtual machine.
_GIVEN_AWAY = "vfio-pci"


@dataclass(frozen=True)
class Gpu:
    """One GPU as a runner would use it.

    ``answers`` False: the vendor's compute interface does not list it. ``display_active`` None: not known.
    ``shared_bytes`` of ``memory_bytes`` are the host's own memory. ``library`` is what serves it on the release, None
    where the plan does not count on it (gpu.py). ``undivided``: it is in MIG mode, and nobody has made instances.
    """

    vendor: str
    index: int | None
    name: str
    uuid: str | None
    pci_bus_id: str | None
    memory_bytes: int | None
    compute: tuple[int, int] | None
    gfx_target: str | None
    numa_node: int | None
    display_active: bool | None
    integrated: bool
    answers: bool | None = None
    driver: str | None = None
    shared_bytes: int = 0
    undivided: bool = False
    library: str | None = field(default=None, compare=False)
    # Bytes per second that the memory's bus carries.
    memory_bandwidth: int | None = None
    # A partition of a card (Multi-Instance GPU); the partitions of a card that is partitioned.
    partition: bool = False
    partitions: tuple[Gpu, ...] = ()

    @property
    def maker(self) -> Vendor:
        """What the card has in common with all cards of its vendor."""
        return vendor_of(self.vendor)

    @property
    def may_display(self) -> bool:
        """Whether a screen may hang on it: one does, or nobody could say."""
        return self.display_active is not False and self.answers is not False and self.driver != _GIVEN_AWAY

    @property
    def address(self) -> str:
        """What tells the card from others in a plan; the partitions of a card share its address."""
        place = self.uuid if self.partition else self.pci_bus_id or self.uuid
        return place or self.name

    @property
    def place(self) -> str:
        """Where the card is, as a sentence says it."""
        return self.pci_bus_id or self.uuid or "an address that was not read"

    @property
    def label(self) -> str:
        """How a reason names the card: ``Quadro P4000 (8.0 GiB, compute capability 6.1)``."""
        facts = [gib(self.memory_bytes)] if self.memory_bytes else []
        facts += [f"compute capability {self.compute[0]}.{self.compute[1]}"] if self.compute else []
        return f"{self.name} ({', '.join(facts)})" if facts else self.name


def gib(count: int | None) -> str:
    """``8589934592`` as ``8.0 GiB``."""
    return "an unknown size" if count is None else f"{count / GIB:.1f} GiB"


def gpu_of(entry: Mapping[str, Any], host_bytes: int | None) -> Gpu:
    """One entry of the facts; an integrated GPU whose own memory is not known shares all that it can have."""
    memory, integrated = entry.get("memory_bytes"), bool(entry.get("integrated"))
    if integrated and memory is None and vendor_of(entry.get("vendor")).cuda:
        memory = host_bytes
    shared = entry.get("shared_bytes")
    compute = _COMPUTE.fullmatch(str(entry.get("compute_capability")))
    whole = Gpu(
        vendor=str(entry.get("vendor")),
        index=entry.get("index"),
        name=str(entry.get("name") or f"{vendor_of(entry.get('vendor')).title} GPU"),
        uuid=entry.get("uuid"),
        pci_bus_id=entry.get("pci_bus_id"),
        memory_bytes=memory,
        memory_bandwidth=entry.get("memory_bandwidth_bytes_per_second"),
        compute=(int(compute[1]), int(compute[2])) if compute else None,
        gfx_target=entry.get("gfx_target"),
        numa_node=entry.get("numa_node"),
        display_active=entry.get("display_active"),
        integrated=integrated,
        answers=entry.get("answers"),
        driver=entry.get("driver"),
        shared_bytes=min(shared if shared is not None else memory or 0, memory or 0) if integrated else shared or 0,
    )
    mig = entry.get("mig") or {}
    parts = mig.get("instances") or []
    return replace(
        whole,
        partitions=tuple(_partition(whole, part) for part in parts),
        undivided=bool(mig.get("enabled")) and mig.get("instances") == [],
    )


def _partition(whole: Gpu, part: Mapping[str, Any]) -> Gpu:
    memory, bandwidth = part.get("memory_bytes"), None
    if memory and whole.memory_bytes and whole.memory_bandwidth:
        # A slice of the memory has that share of its bandwidth (NVIDIA Multi-Instance GPU User Guide).
        bandwidth = whole.memory_bandwidth * memory // whole.memory_bytes
    return replace(
        whole,
        index=None,
        name=f"{whole.name} MIG {part.get('name')}",
        uuid=part.get("uuid"),
        memory_bytes=memory,
        memory_bandwidth=bandwidth,
        partition=True,
    )
