# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules and the dashboard, as Prometheus' own tool reads them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.module_utils._metrics.exposition import METRICS, exposition
from ansible_collections.inference.ollama.plugins.plugin_utils._metrics.decide import decide
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import contention
from ansible_collections.inference.ollama.tests.metrics.programs import free_port, get, running, until
from ansible_collections.inference.ollama.tests.unit.support.metrics import seen_of
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

ROOT = Path(__file__).resolve().parents[2]
ALERTS, DASHBOARD = (ROOT / "roles/ollama/files/metrics" / name for name in ("alerts.yml", "dashboard.json"))
PROOF = ROOT / "tests/metrics/alerts_test.yml"
# What other parts of the collection and its documentation call them.
NAMES = {
    *("OllamaFellToCpu", "OllamaCollapse", "OllamaDrift", "OllamaQueueFull", "OllamaMemorySoon", "OllamaHostSilent"),
}
NAME = re.compile(r"\b(?:ollama|haproxy|node)_[a-z_A-Z]+\b")
HAPROXY = """
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend metrics
  bind 127.0.0.1:{port}
  http-request use-service prometheus-exporter
backend servers
  server gpu1:ollama 127.0.0.1:1 maxconn 4
"""


def promtool(*words, given=None):
    """What promtool prints; AssertionError where it finds anything wrong."""
    done = subprocess.run(
        ["promtool", *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def rules():
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return group["rules"]


def dashboard():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def expressions():
    """Every expression of the dashboard, with the variables as Grafana fills them in."""
    made = dashboard()
    found = [target["expr"] for panel in made["panels"] for target in panel.get("targets", [])]
    found += [note["expr"] for note in made["annotations"]["list"] if "expr" in note]
    return [text.replace("$host", ".*").replace("$server", ".*") for text in found]


@pytest.fixture(scope="module")
def exposed(tmp_path_factory):
    """The names of metrics that the program, HAProxy and node_exporter really have."""
    folder, found = tmp_path_factory.mktemp("exposed"), set(METRICS)
    haproxy, node = free_port(), free_port()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=haproxy), encoding="utf-8")
    for port, words in (
        (haproxy, ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]),
        (node, ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node}"]),
    ):
        with running(*words) as process:
            text = until(process, lambda port=port: get(f"http://127.0.0.1:{port}/metrics"))
        found |= {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    return found


def test_prometheus_reads_the_metrics():
    """Its lint of names, types and help finds nothing."""
    made = plan(xeon(), instances="per_numa_node")
    assert promtool("check", "metrics", given=exposition("gpu1", decide(seen_of(made)))) == ""


def test_the_documentation_has_every_metric():
    """In full, or by the end of its name beside others of its kind."""
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    for name in METRICS:
        ends = [name.removeprefix(kind) for kind in ("ollama_collector", "ollama_cpu_quota") if name.startswith(kind)]
        assert f"`{name}`" in text or any(f"`{end}`" in text for end in ends), name


def test_prometheus_reads_the_rules():
    """Its lint finds no mistake and no two alike, and the names are those that others react to."""
    promtool("check", "rules", str(ALERTS))
    assert {rule["alert"] for rule in rules()} == NAMES


def test_each_alert_fires_where_it_should_and_nowhere_else():
    """By series of hosts on which something is wrong, and of those on which it only looks so."""
    promtool("test", "rules", str(PROOF))
    proven = PROOF.read_text(encoding="utf-8")
    for rule in rules():
        assert rule["alert"] in proven
        assert re.search(rf'cause[:=] ?"?{rule["labels"]["cause"]}\b', proven), rule["labels"]["cause"]


def test_an_alert_says_what_was_found_and_what_helps():
    """Each has a severity, a cause, and three annotations; a playbook that one names is there."""
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")} | {"retune", "place"}
    for rule in rules():
        assert set(rule["labels"]) == {"severity", "cause"}
        assert set(rule["annotations"]) == {"summary", "description", "playbook"}
        named = re.findall(r"inference\.ollama\.(\w+)", rule["annotations"]["playbook"])
        assert set(named) <= playbooks


def test_the_bounds_of_a_collapse_are_those_of_the_verification():
    """One rule has one home: what the verification finds is what the alert fires for."""
    found = [rule["expr"] for rule in rules() if rule["alert"] == "OllamaCollapse"]
    waits, switches, quota = (re.findall(r"> ([0-9.]+)", text)[0] for text in found)
    assert float(waits) == contention.MOST_WAITING
    assert float(switches) == contention.MOST_SWITCHES
    assert float(quota) == contention.MOST_STOPPED
    assert f"> {contention.MOST_PERIODS}" in found[2]


def test_every_metric_of_rules_and_dashboard_is_exposed(exposed):
    """By the program, by HAProxy's exporter or by node_exporter as they run."""
    used = {name for text in [*expressions(), *(rule["expr"] for rule in rules())] for name in NAME.findall(text)}
    assert used - exposed == set()
    assert {name.partition("_")[0] for name in used} == {"ollama", "haproxy", "node"}


def test_prometheus_reads_every_expression_of_the_dashboard(tmp_path):
    """Each as a rule of its own."""
    rows = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rows}]}), encoding="utf-8")
    assert f"{len(rows)} rules found" in promtool("check", "rules", str(path))


def test_the_dashboard_is_one_that_grafana_imports():
    """Panels have numbers and places of their own in the grid of 24 columns, a query and a text."""
    made = dashboard()
    assert (made["title"], made["uid"], made["schemaVersion"] >= 36) == ("Ollama fleet", "inference-ollama-fleet", True)
    names = [variable["name"] for variable in made["templating"]["list"]]
    assert names == ["datasource", "host", "server"]
    numbers = [panel["id"] for panel in made["panels"]]
    assert len(numbers) == len({*numbers})
    taken = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("stat", "table", "timeseries")
        assert panel["title"]
        assert panel["description"].endswith(".")
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len({*references}) > 0
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
