# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts for the host as a whole: settings of the kernel, and files of an earlier plan.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import HUGE_PAGES, NUMA_BALANCING
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import (
    FAIL,
    PASS,
    SITE,
    UNKNOWN,
    Check,
    shown,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import mapping, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLACES = {
    "transparent_hugepage": HUGE_PAGES,
    "numa_balancing": NUMA_BALANCING,
}


def look(
    plan: Mapping[str, Any], drift: Mapping[str, Any] | None, kernel: Mapping[str, Any] | None, name: str
) -> Iterator[Check]:
    """Each setting of the kernel that the plan writes; files that were left, where files were compared."""
    for setting, place in _PLACES.items():
        planned = shown(mapping(plan.get("kernel")).get(setting))
        seen = mapping(kernel).get(setting)
        if planned is None:
            continue
        if isinstance(seen, bool) or not isinstance(seen, (int, str)):
            how = "read the topology with its part kernel, and look at its problems"
            yield Check(name, setting, UNKNOWN, planned, None, f"{place} was not read", how)
        elif str(seen) == planned:
            yield Check(name, setting, PASS, planned, planned, place, None)
        else:
            yield Check(name, setting, FAIL, planned, str(seen), place, f"{SITE}; something has set it since")
    if drift is not None:
        stale = [str(row.get("path")) for row in rows(drift.get("differences")) if row.get("kind") == "stale"]
        remedy = f"{SITE}, which stops what they start and removes them" if stale else None
        verdict = FAIL if stale else PASS
        yield Check(
            name, "stale_files", verdict, "none", ", ".join(stale) or "none", "files with the role's header", remedy
        )


__all__ = ("look",)
