# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks plan and report on a text of the playbook capture, as whoever gets a bug report runs them."""

from __future__ import annotations

import json

from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_record import capture_of
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

pytestmark = installed


def test_a_capture_is_planned_and_reported(tmp_path):
    """With its hardware and not this host's; its unit files are not compared, and the service is not verified."""
    folder = Machine(sockets=2, cores=9, threads=2, nodes=2, memory_gib=48).write(tmp_path / "machine")
    (tmp_path / "node.txt").write_text(capture_of(folder, None), encoding="utf-8")
    inventory = f"[ollama]\nnode {LOCAL} ollama_topology_root={tmp_path}/node.txt ollama_version=0.34.1\n"
    playbooks = [ROOT / "playbooks/plan.yml", ROOT / "playbooks/report.yml"]
    status, output = play(tmp_path, inventory, [], *playbooks, "-e", "ollama_plan_check=true")
    assert status == 0, output
    topology = json.loads((tmp_path / "plans/node.topology.json").read_text(encoding="utf-8"))
    assert (topology["cpu"]["cores"], len(topology["numa"])) == (18, 2)
    assert not (tmp_path / "plans/node.drift.json").exists()
    (host,) = json.loads((tmp_path / "report/ollama.json").read_text(encoding="utf-8"))["hosts"]
    assert (host["verdict"], host["hardware"].split(",")[0], host["verification"]) == ("unknown", "2 sockets", None)
