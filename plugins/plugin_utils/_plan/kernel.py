# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the kernel that decide over speed, changed only where the operator says so.

Sources: docs/policy.md, rules K1 and K2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import KERNEL

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

PAGES, BALANCING = "transparent_hugepage", "numa_balancing"


def tune(planning: Planning, *, spans_nodes: bool) -> None:
    """Decide on huge pages and NUMA balancing; ``spans_nodes``: a server runs on the CPUs of several nodes."""
    _pages(planning)
    _balancing(planning, spans_nodes=spans_nodes)


def _pages(planning: Planning) -> None:
    option, found = planning.policy.transparent_hugepage, planning.machine.transparent_hugepage
    if option is not None and found is None:
        planning.error(
            f"ollama_transparent_hugepage: {option!r} is not allowed here: the kernel has no transparent huge pages, or"
            " the setting could not be read; allowed is auto"
        )
    if option is not None:
        reason = f"ollama_transparent_hugepage is {option}; the host has {found}"
        planning.record(KERNEL, PAGES, option, OPERATOR, reason)
        return
    reason = f"left alone: the host has {found}"
    if found is None:
        reason = "left alone: the kernel has none, or the setting could not be read"
    elif not planning.gpus and found != "always":
        reason = f"left alone, since it counts for every program; the host has {found}"
        planning.warn(
            "huge-pages-not-always",
            f"transparent huge pages are {found}: without a GPU a model lies in ordinary memory, and with pages of"
            " 4 KiB each step of generation misses the address cache once a page",
            "set ollama_transparent_hugepage: always where the host's other programs bear it",
        )
    planning.record(KERNEL, PAGES, None, POLICY, reason)


def _balancing(planning: Planning, *, spans_nodes: bool) -> None:
    option, found = planning.policy.numa_balancing, planning.machine.numa_balancing
    if option is not None and found is None:
        planning.error(
            f"ollama_numa_balancing: {option!r} is not allowed here: the kernel cannot move pages between nodes, or the"
            " setting could not be read; allowed is auto"
        )
    if option is not None:
        reason = f"ollama_numa_balancing is {str(option).lower()}"
        planning.record(KERNEL, BALANCING, int(option), OPERATOR, reason)
        return
    reason = "left alone, since it counts for every program of the host; it is on"
    if not found or planning.gpus or not spans_nodes:
        state = "could not be read" if found is None else "is on" if found else "is off"
        where = "a server spans nodes" if spans_nodes else "no server spans nodes"
        reason = f"left alone: it {state}, and {where}"
    else:
        planning.warn(
            "numa-balancing-on",
            "the kernel moves pages between nodes while a server's threads on several nodes read all of the model, so"
            " that pages move back and forth",
            "bind the server to a node, or set ollama_numa_balancing: false",
        )
    planning.record(KERNEL, BALANCING, None, POLICY, reason)
