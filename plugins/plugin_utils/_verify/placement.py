# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which CPUs and nodes the server and its models run, and with how many compute threads.

proc(5) for affinity and memory by node. A runner logs its threads (common/common.cpp of llama.cpp, "n_threads"); what
the reader counts by their time is an estimate, and so convicts nobody.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import cpu_list, mapping, number

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case, Check
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.state import Process

_BINDING, _NODE, _THREADS = "binding", "numa_node", "compute_threads"
# Of a model's memory: where this much is on the node, the rest is buffers and libraries that came first.
_NEARLY_ALL, _HALF = 0.9, 0.5


def look(case: Case) -> list[Check]:
    """Binding, node and threads, each where the plan says something of it."""
    found = [_binding(case)]
    if case.planned["bind"] != "none" and case.planned["numa_node"] is not None and not case.planned["gpus"]:
        found.append(_node(case))
    found.append(_threads(case))
    return [check for check in found if check is not None]


def _binding(case: Case) -> Check | None:
    """A bound server runs on exactly its CPUs, another one on all of those that were counted for it."""
    planned, bound = cpu_list(case.planned["cpus"]), case.planned["bind"] != "none"
    if planned is None:
        return None
    words = f"{planned} by {case.planned['bind']}" if bound else f"{planned}, not bound"
    missing = case.no_server(_BINDING, words)
    server = case.state.server
    if missing is not None or server is None:
        return missing or case.unread(_BINDING, words, f"the server of {case.unit}")
    places = []
    for process in (server, *case.state.runners):
        place = process.file("status")
        if process.cpus is None:
            return case.unread(_BINDING, words, place, process.file(""))
        if process.cpus != planned if bound else not planned <= process.cpus:
            return case.fails(
                _BINDING, words, f"the {process.kind} runs on {process.cpus}", place, _unbound(case, process)
            )
        places.append(place)
    return case.passes(_BINDING, words, str(server.cpus), ", ".join(places))


def _unbound(case: Case, process: Process) -> str:
    how = "ExecStart" if case.planned["bind"] == "numactl" else "CPUAffinity"
    if case.planned["bind"] == "none":
        return (
            "something binds it that the plan does not know: look for CPUAffinity=, AllowedCPUs= and numactl in the"
            f" files of {case.unit}"
        )
    numa = (process.environment or {}).get("LLAMA_ARG_NUMA")
    if process.kind == "runner" and numa in ("distribute", "isolate"):
        return f"LLAMA_ARG_NUMA={numa} sets the affinity of each thread anew: take it out"
    return cause.remedy(case, how)


def _node(case: Case) -> Check:
    node = str(case.planned["numa_node"])
    missing = case.no_runner(_NODE, node)
    if missing is not None:
        return missing
    worst, verdict_of = 1.0, case.state.runners[0]
    for runner in case.state.runners:
        place = runner.file("numa_maps")
        if runner.mems is not None and int(node) not in runner.mems:
            remedy = f"a cpuset keeps it from node {node}: look for AllowedMemoryNodes= in the files of {case.unit}"
            return case.fails(_NODE, node, f"memory only from node {runner.mems}", runner.file("status"), remedy)
        if not runner.memory:
            return case.unread(_NODE, node, place, place)
        share = runner.memory.get(node, 0) / sum(runner.memory.values())
        if share < worst:
            worst, verdict_of = share, runner
    place, seen = verdict_of.file("numa_maps"), _shares(verdict_of)
    if worst >= _NEARLY_ALL:
        return case.passes(_NODE, node, seen, place)
    remedy = (
        f"the node was full, or the file was already in memory on another one: free memory on node {node}, unload the"
        " model (ollama stop) and load it again"
    )
    return (case.fails if worst < _HALF else case.unknown)(_NODE, node, seen, place, remedy)


def _shares(runner: Process) -> str:
    memory = runner.memory or {}
    total = sum(memory.values())
    return ", ".join(f"{100 * size / total:.0f} % on node {node}" for node, size in sorted(memory.items()))


def _threads(case: Case) -> Check | None:
    planned = case.planned["threads"]
    if planned is None:
        return None
    missing = case.no_runner(_THREADS, planned)
    if missing is not None:
        return missing
    log, places = f"the log of {case.unit}", []
    seen = [(runner, *_used(case, runner)) for runner in case.state.runners]
    for runner, used, exact in seen:
        if exact and used != planned:
            evidence = f"{log} at the start of the runner {runner.pid}"
            return case.fails(_THREADS, planned, used, evidence, _too_many(case, runner))
    for runner, used, exact in seen:
        if used is None:
            return case.unread(_THREADS, planned, f"the line n_threads in {log}", "journalctl", "invocation")
        place = log if exact else _estimated(case, runner)
        if used != planned:
            remedy = "send the server a longer request and look again; the log of the runner's start tells it exactly"
            return case.unknown(_THREADS, planned, used, place, remedy)
        places.append(place)
    return case.passes(_THREADS, planned, planned, ", ".join(dict.fromkeys(places)))


def _estimated(case: Case, runner: Process) -> str:
    why = case.state.problem("journalctl") if case.state.journal is None else None
    return f"{runner.file('task')}, an estimate by the threads' time" + (
        f"; the log was not read: {why}" if why else ""
    )


def _used(case: Case, runner: Process) -> tuple[int | None, bool]:
    """How many threads compute for this runner, and whether that is sure."""
    journal = case.state.journal
    logged = number(mapping((journal.start_of(runner.model) if journal else {}).get("threads")).get("used"))
    if logged is not None:
        return logged, True
    # A runner whose model is on a card shows one thread, the one that feeds it.
    return None if case.planned["gpus"] else runner.compute_threads, False


def _too_many(case: Case, runner: Process) -> str:
    planned = case.planned["threads"]
    if {"-t", "--threads"} & set(runner.command_line or ()):
        return "num_thread in the request or the Modelfile comes before the plan: take it out there"
    if "LLAMA_ARG_THREADS" in case.planned["environment"]:
        return cause.remedy(case, "LLAMA_ARG_THREADS", str(planned))
    return (
        f"this release takes no thread count from the unit: put PARAMETER num_thread {planned} into the Modelfiles, or"
        " upgrade"
    )


__all__ = ("look",)
