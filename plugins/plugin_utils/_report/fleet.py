# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as data: what is known of every host of a fleet. The page shows this and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import visible
from ansible_collections.inference.ollama.plugins.plugin_utils._report.clean import cleaned
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import (
    CONFIGURED,
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
)
from ansible_collections.inference.ollama.plugins.plugin_utils._report.measured import with_files
from ansible_collections.inference.ollama.plugins.plugin_utils._report.schema import SCHEMA, read_report
from ansible_collections.inference.ollama.plugins.plugin_utils._report.since import (
    earlier_hosts,
    fleet_since,
    host_since,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping

# The outcomes of runs that the summary counts.
OUTCOMES = ("changed", "restored", "failed")
_GONE = "this run lost the host before it was read: an earlier play failed there, or the host could not be reached"
_DIGITS = re.compile("([0-9]{1,18})")


def fleet_report(
    records: Mapping[str, Any], moment: str, baseline: Mapping[str, Any] | str | None = None
) -> dict[str, Any]:
    """``{schema, moment, summary, since, settings, hosts}`` of the records by host name, the worst hosts first.

    ``moment`` is the time of the report as text. A record may be the text of its JSON. A record and each of its parts
    may be null; the host is in the report all the same. ``baseline`` is an earlier report or its JSON, of which
    ``since`` of the fleet and of each host has what changed; they are null without one. Raises OllamaError unless the
    records are a mapping and the baseline is a report.
    """
    if not isinstance(records, Mapping):
        raise OllamaError(
            f"records: expected a mapping of host names to what is known of each; found {type(records).__name__}"
        )
    before = None if baseline is None else read_report(baseline, "baseline")
    earlier = {} if before is None else earlier_hosts(before)
    hosts = sorted((_host(name, records[name]) for name in records), key=_rank)
    if before is not None:
        hosts = [{**host, "since": host_since(host, earlier.get(host["name"]))} for host in hosts]
    return {
        "schema": SCHEMA,
        "moment": visible(str(moment)),
        "summary": _summary(hosts),
        "since": None if before is None else fleet_since(hosts, before),
        "settings": _settings(hosts),
        "hosts": hosts,
    }


def report_text(report: Mapping[str, Any]) -> str:
    """The report as JSON on one line, for a file."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False) + "\n"


def _host(name: object, record: object) -> dict[str, Any]:
    found = with_files(_read(record) if isinstance(record, str) else record, str(name))
    clean = mapping(cleaned(found))
    if not clean:
        clean = {"error": _GONE, "stopped": UNREACHABLE}
    return host_of(visible(str(name)), clean)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rank(host: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sort by verdict, then by how much is wrong, then by name with numbers in order: node-2 before node-10."""
    # A run that failed comes first, then a task that did, after which nothing else was read.
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
        return f"Nothing failed; {counts[UNKNOWN]} of {counted(total, 'host')} could not be verified in full"
    if counts[CONFIGURED]:
        return (
            f"Nothing failed; {counts[CONFIGURED]} of {counted(total, 'host')} not proven in full: no model in memory"
        )
    return f"{counted(counts[PASS], 'host')}, all as planned" if total > 1 else "1 host, as planned"


def _settings(hosts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The settings that failed or are unknown with their hosts, those that failed on most hosts first."""
    found: dict[str, dict[str, list[str]]] = {}
    for host in hosts:
        for check in [*failed(host), *checks(host["verification"], UNKNOWN)]:
            names = found.setdefault(str(check.get("setting")), {FAIL: [], UNKNOWN: []})[str(check["verdict"])]
            if host["name"] not in names[-1:]:
                names.append(host["name"])
    order = sorted(found, key=lambda setting: (-len(found[setting][FAIL]), -len(found[setting][UNKNOWN]), setting))
    return [{"setting": setting, **found[setting]} for setting in order]
