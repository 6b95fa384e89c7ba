# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let plain pytest import the collection from a plain clone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from hypothesis import settings

ROOT = Path(__file__).resolve().parents[2]


def mount(name: str, *paths: str) -> None:
    """Register an importable package without a file of its own; ansible-test has mounted its own already."""
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = list(paths)
        sys.modules[name] = package


def pytest_configure(config):
    """Register the mark here, since ansible-test has settings of its own in the place of pyproject.toml.

    Counting lines makes some tests that run millions of them several times as slow, and what they run others run too.
    """
    config.addinivalue_line("markers", "untraced: run without counting which lines are run")


# What a test must hold does not depend on how busy the machine is.
settings.register_profile("untimed", deadline=None)
# That the language of targets is the oldest one shows in few examples; the same properties are tried in full on the
# controller's Python, which is never so old.
settings.register_profile("few", deadline=None, max_examples=25)
# Where lines are counted: the same cases each time, so that the count is the same, too. tests/run.sh tries all of them
# without counting.
settings.register_profile("traced", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("few" if sys.version_info < (3, 10) else "untimed")

mount("ansible_collections")
mount("ansible_collections.inference")
mount("ansible_collections.inference.ollama", str(ROOT))
