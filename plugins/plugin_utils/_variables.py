# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that a host was made with: what is kept of them on the host, and how they differ from those of a run.

The file is for every user to read, as the unit files are: of a secret it holds whether there is one, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._options import read, without_secrets
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.measured import DROPPED
from ansible_collections.inference.ollama.plugins.plugin_utils._secret_environment import secret_names
from ansible_collections.inference.ollama.plugins.plugin_utils._values import BOOLEANS, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

SCHEMA = 1
ACCEPT = "accept"
_ABOUT = "Managed by Ansible, role inference.ollama.ollama: the variables that the files of the role were made with."
# The option whose value is compared name by name.
_NAMES = "environment"
# Of what was measured a host keeps the record that its plan took: others are other hosts'.
MEASURED = "measured"
# Which models servers are to have decides none of their files.
MODELS, INSTANCES = "models", "instances"
# The longest value in a sentence.
_LONGEST = 120


class Kept(NamedTuple):
    """What a host keeps: values by the name of the option, and the SHA-256 of each unit file by its path."""

    variables: Mapping[str, Any]
    files: Mapping[str, str]


class Difference(NamedTuple):
    """An option whose value is another one on the host, with the values and a clause that says so."""

    option: str
    here: Any
    on_host: Any
    clause: str


def used(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each option that a plan is made of, in one form for what means the same, without secrets.

    ``options`` are the role's variables without their prefix.
    """
    return {
        name: _kept(option, _without_models(options[name]) if name == INSTANCES else options[name])
        for name, option in load().options.items()
        if option.scope != "role" and name in options and name not in (MEASURED, MODELS)
    }


def _without_models(instances: object) -> object:
    if not isinstance(instances, (list, tuple)):
        return instances
    return [
        {key: value for key, value in entry.items() if key != MODELS} if isinstance(entry, Mapping) else entry
        for entry in instances
    ]


def taken_record(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a host keeps of the records that were measured: a list of the one that the plan took, or of none."""
    return {MEASURED: [] if plan["measured"] is None else [plan["measured"]]}


def record_lost(kept: Kept | None, plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield a notice where a host was made with a record of what was measured, and the plan takes none any more."""
    before = (kept.variables.get(MEASURED) if kept is not None else None) or []
    if not before or plan["measured"] is not None:
        return
    why = [warning["message"] for warning in plan["warnings"] if warning["code"] == DROPPED]
    because = "; ".join(why) or "ollama_measured has no such record any more, or other variables say what it said"
    yield f"{_record(before)}, no longer counts, and the rules decide again: {because}"


def kept_text(variables: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """Return the text of the file: ``variables`` as of used(), ``files`` the SHA-256 of unit files by path."""
    record = {
        "about": _ABOUT,
        "schema": SCHEMA,
        "variables": {f"ollama_{name}": value for name, value in variables.items()},
        "files": dict(files),
    }
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def read_kept(text: object) -> Kept | None:
    """Return what a text of kept_text() says; None for nothing, another schema and a damaged text."""
    try:
        record = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return None
    variables, files = record.get("variables"), record.get("files")
    if not isinstance(variables, dict) or not isinstance(files, dict):
        return None
    return Kept({name.removeprefix("ollama_"): value for name, value in variables.items()}, files)


def differences(here: Mapping[str, Any], on_host: Mapping[str, Any], where: str = "on the host") -> list[Difference]:
    """Return how the values of a run differ from others, in the order of the role's variables.

    An option that one of them lacks, as of another release of the collection, is no difference.
    """
    found = []
    for name in load().options:
        if name in here and name in on_host and here[name] != on_host[name]:
            clause = _clause(name, here[name], on_host[name], where)
            found.append(Difference(name, here[name], on_host[name], clause))
    return found


def lost_secrets(options: Mapping[str, Any], kept: Kept | None, path: str) -> list[str]:
    """Return each name of a secret that a host was made with and that the run does not mention, with its file."""
    before = None if kept is None else kept.variables.get("secret_environment")
    names = secret_names(options.get("secret_environment"))
    return [f"{name} of {path}" for name in before or [] if name not in names] if isinstance(before, list) else []


def is_left_out(difference: Difference) -> bool:
    """Whether the run does not mention what the host was made with: its value is the role's default."""
    option = load().options[difference.option]
    default = bool(option.default) if option.type == "secret" else option.default
    return bool(difference.here == _kept(option, default))


def made_with(found: list[Difference]) -> str:
    """Return the differences as a sentence without its full stop."""
    return f"made with other variables: {'; '.join(difference.clause for difference in found)}"


def origins(
    kept: Kept | None, others: list[Difference], paths: Iterable[str], digests: Mapping[str, Any]
) -> dict[str, str]:
    """Return why a unit file may be another than the planned one, by path; nothing where the host does not say.

    ``others`` is how the variables differ, ``digests`` what is on the host, as of the module unit_files_info.
    """
    if kept is None:
        return {}
    found = {}
    for path in paths:
        written, there = kept.files.get(path), digests.get(path)
        made = made_with(others) if others else ""
        if written is not None and (there is None or there.get("sha256") != written):
            act = "removed or hidden" if there is None else "changed"
            by_hand = f"{act} by hand since the role wrote it"
            found[path] = f"{by_hand}, and {made}" if made else by_hand
        elif made or written is not None:
            found[path] = made or "made with the same variables, for another release, other hardware or by another role"
    return found


def _kept(option: Option, value: object) -> Any:  # noqa: ANN401 - whatever the variable holds
    if option.type == "secret":
        return value if isinstance(value, bool) else bool(str(value))
    if option.type == "secrets":
        return secret_names(value)
    if isinstance(value, (Mapping, list, tuple)) and option.type != "devices":
        return json.loads(json.dumps(without_secrets(value), default=str))
    text = str(value)
    if option.auto and text.lower() in ("", "auto"):
        return option.default
    if text in option.words or option.type not in (*BOOLEANS, *WHOLE, "devices"):
        return without_secrets(text)
    try:
        meant = read(option, value)
    except ValueError:
        meant = text
    return ",".join(map(str, meant)) if isinstance(meant, tuple) else meant


def _clause(name: str, here: object, on_host: object, where: str) -> str:
    variable = f"ollama_{name}"
    if name == MEASURED:
        return f"{variable} has {_record(here)} here and had {_record(on_host)} {where}"
    if load().options[name].type == "secret":
        return f"{variable} is {'set' if here else 'not set'} here and was {'set' if on_host else 'not set'} {where}"
    if load().options[name].type == "secrets" and isinstance(here, list) and isinstance(on_host, list):
        clauses = [f"has {key} here and not {where}" for key in here if key not in on_host]
        clauses += [f"has {key} {where} and not here" for key in on_host if key not in here]
        return f"{variable} {', '.join(clauses)}"
    if name == _NAMES and isinstance(here, Mapping) and isinstance(on_host, Mapping):
        clauses = [f"has {key} here and not {where}" for key in here if key not in on_host]
        clauses += [f"has {key} {where} and not here" for key in on_host if key not in here]
        clauses += [
            f"has another value for {key} here than {where}"
            for key in here
            if key in on_host and here[key] != on_host[key]
        ]
        return f"{variable} {', '.join(clauses)}"
    return f"{variable} is {_shown(here)} here and was {_shown(on_host)} {where}"


def _record(value: object) -> str:
    """What was measured, as a host keeps it, in words."""
    record = value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else {}
    settings = record.get("settings")
    if not isinstance(settings, Mapping) or not settings:
        return "no record that counts"
    values = ", ".join(f"{name} {_shown(content)}" for name, content in settings.items())
    where = f" on {record['host']}" if record.get("host") else ""
    return f"{values}, measured for {record.get('model')}{where}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) and value.isprintable() and value else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
