# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the gate: whether a change is measured, by which host, what is measured, and what comes next.

The way of a host through a run is a state, ``{by, reason, would, before, after, next, again, …}``: ``by`` is the host
whose measurement counts, ``reason`` says why there is none, ``next`` is what the host measures next, ``{phase, units,
options}``, None for nothing, and ``again`` whether that is one more round of the same phase.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import listens
from ansible_collections.inference.ollama.plugins.plugin_utils import _gate as gate
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import listed, same, shortest
from ansible_collections.inference.ollama.plugins.plugin_utils._options import read
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.capacity import PARALLEL
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import url_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import environment
from ansible_collections.inference.ollama.plugins.plugin_utils._tuning.objective import BALANCED, LATENCY, LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Rounds of each side at most.
ROUNDS = 3
LOOK, BEFORE, AFTER = "look", "before", "after"
# Short, so that a slow server finishes several requests in the time.
_REQUEST = {"prompt_tokens": 128, "output_tokens": 64, "output_tokens_stdev": 16, "prompt_cache": "defeat"}
# Seeds of rounds after a change that restarts nothing: the server may keep the prompts of before, and is not to be
# faster for that.
_FRESH_SEEDS = 1000
# Cards have other names on every host.
_OF_A_HOST = "VISIBLE_DEVICES"


def is_on(options: Mapping[str, Any]) -> bool:
    """Whether changes are measured; a value that is refused elsewhere asks for nothing."""
    try:
        return bool(read(load().options["gate"], options.get("gate")))
    except ValueError:
        return False


def gate_errors(
    options: Mapping[str, Any], models: Mapping[str, Any] | None, brought: Iterable[str] = ()
) -> Iterator[str]:
    """Yield why nothing could be measured: no model is named, or the store that was read has none of that name.

    ``brought`` are names of models that the role brings.
    """
    if not is_on(options):
        return
    model = str(options.get("benchmark_model") or "")
    if not model:
        yield (
            "ollama_gate: with true each change is measured with a model, and ollama_benchmark_model names none;"
            " allowed is the name of a model that each server has, such as llama3.2:3b, or ollama_gate: false"
        )
        return
    try:
        shortest(model)
    except ValueError:
        yield (
            f"ollama_benchmark_model: {model!r} is not the name of a model; allowed is one that each server has, such"
            " as llama3.2:3b"
        )
        return
    stores = (models or {}).get("stores") or []
    names = [str(each["name"]) for each in (models or {}).get("models") or [] if each.get("source") != "file"]
    # What could not be read may be it.
    known = stores and all(store.get("readable") for store in stores) and not (models or {}).get("problems")
    if known and not any(same(name, model) for name in (*names, *brought)):
        there = f"it has {listed(names)}" if names else "it has none"
        paths = " and ".join(str(store["path"]) for store in stores)
        yield (
            f"ollama_benchmark_model: {model!r} is not in the store {paths}, so that nothing could be measured with it;"
            f" {there}. Pull it, name another one, or set ollama_gate to false"
        )


def gate_of(
    topology: Mapping[str, Any],
    options: Mapping[str, Any],
    desired: Mapping[str, Any],
    active: list[str] | None,
    *,
    lockstep: bool,
) -> dict[str, Any] | None:
    """Return how the change of a host is to be measured; None where it is not asked for.

    ``desired`` is what desired_state() returns, ``active`` are the services that run, ``lockstep`` whether the hosts
    of a batch do each task together.
    """
    if not is_on(options):
        return None
    plan = desired["plan"]
    kept = [
        [each["instance"], each["setting"], each["value"]]
        for each in plan["decisions"]
        if not str(each["setting"]).endswith(_OF_A_HOST)
    ]
    model, objective = str(options["benchmark_model"]), str(options["objective"])
    # A host that comes from elsewhere, such as one that was never tuned, gains or loses something else.
    begins = [sorted(each) for each in (desired["changes"], desired["backup"], active or ())]
    same_change = [hardware(topology)["key"], plan["release"], model, objective, kept, begins]
    return {
        "reason": _why_not(desired, active),
        "key": hashlib.sha256(json.dumps(same_change, sort_keys=True, default=str).encode()).hexdigest()[:16],
        "model": model,
        "objective": objective,
        "tolerance_percent": int(options["gate_tolerance"]),
        "seconds": int(options["gate_seconds"]),
        "slots": sum(_slots(environment(plan, instance["name"])) for instance in plan["instances"]),
        "running": list(active or ()),
        "restarts": bool(desired["restart"]),
        "lockstep": lockstep,
    }


def _why_not(desired: Mapping[str, Any], active: list[str] | None) -> str | None:
    if not desired["live"]:
        return "nothing runs here"
    slice_ = desired["plan"]["slice"]
    weights = {file["path"] for file in desired["unit_files"] if slice_ and file["unit"] == slice_}
    # One that runs and is only to start at boot is among those to start, too.
    started = set(desired["start"]) - set(active or ())
    acts = desired["restart"] or desired["stop"] or started or desired["kernel"]
    if not acts and not weights & set(desired["changes"]):
        return "nothing of it acts on speed"
    if active is None:
        return "which servers ran before is not known"
    return None if active else "no server ran before"


