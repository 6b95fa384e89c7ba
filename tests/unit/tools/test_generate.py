# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is generated from settings.yml is current and complete."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._values import TYPES

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "generate.py"))
FILES = TOOL["generate"](load())
PAGE, AWX, *OF_ROLES = FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TOOL["ROOT"])))
def test_a_generated_file_is_current(path):
    """What is checked in is what the tool writes."""
    assert path.read_text(encoding="utf-8") == FILES[path], "run: python tests/tools/generate.py"


def test_every_type_is_explained():
    """Each type that a setting or an option can have has words for the page and for refusals."""
    lists = {"checksums", "environment", "instances", "measured", "models", "names", "networks", "parameters"}
    lists |= {"gateway_keys", "listeners", "secrets", "served_models", "upstreams"}
    lists |= {"fleet_models", "fleet_placement", "needs"}
    assert set(load().types) == TYPES | lists


def test_the_page_has_a_row_for_every_setting():
    """No name gets lost."""
    assert all(f"| `{name}` |" in FILES[PAGE] for name in load().by_name)


@pytest.mark.parametrize("path", OF_ROLES, ids=lambda path: str(path.relative_to(TOOL["ROOT"])))
def test_a_file_of_a_role_has_each_of_its_variables(path):
    """No variable gets lost."""
    role = path.relative_to(TOOL["ROOT"]).parts[1]
    own = [option.name for option in load().of_role(role)]
    assert own
    assert all(f"ollama_{name}" in FILES[path] for name in own)


def test_comments_are_about_variables_of_their_section():
    """A comment before a variable that is elsewhere would never be written."""
    contract = load()
    for section, comments in contract.sections.items():
        options = {**contract.options, **contract.gateway_options}
        first, *_others = [option.name for option in options.values() if option.section == section]
        assert first in comments
        assert all(options[name].section == section for name in comments)
