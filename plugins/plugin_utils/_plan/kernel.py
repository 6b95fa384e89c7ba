# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the kernel that decide over speed, changed only where the operator says so.

Sources: docs/policy.md, rules K1 and K2.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case, Value

PAGES, BALANCING = "transparent_hugepage", "numa_balancing"


def tune(case: Case, *, spans_nodes: bool) -> dict[str, Value]:
    """``{transparent_hugepage: text or None, numa_balancing: 0, 1 or None}``: None leaves the host's own.

    ``spans_nodes`` says whether a server runs on the CPUs of several nodes.
    """
    return {PAGES: _pages(case), BALANCING: _balancing(case, spans_nodes=spans_nodes)}


def _pages(case: Case) -> Value:
    wish, found = case.policy.transparent_hugepage, case.machine.transparent_hugepage
    if wish is not None and found is None:
        case.refuse(
            f"ollama_transparent_hugepage: {wish!r} is not allowed here: the kernel has no transparent huge pages, or"
            " the setting could not be read; allowed is auto"
        )
    if wish is not None:
        return case.decide(PAGES, wish, OPERATOR, f"ollama_transparent_hugepage is {wish}; the host has {found}")
    if found is None:
        case.decide(PAGES, None, POLICY, "left alone: the kernel has none, or the setting could not be read")
    elif case.gpus or found == "always":
        case.decide(PAGES, None, POLICY, f"left alone: the host has {found}")
    else:
        case.decide(PAGES, None, POLICY, f"left alone, since it counts for every program; the host has {found}")
        case.warn(
            "huge-pages-not-always",
            f"transparent huge pages are {found}: without a GPU a model lies in ordinary memory, and with pages of"
            " 4 KiB each step of generation misses the address cache once a page",
            "set ollama_transparent_hugepage: always where the host's other programs bear it",
        )
    return None


def _balancing(case: Case, *, spans_nodes: bool) -> Value:
    wish, found = case.policy.numa_balancing, case.machine.numa_balancing
    if wish is not None and found is None:
        case.refuse(
            f"ollama_numa_balancing: {wish!r} is not allowed here: the kernel cannot move pages between nodes, or the"
            " setting could not be read; allowed is auto"
        )
    if wish is not None:
        reason = f"ollama_numa_balancing is {str(wish).lower()}"
        return case.decide(BALANCING, int(wish), OPERATOR, reason)
    if not found or case.gpus or not spans_nodes:
        state = "could not be read" if found is None else "is on" if found else "is off"
        where = "a server spans nodes" if spans_nodes else "no server spans nodes"
        case.decide(BALANCING, None, POLICY, f"left alone: it {state}, and {where}")
        return None
    case.decide(BALANCING, None, POLICY, "left alone, since it counts for every program of the host; it is on")
    case.warn(
        "numa-balancing-on",
        "the kernel moves pages between nodes while a server's threads on several nodes read all of the model, so that"
        " pages move back and forth",
        "bind the server to a node, or set ollama_numa_balancing: false",
    )
    return None


__all__ = ("BALANCING", "PAGES", "tune")
