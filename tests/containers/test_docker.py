# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in containers of a real Docker, by units that the role writes: made, proven, taken back, removed.

The tests are in the order of what happens on the one host.
"""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.tests.containers.host import Docker

FILE = "/etc/inference.ollama/containers/ollama.service.json"
UNIT = "/etc/systemd/system/ollama.service"
SECRET = 's3 c"r$t'
FIRST = {"ollama_keep_alive": "1h", "ollama_secret_environment": {"MY_SECRET_KEY": SECRET}}


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The box; what a run leaves there the next test finds."""
    box = Docker(tmp_path_factory.mktemp("docker"))
    yield box
    box.close()


@pytest.fixture(scope="module")
def first(host):
    """What the first run of site printed, on a host that has no Ollama."""
    return host.playbook("site", **FIRST)


def environment(host):
    """The variables of the server, as the host sees its process."""
    pid = host.run("docker container inspect --format '{{.State.Pid}}' ollama").strip()
    said = host.run(f"cat /proc/{pid}/environ")
    return dict(each.split("=", 1) for each in said.split("\0") if each)


def test_a_host_without_ollama_has_a_proven_server_after_one_run(host, first):
    """The container is started by the role's unit, and what the server has is what the plan says."""
    assert "verified: " in first
    assert "failed=0" in first
    assert sorted(host.run("systemctl show ollama -P UnitFileState -P ActiveState").split()) == ["active", "enabled"]
    found = environment(host)
    assert found["OLLAMA_HOST"] == "127.0.0.1:11434"
    assert found["OLLAMA_KEEP_ALIVE"] == "1h"
    assert found["MY_SECRET_KEY"] == SECRET
    assert found["HOME"] == "/var/lib/ollama"


def test_a_secret_stands_in_its_file_and_in_the_container_alone(host, first):
    """Neither in a unit, the container's file, a command line, the log nor what the run printed."""
    assert SECRET not in first
    shown = host.run(f"systemctl show ollama; systemctl cat ollama; journalctl --no-pager; ps -eo args; cat {FILE}")
    assert SECRET not in shown
    assert host.run("stat -c %a /etc/ollama/secrets.env").strip() == "600"


@pytest.mark.usefixtures("first")
def test_the_second_run_changes_nothing(host):
    """The server that holds the port is in the control group of the container, and not of the unit."""
    said = host.playbook("site", **FIRST)
    assert "unchanged" in said
    assert "changed=0" in said


@pytest.mark.usefixtures("first")
def test_what_was_changed_by_hand_is_named_by_its_variable(host):
    """Drift of a container's file is that of the setting."""
    host.run(f"""sed -i 's/KEEP_ALIVE": "1h/KEEP_ALIVE": "5m/' {FILE}""")
    said = host.playbook("verify", fails=True, **FIRST)
    host.run(f"""sed -i 's/KEEP_ALIVE": "5m/KEEP_ALIVE": "1h/' {FILE}""")
    assert "OLLAMA_KEEP_ALIVE: differs" in " ".join(said.split())


@pytest.mark.usefixtures("first")
def test_a_container_that_is_not_proven_is_taken_back(host):
    """An image of another release than its tag names: the container of before is made again, with its secrets."""
    wrong = host.image.replace(":0.34.1@", ":0.33.0@")
    said = host.playbook("site", fails=True, **{**FIRST, "ollama_image": wrong, "ollama_keep_alive": "2h"})
    assert "planned 0.33.0" in said
    assert "are back as they were" in " ".join(said.split())
    found = environment(host)
    assert (found["OLLAMA_KEEP_ALIVE"], found["MY_SECRET_KEY"]) == ("1h", SECRET)


@pytest.mark.usefixtures("first")
def test_a_removal_leaves_nothing_but_the_store(host):
    """Units, container, secrets and records go."""
    said = host.playbook("remove")
    assert "/var/lib/ollama stays" in said
    assert host.run("docker ps --all --quiet").strip() == ""
    assert host.run("ls -d /etc/inference.ollama /etc/ollama /etc/systemd/system/ollama* 2>/dev/null || true") == ""
    assert host.run("systemctl show ollama -P LoadState").strip() == "not-found"


@pytest.mark.usefixtures("first")
def test_an_installed_server_becomes_a_container_and_comes_back(host):
    """The role's unit takes its place, and a rollback restores it."""
    host.run("/root/ollama install && systemctl daemon-reload && systemctl enable --now ollama")
    unit = host.run(f"cat {UNIT}")
    assert "failed=0" in host.playbook("site")
    assert environment(host)["HOME"] == "/var/lib/ollama"
    host.playbook("rollback")
    assert host.run(f"cat {UNIT}") == unit
    assert host.run("systemctl show ollama -P ActiveState").strip() == "active"
    assert host.run("docker ps --quiet").strip() == ""
