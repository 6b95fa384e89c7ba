# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert leads to on a host: what it would change, whether it may now, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._places import VARIABLES_FILE
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.alerts import (
    ALERTS,
    LOOK,
    RESTART,
    Alert,
    parse_alerts,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.hours import parse_hours
from ansible_collections.inference.ollama.plugins.plugin_utils._retune.limits import held_back, times_of
from ansible_collections.inference.ollama.plugins.plugin_utils._table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SCHEMA = 1
# What becomes of a host.
CHANGE, WOULD, HELD, NOTHING = "change", "would change", "held back", "nothing to change"
_PATHS = 4


def retune_request(given: object, hosts: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{refusals, hosts}``: what is wrong with the alerts and the limits, and the alerts of each host.

    ``options`` are the role's variables ``retune_*``. An alert that is over leads to nothing.
    """
    alerts, refusals = parse_alerts(given, hosts)
    try:
        parse_hours(str(options.get("retune_hours") or ""))
    except OllamaError as error:
        refusals.append(str(error))
    found: dict[str, list[dict[str, Any]]] = {}
    for alert in alerts:
        found.setdefault(alert.host, []).append(alert._asdict())
    return {"refusals": refusals, "hosts": {} if refusals else found}


def retune_decision(
    alerts: Sequence[Mapping[str, Any]], host: str, seen: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``{schema, refusals, host, alerts, outcome, acts, restart, files, changes, why, record, reason,
    lines}``.

    ``seen`` has ``desired``, what desired_state returned, None where it refused with ``refused``; ``clock``, what
    clock_info did; ``kept``, what snapshot returned; ``record``, the text of the record, None without one. ``acts`` is
    whether the host is changed now; ``record`` is the text of the record once it is.
    """
    desired = seen.get("desired")
    live = [alert for alert in map(_again, alerts) if not alert.resolved]
    times = times_of(seen)
    units = [str(each["unit"]) for each in (desired or {}).get("units") or ()]
    refusals = [*map(str, seen.get("refused") or ()), *_unknown_servers(live, units, desired)]
    restart = [] if refusals else _restarts(live, units)
    files = _written(desired, live) if desired is not None and not refusals else []
    change = _changes(desired, live, restart, files) if desired is not None and not refusals else []
    held = [*held_back(desired or {}, times, options)] if change else []
    wanted = bool(options["retune_apply"]) and not refusals
    outcome = NOTHING if not change else HELD if held else CHANGE if wanted else WOULD
    names = list(dict.fromkeys(alert.name for alert in live))
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "refusals": list(dict.fromkeys(refusals)),
        "host": host,
        "alerts": names,
        "outcome": outcome,
        "acts": outcome == CHANGE,
        "restart": restart if change else [],
        "files": files,
        "changes": change,
        "why": held or _why(live, host, change),
        "record": times.record(names),
        "reason": f"alert {', '.join(names)}",
    }
    return {**made, "lines": [*_lines(made, live)]}


def retune_table(decisions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of all hosts: a table of what becomes of them, and what would change and why beneath."""
    rows = [
        (
            [each["host"], ", ".join(each["alerts"]) or "resolved", each["outcome"]],
            [("", line) for line in each["lines"]],
        )
        for each in decisions
    ]
    return table(("HOST", "ALERT", "OUTCOME"), rows) if rows else ["no host has an alert that is not over"]


def _again(alert: Mapping[str, Any]) -> Alert:
    return Alert(**{name: alert[name] for name in Alert._fields})


def _unknown_servers(alerts: Sequence[Alert], units: Sequence[str], desired: Mapping[str, Any] | None) -> Iterator[str]:
    for alert in alerts:
        if desired is not None and alert.server and _unit(alert.server) not in units:
            yield (
                f"ollama_retune_alert: {alert.name} is of the server {one_line(repr(alert.server), 80)}, which"
                f" {alert.host} has not; it has {', '.join(units) or 'none'}"
            )


def _unit(server: str) -> str:
    return server if server.endswith(".service") else f"{server}.service"


def _restarts(alerts: Sequence[Alert], units: Sequence[str]) -> list[str]:
    """Return the units that have to restart: those that alerts name, or all where one names none."""
    asked = [alert for alert in alerts if ALERTS[alert.name].action == RESTART]
    if any(not alert.server for alert in asked):
        return list(units)
    named = {_unit(alert.server) for alert in asked}
    return [unit for unit in units if unit in named]


def _written(desired: Mapping[str, Any], alerts: Sequence[Alert]) -> list[str]:
    """Return the files that change; the role's own record of variables changes with any of them."""
    if not _acts(desired, alerts) or not desired["pending"]:
        return []
    files = [str(path) for path in desired["changes"]]
    return [path for path in files if not path.endswith(VARIABLES_FILE)] or files


def _changes(
    desired: Mapping[str, Any], alerts: Sequence[Alert], restart: Sequence[str], files: Sequence[str]
) -> list[str]:
    """Return what changes, in words; a host that restarts is brought to its plan, too."""
    if not _acts(desired, alerts):
        return []
    words = [f"write {', '.join(files[:_PATHS])}{' and others' if len(files) > _PATHS else ''}"] if files else []
    again = [*dict.fromkeys((*restart, *desired["restart"]))]
    words += [f"restart {' and '.join(again)}"] if again else []
    return words or (["bring the host to its plan"] if desired["pending"] else [])


def _acts(desired: Mapping[str, Any], alerts: Sequence[Alert]) -> bool:
    """Whether anything changes at all: not in a folder, and not where all that is asked is to look."""
    return bool(desired["live"]) and any(ALERTS[alert.name].action != LOOK for alert in alerts)


def _why(alerts: Sequence[Alert], host: str, change: Sequence[str]) -> list[str]:
    """Return what helps where nothing changes."""
    if change:
        return []
    advice = dict.fromkeys(ALERTS[alert.name].advice.format(host=host) for alert in alerts)
    return list(advice) or ["the alert is over"]


def _lines(made: Mapping[str, Any], alerts: Sequence[Alert]) -> Iterator[str]:
    for alert in alerts:
        if alert.server or alert.model:
            yield one_line(f"{alert.name}: {' '.join(filter(None, (alert.server, alert.model)))}", 120)
    yield from (f"{'change' if made['acts'] else 'would'}: {each}" for each in made["changes"])
    yield from (f"held back: {each}" if made["outcome"] == HELD else f"-> {each}" for each in made["why"])
    if made["outcome"] == WOULD:
        yield "-> with ollama_retune_apply: true it is changed"
