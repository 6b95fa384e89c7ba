# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of a fleet for the report: stored and generated machines that run as planned, and some of them not."""

from __future__ import annotations

import base64
import copy
import functools
import json

from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import advise
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.golden.test_fleet import CASES, machine
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import SAME, running
from ansible_collections.inference.ollama.tests.unit.support.fits import SETTINGS, Host, dense, fit_of
from ansible_collections.inference.ollama.tests.unit.support.hosts import STORED, _stored
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result, tuned
from ansible_collections.inference.ollama.tests.unit.support.plans import SOFTWARE, plan

MODELS = {"llama3.1:8b": {}, "llama3.3:70b": {"layers": 80, "width": 8192, "forward": 28672, "heads": 64}}
MOMENT = "2026-11-22T10:57:27Z"
LATER = "/etc/systemd/system/ollama.service.d/zz.conf"
# The trouble of each host in turn; the others have none.
TROUBLES = (
    "overridden",
    "idle",
    "unreachable",
    "restored",
    "refused",
    "broken",
    "edited",
    "bare",
    "changed",
    "no-cards",
    "configured",
)


@functools.cache
def _made(number):
    """Facts and plan: machines with all kinds of cards, and those that the lab captured."""
    cases = list(CASES.values())
    number %= len(cases) + len(STORED)
    if number < len(cases):
        facts, options = machine(cases[number]), cases[number].get("options", {})
    else:
        facts, options = copy.deepcopy(_stored(STORED[number - len(cases)])), {}
        facts["software"] = copy.deepcopy(SOFTWARE)
    return facts, plan(facts, **options)


@functools.cache
def _fit():
    """Two models, of which one fits."""
    host = Host(card=8 << 30, host=8 << 30)
    found = [advise(dense(name, **shape), {}, SETTINGS, "0.34.1", host) for name, shape in MODELS.items()]
    return fit_of(*found, missing=[{"name": "cut:latest", "reason": "its file could not be read"}])


@functools.cache
def _texts():
    """The files of the playbooks benchmark and tune, of a host whose name is not in them."""
    found = measured(result(), failed=[("large:70b", "the model was not loaded: status 500")])
    return json.dumps({**found, "host": None}), json.dumps(tuned(host=None))


def file_of(kind, text, folder="/srv/benchmark"):
    """What slurp returns of a file of this kind; of one that could not be read there is no content."""
    looked = {"item": kind, "stat": {"exists": True, "path": f"{folder}/node.{kind}.json"}}
    content = {} if text is None else {"content": base64.b64encode(text.encode()).decode()}
    return {"item": looked, **content}


def _measured(number):
    """The files of each third host; of one in four of these somebody has damaged them."""
    if number % 3:
        return []
    end = -100 if number % 4 == 3 else None
    return [file_of(kind, text[:end]) for kind, text in zip(("benchmark", "tuning"), _texts())]


def record(number=0, trouble=None):
    """What is known of the host with this number."""
    facts, made = copy.deepcopy(_made(number))
    found = {
        "topology": facts,
        "plan": made,
        "fit": copy.deepcopy(_fit()),
        "files": _measured(number),
        "changes": None,
        "error": None,
        "stopped": None,
    }
    if trouble == "unreachable":
        address = f"10.0.0.{number % 256} port 22"
        error = f"Failed to connect to the host via ssh: connect to host {address}: No route to host"
        return {"error": error, "stopped": "unreachable"}
    if trouble == "refused":
        error = "ollama_numa_node: 7 is not allowed; nodes with usable CPUs on this host: 0; or auto, or none"
        return {"topology": facts, "error": error, "stopped": "refused"}
    if trouble == "broken":
        return {**found, "error": "Read what runs: sudo: a password is required", "stopped": "failed"}
    if trouble == "bare":
        facts["software"]["ollama"] = None
        return {**found, "drift": None, "verification": None}
    service, drift = running(made), copy.deepcopy(SAME)
    first = service["instances"][0]
    if trouble in _SPOIL:
        _SPOIL[trouble](first, drift)
    elif trouble and trouble != "configured":
        found["changes"] = changes(trouble, first)
        if trouble == "restored":
            _override(first, drift)
            shown = verify(made, service, drift)
            found["changes"]["checks"] = [check for check in shown["checks"] if check["verdict"] == "fail"]
            service, drift = running(made), copy.deepcopy(SAME)
    verification = verify(made, service, drift)
    return {
        **found,
        "drift": drift,
        "verification": _unproven(verification) if trouble == "configured" else verification,
    }


def _unproven(verification):
    """The same with a setting that the environment alone shows."""
    check = next(check for check in verification["checks"] if check["setting"] == "OLLAMA_KEEP_ALIVE")
    check.update(verdict="configured", remedy="send the server a request")
    counts = verification["counts"]
    counts.update({"pass": counts["pass"] - 1, "configured": 1})
    return {**verification, "verdict": "configured"}


def _override(server, _drift):
    server["overrides"] = [{"name": "LLAMA_ARG_THREADS", "kept": LATER, "lost": [server["dropins"][0]]}]
    server["dropins"].append(LATER)
    for environment in (server["environment"], *(process["environment"] for process in server["processes"])):
        environment["LLAMA_ARG_THREADS"] = "28"


def _idle(server, _drift):
    server["processes"] = server["processes"][:1]
    server["journal"]["starts"] = []
    server["api"]["models"] = []


def _edit(server, drift):
    place = {"unit": server["unit"], "instance": "ollama", "path": server["dropins"][0]}
    for setting, kind, on_host, planned in (
        ("OLLAMA_KEEP_ALIVE", "differs", "5m", "-1"),
        ("OLLAMA_NOHISTORY", "extra", "1", None),
        (None, "text", None, None),
    ):
        row = {**place, "setting": setting, "kind": kind, "on_host": on_host, "planned": planned}
        drift["differences"].append(row)


def _lose_cards(server, _drift):
    server["journal"]["devices"] = [{"id": "cpu", "library": "cpu", "name": "cpu"}]


_SPOIL = {"overridden": _override, "idle": _idle, "edited": _edit, "no-cards": _lose_cards}


def changes(outcome, instance):
    """The fact ollama_changes of a run."""
    return {
        "schema": 1,
        "outcome": outcome,
        "reason": "what runs is not as planned" if outcome == "restored" else None,
        "files": [{"path": instance["dropins"][0], "change": "changed"}],
        "restarted": [instance["unit"]],
        "stopped": [],
        "state": "20261122T105700Z",
        "restored": {"id": "20261122T105700Z", "saved_at": "2026-11-22T10:57:00Z"} if outcome == "restored" else None,
        "problem": None,
        "verification": None,
        "checks": [],
        "gate": {"verdict": "kept", "text": "312 -> 455 tokens/s (+46 %)"} if outcome == "changed" else None,
    }


def fleet(count, every=1):
    """Records by name: of the first hosts each ``every``-th has another trouble, the others run as planned."""
    troubles = dict(zip(range(0, count, every), TROUBLES if every == 1 else TROUBLES * 4))
    return {f"node-{number + 1}": record(number, troubles.get(number)) for number in range(count)}
