# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory cards have, and how much of it is free, by the vendors' own figures.

nvidia-smi(1), ``--query-gpu``; Documentation/gpu/amdgpu of Linux, mem_info_vram_total and mem_info_vram_used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

_SMI = ["nvidia-smi", "--query-gpu=pci.bus_id,memory.total,memory.free", "--format=csv,noheader,nounits"]
_CARD = re.compile(r"([0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9]), *([0-9]{1,9}), *([0-9]{1,9})")
_MIB = 1 << 20
_DRIVER, _DEVICES = "/proc/driver/nvidia/version", "/sys/bus/pci/drivers/amdgpu"
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def read_cards(root: Proc, run: Runner) -> list[dict[str, Any]]:
    """``{card, total_bytes, free_bytes}`` of each card, which ``card`` names by its PCI address, in its order."""
    nvidia = _nvidia(root, run) if root.exists(_DRIVER) or root.exists("/dev/nvidiactl") else []
    return sorted([*nvidia, *_amd(root)], key=lambda card: str(card["card"]))


def _nvidia(root: Proc, run: Runner) -> list[dict[str, Any]]:
    said = run(_SMI)
    if said.out is None:
        root.problem(str(said.problem))
        return []
    found = [match for match in map(_CARD.fullmatch, map(str.strip, said.out.splitlines())) if match]
    # The domain has four digits in the kernel's names.
    return [
        {"card": match[1].lower()[4:], "total_bytes": int(match[2]) * _MIB, "free_bytes": int(match[3]) * _MIB}
        for match in found
    ]


def _amd(root: Proc) -> list[dict[str, Any]]:
    found = []
    for name in root.names(_DEVICES):
        total, used = (root.natural(f"{_DEVICES}/{name}/mem_info_vram_{part}") for part in ("total", "used"))
        if _ADDRESS.fullmatch(name) and total is not None and used is not None:
            found.append({"card": name, "total_bytes": total, "free_bytes": max(0, total - used)})
    return found
