# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to run containers with (_engine.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _engine
from ansible_collections.inference.ollama.plugins.module_utils._engine import read_engine
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

IMAGE = f"docker.io/ollama/ollama@sha256:{'0' * 64}"
GENERATOR = "usr/lib/systemd/system-generators/podman-system-generator"
YAML = """cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}
- name: GPU-00000000-0000-4000-8000-000000000000
- name: all
"""
JSON = '{"cdiVersion": "0.6.0", "kind": "amd.com/gpu", "devices": [{"name": "0", "containerEdits": {}}]}'


def answers(**said):
    """A runner of programs that answer so, by what they are asked for."""

    def run(argv, _user=None):
        found = said["version" if "--version" in argv else "image"]
        return Outcome(None, f"{' '.join(argv)} {found}") if "failed" in found else Outcome(found, None)

    return run


def host(folder, *programs, files=()):
    """A tree with these programs and files."""
    for path, text in [*((f"usr/bin/{name}", "") for name in programs), *files]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        (folder / path).chmod(0o755)
    return Root(str(folder))


@pytest.fixture(autouse=True)
def _programs(monkeypatch):
    """Programs are those of the tree."""
    monkeypatch.setattr(
        Root, "program", lambda self, name: f"/usr/bin/{name}" if self.exists(f"/usr/bin/{name}") else None
    )


def test_a_host_with_everything_is_read_whole(tmp_path):
    """Release, generator, image, control groups, and the names of cards of every file."""
    files = [
        (GENERATOR, ""),
        ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu pids\n"),
        ("etc/cdi/nvidia.yaml", YAML),
        ("run/cdi/amd.json", JSON),
        ("run/cdi/readme.txt", "kind: none/none"),
    ]
    root = host(tmp_path, "podman", files=files)
    found = read_engine(root, answers(version="podman version 5.4.2\n", image=""), "podman", IMAGE)
    assert found == {
        "schema": 1,
        "engine": "podman",
        "program": "/usr/bin/podman",
        "version": "5.4.2",
        "generator": f"/{GENERATOR}",
        "nvidia_hook": None,
        "requests": found["requests"],
        "image": IMAGE,
        "image_there": True,
        "cgroup_version": 2,
        "controllers": ["cpuset", "cpu", "pids"],
        "cdi": {
            "nvidia.com/gpu": ["0", "GPU-00000000-0000-4000-8000-000000000000", "all"],
            "amd.com/gpu": ["0"],
        },
        "problems": [],
    }


def test_a_host_without_an_engine_is_no_problem(tmp_path):
    """There is nothing to ask, and nothing is guessed."""
    found = read_engine(host(tmp_path), answers(), "podman", IMAGE)
    assert [found[name] for name in ("program", "version", "generator", "image_there")] == [None] * 4
    assert (found["cgroup_version"], found["controllers"], found["problems"]) == (1, None, [])


@pytest.mark.parametrize(
    ("said", "there", "problems"),
    [
        ("failed with exit status 1 and said: nothing", False, 0),
        ("failed with exit status 1 and said: [] … Error response from daemon: No such image: x", False, 0),
        ("failed with exit status 125 and said: Error: database is locked", None, 1),
        ("failed with exit status 1 and said: permission denied", None, 1),
    ],
)
def test_an_image_is_missing_only_where_the_engine_says_so(tmp_path, said, there, problems):
    """Any other failure leaves it unknown, with a problem."""
    run = answers(version="Docker version 28.0.4, build b8034c0", image=said)
    found = read_engine(host(tmp_path, "docker"), run, "docker", IMAGE)
    assert (found["version"], found["image_there"], len(found["problems"])) == ("28.0.4", there, problems)


@pytest.mark.parametrize("said", ["what", "failed: did not answer within 5 s"])
def test_an_engine_that_does_not_say_its_release_is_a_problem(tmp_path, said):
    """It is null, whether the program answers otherwise or not at all."""
    found = read_engine(host(tmp_path, "podman"), answers(version=said), "podman", None)
    assert (found["version"], found["image_there"], len(found["problems"])) == (None, None, 1)


@pytest.mark.parametrize("there", [True, False])
def test_what_the_module_for_docker_needs_is_read(tmp_path, monkeypatch, there):
    """The package of Python, and the program of NVIDIA's toolkit; Docker is asked on this host alone."""
    asked = []

    def run(argv, _user=None):
        asked.append(argv)
        return Outcome("Docker version 28.0.4, build b8034c0", None)

    monkeypatch.setattr(_engine, "find_spec", lambda _name: object() if there else None)
    programs = ["docker", *["nvidia-container-runtime-hook"] * there]
    found = read_engine(host(tmp_path, *programs), run, "docker", IMAGE)
    assert (found["requests"], found["nvidia_hook"] is not None) == (there, there)
    assert asked[-1][:3] == ["docker", "--host", "unix:///run/docker.sock"]
