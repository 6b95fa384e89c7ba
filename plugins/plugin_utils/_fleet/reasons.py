# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a model has fewer hosts than it is to have, and what would be needed, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import ANY, CPU, GPU
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.memory import bytes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.placement import Member, Placement
    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.reading import Fleet
    from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import FleetModel


def why_not(model: FleetModel, made: Placement, fleet: Fleet) -> tuple[str, str | None]:
    """Why a model has too few hosts, and what would be needed."""
    rule, hosts = fleet.rule, [host for host in fleet.members.values() if host.name not in fleet.before.left]
    if not hosts:
        return "no host could be read", None
    if not rule.knows(model.key):
        return (
            "what it takes is not known, since no store of the fleet has it",
            "pull it on one host, or give its numbers (needs)",
        )
    kinds = {host.kind: host.name for host in sorted(hosts, key=lambda host: host.name, reverse=True)}
    right = [kind for kind in kinds if model.devices in (ANY, GPU if rule.kind(kind).on_cards else CPU)]
    if not right:
        return f"no host has {'GPUs' if model.devices == GPU else 'no GPU'}, and devices is {model.devices}", None
    able = [kind for kind in right if rule.holds(kind, (model.key,))]
    largest = max(able or right, key=lambda kind: (min(rule.kind(kind).bytes), kinds[kind]))
    size, slots, tokens = rule.needed(largest, model.key)
    where = "of GPUs" if rule.kind(largest).on_cards else "of memory"
    needs = f"{bytes_of(size)} {where} for {slots} slot{'' if slots == 1 else 's'} of {tokens} tokens"
    if not able:
        most = f"{bytes_of(min(rule.kind(largest).bytes))} {where}"
        why = (
            f"it fits no host, not even one without other models; the largest is {kinds[largest]} with {most} for them"
        )
        return why, f"a host with {needs}, or fewer bits for each weight"
    places = [host for host in hosts if host.kind in able]
    return _taken(model, places, made, fleet, f"{needs}, as on {kinds[largest]}")


def _taken(model: FleetModel, places: Sequence[Member], made: Placement, fleet: Fleet, needs: str) -> tuple[str, str]:
    """Why none of the hosts that can hold a model takes another copy."""
    free = [host for host in places if model.key not in made.members[host.name]]
    if not free:
        all_of_them = (
            f"all {len(places)} hosts that can hold it have it"
            if len(places) > 1
            else f"{places[0].name}, the only host that can hold it, has it"
        )
        return all_of_them, f"another host with {needs}, or fewer copies"
    many = len(free) > 1
    others = f"{len(free)} hosts that could hold it have" if many else f"{free[0].name}, which could hold it, has"
    remedy = f"{needs}, or ollama_fleet_rebalance to place all from scratch"
    if all(fleet.rule.crowded(host.kind, made.members[host.name]) for host in free):
        return f"{others} as many models as {'their' if many else 'its'} servers hold at once", remedy
    return f"{others} other models in its place", remedy
