# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the documentation follow the code that draws them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "pictures.py"))


@pytest.mark.parametrize("name", sorted(TOOL["PICTURES"]))
def test_pictures_are_current(name):
    """What is checked in is what the tool draws."""
    stored = (TOOL["FOLDER"] / name).read_text(encoding="utf-8")
    assert stored == TOOL["PICTURES"][name](), "run: python tests/tools/pictures.py"


def test_every_picture_is_shown():
    """Each stored picture is drawn by the tool and shown on a page."""
    pages = ("topology.md", "fit.md", "measurements.md")
    page = "".join((TOOL["FOLDER"].parent / name).read_text(encoding="utf-8") for name in pages)
    assert {path.name for path in TOOL["FOLDER"].glob("*")} == set(TOOL["PICTURES"])
    assert all(f"(pictures/{name})" in page for name in TOOL["PICTURES"])
