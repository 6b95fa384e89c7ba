# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances that the operator lists one by one.

Sources: docs/policy.md, rule I4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.environment import ready
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.fit import LOADED
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.partition import partition
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE, Policy, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share, memory_of, within
from ansible_collections.inference.ollama.plugins.plugin_utils._values import HIDDEN, quoted

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import Gpu
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Entry:
    """One entry of the list, parsed. ``node`` and ``cpus`` None: what the others leave."""

    name: str
    policy: Policy
    own_host: bool
    own_loaded_models: bool
    node: Node | None
    cpus: CpuSet | None


def split(planning: Planning, cards: list[Gpu], listed: tuple[dict[str, Any], ...]) -> list[Share]:
    """Return the listed instances in their order; what is not possible goes to ``planning.notes.errors``."""
    before = len(planning.notes.errors)
    entries = [_entry(planning, number, dict(fields)) for number, fields in enumerate(listed)]
    if len(planning.notes.errors) > before:
        return []
    _refuse_same_names(planning, entries)
    entries = _addresses(planning, entries)
    cpus = _cpus(planning, entries)
    gpus = _gpus(planning, entries, cards)
    single = len(entries) == 1
    homes = [planning.machine.home_of(part) for part in cpus]
    shares = [
        Share(
            "ollama" if single else entry.name,
            entry.policy,
            tuple(gpus[number]),
            memory_of(planning.machine, homes[number], max(1, homes.count(homes[number])), len(entries)),
            OPERATOR,
            f"ollama_instances lists {len(entries)}: CPUs {cpus[number] or 'of the host'}, {len(gpus[number])} GPU(s)",
            cpus=None if single and entry.cpus is None else cpus[number],
            node=homes[number],
            index=number,
            count=len(entries),
            own_loaded_models=entry.own_loaded_models,
        )
        for number, entry in enumerate(entries)
    ]
    return within(planning.machine, shares)


def _entry(planning: Planning, number: int, fields: dict[str, Any]) -> Entry:
    name = str(fields.pop("name", ""))
    where = f"ollama_instances[{number}]"
    if not _NAME.fullmatch(name):
        planning.error(
            f"{where}.name: {quoted(name)} is not allowed; allowed are up to 31 small letters, digits and dashes, as in"
            " node0"
        )
    cpus = _cpu_list(planning, where, fields.pop("cpus", None))
    keys = [option.name for option in planning.contract.options.values() if option.scope == "instance"]
    for unknown in sorted({str(field) for field in fields} - set(keys)):
        key = HIDDEN if carries_secret(unknown) else unknown[:80]
        planning.error(f"{where}.{key}: no such key; allowed are name, cpus, {', '.join(keys)}")
    fields = {key: value for key, value in fields.items() if key in keys}
    own, errors = parse(fields)
    base = planning.policy
    environment = {**base.environment, **own.environment}
    # parse() fills in defaults; only what the entry itself decides counts here.
    given = [key for key, value in fields.items() if key != "environment" and value is not None]
    said = {key: getattr(own, key) for key in given if getattr(own, key) is not None}
    policy = base.replace(**{**said, "environment": environment})
    judged = planning.found.variables.keys() - own.environment.keys()
    policy, lint_errors, warnings = ready(policy, planning.release, judged)
    for text in (*errors, *lint_errors):
        planning.error(text if text in planning.notes.errors else text.replace("ollama_", f"{where}.", 1))
    for warning in warnings:
        planning.warn(**warning)
    own_models = "max_loaded_models" in said or LOADED in own.environment
    return Entry(name, policy, "host" in said, own_models, _node(planning, where, policy), cpus)


def _cpu_list(planning: Planning, where: str, value: object) -> CpuSet | None:
    if value is None:
        return None
    allowed = planning.machine.allowed or CpuSet()
    try:
        cpus = CpuSet.parse(str(value))
    except ValueError as error:
        why = f"{HIDDEN} is no list of CPUs" if carries_secret(str(value)) else str(error)[:200]
        planning.error(f"{where}.cpus: {why}; allowed is a list such as 0-13,28-41, of CPUs {allowed}")
        return None
    if not cpus or not cpus <= allowed:
        planning.error(f"{where}.cpus: {quoted(str(value))} is not allowed; the service may use CPUs {allowed}")
        return None
    return cpus


def _node(planning: Planning, where: str, policy: Policy) -> Node | None:
    if policy.numa_node in (None, NONE):
        return None
    nodes = planning.machine.cpu_nodes
    for node in nodes:
        if node.id == policy.numa_node:
            return node
    ids = ", ".join(str(node.id) for node in nodes) or "none"
    planning.error(
        f"{where}.numa_node: {policy.numa_node!r} is not allowed; nodes with usable CPUs on this host: {ids}"
    )
    return None


