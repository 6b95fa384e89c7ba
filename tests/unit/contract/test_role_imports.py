# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files are its own, wherever an operator's playbook lies and whatever is beside it."""

from __future__ import annotations

import re
from pathlib import Path

ROLE = Path(__file__).resolve().parents[3] / "roles" / "ollama"
OWN = re.compile(r'"\{\{ role_path \}\}/tasks/(\w+\.yml)"')


def test_imports_name_files_of_the_role_by_their_path():
    """In an included file, Ansible looks for tasks/NAME below the current folder before it looks in the role."""
    named = [
        (path.name, name)
        for path in sorted(ROLE.rglob("*.yml"))
        for name in re.findall(r"import_tasks: *(.+)", path.read_text(encoding="utf-8"))
    ]
    assert len(named) > 5
    assert [where for where in named if not OWN.fullmatch(where[1])] == []
    assert [where for where in named if not (ROLE / "tasks" / OWN.fullmatch(where[1])[1]).is_file()] == []


def test_parts_of_roles_are_not_checked_by_specs_that_are_not_there():
    """Ansible would read the specs of all arguments for each, and find none under the name of a file."""
    root = ROLE.parents[1]
    files = [*root.glob("playbooks/*.yml"), *root.glob("roles/*/tasks/*.yml")]
    parts = [
        (path.name, found[0], found[1])
        for path in files
        for found in re.findall(r"tasks_from: (\S+)\n +(.*)", path.read_text(encoding="utf-8"))
    ]
    assert len(parts) > 20
    assert [part for part in parts if part[2] != "rolespec_validate: false"] == []
