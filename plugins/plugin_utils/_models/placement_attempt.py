# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One load of one model into what is free: by the server's own layout before 0.30, by llama-server's fit from then on.

Both raise RefusedError where the server refuses the load, or has another model go first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models import placement_choice as choice
from ansible_collections.inference.ollama.plugins.plugin_utils._models import placement_fit as fitting
from ansible_collections.inference.ollama.plugins.plugin_utils._models import placement_graph as graph
from ansible_collections.inference.ollama.plugins.plugin_utils._models import placement_layout as layout
from ansible_collections.inference.ollama.plugins.plugin_utils._models import prediction
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_estimate import estimated_simply
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import MIB, runtime_bytes
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_layout import RefusedError, count
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_load import (
    default_slots,
    load_of,
    rows_are_free,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_result import Placed, Use, placed
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load, ModelMemory
    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Device, Host, Inputs

# The layout is there since then, and is that of llama.cpp's runner too since the second release.
LAYOUT, LAYOUT_FOR_ALL = parse_release("0.11.5"), parse_release("0.12.11")
# The server makes room for a projector on each card since then, where LLAMA_ARG_FIT_TARGET is unset.
_PROJECTOR_TARGET = parse_release("0.31.2")


@dataclass(frozen=True)
class Attempt:
    """A model, and what is free when it is loaded; ``others``: further models are in memory."""

    record: Mapping[str, Any]
    inputs: Inputs
    cards: tuple[Device, ...]
    host: Host
    others: bool

    @property
    def layers(self) -> int:
        """The layers that the model's own parameter num_gpu asks for, -1 where it asks for none."""
        asked = (self.record.get("parameters") or {}).get("num_gpu")
        return -1 if asked is None else max(-1, int(asked))

    @property
    def projector(self) -> int:
        """Bytes of a projector's weights, 0 without one."""
        return int((self.record.get("projector") or {}).get("size_bytes") or 0)


def by_layout(attempt: Attempt) -> Placed:
    """The placement before 0.30."""
    load = load_of(attempt.record, attempt.inputs)
    found, whole = _laid(attempt, load)
    if not whole and attempt.inputs.options.parallel is None and default_slots(attempt.inputs) > 1:
        # Older releases start with several slots and go back to one.
        found, _whole = _laid(attempt, replace(load, parallel=1))
    return found


def _laid(attempt: Attempt, load: Load) -> tuple[Placed, bool]:
    memory = attempt.inputs.memory(attempt.record, load)
    cards = () if attempt.layers == 0 else attempt.cards
    own, options = _own_engine(attempt), attempt.inputs.options
    request = layout.Request(attempt.others, attempt.layers, options.spread, options.overhead)
    while True:
        slices = _slices(attempt, load, memory, request)
        found = _uses(memory, slices, cards, own=own)
        over = _overfilled(found, cards)
        if over is None:
            break
        if not own or attempt.layers >= 0 or request.backoff > 1:
            raise RefusedError(f"{over}, and the load fails", evict=False)
        request = replace(request, backoff=request.backoff + 0.1)
    host = _host_use(memory, slices, own=own)
    _check_host(host, attempt.host, cards, found)
    total = len(memory.layers) + 1
    return placed(Placed(None, "", found, host, load, total), cards), count(slices) == total or not cards


def _own_engine(attempt: Attempt) -> bool:
    """Whether the model runs in Ollama's own engine, with the layout by what it reports."""
    apart = any(part.get("role") == "projector" for part in attempt.record.get("files") or ())
    family = str(attempt.record.get("family"))
    return family in graph.OWN_ENGINE and not apart and attempt.inputs.release >= LAYOUT


def _slices(attempt: Attempt, load: Load, memory: ModelMemory, request: layout.Request) -> list[layout.Slice]:
    site = layout.Site(() if attempt.layers == 0 else attempt.cards, attempt.host)
    layers = tuple(layer.weights + layer.cache for layer in memory.layers)
    if _own_engine(attempt):
        sizes = layout.Sizes(
            (*layers, memory.output + memory.projector),
            memory.compute,
            memory.compute_split,
            memory.input + memory.compute_host,
            memory.input + memory.compute_cpu,
        )
        return layout.measured(sizes, site, request)
    expected = graph.estimate(attempt.record, load, memory.cache) or (memory.compute, memory.compute_split)
    sizes = layout.Sizes((*layers, memory.output), *expected, 0, 0)
    older = attempt.inputs.release < LAYOUT_FOR_ALL
    return (estimated_simply if older else layout.estimated)(sizes, site, request, layers[0])


def _uses(memory: ModelMemory, slices: Sequence[layout.Slice], cards: Sequence[Device], *, own: bool) -> dict[int, Use]:
    """What the model then takes of each card."""
    total = len(memory.layers) + 1
    found: dict[int, Use] = {}
    split = count(slices) < total
    # llama.cpp's runner computes parts of a batch at the same time on several cards that have all layers.
    pipeline = 0 if own or split or sum(bool(part.layers) for part in slices) < 2 else memory.compute_pipeline
    for part in slices:
        if not part.layers:
            continue
        use = found.setdefault(part.card, Use(runtime=runtime_bytes(cards[part.card])))
        use.compute = memory.compute_split if split else pipeline or memory.compute
        use.layers += len(part.layers)
        for number in part.layers:
            if number == total - 1:
                use.weights += memory.output
                use.projector += memory.projector if own else 0
            else:
                use.weights += memory.layers[number].weights
                use.kv += memory.layers[number].cache
    if memory.projector and not own and cards and found:
        # llama.cpp's runner has it on the first card that is not integrated.
        first = next((card for card, device in enumerate(cards) if not device.integrated), 0)
        found.setdefault(first, Use(runtime=runtime_bytes(cards[first]))).projector += memory.projector
    return found


def _host_use(memory: ModelMemory, slices: Sequence[layout.Slice], *, own: bool) -> Use:
    on_cards = {number for part in slices for number in part.layers}
    beside = memory.compute_beside(whole=len(on_cards) == len(memory.layers) + 1)
    use = Use(weights=memory.input, compute=(beside if on_cards else memory.compute_cpu) + memory.results)
    for number, layer in enumerate(memory.layers):
        if number not in on_cards:
            use.layers, use.weights, use.kv = use.layers + 1, use.weights + layer.weights, use.kv + layer.cache
    if len(memory.layers) not in on_cards:
        use.layers, use.weights = use.layers + 1, use.weights + memory.output
        # Ollama's own engine has the projector beside the output.
        use.projector = memory.projector if own or not on_cards else 0
    return use


def by_fit(attempt: Attempt) -> Placed:
    """The placement from 0.30 on."""
    record, inputs, options = attempt.record, attempt.inputs, attempt.inputs.options
    load = load_of(record, inputs)
    total = int(record["layers"]) + 1
    predicted = prediction.server_prediction(record, load)
    chosen = choice.choose(attempt.cards, attempt.host, predicted, spread=options.spread, layers=attempt.layers)
    cards = [attempt.cards[card] for card in chosen.cards]
    if rows_are_free(record, inputs):
        load = replace(load, rows=choice.rows(load.tokens, predicted, chosen.available, cards, flash=load.flash))
    extra = 0 if record.get("embedding_only") else prediction.surcharge(load.rows)
    limit = chosen.available * prediction.USABLE_PERCENT // 100
    if attempt.others and cards and not 0 < attempt.layers < total and predicted + extra > limit:
        raise RefusedError(
            f"the server expects {gib(predicted + extra)}, and {prediction.USABLE_PERCENT} % of what is free beside the"
            f" loaded models are {gib(limit)}",
            evict=True,
        )
    memory = inputs.memory(record, load)
    used = choice.runners_cards(attempt.cards, chosen)
    fitted = _fitted(attempt, memory, used)
    on_card = choice.projector_on_card(cards, attempt.projector, attempt.layers, total) if memory.projector else False
    found = {
        card: Use(taken.layers, taken.weights, taken.cache, taken.compute, 0, runtime_bytes(attempt.cards[card]))
        for card, taken in zip(used, fitted.cards)
        if taken.layers
    }
    host = Use(fitted.host.layers, fitted.host.weights, fitted.host.cache, fitted.host.compute)
    if on_card and used:
        found.setdefault(used[0], Use(runtime=runtime_bytes(attempt.cards[used[0]]))).projector = memory.projector
    else:
        host.projector = memory.projector
    over = _overfilled(found, attempt.cards)
    if over is not None:
        # After a load that ran out of memory the server unloads all others and tries once more.
        raise RefusedError(f"{over}, and the load fails", evict=attempt.others)
    _check_host(host, attempt.host, attempt.cards, found)
    return placed(Placed(None, "", found, host, load, total), attempt.cards, whole=fitted.whole)


def _fitted(attempt: Attempt, memory: ModelMemory, used: Sequence[int]) -> fitting.Fitted:
    """What llama-server makes of it; where somebody asks for layers or shares, it does as they say."""
    options, known = attempt.inputs.options, (attempt.record.get("tensor_bytes") or {}).get("layers") or []
    feeds = [
        fitting.Feed(int(layer.get("experts") or 0), int(layer.get("feed_forward") or 0))
        for layer in known[: len(memory.layers)]
    ]
    feeds += [fitting.Feed()] * (len(memory.layers) - len(feeds))
    free = [max(0, attempt.cards[card].free - runtime_bytes(attempt.cards[card])) for card in used]
    layers = attempt.layers if attempt.layers >= 0 else options.layers
    if not used or layers == 0:
        return fitting.take(fitting.Job(memory, feeds), [fitting.Share() for _card in used])
    shares: Sequence[float] = options.shares if options.shares and len(used) > 1 else ()
    if layers != -1 or shares or not options.fit:
        parts = [*shares[: len(used)], *[0.0] * (len(used) - len(shares))] if any(shares[: len(used)]) else free
        return fitting.explicit(fitting.Job(memory, feeds), parts, layers)
    targets = [options.target(number) for number in range(len(used))]
    padded = attempt.projector and attempt.inputs.release >= _PROJECTOR_TARGET and not options.named_target
    if padded and choice.projector_on_card(
        [attempt.cards[card] for card in used], attempt.projector, attempt.layers, len(memory.layers) + 1
    ):
        pad = -(-(attempt.projector + choice.PROJECTOR_BYTES) // MIB) * MIB
        targets = [pad for _target in targets]
    return fitting.fit(fitting.Job(memory, feeds, free, targets))


def _overfilled(found: Mapping[int, Use], cards: Sequence[Device]) -> str | None:
    """A clause about a card that would have to hold more than is free of it."""
    for card, use in found.items():
        if use.total > cards[card].free:
            return f"{cards[card].name} would have to hold {gib(use.total)} and has {gib(cards[card].free)} free"
    return None


def _check_host(use: Use, host: Host, cards: Sequence[Device], found: Mapping[int, Use]) -> None:
    """Raise RefusedError where the host has less memory than its part takes, with what cards take of it."""
    shared = sum(cards[card].shared(each.total) for card, each in found.items())
    if host.free is not None and use.total + shared > host.free + host.swap:
        raise RefusedError(
            f"{gib(use.total + shared)} of the host's memory are needed, and {gib(host.free + host.swap)} are free",
            evict=False,
        )
