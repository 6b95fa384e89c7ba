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
