# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checks there are, for an operator who names some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Those that are no setting of a plan (docs/verify.md).
CHECKS = frozenset(
    {
        "api",
        "binding",
        "compute_threads",
        "gpu_in_use",
        "gpus_found",
        "numa_node",
        "overridden_by",
        "processes_current",
        "release",
        "stale_files",
        "unit",
        "unit_files",
        "unit_reloaded",
        "unplanned",
    }
)


def unknown_checks(accepted: Iterable[str], plan: Mapping[str, Any]) -> list[str]:
    """The names of no check, be it of this plan or another host's."""
    planned = {decision["setting"] for decision in plan["decisions"]}
    return [name for name in accepted if name not in CHECKS | planned and load().get(name) is None]
