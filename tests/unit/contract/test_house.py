# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the house that no other tool checks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = sorted(ROOT.glob("plugins/**/*.py"))
DECIDERS = sorted([*ROOT.glob("plugins/plugin_utils/**/*.py")])
# What a pure function has no use for. Three files read what is as constant as the code beside it: _contract.py its
# settings.yml, _render.py the role's templates, _report/page.py those of the page.
IMPURE = {"os", "io", "time", "datetime", "subprocess", "socket", "pathlib", "random", "urllib", "ansible"}


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_short(path):
    """A file answers one question; past 320 lines of code it answers two. A module's documentation is no code."""
    text = path.read_text(encoding="utf-8")
    documented = sum(
        node.end_lineno - node.lineno
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    )
    assert len(text.splitlines()) - documented <= 320


@pytest.mark.parametrize("path", DECIDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_deciders_touch_nothing(path):
    """A decider is data to data: no module that reads files, clocks, processes or networks, and no Ansible."""
    allowed = {"os"} if path.name in ("_contract.py", "_render.py", "page.py") else set()
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert not imported & (IMPURE - allowed)


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_plugin_file_is_tested_by_name_or_through_its_room(path):
    """Every file of code is imported by some test, directly or as a part of a tested whole."""
    tests = "\n".join(test.read_text(encoding="utf-8") for test in ROOT.glob("tests/unit/**/*.py"))
    room = path.parent.name if path.parent.name.startswith("_") else path.stem
    assert re.search(rf"\b{re.escape(path.stem)}\b|\b{re.escape(room)}\b", tests)
