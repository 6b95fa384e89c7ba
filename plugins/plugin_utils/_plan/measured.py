# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which record of what was measured a plan takes, and which of its settings.

Sources: docs/policy.md, rules B1 to B6. What another variable of the role or another file of the unit sets comes before
a record, and the rules come after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._hardware import hardware
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, listed, same
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.environment import shown
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import MEASURED, Taken
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.records import OPTION
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import as_text
from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release, parse_release

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Notes
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.records import Record

DROPPED, NOT_COMPARED, SEVERAL = "measured-dropped", "measured-not-compared", "measured-several"
# Warnings that say of a setting that it does not fit the host as it is now planned.
_BUDGET = "budget-exceeded"
_MISFITS = frozenset(
    {
        _BUDGET,
        "context-beyond-training",
        "flash-attention-unsupported",
        "kv-cache-type-unused",
        "no-gpu-for-instances",
        "parallel-not-supported",
        "queue-shorter-than-slots",
        "threads-not-settable",
        "threads-oversubscribed",
        "threads-throttled",
    }
)
_AGAIN = "measure again with the playbook inference.ollama.tune, or take the record out"
# Of a digest, as ``ollama list`` shows it; of a text that somebody else wrote.
_DIGEST, _LONGEST = 12, 240

Warning_ = Dict[str, str]
# A plan with a record, and its notes.
Planner = Callable[["Record"], Tuple["Notes", Dict[str, Any]]]


class Choice(NamedTuple):
    """The record that fits the host, None without one, and warnings ``{code, message, remedy}``."""

    record: Optional[Record]
    warnings: list[Warning_]


