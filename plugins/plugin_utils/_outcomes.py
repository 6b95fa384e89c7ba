# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run leaves every host: changed, proven, failed and why, or never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._change import CHANGED, RESTORED, UNCHANGED
from ansible_collections.inference.ollama.plugins.plugin_utils._table import wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_PROVEN, _ANSWERS, _AS_PLANNED = "changed and verified", "changed, and its API answers", "needed no change"
_WOULD, _SILENT = "would be changed", "needed no change, and failed a check"
_BACK, _LOST = "taken back to what was there before", "changed, and not taken back"
_FAILED, _BEGUN = "failed before a file was changed", "changed, and not verified: the next run of site does that"
_GONE = "lost on the way, and left to the next run of site"
_REFUSED, _NEVER = "refused, and not changed", "never reached, and not changed"
_UNREAD = "not reached from the start, and not changed"
# In the order in which they are shown, with the word that they are counted under.
_OUTCOMES = {
    _PROVEN: "changed and verified",
    _ANSWERS: "changed",
    _WOULD: "would be changed",
    _AS_PLANNED: "unchanged",
    _SILENT: "failed",
    _BACK: "taken back",
    _LOST: "failed",
    _FAILED: "failed",
    _BEGUN: "not verified",
    _GONE: "lost",
    _REFUSED: "refused",
    _NEVER: "untouched",
    _UNREAD: "untouched",
}
# Of hosts that are as they should be, so many are named.
_WELL, _NAMED = (_PROVEN, _ANSWERS, _WOULD, _AS_PLANNED), 20


def run_outcomes(
    hosts: Mapping[str, Mapping[str, Any]],
    lost: Collection[str] = (),
    why: Mapping[str, str] | None = None,
    *,
    check_mode: bool = False,
) -> list[str]:
    """Return how many hosts there are, and a line for each way in which a run leaves some, with names and reasons.

    ``hosts`` are the variables of each host of the run, the ones that it did not come to among them; ``lost`` are those
    that it could not reach any more, or that failed; ``why`` has the reasons, where they are not among the variables.
    """
    found: dict[str, list[str]] = {outcome: [] for outcome in _OUTCOMES}
    for host, variables in hosts.items():
        found[_outcome(variables, lost=host in lost, check_mode=check_mode)].append(host)
    reasons = {host: _reason(variables, (why or {}).get(host)) for host, variables in hosts.items()}
    lines = wrapped(f"{len(hosts)} hosts: {', '.join(_counts(found))}", indent=4) if len(hosts) > 1 else []
    for name, names in found.items():
        if names:
            lines += wrapped(f"{name}: {_named(name, names)}", indent=4)
            lines += _causes(names, reasons)
    return lines


def _counts(found: Mapping[str, Sequence[str]]) -> list[str]:
    counts: dict[str, int] = {}
    for name, names in found.items():
        counts[_OUTCOMES[name]] = counts.get(_OUTCOMES[name], 0) + len(names)
    return [f"{count} {word}" for word, count in counts.items() if count]


def _named(outcome: str, names: Sequence[str]) -> str:
    if outcome not in _WELL or len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _causes(names: Sequence[str], reasons: Mapping[str, str | None]) -> list[str]:
    """Lines with each reason, once for all hosts that have it."""
    alike: dict[str, list[str]] = {}
    for name in names:
        if reason := reasons[name]:
            alike.setdefault(reason, []).append(name)
    return [line for reason, of in alike.items() for line in wrapped(f"{', '.join(of)}: {reason}", "    ", 8)]


def _reason(variables: Mapping[str, Any], why: str | None) -> str | None:
    change, desired = _mapping(variables, "ollama_changes"), _mapping(variables, "__ollama")
    refusals = desired.get("refusals") or []
    checks = dict.fromkeys(str(check["setting"]) for check in change.get("checks") or ())
    cause = ": ".join(filter(None, [change.get("reason"), ", ".join(checks)]))
    reason = cause or ("; ".join(map(str, refusals)) if desired.get("failed") and refusals else why)
    return one_line(str(reason)) if reason else None


def _outcome(variables: Mapping[str, Any], *, lost: bool, check_mode: bool) -> str:
    change, desired = _mapping(variables, "ollama_changes"), _mapping(variables, "__ollama")
    outcome = change["outcome"] if change else None
    if desired.get("failed"):
        return _REFUSED
    if outcome == RESTORED:
        return _BACK
    if outcome not in (None, CHANGED, UNCHANGED):
        return _LOST if change["files"] else _FAILED
    if outcome == CHANGED:
        return _WOULD if check_mode else _PROVEN if variables.get("ollama_verification") else _ANSWERS
    is_read = bool(desired) and not desired.get("unreachable")
    if is_read and not desired.get("pending"):
        return _SILENT if lost else _AS_PLANNED
    begun = _mapping(variables, "__ollama_written").get("changed")
    return _GONE if lost and is_read else _BEGUN if begun else _NEVER if is_read else _UNREAD


def _mapping(variables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return variables.get(name) or {}
