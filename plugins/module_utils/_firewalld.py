# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read whether firewalld runs, what its zones let in by rich rules, and which of these an earlier run has added.

Sources: firewall-cmd(1), firewalld.zone(5), firewalld.richlanguage(5).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._process import bounded
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner

SCHEMA = 1
COMMAND = "firewall-cmd"
# firewall-cmd(1), exit codes: NOT_RUNNING.
_NOT_RUNNING = f"{COMMAND} --state failed with exit status 252"
_ZONE = re.compile(r"([^\s()]+)(?: \(([a-z, ]*)\))?")
# As _firewalld.py of plugin_utils writes them.
_OURS = re.compile(r'rule family="ipv[46]" source address="[0-9a-f.:/]+" port port="[0-9]+" protocol="tcp" accept')
_FIELD = re.compile(r"  ([a-z][a-z -]*):(.*)")


def firewalld(run: Runner, record: str) -> dict[str, Any]:
    """Return RETURN of the module firewalld_info; ``record`` is the path of the rules that an earlier run has added."""
    ask = bounded(run)
    made: dict[str, Any] = {"schema": SCHEMA, "running": None, "zones": [], "recorded": [], "problems": []}
    problems: list[str] = made["problems"]
    try:
        made["recorded"] = recorded(Tree().read(record))
    except UnreadableError as error:
        made["recorded"] = None
        problems.append(f"{record}: {error}")
    state = ask([COMMAND, "--state"])
    said = str(state.problem)
    if state.out is None and (said == f"{COMMAND} is not installed" or said.startswith(_NOT_RUNNING)):
        made["running"] = False
        return made
    if state.out is None or state.out.strip() != "running":
        problems.append(said if state.out is None else f"{COMMAND} --state said {state.out.strip()[:60]!r}")
        return made
    made["running"] = True
    answers = [
        ask([COMMAND, *words])
        for words in (["--get-default-zone"], ["--list-all-zones"], ["--permanent", "--list-all-zones"])
    ]
    problems += [answer.problem for answer in answers if answer.problem is not None]
    default, now, kept = (answer.out for answer in answers)
    if default is not None and now is not None and kept is not None:
        made["zones"] = _zones(default.strip(), zones(now), zones(kept))
    return made


def recorded(text: str | None) -> list[dict[str, str]]:
    """The rules ``{zone, rule}`` of the file of an earlier run; none without a file. Raises UnreadableError."""
    if text is None:
        return []
    try:
        known = json.loads(text)["rules"]
        rows = [{"zone": row["zone"], "rule": row["rule"]} for row in known]
        right = all(_ZONE.fullmatch(row["zone"]) and _OURS.fullmatch(row["rule"]) for row in rows)
    except (ValueError, TypeError, KeyError, RecursionError):
        rows, right = [], False
    if not right:
        raise UnreadableError(
            "it is no list of rules that this collection has added to zones of firewalld; restore it, or remove it and"
            " the rules by firewall-cmd"
        )
    return rows


def zones(text: str) -> dict[str, dict[str, Any]]:
    """``{active, target, rules}`` of each zone in the output of firewall-cmd --list-all-zones."""
    found: dict[str, dict[str, Any]] = {}
    zone: dict[str, Any] = {}
    field = ""
    for line in text.splitlines():
        head, entry = _ZONE.fullmatch(line.rstrip()), _FIELD.fullmatch(line)
        if head is not None:
            words = (head[2] or "").replace(",", " ").split()
            zone = found.setdefault(head[1], {"active": "active" in words, "target": None, "rules": []})
            field = ""
        elif entry is not None and zone:
            field = entry[1]
            if field == "target":
                zone["target"] = entry[2].strip()
        elif field == "rich rules" and zone and line.strip():
            zone["rules"].append(line.strip())
    return found


def _zones(default: str, now: dict[str, dict[str, Any]], kept: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "default": name == default,
            "active": zone["active"],
            "target": zone["target"],
            "rules": zone["rules"],
            "permanent_rules": kept.get(name, {}).get("rules", []),
        }
        for name, zone in now.items()
    ]
