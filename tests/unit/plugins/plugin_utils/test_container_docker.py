# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's container as arguments of community.docker.docker_container, whose names and types are in a file here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import DOCKER_FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import (
    MODULE,
    arguments,
    container_path,
    container_text,
)

SPEC = json.loads(Path(__file__).with_name("docker_container.json").read_text(encoding="utf-8"))
TYPES = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict, "raw": (list, str), "float": float}
MOUNT = {"source": "/var/lib/ollama", "target": "/var/lib/ollama", "read_only": False, "label": "shared"}
FORM = {
    "name": "ollama-gpu0",
    "image": f"docker.io/ollama/ollama@sha256:{'0' * 64}",
    "environment": {"OLLAMA_HOST": "127.0.0.1:11434", "A": 1},
    "environment_file": None,
    "secrets": ["OLLAMA_API_KEY"],
    "command": ["serve"],
    "mounts": [MOUNT, {**MOUNT, "read_only": True, "label": None}],
    "devices": {"nvidia": ["GPU-1"], "amd": True},
    "cpus": "0-13,28-41",
    "memory_nodes": "0",
    "limits": {"memlock": "infinity", "nofile": 65535},
    "memory_max_bytes": 1 << 30,
    "oom_score_adjust": -500,
    "network": "host",
    "restart": "always",
}
BARE = {
    **FORM,
    **dict.fromkeys(("cpus", "memory_nodes", "memory_max_bytes", "oom_score_adjust", "restart")),
    "devices": {"nvidia": [], "amd": False},
    "limits": {"memlock": None, "nofile": None},
    "secrets": [],
}


@pytest.mark.parametrize("form", [FORM, BARE, {**FORM, "devices": {"nvidia": "all", "amd": False}}])
def test_every_argument_is_one_of_the_module(form):
    """By its name, its type, the type of its elements and its choices, as the module documents them."""
    assert f"{SPEC['collection']}.{SPEC['module']}" == MODULE
    for name, value in arguments(form, "ollama@gpu0.service").items():
        known = SPEC["options"][name]
        assert isinstance(value, TYPES[known["type"]]), name
        assert value in known.get("choices", [value])
        for each in value if "elements" in known else []:
            assert isinstance(each, TYPES[known["elements"]]), name
            for key, inner in each.items() if isinstance(each, dict) else []:
                assert isinstance(inner, TYPES[known["suboptions"][key]["type"]]), key
    assert set(arguments(form, "u")["comparisons"]) <= set(SPEC["options"])


def test_what_is_planned_is_what_the_container_gets():
    """CPUs, nodes, cards, limits, folders and variables each by Docker's own form."""
    made = arguments(FORM, "ollama@gpu0.service")
    assert made["env"] == {"A": "1", "OLLAMA_HOST": "127.0.0.1:11434"}
    assert made["volumes"] == ["/var/lib/ollama:/var/lib/ollama:z", "/var/lib/ollama:/var/lib/ollama:ro"]
    assert made["device_requests"] == [{"driver": "nvidia", "capabilities": [["gpu"]], "device_ids": ["GPU-1"]}]
    assert made["devices"] == ["/dev/kfd:/dev/kfd:rwm", "/dev/dri:/dev/dri:rwm"]
    assert (made["cpuset_cpus"], made["cpuset_mems"], made["memory"]) == ("0-13,28-41", "0", "1073741824B")
    assert made["ulimits"] == ["memlock:-1:-1", "nofile:65535:65535"]
    assert (made["oom_score_adj"], made["restart_policy"], made["network_mode"]) == (-500, "unless-stopped", "host")
    assert made["labels"] == {"inference.ollama.unit": "ollama@gpu0.service"}


def test_what_is_not_limited_is_not_said():
    """So that Docker's own holds; all cards are asked for by one number."""
    limited = {"cpuset_cpus", "cpuset_mems", "memory", "ulimits", "oom_score_adj", "devices", "device_requests"}
    assert limited & set(arguments(BARE, "u")) == set()
    cards = arguments({**BARE, "devices": {"nvidia": "all", "amd": False}}, "u")["device_requests"]
    assert cards == [{"driver": "nvidia", "capabilities": [["gpu"]], "count": -1}]
    assert arguments({**BARE, "restart": "no"}, "u")["restart_policy"] == "no"


def test_the_file_has_the_whole_container_and_no_secret():
    """It is read again as the module's arguments, and names the secrets that the run adds."""
    assert container_path("ollama.service", "/stage") == f"/stage{DOCKER_FOLDER}/ollama.service.json"
    read = json.loads(container_text(FORM, "ollama@gpu0.service"))
    assert read["about"].startswith("Managed by Ansible, role inference.ollama.ollama:")
    assert read["container"] == arguments(FORM, "ollama@gpu0.service")
    assert (read["secrets"], read["unit"]) == (["OLLAMA_API_KEY"], "ollama@gpu0.service")
