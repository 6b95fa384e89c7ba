# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan says of each setting that can be searched: where it starts and between which bounds, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import SLICE, decisions_of, servers
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import LATENCY
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.options import (
    CONTEXT,
    FLASH,
    INSTANCES,
    KV_TYPE,
    PLAIN_TYPE,
    SLOTS,
    THREADS,
    WEIGHT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# What other files or the operator have decided, and what the release leaves no choice in.
_DECIDED = {"operator": "the operator has set it", "found": "a file of the host sets it"}
_NO_CHOICE = "contract"
VARIABLES = {
    THREADS: "LLAMA_ARG_THREADS",
    SLOTS: "OLLAMA_NUM_PARALLEL",
    CONTEXT: "OLLAMA_CONTEXT_LENGTH",
    FLASH: "OLLAMA_FLASH_ATTENTION",
    KV_TYPE: "OLLAMA_KV_CACHE_TYPE",
    INSTANCES: "instance",
    WEIGHT: "CPUWeight",
}
SINGLE, PER_NODE, PER_GPU = "single", "per_numa_node", "per_gpu"
_HEAVIEST = 10000


class Knob(NamedTuple):
    """A setting that is searched, or the reason why it is not."""

    kind: Optional[str] = None
    start: Any = None
    low: Optional[int] = None
    high: Optional[int] = None
    values: Tuple[Any, ...] = ()
    reason: Optional[str] = None
    extra: Optional[Dict[str, Any]] = None


class Host(NamedTuple):
    plan: Mapping[str, Any]
    topology: Mapping[str, Any]
    objective: str
    callers: int
    kv_cache_types: Sequence[str]
    context_minimum: Optional[int]
    # The contexts that slots may have (memory.py); none where the memory could not be read.
    held: Sequence[Mapping[str, Any]] = ()

    @property
    def on_gpus(self) -> bool:
        return any(server["gpus"] for server in self.plan["instances"])

    def decided(self, knob: str) -> list[Mapping[str, Any]]:
        """The decisions on a setting, one of each server."""
        name = VARIABLES[knob]
        owners = [None] if knob == WEIGHT else [server["name"] for server in self.plan["instances"]]
        return [each for owner in owners for each in decisions_of(self.plan, owner) if each["setting"] == name]

    def values(self, knob: str) -> list[Any]:
        return [each["value"] for each in self.decided(knob)]

    def number(self, knob: str) -> int | None:
        """The planned number; None where there is none, or servers differ."""
        values = {None if value is None else int(value) for value in self.values(knob)}
        return values.pop() if len(values) == 1 else None


def knob_of(host: Host, name: str) -> Knob:
    """Return the bounds of one setting on this host, or the reason why it is not searched."""
    decided = host.decided(name)
    for each in decided:
        if each["source"] in _DECIDED:
            return Knob(reason=f"{_DECIDED[each['source']]}: {each['reason']}")
    if name != INSTANCES and not decided:
        return Knob(reason="the plan has no decision on it")
    return _OF[name](host)


def _threads(host: Host) -> Knob:
    threads, count = host.number(THREADS), len(host.plan["instances"])
    if host.on_gpus:
        return Knob(reason="the plan computes on GPUs, where threads of the CPUs only wait")
    if threads is None:
        return Knob(reason=f"no one number of threads is planned: {host.decided(THREADS)[0]['reason']}")
    sets = [server["cpus"] for server in servers(host.plan)]
    allowed = (host.topology.get("allowed") or {}).get("cpus")
    cpus = [len(CpuSet.parse(each or allowed or "")) for each in sets]
    if not min(cpus):
        return Knob(reason="the CPUs that the server may use could not be read")
    most = min(cpus) if any(sets) else min(cpus) // count
    return _integer(threads, 1, most)


def _slots_knob(host: Host) -> Knob:
    slots = host.number(SLOTS)
    if host.objective == LATENCY:
        return Knob(reason="one caller never takes a second slot")
    if slots is None:
        return Knob(reason="the servers have different numbers of slots")
    if any(each["source"] == _NO_CHOICE for each in host.decided(SLOTS)):
        return Knob(reason=host.decided(SLOTS)[0]["reason"])
    if not host.held:
        return Knob(reason="the memory for slots could not be read")
    return _integer(slots, 1, max(len(each["contexts"]) for each in host.held))


def most_slots(host: Host) -> int:
    """The most slots of a server, each of which has a caller."""
    return max(host.number(SLOTS) or 1, -(-host.callers // len(host.plan["instances"])))


def floor(host: Host) -> int:
    """The least context of a slot."""
    context = host.number(CONTEXT) or 1
    free = host.context_minimum is not None and not any(each["source"] in _DECIDED for each in host.decided(CONTEXT))
    return min(context, host.context_minimum or context) if free else context


def _context(host: Host) -> Knob:
    context = host.number(CONTEXT)
    if context is None:
        return Knob(reason="no one context is planned for all servers")
    if host.objective == LATENCY:
        return Knob(reason="one caller has the planned context")
    if not host.held:
        return Knob(reason="the memory for it could not be read")
    return Knob("integer", context, floor(host), context, extra={"follows": SLOTS})


def _flash(host: Host) -> Knob:
    values = set(host.values(FLASH))
    for each in host.decided(FLASH):
        if each["source"] == _NO_CHOICE or each["value"] is None:
            return Knob(reason=each["reason"])
    if len(values) > 1:
        return Knob(reason="the servers differ in it")
    on = values.pop() == "1"
    return Knob("choice", on, values=(on, not on))


def _kv_type(host: Host) -> Knob:
    start = host.values(KV_TYPE)[0] or PLAIN_TYPE
    others = tuple(kind for kind in host.kv_cache_types if kind != start)
    if not others:
        return Knob(reason="it costs quality: name the types that may be tried in kv_cache_types")
    if not all(value == "1" for value in host.values(FLASH)):
        return Knob(reason="a quantised type needs flash attention, which is not certain to be on")
    return Knob("choice", start, values=(start, *others))


def _instances(host: Host) -> Knob:
    running = [str(server["name"]) for server in host.plan["instances"]]
    nodes = [node for node in host.topology.get("numa") or [] if node.get("cpus") and node.get("memory_bytes") != 0]
    cards = sum(len(server["gpus"]) for server in host.plan["instances"])
    if host.objective == LATENCY:
        return Knob(reason="one caller never asks a second server")
    possible = [SINGLE, *([PER_NODE] if len(nodes) > 1 else []), *([PER_GPU] if cards > 1 else [])]
    if len(possible) < 2:
        return Knob(reason=f"{len(nodes)} node(s) and {cards} GPU(s) of one server: there is nothing to divide")
    start = SINGLE
    if len(running) > 1:
        start = PER_GPU if running[0].startswith("gpu") else PER_NODE
        if len(running) != {PER_GPU: cards, PER_NODE: len(nodes)}[start]:
            return Knob(reason="the servers are sockets of several nodes, which no one value of the variable means")
    values = (start, *(value for value in possible if value != start))
    cores = min((int(node.get("cores") or 0) for node in nodes), default=0)
    limits = {PER_NODE: {THREADS: cores}} if cores else {}
    return Knob("choice", start, values=values, extra={"limits": limits})


def _weight(host: Host) -> Knob:
    each = [one for one in host.decided(WEIGHT) if one["kind"] == SLICE]
    if not each or each[0]["value"] is None:
        return Knob(reason="the servers have no slice with a weight")
    return _integer(int(each[0]["value"]), 1, _HEAVIEST)


def _integer(start: int, low: int, high: int) -> Knob:
    low, high = min(low, start), max(high, start)
    if low == high:
        return Knob(reason=f"{start} is all that is possible")
    return Knob("integer", start, low, high)


_OF: Mapping[str, Callable[[Host], Knob]] = {
    THREADS: _threads,
    SLOTS: _slots_knob,
    CONTEXT: _context,
    FLASH: _flash,
    KV_TYPE: _kv_type,
    INSTANCES: _instances,
    WEIGHT: _weight,
}
