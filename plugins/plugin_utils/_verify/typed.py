# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of an observation by their type; one of another type counts as not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet


def text(value: object) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def number(value: object) -> int | None:
    """A whole number of 64 bits, which nothing in a kernel exceeds."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64 else None


def amount(value: object) -> float | None:
    """A number, whole or not."""
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1 << 53 else None


def mapping(value: object) -> Mapping[str, Any]:
    """The mapping; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def cpu_list(value: object) -> CpuSet | None:
    """A set in the kernel's list format, of CPUs or of nodes; no process has an empty one."""
    if not isinstance(value, str):
        return None
    try:
        return CpuSet.parse(value) or None
    except ValueError:
        return None


def texts(value: object) -> tuple[str, ...]:
    """The texts in a list."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, (list, tuple)) else ()


def variables(value: object) -> dict[str, str] | None:
    """Texts by name."""
    if not isinstance(value, Mapping):
        return None
    return {name: said for name, said in value.items() if isinstance(name, str) and isinstance(said, str)}
