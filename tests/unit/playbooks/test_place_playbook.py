# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/place.yml on machines with stores, one that cannot be reached, and one that is refused."""

from __future__ import annotations

import json

import yaml

from ansible_collections.inference.ollama.tests.unit.playbooks.test_fit_playbook import HOST, LIBRARY, NUMBERS, TREE
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.playbooks import ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.stores import Store
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

pytestmark = installed
NEEDS = {key: value for key, value in NUMBERS.items() if key != "name"}
# Nothing is known of the tree's cores.
SEVERAL = "ollama_max_loaded_models=3"
FLEET = ["tiny", {"name": "listed", "copies": 2, "spread": "rack", "needs": NEEDS}]


def run(tmp_path, name, *options, fleet=FLEET):
    """The exit status and the output of the playbook on two hosts that can be placed on, and two that cannot."""
    folder = tmp_path / name
    trees = [plant(folder / host, TREE) for host in ("one", "two")]
    Store(f"{trees[0]}/models").model(f"{LIBRARY}/tiny/latest", file=Writer().file(*llama()))
    Store(f"{trees[1]}/models")
    hosts = [
        f"{host} {HOST} {SEVERAL} rack={host} ollama_topology_root={tree} ollama_fit_stores='[\"{tree}/models\"]'"
        for host, tree in zip(("one", "two"), trees)
    ]
    hosts += [
        "lost ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1",
        f"wrong {HOST} ollama_topology_root={trees[1]} ollama_numa_node=7",
    ]
    inventory = "\n".join(["[ollama]", *hosts, "[ollama:vars]", f"ollama_fleet_models={json.dumps(fleet)}", ""])
    return play(folder, inventory, trees, ROOT / "playbooks/place.yml", *options)


def test_models_are_placed_and_the_file_is_written_once(tmp_path):
    """By files of the store and by numbers; hosts that are not read are named, and end nothing."""
    path = tmp_path / "placement.yml"
    named = ("-e", f"ollama_fleet_placement_path={path}", "--diff")
    status, output = run(tmp_path, "check", "--check", *named)
    assert (status, path.exists()) == (0, False), output
    assert '+  "listed:latest": ["one", "two"]' in output
    status, output = run(tmp_path, "first", *named)
    assert status == 0, output
    assert "Traceback" not in output
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {
        "ollama_fleet_placement": {"tiny:latest": ["one"], "listed:latest": ["one", "two"]}
    }
    words = " ".join(output.replace("'", " ").replace("- ", " ").split())
    assert "2 models on 4 hosts: 3 of 3 copies placed" in words
    assert "ollama_numa_node: 7 is not allowed" in words
    assert "WARNING lost:" in words
    status, output = run(tmp_path, "again", *named)
    assert status == 0, output
    assert "changed=0" in output
    assert "changed=1" not in output


def test_a_model_without_a_place_fails(tmp_path):
    """Once the others were placed and shown."""
    status, output = run(tmp_path, "none", fleet=[*FLEET, "nowhere"])
    assert status != 0
    words = " ".join(output.split())
    assert "3 models on 4 hosts: 3 of 4 copies placed" in words
    assert "nowhere:latest: what it takes is not known" in words
