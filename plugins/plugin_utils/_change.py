# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has changed on a host, and, where it was taken back, why: as data and in a few lines."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import listens
from ansible_collections.inference.ollama.plugins.module_utils._places import BESIDE_UNITS, DOCKER_SUFFIX
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import of_texts, removals
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import container_name
from ansible_collections.inference.ollama.plugins.plugin_utils._drift import SCHEMA as DRIFT_SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._files import containers_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import url_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import SCHEMA as PLAN_SCHEMA
from ansible_collections.inference.ollama.plugins.plugin_utils._table import verify_table, wrapped
from ansible_collections.inference.ollama.plugins.plugin_utils._variables import read_kept
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.failed import failed_checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEMA = 1
UNCHANGED, CHANGED, RESTORED, FAILED = "unchanged", "changed", "restored", "failed"
_REST = ("configured", "unknown")
_LONGEST = 2000
# So many checks are shown whole in the last sentence.
_WHOLE = 4


def _restored_plan(restored: Mapping[str, Any]) -> dict[str, Any]:
    """What must hold where the module snapshot restored a snapshot.

    The plan that was confirmed then, if it is of the services that ran; else one that asks only that they run as
    systemd has loaded them, and answer.
    """
    # A timer that ran beside them answers to no API.
    start = {unit: host for unit, host in restored["services"]["start"].items() if unit not in BESIDE_UNITS}
    plan = restored["plan"]
    if plan and plan.get("schema") == PLAN_SCHEMA and {each["unit"] for each in plan["instances"]} == set(start):
        return dict(plan)
    instances = [_bare(unit, start[unit]) for unit in sorted(start)]
    return {"schema": PLAN_SCHEMA, "release": None, "instances": instances, "decisions": []}


def _bare(unit: str, host: str) -> dict[str, Any]:
    name = unit.removesuffix(".service")
    return {"name": name.partition("@")[2] or name, "unit": unit, "url": url_of(*listens(host)), "gpus": []}


def failure_reason(result: Mapping[str, Any], task: str = "") -> str:
    """Return why a task failed, in one line; of a loop, why each item did that failed.

    The message of an assertion or a refusal is a whole sentence; any other needs the name of the task.
    """
    failed = [each for each in result.get("results") or [] if each.get("failed")] or [result]
    said = list(dict.fromkeys(_message(each) for each in failed))
    # An item that says nothing adds nothing to what another one says.
    text = "; ".join([each for each in said if each] or ["it did not say why"])[:_LONGEST].rstrip(". ")
    return text if not task or "assertion" in failed[0] or "refusals" in failed[0] else f"{task}: {text}"


def _message(result: Mapping[str, Any]) -> str:
    message = result.get("msg") or ""
    lines = message if isinstance(message, list) else str(message).splitlines()
    return one_line(" ".join(str(line).strip() for line in lines), _LONGEST).rstrip(". ")


def change_table(
    change: Mapping[str, Any], after: Mapping[str, Any] | None = None, accepted: Iterable[str] = ()
) -> list[str]:
    """Lines with what was not as planned after the change, and what is not after rollback; empty where all is.

    ``change`` is what change_report() gave, ``after`` the verification of the state that is back.
    """
    lines: list[str] = []
    if change["verification"] and change["checks"]:
        lines += verify_table(change["verification"], "As changed, it was")
    if after and failed_checks(after, accepted):
        lines += ["", *verify_table(after, "As it is again")] if lines else verify_table(after, "As it is again")
    return lines


def change_sentence(
    change: Mapping[str, Any], host: str, after: Mapping[str, Any] | None = None, accepted: Iterable[str] = ()
) -> str:
    """The last words of a run that failed on a host: why, and what the host is like now."""
    seen = f": {_findings(change['checks'])}" if change["checks"] else ""
    return f"{host}: {change['reason']}{seen}. {_now(change, after, accepted)}"


def _findings(checks: Sequence[Mapping[str, Any]]) -> str:
    """Every check that failed: the first ones with what was seen, all others by name."""
    whole = [_finding(check) for check in checks[:_WHOLE]]
    rest = dict.fromkeys(str(check["setting"]) for check in checks[_WHOLE:])
    return "; ".join([*whole, *([f"and {', '.join(rest)}"] if rest else [])])


def _finding(check: Mapping[str, Any]) -> str:
    return f"{check['setting']}: {check['seen']}, planned {check['planned']} ({check['evidence']})"


def _now(change: Mapping[str, Any], after: Mapping[str, Any] | None, accepted: Iterable[str]) -> str:
    if change["outcome"] != RESTORED:
        untouched = "There was no state to go back to." if change["files"] else "No file on the host was changed."
        return change["problem"] or untouched
    back = f"Files and services are back as they were at {change['restored']['saved_at']}"
    if after is None:
        return f"{back}; whether they run as then is not verified: {change['problem'] or 'none ran then'}"
    bad = ", ".join(sorted({check["setting"] for check in failed_checks(after, accepted)}))
    if bad:
        return f"{back}, but do not run as then: {bad}"
    rest = ", ".join(f"{after['counts'].get(each, 0)} {each}" for each in _REST if after["counts"].get(each))
    return f"{back}, and run: {after['counts']['pass']} checks passed{f', {rest}' if rest else ''}."


