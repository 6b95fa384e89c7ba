# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name that a play or task gives a value by ``vars`` is none that another one sets for the host.

What is set by set_fact or register wins over ``vars`` until the end of a run, also in another playbook of the same
command. Only what is given to an include wins over it (Ansible's order of precedence).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jinja2 import Environment, meta

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted([*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/handlers/*.yml")])


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every play, block and task of a file."""
    if isinstance(node, list):
        for each in node:
            yield from parts(each)
    elif isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key != "vars":
                yield from parts(value)


def names(part: dict[str, Any]) -> set[str]:
    """What a task sets for the host."""
    return {*part.get("ansible.builtin.set_fact", ()), *([part["register"]] if "register" in part else [])}


def test_no_name_of_vars_is_set_for_hosts_too():
    found = [part for path in FILES for part in parts(yaml.safe_load(path.read_text(encoding="utf-8")))]
    kept = set().union(*(names(part) for part in found))
    given = [part["vars"] for part in found if part.get("vars") and not any("include_" in key for key in part)]
    assert len(kept) > 50
    assert sorted(kept & set().union(*given)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_of_vars_are_those_of_the_collection(path):
    """What an operator's play has registered or set under a common name would win over them."""
    for part in parts(yaml.safe_load(path.read_text(encoding="utf-8"))):
        loop = part.get("loop_control", {})
        given = [*(part.get("vars") or ()), *(loop[key] for key in ("loop_var", "index_var") if key in loop)]
        assert [name for name in given if not name.startswith(("ollama_", "__ollama"))] == [], part.get("name")


# Ansible's own (docs: special variables; functions of templates), and what an operator gives to report and benchmark.
OTHERS = {
    *("groups", "hostvars", "inventory_hostname", "item", "lookup", "now", "omit", "query", "role_path", "undef"),
    "baseline",
}
CONDITIONS = ("when", "until", "that", "failed_when", "changed_when")
ENVIRONMENT = Environment()


class AnyName(dict):
    """Filters and tests of every name, which are Ansible's to know."""

    def get(self, *_name):
        return str


ENVIRONMENT.filters, ENVIRONMENT.tests = AnyName(), AnyName()


def used(node: Any, *, condition: bool = False) -> Iterator[str]:
    """The names of variables in all expressions of a file."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from used(value, condition=condition or key in CONDITIONS)
    elif isinstance(node, list):
        for each in node:
            yield from used(each, condition=condition)
    elif isinstance(node, str):
        yield from meta.find_undeclared_variables(ENVIRONMENT.parse(f"{{{{ {node} }}}}" if condition else node))


def test_every_name_that_is_used_is_given_somewhere():
    """An expression with a name that nobody sets fails when its task runs, which may be seldom."""
    files = [*FILES, *ROOT.glob("roles/*/vars/*.yml"), *ROOT.glob("roles/*/defaults/*.yml")]
    contents = {path: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}
    given = set(OTHERS)
    for content in contents.values():
        given |= set(content) if isinstance(content, dict) else set()
        for part in parts(content):
            loop = part.get("loop_control", {})
            given |= names(part) | {*(part.get("vars") or ()), *(loop[key] for key in loop if key.endswith("_var"))}
    unknown = {
        (name, str(path.relative_to(ROOT)))
        for path, content in contents.items()
        for name in used(content)
        if name not in given and not name.startswith(("ollama_", "ansible_"))
    }
    assert unknown == set()
