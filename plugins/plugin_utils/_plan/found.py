# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit's other files set, and which of these settings the plan keeps.

Sources: docs/policy.md, rules F1 to F4. ``found`` is ``found_unit`` of the module unit_files_info.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import listens, read_host
from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import DEFAULT_HOST, is_loopback, split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import ACTING, load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import OURS, Finding, lint
from ansible_collections.inference.ollama.plugins.plugin_utils._lint_lines import is_read
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import Policy, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import DIRECTIVE, FOUND, VARIABLE, as_text
from ansible_collections.inference.ollama.plugins.plugin_utils._values import canonical, printable, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Notes
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

KEEP, REPLACE = "keep", "replace"
HOST, MODELS, AFFINITY = "OLLAMA_HOST", "OLLAMA_MODELS", "CPUAffinity"
# What a server that moves would lose: its clients, its models.
PLACES = frozenset({HOST, MODELS})
_DEFAULT_MODELS = "none, which is ~/.ollama/models of the service's user"
_OF_EVERY_PROGRAM = frozenset({"HOME"})
# The command is planned by itself, an environment file's variables are found one by one.
_NOT_KEPT = frozenset({"Environment", "EnvironmentFile", "ExecStart", "ReadWritePaths"})
_ADD_UP = frozenset({"Environment", "EnvironmentFile", "LoadCredential", "ExecStartPre", "ReadWritePaths"})


class Kept(NamedTuple):
    """A setting of another file. ``text`` is as that file has it, ``meaning`` as the plan uses it.

    ``key`` is the option that a variable decides, None for one that only ollama_environment can name.
    """

    text: str
    where: str
    how: str
    meaning: object = None
    key: Optional[str] = None

    @property
    def reason(self) -> str:
        return f"found in {self.where}; {self.how}"


class Found(NamedTuple):
    """What the plan keeps: variables, and directives of [Service] that stand in drop-ins."""

    variables: Dict[str, Kept]
    directives: Dict[str, Kept]
    cpus: Optional[CpuSet] = None


NOTHING = Found({}, {})


def adopt(
    policy: Policy,
    found: Mapping[str, Any] | None,
    release: Release | None,
    notes: Notes,
    unusable: Mapping[str, str],
) -> tuple[Policy, Found]:
    """The policy with what was found in place of its defaults, and what was kept of it.

    A value that the server would not take as it is meant stays in its file, with a warning. A secret stays there too.
    ``unusable`` names variables that only the plan as a whole could judge, and why. Notes an error where address or
    store would change and nobody has said which one it is to be.
    """
    if not found:
        return policy, NOTHING
    if found["problems"]:
        shown = [*found["problems"][:3], *(["…"] if len(found["problems"]) > 3 else [])]
        message = f"what the unit's other files set was not read as a whole: {'; '.join(shown)}"
        remedy = "run as root, and mend or remove what cannot be read; a setting that is not seen may be overridden"
        notes.warnings.append({"code": "found-incomplete", "message": message, "remedy": remedy})
    if policy.adopt == REPLACE:
        return policy, NOTHING
    open_ones = {name: found["variables"][name] for name in planned_variables(found) if said(policy, name) is None}
    policy, kept, undecided = _place(policy, open_ones, found, notes)
    for name, variable in _right(open_ones, release, notes).items():
        if name not in kept and name != HOST and name not in undecided and name not in unusable:
            policy = _keep(policy, name, variable, kept, notes)
    if undecided:
        notes.errors.append(_refusal(undecided))
    for name, why in unusable.items():
        _leave(
            notes, found["variables"][name], Finding(name, "", "unusable", why, f"set {variable_of(name)} to change it")
        )
    directives = _directives(found, notes)
    return policy, Found(kept, directives, _cpus(policy, directives))


def said(policy: Policy, name: str) -> str | None:
    """The variable of the role that decides on this one of the environment, where the operator has set one."""
    if name in policy.environment:
        return f"ollama_environment.{name}"
    default = Policy()
    for key in _keys(name):
        if getattr(policy, key) != getattr(default, key):
            return f"ollama_{key}"
    if name == HOST and isinstance(policy.instances, tuple) and all("host" in each for each in policy.instances):
        return "ollama_instances"
    return None


def planned_variables(found: Mapping[str, Any]) -> list[str]:
    """The names of variables that the plan looks at: Ollama's, without secrets."""
    return [name for name, each in found["variables"].items() if each["value"] is not None and _is_planned(name)]


