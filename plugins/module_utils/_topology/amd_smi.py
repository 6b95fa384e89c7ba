# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``rocm-smi --json``: AMD's product names, and facts of a card that KFD does not have.

Source: rocm-smi's JSON as ROCm 6.0 to 6.4 print it; the keys changed their capitals in between.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import sysfs_address

ARGV = [
    "rocm-smi",
    "--showbus",
    "--showproductname",
    "--showmeminfo",
    "vram",
    "--showuniqueid",
    "--showdriverversion",
    "--json",
]


# Forms of values, so that a damaged one is not taken for another.
_WORDS = {
    "unique id": re.compile(r"0x[0-9a-fA-F]{1,16}"),
    "gfx version": re.compile(r"gfx[0-9a-f]{3,5}"),
    "vram total memory (b)": re.compile(r"[0-9]{1,18}"),
    "vram total used memory (b)": re.compile(r"[0-9]{1,18}"),
    "pci bus": re.compile(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]"),
}


def parse_rocm(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """By card what rocm-smi knows (keys of an entry of ``gpus``, sizes in bytes), and the driver's version.

    Raises ValueError where the text holds no such JSON. Warnings may stand before it.
    """
    start = text.find("{")
    if start < 0:
        raise ValueError(f"read {text[:80]!r}, expected one JSON object")
    # Numbers stay texts: one of a million digits takes minutes, and all values become texts below.
    said = json.loads(text[start:], parse_int=str, parse_float=str)
    if not isinstance(said, dict) or not all(isinstance(values, dict) for values in said.values()) or "\ufffd" in text:
        raise ValueError(f"read {text[start : start + 80]!r}, expected one object a card")
    cards = [_card(values) for key, values in said.items() if key.startswith("card")]
    if not cards:
        raise ValueError(f"read {text[start : start + 80]!r}, expected one object a card, such as card0")
    return cards, _word(_lower(said.get("system", {})), "driver version")


def _card(values: dict[str, Any]) -> dict[str, Any]:
    known = _lower(values)
    total, used = _number(known, "vram total memory (b)"), _number(known, "vram total used memory (b)")
    unique_id = _word(known, "unique id")
    return {
        "name": _word(known, "card series") or _word(known, "device name"),
        "uuid": f"GPU-{int(unique_id, 16):016x}" if unique_id else None,
        "pci_bus_id": sysfs_address(_word(known, "pci bus")),
        "memory_bytes": total,
        "free_bytes": None if total is None or used is None else max(0, total - used),
        "gfx_target": _word(known, "gfx version"),
    }


def _lower(values: dict[str, Any]) -> dict[str, str]:
    return {key.lower(): str(value).strip() for key, value in values.items()}


def _word(known: dict[str, str], key: str) -> str | None:
    word = known.get(key, "")
    if word in ("", "N/A"):
        return None
    pattern = _WORDS.get(key)
    if not printable(word) or (pattern is not None and pattern.fullmatch(word) is None):
        raise ValueError(f"read {word[:80]!r} as {key!r}, expected another word there")
    return word


def _number(known: dict[str, str], key: str) -> int | None:
    word = _word(known, key)
    return None if word is None else int(word)
