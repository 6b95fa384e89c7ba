# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as the module containers_info returns them."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._containers.form import empty

DIGEST = f"sha256:{'a' * 64}"


def mount(source, target="/root/.ollama", **more):
    return {"source": source, "target": target, "volume": None, "read_only": False, "label": None, **more}


def container(**more):
    """One of Docker as many guides make it, and right: published at loopback, its store a folder, with all cards."""
    return {
        **empty(),
        "name": "ollama",
        "engine": "docker",
        "manager": "docker",
        "state": "running",
        "main_pid": 812,
        "image": f"ollama/ollama:0.34.1@{DIGEST}",
        "image_digest": DIGEST,
        "environment": {"OLLAMA_HOST": "0.0.0.0:11434", "PATH": "/bin", "OLLAMA_NUM_PARALLEL": "4"},
        "image_environment": ["OLLAMA_HOST", "PATH"],
        "command": ["/bin/ollama", "serve"],
        "mounts": [mount("/srv/ollama")],
        "devices": {"nvidia": "all", "amd": False},
        "network": "bridge",
        "restart": "always",
        "ports": [{"address": "127.0.0.1", "port": 11434, "container_port": 11434}],
        **more,
    }


def held(*containers, problems=(), nvidia=True, amd=False):
    """The answer of the module."""
    return {
        "schema": 1,
        "engines": {"podman": None, "docker": True},
        "cards": {"nvidia": nvidia, "amd": amd},
        "containers": list(containers),
        "problems": list(problems),
    }
