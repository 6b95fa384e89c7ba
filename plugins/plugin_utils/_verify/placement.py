# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which CPUs and nodes the server and its models run, and with how many compute threads.

proc(5) for affinity and memory by node. A runner logs its threads (common/common.cpp of llama.cpp, "n_threads"); what
the reader counts by their time is an estimate, so it never fails a host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import last_of, options_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import cpu_list, mapping, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Process
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

_BINDING, _NODE, _THREADS = "binding", "numa_node", "compute_threads"
# Of a model's memory: where this much is on the node, the rest is buffers and libraries that came first.
_NEARLY_ALL, _HALF = 0.9, 0.5
_COUNT = re.compile("[1-9][0-9]{0,5}")


def check_placement(subject: Subject, setting: str, value: Any) -> Check | None:  # noqa: ANN401 - text or number
    """The verdict on one decision of the placement; None where another check covers it."""
    check = CHECKS.get(setting)
    return None if check is None else check(subject, value)


def _check_binding(subject: Subject, method: str) -> Check | None:
    """Binding and CPUs: a bound server runs on exactly its CPUs, another one on all of those counted for it."""
    planned = cpu_list(subject.placement.get("cpus"))
    if planned is None:
        return None
    words = f"{planned} by {method}" if subject.bound else f"{planned}, not bound"
    missing = subject.no_server(_BINDING, words)
    server = subject.observed.server
    if missing is not None or server is None:
        return missing or subject.unread(_BINDING, words, f"the server of {subject.unit}")
    places = []
    for process in (server, *subject.observed.runners):
        place = process.file("status")
        if process.cpus is None:
            return subject.unread(_BINDING, words, place, process.file(""))
        if process.cpus != planned if subject.bound else not planned <= process.cpus:
            seen = f"the {process.kind} runs on {process.cpus}"
            return subject.fails(_BINDING, words, seen, place, _unbound(subject, method, process))
        places.append(place)
    return subject.passes(_BINDING, words, str(server.cpus), ", ".join(places))


def _unbound(subject: Subject, method: str, process: Process) -> str:
    if not subject.bound:
        return (
            "something binds it that the plan does not know: look for CPUAffinity=, AllowedCPUs= and numactl in the"
            f" files of {subject.unit}"
        )
    numa = (process.environment or {}).get("LLAMA_ARG_NUMA")
    if process.kind == "runner" and numa in ("distribute", "isolate"):
        return f"LLAMA_ARG_NUMA={numa} resets the affinity of each thread: take it out"
    return cause.remedy(subject, "ExecStart" if method == "numactl" else "CPUAffinity")


def _check_node(subject: Subject, planned: object) -> Check | None:
    """Where the runners' memory lies, on a bound server without cards: on one node, or on those of one socket."""
    nodes = cpu_list(str(planned))
    if not subject.bound or subject.planned["gpus"] or nodes is None:
        return None
    node, words = str(planned), f"node {planned}" if len(nodes) == 1 else f"nodes {planned}"
    missing = subject.no_runner(_NODE, node)
    if missing is not None:
        return missing
    worst, verdict_of = 1.0, subject.observed.runners[0]
    for runner in subject.observed.runners:
        place = runner.file("numa_maps")
        if runner.mems is not None and not nodes & runner.mems:
            remedy = f"a cpuset keeps it from {words}: look for AllowedMemoryNodes= in the files of {subject.unit}"
            return subject.fails(_NODE, node, f"memory only from node {runner.mems}", runner.file("status"), remedy)
        if not runner.memory:
            return subject.unread(_NODE, node, place, place)
        share = sum(runner.memory.get(str(each), 0) for each in nodes) / sum(runner.memory.values())
        if share < worst:
            worst, verdict_of = share, runner
    place, seen = verdict_of.file("numa_maps"), _shares(verdict_of)
    if worst >= _NEARLY_ALL:
        return subject.passes(_NODE, node, seen, place)
    remedy = (
        f"the node was full, or the file was already in memory on another one: free memory on {words}, unload the"
        " model (ollama stop) and load it again"
    )
    wrong = worst < _HALF and not _is_starting(subject, verdict_of)
    return (subject.fails if wrong else subject.unknown)(_NODE, node, seen, place, remedy)


