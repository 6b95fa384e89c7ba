# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in containers of a real Podman, by a real Quadlet and systemd: written, proven, taken back, removed.

The tests are in the order of what happens on the one host.
"""

from __future__ import annotations

import json

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_container, render_dropin
from ansible_collections.inference.ollama.tests.containers.host import Podman
from ansible_collections.inference.ollama.tests.unit.support.plans import card, workstation, xeon

CONTAINER = "/etc/containers/systemd/ollama.container"
DROPIN = "/etc/systemd/system/ollama.service.d/override.conf"
UNIT = "/etc/systemd/system/ollama.service"
SECRET = 's3 c"r$t'
FIRST = {"ollama_keep_alive": "1h", "ollama_secret_environment": {"MY_SECRET_KEY": SECRET}}
IMAGE = f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The box; what a run leaves there the next test finds."""
    box = Podman(tmp_path_factory.mktemp("podman"))
    yield box
    box.close()


@pytest.fixture(scope="module")
def first(host):
    """What the first run of site printed, on a host that has no Ollama."""
    return host.playbook("site", **FIRST)


def server(host):
    """``{environment, status, limits, group}`` of the server, as the host sees its process."""
    group = "/sys/fs/cgroup$(systemctl show ollama -P ControlGroup)"
    pid = host.run(f"cat {group}/libpod-payload-*/cgroup.procs | head -n 1").strip()
    files = {"environment": "environ", "status": "status", "limits": "limits", "group": "cgroup"}
    found = {name: host.run(f"cat /proc/{pid}/{file}") for name, file in files.items()}
    return {**found, "environment": dict(each.split("=", 1) for each in found["environment"].split("\0") if each)}


def plans():
    """Plans whose containers have something of everything: several servers, cards, secrets, signs with a meaning."""
    podman = {"deployment": "podman", "image": IMAGE}
    odd = {"MY_VALUE": "a $HOME 100% \"b\" \\c 'd'"}
    yield make_plan(xeon(), {**podman, "instances": "per_numa_node", "load_mode": "mlock", "environment": odd})
    yield make_plan(workstation(card(0), card(1)), {**podman, "instances": "per_gpu", "secret_environment": ["A_KEY"]})
    yield make_plan(workstation(card(0), card(1)), {**podman, "models_path": "/srv/models"})


def test_quadlet_and_systemd_take_the_files_of_every_plan(host):
    """The real generator makes a unit of each, which systemd finds nothing wrong with, and reads what was meant."""
    for number, plan in enumerate(plans()):
        folder = f"/tmp/plan{number}"
        for file in unit_files(plan, "override.conf"):
            if file["instance"] is None:
                continue
            name, unit = str(file["path"]).rpartition("/")[2], file["unit"]
            if name.endswith(".container"):
                host.write(f"{folder}/in/{name}", render_container(plan, file["instance"]).encode())
            else:
                host.write(f"{folder}/out/{unit}.d/{name}", render_dropin(plan, file["instance"]).encode())
        said = host.run(f"QUADLET_UNIT_DIRS={folder}/in /usr/libexec/podman/quadlet -v {folder}/out 2>&1")
        assert "error" not in said.lower()
        units = [each["unit"] for each in plan["instances"]]
        assert host.run(f"ls {folder}/out/multi-user.target.wants").split() == units
        # What waits for cards is a program that only a host with cards has.
        checked = (
            f"cd {folder}/out && SYSTEMD_UNIT_PATH={folder}/out: systemd-analyze verify --man=no --recursive-errors=no"
        )
        said = host.run(f"{checked} {' '.join(units)} 2>&1")
        assert "Unknown" not in said
        assert "ignoring" not in said


