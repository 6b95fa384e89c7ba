# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a planned variable is in effect: in the server, in its runners, and in what the server made of it.

Where it shows is the contract's to say (``proof`` in settings.yml). A runner inherits the environment of its server
(llm/llama_server.go, llm/server.go of Ollama), so that a server without the value has no runner with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._service.redact import MASK, Redactor
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause, effects, requests
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import SITE, Check
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.values import same

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Proof, Setting
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Process
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

# What the server or llama-server said of a variable whose value it did not take.
_REFUSED = ("invalid-value",)
# What neither a request nor a Modelfile can set: a model that runs with something else was not given it by the server.
_OF_NO_REQUEST = frozenset({"OLLAMA_KV_CACHE_TYPE", "LLAMA_ARG_CACHE_TYPE_K", "LLAMA_ARG_CACHE_TYPE_V"})


def check_variable(subject: Subject, name: str, value: str) -> Check:
    """The verdict on one variable. A value that holds a secret is neither shown nor compared."""
    planned = Redactor().environment({name: value})[name]
    read = subject.server_environment(name, planned)
    if isinstance(read, Check):
        return read
    environment, place = read
    seen = environment.get(name)
    if seen is not None and (MASK in seen or MASK in planned):
        return subject.unknown(
            name, planned, MASK, f"{place} has it, and a secret is not compared", "compare it by hand"
        )
    if seen != value:
        return subject.fails(name, planned, seen, place, cause.remedy(subject, name, value))
    setting = load().get(name)
    if setting is None:
        return subject.passes(name, planned, seen, place)
    return (
        _ignored(subject, setting, name, value)
        or _believed(subject, setting, name, value)
        or _reached(subject, setting, name, value)
    )


def proofs(subject: Subject, setting: Setting) -> tuple[Proof, ...]:
    """How it shows in the release that counts; in any, where none is known."""
    return setting.proof if subject.release is None else setting.proofs(subject.release)


def _ignored(subject: Subject, setting: Setting, name: str, value: str) -> Check | None:
    """The server that runs is not of the release that the plan was made for, and does not read the name."""
    if subject.running is None or subject.running == subject.intended or load().acts(setting.name, subject.running):
        return None
    seen = f"Ollama {subject.running} does not read it"
    remedy = f"{cause.restart(subject)}, if {subject.intended} is installed; or plan for the release that runs: {SITE}"
    return subject.fails(name, value, seen, f"/api/version of {subject.planned['url']}", remedy)


def _believed(subject: Subject, setting: Setting, name: str, value: str) -> Check | None:
    """The server logged that it took something else."""
    journal = subject.observed.journal
    if journal is None:
        return None
    for line in journal.warned(*_REFUSED):
        if re.search(rf"\b{re.escape(name)}\b", line):
            remedy = (
                "give it a value that this release takes, or leave it to the role; the line says what is in the way"
            )
            return subject.fails(name, value, "refused", f"the log of {subject.unit}: {line}", remedy)
    for proof in proofs(subject, setting):
        said = (journal.config or {}).get(proof.key or name) if proof.kind == "config_map" else None
        if said is not None and MASK not in said and same(setting.type, value, said) is False:
            evidence = f"the line 'server config' in the log of {subject.unit}"
            return subject.fails(name, value, said, evidence, cause.remedy(subject, name, value))
    return None


def _reached(subject: Subject, setting: Setting, name: str, value: str) -> Check:
    """What the runners show; the server's environment is enough for what no runner reads."""
    server, runners = subject.observed.server, subject.observed.runners
    place = server.file("environ") if server else ""
    keys = [proof.key or name for proof in proofs(subject, setting) if proof.kind == "runner_environ"]
    if keys:
        missing = subject.no_runner(name, value)
        if missing is not None:
            return missing
        place = ", ".join(runner.file("environ") for runner in runners)
        for runner in runners:
            if runner.environment is None:
                return subject.unread(name, value, runner.file("environ"), runner.file("environ"))
            seen = runner.environment.get(keys[0])
            if seen != value:
                remedy = f"the runner was started before the server, or by other means: {cause.restart(subject)}"
                return subject.fails(name, value, seen, runner.file("environ"), remedy)
    return _acts(subject, setting, value, place)