def variable_of(name: str) -> str:
    """The variable of the role by which an operator sets this one of the environment, or this directive."""
    keys = _keys(name)
    return f"ollama_{keys[0]}" if keys else f"ollama_environment.{name}"


def _keys(name: str) -> list[str]:
    return [key for key, option in load().options.items() if name == option.variable or name in option.becomes]


def _is_planned(name: str) -> bool:
    """Whether the variable is Ollama's; others, such as PATH and HOME, belong to their file."""
    setting = load().get(name)
    known = setting is not None and setting.status in ACTING and name not in _OF_EVERY_PROGRAM
    return known or name.upper().startswith(OURS)


def _where(entry: Mapping[str, Any]) -> str:
    return f"{entry['file']}:{entry['line']}"


def _place(
    policy: Policy, variables: Mapping[str, Any], found: Mapping[str, Any], notes: Notes
) -> tuple[Policy, dict[str, Kept], dict[str, str]]:
    """Address and store: the policy with them, those kept, and a clause for each that nobody has decided on."""
    kept: dict[str, Kept] = {}
    undecided: dict[str, str] = {}
    host, store = variables.get(HOST), variables.get(MODELS)
    if host is not None:
        address, port = listens(host["value"])
        text = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        if split_host(text) is None or not read_host(host["value"]).can_be_looked_up:
            notes.errors.append(
                f"ollama_host: {HOST}={_shown(host['value'])}, found in {_where(host)}, cannot be kept, since it is no"
                " address to listen on; set ollama_host, or ollama_adopt: replace"
            )
        elif text == DEFAULT_HOST or policy.adopt == KEEP:
            policy = policy.replace(host=text)
            kept[HOST] = Kept(host["value"], _where(host), "set ollama_host to change it", text, "host")
        else:
            word = "" if is_loopback(address) or policy.exposure != "none" else "; kept, it needs ollama_exposure too"
            place = f"{_where(host)}; the plan would set {DEFAULT_HOST}{word}"
            undecided[HOST] = f"{HOST}={_shown(host['value'])} ({place})"
    # No rule sets a store, so that of the unit file itself, which stays as it is, does not change.
    if store is not None and store["file"] != found["path"] and policy.adopt != KEEP:
        undecided[MODELS] = f"{MODELS}={_shown(store['value'])} ({_where(store)}; the plan would set {_DEFAULT_MODELS})"
    return policy, kept, undecided


def _refusal(undecided: Mapping[str, str]) -> str:
    names = " and ".join(variable_of(name) for name in undecided)
    return (
        f"ollama_adopt: auto changes neither the address nor the store that a server has; found was"
        f" {' and '.join(undecided.values())}. Set ollama_adopt: keep to keep what was found, ollama_adopt: replace to"
        f" give it up, or say it in {names}"
    )


def _right(variables: Mapping[str, Any], release: Release | None, notes: Notes) -> dict[str, Any]:
    """Those that act as they are meant, with a warning for each other one."""
    right = dict(variables)
    for name, each in variables.items():
        if not printable(each["value"]):
            right.pop(name)
            why = "its value holds a line break or another control character"
            _leave(notes, each, Finding(name, "", "malformed", why, "write one line of plain text"))
    variables = dict(right)
    for finding in lint(
        {name: each["value"] for name, each in variables.items() if name != HOST}, release, hardware_known=True
    ):
        if finding.name not in variables:
            continue
        left = finding.severity != "advice" or finding.code == "malformed"
        if left:
            right.pop(finding.name, None)
            _leave(notes, variables[finding.name], finding)
        else:
            message = f"{finding.name}, found in {_where(variables[finding.name])}: {finding.message}"
            notes.warnings.append({"code": f"found-{finding.code}", "message": message, "remedy": finding.remedy})
    return right


def _leave(notes: Notes, variable: Mapping[str, Any], finding: Finding) -> None:
    message = f"{finding.name}, found in {_where(variable)}: {finding.message}"
    message += "; it stays there, and the plan does not count on it"
    notes.warnings.append({"code": f"found-{finding.code}", "message": message, "remedy": finding.remedy})


