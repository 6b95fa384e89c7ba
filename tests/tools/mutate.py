# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break deciders on purpose and see which tests notice: ``python tests/tools/mutate.py [OPTION...] FILE...``.

Each mutant has one change of one file, in a copy of the checkout. It is caught when one of its tests fails: those named
after the file or its package, the filters' and the golden ones, or what --tests names. A survivor is a missing test, or
a change that makes no difference.
"""
# ruff: noqa: T201  (a command line prints)

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OPERATORS = {ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.Eq: ast.NotEq, ast.In: ast.NotIn, ast.Is: ast.IsNot, ast.And: ast.Or}
OPERATORS |= {ast.Add: ast.Sub, ast.Mult: ast.FloorDiv, ast.BitAnd: ast.BitOr}
OPERATORS |= {other: one for one, other in OPERATORS.items()} | {ast.Div: ast.Mult, ast.USub: ast.UAdd}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
PLAIN = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.NamedExpr)
SKIPPED = {"annotation", "returns", "decorator_list"}  # they decide nothing


class Mutant(NamedTuple):
    """One change: its line, that line before and after, and the whole file."""

    line: int
    before: str
    after: str
    source: str


def values(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Yield the field that breaks a constant, a statement or a name, and how."""
    old = getattr(node, "value", None)
    if isinstance(node, ast.Constant) and isinstance(old, int):
        yield "value", not old if isinstance(old, bool) else old + 1
    elif isinstance(node, (ast.Return, ast.Expr)) and not isinstance(old, (ast.Constant, type(None))):
        yield "value", ast.Constant(None)
    for field in ("id", "attr"):
        if getattr(node, field, None) in NAMES:
            yield field, NAMES[getattr(node, field)]


def logic(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Yield the field that breaks a condition or a sum, and how."""
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if type(operator) in OPERATORS:
                yield "ops", [*node.ops[:index], OPERATORS[type(operator)](), *node.ops[index + 1 :]]
    elif isinstance(node, ast.comprehension):
        for index in range(len(node.ifs)):
            yield "ifs", [*node.ifs[:index], *node.ifs[index + 1 :]]
    elif isinstance(node, (ast.BoolOp, ast.BinOp, ast.UnaryOp)) and type(node.op) in OPERATORS:
        yield "op", OPERATORS[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "operand", ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, (ast.If, ast.IfExp)) and isinstance(node.test, PLAIN):
        yield "test", ast.UnaryOp(ast.Not(), node.test)


def nodes(node: ast.AST, line: int) -> Iterator[tuple[ast.AST, int]]:
    """Yield all nodes that may change, each with its line."""
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in SKIPPED:
                yield child, getattr(child, "lineno", line)
                yield from nodes(child, getattr(child, "lineno", line))


def difference(good: str, broken: str) -> tuple[str, str]:
    """The first lines that differ, each cut to what is around the first difference."""
    one, other = next(pair for pair in zip(good.splitlines(), broken.splitlines()) if pair[0] != pair[1])
    same = next(index for index, pair in enumerate(zip(f"{one}\n", f"{other}\n")) if pair[0] != pair[1])
    start = max(0, same - 50)
    return one[start : start + 100].strip(), other[start : start + 100].strip()


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    tree, whole, found = ast.parse(source), ast.unparse(ast.parse(source)), []
    for node, line in nodes(tree, 1):
        for field, broken in (*values(node), *logic(node)):
            good = getattr(node, field)
            setattr(node, field, broken)
            text = ast.unparse(tree)
            setattr(node, field, good)
            found.append(Mutant(line, *difference(whole, text), text))
    return sorted(found)


def tests_of(file: Path) -> list[str]:
    """The tests of a file below plugins/KIND/, the nearest first."""
    kind, room = file.parts[1], (file.parts[2] if len(file.parts) > 3 else file.stem).strip("_")
    near = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(f"tests/unit/plugins/{kind}/test_{room}*.py"))
    return [*near, "tests/unit/plugins/filter", "tests/unit/golden"]


def outcome(copy: Path, tests: list[str], limit: int) -> str:
    """Return whether a test fails in the copy; a loop without end and a busy machine are both too slow."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *tests]
    environment = {**os.environ, "INFERENCE_OLLAMA_PLAN_CASES": "15"}
    try:
        run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return "too slow"
    return "caught" if run.returncode else "SURVIVED"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="relative to the checkout")
    parser.add_argument("--most", type=int, default=30, help="how many mutants of all files, chosen at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=300, help="seconds for one mutant's tests")
    parser.add_argument("--tests", nargs="+", default=None)
    options = parser.parse_args()
    places = [(file, mutant) for file in options.files for mutant in mutants((ROOT / file).read_text("utf-8"))]
    chosen = random.Random(options.seed).sample(places, min(options.most, len(places)))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".hypothesis", "build"))
        outcomes = []
        for number, (file, mutant) in enumerate(sorted(chosen)):
            (copy / file).write_text(mutant.source, encoding="utf-8")
            # Python takes a file of another second for another one, and there may be two mutants in one second.
            os.utime(copy / file, (number, number))
            outcomes.append(outcome(copy, options.tests or tests_of(file), options.limit))
            shutil.copy(ROOT / file, copy / file)
            print(f"{outcomes[-1]} {file}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    print(*(f"{name}: {outcomes.count(name)}" for name in sorted(set(outcomes))), f"of {len(places)} possible")
    return 1 if "SURVIVED" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