def test_a_host_without_ollama_has_a_proven_server_after_one_run(host, first):
    """The files are written, the unit is Quadlet's, and what the server has is what the plan says."""
    assert "verified: " in first
    assert "failed=0" in first
    assert host.run("systemctl show ollama -P UnitFileState -P ActiveState").split() == ["active", "generated"]
    found = server(host)
    assert found["environment"]["OLLAMA_HOST"] == "127.0.0.1:11434"
    assert found["environment"]["OLLAMA_KEEP_ALIVE"] == "1h"
    assert found["environment"]["MY_SECRET_KEY"] == SECRET
    assert found["environment"]["HOME"] == "/var/lib/ollama"
    assert "/ollama.service/libpod-payload-" in found["group"]
    assert "NoNewPrivs:\t1" in found["status"]
    assert "16384                16384" in found["limits"]
    assert host.run("ls -A /var/lib/ollama").split() == [".ollama"]


def test_a_secret_stands_in_its_file_alone(host, first):
    """Neither in a unit, a command line, the log nor what the run printed."""
    assert SECRET not in first
    shown = host.run(
        "systemctl show ollama; systemctl cat ollama; journalctl --no-pager; ps -eo args; cat /etc/inference.ollama/*"
    )
    assert SECRET not in shown
    assert host.run("stat -c %a /etc/ollama/secrets.env").strip() == "600"


@pytest.mark.usefixtures("first")
def test_the_second_run_changes_nothing(host):
    """Files, image and service are as planned."""
    said = host.playbook("site", **FIRST)
    assert "unchanged" in said
    assert "changed=0" in said


@pytest.mark.usefixtures("first")
def test_what_was_changed_by_hand_is_named_by_its_variable(host):
    """Drift of a container's file is that of the setting, and a dry run would write it again."""
    host.run(f"sed -i 's/KEEP_ALIVE=1h/KEEP_ALIVE=5m/' {CONTAINER}")
    said = host.playbook("verify", fails=True, **FIRST)
    host.run(f"sed -i 's/KEEP_ALIVE=5m/KEEP_ALIVE=1h/' {CONTAINER}")
    assert "OLLAMA_KEEP_ALIVE: differs" in " ".join(said.split())


@pytest.mark.usefixtures("first")
def test_a_container_that_is_not_proven_is_taken_back(host):
    """An image of another release than its tag names: the server of before runs again, with its own settings."""
    wrong = host.image.replace(":0.34.1@", ":0.33.0@")
    said = host.playbook("site", fails=True, **{**FIRST, "ollama_image": wrong, "ollama_keep_alive": "2h"})
    assert "planned 0.33.0" in said
    assert "are back as they were" in " ".join(said.split())
    assert server(host)["environment"]["OLLAMA_KEEP_ALIVE"] == "1h"
    assert "Planned for Ollama 0.34.1" in host.run(f"cat {CONTAINER}")


@pytest.mark.usefixtures("first")
def test_a_removal_leaves_nothing_but_the_store(host):
    """Unit, drop-in, secrets and records go, and so does the container."""
    said = host.playbook("remove")
    assert "/var/lib/ollama stays" in said
    assert host.run("podman ps --all --quiet").strip() == ""
    assert host.run(f"ls {CONTAINER} {DROPIN} /etc/ollama/secrets.env 2>/dev/null || true").strip() == ""
    assert host.run("systemctl show ollama -P LoadState").strip() == "not-found"


@pytest.mark.usefixtures("first")
def test_an_installed_server_becomes_a_container_and_comes_back(host):
    """Its unit would hide the container's, so it is moved away in the same change, and a rollback restores it."""
    host.run("/root/ollama install && systemctl daemon-reload && systemctl enable --now ollama")
    unit = host.run(f"cat {UNIT}")
    said = host.playbook("site")
    assert "failed=0" in said
    assert f"{UNIT} gives its place" in " ".join(said.split())
    assert host.run("systemctl show ollama -P FragmentPath").strip() == "/run/systemd/generator/ollama.service"
    assert server(host)["environment"]["HOME"] == "/var/lib/ollama"
    host.playbook("rollback")
    assert host.run(f"cat {UNIT}") == unit
    shown = host.run("systemctl show ollama -P FragmentPath -P ActiveState").split()
    assert sorted(shown) == [UNIT, "active"]
    assert json.loads(host.run("podman ps --all --format json")) == []
