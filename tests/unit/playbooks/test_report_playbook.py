# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/report.yml on a small fleet of which most hosts are in trouble: it ends well, and every host is in it."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._report.fleet import fleet_report
from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, tuned
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.stores import Store
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

pytestmark = installed
UNIT = "[Unit]\nDescription=Ollama\n[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"
SYSTEM = "/etc/systemd/system"
KEY = "sk-0123456789abcdef"
PASSWORD = "Zx9-hunter-22"
BY_HAND = f"[Service]\nEnvironment=HF_TOKEN={PASSWORD} HTTPS_PROXY=http://me:{PASSWORD}@proxy\n"
TREE = {
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/cpu/possible": "0-3",
    "/proc/meminfo": "MemTotal:       16777216 kB\nMemFree:        8388608 kB",
}
EARLIER = {"lost": {"plan": None}, "bare": {"error": "x", "stopped": "refused"}, "sold": None}
EARLIER_MOMENT = "2026-11-20T09:00:00Z"
HOST = f"{LOCAL} ollama_version=0.34.1"
# What a run of the playbook site leaves behind on a host.
BEFORE = """\
- name: Change a host
  hosts: served
  gather_facts: false
  tasks:
    - name: Remember it
      ansible.builtin.set_fact:
        ollama_changes:
          schema: 1
          outcome: changed
          reason: null
          files: [{path: /etc/x.conf, change: created}]
          restarted: [ollama.service]
          stopped: []
          state: 20261122T105700Z
"""


def run(tmp_path, *options):
    """The exit status and the output of the playbook; its report is below tmp_path."""
    served = plant(
        tmp_path / "served", {**TREE, f"{SYSTEM}/ollama.service": UNIT, f"{SYSTEM}/ollama.service.d/zz.conf": BY_HAND}
    )
    bare = plant(tmp_path / "bare", TREE)
    Store(f"{served}/models").model("registry.ollama.ai/library/tiny/latest")
    inventory = f"""[ollama]
lost ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1
served {HOST} ollama_topology_root={served} ollama_api_key={KEY} ollama_fit_stores='["{served}/models"]'
bare {HOST} ollama_topology_root={bare}
wrong {HOST} ollama_topology_root={bare} ollama_numa_node=7
broken {HOST} ansible_python_interpreter=/nonexistent/python
undefined ansible_connection=local ansible_host="{{{{ nobody_said }}}}"
"""
    folder = tmp_path / "benchmark"
    folder.mkdir()
    (folder / "served.benchmark.json").write_text(json.dumps(measured(host="served")), encoding="utf-8")
    (folder / "wrong.benchmark.json").write_text("{", encoding="utf-8")
    (folder / "bare.tuning.json").mkdir()
    (folder / "served.tuning.json").write_text(json.dumps(tuned(host="served")), encoding="utf-8")
    (tmp_path / "before.yml").write_text(BEFORE, encoding="utf-8")
    (tmp_path / "earlier.json").write_text(json.dumps(fleet_report(EARLIER, EARLIER_MOMENT)), encoding="utf-8")
    return play(tmp_path, inventory, [served, bare], "before.yml", ROOT / "playbooks/report.yml", *options)


