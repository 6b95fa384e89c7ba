# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool that breaks code to try the tests."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = runpy.run_path(str(ROOT / "tests" / "tools" / "mutate.py"))


@pytest.mark.parametrize(
    ("source", "broken"),
    [
        ("x = a < b", ["x = a <= b"]),
        ("x = a == b", ["x = a != b"]),
        ("x = a in b is c", ["x = a in b is not c", "x = a not in b is c"]),
        ("x = a and (not b)", ["x = a and (not not b)", "x = a or (not b)"]),
        ("x = -a // b + 1", ["x = +a // b + 1", "x = -a * b + 1", "x = -a // b + 2", "x = -a // b - 1"]),
        ("return min(a, True)", ["return max(a, True)", "return min(a, False)", "return None"]),
        ("math.ceil(a)", ["None", "math.floor(a)"]),
        ("if a:\n    return", ["if not a:\n    return"]),
        ("x = [a for a in b if a]", ["x = [a for a in b]"]),
        ("x: 'int | None'", []),
        ("'text'", []),
    ],
)
def test_each_place_is_broken_in_one_way_at_a_time(source, broken):
    """Comparisons, logic, sums, numbers, results, calls and filters break; texts and types do not."""
    assert sorted(mutant.source for mutant in TOOL["mutants"](source)) == sorted(
        ast.unparse(ast.parse(text)) for text in broken
    )


def test_a_mutant_shows_its_line_and_what_changed():
    """A survivor can be found in the file, however its statement is wrapped."""
    (mutant,) = TOOL["mutants"]("# comment\n\nx = (\n    a\n    < b\n)")
    assert (mutant.line, mutant.before, mutant.after) == (4, "x = a < b", "x = a <= b")


def test_a_decider_has_mutants_that_parse_and_tests_that_exist():
    """Each of its mutants is another file, and the tests that may catch it are found by its name."""
    path = ROOT / "plugins" / "plugin_utils" / "_plan" / "kernel.py"
    found = [mutant.source for mutant in TOOL["mutants"](path.read_text(encoding="utf-8"))]
    assert len({ast.unparse(ast.parse(source)) for source in found}) == len(found) > 10
    near, *others = TOOL["tests_of"](path.relative_to(ROOT))
    assert near.startswith("tests/unit/plugins/plugin_utils/test_")
    assert all((ROOT / test).exists() for test in (near, *others))


def test_a_mutant_survives_where_no_test_fails(tmp_path):
    """A failing test catches it, and tests that run longer than the limit say nothing."""
    (tmp_path / "test_x.py").write_text("def test_x():\n    pass\n", encoding="utf-8")
    assert TOOL["outcome"](tmp_path, ["test_x.py"], 60) == "SURVIVED"
    assert TOOL["outcome"](tmp_path, ["test_x.py"], 0.001) == "too slow"
    (tmp_path / "test_x.py").write_text("def test_x():\n    assert False\n", encoding="utf-8")
    assert TOOL["outcome"](tmp_path, ["test_x.py"], 60) == "caught"