def _is_starting(subject: Subject, runner: Process) -> bool:
    """Whether the runner has not logged its threads yet, which it does before it loads its model."""
    start = subject.observed.start_of(runner)
    return bool(start) and number(mapping(start.get("threads")).get("used")) is None


def _shares(runner: Process) -> str:
    memory = runner.memory or {}
    total = sum(memory.values())
    return ", ".join(f"{100 * size / total:.0f} % on node {node}" for node, size in sorted(memory.items()))


def _check_threads(subject: Subject, planned: int) -> Check:
    """The threads that compute for each runner."""
    missing = subject.no_runner(_THREADS, planned)
    if missing is not None:
        return missing
    places, seen = [], [(runner, *threads_of(subject, runner)) for runner in subject.observed.runners]
    for runner, used, place in seen:
        if place and used != planned and _on_command_line(runner) is None:
            return subject.fails(_THREADS, planned, used, place, _too_many(subject, planned))
    for runner, used, place in seen:
        if used is None:
            line = f"the line n_threads in the log of {subject.unit} was not read"
            log = subject.observed.out_of_reach(runner) or line
            remedy = "send the server a longer request, or load the model again, and look again"
            return subject.unknown(_THREADS, planned, None, log, remedy)
        where = place or _estimated(subject, runner)
        if used != planned:
            remedy = "send the server a longer request and look again; the log of the runner's start tells it exactly"
            if _on_command_line(runner) is not None:
                remedy = _asked(planned)
            return subject.unknown(_THREADS, planned, used, where, remedy)
        places.append(where)
    return subject.passes(_THREADS, planned, planned, ", ".join(dict.fromkeys(places)))


def _estimated(subject: Subject, runner: Process) -> str:
    why = subject.observed.problem("journalctl") if subject.observed.journal is None else None
    return f"{runner.file('task')}, an estimate by the threads' time" + (
        f"; the log was not read: {why}" if why else ""
    )


def threads_of(subject: Subject, runner: Process) -> tuple[int | None, str | None]:
    """How many threads compute for this runner, and where that stands; None for an estimate.

    What stands on its command line comes before every variable, and is that of this process.
    """
    said = _on_command_line(runner)
    if said is not None:
        return said, runner.file("cmdline")
    logged = number(mapping(subject.observed.start_of(runner).get("threads")).get("used"))
    if logged is not None:
        return logged, f"the log of {subject.unit} at the start of the runner {runner.pid}"
    # A runner whose model is on a card shows one thread, the one that feeds it.
    return None if subject.planned["gpus"] else runner.compute_threads, None


def _on_command_line(runner: Process) -> int | None:
    """The number of threads that the runner was started with; one that is not positive leaves it to the runner."""
    said = last_of(options_of(runner.command_line or ()), "-t", "--threads")
    return int(said) if said is not None and _COUNT.fullmatch(said) else None


def _asked(planned: int) -> str:
    return (
        "its command line comes before LLAMA_ARG_THREADS: take num_thread out of the request or the Modelfile;"
        " where neither has it, the release passes a number of its own, which PARAMETER num_thread"
        f" {planned} in the Modelfiles replaces"
    )


def _too_many(subject: Subject, planned: int) -> str:
    if "LLAMA_ARG_THREADS" in subject.environment:
        return cause.remedy(subject, "LLAMA_ARG_THREADS", str(planned))
    return (
        "this release takes no thread count from the unit: set ollama_derive_threads and name the model in"
        f" ollama_models, put PARAMETER num_thread {planned} into the Modelfiles, or upgrade"
    )


CHECKS: dict[str, Callable[[Subject, Any], Check | None]] = {
    _BINDING: _check_binding,
    _NODE: _check_node,
    _THREADS: _check_threads,
}