def _acts(subject: Subject, setting: Setting, value: str, place: str) -> Check:
    """What the runners make of it that have nothing else on their command lines."""
    name, runners = setting.name, subject.observed.runners
    others = [(runner, requests.replaced(subject, runner, name)) for runner in runners]
    own = [runner for runner, instead in others if instead is None]
    asked = [instead for _runner, instead in others if instead is not None]
    if setting.status == "overridden" or (asked and not own):
        return _asked(subject, name, value, asked)
    found = effects.find_effects(subject, setting, proofs(subject, setting), value, own)
    known = [effect for effect in found if effect.same is not None]
    if known and not any(effect.same for effect in known):
        return _elsewhere(subject, name, value, known[0], own)
    if not known:
        missing = _unproven(subject, setting, value, place, own)
        if missing is not None:
            return missing
    best = next((effect for effect in known if effect.same), None)
    evidence = ", ".join([place, *([best.evidence] if best else [])])
    return subject.passes(name, value, best.seen if best else value, evidence)


def _asked(subject: Subject, name: str, value: str, asked: list[requests.Replaced]) -> Check:
    """An argument of the command line comes before the variable, whoever asked for it."""
    by = asked[0].by if asked else requests.ASKED[name].by if name in requests.ASKED else "the server itself"
    remedy = f"the command line of a runner comes before {name}, and this argument is of {by}: look again with a model"
    remedy += " and a request without it, or set what it stands for"
    if not asked:
        evidence = f"no runner shows it: Ollama passes an argument of its own, of {by}"
        return subject.unknown(name, value, None, evidence, remedy)
    return subject.unknown(name, value, asked[0].argument, asked[0].place, remedy)


def _unproven(subject: Subject, setting: Setting, value: str, place: str, own: list[Process]) -> Check | None:
    """The verdict where the environment says it and nothing else does; None where nothing else could."""
    name, shown = setting.name, proofs(subject, setting)
    of_models = [proof for proof in shown if effects.of_a_model(setting, proof)]
    logged = any(proof.kind == "config_map" for proof in shown)
    if logged and subject.observed.config is None:
        what = f"the line 'server config' in the log of {subject.unit}"
        return subject.unread(name, value, what, "'server config'", "journalctl", "invocation")
    if of_models and not subject.observed.runners:
        evidence = f"{place} alone: no model runs with it that would show what comes of it"
        remedy = "send the server a request, or name a model in ollama_verify_model, and verify while it is in memory"
        return subject.configured(name, value, value, evidence, remedy)
    if any(proof.kind == "journal" for proof in of_models):
        for runner in own:
            reason = subject.observed.out_of_reach(runner)
            if reason is not None:
                remedy = "load the model again (ollama stop), and verify before the log has lost its start"
                return subject.unknown(name, value, None, reason, remedy)
    return None


def _elsewhere(subject: Subject, name: str, value: str, effect: effects.Effect, runners: list[Process]) -> Check:
    """The server has the value, and no model runs with it."""
    why = subject.observed.complaints(runners, effects.REFUSALS.get(name, ()))
    if why:
        remedy = "the model or the cards cannot do it: set what they can, or use another model"
        return subject.fails(
            name, value, effect.seen, f"{effect.evidence}; the log of {subject.unit}: {why[0]}", remedy
        )
    if name in _OF_NO_REQUEST:
        remedy = (
            "no request and no Modelfile sets it: the model or the cards cannot do it, or flash attention is off; set"
            " what they can, or use another model"
        )
        return subject.fails(name, value, effect.seen, effect.evidence, remedy)
    remedy = (
        "the server has it, and no model in memory runs with it: a request's options, the Modelfile or what the model"
        " can do come first; look again with another model"
    )
    return subject.unknown(name, value, effect.seen, effect.evidence, remedy)
