# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection in three forms of repositories, installed from the built artefact."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.tests.integration.example import HERE, Example, warnings_in

REQUIREMENTS = HERE.parents[1] / "requirements"
PLANNED = ("LLAMA_ARG_THREADS=14", "--cpunodebind=1", "OLLAMA_KEEP_ALIVE=24h")


def pinned(file: str) -> str:
    """The newest release of ansible-core that a requirements file names."""
    return re.findall(r"^ansible-core==([\d.]+)", (REQUIREMENTS / file).read_text(encoding="utf-8"), re.MULTILINE)[-1]


def test_the_releases_are_the_oldest_and_the_newest():
    """From the one that meta/runtime.yml asks for to the one that `make site` installs."""
    runtime = (HERE.parents[1] / "meta/runtime.yml").read_text(encoding="utf-8")
    assert f'requires_ansible: ">={pinned("interop-2.19.txt")}"' in runtime
    newest = max(REQUIREMENTS.glob("interop-*.txt")).name
    assert pinned(newest) == pinned("site.txt")


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory):
    """roles/ with a role around the collection's, group_vars beside the playbook; run with ansible-core 2.20."""
    example = Example("roles", "2.20", tmp_path_factory.mktemp("interop"))
    example.install()
    assert example.play("site.yml") == 0, example.output
    assert warnings_in(example.output) == []
    return example


def test_a_role_around_the_role_gives_it_variables(wrapped):
    """Its own, and those of the group; what the role sets is known to the tasks after it."""
    assert [text for text in (*PLANNED, "OLLAMA_LOAD_TIMEOUT=7m") if text not in wrapped.read("node1")] == []
    assert wrapped.read("node1", "served") == "http://127.0.0.1:11434 changed\n"


def test_handlers_of_the_repository_are_found_by_their_names(wrapped):
    """The repository's last definition of a name counts, and none of the collection's stands in its way."""
    assert wrapped.read("node1", "reloaded-by") == "base\n"
    assert wrapped.read("node1", "restarted-by") == "ollama\n"


def test_a_second_run_by_tag_changes_nothing(wrapped):
    """Not even a handler of the other roles runs."""
    before = {path: path.stat().st_mtime_ns for path in (wrapped.folder / "hosts/node1/etc").rglob("*")}
    assert wrapped.play("site.yml", "--tags", "models") == 0, wrapped.output
    assert {path: path.stat().st_mtime_ns for path in (wrapped.folder / "hosts/node1/etc").rglob("*")} == before
    assert wrapped.read("node1", "served") == "http://127.0.0.1:11434 unchanged\n"
    assert warnings_in(wrapped.output) == []


def test_a_run_that_begins_in_the_middle_changes_nothing(wrapped):
    """It says where to begin; so does the gateway, before it installs a package."""
    (wrapped.folder / "middle.yml").write_text(
        "- {hosts: ollama, gather_facts: false, roles: [inference.ollama.ollama]}\n"
        "- {hosts: ollama, gather_facts: false, roles: [inference.ollama.ollama_gateway]}\n",
        encoding="utf-8",
    )
    for task, said in (
        ("Summarize the run", 'start at "Read the host, and decide what to change"'),
        ("Install HAProxy", 'start at "Read which servers the gateway has from an earlier run"'),
    ):
        assert wrapped.play("middle.yml", f"--start-at-task={task}") != 0
        assert said in " ".join(wrapped.output.split())
        assert "changed=0" in wrapped.output


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """collections/requirements.yml and the playbook site imported; ansible.cfg says free and any_errors_fatal."""
    example = Example("collections", "2.21", tmp_path_factory.mktemp("interop"))
    example.install()
    assert example.play("playbooks/site.yml") == 0, example.output
    return example


def test_the_playbook_site_is_imported(imported):
    """It sees the inventory's variables, and runs in its own order whatever ansible.cfg says."""
    assert [text for text in PLANNED if text not in imported.read("node1")] == []
    assert warnings_in(imported.output) == []


def test_the_role_after_the_playbook_has_nothing_to_do(imported):
    """They mean the same by the same variables."""
    assert imported.read("node1", "outcome") == "unchanged\n"


def test_ansible_navigator_runs_it(tmp_path):
    """Without an execution environment, with output as that of ansible-playbook."""
    example = Example("navigator", "2.21", tmp_path)
    example.install()
    assert example.run("ansible-navigator", "run", "site.yml") == 0, example.output
    assert [text for text in PLANNED if text not in example.read("node1")] == []
    assert warnings_in(example.output) == []
    assert "failed=0" in example.output


@pytest.mark.parametrize("name", ["roles", "collections", "navigator"])
def test_an_example_says_nothing_of_these_tests(name):
    """It can be copied as it is."""
    texts = [path.read_text(encoding="utf-8") for path in Path(HERE / name).rglob("*") if path.is_file()]
    assert [text for text in texts if "ollama_staging_root:" in text or "ollama_topology_root" in text] == []
