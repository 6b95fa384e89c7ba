# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host of a fleet has which model (docs/fleet.md).

What is placed stays where it still fits. Then each model gets its first copy, the largest first, then each its second,
and so on. The same hosts and models give the same placement, in whatever order they come.
"""

from __future__ import annotations

import heapq
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import ANY, GPU

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.memory import Members, Rule
    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import FleetModel

# How a model came to its host: it was there, and the host was read or not; it is in memory, or in the store; it is
# new there.
STAYS, UNREAD, LOADED, STORED, NEW = "stays", "unread", "loaded", "stored", "new"


@dataclass(frozen=True)
class Member:
    """A host that models may be placed on. ``kind`` is the kind of host by which a Rule knows it.

    ``domains`` are its failure domains by the variable that names them; ``loaded`` and ``stored`` the models that are
    in memory and in its store; ``kept`` those that stay in its memory by its own variables.
    """

    name: str
    kind: str
    domains: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    loaded: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()
    kept: Members = ()

    def domain(self, variable: str) -> str:
        """The failure domain; a host that names none is one of its own, which no other's name is like."""
        return self.domains.get(variable) or f"\0{self.name}"


@dataclass(frozen=True)
class Before:
    """The placement before: hosts by model. ``unread`` are hosts of the fleet that nothing is known of this time;
    ``left`` says of hosts that get no model why.
    """

    placed: Mapping[str, Sequence[str]]
    unread: frozenset[str] = frozenset()
    left: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass
class Placement:
    """Where each model is, ``{host: how}`` by model, and where it is no longer, ``{host: why}`` by model.

    ``members`` are the models of each host in their order.
    """

    hosts: dict[str, dict[str, str]]
    gone: dict[str, dict[str, str]]
    members: dict[str, Members]


def place_models(
    models: Sequence[FleetModel], hosts: Iterable[Member], rule: Rule, before: Before, *, rebalance: bool = False
) -> Placement:
    """Place the models. ``rule`` knows each model of which it is known what it takes, and the kinds of all hosts.

    With ``rebalance`` nothing stays for having been there, but on hosts that could not be read.
    """
    work = _Work(sorted(hosts, key=lambda host: host.name), rule, before, rebalance=rebalance)
    wanted = sorted(models, key=lambda model: (not rule.knows(model.key), rule.order(model.key), model.key))
    work.keep(wanted)
    for copy in range(max((model.copies for model in wanted), default=0)):
        for model in wanted:
            if model.copies > copy and len(work.made.hosts[model.key]) <= copy and rule.knows(model.key):
                work.place(model)
    return work.made


