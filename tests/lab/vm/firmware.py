# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest's firmware would say: the ACPI processor table, and the archive that carries it to Linux."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOCAL_APIC = 0xFEE00000
IO_APIC = 0xFEC00000

# Where QEMU's q35 wires the legacy interrupts: (source, global interrupt, flags).
OVERRIDES = ((0, 2, 0), (5, 5, 13), (9, 9, 13), (10, 10, 13), (11, 11, 13))


def madt(cpus: Iterable[tuple[int, int]]) -> bytes:
    """ACPI Multiple APIC Description Table of (ACPI processor id, APIC id) pairs.

    Linux numbers its CPUs in the order of the entries; the first one must be the boot CPU.
    """
    body = struct.pack("<II", LOCAL_APIC, 1)
    body += b"".join(struct.pack("<BBBBI", 0, 8, number, apic, 1) for number, apic in cpus)
    body += struct.pack("<BBBBII", 1, 12, 0, 0, IO_APIC, 0)
    body += b"".join(struct.pack("<BBBBIH", 2, 10, 0, *override) for override in OVERRIDES)
    body += struct.pack("<BBBHB", 4, 6, 0xFF, 0, 1)  # NMI on LINT1 of every CPU
    head = struct.pack("<4sIBB6s8sI4sI", b"APIC", 36 + len(body), 3, 0, b"BOCHS ", b"BXPC    ", 2, b"BXPC", 1)
    table = bytearray(head + body)
    table[9] = -sum(table) & 255  # the bytes of a table add up to nothing
    return bytes(table)


def cpio(files: Sequence[tuple[str, bytes | None]]) -> bytes:
    """A newc archive of (name, content) pairs; content None means a directory."""
    out = bytearray()
    for inode, (name, content) in enumerate([*files, ("TRAILER!!!", b"")], 1):
        raw = name.encode() + b"\0"
        mode = 0o40755 if content is None else 0o100644
        data = content or b""
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        for part in (b"070701" + b"".join(b"%08X" % field for field in fields) + raw, data):
            out += part
            out += b"\0" * (-len(out) % 4)
    out += b"\0" * (-len(out) % 512)
    return bytes(out)


def acpi_archive(table: bytes) -> bytes:
    """The uncompressed archive in front of an initrd: Linux takes its ACPI tables over the firmware's."""
    return cpio(
        [
            ("kernel", None),
            ("kernel/firmware", None),
            ("kernel/firmware/acpi", None),
            ("kernel/firmware/acpi/apic.aml", table),
        ]
    )
