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
    container_of,
    container_text,
    containers,
    of_texts,
    settings_of,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._container.refusals import engine_errors, uncontained
from ansible_collections.inference.ollama.plugins.plugin_utils._drift import file_drift
from ansible_collections.inference.ollama.plugins.plugin_utils._files import changed_units, stale_files, unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_docker_unit
from ansible_collections.inference.ollama.tests.unit.support.containers import container, held

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
    assert (made["oom_score_adj"], made["restart_policy"], made["network_mode"]) == (-500, "no", "host")
    assert made["labels"] == {"inference.ollama.unit": "ollama@gpu0.service"}


def test_what_is_not_limited_is_not_said():
    """So that Docker's own holds; all cards are asked for by one number."""
    limited = {"cpuset_cpus", "cpuset_mems", "memory", "ulimits", "oom_score_adj", "devices", "device_requests"}
    assert limited & set(arguments(BARE, "u")) == set()
    cards = arguments({**BARE, "devices": {"nvidia": "all", "amd": False}}, "u")["device_requests"]
    assert cards == [{"driver": "nvidia", "capabilities": [["gpu"]], "count": -1}]


PLAN = {
    "instances": [{"name": "gpu0", "unit": "ollama@gpu0.service"}],
    "decisions": [
        {"instance": "gpu0", "setting": name, "kind": kind, "value": value}
        for kind, name, value in (
            ("container", "image", FORM["image"]),
            ("variable", "OLLAMA_HOST", "127.0.0.1:11434"),
            ("directive", "Slice", "ollama.slice"),
            ("secret", "OLLAMA_API_KEY", "***"),
        )
    ],
}


def test_the_file_has_the_whole_container_and_no_secret():
    """It is read again as the module's arguments, and names the secrets that the run adds."""
    read = json.loads(container_text(PLAN, "gpu0"))
    assert read["about"].startswith("Managed by Ansible, role inference.ollama.ollama:")
    assert (read["secrets"], read["unit"]) == (["OLLAMA_API_KEY"], "ollama@gpu0.service")
    assert (read["container"]["name"], read["container"]["cgroup_parent"]) == ("ollama-gpu0", "ollama.slice")
    assert read["container"]["env"] == {"OLLAMA_HOST": "127.0.0.1:11434"}
    assert container_of({**PLAN, "decisions": []}, "gpu0")["container"] == {}


def test_the_unit_starts_the_container_and_stops_it():
    """By the client, on this host alone, and together with Docker."""
    text = render_docker_unit({**PLAN, "release": "0.34.1"}, "gpu0")
    assert "ExecStart=docker --host unix:///run/docker.sock start --attach ollama-gpu0\n" in text
    assert "ExecStop=docker --host unix:///run/docker.sock stop --time 30 ollama-gpu0\n" in text
    assert "PartOf=docker.service\n" in text


def test_containers_are_made_before_their_units_start_and_go_when_they_are_not_planned():
    """A restart makes it again; of others nothing is removed."""
    others = held(container(name="old", ours=True), container(name="theirs"), container(name="ollama-gpu0", ours=True))
    found = {"containers": others}
    unit = "ollama@gpu0.service"
    plan = {**PLAN, "deployment": "docker"}
    due = containers(plan, found, [unit], [unit])
    assert [(each["unit"], each["recreate"]) for each in due["made"]] == [(unit, True)]
    assert due["gone"] == [["docker", "--host", "unix:///run/docker.sock", "rm", "--force", "old"]]
    assert [each["recreate"] for each in containers(plan, {}, [unit], [])["made"]] == [False]
    assert containers(plan, {"containers": None}, [], []) == {"made": [], "gone": []}


@pytest.mark.parametrize("deployment", ["podman", "systemd"])
def test_a_plan_without_docker_makes_none_of_its_containers_and_leaves_none(deployment):
    """They would stay with their variables, secrets among them."""
    found = {"containers": held(container(name="ollama-gpu0", ours=True))}
    unit = "ollama@gpu0.service"
    due = containers({**PLAN, "deployment": deployment}, found, [unit], [unit])
    assert (due["made"], [command[-1] for command in due["gone"]]) == ([], ["ollama-gpu0"])


