# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of others that have the port or the store of a plan."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._container.conflicts import conflicts, named
from ansible_collections.inference.ollama.plugins.plugin_utils._preflight import managers
from ansible_collections.inference.ollama.tests.unit.support.containers import container, held

PLAN = {"instances": [{"name": "ollama", "unit": "ollama.service", "host": "127.0.0.1", "port": 11434}]}
PORT, STORE = (
    "port 11434 of ollama.service is held by the docker container ollama",
    "ollama_models_path: '/srv/ollama/models'",
)


def found(active=(), **change):
    return {"containers": held(container(**change)), "active": list(active)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [PORT, STORE]),
        ({"ours": True}, []),
        ({"state": "exited"}, [PORT]),
        ({"state": "exited", "restart": "no"}, []),
        ({"ports": [{"address": "", "port": 11434, "container_port": 11434}], "mounts": []}, [PORT]),
        ({"ports": [{"address": "10.0.0.1", "port": 11434, "container_port": 11434}], "mounts": []}, []),
        ({"ports": [{"address": "", "port": 11500, "container_port": 11434}]}, [STORE]),
        ({"network": "host", "ports": [], "mounts": []}, [PORT]),
    ],
)
def test_what_a_container_holds_is_named_with_how_it_is_taken_over(change, expected):
    """By what runs, and by what Docker would start; what another address has is another place."""
    said, rest = conflicts(PLAN, "/srv/ollama/models/", {**found(**change), "listeners": [{"port": 11434}]})
    assert [each[: len(begin)] for each, begin in zip(said, expected)] == expected
    assert len(said) == len(expected)
    assert rest["listeners"] == ([] if PORT in expected else [{"port": 11434}])
    assert all("inference.ollama.lint" in each for each in said)


def test_a_server_in_a_container_of_ours_holds_its_port_rightly():
    """It is no part of the unit that starts it; any other process at the port counts."""
    ours, other = {"port": 11434, "pid": 812}, {"port": 11434, "pid": 813}
    _said, rest = conflicts(PLAN, None, {**found(ours=True), "listeners": [ours, other]})
    assert rest["listeners"] == [other]
    _said, rest = conflicts(PLAN, None, {**found(ours=True, main_pid=None), "listeners": [{"port": 1, "pid": None}]})
    assert rest["listeners"] == [{"port": 1, "pid": None}]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"engine": "podman"}, False),
        ({"name": "llm"}, False),
        ({"ours": True}, False),
        ({"unit": "ollama.service"}, False),
    ],
)
def test_a_container_that_does_not_run_keeps_its_name(change, refused):
    """The engine would remove it for the one of the plan, with all that lies in it."""
    there = found(["ollama.service"], **{"state": "exited", "restart": "no", **change})
    said, _rest = conflicts({**PLAN, "deployment": "docker"}, None, there)
    assert ["has the name of a container of the plan" in each for each in said] == [True] * refused


def test_a_server_that_has_the_port_keeps_it_from_a_container_that_does_not_run():
    """So that a run on a host that is as planned is not refused for what cannot start."""
    assert conflicts(PLAN, None, found(["ollama.service"], state="exited"))[0] == []


def test_a_file_that_the_run_writes_itself_is_taken_over():
    """The run keeps a copy of it, and the unit stays the same."""
    path = "/etc/containers/systemd/ollama.container"
    asked = found(engine="podman", manager="quadlet", path=path)
    assert conflicts(PLAN, None, asked, frozenset([path]))[0] == []
    assert len(conflicts(PLAN, None, asked)[0]) == 1


def test_a_host_without_a_unit_names_its_containers():
    """Beside another server there would be two for one port."""
    assert named(found()) == ["the docker container ollama runs it"]
    assert "the docker container ollama runs it" in managers(found())
    assert (named({}), managers({"containers": None})) == ([], "")