def _keep(policy: Policy, name: str, variable: Mapping[str, Any], kept: dict[str, Kept], notes: Notes) -> Policy:
    text, how = variable["value"], f"set {variable_of(name)} to change it"
    key = load().named.get(name)
    if key is None:
        setting = load().get(name)
        meaning = text if setting is None else canonical(setting, text)
        kept[name] = Kept(text, _where(variable), how, meaning)
        return policy.replace(environment=dict(sorted({**policy.environment, name: meaning}.items())))
    parsed, wrong = parse({key: text})
    if getattr(parsed, key) is None:
        # A text that leaves it open, such as 0 models, as well as one that the role's variable does not take.
        why = wrong[0].partition(": ")[2] if wrong else f"{_shown(text)} leaves it open, so that the rules decide"
        _leave(notes, variable, Finding(name, "", "malformed" if wrong else "open", why, how))
        return policy
    kept[name] = Kept(text, _where(variable), how, getattr(parsed, key), key)
    return policy.replace(**{key: getattr(parsed, key)})


def _is_read(entry: Mapping[str, Any]) -> bool:
    """Whether systemd takes the setting; of one that is not shown nobody can say otherwise."""
    value = entry["value"]
    return value is None or is_read(Setting(entry["file"], entry["line"], entry["section"], entry["directive"], value))


def _directives(found: Mapping[str, Any], notes: Notes) -> dict[str, Kept]:
    """Directives in [Service] of drop-ins; those of the unit file itself yield to the rules, all but its CPUs.

    No vendor binds the service, and where no rule binds it either the unit's own CPUs stay in effect.
    """
    kept: dict[str, Kept] = {}
    lists: dict[str, list[str]] = {}
    for setting in found["settings"]:
        name, value = setting["directive"], setting["value"]
        if setting["section"] != "Service" or value is None or name in _NOT_KEPT or not printable(value):
            continue
        if not _is_read(setting):
            why = f"systemd passes over the value {_shown(value)}"
            _leave(notes, setting, Finding(name, "", "unread", why, "correct it there, or take it out"))
            continue
        lists.setdefault(name, []).append(value.strip("\"'"))
        if setting["file"] in found["dropins"] or name == AFFINITY:
            keys = _keys(name) or (["numa_node"] if name == AFFINITY else [])
            how = f"set ollama_{keys[0]} to change it" if keys else "take it out there to leave it to the rules"
            kept[name] = Kept(lists[name][-1], _where(setting), how)
    if AFFINITY in kept:
        # The assignments to this one add up.
        kept[AFFINITY] = kept[AFFINITY]._replace(text=" ".join(lists[AFFINITY]))
    return kept


def _cpus(policy: Policy, directives: dict[str, Kept]) -> CpuSet | None:
    """The CPUs that CPUAffinity= of a drop-in binds to; where the operator says otherwise, it is not kept."""
    affinity = directives.get(AFFINITY)
    if affinity is None:
        return None
    try:
        cpus = CpuSet.parse(re.sub("[ ,]+", ",", affinity.text))
    except ValueError:
        cpus = CpuSet()
    if not cpus or policy.numa_node is not None or policy.bind_method is not None:
        del directives[AFFINITY]
        return None
    return cpus


def _shown(value: str) -> str:
    return value if printable(value) and len(value) <= 80 else quoted(value)


def conflicts(found: Mapping[str, Any] | None, plan: Mapping[str, Any], dropin_name: str) -> list[str]:
    """A sentence for each setting that the plan writes and that a file which comes after ours sets otherwise.

    Environment files come after every drop-in, and so do drop-ins of later names after that of the only server.
    """
    lines: list[str] = []
    written = {
        decision["setting"]: as_text(decision["value"])
        for decision in plan["decisions"]
        if decision["kind"] in (VARIABLE, DIRECTIVE) and decision["value"] is not None and decision["source"] != FOUND
    }
    for name, entry in _last_words(found, dropin_name, single=not plan["template"]):
        if name in written and written[name] != entry["value"]:
            text = "a value that is not shown" if entry["value"] is None else _shown(entry["value"])
            lines.append(
                f"{variable_of(name)}: the plan sets {name} to {written[name]}, and {_where(entry)} sets it to {text},"
                " which wins over the role's drop-in; take it out there, or give the role the same value"
            )
    return lines


def _last_words(
    found: Mapping[str, Any] | None, dropin_name: str, *, single: bool
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The settings of files that come after ours."""
    if found is None:
        return
    later = {path for path in found["dropins"] if single and path.rpartition("/")[2] > dropin_name}
    for name, variable in found["variables"].items():
        if variable["from_file"] or variable["file"] in later:
            yield name, variable
    for setting in found["settings"]:
        if (
            setting["section"] == "Service"
            and setting["file"] in later
            and setting["directive"] not in _ADD_UP
            and _is_read(setting)
        ):
            yield setting["directive"], setting
