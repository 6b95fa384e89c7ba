# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of docs/quickstart.md are a repository that works: its playbooks are read, its variables reach the plan."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.tests.unit.support.playbooks import ANSIBLE, ROOT, installed

PAGE = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
# A block of code whose first line names a file.
FILES = dict(re.findall(r"```(?:yaml|ini)\n# (\S+)\n(.*?)```", PAGE, flags=re.DOTALL))
CAPTURE = ROOT / "tests/unit/machines/xeon56.txt"
WRITTEN = sorted(
    [
        "ansible.cfg",
        "collections/requirements.yml",
        "inventory/hosts.yml",
        "inventory/group_vars/ollama.yml",
        "inventory/host_vars/gpu1.yml",
        "ollama.yml",
        "site.yml",
        ".gitlab-ci.yml",
        ".github/workflows/ollama.yml",
    ]
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The page's files in a folder, and the collection where they expect it."""
    folder = tmp_path_factory.mktemp("infra")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    place = folder / "collections/ansible_collections/inference"
    place.mkdir(parents=True)
    (place / "ollama").symlink_to(ROOT)
    return folder


def run(repository, *arguments):
    """The output of ansible-playbook as somebody in that folder calls it, with the configuration of the page alone."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [ANSIBLE, *arguments],
        cwd=repository,
        env={**kept, "PWD": str(repository), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_page_has_all_files_and_each_is_yaml():
    """A file that is named elsewhere on the page is there, and none is broken."""
    assert sorted(FILES) == WRITTEN
    for name, text in FILES.items():
        assert name == "ansible.cfg" or yaml.safe_load(text)


@pytest.mark.parametrize("name", [name for name in WRITTEN if "_vars/" in name])
def test_the_variables_are_those_of_the_role(name):
    """Each has a name and a value that the role takes."""
    found = {key.removeprefix("ollama_"): value for key, value in yaml.safe_load(FILES[name]).items()}
    assert option_errors({key: value for key, value in found.items() if "{{" not in str(value)}) == []


@installed
def test_the_playbooks_can_be_read_and_have_the_tags_of_the_page(repository):
    """With the collection that requirements.yml brings, without a host."""
    tags = set(re.findall(r"[\w-]+", run(repository, "--list-tags", "ollama.yml", "site.yml")))
    table = PAGE.partition("| tag |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)
    assert named
    assert set(named) <= tags


@installed
def test_the_variables_reach_the_plan(repository):
    """Those of the group and of a host beside the inventory, as a playbook of the collection sees them."""
    machine = [
        f"ollama_topology_root={CAPTURE}",
        "ansible_connection=local",
        f"ansible_python_interpreter={sys.executable}",
    ]
    variables = [word for each in machine for word in ("-e", each)]
    run(repository, "inference.ollama.plan", *variables, "-e", "ollama_version=0.40.2")
    plans = {
        name: json.loads((repository / f"plans/{name}.plan.json").read_text(encoding="utf-8"))
        for name in ("xeon1", "gpu1")
    }
    hosts = {
        name: {each["value"] for each in made["decisions"] if each["setting"] == "OLLAMA_HOST"}
        for name, made in plans.items()
    }
    assert "127.0.0.1:11434" in hosts["xeon1"]
    assert "0.0.0.0:11434" in hosts["gpu1"]
    # Throughput on two sockets without a GPU is a server for each.
    assert (len(plans["xeon1"]["instances"]), len(plans["gpu1"]["instances"])) == (1, 2)
