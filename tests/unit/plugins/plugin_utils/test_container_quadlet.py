# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container as Quadlet reads it (_container/quadlet.py); tests/containers has the program itself read it."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_container, render_dropin
from ansible_collections.inference.ollama.tests.unit.support.plans import card, workstation, xeon

IMAGE = f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"
PODMAN = {"deployment": "podman", "image": IMAGE}


def lines(plan, name="ollama"):
    """The lines of a container's file that are no comments."""
    return [line for line in render_container(plan, name).splitlines() if line and not line.startswith("#")]


def test_a_container_says_what_its_form_has():
    """Each part under its key, and by an option of podman run what the oldest Quadlet has no key for."""
    plan = make_plan(xeon(), {**PODMAN, "models_path": "/srv/models", "secret_environment": ["MY_SECRET"]})
    said = lines(plan)
    assert said[:2] == ["[Unit]", "Description=Ollama, server ollama"]
    assert said[2:9] == [
        "[Container]",
        f"Image=docker.io/ollama/ollama@sha256:{'0' * 64}",
        "ContainerName=ollama",
        "Exec=serve",
        "Network=host",
        "NoNewPrivileges=true",
        "Volume=/var/lib/ollama:/var/lib/ollama:z",
    ]
    assert "Volume=/srv/models:/srv/models:z" in said
    assert 'Environment="OLLAMA_HOST=127.0.0.1:11434"' in said
    assert said[-5:] == [
        "PodmanArgs=--log-driver=passthrough --pids-limit=0",
        "PodmanArgs=--ulimit=nofile=65535:65535 --oom-score-adj=-500",
        "PodmanArgs=--env=MY_SECRET",
        "[Install]",
        "WantedBy=multi-user.target",
    ]


def test_every_line_of_a_plan_has_its_reason_above_it():
    """A reader of the file need not look elsewhere."""
    text = render_container(make_plan(xeon(), PODMAN), "ollama").splitlines()
    reasons = [text[index - 1] for index, line in enumerate(text) if line.startswith(("Image", "Environ", "PodmanA"))]
    assert reasons
    assert all(line.startswith("#") for line in reasons)


def test_words_that_systemd_would_replace_are_doubled():
    """Quadlet puts them into a command, in which systemd reads $ and % of its own."""
    plan = make_plan(xeon(), {**PODMAN, "environment": {"MY_VALUE": 'a$b 100% "c"'}, "models_path": "/srv/100%"})
    assert r'Environment="MY_VALUE=a$$b 100%% \"c\""' in lines(plan)
    assert "Volume=/srv/100%%:/srv/100%%:z" in lines(plan)


def test_cards_are_devices():
    """NVIDIA's by the names of the Container Device Interface, AMD's by their files."""
    two = workstation(card(0), card(1))
    assert "AddDevice=nvidia.com/gpu=all" in lines(make_plan(two, PODMAN))
    each = make_plan(two, {**PODMAN, "instances": "per_gpu"})
    assert f"AddDevice=nvidia.com/gpu={card(1)['uuid']}" in lines(each, "gpu1")
    plan = make_plan(xeon(), PODMAN)
    amd = {"instance": "ollama", "setting": "amd_devices", "kind": "container", "value": "true"}
    plan["decisions"].append({**amd, "source": "policy", "reason": "by their files"})
    assert [line for line in lines(plan) if line.startswith("AddDevice")] == [
        "AddDevice=/dev/kfd",
        "AddDevice=/dev/dri",
    ]


def test_a_dropin_beside_a_container_has_no_variables():
    """Those of the unit would be Podman's; what systemd does with the unit stays there."""
    plan = make_plan(xeon(), PODMAN)
    service = read_service([("/etc/systemd/system/ollama.service.d/override.conf", render_dropin(plan, "ollama"))])
    assert service.environment == {}
    names = {setting.directive for setting in service.settings}
    assert {"AllowedCPUs", "Slice", "StateDirectory", "LimitNOFILE", "Restart"} <= names


def test_memory_nodes_and_locked_memory_are_options_too():
    """A form that names them is written whole, as that of a container which somebody else has made."""
    plan = make_plan(xeon(), {**PODMAN, "load_mode": "mlock"})
    more = {"instance": "ollama", "source": "policy", "reason": "said"}
    plan["decisions"].append({**more, "setting": "AllowedMemoryNodes", "kind": "directive", "value": "1"})
    said = lines(plan)
    assert "PodmanArgs=--ulimit=nofile=65535:65535 --ulimit=memlock=-1:-1 --oom-score-adj=-500" in said
    assert "PodmanArgs=--cpuset-mems=1" in said
