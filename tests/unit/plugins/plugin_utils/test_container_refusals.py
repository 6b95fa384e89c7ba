# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host cannot run the containers of a plan (_container/refusals.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._container.refusals import engine_errors, uncontained
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.tests.unit.support.plans import card, workstation, xeon

PODMAN = {"deployment": "podman", "image": f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"}


def engine(**said):
    """What engine_info says of a host that has everything."""
    return {
        "program": "/usr/bin/podman",
        "version": "5.4.2",
        "generator": "/usr/lib/systemd/system-generators/podman-system-generator",
        "cgroup_version": 2,
        "controllers": ["cpuset", "cpu", "memory", "pids"],
        "cdi": {},
        "problems": [],
        **said,
    }


def errors(found, machine=None, options=None, **more):
    return list(engine_errors({**(options or PODMAN), **more}, found, make_plan(machine or xeon(), PODMAN)))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"program": None}, "install the package podman"),
        ({"version": "4.3.1"}, "needs Podman 4.4 or later, the first with Quadlet, and the host has 4.3.1"),
        ({"version": None, "problems": ["podman --version did not answer"]}, "podman --version did not answer"),
        ({"generator": None}, "needs podman-system-generator"),
        ({"cgroup_version": 1, "controllers": None}, "needs control groups of version 2"),
        ({"controllers": ["pids"]}, "no controller cpuset"),
    ],
)
def test_what_a_host_lacks_is_named_with_what_to_do(said, sentence):
    """One sentence each, before anything is written."""
    found = errors(engine(**said))
    assert len(found) == 1
    assert sentence in found[0]


def test_a_host_that_has_everything_is_not_refused():
    """Neither is one that nobody has looked at, nor one without containers."""
    assert errors(engine()) == []
    assert errors(None) == []
    assert errors(engine(program=None), options={"deployment": "systemd"}) == []
    assert list(engine_errors(PODMAN, engine(), None)) == []


def test_ollama_is_not_installed_beside_its_container():
    """The two would be for one port."""
    assert "ollama_install: true installs another one" in errors(engine(), install=True)[0]


def test_cards_need_names_of_the_container_device_interface():
    """Without the file, and without the UUIDs in it, no container starts."""
    two = workstation(card(0), card(1))
    one = make_plan(two, {**PODMAN, "instances": "per_gpu"})
    assert "nvidia-ctk cdi generate" in errors(engine(), two)[0]
    assert errors(engine(cdi={"nvidia.com/gpu": ["0", "all"]}), two) == []
    said = list(engine_errors(PODMAN, engine(cdi={"nvidia.com/gpu": ["0", "1", "all"]}), one))
    assert len(said) == 1
    assert card(0)["uuid"] in said[0]
    names = [card(0)["uuid"], card(1)["uuid"]]
    assert list(engine_errors(PODMAN, engine(cdi={"nvidia.com/gpu": names}), one)) == []


def test_a_unit_of_a_container_is_not_tuned_as_a_program():
    """Its variables would be Podman's."""
    machine = xeon()
    machine["software"]["ollama"]["unit"]["path"] = "/run/systemd/generator/ollama.service"
    assert "Allowed is podman" in next(iter(uncontained(machine, None)))
    assert list(uncontained(machine, "podman")) == []
    assert list(uncontained(xeon(), None)) == []


@pytest.mark.parametrize("deployment", ["podman", "docker"])
def test_an_engine_that_does_not_answer_is_refused_before_anything_changes(deployment):
    """In check mode too; an image that is not there is fetched."""
    options = {**PODMAN, "deployment": deployment}
    there = {"image": "x", "image_there": None, "problems": ["Cannot connect to the Docker daemon"]}
    (said,) = engine_errors(options, engine(**there), None)
    assert "could not be asked for the image: Cannot connect" in said
    assert list(engine_errors(options, engine(**there | {"image_there": False, "problems": []}), None)) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"requests": False}, "needs the Python package requests on the host"),
        ({"nvidia_hook": None}, "install nvidia-container-toolkit and restart Docker"),
        ({"nvidia_hook": "/usr/bin/nvidia-container-runtime-hook"}, None),
        ({"nvidia_hook": None, "cdi": {"nvidia.com/gpu": ["all"]}}, None),
    ],
)
def test_what_docker_needs_is_refused_where_it_is_missing(said, sentence):
    """The real run would fail at it, with the files written."""
    options = {**PODMAN, "deployment": "docker"}
    plan = make_plan(workstation(card(0)), options)
    found = list(engine_errors(options, engine(**said), plan))
    assert [sentence in each for each in found] == ([True] if sentence else [])
