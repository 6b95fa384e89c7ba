# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts for the host as a whole: settings of the kernel, and files of an earlier plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import HUGE_PAGES, NUMA_BALANCING
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import KERNEL, as_text, decisions_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import FAIL, PASS, SITE, UNKNOWN, Check
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STALE = "stale_files"
_PLACES = {"transparent_hugepage": HUGE_PAGES, "numa_balancing": NUMA_BALANCING}


def check_kernel(plan: Mapping[str, Any], kernel: Mapping[str, Any] | None) -> Iterator[Check]:
    """Each setting of the kernel that the plan writes."""
    for decision in decisions_of(plan, None):
        setting, planned = decision["setting"], as_text(decision["value"])
        if decision["kind"] != KERNEL or planned is None:
            continue
        place, seen = _PLACES[setting], mapping(kernel).get(setting)
        if isinstance(seen, bool):
            seen = int(seen)
        if not isinstance(seen, (int, str)):
            remedy = "read the topology with its part kernel, and look at its problems"
            yield Check(None, setting, UNKNOWN, planned, None, f"{place} was not read", remedy)
        elif str(seen) == planned:
            yield Check(None, setting, PASS, planned, planned, place, None)
        else:
            yield Check(None, setting, FAIL, planned, str(seen), place, f"{SITE}; something has set it since")


def check_stale_files(drift: Mapping[str, Any] | None) -> Iterator[Check]:
    """Files that an earlier plan left, where files were compared."""
    if drift is not None:
        stale = [str(row.get("path")) for row in rows(drift.get("differences")) if row.get("kind") == "stale"]
        causes = dict.fromkeys(str(row["cause"]) for row in rows(drift.get("differences")) if _explained(row))
        why = f"{'; '.join(causes)}: " if causes else ""
        remedy = f"{why}{SITE}, which stops what they start and removes them" if stale else None
        verdict, seen = (FAIL, ", ".join(stale)) if stale else (PASS, "none")
        yield Check(None, STALE, verdict, "none", seen, "files with the role's header", remedy)


def _explained(row: Mapping[str, Any]) -> bool:
    return row.get("kind") == "stale" and bool(row.get("cause"))
