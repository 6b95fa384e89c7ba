# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the vendors of GPUs, by their names in the facts of ``topology_facts``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vendor:
    """One vendor. A plan counts on cards of one that has a ``visible`` variable, and leaves others to the server.

    ``visible`` names the cards that a server sees, by UUID or by index; ``unread`` says that the generation of a card
    was not read; ``after`` is the service that has to start before a server; ``tool`` shows the cards that the driver
    sees. With ``cuda`` ``ollama_cuda_visible_devices`` names the cards, and their compute capability decides.
    """

    title: str
    visible: str | None = None
    unread: str | None = None
    lowest_compute: tuple[int, int] | None = None
    after: str | None = None
    tool: str | None = None
    cuda: bool = False


VENDORS = {
    "nvidia": Vendor(
        "NVIDIA",
        visible="CUDA_VISIBLE_DEVICES",
        unread="compute capability not read",
        # Every Linux build of every supported release has kernels for this and later, and none for less
        # (CMakePresets.json and Dockerfile of 0.1.29 to 0.33.0).
        lowest_compute=(5, 0),
        after="nvidia-persistenced.service",
        tool="nvidia-smi",
        cuda=True,
    ),
    "amd": Vendor("AMD", visible="ROCR_VISIBLE_DEVICES", unread="gfx target not read", tool="rocm-smi"),
    "intel": Vendor("Intel"),
}


def vendor_of(name: object) -> Vendor:
    """The vendor of this name; one that nobody has heard of is called by its name."""
    return VENDORS.get(str(name)) or Vendor(str(name or ""))
