# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in containers of real engines, by units that Quadlet or the role makes: made, proven, taken back, removed.

The tests are in the order of what happens on the one host: with Podman, with Docker, then from one to the other.
"""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._files import unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_container, render_dropin
from ansible_collections.inference.ollama.tests.containers.host import ENGINES, Host
from ansible_collections.inference.ollama.tests.unit.support.plans import card, workstation, xeon

UNIT, LINK = "/etc/systemd/system/ollama.service", "/etc/systemd/system/multi-user.target.wants/ollama.service"
# The file that a server's container is made of, the name of a value in it, and the unit that starts it.
FILE = {
    "podman": "/etc/containers/systemd/ollama.container",
    "docker": "/etc/inference.ollama/containers/ollama.service.json",
}
KEEP_ALIVE = {"podman": "KEEP_ALIVE=", "docker": 'KEEP_ALIVE": "'}
FRAGMENT = {"podman": "/run/systemd/generator/ollama.service", "docker": UNIT}
BOOT = {"podman": "generated", "docker": "enabled"}
SECRET = 's3 c"r$t'
FIRST = {"ollama_keep_alive": "1h", "ollama_secret_environment": {"MY_SECRET_KEY": SECRET}}
IMAGE = f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The box; what a run leaves there the next test finds."""
    box = Host(tmp_path_factory.mktemp("containers"))
    yield box
    box.close()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """One after the other: every test below runs with the first one before any does with the second."""
    return request.param


@pytest.fixture(scope="module")
def first(host, engine):
    """What the first run of site printed, on a host that has no Ollama."""
    return host.playbook("site", engine, **FIRST)


def server(host, engine):
    """``{environment, status, limits, group}`` of the server, as the host sees its process."""
    pid = host.run(f"{engine} container inspect --format '{{{{.State.Pid}}}}' ollama").strip()
    files = {"environment": "environ", "status": "status", "limits": "limits", "group": "cgroup"}
    found = {name: host.run(f"cat /proc/{pid}/{file}") for name, file in files.items()}
    return {**found, "environment": dict(each.split("=", 1) for each in found["environment"].split("\0") if each)}


def shown(host, *names):
    """Properties of the unit, by name."""
    said = host.run(f"systemctl show ollama {' '.join(f'-p {name}' for name in names)}")
    return dict(line.split("=", 1) for line in said.splitlines())


def running(host):
    """The containers that each engine has, whether they run or not."""
    return {engine: host.run(f"{engine} ps --all --format '{{{{.Names}}}}'").split() for engine in ENGINES}


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


def test_a_host_without_ollama_has_a_proven_server_after_one_run(host, engine, first):
    """The files are written, the unit starts the container, and what the server has is what the plan says."""
    assert "verified: " in first
    assert "failed=0" in first
    assert shown(host, "UnitFileState", "ActiveState") == {"UnitFileState": BOOT[engine], "ActiveState": "active"}
    found = server(host, engine)
    assert found["environment"]["OLLAMA_HOST"] == "127.0.0.1:11434"
    assert found["environment"]["OLLAMA_KEEP_ALIVE"] == "1h"
    assert found["environment"]["MY_SECRET_KEY"] == SECRET
    assert found["environment"]["HOME"] == "/var/lib/ollama"
    assert "NoNewPrivs:\t1" in found["status"]
    assert "16384                16384" in found["limits"]
    assert ("/ollama.service/libpod-payload-" in found["group"]) == (engine == "podman")
    assert host.run("ls -A /var/lib/ollama").split() == [".ollama"]


def test_a_secret_stands_in_its_file_and_in_the_container_alone(host, engine, first):
    """Neither in a unit, the container's file, a command line, the log nor what the run printed."""
    assert SECRET not in first
    said = host.run(
        "systemctl show ollama; systemctl cat ollama; journalctl --no-pager; ps -eo args; "
        f"cat /etc/inference.ollama/*.* {FILE[engine]}"
    )
    assert SECRET not in said
    assert host.run("stat -c %a /etc/ollama/secrets.env").strip() == "600"


