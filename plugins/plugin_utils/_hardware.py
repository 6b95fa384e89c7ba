# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which hosts have the same hardware: what a measurement on one of them is worth on another.

Two hosts are alike where a plan finds the same CPUs, nodes, memory and cards, and may use as much of them. How a host
is called, where a card is plugged in, and which kernel and driver run do not count: these change while the hardware
stays. Rule B1 of docs/policy.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Machine, check_topology
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.protection import DEFAULT_SLICE
from ansible_collections.inference.ollama.plugins.plugin_utils._vendors import vendor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_GIB = 1 << 30
# Characters of the name of a CPU or a card, and of the whole text.
_LONGEST, _LONGEST_TEXT = 80, 240
# What a CPU's name says beside its model.
_DECORATION = re.compile(r"\((?:r|tm|c)\)|\bcpu\b|@.*$|\b[0-9]{1,3}-core\b|\bprocessor$", re.IGNORECASE)


def hardware(topology: Mapping[str, Any]) -> dict[str, str]:
    """Return ``{key, text}``: 16 hexadecimal digits that hosts of the same hardware share, and the same in words.

    ``topology`` is the fact of topology_facts, schema 1; OllamaError where it is of another shape.
    """
    check_topology(topology)
    cpu, memory = _part(topology, "cpu"), _part(topology, "memory")
    cards = _cards(topology)
    usable = _usable(topology)
    threads = _count(cpu.get("online"))
    nodes = [
        [_count(node.get("cpus")), installed(node.get("memory_bytes")), bool(node.get("gpu_memory"))]
        for node in topology.get("numa") or []
    ]
    total = installed(memory.get("host_bytes") or memory.get("total_bytes"))
    canonical = {
        "architecture": cpu.get("architecture"),
        "model": _squeezed(cpu.get("model")),
        "sockets": cpu.get("sockets"),
        "cores": cpu.get("cores"),
        "threads": threads,
        "kinds": sorted([str(kind.get("kind")), _count(kind.get("cpus"))] for kind in cpu.get("kinds") or []),
        "nodes": sorted(nodes, key=json.dumps),
        "memory_bytes": total,
        "gpus": None if cards is None else sorted(cards, key=json.dumps),
        "usable": usable,
    }
    text = json.dumps(canonical, sort_keys=True, ensure_ascii=True)
    words = [
        _times(cpu.get("sockets"), _cpu_name(cpu)),
        f"{'an unknown number of' if threads is None else threads} CPU{'' if threads == 1 else 's'}",
        *_nodes_in_words(nodes),
        "memory of unknown size" if total is None else _gib(total),
        *_usable_in_words(usable, threads, total),
        *_cards_in_words(cards),
    ]
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {"key": key, "text": one_line(", ".join(words), _LONGEST_TEXT)}


def _part(topology: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the topology, empty where it was not read."""
    part: Mapping[str, Any] = topology.get(name) or {}
    return part


def installed(count: int | None) -> int | None:
    """The size of memory that is built in, where firmware, kernel or driver keep up to a sixteenth of it.

    Memory comes in steps of an eighth of a power of two, and what a host shows is less than that by what is kept.
    """
    if not count:
        return count
    step = 1 << max(0, int(count).bit_length() - 4)
    return -(-int(count) // step) * step


def _usable(topology: Mapping[str, Any]) -> dict[str, Any]:
    """What a service may use, by numbers, in the slice of the role: that is the same before and after its first run."""
    machine = Machine(topology)
    allowed = machine.allowed_in(DEFAULT_SLICE) or _part(topology, "allowed")
    quotas = {name: allowed.get(name) for name in ("cpu_quota", "instance_cpu_quota")}
    sizes = {name: installed(allowed.get(name)) for name in ("memory_bytes", "instance_memory_bytes")}
    cpus = allowed.get("cpus")
    return {
        "cpus": None if machine.online is None else len(_set(cpus) if cpus is not None else machine.online),
        **{name: None if quota is None else round(float(quota), 2) for name, quota in quotas.items()},
        **sizes,
    }


def _cards(topology: Mapping[str, Any]) -> list[list[Any]] | None:
    """What counts of each card that its driver does not deny; None where cards were not read."""
    if topology.get("gpus") is None:
        return None
    return [
        [
            str(card.get("vendor")),
            _squeezed(card.get("name")),
            installed(card.get("memory_bytes")),
            card.get("compute_capability") or card.get("gfx_target"),
            _partitions(card.get("mig") or {}),
        ]
        for card in topology["gpus"]
        # A card that fell off the bus, or that belongs to a virtual machine, computes nothing here.
        if card.get("answers") is not False
    ]


def _partitions(mig: Mapping[str, Any]) -> list[str] | None:
    """The profiles of a card's partitions; None for a card that is whole."""
    return sorted(str(part.get("name")) for part in mig.get("instances") or []) if mig.get("enabled") else None


def _set(text: str) -> CpuSet:
    return CpuSet.parse(text)


def _count(text: str | None) -> int | None:
    return None if text is None else len(_set(text))


def _squeezed(name: str | None) -> str | None:
    return None if name is None else " ".join(str(name).split())


def _cpu_name(cpu: Mapping[str, Any]) -> str:
    """The CPU's model without what every one of them has: ``Intel Xeon E5-2680 v4``."""
    name = " ".join(_DECORATION.sub(" ", str(cpu.get("model") or "")).split())
    return one_line(name, _LONGEST) or f"{one_line(str(cpu.get('architecture') or 'unknown'), _LONGEST)} CPU"


def _times(count: int | None, what: str) -> str:
    return what if count in (None, 1) else f"{count} x {what}"


def _gib(count: int) -> str:
    return f"{round(count / _GIB, 2):g} GiB"


def _nodes_in_words(nodes: list[list[Any]]) -> list[str]:
    computing = sum(1 for cpus, _memory, _of_card in nodes if cpus)
    return [f"{computing} node{'' if computing == 1 else 's'}"] if computing else []


def _usable_in_words(usable: Mapping[str, Any], threads: int | None, total: int | None) -> list[str]:
    """What a service may use, where that is not everything."""
    words = []
    if usable["cpus"] is not None and usable["cpus"] != threads:
        words.append(f"{usable['cpus']} of the CPUs for services")
    if usable["cpu_quota"] is not None:
        words.append(f"a quota of {usable['cpu_quota']:g} CPUs")
    if usable["memory_bytes"] is not None and usable["memory_bytes"] != total:
        words.append(f"{_gib(usable['memory_bytes'])} for services")
    if usable["instance_cpu_quota"] is not None:
        words.append(f"a quota of {usable['instance_cpu_quota']:g} CPUs for each server")
    if usable["instance_memory_bytes"] is not None:
        words.append(f"{_gib(usable['instance_memory_bytes'])} for each server")
    return words


def _cards_in_words(cards: list[list[Any]] | None) -> list[str]:
    if cards is None:
        return ["GPUs not read"]
    counted = Counter(_card_name(card) for card in cards)
    return [_times(count, name) for name, count in sorted(counted.items())] or ["no GPU"]


def _card_name(card: list[Any]) -> str:
    vendor, name, partitions = card[0], one_line(str(card[1] or "GPU"), _LONGEST), card[4]
    title = vendor_of(vendor).title
    name = name if name.lower().startswith(title.lower()) else f"{title} {name}"
    if partitions is None:
        return name
    parts = Counter(one_line(part, _LONGEST) for part in partitions)
    return f"{name} in {' and '.join(f'{count} MIG {part}' for part, count in parts.items()) or 'MIG mode'}"
