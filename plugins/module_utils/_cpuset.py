# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of logical CPUs (or NUMA nodes) in the two notations of the kernel.

List format ``0-3,8``, mask format ``00000000,0000010f``; see "List format" and "Mask format" in cpuset(7).
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Larger than any kernel's NR_CPUS (8192 is the most that a distribution configures); keeps "0-99999999999"
# in a damaged file from filling the memory.
LIMIT = 1 << 16

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6})(?::([0-9]{1,6})/([0-9]{1,6}))?)?")
_MASK = re.compile(r"[0-9a-fA-F]{1,8}(?:,[0-9a-fA-F]{1,8})*")


class CpuSet:
    """An immutable, ordered set of CPU numbers."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._ids = frozenset(ids)
        for number in self._ids:
            if not 0 <= number < LIMIT:
                raise ValueError(f"CPU number {number} is not in 0-{LIMIT - 1}")

    @classmethod
    def parse(cls, text: str) -> CpuSet:
        """Read the list format, ``0-13,28-41`` or with strides ``0-31:1/2``; the empty text is the empty set.

        Raises ValueError that says which part is wrong.
        """
        ids: set[int] = set()
        text = text.strip()
        for part in text.split(",") if text else ():
            match = _RANGE.fullmatch(part.strip())
            if match is None:
                raise ValueError(f"{part!r} in {text!r} is not a CPU number or a range such as 0-3")
            first = int(match[1])
            last = int(match[2]) if match[2] else first
            used, group = int(match[3] or 1), int(match[4] or 1)
            if last < first:
                raise ValueError(f"the range {part!r} in {text!r} ends before it begins")
            if last >= LIMIT:
                raise ValueError(f"CPU number {last} in {text!r} is not in 0-{LIMIT - 1}")
            if not 0 < used <= group:
                raise ValueError(f"the stride of {part!r} in {text!r} takes {used} of every {group}")
            ids.update(cpu for cpu in range(first, last + 1) if (cpu - first) % group < used)
        return cls(ids)

    @classmethod
    def parse_mask(cls, text: str) -> CpuSet:
        """Read the mask format, 32-bit words in hexadecimal with commas between, the highest word first.

        Raises ValueError that quotes the text.
        """
        text = text.strip()
        if _MASK.fullmatch(text) is None:
            raise ValueError(f"{text!r} is not a CPU mask such as 00000000,0000000f")
        words = text.split(",")
        if len(words) * 32 > LIMIT:
            raise ValueError(f"a CPU mask of {len(words)} words is longer than any kernel prints")
        value = 0
        for word in words:
            value = value << 32 | int(word, 16)
        return cls(bit for bit in range(value.bit_length()) if value >> bit & 1)

    def __str__(self) -> str:
        """The list format, shortest form: ``0-13,28-41``."""
        parts: list[str] = []
        start = last = -2
        for cpu in [*sorted(self._ids), LIMIT + 1]:
            if cpu == last + 1:
                last = cpu
                continue
            if start >= 0:
                parts.append(str(start) if start == last else f"{start}-{last}")
            start = last = cpu
        return ",".join(parts)

    def __repr__(self) -> str:
        return f"CpuSet({str(self)!r})"

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._ids))

    def __contains__(self, cpu: object) -> bool:
        return cpu in self._ids

    def __eq__(self, other: object) -> bool:
        return self._ids == other._ids if isinstance(other, CpuSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._ids)

    def __le__(self, other: CpuSet) -> bool:
        return self._ids <= other._ids

    def __and__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self._ids & other._ids)

    def __or__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self._ids | other._ids)

    def __sub__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self._ids - other._ids)

    def first(self) -> int:
        """The lowest number; ValueError on the empty set."""
        return min(self._ids)


__all__ = ("LIMIT", "CpuSet")
