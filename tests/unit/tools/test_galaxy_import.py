# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy would warn of fails the import, and so does an import that has skipped a part."""

from __future__ import annotations

import copy
import json
import os
import runpy
import tarfile
from pathlib import Path

import pytest

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "galaxy_import.py"))
NAMES = {
    "README.md",
    "docs/a.md",
    "docs/pictures/b.md",
    "plugins/filter/c.yml",
    "plugins/filter/filters.py",
    "plugins/modules/d.py",
    "roles/r/README.md",
    "roles/r/tasks/main.yml",
    "playbooks/p.yml",
}
RESULT = {
    "docs_blob": {
        "collection_readme": {"html": "<h1>"},
        "documentation_files": [{"name": "a.md", "html": "<h1>"}],
        "contents": [
            {"content_type": "filter", "content_name": "c", "doc_strings": {"doc": {"description": "x"}}},
            {"content_type": "filter", "content_name": "filters", "doc_strings": None},
            {"content_type": "module", "content_name": "d", "doc_strings": {"doc": {"description": "x"}}},
            {"content_type": "role", "content_name": "r", "readme_html": "<h1>"},
        ],
    }
}
PASSED = "\nPassed: 0 failure(s), 0 warning(s) in 2 files processed of 3 encountered. Profile 'production'.\n"
# Stands for the importer: writes what it gets as its result, and calls ansible-lint by its name, as the importer does.
IMPORTER = """
import json, os, subprocess, sys
print("Importing with galaxy-importer")
if os.environ["RESULT"]:
    open("importer_result.json", "w").write(os.environ["RESULT"])
    subprocess.run(["ansible-lint", "--offline"], stderr=subprocess.DEVNULL)
assert os.path.exists(os.environ["GALAXY_IMPORTER_CONFIG"])
sys.exit(0)
"""


def test_warnings_and_errors_are_complaints():
    """Status 0 is not enough, and a traceback is not passed over."""
    assert TOOL["complaints"]("Loading role ollama\n...ansible-lint run complete\n", 0) == []
    text = "WARNING: No changelog found. Add one.\nERROR: The import failed: too long\nLoading role x"
    assert TOOL["complaints"](text, 0) == text.splitlines()[:2]
    (sentence,) = TOOL["complaints"]("Traceback:\nNameError", 1)
    assert sentence.endswith("NameError")


def test_a_complete_result_has_no_fault():
    """Helpers without documentation, and documents in folders below docs, are not asked for."""
    assert TOOL["undocumented"](RESULT, NAMES) == []


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda blob: blob["collection_readme"].update(html=""), "README.md "),
        (lambda blob: blob["documentation_files"].clear(), "docs/a.md "),
        (lambda blob: blob["contents"][0].update(doc_strings=None), "plugins/filter/c.yml: "),
        (lambda blob: blob["contents"].pop(2), "plugins/modules/d.py: "),
        (lambda blob: blob["contents"][3].update(readme_html=None), "role r: "),
    ],
)
def test_a_part_that_galaxy_would_show_empty_is_named(damage, named):
    """ansible-doc that finds nothing is no error to the importer."""
    result = copy.deepcopy(RESULT)
    damage(result["docs_blob"])
    (sentence,) = TOOL["undocumented"](result, NAMES)
    assert sentence.startswith(named)


@pytest.mark.parametrize(
    "log",
    [
        "",
        "ansible-lint: error: unrecognized arguments: --offline",
        PASSED.replace("in 2 files", "in 1 files"),
        PASSED.replace("0 warning(s)", "1 warning(s)"),
        PASSED.replace("Passed: 0", "Failed: 2"),
    ],
)
def test_a_lint_that_has_not_passed_all_files_is_named(log):
    """The importer shows findings alone, so a lint that ends early looks like one without findings."""
    assert TOOL["unlinted"](PASSED, NAMES) == []
    (sentence,) = TOOL["unlinted"](log, NAMES)
    assert "ansible-lint did not pass 2 files" in sentence


@pytest.fixture
def outcome(tmp_path, monkeypatch):
    """A function that imports an artefact with programs that stand for the importer and for ansible-lint."""

    def run(result, lint):
        (tmp_path / "galaxy_importer").mkdir()
        (tmp_path / "galaxy_importer" / "__init__.py").touch()
        (tmp_path / "galaxy_importer" / "main.py").write_text(IMPORTER)
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "importer_result.json").write_text(json.dumps(RESULT))
        program = tmp_path / "programs" / "ansible-lint"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{lint}\nEND\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("RESULT", result)
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
            for name in NAMES:
                tar.addfile(tarfile.TarInfo(name))
        return TOOL["main"](str(tmp_path / "a.tar.gz"), str(tmp_path / "work"))

    return run


def test_what_ansible_lint_says_reaches_the_tool_through_the_importer(outcome, capsys):
    """An import without fault is one, and its output is shown."""
    assert outcome(json.dumps(RESULT), PASSED) is None
    assert "Importing with" in capsys.readouterr().out


def test_a_lint_that_fails_below_the_importer_fails_the_import(outcome):
    """The importer itself ends with status 0 then."""
    assert outcome(json.dumps(RESULT), "error: no such option").startswith("ansible-lint did not pass")


def test_the_result_of_an_earlier_import_does_not_count(outcome):
    """An importer that ends early and content leaves no result."""
    assert outcome("", PASSED) == "the importer wrote no result"
