# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert asks for: its name, host, server and model, in each form in which one may arrive.

Alertmanager posts ``{alerts: [{status, labels: {alertname, host}}]}`` with more in it (Alertmanager, webhook_config);
Event-Driven Ansible hands on one of these; by hand ``{name, host}`` is enough.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

PLAN, RESTART, LOOK = "plan", "restart", "look"
RESOLVED = "resolved"
_MOST, _LONGEST, _LARGEST = 1000, 200, 1 << 20
_FORM = (
    "allowed is an alert as Alertmanager posts it, with labels.alertname and labels.host, a list of these, or a mapping"
    " such as {name: OllamaQueueFull, host: node1}"
)


class Rule(NamedTuple):
    """What is done about an alert: what the host does, and what helps where that changes nothing."""

    action: str
    advice: str


_TUNE = "search settings by measuring: ansible-playbook inference.ollama.tune --limit {host}"
# The names of the rules in roles/ollama/files/metrics/alerts.yml, and of one event that no rule finds.
ALERTS: Mapping[str, Rule] = {
    "OllamaFellToCpu": Rule(
        RESTART,
        "where a restart does not bring the cards back: ansible-playbook inference.ollama.verify --limit {host}",
    ),
    "OllamaCollapse": Rule(PLAN, _TUNE),
    "OllamaDrift": Rule(PLAN, "see what differs: ansible-playbook inference.ollama.verify --limit {host}"),
    "OllamaQueueFull": Rule(PLAN, f"serve the model on more hosts, or {_TUNE}"),
    "OllamaMemorySoon": Rule(
        PLAN, "with ollama_reference_models: auto in the inventory the plan counts the models of the host's store"
    ),
    "OllamaHostSilent": Rule(LOOK, "nothing is changed on a host that says nothing of itself; look why"),
    "OllamaNewModel": Rule(
        PLAN, "with ollama_reference_models: auto in the inventory the plan counts the models of the host's store"
    ),
}


class Alert(NamedTuple):
    """One alert; ``server`` and ``model`` are empty where it names none."""

    name: str
    host: str
    server: str
    model: str
    resolved: bool


def parse_alerts(given: object, hosts: Sequence[str]) -> tuple[list[Alert], list[str]]:
    """Return the alerts, each once, and a sentence for each thing that is wrong; ``hosts`` are those of the run."""
    entries = _entries(given)
    if entries is None:
        shown = "it is not given" if given in (None, "", [], {}) else "its form is not known"
        return [], [f"ollama_retune_alert: {shown}; {_FORM}"]
    if len(entries) > _MOST:
        return [], [f"ollama_retune_alert: there are {len(entries)} alerts, at most {_MOST} are taken at once"]
    found, errors = [], []
    for entry in entries:
        alert = _alert(entry)
        wrong = _wrong(alert, hosts)
        if wrong:
            errors.append(wrong)
        else:
            found.append(alert)
    return list(dict.fromkeys(found)), list(dict.fromkeys(errors))


def _entries(given: object) -> list[Mapping[str, Any]] | None:
    if isinstance(given, str):
        try:
            given = json.loads(given) if len(given) <= _LARGEST else None
        except (ValueError, RecursionError):
            return None
    if isinstance(given, Mapping):
        given = given.get("alerts", [given])
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(each, Mapping) for each in given):
        return None
    return list(given)


def _alert(entry: Mapping[str, Any]) -> Alert:
    labels = entry.get("labels") if isinstance(entry.get("labels"), Mapping) else entry
    names = ("alertname", "host", "server", "model")
    name, host, server, model = (str(labels.get(each) or "") for each in names)  # type: ignore[union-attr]
    return Alert(name or str(entry.get("name") or ""), host, server, model, entry.get("status") == RESOLVED)


def _wrong(alert: Alert, hosts: Sequence[str]) -> str | None:
    if not alert.name:
        return f"ollama_retune_alert: it has no name; {_FORM}"
    if alert.name not in ALERTS:
        return (
            f"ollama_retune_alert: {_shown(alert.name)} is not known; allowed are {', '.join(ALERTS)}, of which"
            " docs/retune.md says what each leads to"
        )
    if not alert.host:
        return f"ollama_retune_alert: {alert.name} has no label host, which names the host as the inventory does"
    if alert.host not in hosts:
        return (
            f"ollama_retune_alert: {alert.name} is of the host {_shown(alert.host)}, which is none of the"
            f" {len(hosts)} of this run; the label host has to be a name of the inventory, in ollama_hosts and --limit"
        )
    return None


def _shown(text: str) -> str:
    return one_line(repr(text[:_LONGEST]), 80)
