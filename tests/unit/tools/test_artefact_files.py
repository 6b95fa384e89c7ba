# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is built for users holds what they need, and nothing else."""

from __future__ import annotations

import io
import json
import runpy
import tarfile
from pathlib import Path

import pytest

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "artefact_files.py"))
MANIFEST = json.dumps({"collection_info": {"readme": "README.md", "license_file": "LICENSE"}})
ENVIRONMENT = "dependencies: {python: meta/ee-requirements.txt, system: meta/ee-bindep.txt}\n"
TEXTS = {
    "CONTRIBUTING.md": "`tests/unit` is in the repository",
    "FILES.json": "{}",
    "LICENSE": "",
    "MANIFEST.json": MANIFEST,
    "SECURITY.md": "",
    "README.md": "[a page](docs/a.md#part), [elsewhere](https://example.org/b.md), `meta/runtime.yml`",
    "docs/a.md": "[up](../README.md)",
    "meta/ee-bindep.txt": "",
    "meta/ee-requirements.txt": "",
    "meta/execution-environment.yml": ENVIRONMENT,
    "meta/runtime.yml": "",
    "plugins/modules/a.py": "",
    "roles/ollama/README.md": "[a page](../../docs/a.md)",
    "tests/config.yml": "",
}
TRACKED = [
    *(name for name in TEXTS if name not in TOOL["BUILT"]),
    ".ci/run",
    "changelogs/fragments/0001-a.yml",
    "galaxy.yml",
    "molecule/README.md",
    "playbooks/ansible.cfg",
    "tests/run.sh",
    "tests/unit/test_a.py",
]


@pytest.fixture
def faults(tmp_path):
    """A function that builds an artefact and names its faults."""

    def build(texts, links=()):
        path = tmp_path / "inference-ollama-0.1.0.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for name, text in texts.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
            for name in links:
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, "README.md"
                tar.addfile(member)
        return TOOL["faults"](path, TRACKED)

    return build


def test_a_complete_artefact_has_no_fault(faults):
    """Files of the repository that only developers need are not missed."""
    assert faults(TEXTS) == []


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "LICENSE", "plugins/modules/a.py", "roles/ollama/README.md", "tests/config.yml"]
)
def test_a_file_that_users_need_is_missed(faults, name):
    """Whatever its suffix, a file of a shipped folder is in the artefact."""
    assert f"{name}: is missing" in faults({key: text for key, text in TEXTS.items() if key != name})


@pytest.mark.parametrize("name", [".git/HEAD", ".ci/run", "tests/unit/test_a.py", "galaxy.yml", "plugins/a.py.orig"])
def test_a_file_that_nobody_needs_is_named(faults, name):
    """Tests, what git keeps, and files that are not in the repository do not go to users."""
    assert faults({**TEXTS, name: ""}) == [f"{name}: does not belong into the artefact"]


def test_a_link_is_no_file(faults):
    """Galaxy refuses links that lead out of an artefact; ours has none at all."""
    assert "docs/b.md: is not a regular file" in faults(TEXTS, links=["docs/b.md"])


@pytest.mark.parametrize(
    ("page", "text", "named"),
    [
        ("README.md", "[gone](docs/gone.md)", "docs/gone.md"),
        ("docs/a.md", "[gone](../tests/lab/README.md)", "tests/lab/README.md"),
        ("docs/a.md", "see `plugins/modules/gone.py`", "plugins/modules/gone.py"),
        ("meta/execution-environment.yml", "dependencies: {system: bindep.txt}", "bindep.txt"),
        ("MANIFEST.json", MANIFEST.replace("README.md", "README.rst"), "README.rst"),
    ],
)
def test_a_name_of_a_file_that_is_not_shipped_is_found(faults, page, text, named):
    """Links of documents, the manifest and the execution environment lead to files that the user has too."""
    (fault,) = faults({**TEXTS, page: text})
    assert f"names {named}, which" in fault


def test_an_artefact_that_has_grown_is_named(faults, monkeypatch):
    """A file that is large for its kind would go to every user."""
    monkeypatch.setitem(TOOL["faults"].__globals__, "MOST_BYTES", 100)
    (fault,) = faults(TEXTS)
    assert "at most 100 are expected" in fault
