# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each file of code is tested for itself."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "coverage_by_file.py"))


def covered(percent, missing=()):
    """A file's entry in what `coverage json` writes."""
    return {"summary": {"percent_covered": percent}, "missing_lines": list(missing)}


def test_only_files_below_the_floor_are_named():
    """One file's missing tests are not made up for by the others."""
    report = {
        "files": {"plugins/a.py": covered(100), "plugins/b.py": covered(89.9, [7, 9]), "plugins/c.py": covered(90)}
    }
    (sentence,) = TOOL["uncovered"](report, sorted(report["files"]))
    assert sentence.startswith("plugins/b.py: ")
    assert sentence.endswith(": [7, 9]")


def test_a_file_that_no_test_imports_is_named():
    """Coverage reports only what was imported, so the list of files comes from the checkout."""
    (sentence,) = TOOL["uncovered"]({"files": {"plugins/a.py": covered(100)}}, ["plugins/a.py", "plugins/new.py"])
    assert sentence.startswith("plugins/new.py: 0 % covered")


def test_every_file_of_code_is_looked_up(tmp_path):
    """A report of nothing names every file of plugins, in all their folders."""
    (tmp_path / "report.json").write_text(json.dumps({"files": {}}), encoding="utf-8")
    named = {sentence.split(":")[0] for sentence in TOOL["main"](str(tmp_path / "report.json")).splitlines()}
    assert {Path(name).parts[1] for name in named} == {
        "action",
        "callback",
        "doc_fragments",
        "filter",
        "module_utils",
        "modules",
        "plugin_utils",
    }


def test_a_report_without_gaps_passes(tmp_path):
    """Nothing is printed and the exit status is zero where every file is covered."""
    files = [file.relative_to(TOOL["ROOT"]).as_posix() for file in TOOL["ROOT"].glob("plugins/**/*.py")]
    (tmp_path / "report.json").write_text(json.dumps({"files": dict.fromkeys(files, covered(95))}), encoding="utf-8")
    assert TOOL["main"](str(tmp_path / "report.json")) is None
