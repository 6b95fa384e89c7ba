# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every GPU of a host, each vendor's from its best source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DRM, read_cards
from ansible_collections.inference.ollama.plugins.module_utils._topology.vendors import READ

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

SOURCES = frozenset({*(vendor.name for vendor in READ), "drm"})


def read_gpus(
    root: Root, run: Runner | None, sources: frozenset[str] = SOURCES
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """``gpus`` (shape: gpu_entry in pci.py) and ``drivers``: ``{nvidia: {driver, cuda, error}, amd: {driver, error}}``.

    A driver is None where it is not loaded. ``run`` is None for a captured tree, which no program can be asked
    about. GPUs come in the order of the vendors with a reader, then the others. What a vendor's source could not
    say is in ``root.problems``; a host without a GPU has nothing there. ``sources`` are the vendors to look for;
    ``drm`` stands for all others.
    """
    cards = read_cards(root)
    gpus: list[dict[str, Any]] = []
    drivers: dict[str, Any] = dict.fromkeys(vendor.name for vendor in READ)
    for vendor in READ:
        own = [card for card in cards if card.maker == vendor]
        if vendor.read and vendor.name in sources and (own or vendor.traces(root)):
            found, drivers[vendor.name] = vendor.read(root, run, own)
            gpus += found
    if "drm" in sources:
        gpus += _others(root, [card for card in cards if card.maker not in READ])
    if gpus:
        from ansible_collections.inference.ollama.plugins.module_utils._topology.pci_links import (  # noqa: PLC0415 compiled only where needed
            add_links,
        )

        add_links(root, gpus)
    if any(gpu["display_active"] is None for gpu in gpus) and root.names(DRM):
        from ansible_collections.inference.ollama.plugins.module_utils._topology.screens import (  # noqa: PLC0415 compiled only where needed
            add_screens,
        )

        add_screens(root, gpus, cards)
    return gpus, drivers


def _others(root: Root, cards: list[PciDevice]) -> list[dict[str, Any]]:
    if not cards and not root.names(DRM):
        return []
    from ansible_collections.inference.ollama.plugins.module_utils._topology.drm import (  # noqa: PLC0415 compiled only where needed
        read_others,
    )

    return read_others(root, cards)
