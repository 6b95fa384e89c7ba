# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every GPU of a host, each vendor's from its best source.

On a target every imported file is compiled on every run, so readers of a vendor are imported only for its cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import DRM, KFD, read_cards

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

SOURCES = frozenset({"nvidia", "amd", "drm"})

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
        found, drivers["nvidia"] = _nvidia(root, run, [card for card in cards if card.vendor == "nvidia"])
        gpus += found
    if "amd" in sources:
        found, drivers["amd"] = _amd(root, run, [card for card in cards if card.vendor == "amd"])
        gpus += found
    if "drm" in sources:
        gpus += _others(root, [card for card in cards if card.vendor not in ("nvidia", "amd")])
    if gpus:
        from ansible_collections.inference.ollama.plugins.module_utils._topology.pci_links import (  # noqa: PLC0415 compiled only where needed
            add_links,
        )

        add_links(root, gpus)
    return gpus, drivers


def _nvidia(
    root: Root, run: Runner | None, cards: list[PciDevice]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    if not cards and not any(map(root.exists, _NVIDIA)):
        return [], None
    from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia import (  # noqa: PLC0415 compiled only where needed
        read_nvidia,
    )

    return read_nvidia(root, run, cards)


def _amd(root: Root, run: Runner | None, cards: list[PciDevice]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    if not cards and not root.names(KFD):
        return [], None
    from ansible_collections.inference.ollama.plugins.module_utils._topology.amd import (  # noqa: PLC0415 compiled only where needed
        read_amd,
    )

    return read_amd(root, run, cards)


def _others(root: Root, cards: list[PciDevice]) -> list[dict[str, Any]]:
    if not cards and not root.names(DRM):
        return []
    from ansible_collections.inference.ollama.plugins.module_utils._topology.drm import (  # noqa: PLC0415 compiled only where needed
        read_others,
    )

    return read_others(root, cards)
