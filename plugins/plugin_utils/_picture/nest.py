# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets, NUMA nodes and caches as nested boxes, whichever of them is the larger.

Mostly a socket holds nodes and a node holds caches, but a cache may span the nodes of a socket, and a virtual
machine's node many sockets. Sets of CPUs that overlap otherwise cannot be boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._picture.facts import Part

# Of parts with the same CPUs the first is drawn around the others.
_OUTERMOST = ("socket", "node", "cache")


@dataclass
class Group:
    """CPUs that have the same parts around them: ``parts`` from the outside in, then the boxes inside."""

    cpus: CpuSet
    parts: list[Part] = field(default_factory=list)
    inside: list[Group] = field(default_factory=list)

    @property
    def rest(self) -> CpuSet:
        """The CPUs that are in none of the boxes inside."""
        return self.cpus - CpuSet(cpu for group in self.inside for cpu in group.cpus)


def nest(levels: Sequence[Sequence[Part]], cpus: CpuSet) -> tuple[Group, list[str]]:
    """All CPUs as one group with boxes inside, and the names of the levels that cannot be drawn as boxes.

    ``levels`` come the most important first: of two that cross, the later one is left out.
    """
    accepted: list[Sequence[Part]] = []
    crossing: list[str] = []
    for level in levels:
        members = [part for part in level if part.cpus]
        if members and _apart(members) and all(_fits(members, other) for other in accepted):
            accepted.append(members)
        elif members:
            crossing.append(members[0].level)
    return _tree([part for level in accepted for part in level], cpus), crossing


def _apart(members: Sequence[Part]) -> bool:
    return sum(len(part.cpus) for part in members) == len({cpu for part in members for cpu in part.cpus})


def _fits(members: Sequence[Part], others: Sequence[Part]) -> bool:
    """Whether each member is inside one of the others or made up of whole ones."""
    owner = {cpu: number for number, other in enumerate(others) for cpu in other.cpus}
    for part in members:
        touched = {owner[cpu] for cpu in part.cpus if cpu in owner}
        inside = len(touched) == 1 and part.cpus <= others[min(touched)].cpus
        if not inside and not all(others[number].cpus <= part.cpus for number in touched):
            return False
    return True


def _tree(parts: list[Part], cpus: CpuSet) -> Group:
    groups: dict[CpuSet, Group] = {}
    for part in sorted(parts, key=lambda part: _OUTERMOST.index(part.level)):
        groups.setdefault(part.cpus, Group(part.cpus)).parts.append(part)
    root = Group(cpus)
    innermost = dict.fromkeys(cpus, root)
    # The largest first, so that whatever holds a group is there before it.
    for group in sorted(groups.values(), key=lambda group: (-len(group.cpus), group.cpus.first())):
        innermost[group.cpus.first()].inside.append(group)
        innermost.update(dict.fromkeys(group.cpus, group))
    for group in (root, *groups.values()):
        group.inside.sort(key=_order)
    return root


def _order(group: Group) -> tuple[int, int]:
    # Numbers of nodes have gaps and need not follow those of CPUs.
    numbers = [part.number for part in group.parts if part.number is not None]
    return (numbers[0] if numbers else 0, group.cpus.first())