class _Work:
    """A placement that grows."""

    def __init__(self, hosts: list[Member], rule: Rule, before: Before, *, rebalance: bool) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._rule = rule
        self._before = before
        self._rebalance = rebalance
        # Of its own models a host keeps those that fit it; what does not fit is no concern of the fleet.
        self.made = Placement({}, {}, {host.name: self._holding(host.kind, (), host.kept) for host in hosts})
        self._fill = {host.name: rule.fill(host.kind, self.made.members[host.name]) for host in hosts}
        self._choices: dict[str, list[tuple[tuple[float, ...], str]]] = {}
        self._kinds = sorted({host.kind for host in hosts})
        self._on_cards = {kind: rule.kind(kind).on_cards for kind in self._kinds}

    def _holding(self, kind: str, members: Members, names: Iterable[str]) -> Members:
        for name in sorted(names, key=self._rule.order):
            joined = self._rule.joined(members, name)
            members = joined if self._rule.holds(kind, joined) else members
        return members

    def keep(self, models: Sequence[FleetModel]) -> None:
        """Leave what is placed where it fits, and no more copies than are wanted."""
        for model in models:
            placed = self._before.placed.get(model.key, ())
            stays, gone = self.made.hosts.setdefault(model.key, {}), self.made.gone.setdefault(model.key, {})
            for name in sorted(placed):
                why = self._lost(name, model)
                if why is not None:
                    gone[name] = why
                elif name not in self._hosts:
                    stays[name] = UNREAD
                elif self._rule.knows(model.key):
                    joined = self._rule.joined(self.made.members[name], model.key)
                    if self._rule.holds(self._hosts[name].kind, joined):
                        self._put(model, name, STAYS)
                    else:
                        gone[name] = "it does not fit there any more"
                else:
                    stays[name] = STAYS
            while len(stays) > model.copies:
                name = self._least_needed(model)
                gone[name] = f"copies is {model.copies} now"
                self._take(model, name)

    def _lost(self, name: str, model: FleetModel) -> str | None:
        """Why a model cannot stay on a host, but for what it takes."""
        if name in self._before.left:
            return self._before.left[name]
        if name in self._before.unread:
            return None
        if name not in self._hosts:
            return "the host is no longer in the fleet"
        if not self._may(model, self._hosts[name].kind):
            return f"devices is {model.devices} now"
        return "all were placed from scratch" if self._rebalance else None

    def _may(self, model: FleetModel, kind: str) -> bool:
        return model.devices == ANY or (model.devices == GPU) == self._on_cards[kind]

    def _least_needed(self, model: FleetModel) -> str:
        """The copy that goes first: one of the domain that has most, that is not in memory."""
        there = self.made.hosts[model.key]
        domains = {name: self._hosts[name].domain(model.spread) if name in self._hosts else name for name in there}
        counts = Counter(domains.values())
        loaded = {name for name in there if name in self._hosts and model.key in self._hosts[name].loaded}
        return max(there, key=lambda name: (counts[domains[name]], name not in loaded, _rank(model.key, name)))

    def _put(self, model: FleetModel, name: str, how: str) -> None:
        kind = self._hosts[name].kind
        members = self._rule.joined(self.made.members[name], model.key)
        self.made.hosts[model.key][name] = how
        self.made.members[name] = members
        self._fill[name] = self._rule.fill(kind, members)

    def _take(self, model: FleetModel, name: str) -> None:
        del self.made.hosts[model.key][name]
        if name in self._hosts:
            members = tuple(each for each in self.made.members[name] if each != model.key)
            self.made.members[name] = members
            self._fill[name] = self._rule.fill(self._hosts[name].kind, members)

    def place(self, model: FleetModel) -> None:
        """Give a model one more host, the best of those on which it fits; none where there is none.

        Meanwhile hosts only fill, so that none becomes better, and where a model does not fit it never will.
        """
        there = self.made.hosts[model.key]
        counts = Counter(self._hosts[name].domain(model.spread) for name in there if name in self._hosts)
        choices = self._choices.get(model.key)
        if choices is None:
            choices = self._choices[model.key] = self._found(model, counts)
        while choices:
            worth, name = heapq.heappop(choices)
            host, members = self._hosts[name], self.made.members[name]
            now = self._worth(model, host, counts)
            if now > worth:
                heapq.heappush(choices, (now, name))
            elif self._rule.may_hold(host.kind, members, model.key) and self._rule.holds(
                host.kind, self._rule.joined(members, model.key)
            ):
                how = LOADED if model.key in host.loaded else STORED if model.key in host.stored else NEW
                self._put(model, name, how)
                return

    def _found(self, model: FleetModel, counts: Mapping[str, int]) -> list[tuple[tuple[float, ...], str]]:
        """The hosts that a model may be placed on, the best first (a heap)."""
        able = {kind for kind in self._kinds if self._may(model, kind) and self._rule.holds(kind, (model.key,))}
        choices = [
            (self._worth(model, host, counts), host.name)
            for host in self._hosts.values()
            if host.kind in able and self._open(model, host)
        ]
        heapq.heapify(choices)
        return choices

    def _open(self, model: FleetModel, host: Member) -> bool:
        return host.name not in self._before.left and model.key not in self.made.members[host.name]

    def _worth(self, model: FleetModel, host: Member, counts: Mapping[str, int]) -> tuple[float, ...]:
        """By what hosts are chosen, the best the smallest."""
        apart, fill = counts[host.domain(model.spread)], self._fill[host.name]
        cards = not self._on_cards[host.kind]
        loaded, stored = model.key not in host.loaded, model.key not in host.stored
        rank = _rank(model.key, host.name)
        if self._rebalance:
            return apart, cards, fill, loaded, stored, rank
        return apart, loaded, cards, stored, fill, rank


def _rank(model: str, host: str) -> int:
    """A number by which models that could be on each of many like hosts are on different ones."""
    return zlib.crc32(f"{model}\0{host}".encode())
