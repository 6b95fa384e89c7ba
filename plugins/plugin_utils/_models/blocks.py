# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results that the parts of a layer have in memory: attention, feed forward, experts.

Sources: llama.cpp b11434, src/llama-graph.cpp and src/models. Sizes are four bytes for each element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._models.allocator import Graph

FLOAT = 4


@dataclass(frozen=True)
class Inputs:
    """Inputs that layers read: positions, the places of keys and values in the cache, masks (full and sliding)."""

    positions: int
    places: int
    masks: tuple[int, int]


@dataclass(frozen=True)
class Attention:
    """Elements for each row: of queries, keys, values and of what attention returns; ``cells`` that each row sees.

    ``heads`` of the queries. ``norms``: queries and keys are normalised first. ``after``: so is the result. ``gate``:
    it is multiplied with a gate that comes with the queries. Without ``flash`` the scores of all cells are stored.
    ``copied``: bytes of keys and values that are copied to the device from a cache that lies on the host; ``widened``:
    of those that are made f16 before they are read (CUDA, src/ggml-cuda/fattn.cu).
    """

    queries: int
    keys: int
    values: int
    returned: int
    heads: int
    cells: int
    sliding: bool = False
    norms: bool = False
    after: bool = False
    gate: bool = False
    flash: bool = True
    copied: int = 0
    widened: int = 0


@dataclass(frozen=True)
class Compressed:
    """Attention with compressed keys: its ranks and lengths, and how many heads there are."""

    queries: int
    rank: int
    rotated: int
    key: int
    value: int
    heads: int
    cells: int
    flash: bool = True
    copied: int = 0
    widened: int = 0

    @property
    def returned(self) -> int:
        """Elements that attention returns, still compressed."""
        return self.heads * self.rank


@dataclass(frozen=True)
class Forward:
    """Elements of a feed forward part. ``after``: its result is normalised. ``weight``: bytes of one of its tensors
    that are copied to the device, 0 where they are there.
    """

    length: int
    gated: bool = True
    after: bool = False
    weight: int = 0


@dataclass(frozen=True)
class Experts:
    """Experts in all, those that a token uses, the elements of one; the shared one; the rest as of ``Forward``.

    ``first``: rows are weighted before the experts (Llama 4), not after them. ``kept``: what the experts return is kept
    beside what is made of it.
    """

    count: int
    used: int
    length: int
    shared: Forward | None = None
    gated: bool = True
    after: bool = False
    weight: int = 0
    first: bool = False
    kept: bool = False


