# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured on a host and what the search for its best settings gained: read from files, and for the page."""

from __future__ import annotations

import base64
import json
from typing import Any, Mapping, NoReturn

from markupsafe import Markup

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.metrics import rate
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.record import name_of, read_record
from ansible_collections.inference.ollama.plugins.plugin_utils._benchmark.table import about, cells, notes
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.curves import inline_benchmark_svg
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import amount, mapping, rows, text

MEASUREMENT, TUNING, PROBLEMS = "measurement", "tuning", "measured_problems"
# Of each kind of file the part of the report.
_KINDS = {"benchmark": MEASUREMENT, "tuning": TUNING}
_TUNING_SCHEMA = 1
# What damaged data may raise.
_DAMAGED = (OllamaError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def with_files(record: object, host: str) -> object:
    """Return a host's record with what its files hold in place of their texts, and a sentence for each bad file.

    ``files`` of the record are what the module slurp returned in a loop over what stat returned in a loop over the
    kinds, ``benchmark`` and ``tuning``; without a content where a file could not be read. The first of a kind counts.
    """
    if not isinstance(record, Mapping) or "files" not in record:
        return record
    problems: list[str] = []
    found: dict[str, Any] = {MEASUREMENT: None, TUNING: None}
    for file in rows(record["files"]):
        looked = mapping(file.get("item"))
        key = _KINDS.get(str(looked.get("item")))
        if key is not None and found[key] is None:
            path = one_line(str(mapping(looked.get("stat")).get("path")), 300)
            found[key] = _file(file.get("content"), path, key, host, problems)
    rest = {key: value for key, value in record.items() if key != "files"}
    return {**rest, **found, PROBLEMS: problems}


def measured_view(host: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a host's measurements and of its search; what is damaged is a sentence."""
    # Reports of earlier releases lack the keys.
    problems = [each for each in host.get(PROBLEMS) or [] if isinstance(each, str)]
    view: dict[str, Any] = {}
    for key, make in ((MEASUREMENT, _measurement), (TUNING, _tuning)):
        part = mapping(host.get(key))
        if part:
            try:
                view[f"{key}_view"] = make(part, str(host["name"]))
            except _DAMAGED as error:
                problems.append(f"the {key} of this host cannot be shown: {type(error).__name__}")
    return {**view, PROBLEMS: problems}


def _file(content: object, what: str, key: str, host: str, problems: list[str]) -> dict[str, Any] | None:
    try:
        found = dict(_READERS[key](_decoded(content, what, key), what))
    except OllamaError as error:
        problems.append(str(error))
        return None
    named = found.get("host") if key == MEASUREMENT else mapping(found.get("profile")).get("host")
    if isinstance(named, str) and named != host:
        problems.append(f"{what}: it is of another host, {one_line(named, 80)}")
        return None
    return found


def _decoded(content: object, what: str, key: str) -> str:
    """Return the text of a file that slurp returned."""
    try:
        return base64.b64decode(content, validate=True).decode() if isinstance(content, str) else _unread(what, key)
    except ValueError:
        return _unread(what, key)


def _unread(what: str, key: str) -> NoReturn:
    raise OllamaError(f"{what}: it cannot be read, or is too long for a file of the playbook {_PLAYBOOKS[key]}")


def _read_measurement(given: str, what: str) -> Mapping[str, Any]:
    found = read_record(given, what)
    # The samples of every CPU fill a report, and no page shows them.
    slim = [
        {**result, "points": [{**point, "server": None} for point in rows(result["points"])]}
        for result in found["benchmarks"]
    ]
    # A value of the name key is hidden as a secret, wherever else it stands.
    profile = {**found["profile"], "hardware": {"text": mapping(found["profile"].get("hardware")).get("text")}}
    return {**found, "profile": profile, "benchmarks": slim}


def _read_tuning(given: str, what: str) -> Mapping[str, Any]:
    expected = "expected is a file HOST.tuning.json of the playbook inference.ollama.tune"
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        raise OllamaError(f"{what}: it is not JSON; {expected}") from None
    if not isinstance(found, dict) or not {"before", "best", "stop"} <= found.keys():
        raise OllamaError(f"{what}: it is no result of a search; {expected}")
    if found.get("schema") != _TUNING_SCHEMA:
        schema = one_line(repr(found.get("schema")), 40)
        raise OllamaError(f"{what}: its schema is {schema}; expected {_TUNING_SCHEMA}")
    return found


_READERS = {MEASUREMENT: _read_measurement, TUNING: _read_tuning}
_PLAYBOOKS = {MEASUREMENT: "inference.ollama.benchmark", TUNING: "inference.ollama.tune"}


def _measurement(record: Mapping[str, Any], host: str) -> dict[str, Any]:
    whole = read_record(record, MEASUREMENT)
    failed = mapping(whole["profile"].get("as_planned")).get("failed")
    return {
        "at": whole["at"],
        "release": text(whole["profile"].get("release")),
        "from": whole["from"],
        "not_as_planned": [str(each) for each in failed] if isinstance(failed, list) else [],
        "models": [
            (
                name_of(result),
                about(result).partition("; ")[2],
                [(cells(row), [*notes(row)]) for row in rows(result["points"])],
            )
            for result in whole["benchmarks"]
        ],
        "failed": whole["failed"],
        # _picture escapes its texts itself.
        "picture": Markup(inline_benchmark_svg(whole, host)) if whole["benchmarks"] else None,  # noqa: S704
    }


def _tuning(found: Mapping[str, Any], _host: str) -> dict[str, Any]:
    profile, unit = mapping(found.get("profile")), str(found.get("unit") or "")
    before, best = mapping(found["before"]), mapping(found["best"])
    stop = mapping(found["stop"])
    seconds = amount(found.get("seconds"))
    words = [f"{found.get('points')} settings tried"]
    words += [] if seconds is None else [f"{seconds / 60:.0f} minutes of measuring"]
    words += [f"objective {found['objective']}"] if text(found.get("objective")) else []
    return {
        "model": text(profile.get("model")),
        "at": text(profile.get("at")),
        "about": ", ".join(words),
        "gain": _gain(found),
        "stop": text(stop.get("message")) or str(stop.get("reason")),
        "sides": [
            (name, _settings(side.get("settings")), _value(side.get("value"), unit))
            for name, side in (("before", before), ("after", best))
        ],
        "trials": [_trial(trial, unit) for trial in rows(found.get("history"))],
    }


def _gain(found: Mapping[str, Any]) -> str:
    """Return what the search gained in a sentence."""
    gain, comparison = amount(found.get("gain_percent")), mapping(found.get("comparison"))
    if gain is None:
        return "nothing is gained: no other settings are proven to be better"
    low, high = (amount(comparison.get(key)) for key in ("low", "high"))
    sure = (
        ""
        if low is None or high is None
        else f" (with 95 % confidence {100 * (low - 1):.1f} to {100 * (high - 1):.1f} %)"
    )
    return f"{abs(gain):.1f} % {'more' if gain >= 0 else 'less'}{sure}"


def _trial(trial: Mapping[str, Any], unit: str) -> tuple[str, str, str, str, str]:
    outcome = text(trial.get("failed")) or str(trial.get("stop") or "")
    value = _value(trial.get("value"), unit)
    return str(trial.get("number")), str(trial.get("phase")), _settings(trial.get("settings")), value, outcome


def _settings(found: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in mapping(found).items()) or "as the plan has them"


def _value(found: object, unit: str) -> str:
    number = amount(found)
    return "-" if number is None else f"{rate(number)} {unit}".rstrip()