def gate_turn(hosts: Mapping[str, Mapping[str, Any]], host: str) -> dict[str, Any]:
    """Return the state of a host at the begin of its change. ``hosts`` are the variables of the hosts of its batch.

    Of hosts of the same hardware that get the same settings by the same files the first one is measured, and its
    verdict counts for all. Where hosts do not wait for each other, one whose first has no verdict yet is measured.
    """
    own = hosts[host]["__ollama"]["gate"]
    state = {**own, "by": host, "units": hosts[host]["__ollama"]["units"], "before": [], "after": [], "again": False}
    if own["reason"]:
        return {**state, "next": None, "would": f"the change would not be measured: {own['reason']}"}
    first = next(each for each, variables in hosts.items() if _is_alike(variables, own))
    if first != host and (own["lockstep"] or _is_done(hosts[first])):
        return {**state, "by": first, "next": None, "would": f"{first} would be measured for {host}"}
    would = (
        f"the servers would be measured before and after the change with {own['model']}{_at(_concurrency(own, 0))}, for"
        f" {own['seconds']} s and up to {ROUNDS} times each, and the change taken back where they are slower by more"
        f" than {own['tolerance_percent']} %"
    )
    return {**state, "next": {"phase": LOOK, "units": [{"unit": unit} for unit in own["running"]]}, "would": would}


def gate_step(state: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state after an answer: of service_info (phase ``look``), or of a measurement."""
    phase = state["next"]["phase"]
    if phase == LOOK:
        return _looked(state, answer)
    made = gate.round_of(answer, state["objective"])
    rounds = [*state[phase], made]
    done = {**state, phase: rounds, "next": None, "again": False}
    if phase == BEFORE:
        if made["error"] and len(rounds) == 1:
            return {**done, "reason": f"the model could not be measured before: {made['error']}"}
        if made["error"]:
            done = {**done, BEFORE: state[BEFORE]}
        elif len(rounds) < ROUNDS and gate.is_noisy(rounds, state["tolerance_percent"]):
            return {**done, "next": _round(state, BEFORE, state["next"]["units"], len(rounds)), "again": True}
        return {**done, "next": _round(state, AFTER, state["units"], 0)}
    verdict = gate.judge(state[BEFORE], rounds, state["tolerance_percent"])
    if len(rounds) < len(state[BEFORE]) and not gate.is_certain(verdict):
        return {**done, "next": _round(state, AFTER, state["units"], len(rounds)), "again": True}
    return done


def gate_verdict(hosts: Mapping[str, Mapping[str, Any]], host: str) -> dict[str, Any]:
    """Return the verdict on the change of a host, its own or that of the host that was measured for it.

    Beside what _gate.py gives it has ``{host, measured_on, model, objective, concurrency, text, sentence}``;
    ``measured_on`` is None for the host itself.
    """
    own = hosts[host]["__ollama_gate"]
    first = own["by"]
    state = own if first == host else (hosts.get(first) or {}).get("__ollama_gate")
    tolerance = own["tolerance_percent"]
    if state and state["reason"]:
        verdict = gate.not_measured(state["reason"], tolerance)
    elif state and state["after"]:
        verdict = gate.judge(state[BEFORE], state[AFTER], tolerance)
    else:
        why = "it was not measured after the change" if first == host else f"{first} failed before it had a verdict"
        verdict = gate.not_measured(why, tolerance)
    verdict.update(
        host=host,
        measured_on=None if first == host else first,
        model=own["model"],
        objective=own["objective"],
        concurrency=(state or {}).get("concurrency"),
    )
    where = "" if first == host else f" on {first}, which has the same hardware"
    how = f" with {own['model']}{_at(verdict['concurrency'])}{where}"
    return {**verdict, "text": gate.short_text(verdict), "sentence": gate.sentence(verdict, how)}


def _looked(state: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The first round before the change, of the servers that run."""
    units, slots = [], 0
    for instance in (answer.get("service") or {}).get("instances") or []:
        server = next((each for each in instance.get("processes") or [] if each.get("kind") == "server"), None)
        variables = (server or {}).get("environment")
        if variables is not None:
            units.append({"unit": instance["unit"], "url": url_of(*listens(variables.get("OLLAMA_HOST", "")))})
            slots += _slots(variables)
    if not units:
        return {**state, "next": None, "reason": "where the servers listened before could not be read"}
    looked = {**state, "concurrency": _concurrency(state, slots)}
    return {**looked, "next": _round(looked, BEFORE, units, 0)}


def _round(state: Mapping[str, Any], phase: str, units: list[dict[str, str]], number: int) -> dict[str, Any]:
    """What is measured in a round; the numbers of rounds begin with 0."""
    seed = number + 1 + (_FRESH_SEEDS if phase == AFTER and not state["restarts"] else 0)
    seconds = state["seconds"]
    options = {
        **_REQUEST,
        "model": state["model"],
        "concurrency": [state["concurrency"]],
        "duration": seconds,
        "max_duration": 3 * seconds + 180,
        "request_timeout": seconds + 120,
        "seed": seed,
        **({"goodput": dict(LIMITS)} if state["objective"] == BALANCED else {}),
    }
    return {"phase": phase, "units": units, "options": options}


def _concurrency(state: Mapping[str, Any], before: int) -> int:
    return 1 if state["objective"] == LATENCY else max(state["slots"], before, 1)


def _slots(variables: Mapping[str, Any]) -> int:
    """How many requests a server answers at a time, one where that is left to it."""
    value = str(variables.get(PARALLEL) or "")
    return max(1, int(value)) if value.isdecimal() and len(value) < 5 else 1


def _at(concurrency: int | None) -> str:
    return "" if concurrency is None else f" at {concurrency} request{'' if concurrency == 1 else 's'} at a time"


def _is_alike(variables: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    desired = variables.get("__ollama") or {}
    other = desired.get("gate") or {}
    return bool(desired.get("pending")) and not other.get("reason") and other.get("key") == own["key"]


def _is_done(variables: Mapping[str, Any]) -> bool:
    """Whether a host has a verdict, so that nobody has to wait for it."""
    state = variables.get("__ollama_gate") or {}
    return bool(state) and state["next"] is None and bool(state["reason"] or state["after"])
