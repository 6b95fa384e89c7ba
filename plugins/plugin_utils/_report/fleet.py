# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of every host of a fleet, as one piece of data: the report. The page shows this and nothing else.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._report.clean import cleaned, printable
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import (
    FAIL,
    PASS,
    REFUSED,
    UNKNOWN,
    UNREACHABLE,
    VERDICTS,
    checks,
    counted,
    failed,
    host_of,
    mapping,
)

SCHEMA = 1
# Of a run's changes what the fleet is counted by.
OUTCOMES = ("changed", "restored", "failed")
_GONE = "this run lost the host before it looked at it: an earlier play failed there, or the host could not be reached"
_DIGITS = re.compile("([0-9]{1,18})")


def fleet_report(records: Mapping[str, Any], moment: str) -> dict[str, Any]:
    """``{schema, moment, summary, settings, hosts}`` of the records by host name, the hosts that are worst first.

    ``moment`` is when it was made, as text: there is no clock in here. A record may be the text of its JSON. It may be
    null, and so may each of its parts; the host is there all the same. Raises OllamaError where the records are no
    mapping.
    """
    if not isinstance(records, Mapping):
        raise OllamaError(
            f"records: expected a mapping of host names to what is known of each; found {type(records).__name__}"
        )
    hosts = sorted((_host(name, records[name]) for name in records), key=_rank)
    return {
        "schema": SCHEMA,
        "moment": printable(str(moment)),
        "summary": _summary(hosts),
        "settings": _settings(hosts),
        "hosts": hosts,
    }


def report_text(report: Mapping[str, Any]) -> str:
    """The report as JSON on one line, for a file."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False) + "\n"


def _host(name: object, record: object) -> dict[str, Any]:
    clean = mapping(cleaned(_read(record) if isinstance(record, str) else record))
    if not clean:
        clean = {"error": _GONE, "stopped": UNREACHABLE}
    return host_of(printable(str(name)), clean)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rank(host: Mapping[str, Any]) -> tuple[Any, ...]:
    """By verdict, then by how much is wrong, then as people count: node-2 before node-10."""
    # A run that went wrong comes first, and then what broke off and so tells nothing of what else is wrong.
    run = mapping(host["changes"]).get("outcome")
    broken = ("failed", "restored").index(run) if run in ("failed", "restored") else 2 if host["error"] else 3
    wrong = len(failed(host))
    parts = enumerate(_DIGITS.split(host["name"]))
    name = [(int(part), "") if number % 2 else (-1, part) for number, part in parts]
    return VERDICTS.index(host["verdict"]), broken, -wrong, name


def _summary(hosts: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {verdict: sum(host["verdict"] == verdict for host in hosts) for verdict in VERDICTS}
    runs = [mapping(host["changes"]).get("outcome") for host in hosts]
    outcomes = {outcome: runs.count(outcome) for outcome in OUTCOMES}
    return {"sentence": _sentence(counts), "hosts": len(hosts), "verdicts": counts, "changes": outcomes}


def _sentence(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    need = counts[FAIL] + counts[UNREACHABLE] + counts[REFUSED]
    if not total:
        return "There is no host to report on"
    if need:
        return f"{need} of {counted(total, 'host')} need{'s' if need == 1 else ''} you"
    if counts[UNKNOWN]:
        return f"Nothing failed; {counts[UNKNOWN]} of {counted(total, 'host')} could not be told in full"
    return f"{counted(counts[PASS], 'host')}, all as planned" if total > 1 else "1 host, as planned"


def _settings(hosts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is wrong on most hosts first: one cause often has many hosts."""
    found: dict[str, dict[str, list[str]]] = {}
    for host in hosts:
        for check in [*failed(host), *checks(host["verification"], UNKNOWN)]:
            names = found.setdefault(str(check.get("setting")), {FAIL: [], UNKNOWN: []})[str(check["verdict"])]
            if host["name"] not in names[-1:]:
                names.append(host["name"])
    order = sorted(found, key=lambda setting: (-len(found[setting][FAIL]), -len(found[setting][UNKNOWN]), setting))
    return [{"setting": setting, **found[setting]} for setting in order]


__all__ = ("SCHEMA", "fleet_report", "report_text")
