# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of logical CPUs (or NUMA nodes) in the two notations of the kernel.

List format ``0-3,8``, mask format ``00000000,0000010f``; see "List format" and "Mask format" in cpuset(7).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Larger than any kernel's NR_CPUS (8192 is the most that a distribution configures); keeps "0-99999999999"
# in a damaged file from filling the memory.
LIMIT = 1 << 16

# As much of a damaged text as a problem shows.
_QUOTED = 80

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6})(?::([0-9]{1,6})/([0-9]{1,6}))?)?")
# Compiled where there is one: only old kernels have masks alone.
_MASK = r"[0-9a-fA-F]{1,8}(?:,[0-9a-fA-F]{1,8})*"


def _quoted(text: str) -> str:
    """The beginning of a text, as a problem shows it."""
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")


class CpuSet:
    """An immutable, ordered set of CPU numbers."""

    # One bit a CPU: plans and readers mostly cut and join sets of hundreds of CPUs.
    __slots__ = ("_bits",)

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._bits = 0
        for number in ids:
            if not 0 <= number < LIMIT:
                raise ValueError(f"CPU number {number} is not in 0-{LIMIT - 1}")
            self._bits |= 1 << number

    @classmethod
    def _of(cls, bits: int) -> CpuSet:
        made = cls.__new__(cls)
        made._bits = bits  # noqa: SLF001
        return made

    @classmethod
    def parse(cls, text: str) -> CpuSet:
        """Read the list format, ``0-13,28-41`` or with strides ``0-31:1/2``; the empty text is the empty set.

        Raises ValueError that says which part is wrong.
        """
        bits = 0
        text = text.strip()
        for part in text.split(",") if text else ():
            match = _RANGE.fullmatch(part.strip())
            if match is None:
                raise ValueError(f"{_quoted(part)} in {_quoted(text)} is not a CPU number or a range such as 0-3")
            first = int(match[1])
            last = int(match[2]) if match[2] else first
            used, group = int(match[3] or 1), int(match[4] or 1)
            if last < first:
                raise ValueError(f"the range {_quoted(part)} in {_quoted(text)} ends before it begins")
            if last >= LIMIT:
                raise ValueError(f"CPU number {last} in {_quoted(text)} is not in 0-{LIMIT - 1}")
            if not 0 < used <= group:
                raise ValueError(f"the stride of {_quoted(part)} in {_quoted(text)} takes {used} of every {group}")
            if used == group:
                used = group = last - first + 1
            for start in range(first, last + 1, group):
                bits |= (1 << min(start + used, last + 1)) - (1 << start)
        return cls._of(bits)

    @classmethod
    def parse_mask(cls, text: str) -> CpuSet:
        """Read the mask format, 32-bit words in hexadecimal with commas between, the highest word first.

        Raises ValueError that quotes the text.
        """
        text = text.strip()
        if re.fullmatch(_MASK, text) is None:
            raise ValueError(f"{_quoted(text)} is not a CPU mask such as 00000000,0000000f")
        words = text.split(",")
        if len(words) * 32 > LIMIT:
            raise ValueError(f"a CPU mask of {len(words)} words is longer than any kernel prints")
        return cls._of(int("".join(f"{word:>08}" for word in words), 16))

    def __str__(self) -> str:
        """The list format, shortest form: ``0-13,28-41``."""
        parts: list[str] = []
        start = last = -2
        for cpu in [*self, LIMIT + 1]:
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
        return bin(self._bits).count("1")

    def __bool__(self) -> bool:
        return self._bits != 0

    def __iter__(self) -> Iterator[int]:
        return (cpu for cpu, bit in enumerate(reversed(f"{self._bits:b}")) if bit == "1")

    def __contains__(self, cpu: object) -> bool:
        return isinstance(cpu, int) and 0 <= cpu < LIMIT and bool(self._bits >> cpu & 1)

    def __eq__(self, other: object) -> bool:
        return self._bits == other._bits if isinstance(other, CpuSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bits)

    def __le__(self, other: CpuSet) -> bool:
        return not self._bits & ~other._bits

    def isdisjoint(self, other: CpuSet) -> bool:
        return not self._bits & other._bits

    def __and__(self, other: CpuSet) -> CpuSet:
        return self._of(self._bits & other._bits)

    def __or__(self, other: CpuSet) -> CpuSet:
        return self._of(self._bits | other._bits)

    def __sub__(self, other: CpuSet) -> CpuSet:
        return self._of(self._bits & ~other._bits)

    def first(self) -> int:
        """The lowest number; ValueError on the empty set."""
        if not self._bits:
            raise ValueError("the empty set has no first CPU")
        return (self._bits & -self._bits).bit_length() - 1
