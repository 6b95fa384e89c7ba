# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs dealt out among instances, whole cores at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Sequence


def partition(cpus: CpuSet, siblings: Sequence[CpuSet], kinds: Sequence[CpuSet], parts: int) -> list[CpuSet]:
    """``cpus`` in ``parts`` disjoint sets; a core's SMT siblings stay together, neighbours too.

    Each kind of core (``kinds``, such as performance and efficiency cores) is dealt out evenly by itself; the first
    parts get one core more where that does not go up. A CPU that no set of siblings holds counts as a core. Fewer
    cores than parts leave the last parts empty.
    """
    cores = [core & cpus for core in siblings if core & cpus]
    known = CpuSet(cpu for core in cores for cpu in core)
    cores += [CpuSet([cpu]) for cpu in cpus - known]
    cores.sort(key=CpuSet.first)
    shares = [CpuSet() for part in range(parts)]
    classed = CpuSet(cpu for kind in kinds for cpu in kind)
    for kind in (*kinds, cpus - classed):
        for number, chunk in enumerate(_chunks([core for core in cores if core & kind], parts)):
            shares[number] = CpuSet(cpu for core in (shares[number], *chunk) for cpu in core)
    return shares


def _chunks(cores: list[CpuSet], parts: int) -> list[list[CpuSet]]:
    least, more = divmod(len(cores), parts)
    ends = [part * least + min(part, more) for part in range(parts + 1)]
    return [cores[ends[part] : ends[part + 1]] for part in range(parts)]