def test_containers_are_made_again_by_the_files_that_were_restored():
    """With the names of their secrets; whatever else lies there makes none."""
    path, unit = f"{DOCKER_FOLDER}/ollama@gpu0.service.json", "ollama@gpu0.service"
    others = {f"{DOCKER_FOLDER}/{name}": text for name, text in (("a.service.json", "{"), ("b.service.json", None))}
    (made,) = of_texts({path: container_text(PLAN, "gpu0"), f"/etc/systemd/system/{unit}": "[Unit]\n", **others})
    assert made == {**container_of(PLAN, "gpu0"), "recreate": True}


def test_a_container_is_made_again_with_the_secrets_of_the_restored_file():
    """Those that its file names, as systemd reads the values; no other one."""
    text = 'OLLAMA_API_KEY="a \\"b\\" \\$c"\nOTHER_KEY=x\n'
    (made,) = of_texts({f"{DOCKER_FOLDER}/ollama@gpu0.service.json": container_text(PLAN, "gpu0")}, text)
    assert made["container"]["env"] == {"OLLAMA_HOST": "127.0.0.1:11434", "OLLAMA_API_KEY": 'a "b" $c'}


def test_a_controller_without_the_module_is_refused_with_the_command_that_installs_it():
    """And a unit of the role's container is no program that systemd starts by itself."""
    engine = {"program": "/usr/bin/docker", "controllers": None, "module": False}
    (said,) = engine_errors({"deployment": "docker"}, engine, None)
    assert said.endswith("run ansible-galaxy collection install community.docker")
    assert list(engine_errors({"deployment": "docker"}, {**engine, "module": True}, None)) == []
    path = "/etc/systemd/system/ollama.service"
    topology = {"software": {"ollama": {"unit": {"path": path}}}}
    assert "Allowed is docker" in next(uncontained(topology, None, [path]))
    assert list(uncontained(topology, None, [])) == []


def test_a_plan_for_docker_has_three_files_of_each_server_and_leaves_none_behind():
    """What an earlier plan for Docker has written goes with its unit."""
    plan = {**PLAN, "deployment": "docker"}
    paths = [str(file["path"]) for file in unit_files(plan, "override.conf")]
    unit = "ollama@gpu0.service"
    assert paths == [
        f"{DOCKER_FOLDER}/{unit}.json",
        f"/etc/systemd/system/{unit}",
        f"/etc/systemd/system/{unit}.d/override.conf",
    ]
    assert (
        changed_units(plan, paths[:1], everywhere=False) == changed_units(plan, paths[1:2], everywhere=False) == [unit]
    )
    stale = stale_files({"instances": [], "deployment": "systemd"}, [], paths)
    assert (stale["units"], stale["files"]) == ([unit], sorted(paths))


def test_a_file_that_somebody_has_changed_differs_by_variable_and_argument():
    """As a drop-in does; another text there is not the role's, and one that is no longer JSON differs as a whole."""
    text = container_text(PLAN, "gpu0")
    file = {"path": "/p.json", "unit": "u", "instance": "gpu0", "content": text}

    def drift(there):
        rows = file_drift({"unit_files": [file], "stale": []}, {"/p.json": there})["differences"]
        return [(row["kind"], row["setting"], row["on_host"]) for row in rows]

    assert drift(text) == []
    changed = text.replace("127.0.0.1:11434", "0.0.0.0:11434").replace('"host"', '"bridge"')
    assert drift(changed) == [
        ("differs", "OLLAMA_HOST", "0.0.0.0:11434"),
        ("differs", "[Docker]network_mode", '"bridge"'),
    ]
    assert drift("{}") == [("not-ours", None, None)]
    assert settings_of("[1]") is None
