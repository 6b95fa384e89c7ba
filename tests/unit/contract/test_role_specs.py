# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of itself must agree with what it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
PYTHON_TYPES = {"str": str, "int": int, "bool": bool, "dict": dict, "list": list, "float": float, "path": str}


def specs(role: Path) -> dict:
    return yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]


def defaults(role: Path) -> dict:
    return yaml.safe_load((role / "defaults/main.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_and_specs_name_the_same_variables_with_the_same_values(role):
    """Every variable stands in both files with one default, since no other tool compares the values."""
    documented = {name: option["default"] for name, option in specs(role)["main"]["options"].items()}
    assert defaults(role) == documented


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_has_the_type_that_the_spec_gives(role):
    """A default of another type than documented would be converted behind the operator's back."""
    for name, option in specs(role)["main"]["options"].items():
        if option["type"] != "raw":
            assert isinstance(option["default"], PYTHON_TYPES[option["type"]]), name
        if "choices" in option:
            assert option["default"] in option["choices"], name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_has_the_role_prefix(role):
    """Variables are global in Ansible: without the prefix they collide with those of other roles."""
    for name in defaults(role):
        assert name.startswith(f"{role.name}_") or name == role.name, name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_has_a_tasks_file(role):
    """An entry point that is documented can be called."""
    for name in specs(role):
        assert (role / "tasks" / f"{name}.yml").is_file(), name


@pytest.mark.parametrize(
    "option", [*load().options.values(), *load().gateway_options.values()], ids=lambda option: option.name
)
def test_every_variable_is_used(option):
    """A variable that nothing reads is a promise that nothing keeps: a decider, an action or a task reads it."""
    role = ROOT / "roles" / option.role
    folders = [role / folder for folder in ("tasks", "handlers", "templates", "vars")]
    text = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*"))
    places = ("plugins/plugin_utils/**/*.py", "plugins/action/*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for place in places for path in ROOT.glob(place))
    used = rf"policy\.{option.name}\b|options(\.get\(|\[)\"{option.name}\""
    assert re.search(rf"\bollama_{option.name}\b", text) or re.search(used, code)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_secret_is_marked_in_the_spec(role):
    """Ansible hides only what a spec marks with no_log."""
    for name, option in specs(role)["main"]["options"].items():
        if re.search(r"_(key|token|password)$", name):
            assert option.get("no_log") is True, name
