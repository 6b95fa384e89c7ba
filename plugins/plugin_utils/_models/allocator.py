# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a buffer gets in which the operations of a graph have their results.

The rules of llama.cpp's allocator (ggml/src/ggml-alloc.c, b11434): inputs lie in the buffer from the start, a result
takes the smallest free block that holds it, else the end of the buffer, some operations write over their source where
nobody else reads it, and a result is freed after its last reader. A result that nobody reads stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# CUDA aligns to 128 bytes, CPUs to 32 (ggml-cuda.cu, ggml-backend.cpp): the larger counts.
ALIGNMENT = 128


@dataclass
class Graph:
    """Operations in the order in which they run. A result is named by the number of its operation."""

    _sizes: list[int] = field(default_factory=list)
    _sources: list[tuple[int, ...]] = field(default_factory=list)
    _inputs: list[int] = field(default_factory=list)
    _over: set[int] = field(default_factory=set)

    def given(self, size: int) -> int:
        """An input of ``size`` bytes."""
        self._inputs.append(len(self._sizes))
        return self.op(size)

    def op(self, size: int, *sources: int, over: bool = False) -> int:
        """A result of ``size`` bytes; ``over``: written over one of the sources where that is of the same size."""
        if over:
            self._over.add(len(self._sizes))
        self._sizes.append(-(-size // ALIGNMENT) * ALIGNMENT)
        self._sources.append(sources)
        return len(self._sizes) - 1

    def peak(self) -> int:
        """Bytes of the buffer."""
        readers = [0] * len(self._sizes)
        for sources in self._sources:
            for source in sources:
                readers[source] += 1
        memory = _Memory()
        places: dict[int, int] = {index: memory.take(self._sizes[index]) for index in self._inputs}
        for index, sources in enumerate(self._sources):
            if index not in places:
                places[index] = self._place(index, readers, places, memory)
            for source in sources:
                readers[source] -= 1
                if readers[source] == 0 and source in places:
                    memory.give(places.pop(source), self._sizes[source])
        return memory.most

    def _place(self, index: int, readers: list[int], places: dict[int, int], memory: _Memory) -> int:
        size = self._sizes[index]
        if index in self._over:
            for source in self._sources[index]:
                if readers[source] == 1 and source in places and self._sizes[source] == size:
                    return places.pop(source)
        return memory.take(size)


@dataclass
class _Memory:
    """Free blocks by their place, [start, size]; behind the last one the buffer has no end."""

    most: int = 0
    _end: int = 0
    _free: list[list[int]] = field(default_factory=list)

    def take(self, size: int) -> int:
        """The place of a block of ``size`` bytes."""
        fitting = [block for block in self._free if block[1] >= size]
        if not fitting or not size:
            self._end += size
            self.most = max(self.most, self._end)
            return self._end - size
        # Of several that fit equally well the last one.
        best = min(reversed(fitting), key=lambda block: block[1])
        best[0] += size
        best[1] -= size
        if not best[1]:
            self._free.remove(best)
        return best[0] - size

    def give(self, start: int, size: int) -> None:
        """Free a block."""
        if not size:
            return
        self._free.append([start, size])
        self._free.sort()
        merged: list[list[int]] = []
        for block in self._free:
            if merged and merged[-1][0] + merged[-1][1] == block[0]:
                merged[-1][1] += block[1]
            else:
                merged.append(block)
        if merged[-1][0] + merged[-1][1] == self._end:
            self._end = merged.pop()[0]
        self._free = merged
