# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs as files show them: sysfs for the card, /proc/driver/nvidia for its name, UUID and driver.

Memory, compute capability, MIG, display and links are not in any file. Source: NVIDIA's driver README,
chapter "The /proc interface".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import UUID
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import gpu_entry

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
    from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import PciDevice

PROC = "/proc/driver/nvidia"

_DRIVER = re.compile(r"Kernel Module\s+(?:for \S+\s+)?([0-9]{1,6}(?:\.[0-9]{1,6}){1,3})(?![\w.])")
_NAME = re.compile(r"\S.*")


def read_proc(root: Root, cards: list[PciDevice]) -> tuple[list[dict[str, Any]], str | None]:
    """One entry a card in PCI order, and the driver's version; ``index`` is None without that driver."""
    gpus: list[dict[str, Any]] = []
    number = 0
    for card in cards:
        said = _information(root, card.address)
        unopened = "?" * 8 in said.get("GPU UUID", "")
        # nvidia-smi numbers the cards of its driver in PCI order.
        index = number if said else None
        number += bool(said)
        gpus.append(
            gpu_entry(
                "nvidia",
                index=index,
                name=_checked(root, card.address, said, "Model", _NAME),
                # Question marks until a first program has opened the card.
                uuid=None if unopened else _checked(root, card.address, said, "GPU UUID", UUID),
                pci_bus_id=card.address,
            )
        )
    return gpus, read_driver(root)


def _information(root: Root, address: str) -> dict[str, str]:
    lines = (root.text(f"{PROC}/gpus/{address}/information") or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _checked(root: Root, address: str, said: dict[str, str], key: str, pattern: re.Pattern[str]) -> str | None:
    value = said.get(key, "")
    if not said or (printable(value) and pattern.fullmatch(value)):
        return value or None
    root.problem(f"{PROC}/gpus/{address}/information: read {value[:80]!r} as {key}, expected a line '{key}: …'")
    return None


def read_driver(root: Root) -> str | None:
    """``580.159.04`` of the loaded kernel module; None where none is loaded."""
    path = f"{PROC}/version"
    text = root.text(path)
    match = _DRIVER.search(text or "")
    if match is None and text is not None:
        root.problem(f"{path}: read {text[:80]!r}, expected 'Kernel Module  580.159.04' in it")
    return match[1] if match else root.word("/sys/module/nvidia/version", "a version such as 580.159.04")
