# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with containers of others, and how the role takes them over."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._container.adoption import container_variables
from ansible_collections.inference.ollama.plugins.plugin_utils._container.found import pinned, release_of, store_outside
from ansible_collections.inference.ollama.plugins.plugin_utils._container.found_lint import (
    CONTAINER_CODES,
    lint_containers,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._table import WIDTH, container_table, lint_table
from ansible_collections.inference.ollama.tests.unit.support.containers import DIGEST, container, held, mount


def with_variables(**more):
    return {"environment": {**container()["environment"], **more}}


def left_of(found):
    return {row["name"]: row["why"] for row in found["left"]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"ours": True, "mounts": []}, []),
        (with_variables(OLLAMA_NUM_THREADS="8"), [("inert", "never", "OLLAMA_NUM_THREADS")]),
        (with_variables(OLLAMA_KEEP_ALIVE="1d"), [("fatal", "malformed", "OLLAMA_KEEP_ALIVE")]),
        (
            {
                **with_variables(OLLAMA_KEEP_ALIVE="1d"),
                "image_environment": ["OLLAMA_HOST", "PATH", "OLLAMA_KEEP_ALIVE"],
            },
            [],
        ),
        ({"secrets": ["OLLAMA_API_KEY"]}, [("fatal", "secret", "OLLAMA_API_KEY")]),
        ({"secrets": ["A"], "engine": "podman", "environment_files": ["/etc/x"]}, []),
        ({"secrets": ["A"], "engine": "podman"}, [("fatal", "secret", "A")]),
        ({"cpus": "0-3"}, [("advice", "binding-without-threads", "--cpuset-cpus")]),
        (
            {"cpu_quota": 0.5},
            [("advice", "binding-without-threads", "--cpus"), ("advice", "quota-below-one-cpu", "--cpus")],
        ),
        (
            {"cpus": "0-3", **with_variables(LLAMA_ARG_THREADS="8")},
            [("advice", "threads-oversubscribed", "LLAMA_ARG_THREADS")],
        ),
        (
            {"cpu_quota": 2.5, **with_variables(LLAMA_ARG_THREADS="8")},
            [("advice", "threads-throttled", "LLAMA_ARG_THREADS")],
        ),
        ({"limits": {"memlock": "infinity", "nofile": 9}}, [("advice", "unused-memlock", "--ulimit memlock")]),
        (with_variables(LLAMA_ARG_LOAD_MODE="mlock"), [("advice", "memlock-missing", "--ulimit memlock")]),
        ({"devices": {"nvidia": [], "amd": False}}, [("advice", "gpu-not-given", "devices")]),
        ({"devices": {"nvidia": [], "amd": True}}, []),
        (
            {"devices": {"nvidia": [], "amd": False}, **with_variables(CUDA_VISIBLE_DEVICES="0")},
            [("inert", "gpu-not-given", "CUDA_VISIBLE_DEVICES")],
        ),
        ({"image": f"ollama/ollama:rocm@{DIGEST}"}, [("inert", "gpu-not-given", "image")]),
        ({"image": "ollama/ollama"}, [("advice", "image-without-digest", "image")]),
        ({"image": "ollama/ollama:0.34.1", "image_digest": None}, [("advice", "image-without-digest", "image")]),
        ({"mounts": []}, [("advice", "store-in-container", "OLLAMA_MODELS")]),
        ({"mounts": [mount("/x", volume="a" * 64)]}, [("advice", "store-in-container", "OLLAMA_MODELS")]),
        (with_variables(OLLAMA_MODELS="/models"), [("advice", "store-in-container", "OLLAMA_MODELS")]),
        (
            {"ports": [{"address": "", "port": 11434, "container_port": 11434}]},
            [("advice", "exposed", "--publish")],
        ),
        ({"ports": [], "network": "host"}, [("advice", "exposed", "OLLAMA_HOST")]),
    ],
)
def test_each_mistake_is_found_and_nothing_else(change, expected):
    """By severity, code and name; a container as it should be has none."""
    found = lint_containers(held(container(**change)), None)
    assert sorted((each.severity, each.code, each.name) for each in found) == expected
    assert {each.code for each in found} <= CONTAINER_CODES


def test_what_was_not_read_is_a_finding():
    """Without it a host that could not be asked would look as one without containers; it has no line to show."""
    found = [each._asdict() for each in lint_containers(held(problems=["docker: it did not answer"]), None)]
    assert [each["code"] for each in found] == ["container-unread"]
    assert "    containers" in lint_table(found, "h")


def test_the_release_is_that_of_the_tag():
    """Another tag names no release."""
    assert str(release_of(container())) == "0.34.1"
    assert release_of(container(image="ollama/ollama:rocm")) is None


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("ollama", f"docker.io/library/ollama@{DIGEST}"),
        ("ollama/ollama:rocm", f"docker.io/ollama/ollama:rocm@{DIGEST}"),
        (f"quay.io/x/ollama@{DIGEST}", f"quay.io/x/ollama@{DIGEST}"),
        ("localhost/ollama", f"localhost/ollama@{DIGEST}"),
        (None, None),
    ],
)
def test_an_image_is_named_with_its_digest_and_its_registry(image, expected):
    """Since engines differ in which registry a short name means."""
    assert pinned(container(image=image)) == expected


