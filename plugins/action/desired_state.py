# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action ``desired_state``; documented in plugins/modules/desired_state.py."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.inference.ollama.plugins.action.file_transaction import is_dead, program_bytes, this_run
from ansible_collections.inference.ollama.plugins.action.firewalld_info import has_module, with_module
from ansible_collections.inference.ollama.plugins.filter import ollama as _filters  # noqa: F401 - see below
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install import local
from ansible_collections.inference.ollama.plugins.module_utils._models.files import read_model_files
from ansible_collections.inference.ollama.plugins.module_utils._models.identity import file_identity
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.lock import advice, describe
from ansible_collections.inference.ollama.plugins.module_utils._text import visible
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import MODULE
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import DOCKER, engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._desired import Run, desired_state
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import programs_of
from ansible_collections.inference.ollama.plugins.plugin_utils._firewalld import is_asked
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.role import fleet_errors, with_placed
from ansible_collections.inference.ollama.plugins.plugin_utils._install.applied import questions_with, topology_with
from ansible_collections.inference.ollama.plugins.plugin_utils._install.ask import Local, installation
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import by_digest
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import topology_with as contained
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.named import wanted_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import (
    answer_to,
    first_questions,
    memory_question,
    models_question,
    questions,
    unit_of,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import key_errors, keyword_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._rollout import serial_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._secret_environment import secret_errors, secret_names
from ansible_collections.inference.ollama.plugins.plugin_utils._served.decide import blob_sizes, files_to_send
from ansible_collections.inference.ollama.plugins.plugin_utils._store_move import store_move, store_question

if TYPE_CHECKING:
    from collections.abc import Mapping

# The filters are imported here, in the process that Ansible forks for each task: otherwise each task that uses one
# imports them by itself, which was a tenth of the processor time of a run. So it is with the contract.
load()

# How often the host is asked again while another run changes it, and how often that is printed, in seconds.
_ASK_EVERY, _SAY_EVERY = 3, 15


# What comes of data of another form.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class _Asked(NamedTuple):
    """What every question to the host is asked with: its topology, the variables, and how far the run may go."""

    topology: dict[str, Any]
    options: dict[str, Any]
    known: dict[str, Any]
    preflight: bool


class ActionModule(ActionBase):
    """Read the host by one module, or a few, and decide by what they found."""

    _supports_check_mode = True
    _supports_async = False
    _VALID_ARGS = frozenset({"coming", "instead", "preflight", "search", "secrets"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = task_vars or {}
        result: dict[str, Any] = super().run(tmp, known)
        options, unseen = self._options(known)
        args: Mapping[str, Any] = self._task.args
        options.update(args.get("instead") or {})
        preflight = boolean(args.get("preflight", True))
        unseen += self._keyword_errors(known) if preflight else []
        # The playbook that places them asks for plans, too, before there is a placement.
        unseen += fleet_errors(options, (known.get("groups") or {}).get("all")) if preflight else []
        options = with_placed(options, known["inventory_hostname"])
        if option_errors({name: options[name] for name in ("topology_root", "command_timeout")}):
            # The host cannot be read with these; what else is wrong is known without it, too.
            return _refused([*option_errors(options), *unseen])
        machine = {"root": options["topology_root"], "command_timeout": options["command_timeout"]}
        if not preflight and options["topology_root"] != "/":
            # Nothing is written, and the files that count are those of the machine that is read.
            options["staging_root"] = options["staging_root"] or options["topology_root"]
        secrets = args.get("secrets") or {}
        first = first_questions(options, secrets, preflight=preflight)
        read = self._read("unit_files_info", {**first, "topology": machine}, known)
        if read.get("failed"):
            return {**result, **read}
        try:
            topology, captured, install = read.pop("topology"), read.pop("captured"), None
            if preflight or (boolean(args.get("coming", False)) and options["topology_root"] == "/"):
                # The plan is for the release and the unit that will be there.
                here, ask = Local(local.find, local.text), partial(self._read, task_vars=known)
                install = installation(ask, options, topology, here, whole=preflight)
                topology = topology_with(topology, install)
            there = bool(unit_of(topology))
            topology = dict(contained(topology, options))
            asked = questions(topology, options, secrets, preflight=preflight)
            asked = questions_with(asked, install)
            host = _Asked(topology, options, known, preflight)
            # Of a host without a unit not everything was asked that concerns the container to come.
            found = self._found(host, asked, answer_to(asked, first, read) if there or not unit_of(topology) else None)
            found = found if found.get("failed") else self._with_engine(host, found)
            models = None if found.get("failed") else self._models(host, found)
            served = {} if models is None else self._served(host, found, models)
            for answer in (found, models or {}, served.get("service") or {}):
                if answer.get("failed"):
                    return {**result, **answer}
            desired = desired_state(
                topology,
                options,
                found,
                Run(
                    known["inventory_hostname"],
                    self._task.check_mode,
                    preflight,
                    known.get("__ollama_earlier"),
                    self._is_lockstep(),
                    args.get("search"),
                    install,
                    _programs(topology, options),
                    bool(args.get("instead")),
                    served,
                    known.get("groups") or {},
                ),
                models,
            )
        except (OllamaError, *_DAMAGE) as error:
            return {**result, "failed": True, "msg": _sentence(error)}
        refusals = [*desired["refusals"], *unseen]
        if refusals and preflight:
            return _refused(refusals)
        # Only here, since whoever reads why a task failed has no use for all facts below it.
        return {
            **result,
            "ansible_facts": {"ollama_topology": topology},
            "changed": False,
            **desired,
            **_seen(found),
            "captured": bool(captured),
            "lockstep": self._is_lockstep(),
            "delegated_to": self._task.delegate_to or None,
            "refusals": refusals,
        }

    def _options(self, known: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the role's variables without their prefix and without secrets, and what is wrong with the secrets."""
        options = {
            name: self._templar.template(known[f"ollama_{name}"])
            for name in load().options
            if f"ollama_{name}" in known
        }
        # The secrets themselves go no further: what is decided is a fact, and facts are shown.
        key = options["api_key"]
        # A key that is all digits arrives as a number, and 0 is a key too.
        options["api_key"] = key is not None and bool(str(key))
        unseen = [*key_errors(key), *secret_errors(options["secret_environment"])]
        if "ollama_serial" in known:
            unseen += serial_errors(self._templar.template(known["ollama_serial"]))
        options["secret_environment"] = secret_names(options["secret_environment"])
        return options, unseen

    def _keyword_errors(self, known: dict[str, Any]) -> list[str]:
        task = self._task
        # The variable ansible_check_mode has the option of the run, whatever a play says of check mode.
        run = bool(known.get("ansible_check_mode", task.check_mode))
        delegate = task.delegate_to if task.delegate_facts else None
        return keyword_errors(known["inventory_hostname"], check_mode=task.check_mode, run=run, delegate=delegate)

    def _is_lockstep(self) -> bool:
        """Return whether the hosts of a batch wait for each other after every task, by the strategy of the play."""
        strategy = str(self._task.get_play().strategy).rpartition(".")[2]
        return strategy == "debug" or strategy.endswith("linear")

    def _found(self, host: _Asked, asked: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
        """Return what is found on the host once no other run changes it, and what becomes of its models.

        ``found`` is what was found with the topology; None where it does not answer what is asked.
        """
        if found is None:
            found = self._read("unit_files_info", asked, host.known)
        if host.preflight and not self._task.check_mode:
            found = self._wait(found, asked, host.known, host.options["lock_timeout"])
        return found if found.get("failed") else self._with_zones(host, self._with_moves(host, found))

    def _wait(
        self, found: dict[str, Any], asked: dict[str, Any], known: dict[str, Any], seconds: object
    ) -> dict[str, Any]:
        """Return what is found once no other run changes the host; a refusal where one still does after the seconds."""
        # A value that is refused is not waited for.
        limit = seconds if isinstance(seconds, int) and not option_errors({"lock_timeout": seconds}) else 0
        begun = time.monotonic()
        said = begun - _SAY_EVERY
        while not found.get("failed") and _is_held(found.get("holder"), known):
            holder, waited = found["holder"], time.monotonic() - begun
            if waited >= limit:
                return _refused([f"{known['inventory_hostname']}: {describe(holder)}; {advice(holder)}"])
            if time.monotonic() - said >= _SAY_EVERY:
                Display().display(
                    f"{known['inventory_hostname']}: {describe(holder)}; waiting, {waited:.0f} of {limit} s"
                )
                said = time.monotonic()
            time.sleep(min(_ASK_EVERY, limit - waited))
            found = self._read("unit_files_info", asked, known)
        return found

    def _with_moves(self, host: _Asked, found: dict[str, Any]) -> dict[str, Any]:
        """Return what was found with what becomes of the models where their folder is to be another one."""
        asked = store_question(host.topology, host.options, found, preflight=host.preflight)
        read = {} if asked is None else self._read("store_info", asked, host.known)
        if read.get("failed"):
            return read
        return {**found, "moves": store_move(host.options, found, asked, read.get("store"))}

    def _with_zones(self, host: _Asked, found: dict[str, Any]) -> dict[str, Any]:
        """Return what was found with the zones of firewalld, where their rules are the role's concern."""
        if not host.preflight or not is_asked(host.options, found):
            return found
        read = self._read("firewalld_info", {"command_timeout": host.options["command_timeout"]}, host.known)
        return read if read.get("failed") else {**found, **with_module(read)}

    def _with_engine(self, host: _Asked, found: dict[str, Any]) -> dict[str, Any]:
        """Return what was found with what there is to run containers with, where servers are to run in some."""
        engine = engine_of(host.options["deployment"])
        if engine is None or not host.preflight or host.options["staging_root"]:
            return found
        asked = {"engine": engine, "image": by_digest(str(host.options["image"])) or None}
        read = self._read("engine_info", {**asked, "command_timeout": host.options["command_timeout"]}, host.known)
        if read.get("failed"):
            return read
        # Docker's containers are made by a module that operators install.
        has = engine != DOCKER or has_module(MODULE)
        return {**found, "engine": {**read["containers"], "module": has}}

    def _models(self, host: _Asked, found: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is read of models, in the host's store and in files here; None where nothing has to be."""
        asked = models_question(host.topology, host.options, found, preflight=host.preflight)
        files = wanted_files(host.options)
        models = {} if asked is None else self._read("models_info", asked, host.known)
        if models.get("failed") or not files:
            return models or None
        # Files here are read by the reader of the module, as files of a host are.
        read = [read_model_files([self._loader.path_dwim(path)]) for path in files]
        return {
            **models,
            "models": [*models.get("models", []), *(record for record, _problems in read if record is not None)],
            "problems": [*models.get("problems", []), *(text for _record, problems in read for text in problems)],
        }

    def _served(self, host: _Asked, found: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
        """Return what else is read for the models to serve: what is in memory, and files of this machine."""
        asked, files = memory_question(host.topology, host.options, found), files_to_send(host.options)
        sizes = blob_sizes(models) if files else set()
        return {
            "service": None if asked is None else self._read("service_info", asked, host.known),
            "files": {path: file_identity(self._loader.path_dwim(path), sizes, given) for path, given in files},
        }

    def _read(self, name: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(
            module_name=f"inference.ollama.{name}", module_args=args, task_vars=task_vars
        )
        return {key: value for key, value in found.items() if key != "invocation"}


def _programs(topology: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of the programs that a plan may want on this host, by their paths."""
    return {name: hashlib.sha256(program_bytes(name)).hexdigest() for name in programs_of(topology, options)}


def _is_held(holder: Mapping[str, Any] | None, known: Mapping[str, Any]) -> bool:
    """Return whether another run, which may be alive, has the pending change."""
    if not holder or not holder.get("lease_left_s"):
        return False
    return holder.get("run") != this_run(known)["run"] and not is_dead(holder)


def _seen(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return by what file_transaction knows whether somebody has changed the host since."""
    return {"seen": found.get("digests"), "generation": found.get("generation")}


def _sentence(error: Exception) -> str:
    if isinstance(error, OllamaError):
        return str(error)
    # What Python says of a value quotes it.
    return f"the answer of the host is damaged or of another form than was asked for ({type(error).__name__})"


def _refused(sentences: list[str]) -> dict[str, Any]:
    refusals = [visible(sentence) for sentence in sentences]
    return {"failed": True, "refusals": refusals, "msg": "\n".join(refusals)}
