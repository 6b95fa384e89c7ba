# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every GPU of a host, each vendor's from its best source.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.amd import read_amd
from ansible_collections.inference.ollama.plugins.module_utils._topology.drm import read_others
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia import read_nvidia
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import read_cards
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci_links import add_links

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root


SOURCES = frozenset({"nvidia", "amd", "drm"})


def read_gpus(
    root: Root, run: Runner | None, sources: frozenset[str] = SOURCES
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """``gpus`` (shape: gpu_entry in pci.py) and ``drivers``: ``{nvidia: {driver, cuda}, amd: {driver}}``.

    Each of the two drivers is None where it is not loaded. ``run`` is None for a captured tree, which no
    program can be asked about. NVIDIA's GPUs come first, then AMD's, then the others. What a vendor's
    source could not say is in ``root.problems``; a host without a GPU has nothing there. ``sources`` are the
    vendors to look for; ``drm`` stands for all others.
    """
    cards = read_cards(root)
    gpus: list[dict[str, Any]] = []
    drivers: dict[str, Any] = {"nvidia": None, "amd": None}
    if "nvidia" in sources:
        found, drivers["nvidia"] = read_nvidia(root, run, [card for card in cards if card.vendor == "nvidia"])
        gpus += found
    if "amd" in sources:
        found, drivers["amd"] = read_amd(root, run, [card for card in cards if card.vendor == "amd"])
        gpus += found
    if "drm" in sources:
        gpus += read_others(root, [card for card in cards if card.vendor not in ("nvidia", "amd")])
    add_links(root, gpus)
    return gpus, drivers


__all__ = ("SOURCES", "read_gpus")
