# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings a search may change on a host, between which bounds, and why it leaves the others alone.

Everything comes from the plan: what the operator or a file of the host decided is not searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import SLICE, decisions_of, servers
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import (
    BALANCED,
    LATENCY,
    OBJECTIVES,
    THROUGHPUT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

THREADS, SLOTS, CONTEXT = "num_threads", "num_parallel", "context_length"
FLASH, KV_TYPE, INSTANCES, WEIGHT = "flash_attention", "kv_cache_type", "instances", "cpu_weight"
# In the order of the search: what decides most and costs one point comes first.
KNOBS = (INSTANCES, FLASH, KV_TYPE, THREADS, SLOTS, CONTEXT, WEIGHT)
# What other files or the operator have decided, and what the release leaves no choice in.
_DECIDED = {"operator": "the operator has set it", "found": "a file of the host sets it"}
_NO_CHOICE = "contract"
_VARIABLES = {
    THREADS: "LLAMA_ARG_THREADS",
    SLOTS: "OLLAMA_NUM_PARALLEL",
    CONTEXT: "OLLAMA_CONTEXT_LENGTH",
    FLASH: "OLLAMA_FLASH_ATTENTION",
    KV_TYPE: "OLLAMA_KV_CACHE_TYPE",
    INSTANCES: "instance",
    WEIGHT: "CPUWeight",
}
SINGLE, PER_NODE, PER_GPU = "single", "per_numa_node", "per_gpu"
# Callers that a measurement has at the same time: the most and the least where nobody says a number.
_CALLERS = {THROUGHPUT: (32, 256), BALANCED: (4, 64), LATENCY: (1, 1)}
_MOST_CALLERS = 1024
_TOKEN_STEP = 256
_HEAVIEST = 10000
_PLAIN_TYPE = "f16"


class Knob(NamedTuple):
    """A setting that is searched, or the reason why it is not."""

    kind: Optional[str] = None
    start: Any = None
    low: Optional[int] = None
    high: Optional[int] = None
    values: Tuple[Any, ...] = ()
    reason: Optional[str] = None
    extra: Optional[Dict[str, Any]] = None


class _Host(NamedTuple):
    plan: Mapping[str, Any]
    topology: Mapping[str, Any]
    objective: str
    callers: int
    kv_cache_types: Sequence[str]
    context_minimum: Optional[int]

    @property
    def on_gpus(self) -> bool:
        return any(server["gpus"] for server in self.plan["instances"])

    def decided(self, knob: str) -> list[Mapping[str, Any]]:
        """The decisions on a setting, one of each server."""
        name = _VARIABLES[knob]
        owners = [None] if knob == WEIGHT else [server["name"] for server in self.plan["instances"]]
        return [each for owner in owners for each in decisions_of(self.plan, owner) if each["setting"] == name]

    def values(self, knob: str) -> list[Any]:
        return [each["value"] for each in self.decided(knob)]

    def number(self, knob: str) -> int | None:
        """The planned number; None where there is none, or servers differ."""
        values = {None if value is None else int(value) for value in self.values(knob)}
        return values.pop() if len(values) == 1 else None


def tuning_space(
    plan: Mapping[str, Any], topology: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return ``{objective, metric, unit, concurrency, limits, start, knobs, left_out}``.

    ``options`` may have ``objective``, ``knobs`` (names of the role's variables without their prefix),
    ``kv_cache_types``, ``context_minimum`` and ``concurrency``. ``start`` maps each knob to what the plan has; a knob
    is ``{name, kind, start, low, high, values}``, with ``follows`` where another knob decides it. ``left_out`` says why
    a knob is not searched. Raises OllamaError with a line for each option that is wrong.
    """
    given = _checked(options or {})
    objective, asked = given["objective"], given["knobs"]
    slots = sum(_slots(plan))
    least, most = _CALLERS[objective]
    callers = given["concurrency"] or max(least, min(most, 2 * slots))
    host = _Host(plan, topology, objective, callers, given["kv_cache_types"], given["context_minimum"])
    knobs, left_out = [], []
    for name in KNOBS:
        if name in asked:
            knob = _knob(host, name)
            if knob.reason is not None:
                left_out.append({"name": name, "reason": knob.reason})
                continue
            one = {"name": name, "kind": knob.kind, "start": knob.start, "low": knob.low, "high": knob.high}
            knobs.append({**one, "values": list(knob.values), **(knob.extra or {})})
    if not any(knob["name"] == SLOTS for knob in knobs) and any(knob["name"] == CONTEXT for knob in knobs):
        knobs = [knob for knob in knobs if knob["name"] != CONTEXT]
        left_out.append({"name": CONTEXT, "reason": "it follows from the slots, which are not searched"})
    metric = OBJECTIVES[objective]
    return {
        "objective": objective,
        "metric": metric.metric,
        "unit": metric.unit,
        "concurrency": callers,
        "limits": dict(metric.limits),
        "start": {knob["name"]: knob["start"] for knob in knobs},
        "knobs": knobs,
        "left_out": left_out,
    }


def _slots(plan: Mapping[str, Any]) -> list[int]:
    return [
        int(each["value"] or 1)
        for server in plan["instances"]
        for each in decisions_of(plan, server["name"])
        if each["setting"] == _VARIABLES[SLOTS]
    ]


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, each with its default; refuse all wrong ones at once."""
    given: dict[str, Any] = {
        "objective": THROUGHPUT,
        "knobs": [name for name in KNOBS if name != WEIGHT],
        "kv_cache_types": [],
        "context_minimum": None,
        "concurrency": None,
    }
    if not isinstance(options, Mapping):
        raise OllamaError(f"the options of the search are a mapping of {', '.join(given)}")
    errors = [f"{name}: no such option; allowed are {', '.join(given)}" for name in options if name not in given]
    given.update({name: value for name, value in options.items() if value is not None and name in given})
    types = list(load().options[KV_TYPE].values)
    for name, allowed in (("knobs", list(KNOBS)), ("kv_cache_types", types)):
        values = given[name]
        if not isinstance(values, (list, tuple)) or not all(value in allowed for value in values):
            errors.append(f"{name}: {values!r} is not allowed; allowed is a list of {', '.join(allowed)}")
    if given["objective"] not in OBJECTIVES:
        errors.append(f"objective: {given['objective']!r} is not allowed; allowed are {', '.join(OBJECTIVES)}")
    for name, most in (("context_minimum", 1 << 24), ("concurrency", _MOST_CALLERS)):
        value = given[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most):
            errors.append(f"{name}: {value!r} is not allowed; allowed is a whole number from 1 to {most}")
    if errors:
        raise OllamaError("\n".join(errors))
    return given


def _knob(host: _Host, name: str) -> Knob:
    decided = host.decided(name)
    for each in decided:
        if each["source"] in _DECIDED:
            return Knob(reason=f"{_DECIDED[each['source']]}: {each['reason']}")
    if name != INSTANCES and not decided:
        return Knob(reason="the plan has no decision on it")
    return _OF[name](host)


def _threads(host: _Host) -> Knob:
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


def _slots_knob(host: _Host) -> Knob:
    slots = host.number(SLOTS)
    if host.objective == LATENCY:
        return Knob(reason="one caller never takes a second slot")
    if slots is None:
        return Knob(reason="the servers have different numbers of slots")
    if any(each["source"] == _NO_CHOICE for each in host.decided(SLOTS)):
        return Knob(reason=host.decided(SLOTS)[0]["reason"])
    tokens = _tokens(host)
    if tokens is None:
        return Knob(reason="the memory for slots could not be read")
    floor = _floor(host)
    by_memory = tokens // floor if floor else slots
    most = min(by_memory, -(-host.callers // len(host.plan["instances"])))
    return _integer(slots, 1, most)


def _tokens(host: _Host) -> int | None:
    """Tokens of all slots of a server that its memory holds beside the weights; at least what is planned."""
    context = host.number(CONTEXT)
    slots = host.number(SLOTS) or 1
    found = []
    for server in host.plan["instances"]:
        budget = server["budget"]
        if budget.get("usable_bytes") is None:
            return None
        planned = slots * (context or 1)
        room = budget["usable_bytes"] - budget["weights_bytes"] - budget["overhead_bytes"]
        held = room * planned // budget["kv_bytes"] if budget["kv_bytes"] > 0 else planned * _MOST_CALLERS
        found.append(max(planned, held))
    return min(found)


def _floor(host: _Host) -> int:
    """The least context of a slot."""
    context = host.number(CONTEXT) or 1
    free = host.context_minimum is not None and not any(each["source"] in _DECIDED for each in host.decided(CONTEXT))
    return min(context, host.context_minimum or context) if free else context


def _context(host: _Host) -> Knob:
    context = host.number(CONTEXT)
    if context is None:
        return Knob(reason="no one context is planned for all servers")
    if host.objective == LATENCY:
        return Knob(reason="one caller has the planned context")
    tokens = _tokens(host)
    if tokens is None:
        return Knob(reason="the memory for it could not be read")
    return Knob("integer", context, _floor(host), context, extra={"follows": SLOTS, "tokens": tokens})


def _flash(host: _Host) -> Knob:
    values = set(host.values(FLASH))
    for each in host.decided(FLASH):
        if each["source"] == _NO_CHOICE or each["value"] is None:
            return Knob(reason=each["reason"])
    if len(values) > 1:
        return Knob(reason="the servers differ in it")
    on = values.pop() == "1"
    return Knob("choice", on, values=(on, not on))


def _kv_type(host: _Host) -> Knob:
    start = host.values(KV_TYPE)[0] or _PLAIN_TYPE
    others = tuple(kind for kind in host.kv_cache_types if kind != start)
    if not others:
        return Knob(reason="it costs quality: name the types that may be tried in kv_cache_types")
    if not all(value == "1" for value in host.values(FLASH)):
        return Knob(reason="a quantised type needs flash attention, which is not certain to be on")
    return Knob("choice", start, values=(start, *others))


def _instances(host: _Host) -> Knob:
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
    cores = [int(node.get("cores") or 0) for node in nodes]
    limits = {PER_NODE: {THREADS: min(cores)}} if cores and min(cores) else {}
    return Knob("choice", start, values=values, extra={"limits": limits})


def _weight(host: _Host) -> Knob:
    each = [one for one in host.decided(WEIGHT) if one["kind"] == SLICE]
    if not each or each[0]["value"] is None:
        return Knob(reason="the servers have no slice with a weight")
    return _integer(int(each[0]["value"]), 1, _HEAVIEST)


def _integer(start: int, low: int, high: int) -> Knob:
    low, high = min(low, start), max(high, start)
    if low == high:
        return Knob(reason=f"{start} is all that is possible")
    return Knob("integer", start, low, high)


_OF: Mapping[str, Callable[[_Host], Knob]] = {
    THREADS: _threads,
    SLOTS: _slots_knob,
    CONTEXT: _context,
    FLASH: _flash,
    KV_TYPE: _kv_type,
    INSTANCES: _instances,
    WEIGHT: _weight,
}


def with_context(settings: Dict[str, Any], space: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the settings with the context of each slot that memory leaves for so many slots."""
    for knob in space["knobs"]:
        if knob.get("follows") in settings:
            each = knob["tokens"] // max(1, int(settings[knob["follows"]]))
            if each < knob["start"]:
                settings[knob["name"]] = max(knob["low"], each // _TOKEN_STEP * _TOKEN_STEP)
            else:
                settings[knob["name"]] = knob["start"]
    return settings