def test_the_store_is_found_through_mounts():
    """Of several mounts the innermost counts."""
    outer, inner = mount("/a", "/root"), mount("/b", "/root/.ollama/models")
    assert store_outside(container(mounts=[outer, inner])) == "/b"
    assert store_outside(container(mounts=[outer])) == "/a/.ollama/models"
    assert store_outside(container(mounts=[])) is None


def test_a_container_becomes_variables_that_the_role_takes():
    """Each is right for the role, nothing that somebody has set is lost without a word, and no secret is shown."""
    found = container_variables(
        container(
            **with_variables(
                OLLAMA_KEEP_ALIVE="24h",
                OLLAMA_NUM_THREADS="8",
                OLLAMA_NUM_PARALLEL="0",
                OLLAMA_CONTEXT_LENGTH="8k",
                NVIDIA_VISIBLE_DEVICES="0",
                TZ="UTC",
                OLLAMA_API_KEY=None,
            ),
            secrets=["OLLAMA_API_KEY"],
            devices={"nvidia": ["0", "1"], "amd": False},
            limits={"memlock": None, "nofile": 65536},
            oom_score_adjust=-2000,
            cpus="0-3",
            memory_nodes="0",
            cpu_quota=2.0,
            memory_max_bytes=1 << 30,
        )
    )
    variables = found["variables"]
    assert variables == {
        "ollama_deployment": "docker",
        "ollama_image": f"docker.io/ollama/ollama:0.34.1@{DIGEST}",
        "ollama_host": "127.0.0.1:11434",
        "ollama_models_path": "/srv/ollama/models",
        "ollama_keep_alive": "24h",
        "ollama_environment": {"TZ": "UTC"},
        "ollama_cuda_visible_devices": "0,1",
        "ollama_limit_nofile": 65536,
    }
    known = {name.removeprefix("ollama_"): value for name, value in variables.items()}
    later = ("deployment", "image")
    assert option_errors({name: value for name, value in known.items() if name not in later}) == []
    assert set(left_of(found)) == {
        *("OLLAMA_API_KEY", "OLLAMA_NUM_THREADS", "OLLAMA_NUM_PARALLEL", "OLLAMA_CONTEXT_LENGTH"),
        *("NVIDIA_VISIBLE_DEVICES", "ollama_oom_score_adjust"),
        *("cpus", "memory_nodes", "cpu_quota", "memory_max_bytes"),
    }


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({"image_digest": None, "image": "ollama/ollama"}, "ollama_image", "docker image inspect --format"),
        ({"ports": []}, "ollama_host", "none of its ports is published"),
        ({"mounts": []}, "ollama_models_path", "docker cp ollama:/root/.ollama/models/. FOLDER"),
        ({"mounts": [mount(None, volume="ollama")]}, "ollama_models_path", "docker volume inspect"),
        ({"mounts": [mount("/v", volume="ollama")]}, "ollama_models_path", "a volume of the engine's"),
        ({"mounts": [mount("/v", read_only=True)]}, "ollama_models_path", "may not write there"),
        ({"network": "host"}, "ollama_exposure", "say what guards it"),
        (
            {
                "ports": [
                    {"address": "127.0.0.1", "port": 1, "container_port": 11434},
                    {"address": "::1", "port": 2, "container_port": 11434},
                ]
            },
            "ollama_host",
            "at port 2 of ::1 too",
        ),
    ],
)
def test_what_is_not_taken_over_is_named_with_what_to_do(change, name, said):
    """The command that prints what is missing, or the question that is left to the operator."""
    assert said in left_of(container_variables(container(**change)))[name]


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({}, ["docker update --restart=no ollama", "docker stop ollama", "docker rename ollama ollama-before"]),
        (
            {"manager": "compose", "files": ["/srv/c.yml"], "service": "llm"},
            [
                *("docker update --restart=no ollama", "docker stop ollama", "docker rename ollama ollama-before"),
                "take the service llm out of /srv/c.yml",
            ],
        ),
        (
            {"engine": "podman", "manager": "podman", "unit": "container-ollama.service"},
            [
                "systemctl disable --now container-ollama.service",
                "podman stop ollama",
                "podman rename ollama ollama-before",
            ],
        ),
        (
            {"engine": "podman", "manager": "quadlet", "unit": "a.service", "path": "/q/a b.container", "user": "anna"},
            [
                "systemctl --user stop a.service",
                "mv '/q/a b.container' '/q/a b.container.before'",
                "systemctl --user daemon-reload",
            ],
        ),
    ],
)
def test_the_steps_keep_the_container(change, steps):
    """None removes what somebody may want back."""
    assert container_variables(container(**change))["steps"] == steps


def test_the_lines_fit_a_terminal_and_are_yaml():
    """Variables can be copied from it."""
    made = [container_variables(container(**with_variables(TZ="UTC")))]
    lines = container_table(made, "h")
    assert '    ollama_host: "127.0.0.1:11434"' in lines
    assert '      TZ: "UTC"' in lines
    assert all(len(line) <= WIDTH for line in lines if "ollama_image" not in line)
