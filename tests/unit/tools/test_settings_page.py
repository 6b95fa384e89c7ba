# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of settings follows the contract."""

from __future__ import annotations

import runpy
from pathlib import Path

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._values import TYPES

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "settings_page.py"))


def test_page_is_current():
    """What is checked in is what the tool writes."""
    assert TOOL["PAGE"].read_text(encoding="utf-8") == TOOL["page"](load()), "run: python tests/tools/settings_page.py"


def test_every_type_is_explained():
    """Each type that a setting or an option can have has words for the page and for refusals."""
    lists = {"environment", "instances", "models", "names"}
    assert set(load().types) == TYPES | lists


def test_page_has_a_row_for_every_setting():
    """No name gets lost."""
    text = TOOL["page"](load())
    assert all(f"| `{name}` |" in text for name in load().by_name)