@dataclass(frozen=True)
class Builder:
    """Adds the operations of parts to a graph, in llama.cpp's order.

    Each part takes the result of the layers so far and returns the new one, ``width`` elements in each of ``rows``.
    """

    graph: Graph
    rows: int
    width: int
    given: Inputs

    def result(self, elements: int, *sources: int, over: bool = False) -> int:
        """A result of so many elements for each row."""
        return self.graph.op(self.rows * elements * FLOAT, *sources, over=over)

    def product(self, elements: int, *sources: int, weight: int = 0) -> int:
        """A product with weights, of which ``weight`` bytes are copied to the device first."""
        copied = (self.graph.op(weight),) if weight else ()
        return self.result(elements, *sources, *copied)

    def normed(self, elements: int, x: int) -> int:
        """A norm with weights."""
        return self.result(elements, self.result(elements, x, over=True), over=True)

    def added(self, found: int, x: int, *, after: bool = False) -> int:
        """The result of a part, normalised where the family does so, and what was before it."""
        found = self.normed(self.width, found) if after else found
        return self.result(self.width, found, x, over=True)

    def attention(self, x: int, part: Attention) -> int:
        """Full or sliding attention."""
        base = self.normed(self.width, x)
        both = self.result(part.queries * 2, base) if part.gate else base
        query = self._rotated(part.queries, both, part, split=part.gate)
        if part.after:
            key, value = self._rotated(part.keys, base, part), self.result(part.values, base)
        else:
            value, key = self.result(part.values, base), self._rotated(part.keys, base, part)
        self.graph.op(0, key, value, self.given.places)
        found = self._attended(query, self.given.masks[part.sliding], part)
        if part.gate:
            gate = self.result(part.returned, both)
            found = self.result(part.returned, found, self.result(part.returned, gate, over=True))
        return self.added(self.result(self.width, found), x, after=part.after)

    def compressed_attention(self, x: int, part: Compressed) -> int:
        """Multi-head latent attention: queries are multiplied into the space of the compressed keys."""
        base = self.normed(self.width, x)
        query = self.normed(part.queries, self.result(part.queries, base)) if part.queries else base
        query = self.result(part.heads * part.key, query)
        absorbed = self.result(part.heads * part.rank, query)
        turned = self.result(part.heads * part.rotated, query, self.given.positions)
        query = self.result(part.heads * (part.rank + part.rotated), absorbed, turned)
        both = self.result(part.rank + part.rotated, base)
        kept = self.result(part.rank, self.result(part.rank, both), over=True)
        turned = self.result(part.rotated, both, self.given.positions)
        key = self.result(part.rank + part.rotated, turned, kept)
        self.graph.op(0, key, self.given.places)
        found = self._attended(query, self.given.masks[0], part)
        found = self.result(part.heads * part.value, self.result(part.heads * part.value, found))
        return self.added(self.result(self.width, found), x)

    def forward(self, x: int, part: Forward) -> int:
        """A dense feed forward part."""
        return self.added(self._dense(self.normed(self.width, x), part), x, after=part.after)

    def experts(self, x: int, part: Experts) -> int:
        """A feed forward part of experts, and the shared expert beside them."""
        base = self.normed(self.width, x)
        scores = self.result(part.count, self.result(part.count, base), over=True)
        order = self.result(part.count, scores)
        weights = self.result(part.used, scores, order)
        inner = part.used * part.length
        entry = self.result(part.used * self.width, base, weights) if part.first else base
        found = self.product(inner, entry, order, weight=part.weight)
        if part.gated:
            found = self.result(inner, found, self.product(inner, entry, order, weight=part.weight))
        else:
            found = self.result(inner, found, over=True)
        found = self.product(part.used * self.width, found, order, weight=part.weight)
        found = self.result(part.used * self.width, found, weights, over=not part.kept)
        found = self.result(self.width, found)
        if part.shared:
            found = self.result(self.width, found, self._dense(base, part.shared), over=True)
        return self.added(found, x, after=part.after)

    def embeddings(self, entry: int, chosen: int, elements: int) -> int:
        """What layers have of the token embeddings by layer, ``elements`` in all, made in the first of them."""
        found = self.result(elements, self.result(elements, entry))
        return self.result(elements, self.result(elements, found, chosen, over=True))

    def embedded(self, x: int, chosen: int, elements: int) -> int:
        """The embedding of one layer, added to its result."""
        found = self.result(elements, self.result(elements, x), chosen, over=True)
        return self.added(self.result(self.width, found), x, after=True)

    def stacked(self, x: int) -> int:
        """The four streams of Gemma 3n's alternating updates."""
        found = self.result(3 * self.width, self.result(3 * self.width, x))
        return self.result(4 * self.width, self.result(4 * self.width, x, found))

    def predicted(self, streams: int) -> int:
        """The streams as a layer expects them, before it corrects them."""
        self.normed(self.width, streams)
        found = self.result(4 * self.width, self.result(4 * self.width, streams))
        return self.result(4 * self.width, found, streams, over=True)

    def corrected(self, x: int, streams: int) -> int:
        """The streams after a layer, of whose result each one takes a part."""
        found = self.result(4 * self.width, self.result(self.width, x, streams))
        return self.result(4 * self.width, self.result(4 * self.width, found, streams, over=True))

    def _attended(self, query: int, mask: int, part: Attention | Compressed) -> int:
        copied = (self.graph.op(part.copied),) if part.copied else ()
        if part.flash:
            size = self.rows * part.returned * FLOAT + part.widened
            return self.graph.op(size, query, mask, *copied)
        scores = self.result(part.heads * part.cells, query, *copied)
        scores = self.result(part.heads * part.cells, scores, mask, over=True)
        return self.result(part.returned, self.result(part.returned, scores))

    def _rotated(self, elements: int, x: int, part: Attention, *, split: bool = False) -> int:
        found = x if split else self.result(elements, x)
        if part.norms:
            found = self.result(elements, self.result(elements, found), over=True)
        return self.result(elements, found, self.given.positions, over=part.norms)

    def _dense(self, x: int, part: Forward) -> int:
        found = self.product(part.length, x, weight=part.weight)
        if part.gated:
            found = self.result(part.length, found, self.product(part.length, x, weight=part.weight))
        else:
            found = self.result(part.length, found, over=True)
        return self.product(self.width, found, weight=part.weight)
