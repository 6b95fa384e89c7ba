# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/tune.yml on trees of files in the place of hosts: what it refuses before anything has changed."""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

pytestmark = installed
TREE = {
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/cpu/possible": "0-3",
    "/proc/meminfo": "MemTotal:       16777216 kB\nMemFree:        8388608 kB\nMemAvailable:   12582912 kB",
    "/etc/systemd/system/ollama.service": "[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n",
}


def run(folder, values, *options):
    """The exit status and the output of the playbook, in one line, on a host whose files alone are here."""
    tree = plant(folder / "machine", TREE)
    places = f"ollama_topology_root={tree} ollama_staging_root={folder}/staged"
    inventory = f"[ollama]\nnode1 {LOCAL} ollama_version=0.34.1 {places}\n"
    variables = json.dumps({"ansible_become": False, "ollama_benchmark_model": "llama3.1:8b", **values})
    status, output = play(folder, inventory, [tree], ROOT / "playbooks/tune.yml", "-e", variables, *options)
    return status, " ".join(output.split())


def test_all_that_is_wrong_is_refused_at_once(tmp_path):
    """Variables, the host and the file of records, with what would be right; nothing is written."""
    (tmp_path / "own.yml").write_text("- no variables\n", encoding="utf-8")
    wrong = {
        "ollama_tune_points": 0,
        "ollama_tune_knobs": ["speed"],
        "ollama_tune_file": "own.yml",
        "ollama_numa_node": 7,
    }
    for options in ((), ("--check",)):
        (tmp_path / f"run{len(options)}").mkdir()
        status, output = run(
            tmp_path / f"run{len(options)}", {**wrong, "ollama_tune_file": f"{tmp_path}/own.yml"}, *options
        )
        assert status != 0
        assert "Traceback" not in output
        assert "ollama_tune_points: 0 is not allowed; allowed is a whole number from 1 to 200" in output
        assert "ollama_tune_knobs: ['speed'] is not allowed" in output
        assert "ollama_numa_node: 7 is not allowed" in output
        assert "own.yml: " in output
        assert "it is not a file of variables" in output
        assert "changed=0" in output
    assert not list(tmp_path.glob("run*/benchmark"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n", encoding="utf-8"), "is encrypted"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: path.write_bytes(b"\xff\xfe\n"), "no text"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_refused_before_the_search(tmp_path, make, said):
    """Whoever encrypted it does not want its content in plain text; a folder and bytes are no file of variables."""
    path = tmp_path / "own.yml"
    make(path)
    status, output = run(tmp_path, {"ollama_tune_file": str(path)}, "--check")
    assert status != 0
    assert f"ollama_tune_file: {path}: " in output
    assert said in output
    assert "Traceback" not in output


def test_a_model_has_to_be_named(tmp_path):
    """None is chosen for the operator, and none is downloaded."""
    status, output = run(tmp_path, {"ollama_benchmark_model": ""}, "--check")
    assert status != 0
    assert "ollama_benchmark_model: no model is named to measure with" in output


def test_a_host_without_a_service_cannot_be_measured(tmp_path):
    """Files alone tell nothing of speed."""
    status, output = run(tmp_path, {}, "--check")
    assert status != 0
    assert "node1: there is no service of this host to measure, only files" in output