def _refuse_same_names(planning: Planning, entries: list[Entry]) -> None:
    names = [entry.name for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        planning.error(f"ollama_instances: {names.count(name)} entries are named {name!r}; each needs its own name")


def _addresses(planning: Planning, entries: list[Entry]) -> list[Entry]:
    """Each with an address: its own, or the host's with the port counted up; two on one port are refused."""
    address, port = split_host(planning.policy.host) or ("127.0.0.1", 11434)
    host = f"[{address}]" if ":" in address else address
    placed = [
        entry if entry.own_host else replace(entry, policy=entry.policy.replace(host=f"{host}:{port + number}"))
        for number, entry in enumerate(entries)
    ]
    taken: dict[int, str] = {}
    for entry in placed:
        own = (split_host(entry.policy.host) or ("", 0))[1]
        if own in taken:
            planning.error(
                f"ollama_instances: {taken[own]!r} and {entry.name!r} both listen on port {own}; give one of them"
                " another host"
            )
        taken[own] = entry.name
    return placed


def _cpus(planning: Planning, entries: list[Entry]) -> list[CpuSet]:
    """Named CPUs first; entries on one node share what is left of it, the others what is left of the host."""
    machine = planning.machine
    left = machine.allowed or CpuSet()
    left = left - machine.isolated or left
    result: dict[int, CpuSet] = {}
    for number, entry in enumerate(entries):
        if entry.cpus is not None:
            owners = [entries[other].name for other, cpus in result.items() if cpus & entry.cpus]
            if owners:
                planning.error(
                    f"ollama_instances[{number}].cpus: {str(entry.cpus)!r} overlaps those of {owners[0]!r}; a CPU"
                    " belongs to one instance"
                )
            result[number] = entry.cpus
            left -= entry.cpus
    kinds = [kind for _name, kind in machine.kinds]
    homes = [entry.node for entry in entries if entry.node is not None and entry.cpus is None]
    for home in [node for place, node in enumerate(homes) if node not in homes[:place]] + [None]:
        waiting = [number for number, entry in enumerate(entries) if number not in result and entry.node == home]
        pool = left & home.cpus if home else left
        for number, share in zip(waiting, partition(pool, machine.siblings, kinds, len(waiting)) if waiting else ()):
            result[number] = share
            left -= share
            if not share:
                planning.error(
                    f"ollama_instances[{number}]: no core is left for {entries[number].name!r}"
                    f"{f' on node {home.id}' if home else ''}; list fewer instances, or other CPUs"
                )
    return [result[number] for number in range(len(entries))]


def _gpus(planning: Planning, entries: list[Entry], cards: list[Gpu]) -> list[list[Gpu]]:
    """Named cards first, then those of an entry's node; the rest is dealt out to entries that have none."""
    result: list[list[Gpu]] = [[] for entry in entries]
    taken: dict[str, str] = {}
    for number, entry in enumerate(entries):
        for device in entry.policy.cuda_visible_devices or ():
            found = next((card for card in cards if device in _names(card)), None)
            if found is None:
                names = ", ".join(f"{card.index} ({card.name})" for card in cards if card.maker.cuda) or "none"
                planning.error(
                    f"ollama_instances[{number}].cuda_visible_devices: {device!r} is not on this host; NVIDIA GPUs"
                    f" here: {names}; or none"
                )
            elif found.address in taken:
                planning.error(
                    f"ollama_instances[{number}].cuda_visible_devices: {device!r} belongs to {taken[found.address]!r}"
                    " already; a card belongs to one instance"
                )
            else:
                taken[found.address] = entry.name
                result[number].append(found)
    named = [card for part in result for card in part]
    homes = {entry.node.id for entry in entries if entry.node}
    # An entry that says none of NVIDIA's is for the others, so NVIDIA's come first; of those the ones with a home.
    free = [card for card in cards if card not in named]
    for card in sorted(free, key=lambda card: (not card.maker.cuda, card.numa_node not in homes)):
        open_to = _open_to(entries, card, cards)
        at_home = [number for number in open_to if (home := entries[number].node) and home.id == card.numa_node]
        if at_home or open_to:
            result[min(at_home or open_to, key=lambda number: len(result[number]))].append(card)
        elif not (card.maker.cuda and all(entry.policy.cuda_visible_devices == () for entry in entries)):
            planning.warn(
                "gpu-of-no-instance",
                f"{card.label} at {card.place} belongs to no entry of ollama_instances, so no model runs on it",
                "name it in an entry's cuda_visible_devices, or leave that out in one"
                if card.maker.cuda
                else "leave cuda_visible_devices out in one entry, or say none there",
            )
    return result


def _open_to(entries: list[Entry], card: Gpu, cards: list[Gpu]) -> list[int]:
    """The entries that may have a card which none of them names, those first that say nothing of cards."""
    silent = [number for number, entry in enumerate(entries) if entry.policy.cuda_visible_devices is None]
    without = [number for number, entry in enumerate(entries) if entry.policy.cuda_visible_devices == ()]
    if card.maker.cuda:
        return silent
    # Where NVIDIA's cards are available too, "none" is a choice between them and those of others.
    return silent + without if any(other.maker.cuda for other in cards) else silent or without


def _names(card: Gpu) -> set[str]:
    """How an operator may name the card."""
    return {str(name) for name in (card.uuid, card.index) if name is not None and card.maker.cuda}
