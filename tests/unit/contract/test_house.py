# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the house that no other tool checks."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "ansible_collections.inference.ollama."
PLUGINS = sorted(ROOT.glob("plugins/**/*.py"))
READERS = sorted([*ROOT.glob("plugins/module_utils/**/*.py"), *ROOT.glob("plugins/modules/*.py")])
DECIDERS = sorted(ROOT.glob("plugins/plugin_utils/**/*.py"))
FILTERS = sorted(ROOT.glob("plugins/filter/*.py"))
# What a pure function has no use for.
FILES = {"glob", "io", "locale", "os", "pathlib", "platform", "shutil", "sys", "tempfile"}
WORLD = {"datetime", "ctypes", "http", "pynvml", "random", "secrets", "socket", "subprocess", "time", "urllib", "uuid"}
IMPURE = {"ansible", "importlib", "psutil", "select", "signal", "threading", *FILES, *WORLD}
IMPURE_CALLS = {"__import__", "eval", "exec", "input", "open", "print"}
# The contract's data and the templates of the units and of the page are parts of the program, as constant as its code.
READ_THEIR_OWN_DATA = {
    f"plugins/plugin_utils/{file}" for file in ("_contract.py", "_install/catalog.py", "_render.py", "_report/page.py")
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports(path: Path) -> set[str]:
    """Every module that a file imports, by its full name; of `from a import b` both a and a.b."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def collection_files(modules: set[str]) -> set[Path]:
    """The files of this collection among the modules."""
    own = (ROOT / f"{module[len(PREFIX) :].replace('.', '/')}.py" for module in modules if module.startswith(PREFIX))
    return {path for path in own if path.is_file()}


def with_helpers(path: Path) -> set[Path]:
    """A file and all files of this collection that it imports, directly or not."""
    found, new = set(), {path}
    while new:
        found |= new
        new = {file for helper in new for file in collection_files(imports(helper))} - found
    return found


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_files_stay_short(path):
    """A file answers one question; past 320 lines of code it answers two. A module's documentation is no code."""
    documented = sum(
        node.end_lineno - node.lineno
        for node in parsed(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    )
    assert len(path.read_text(encoding="utf-8").splitlines()) - documented <= 320


@pytest.mark.parametrize("path", [*DECIDERS, *FILTERS], ids=name)
def test_deciders_touch_nothing(path):
    """A decider and all that it imports turn data into data: no files, clocks, processes or networks, no Ansible."""
    for file in with_helpers(path):
        allowed = {"os"} if name(file) in READ_THEIR_OWN_DATA else {"ansible"} if file in FILTERS else set()
        imported = {module.split(".")[0] for module in imports(file)}
        assert not imported & (IMPURE - allowed), name(file)


@pytest.mark.parametrize("path", [*DECIDERS, *FILTERS], ids=name)
def test_deciders_call_nothing_that_reads_or_prints(path):
    """What is built into Python needs no import: no decider opens a file, prints, or runs text as code."""
    called = {
        node.func.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    allowed = {"open"} if name(path) in READ_THEIR_OWN_DATA else set()
    assert not called & (IMPURE_CALLS - allowed)


@pytest.mark.parametrize("path", READERS, ids=name)
def test_readers_need_only_what_a_target_has(path):
    """A target has Python and Ansible's own utilities; what decides stays on the controller."""
    modules = imports(path)
    needed = {module.split(".")[0] for module in modules} - {"ansible_collections", "psutil", "pynvml"}
    assert needed <= sys.stdlib_module_names | {"ansible"}
    outside = ("ansible.", f"{PREFIX}plugins.")
    inside = ("ansible.module_utils", f"{PREFIX}plugins.module_utils")
    assert [module for module in modules if module.startswith(outside) and not module.startswith(inside)] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("plugins/modules/*.py")), ids=name)
def test_modules_have_each_file_compiled_once(path):
    """Of the collection a module imports `_zipimport` first, since what is imported before it is compiled twice."""
    own = [
        node for node in parsed(path).body if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PREFIX)
    ]
    assert not own or (own[0].module, own[0].names[0].name) == (f"{PREFIX}plugins.module_utils", "_zipimport")
