# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's container in the neutral form (_container/form.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import Places
from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import container_name, form_of

IMAGE = f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"


def decided(kind, instance="gpu0", **values):
    """Return decisions of one kind, with these values."""
    return [{"instance": instance, "setting": name, "kind": kind, "value": value} for name, value in values.items()]


def planned(*decisions):
    """Return a plan with one server and these decisions."""
    return {
        "instances": [{"name": "gpu0", "unit": "ollama@gpu0.service"}],
        "decisions": [each for some in decisions for each in some],
    }


def test_a_container_is_made_of_all_kinds_of_decisions():
    """Variables, directives, secrets and what the container alone has stand in one form, each under its own name."""
    plan = planned(
        decided("variable", OLLAMA_HOST="127.0.0.1:11434", OLLAMA_MODELS=None),
        decided("secret", OLLAMA_API_KEY="***"),
        decided("directive", AllowedCPUs="0-13,28-41", LimitNOFILE=65535, LimitMEMLOCK="infinity", Restart="always"),
        decided("directive", OOMScoreAdjust=-500, CPUAffinity=None),
        decided("container", image=IMAGE, nvidia_devices=["GPU-1"], mounts=["/var/lib/ollama"]),
        decided("container", environment_file="/etc/inference.ollama/secrets.env"),
        decided("variable", instance="gpu1", OLLAMA_HOST="127.0.0.1:11435"),
    )
    assert form_of(plan, "gpu0") == {
        "name": "ollama-gpu0",
        "image": IMAGE,
        "environment": {"OLLAMA_HOST": "127.0.0.1:11434"},
        "environment_file": "/etc/inference.ollama/secrets.env",
        "secrets": ["OLLAMA_API_KEY"],
        "command": ["serve"],
        "mounts": [
            {"source": "/var/lib/ollama", "target": "/var/lib/ollama", "read_only": False, "label": "shared"},
        ],
        "devices": {"nvidia": ["GPU-1"], "amd": False},
        "cpus": "0-13,28-41",
        "memory_nodes": None,
        "limits": {"memlock": "infinity", "nofile": 65535},
        "memory_max_bytes": None,
        "oom_score_adjust": -500,
        "network": "host",
        "restart": "always",
    }


def test_what_is_not_decided_is_not_limited():
    """A container of a plan without limits, cards and secrets has null and empty lists in their places."""
    form = form_of(planned(decided("container", image=IMAGE)), "gpu0")
    assert {name for name, value in form.items() if value is None} == {
        *("environment_file", "cpus", "memory_nodes", "memory_max_bytes", "oom_score_adjust", "restart")
    }
    assert (form["limits"], form["devices"]) == ({"memlock": None, "nofile": None}, {"nvidia": [], "amd": False})
    assert (form["mounts"], form["secrets"], form["environment"]) == ([], [], {})


def test_a_server_without_a_container_has_no_form():
    """A plan for systemd alone is asked for a container too, and has none."""
    assert form_of(planned(decided("variable", OLLAMA_HOST="127.0.0.1")), "gpu0") is None


@pytest.mark.parametrize(
    ("unit", "name"),
    [("ollama.service", "ollama"), ("ollama@gpu0.service", "ollama-gpu0"), ("ollama@a-b.service", "ollama-a-b")],
)
def test_a_container_is_named_as_its_unit(unit, name):
    """Engines allow no @ in a name."""
    assert container_name(unit) == name


def test_files_of_containers_are_written_and_restored():
    """Ollama's in the folder that Quadlet reads, below any root, and no others."""
    places = Places("/mnt/etc/systemd/system")
    assert places.has("/mnt/etc/containers/systemd/ollama@a.container")
    others = ("web.container", "ollama.volume", "a/ollama.container")
    assert not any(places.has(f"/mnt/etc/containers/systemd/{name}") for name in others)
    assert not places.has("/etc/containers/systemd/ollama.container")
