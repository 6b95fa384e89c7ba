# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of the CPU: /proc/cpuinfo, whose lines differ between architectures."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# As lscpu names them; the numbers stand in arch/arm64/include/asm/cputype.h.
_ARM_VENDORS = {
    0x41: "ARM",
    0x43: "Cavium",
    0x46: "FUJITSU",
    0x48: "HiSilicon",
    0x4E: "NVIDIA",
    0x51: "Qualcomm",
    0x61: "Apple",
    0x6D: "Microsoft",
    0xC0: "Ampere",
}
_ARM_MODELS = {
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0x48, 0xD01): "TaiShan-v110",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1a",
}


class Identity(NamedTuple):
    """Names as in lscpu; None where the kernel does not give one."""

    architecture: Optional[str]
    vendor: Optional[str]
    model: Optional[str]


def read_identity(root: Root) -> Identity:
    """Architecture (as in ``uname -m``), vendor and model."""
    whole = root.required("/proc/cpuinfo", "a description of the CPUs")
    said = _first_values(whole or "")
    vendor = _first(said, "vendor_id", "vendor")
    model = _first(said, "model name", "Model Name", "cpu model", "cpu", "uarch")
    if vendor is None:
        cores = read_arm_cores(root)
        vendor = _ARM_VENDORS.get(cores[0][0]) if cores else None
        model = model or _arm_model(cores)
    # Arm's and RISC-V's kernels give numbers; a number without a name here is not a problem.
    numbered = _first(said, "CPU implementer", "isa")
    if whole is not None and vendor is None and model is None and numbered is None:
        root.problem(
            f"/proc/cpuinfo: read {whole[:80]!r}, expected a line such as 'vendor_id: GenuineIntel' or "
            f"'CPU part: 0xd0c'"
        )
    return Identity(_architecture(root, said), vendor, model)


def _first_values(text: str) -> dict[str, str]:
    """What each name has in the first block that gives it a value."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        name, _colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if name not in values and value.strip():
            values[name] = " ".join(value.split())
    return values


def _first(said: dict[str, str], *keys: str) -> str | None:
    return next((said[key] for key in keys if key in said), None)


def read_arm_cores(root: Root) -> list[tuple[int, int]]:
    """The distinct (implementer, part) numbers of Arm cores as /proc/cpuinfo lists them; empty elsewhere."""
    text = root.text("/proc/cpuinfo") or ""
    if "CPU part" not in text:
        return []
    implementers = re.findall(r"^CPU implementer\s*: 0x([0-9a-f]{1,2})$", text, re.MULTILINE)
    parts = re.findall(r"^CPU part\s*: 0x([0-9a-f]{1,3})$", text, re.MULTILINE)
    return list(dict.fromkeys((int(who, 16), int(part, 16)) for who, part in zip(implementers, parts)))


def _arm_model(cores: list[tuple[int, int]]) -> str | None:
    names = [_ARM_MODELS.get(core) for core in cores]
    known = [name for name in names if name]
    return " + ".join(known) if known and len(known) == len(names) else None


def _architecture(root: Root, said: dict[str, str]) -> str | None:
    # Since Linux 6.1 the kernel says it in a file, which a capture can carry.
    named = root.word("/proc/sys/kernel/arch", "an architecture such as x86_64")
    if named:
        return named
    if root.live:
        return os.uname().machine
    flags = (_first(said, "flags", "Features", "features") or "").split()
    if "lm" in flags:
        return "x86_64"
    # 32-bit Arm kernels call the same instructions neon.
    if "asimd" in flags:
        return "aarch64"
    return "s390x" if "zarch" in flags else None