def restore_report(  # noqa: PLR0913, PLR0917 - what was read of the host
    restored: Mapping[str, Any],
    host: str = "",
    after: Mapping[str, Any] | None = None,
    contents: Mapping[str, str | None] | None = None,
    secrets: str = "",
    variables: str | None = None,
    *,
    check_mode: bool = False,
) -> dict[str, Any]:
    """``{plan, units, lines, ended, containers, drift}``: what must hold after a snapshot was restored, and lines.

    ``contents`` are texts of files by path, as unit_files_info returns them, ``secrets`` that of the secrets file, and
    ``variables`` that of the file of variables; ``containers`` are those of Docker, with their secrets. ``drift`` is
    that of the files to the plan, None where nobody knows.
    """
    plan = _restored_plan(restored) if restored.get("services") else None
    units = [{"unit": each["unit"], "url": each["url"]} for each in (plan or {"instances": []})["instances"]]
    gone = [str(change["path"]) for change in restored["changes"] if change["change"] == "removed"]
    ended = sorted(containers_of(gone))
    names = [
        container_name(unit) for unit in sorted(containers_of(path for path in gone if path.endswith(DOCKER_SUFFIX)))
    ]
    return {
        "plan": plan,
        "units": units,
        "lines": _restore_lines(restored, host, after, check_mode=check_mode),
        "ended": ended,
        "containers": {"made": of_texts(contents or {}, secrets), "gone": removals(names)},
        "drift": _restored_drift(plan, contents or {}, variables),
    }


def _restored_drift(
    plan: Mapping[str, Any] | None, contents: Mapping[str, str | None], variables: str | None
) -> dict[str, Any] | None:
    """No difference where each file is as the plan wrote it; one edited since is back as edited, and proves nothing."""
    made = read_kept(variables)
    if not plan or not plan["decisions"] or made is None or not made.files:
        return None
    found = {path: hashlib.sha256((contents.get(path) or "").encode()).hexdigest() for path in made.files}
    return {"schema": DRIFT_SCHEMA, "differences": []} if found == made.files else None


def _restore_lines(
    restored: Mapping[str, Any], host: str, after: Mapping[str, Any] | None, *, check_mode: bool
) -> list[str]:
    """Return lines with what was restored on the host, or would be, how it runs, and which snapshots there are."""
    back, services = restored.get("restored"), restored.get("services") or {"stop": [], "start": {}}
    title = f"{host}: would go back to " if check_mode else f"{host}: back at "
    lines = [f"{host}: nothing to go back to"] if back is None else _state(back, title)
    would = "would be " if check_mode else ""
    lines += [one_line(f"  {would}{change['change']} {change['path']}") for change in restored["changes"]]
    # Where nothing has changed, nothing is stopped or restarted.
    if restored.get("changed"):
        lines += [f"  {would}stopped {unit}" for unit in services["stop"]]
        lines += [f"  {would}restarted {unit}" for unit in services["start"]]
    if after is not None:
        lines += ["", *verify_table(after, "It runs")]
    lines += ["", "States that are kept:" if restored["states"] else "No state is kept."]
    for state in restored["states"]:
        lines += _state(state, "  ")
    for problem in restored["problems"]:
        lines += wrapped(problem, "  ", 4)
    return lines


def _state(state: Mapping[str, Any], start: str) -> list[str]:
    files = len(state["changes"])
    why = f": {state['reason']}" if state["reason"] else ""
    change = f"before a change of {files} file{'' if files == 1 else 's'}{why}"
    return [one_line(f"{start}{state['saved_at']}, state {state['id']}"), *wrapped(change, "    ")]


def change_report(
    written: Mapping[str, Any],
    restarted: Iterable[str] = (),
    stopped: Iterable[str] = (),
    failure: Mapping[str, Any] | None = None,
    gate: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``{schema, outcome, reason, files, restarted, stopped, state, restored, proven, problem, verification, checks,
    gate, answers, models}``; ``models`` is what models_report() adds, ``answers`` the verdict of answers_verdict(),
    which the role adds; ``proven`` is whether the state of before is back and runs as then, or no service was touched;
    None where nothing failed.

    ``written`` is what file_transaction returned; ``failure`` is of a run that failed: ``{reason, restored, problem,
    verification, checks, after, accepted, touched}``, what snapshot returned when it was restored, why that did not go
    as it should, how the change was verified, and which checks of that made it fail; how what was restored is verified,
    which checks may fail there, and whether a service may have been stopped or restarted. ``gate`` is the verdict of
    gate_verdict().
    """
    files, units, ended = list(written.get("changes") or []), list(restarted), list(stopped)
    report = {
        "schema": SCHEMA,
        "outcome": CHANGED if files or units or ended else UNCHANGED,
        "reason": None,
        "files": files,
        "restarted": units,
        "stopped": ended,
        "state": written.get("state"),
        "restored": None,
        "proven": None,
        "problem": None,
        "verification": None,
        "checks": [],
        "gate": gate,
        "answers": None,
        "models": None,
    }
    if failure is not None:
        back = (failure.get("restored") or {}).get("restored")
        report.update(
            outcome=RESTORED if back else FAILED,
            reason=failure["reason"],
            restored=back,
            proven=_is_proven(failure, back),
            problem=failure.get("problem"),
            verification=failure.get("verification"),
            checks=list(failure.get("checks") or []),
        )
    return report


def _is_proven(failure: Mapping[str, Any], back: object) -> bool:
    """Whether what runs after a change that failed is known to be what ran before."""
    after = failure.get("after")
    if failure.get("problem"):
        return False
    if back is None or after is None:
        return back is None and not failure.get("touched", True)
    return not failed_checks(after, failure.get("accepted") or ())
