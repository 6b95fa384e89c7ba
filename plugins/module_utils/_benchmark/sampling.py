# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample a server while it is measured: its processes, the CPUs and the GPUs of the host that this runs on.

Two processes beside this one do the reading, one of the host and one of the GPUs, so that nothing that hangs or takes
long does so here. Both end with this one.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._benchmark import sampling_gpus, sampling_host
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling_child import Child
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling_summary import summarize, within

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sampler:
    """Samples units of this host, such as ``["ollama.service"]``, every ``interval`` seconds; without units nothing."""

    def __init__(self, units: Sequence[str], interval: float = 1.0) -> None:
        self._units, self._interval = list(units), interval
        self._children: list[Child] = []
        self._ending: int | None = None
        self._records: list[list[dict[str, Any]]] = [[], []]
        # Memory by node as it was read last, by pid and start of the process.
        self._memory: dict[tuple[int, float], dict[str, int]] = {}
        self._problems: list[str] = []

    def start(self) -> None:
        """Start to sample. To be called while this process has one thread, as modules have: a fork has no other."""
        if not self._units or self._children:
            return
        reading, self._ending = os.pipe()
        self._children = [
            Child("processes and CPUs", partial(sampling_host.prepare, self._units), self._interval),
            Child("GPUs", sampling_gpus.prepare, self._interval),
        ]
        for child in self._children:
            child.start(reading)
        os.close(reading)

    def window(self, begin: float, end: float) -> dict[str, Any] | None:
        """Return what was seen between two values of ``time.monotonic()``; None where nothing was to be sampled.

        ``{interval_s, count, processes, cpus, gpus, problems}``: a part that was not read is None, and a problem says
        why. Windows are asked for in the order of time: what is older than one is forgotten.
        """
        if not self._children:
            return None
        for number, child in enumerate(self._children):
            self._keep(number, child.read())
        for records in self._records:
            records[:] = [record for record in records if record["at"] >= begin]
        host, gpus = (within(records, begin, end) for records in self._records)
        found = summarize(self._interval, host, gpus, self._memory)
        problems = [*self._problems, *(problem for child in self._children for problem in child.problems)]
        for child, records in zip(self._children, (host, gpus)):
            if not records and not any(problem.startswith(child.what) for problem in problems):
                problems.append(
                    f"{child.what}: no sample in {end - begin:.1f} s, expected one every {self._interval:g} s"
                )
        return {**found, "problems": list(dict.fromkeys([*problems, *found["problems"]]))}

    def stop(self) -> None:
        """End the sampling, within seconds whatever hangs; windows can still be asked for."""
        if self._ending is not None:
            os.close(self._ending)
            self._ending = None
        for number, child in enumerate(self._children):
            self._keep(number, child.stop())

    def _keep(self, number: int, records: list[dict[str, Any]]) -> None:
        for record in records:
            self._problems += record.pop("problems", [])
            if "at" not in record:
                continue
            starts = {str(process["pid"]): process["created"] for process in record.get("processes") or ()}
            for pid, nodes in record.pop("nodes", {}).items():
                self._memory[int(pid), starts[pid]] = nodes
            self._records[number].append(record)
