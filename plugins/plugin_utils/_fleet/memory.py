# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether models fit a host beside each other, by the rule of _models/placement.py, once for each kind of host.

Models that a host is to have are put into memory in one order, the largest first, whatever the order in which they were
placed there: so a second run finds of each host what the first one did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import Load, model_memory
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import beside
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import read_inputs
from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_load import load_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._models.memory import ModelMemory
    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement import Resident
    from ansible_collections.inference.ollama.plugins.plugin_utils._models.placement_inputs import Inputs

    # Models by name, in the order in which they are loaded; those of each server of a host then in its memory.
    Members = tuple[str, ...]
    State = tuple[tuple[Resident, ...], ...]


_LEAST_LOAD = Load(1)


@dataclass(frozen=True)
class Kind:
    """Servers of a host, each kind of server once."""

    servers: tuple[Inputs, ...]

    @property
    def on_cards(self) -> bool:
        """Whether models lie on cards."""
        return all(inputs.devices for inputs in self.servers)

    @property
    def bytes(self) -> tuple[int, ...]:
        """What each server has for models, of cards or of the host."""
        return tuple(
            sum(device.free for device in inputs.devices) if inputs.devices else inputs.host.free or 0
            for inputs in self.servers
        )


class Rule:
    """Which models fit which kind of host together. What was asked once is looked up."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the records of all models by name."""
        self._records = records
        order = sorted(records, key=lambda name: (-int(records[name].get("size_bytes") or 0), name))
        self._order = {name: number for number, name in enumerate(order)}
        self._known: dict[tuple[str, Members], State | None] = {}
        self._sizes: dict[tuple[int, Load], ModelMemory] = {}
        self._kinds: dict[str, Kind] = {}

    def learn(self, kind: str, servers: Sequence[Mapping[str, Any]], release: str) -> None:
        """Learn a kind of host by its servers, as fleet_host() returns them; a kind that is known is left as it is."""
        if kind in self._kinds:
            return
        different = {str(server): server for server in servers}.values()
        read = [read_inputs(server["topology"], server["environment"], release) for server in different]
        self._kinds[kind] = Kind(tuple(replace(inputs, memory=self._memory) for inputs in read))
        self._known[kind, ()] = tuple(() for _inputs in read)

    def kind(self, kind: str) -> Kind:
        """The kind of this name."""
        return self._kinds[kind]

    def knows(self, name: str) -> bool:
        """Whether it is known what a model takes."""
        return name in self._order

    def order(self, name: str) -> int:
        """The place of a model among all: the largest is first, one that is not known the last."""
        return self._order.get(name, len(self._order))

    def joined(self, members: Members, *names: str) -> Members:
        """The models with others, in their order."""
        return tuple(sorted({*members, *names}, key=self._order.__getitem__))

    def holds(self, kind: str, members: Members) -> bool:
        """Whether a host of this kind holds the models beside each other, each as a whole on cards or on CPUs."""
        return self._state(kind, members) is not None

    def may_hold(self, kind: str, members: Members, name: str) -> bool:
        """False where a model does not fit beside others by its weights and caches alone; cheaper than to ask holds().

        ``members`` are there.
        """
        alone = self._state(kind, (name,))
        if alone is None:
            return False
        there = self._known.get((kind, members)) or ()
        sizes = self._kinds[kind].bytes
        return all(_least(one) + _taken(others) <= size for one, others, size in zip(alone, there, sizes))

    def crowded(self, kind: str, members: Members) -> bool:
        """Whether a host has as many models as one of its servers holds at once."""
        return any(len(members) >= (inputs.options.loaded or len(members) + 1) for inputs in self._kinds[kind].servers)

    def fill(self, kind: str, members: Members) -> float:
        """The share of the memory for models that they take, of the fullest server."""
        state = self._state(kind, members) or ()
        return max(
            (_taken(residents) / size for residents, size in zip(state, self._kinds[kind].bytes) if size), default=0.0
        )

    def taken(self, kind: str, members: Members, name: str) -> int:
        """The bytes of cards or of the host that one of the models takes on one server, the most of any."""
        place = members.index(name)
        state = self._state(kind, members) or ()
        return max((_taken(residents[place : place + 1]) for residents in state), default=0)

    def needed(self, kind: str, name: str) -> tuple[int, int, int]:
        """Bytes, slots and tokens of each slot that a model needs on a server of this kind, wherever it is."""
        inputs, record = self._kinds[kind].servers[0], self._records[name]
        load = load_of(record, inputs)
        memory = self._memory(record, load)
        return memory.weights + memory.cache + memory.projector + memory.compute, load.parallel, load.context

    def _state(self, kind: str, members: Members) -> State | None:
        """What is in memory once the models are; None where they do not fit."""
        known = self._known
        start = len(members)
        while (kind, members[:start]) not in known:
            start -= 1
        state = known[kind, members[:start]]
        for number in range(start, len(members)):
            if state is not None:
                state = self._with(kind, state, members[number])
            known[kind, members[: number + 1]] = state
        return state

    def _with(self, kind: str, state: State, name: str) -> State | None:
        record, kinds, made = self._records[name], self._kinds[kind], []
        if self._weights(record) > min(kinds.bytes):
            # To find out how much of it would fit takes far longer than to find out that it does.
            return None
        for inputs, residents in zip(kinds.servers, state):
            found = beside(record, inputs, residents)
            if found is None:
                return None
            made.append((*residents, found))
        return tuple(made)

    def _weights(self, record: Mapping[str, Any]) -> int:
        """The weights that lie with the layers, whatever the slots and tokens are."""
        memory = self._memory(record, _LEAST_LOAD)
        return memory.weights - memory.input

    def _memory(self, record: Mapping[str, Any], load: Load) -> ModelMemory:
        # The records live as long as this.
        key = (id(record), load)
        if key not in self._sizes:
            self._sizes[key] = model_memory(record, load)
        return self._sizes[key]


def _taken(residents: Sequence[Resident]) -> int:
    """Bytes that models take of what they lie on."""
    return sum(sum(use.total for use in each.found.cards.values()) or each.found.host.total for each in residents)


def _least(residents: Sequence[Resident]) -> int:
    """Bytes of them without what depends on what else is there."""
    uses = [use for each in residents for use in (each.found.cards.values() or (each.found.host,))]
    return sum(use.weights + use.kv for use in uses)