def read_once(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with their records parsed, where they are right: a plan reads its options several times."""
    if not options.get(OPTION):
        return options
    policy, errors = parse({OPTION: options[OPTION]})
    return options if errors else {**options, OPTION: policy.measured}


def compared(topology: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The models whose digests a plan compares with those of the host's store; none where no record is of the host."""
    if not options.get(OPTION):
        return []
    policy, _errors = parse(options)
    meant = (record for record in _of_hardware(topology, policy) if record.objective == policy.objective)
    return list(dict.fromkeys(record.model for record in meant))


def choose(
    topology: Mapping[str, Any], policy: Policy, release: Release | None, models: Mapping[str, Any] | None
) -> Choice:
    """The first record of the host's hardware, release, objective and models; one that is being measured comes first.

    ``models`` is what models_info has read of the host's store; None where it was not read.
    """
    records = policy.measured
    if not records:
        return Choice(None, [])
    alike = _of_hardware(topology, policy)
    if not alike:
        return Choice(None, [_of_others(topology, records)])
    meant = [record for record in alike if record.objective == policy.objective]
    if not meant:
        aims = listed(list(dict.fromkeys(record.objective for record in alike)))
        what = f"what was measured on this hardware is for the objective {aims}, and ollama_objective is"
        remedy = "tune for this objective, or set the other one"
        return Choice(None, [_warning(DROPPED, f"{what} {policy.objective}", remedy)])
    store = _Store(models)
    reasons = [(record, _changed(record, release, store)) for record in meant]
    fitting = sorted((record for record, why in reasons if not why), key=lambda record: record.value is not None)
    kept = {key_of(record.model) for record in fitting}
    # Of a model that has a record which fits, older ones are of no interest; of another the first says enough.
    lost = {key_of(record.model): why for record, why in reversed(reasons) if why and key_of(record.model) not in kept}
    warnings = [_warning(DROPPED, why, _AGAIN) for why in reversed(lost.values())]
    if not fitting:
        return Choice(None, warnings)
    chosen, *others = fitting
    return Choice(chosen, [*warnings, *_others(chosen, others), *_not_compared(chosen, store)])


def adopt(policy: Policy, record: Record | None) -> tuple[Policy, dict[str, Taken]]:
    """The policy with the record's settings where it leaves them open, and those settings."""
    if record is None:
        return policy, {}
    own = _of_instances(policy)
    taken = {key: value for key, value in record.settings.items() if getattr(policy, key) is None and key not in own}
    beside = [
        f"{key} {shown(value)}"
        for key, value in record.settings.items()
        if key not in taken and (key in own or getattr(policy, key) != value)
    ]
    reason = f"{record.figure}{f'; together with {listed(beside)}, which is set otherwise here' if beside else ''}"
    return policy.replace(**taken), {key: Taken(value, reason) for key, value in taken.items()}


def as_planned(record: Record | None, taken: Mapping[str, Taken]) -> dict[str, Any] | None:
    """The record as a plan has it, with those of its settings that were taken; None where there are none."""
    if record is None or not taken:
        return None
    return {**record.given, "settings": {key: each.meaning for key, each in taken.items()}}


def take(record: Record, plain: dict[str, Any], planner: Planner) -> tuple[dict[str, Any], list[Warning_]]:
    """The plan with those of the record's settings that fit it, and a warning for each that does not.

    ``plain`` is the plan without the record.
    """
    warnings: list[Warning_] = []
    while True:
        notes, made = planner(record)
        why = _misfit(notes, plain)
        if why is None:
            return _explained(made, plain), warnings
        # The setting without which all is well; else one without which something else is wrong, or the first.
        left = {name: _misfit(planner(_without(record, name))[0], plain) for name in record.settings}
        name = min(left, key=lambda name: (left[name] is not None, left[name] == why))
        what = f"{name} {shown(record.settings[name])}, measured for {record.label}, does not fit here: {why}"
        warnings.append(_warning(DROPPED, what, _AGAIN))
        record = _without(record, name)
        if not record.settings:
            return plain, warnings


def _of_hardware(topology: Mapping[str, Any], policy: Policy) -> list[Record]:
    if not policy.measured:
        return []
    key = hardware(topology)["key"]
    return [record for record in policy.measured if record.hardware == key]


def _of_others(topology: Mapping[str, Any], records: tuple[Record, ...]) -> Warning_:
    """A warning that the hardware is another one, then and now in words."""
    here = hardware(topology)
    then = list(dict.fromkeys(f"{record.label} ({record.machine or record.hardware})" for record in records))
    text = f"no record is of this hardware, which is {here['text']}; measured was {'; '.join(then[:3])}"
    text += f"; and {len(then) - 3} more" if len(then) > 3 else ""
    if any(record.machine == here["text"] for record in records):
        text += f" (the same in words; the key of this hardware is {here['key']}, and theirs is another)"
    return _warning(DROPPED, text, "measure on this hardware with the playbook inference.ollama.tune")


def _changed(record: Record, release: Release | None, store: _Store) -> str | None:
    """What has changed since a record was measured; None where it still counts."""
    what = f"{record.label} was measured with"
    if release is None:
        return f"{what} Ollama {record.release}, and the release of this host is not known"
    if parse_release(record.release) != release:
        return f"{what} Ollama {record.release}, and this host has {release}"
    if store.lacks(record.model):
        return f"{record.label} was measured, and the model is not in {store.paths}"
    digest = store.digest(record.model)
    if record.digest is None or digest is None or _alike(record.digest, digest):
        return None
    return f"{what} the build {record.digest[:_DIGEST]} of the model, and {store.paths} has {digest[:_DIGEST]}"


def _alike(one: str, other: str) -> bool:
    """Whether two digests are the same as far as both are written."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _others(chosen: Record, others: list[Record]) -> list[Warning_]:
    """A warning of records that fit too and have other settings; none while the first is being measured."""
    different = [record.label for record in others if record.settings != chosen.settings]
    if not different or chosen.value is None:
        return []
    message = f"the settings measured for {chosen.label} are taken, and those for {listed(different)} are others"
    return [_warning(SEVERAL, message, "put the record that is to count before the others in ollama_measured")]


def _not_compared(chosen: Record, store: _Store) -> list[Warning_]:
    if chosen.digest is None or store.digest(chosen.model) is not None:
        return []
    message = f"the settings measured for {chosen.label} are taken, and whether the host has that build of the model"
    return [_warning(NOT_COMPARED, f"{message} is not known: {store.why}", "run on the host itself, as root")]


def _of_instances(policy: Policy) -> set[str]:
    """The settings that an entry of ollama_instances sets itself."""
    entries = policy.instances if isinstance(policy.instances, tuple) else ()
    named = load().named
    found = {key for entry in entries for key, value in entry.items() if value is not None}
    for entry in entries:
        variables = entry.get("environment")
        found |= {named[name] for name in variables if name in named} if isinstance(variables, Mapping) else set()
    return found


def _without(record: Record, name: str) -> Record:
    return replace(record, settings={key: value for key, value in record.settings.items() if key != name})


def _misfit(notes: Notes, plain: Mapping[str, Any]) -> str | None:
    """Why a plan with a record cannot be used; None where it is as right as the plan without."""
    if notes.errors:
        return notes.errors[0]
    passed_over = {warning["code"] for warning in plain["warnings"]}
    if not any(instance["budget"]["models"] for instance in plain["instances"]):
        # An assumed model proves nothing against one that was measured; the warning itself stays.
        passed_over.add(_BUDGET)
    found = (each["message"] for each in notes.warnings if each["code"] in _MISFITS - passed_over)
    return next(found, None)


def _explained(made: dict[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """The plan whose reasons of what was measured say what the rules give."""
    rules = {_place(each): as_text(each["value"]) for each in plain["decisions"]}
    decisions = []
    for each in made["decisions"]:
        rest = ""
        if each["source"] == MEASURED and _place(each) in rules:
            value = rules[_place(each)]
            rest = f"; the rules give {'the same' if value == as_text(each['value']) else value or 'no value'}"
        decisions.append({**each, "reason": f"{each['reason']}{rest}"})
    return {**made, "decisions": decisions}


def _place(decision: Mapping[str, Any]) -> tuple[str | None, str, str]:
    return decision["instance"], decision["kind"], decision["setting"]


def _warning(code: str, message: str, remedy: str) -> Warning_:
    return {"code": code, "message": f"ollama_measured: {message}", "remedy": remedy}


class _Store:
    """The models of the host's store, by name."""

    def __init__(self, read: Mapping[str, Any] | None) -> None:
        found = read or {}
        models = [each for each in found.get("models") or () if isinstance(each, Mapping)]
        self._models = [each for each in models if each.get("source") != "file"]
        self._stores = [each for each in found.get("stores") or () if isinstance(each, Mapping)]
        self._unread = next((each for each in self._stores if each.get("readable") is False), None)

    @property
    def paths(self) -> str:
        """The stores in a sentence."""
        return f"the store {' or '.join(one_line(str(each.get('path')), _LONGEST) for each in self._stores)}"

    @property
    def why(self) -> str:
        """Why a digest is not known."""
        if not self._stores:
            return "no store of models was read"
        if self._unread is not None:
            return f"the store {one_line(str(self._unread.get('path')), _LONGEST)} cannot be read"
        return "its manifest could not be read"

    def lacks(self, name: str) -> bool:
        """Whether it is certain that the model is not there."""
        return bool(self._stores) and self._unread is None and self._model(name) is None

    def digest(self, name: str) -> str | None:
        """The digest of a model; None where it is not known."""
        digest = (self._model(name) or {}).get("digest")
        return str(digest).lower() if digest else None

    def _model(self, name: str) -> Mapping[str, Any] | None:
        return next((each for each in self._models if same(str(each.get("name")), name)), None)
