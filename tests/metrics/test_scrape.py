# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a host to an alert: the packed program on the oldest Python of a target, node_exporter, Prometheus."""

from __future__ import annotations

import json
import subprocess

import pytest

from ansible_collections.inference.ollama.plugins.action.file_transaction import program_bytes
from ansible_collections.inference.ollama.plugins.module_utils._places import METRICS_ARCHIVE
from ansible_collections.inference.ollama.tests.metrics.programs import free_port, get, query, running, until
from ansible_collections.inference.ollama.tests.metrics.test_rules import ALERTS
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, workstation

# Nothing listens there.
PLAN = plan(workstation(), instances=[{"name": "ollama", "host": "127.0.0.1:1"}])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of node_exporter with what the program writes of this machine, on which no planned server runs."""
    place = tmp_path_factory.mktemp("host")
    for name in ("state", "textfile"):
        (place / name).mkdir()
    (place / "metrics.zip").write_bytes(program_bytes(METRICS_ARCHIVE))
    (place / "state/current.json").write_text(json.dumps({"plan": PLAN}), encoding="utf-8")
    words = ["--host", "gpu1", "--dropin-name", "override.conf", "--interval", "60", "--seconds", "45"]
    words += ["--state-folder", str(place / "state"), "--folder", str(place / "textfile")]
    subprocess.run(["python3.9", "-I", "-B", str(place / "metrics.zip"), *words], check=True, cwd="/")
    return place / "textfile"


def test_from_a_host_to_an_alert(folder, tmp_path):
    """A server that does not answer is a pending alert once Prometheus has read the host twice, with its names."""
    node, port = free_port(), free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{node}"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    exporter = [f"--collector.textfile.directory={folder}", f"--web.listen-address=127.0.0.1:{node}"]
    server = [
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running("prometheus-node-exporter", *exporter) as one, running("prometheus", *server) as two:
        text = until(one, lambda: get(f"http://127.0.0.1:{node}/metrics"))
        assert "node_textfile_scrape_error 0" in text
        assert 'ollama_up{host="gpu1",server="ollama"} 0' in text
        found = until(two, lambda: query(port, 'ALERTS{alertname="OllamaHostSilent", cause="no_answer"}'))
        assert [(row["host"], row["server"], row["severity"]) for row, _value in found] == [
            ("gpu1", "ollama", "critical")
        ]
        (group,) = json.loads(get(f"http://127.0.0.1:{port}/api/v1/rules"))["data"]["groups"]
        assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
        assert query(port, 'ollama_setting_info{setting="OLLAMA_NUM_PARALLEL"}')[0][0]["planned"] == "1"
        assert query(port, "ollama_collector_cpu_seconds")[0][1] > 0
