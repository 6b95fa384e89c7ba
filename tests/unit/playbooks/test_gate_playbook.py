# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's tasks on a batch of hosts, with a fake in the place of what measures; and what site refuses of it."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from ansible_collections.inference.ollama.tests.unit.support.gates import benchmark
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

pytestmark = installed
TASKS = ROOT / "roles/ollama/tasks"
HOSTS = ["node1", "node2", "node3"]
STEADY = [99, 101, 100, 100, 98, 102, 100, 100, 99, 101]
UNITS = [{"unit": "ollama.service", "url": "http://127.0.0.1:11434"}]
GATE = {
    "reason": None,
    "key": "k",
    "model": "m",
    "objective": "throughput",
    "tolerance_percent": 5,
    "seconds": 20,
    "slots": 4,
    "running": ["ollama.service"],
    "restarts": True,
}
SERVER = {"kind": "server", "environment": {"OLLAMA_NUM_PARALLEL": "2"}}
FAKES = {
    "gate_look.yml": """
- ansible.builtin.set_fact:
    __ollama_gate: "{{ __ollama_gate | inference.ollama.gate_step(looked) }}"
""",
    "measure.yml": """
- ansible.builtin.debug:
    msg: "measured {{ inventory_hostname }} {{ side }}: {{ __ollama_measure.model }} on {{ __ollama.units | length }}"
- ansible.builtin.set_fact:
    __ollama_benchmark: "{{ fakes[inventory_hostname][side] }}"
""",
    # What change.yml and verify_change.yml do around the gate.
    "main.yml": """
- ansible.builtin.set_fact:
    __ollama: {gate: "{{ gate }}", pending: true, live: true, units: "{{ units }}"}
    __ollama_gate: null
    __ollama_gate_verdict: null
    side: before
- block:
    - ansible.builtin.include_tasks: {file: gate_before.yml, apply: {tags: [always]}}
    - ansible.builtin.set_fact: {side: after}
      when: not ansible_check_mode
    - ansible.builtin.include_tasks: {file: gate_after.yml, apply: {tags: [always]}}
      when: not ansible_check_mode
    - ansible.builtin.debug:
        msg: "confirmed {{ inventory_hostname }}, {{ (__ollama_gate_verdict or {}).text | default('') }}"
  rescue:
    - ansible.builtin.fail: {msg: "back {{ inventory_hostname }}, {{ ansible_failed_result.msg }}"}
""",
}


def run(folder, *options, strategy="linear", after=1.0, other=None):
    """Status and output of a batch of hosts whose servers are so much faster after their change."""
    tasks = folder / "roles/gated/tasks"
    tasks.mkdir(parents=True)
    for name, text in FAKES.items():
        (tasks / name).write_text(text, encoding="utf-8")
    for name in ("gate_before.yml", "gate_round.yml", "gate_after.yml"):
        (tasks / name).symlink_to(TASKS / name)
    rates = {host: [value * (after if host == "node1" else other or after) for value in STEADY] for host in HOSTS}
    variables = {
        "gate": {**GATE, "lockstep": strategy == "linear"},
        "units": UNITS,
        "looked": {"service": {"instances": [{"unit": "ollama.service", "processes": [SERVER]}]}},
        "fakes": {host: {"before": benchmark(STEADY), "after": benchmark(rates[host])} for host in HOSTS},
    }
    playbook = [
        {"hosts": "all", "gather_facts": False, "strategy": strategy, "max_fail_percentage": 0, "roles": ["gated"]}
    ]
    (folder / "play.yml").write_text(yaml.safe_dump(playbook), encoding="utf-8")
    (folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    inventory = "\n".join(f"{host} {LOCAL}" for host in HOSTS)
    return play(folder, inventory, [], "play.yml", "-e", "@variables.json", *options)


def said(output, what):
    """What hosts say with a word at its front, by host."""
    text = " ".join(output.split())
    return dict(sorted(re.findall(rf"\b{what} (node\d), (.*?)(?=\"|'| PLAY| TASK| ok:| fatal:|$)", text)))


def measured(output):
    return re.findall(r"measured (node\d \w+): m on 1", output)


def test_the_first_host_of_a_batch_is_measured_for_all(tmp_path):
    """Once before and once after the change; the others have its verdict."""
    status, output = run(tmp_path, after=1.5)
    assert status == 0, output
    assert measured(output) == ["node1 before", "node1 after"]
    own = "100 -> 150 tokens/s (+50 %)"
    assert {host: text.strip() for host, text in said(output, "confirmed").items()} == {
        "node1": own,
        "node2": f"{own}, measured on node1",
        "node3": f"{own}, measured on node1",
    }


def test_all_are_taken_back_where_it_is_slower(tmp_path):
    """Each with the figures in its last words."""
    status, output = run(tmp_path, after=0.5)
    assert status != 0
    assert measured(output) == ["node1 before", "node1 after"]
    back = said(output, "back")
    assert sorted(back) == HOSTS
    assert all("100 -> 50.0 tokens/s (-50 %)" in text for text in back.values()), back
    assert said(output, "confirmed") == {}


def test_hosts_that_do_not_wait_measure_themselves(tmp_path):
    """With the strategy free each one has a verdict of its own, or that of one that has it already."""
    status, output = run(tmp_path, strategy="free", after=0.5, other=1.5)
    assert status != 0
    assert {"node1 before", "node1 after"} <= set(measured(output))
    assert "-50 %" in said(output, "back")["node1"]
    assert sorted({**said(output, "back"), **said(output, "confirmed")}) == HOSTS


def test_a_dry_run_says_what_would_be_measured(tmp_path):
    """On which host, and measures nothing."""
    status, output = run(tmp_path, "--check")
    assert (status, measured(output)) == (0, []), output
    words = " ".join(output.split())
    assert "the servers would be measured before and after the change with m at 4 requests at a time" in words
    assert "node1 would be measured for node2" in words
    assert "node1 would be measured for node3" in words


@pytest.mark.parametrize("option", [(), ("--check",)])
def test_a_gate_without_a_model_is_refused_with_all_else(tmp_path, option):
    """In one message, before anything is written."""
    line = f"node1 {LOCAL} ollama_version=0.34.1 ollama_staging_root={tmp_path}/node1 ollama_gate=true"
    wrong = ("-e", "ollama_start_timeout=0")
    status, output = play(tmp_path, f"[ollama]\n{line}", [], ROOT / "playbooks/site.yml", *wrong, *option)
    words = " ".join(output.split())
    assert status != 0
    assert "ollama_start_timeout: '0' is not allowed" in words
    assert "ollama_benchmark_model names none" in words
    assert not (tmp_path / "node1").exists()


def test_the_change_lies_between_the_two_measurements():
    """The first one before a file is written, the second one between verifying and confirming."""

    def names(file):
        tasks = yaml.safe_load((TASKS / file).read_text(encoding="utf-8"))
        return [task["name"] for task in next((task["block"] for task in tasks if "rescue" in task), tasks)]

    change = names("change.yml")
    assert change[:2] == ["Take the host out of use, where it is measured", "Measure before the change"]
    written, verified = "Write the files, and remove those that are no longer planned", "Verify the change"
    assert change.index(written) < change.index(verified)
    verified = names("verify_change.yml")
    after = verified[verified.index("Verify the change") + 1 :]
    assert after == ["Measure after the change", "Ask after the change", "Confirm the change"]
