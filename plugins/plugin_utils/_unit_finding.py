# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a finding on a unit, which every question about units answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting


class UnitFinding(NamedTuple):
    """A finding of _lint.py with its place; ``name`` is a variable or a directive, empty for a line that is neither."""

    file: str
    line: int
    name: str
    severity: str
    code: str
    message: str
    remedy: str


def at(setting: Setting, *parts: str) -> UnitFinding:
    """A finding at a setting: severity, code, message and remedy."""
    return UnitFinding(setting.file, setting.line, setting.directive, *parts)
