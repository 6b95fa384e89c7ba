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

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root


def read_gpus(root: Root, run: Runner | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """``gpus`` (shape: gpu_entry in pci.py) and ``drivers``: ``{nvidia: {driver, cuda}, amd: {driver}}``.

    Each of the two drivers is None where it is not loaded. ``run`` is None for a captured tree, which no
    program can be asked about. NVIDIA's GPUs come first, then AMD's, then the others. What a vendor's
    source could not say is in ``root.problems``; a host without a GPU has nothing there.
    """
    cards = read_cards(root)
    nvidia, nvidia_driver = read_nvidia(root, run, [card for card in cards if card.vendor == "nvidia"])
    amd, amd_driver = read_amd(root, run, [card for card in cards if card.vendor == "amd"])
    others = read_others(root, [card for card in cards if card.vendor not in ("nvidia", "amd")])
    return nvidia + amd + others, {"nvidia": nvidia_driver, "amd": amd_driver}


__all__ = ("read_gpus",)
