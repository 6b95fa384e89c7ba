# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook retune on folders in the place of hosts, and the rulebook that runs it."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._retune.alerts import ALERTS
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

RULEBOOK = ROOT / "extensions/eda/rulebooks/retune.yml"
RULES = ROOT / "roles/ollama/files/metrics/alerts.yml"
# An event that a person or a pipeline posts; no rule finds it.
OF_NO_RULE = "OllamaNewModel"


def run(folder, alert, *options):
    """The status and the output, in one line, of a run for two hosts whose files go to folders."""
    lines = [
        f"{host} {LOCAL} ansible_become=false ollama_version=0.34.1 ollama_staging_root={folder}/{host}"
        f" ollama_state_folder={folder}/state"
        for host in ("node1", "node2")
    ]
    given = ("-e", json.dumps({"ollama_retune_alert": alert}))
    inventory = "[ollama]\n" + "\n".join(lines)
    status, output = play(folder, inventory, [], ROOT / "playbooks/retune.yml", *given, *options)
    return status, " ".join(output.split())


@installed
@pytest.mark.parametrize(
    ("alert", "says"),
    [
        ({"name": "HostDown", "host": "node1"}, "'HostDown' is not known; allowed are OllamaFellToCpu, OllamaCollapse"),
        (
            {"name": "OllamaDrift", "host": "node9"},
            "OllamaDrift is of the host 'node9', which is none of the 2",
        ),
        ([], "ollama_retune_alert: it is not given"),
    ],
)
def test_what_is_no_alert_is_refused(tmp_path, alert, says):
    """Before a host is read."""
    status, output = run(tmp_path, alert)
    assert status != 0
    assert says in output
    assert "Read the clock" not in output


@installed
def test_only_the_host_of_the_alert_is_read(tmp_path):
    """What it leads to is printed, and without leave nothing changes."""
    status, output = run(tmp_path, {"labels": {"alertname": "OllamaQueueFull", "host": "node2"}})
    assert status == 0, output
    assert "HOST ALERT OUTCOME" in output
    assert "node2 OllamaQueueFull nothing to change" in output
    assert "node1 OllamaQueueFull" not in output
    assert re.search(r"node1 : ok=\d+ changed=0", output)
    assert re.search(r"node2 : ok=\d+ changed=0", output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ansible_collections", "hosts"]


@installed
def test_a_server_that_the_host_has_not_is_refused(tmp_path):
    """Before anything is restarted."""
    alert = {"labels": {"alertname": "OllamaFellToCpu", "host": "node1", "server": "ollama@gpu7"}}
    status, output = run(tmp_path, alert, "-e", "ollama_retune_apply=true")
    assert status != 0
    assert "OllamaFellToCpu is of the server 'ollama@gpu7', which node1 has not; it has ollama.service" in output


def rules():
    (ruleset,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    return ruleset, ruleset["rules"]


def condition(rule):
    (text,) = rule["condition"]["all"]
    return text


def test_the_rulebook_runs_the_playbook_for_known_alerts():
    """Each alert that the playbook knows has a rule, each rule has a limit of its own, and the source is local."""
    ruleset, found = rules()
    named = [set(re.findall(r'"(Ollama\w+)"', condition(rule))) for rule in found]
    assert set().union(*named) == set(ALERTS)
    # A host that says nothing of itself has no server.
    assert [set(ALERTS) - names for names in named] == [{"OllamaHostSilent"}, set()]
    for rule in found:
        (action,) = rule["actions"]
        assert action["run_playbook"]["name"] == "inference.ollama.retune"
        assert rule["throttle"]["once_within"] == "15 minutes"
    assert (ROOT / "playbooks/retune.yml").is_file()
    (source,) = ruleset["sources"]
    assert "127.0.0.1" in source["ansible.eda.alertmanager"]["host"]


def test_nothing_but_names_of_a_known_form_reaches_a_playbook():
    """Ansible evaluates templates in extra variables, and what comes by HTTP is not trusted."""
    for rule in rules()[1]:
        given = rule["actions"][0]["run_playbook"]["extra_vars"]["ollama_retune_alert"]
        labels = {re.fullmatch(r"\{\{ event\.alert\.labels\.(\w+) \}\}", text)[1] for text in given.values()}
        checked = dict(re.findall(r'event\.alert\.labels\.(\w+) is match\("([^"]+)"\)', condition(rule)))
        assert labels - set(checked) == {"alertname"}
        for pattern in checked.values():
            assert re.match(pattern, "node-1.example")
            assert not any(re.match(pattern, text) for text in ("{{ 7 }}", "a{{ 7 }}", "a{%", "a b", "", "-e", "a'"))


@pytest.mark.skipif(not RULES.exists(), reason="the rules of alerts are not there")
def test_the_rules_of_alerts_have_the_names_that_are_known():
    """A rule of another name would lead to nothing."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert names == set(ALERTS) - {OF_NO_RULE}