@pytest.mark.usefixtures("first")
def test_the_second_run_changes_nothing(host, engine):
    """Files, image and service are as planned, and it is the server that holds its port."""
    said = host.playbook("site", engine, **FIRST)
    assert "unchanged" in said
    assert "changed=0" in said


@pytest.mark.usefixtures("first")
def test_what_was_changed_by_hand_is_named_by_its_variable(host, engine):
    """Drift of a container's file is that of the setting."""
    value, file = KEEP_ALIVE[engine], FILE[engine]
    host.run(f"sed -i 's/{value}1h/{value}5m/' {file}")
    said = host.playbook("verify", engine, fails=True, **FIRST)
    host.run(f"sed -i 's/{value}5m/{value}1h/' {file}")
    assert "OLLAMA_KEEP_ALIVE: differs" in " ".join(said.split())


@pytest.mark.usefixtures("first")
def test_a_container_that_is_not_proven_is_taken_back(host, engine):
    """An image of another release than its tag names: the container of before is there again, with its own secrets."""
    wrong = {"ollama_image": host.images[engine].replace(":0.34.1@", ":0.33.0@"), "ollama_keep_alive": "2h"}
    said = host.playbook("site", engine, fails=True, **wrong, ollama_secret_environment={"MY_SECRET_KEY": "new"})
    assert "planned 0.33.0" in said
    assert "are back as they were" in " ".join(said.split())
    assert SECRET not in said
    found = server(host, engine)["environment"]
    assert (found["OLLAMA_KEEP_ALIVE"], found["MY_SECRET_KEY"]) == ("1h", SECRET)


@pytest.mark.usefixtures("first")
def test_a_removal_leaves_nothing_but_the_store(host):
    """Units, links, container, secrets and records go."""
    said = host.playbook("remove")
    assert "/var/lib/ollama stays" in said
    assert running(host) == {"podman": [], "docker": []}
    left = f"/etc/inference.ollama /etc/ollama /etc/systemd/system/ollama* {LINK} {' '.join(FILE.values())}"
    # ls fails for what is not there, which is what is wanted.
    assert host.run(f"ls -d {left} 2>/dev/null || true") == ""
    assert shown(host, "LoadState") == {"LoadState": "not-found"}


@pytest.mark.usefixtures("first")
def test_an_installed_server_becomes_a_container_and_comes_back(host, engine):
    """Its unit gives its place in the same change, and a rollback restores it and leaves no container."""
    host.run("/root/ollama install && systemctl daemon-reload && systemctl enable --now ollama")
    unit = host.run(f"cat {UNIT}")
    assert "failed=0" in host.playbook("site", engine)
    assert shown(host, "FragmentPath") == {"FragmentPath": FRAGMENT[engine]}
    assert server(host, engine)["environment"]["HOME"] == "/var/lib/ollama"
    host.playbook("rollback")
    assert host.run(f"cat {UNIT}") == unit
    assert shown(host, "FragmentPath", "ActiveState") == {"FragmentPath": UNIT, "ActiveState": "active"}
    assert running(host) == {"podman": [], "docker": []}
    host.run(f"systemctl disable --now ollama; rm -f {UNIT} {UNIT}.*~ /usr/local/bin/ollama; systemctl daemon-reload")


@pytest.mark.parametrize("target", ["docker", "podman"])
def test_one_engine_takes_over_from_the_other(host, target):
    """Nothing of the other one stays: no file, no link, no container, whether it runs or not."""
    other = next(each for each in ENGINES if each != target)
    if target == ENGINES[1]:
        host.playbook("site", other)
    assert "failed=0" in host.playbook("site", target)
    assert running(host) == {target: ["ollama"], other: []}
    # ls fails for what is not there, and names the rest.
    there = host.run(f"ls -d {' '.join(FILE.values())} {UNIT} {LINK} 2>/dev/null || true").split()
    assert sorted(there) == sorted([FILE[target], *([UNIT, LINK] if target == "docker" else [])])
    assert shown(host, "FragmentPath", "ActiveState") == {"FragmentPath": FRAGMENT[target], "ActiveState": "active"}
