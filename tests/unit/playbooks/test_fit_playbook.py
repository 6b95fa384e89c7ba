# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/fit.yml on machines with a store of small models, one that is cut off, and on hosts in trouble."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.stores import Store
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

pytestmark = installed
UNIT = "[Unit]\nDescription=Ollama\n[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"
TREE = {
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/cpu/possible": "0-3",
    "/proc/meminfo": "MemTotal:       16777216 kB\nMemFree:        8388608 kB\nMemAvailable:   12582912 kB",
    "/etc/systemd/system/ollama.service": UNIT,
}
LIBRARY = "registry.ollama.ai/library"
HOST = f"{LOCAL} ollama_version=0.34.1"
NUMBERS = {
    "name": "in-numbers",
    "size_bytes": 4 << 30,
    "layers": 32,
    "kv_heads": 8,
    "key_length": 128,
    "value_length": 128,
}


def run(tmp_path, *options):
    """The exit status and the output of the playbook on four hosts."""
    served, empty = (plant(tmp_path / name, TREE) for name in ("served", "empty"))
    whole = Writer().file(*llama())
    store = Store(f"{served}/models")
    store.model(f"{LIBRARY}/tiny/latest", file=whole)
    store.model(f"{LIBRARY}/cut/latest", file=whole[:700])
    Store(f"{empty}/models")
    (tmp_path / "local.gguf").write_bytes(whole)
    inventory = f"""[ollama]
lost ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1
served {HOST} ollama_topology_root={served} ollama_fit_stores='["{served}/models"]'
empty {HOST} ollama_topology_root={empty} ollama_fit_stores='["{empty}/models"]'
wrong {HOST} ollama_topology_root={empty} ollama_fit_stores='["{served}/models"]' ollama_numa_node=7
broken {HOST} ansible_python_interpreter=/nonexistent/python
"""
    return play(tmp_path, inventory, [served, empty], ROOT / "playbooks/fit.yml", *options)


def written(tmp_path, host):
    """The JSON of a host."""
    return json.loads((tmp_path / f"fit/{host}.fit.json").read_text(encoding="utf-8"))


def models(fit):
    """The models that were placed, by name."""
    return {model["name"]: model for server in fit["servers"] for model in server["models"]}


def test_each_host_is_asked_about_its_store(tmp_path):
    """What cannot be read is named in words; a host that is lost or refused does not end the run of the others."""
    status, output = run(tmp_path, "--check", "-e", "ollama_fit_folder=fit")
    served, empty, wrong = (written(tmp_path, host) for host in ("served", "empty", "wrong"))
    assert status != 0, output
    assert "Traceback" not in output
    assert models(served)["tiny:latest"]["fits"] == "cpu"
    assert models(served)["tiny:latest"]["most_tokens"] == 4096
    assert served["settings"] == "plan"
    assert any("cut" in problem or "sha256" in problem for problem in served["problems"])
    assert (empty["servers"][0]["models"], empty["missing"]) == ([], [])
    assert wrong["settings"] == "server"
    assert any("ollama_numa_node: 7 is not allowed" in problem for problem in wrong["problems"])
    assert models(wrong)["tiny:latest"]["fits"] == "cpu"
    for host in ("served", "empty", "wrong"):
        ET.parse(tmp_path / f"fit/{host}.fit.svg")
    assert "served: Ollama 0.34.1, with settings as planned" in output
    assert "there is no model to ask about" in output
    assert "changed=0" in output
    assert "changed=1" not in output


def test_names_files_and_numbers_can_be_asked_about(tmp_path):
    """Files lie on the controller; a name that the store does not have is named once."""
    wanted = ["tiny", f"{tmp_path}/local.gguf", NUMBERS, "absent:8b"]
    status, output = run(tmp_path, "--limit", "served", "-e", json.dumps({"ollama_fit_models": wanted}))
    assert status == 0, output
    for name in ("tiny:latest", "local.gguf", "in-numbers"):
        assert f"{name} " in output
    assert output.count("absent:8b: there is no such model") == 1


def test_json_is_printed_where_it_is_asked_for(tmp_path):
    """A relative path of a file begins in the folder that the playbook is run in."""
    wanted = json.dumps({"ollama_fit_models": ["local.gguf"], "ollama_fit_format": "json"})
    status, output = run(tmp_path, "--limit", "served", "-e", wanted)
    assert status == 0, output
    assert '"name": "local.gguf"' in output
    assert "MODEL " not in output


def test_what_is_no_list_is_refused(tmp_path):
    """With what would be right."""
    status, output = run(tmp_path, "--limit", "served", "-e", "ollama_fit_models=tiny")
    assert status != 0
    assert "ollama_fit_models a list of names" in " ".join(output.split())