def test_every_host_is_in_the_report(tmp_path):
    """A host that is lost, refused, broken, without Ollama or not as planned has its row with what is known of it."""
    status, output = run(tmp_path, "-e", "baseline=earlier.json")
    assert status == 0, output
    html = (tmp_path / "report/ollama.html").read_text(encoding="utf-8")
    text = (tmp_path / "report/ollama.json").read_text(encoding="utf-8")
    report = json.loads(text)
    hosts = {host["name"]: host for host in report["hosts"]}
    assert {name: host["verdict"] for name, host in hosts.items()} == {
        "served": "fail",
        "broken": "fail",
        "undefined": "fail",
        "lost": "unreachable",
        "wrong": "refused",
        "bare": "unknown",
    }
    assert hosts["broken"]["reason"].startswith("Read the host, and plan: The module interpreter '/nonexistent/python'")
    assert "nobody_said" in hosts["undefined"]["reason"]
    assert hosts["lost"]["reason"].startswith("Failed to connect to the host via ssh: ")
    assert hosts["wrong"]["reason"].startswith("ollama_numa_node: 7 is not allowed")
    assert hosts["wrong"]["hardware"] == hosts["bare"]["hardware"]
    assert hosts["bare"]["reason"] == "Ollama is not installed; the plan shows what a run would write"
    assert hosts["served"]["verification"]["verdict"] == "fail"
    assert hosts["served"]["drift"]["differences"]
    assert hosts["served"]["changes"]["files"] == [{"path": "/etc/x.conf", "change": "created"}]
    assert hosts["served"]["fit"]["servers"][0]["models"][0]["name"] == "tiny:latest"
    assert hosts["served"]["measurement"]["benchmarks"][0]["model"]["name"] == "llama3.1:8b"
    assert hosts["served"]["tuning"]["gain_percent"] == 18.5
    assert "Throughput and latency of served" in html
    assert [host["measured_problems"] for host in (hosts["served"], hosts["lost"])] == [[], []]
    (damaged,), (folder,) = hosts["wrong"]["measured_problems"], hosts["bare"]["measured_problems"]
    assert damaged.startswith(f"{tmp_path}/benchmark/wrong.benchmark.json: it is not JSON")
    assert folder.startswith(f"{tmp_path}/benchmark/bare.tuning.json: it cannot be read")
    assert (hosts["bare"]["fit"], "Models that fit served" in html) == (None, True)
    since = report["since"]
    assert (since["moment"], [host["name"] for host in since["gone"]]) == (EARLIER_MOMENT, ["sold"])
    assert sorted(since["kinds"]["added"]) == ["broken", "served", "undefined", "wrong"]
    assert (since["kinds"]["worse"], since["kinds"]["better"]) == (["lost"], ["bare"])
    said = f"5 of 6 hosts need you; since {EARLIER_MOMENT}: {since['sentence']}: {tmp_path}/report/ollama.html"
    assert said in " ".join(output.split())
    assert "changed=1" not in output.replace("Change a host", "")
    for name in hosts:
        assert f"<h3>{name}</h3>" in html
    for secret in (KEY, PASSWORD):
        assert secret not in html
        assert secret not in text


def test_a_dry_run_of_a_part_of_the_fleet_writes_it_too(tmp_path):
    """With --check and --limit, where the only host is lost; the paths are the operator's."""
    options = ("-e", "ollama_report_path=here/now.html", "-e", "ollama_verify_strict=yes")
    status, output = run(tmp_path, "--check", "--diff", "--limit", "lost", *options)
    assert status == 0, output
    (host,) = json.loads((tmp_path / "here/now.json").read_text(encoding="utf-8"))["hosts"]
    assert (host["name"], host["strict"]) == ("lost", True)
    assert "<h1>1 of 1 host needs you</h1>" in (tmp_path / "here/now.html").read_text(encoding="utf-8")
    assert "<!doctype" not in output


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ("nowhere.json", "baseline: {folder}/nowhere.json is no file; allowed is the path of an earlier report's JSON"),
        ("benchmark/served.benchmark.json", "baseline: it has no list of hosts with a summary"),
    ],
)
def test_a_wrong_baseline_is_refused(tmp_path, baseline, words):
    """Before any host is asked."""
    status, output = run(tmp_path, "--limit", "lost", "-e", f"baseline={baseline}")
    assert status != 0
    assert words.format(folder=tmp_path) in " ".join(output.split())
    assert "Reach the host" not in output
    assert not (tmp_path / "report").exists()


def test_a_path_without_a_place_for_the_json_is_refused(tmp_path):
    """One file would be written over the other."""
    status, output = run(tmp_path, "--limit", "lost", "-e", "ollama_report_path=now.json")
    assert status != 0
    assert "allowed is the path of an HTML file" in " ".join(output.split())
    assert not (tmp_path / "now.json").exists()
