# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sum up a run, a line or a few for each host: what changed, what was verified, and what is left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._change import (
    CHANGED,
    UNCHANGED,
    change_sentence,
    change_table,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import (
    DIRECTIVE,
    ORDER,
    SECRET,
    SLICE,
    VARIABLE,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._served.report import models_clauses, models_pending
from ansible_collections.inference.ollama.plugins.plugin_utils._table import counts_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Of a sentence with the first check that failed, and of all that is left.
_LONGEST = 8000
# The kinds of decisions that are lines of a unit.
_WRITTEN = (VARIABLE, SECRET, DIRECTIVE, ORDER, SLICE)


def run_summary(hosts: Mapping[str, Mapping[str, Any]], *, check_mode: bool = False) -> list[str]:
    """Return the lines of all hosts; ``hosts`` are the variables of each, of which only the role's are looked at.

    A host on which the role has not run, as where a condition leaves it out, has none. The last line of a host whose
    run failed is one sentence, however long.
    """
    lines: list[str] = []
    for host, variables in hosts.items():
        if "ollama_changes" not in variables:
            continue
        change = variables["ollama_changes"]
        if change["outcome"] in (UNCHANGED, CHANGED):
            lines += wrapped(f"{host}: {'; '.join(_clauses(variables, change, check_mode=check_mode))}", indent=4)
        else:
            after, accepted = _get(variables, "after"), variables["ollama_verify_accept"]
            lines += change_table(change, after, accepted)
            lines.append(one_line(change_sentence(change, host, after, accepted), _LONGEST))
    return lines


def _clauses(variables: Mapping[str, Any], change: Mapping[str, Any], *, check_mode: bool) -> Iterator[str]:
    desired = variables["__ollama"]
    changed = change["outcome"] == CHANGED
    if changed:
        yield from filter(None, [_changed(change, check_mode=check_mode)])
    elif desired["pending"]:
        yield _pending(desired)
    else:
        yield "unchanged"
    verification = _get(variables, "ollama_verification") if changed else None
    if verification:
        yield f"verified: {counts_of(verification)}"
    elif releases := _releases(variables):
        yield f"API answers with {releases}"
    yield from models_clauses(change.get("models"))
    if changed and check_mode:
        yield from (f"would {act}" for act in models_pending(desired.get("served")))
    if changed and change.get("gate"):
        yield f"gate: {change['gate']['text']}"
    if changed and change.get("answers"):
        yield f"answers: {change['answers']['text']}"
    plan = desired["plan"]
    settings = sum(each["value"] is not None and each["kind"] in _WRITTEN for each in plan["decisions"])
    warnings = [warning["code"] for warning in plan["warnings"]]
    number = f"{settings} settings"
    if changed or not warnings:
        yield number
    else:
        yield f"{number}, {len(warnings)} warning{'s' if len(warnings) > 1 else ''}"
    if changed and warnings:
        yield f"left to you: {', '.join(warnings)}"
    yield from desired["notices"]


def _changed(change: Mapping[str, Any], *, check_mode: bool) -> str:
    acts = [_files(len(change["files"]), "changed")] if change["files"] else []
    acts += [f"{' and '.join(change[key])} {key}" for key in ("restarted", "stopped") if change[key]]
    return f"{'would be: ' if check_mode else ''}{', '.join(acts)}"


def _pending(desired: Mapping[str, Any]) -> str:
    acts = [_files(len(desired["changes"]), "to change")] if desired["changes"] else []
    start = [unit for unit in desired["start"] if unit not in desired["restart"]]
    for verb, units in (("restart", desired["restart"]), ("stop", desired["stop"]), ("start", start)):
        acts += [f"{verb} {' and '.join(units)}"] if units else []
    return ", ".join([*acts, *models_pending(desired.get("served"))]) or "to be changed"


def _files(number: int, what: str) -> str:
    return f"{number} file{'' if number == 1 else 's'} {what}"


def _releases(variables: Mapping[str, Any]) -> str:
    service = (_get(variables, "__ollama_service") or {}).get("service") or {"instances": []}
    found = [(each["api"] or {}).get("version") for each in service["instances"]]
    return ", ".join(sorted(set(filter(None, found))))


def _get(variables: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever the variable holds
    return variables.get(name)
