# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many threads compute for each model, so that those of all models together fit the CPUs.

llama.cpp as Ollama builds it waits at each operation's barrier by spinning: a compute thread that shares its CPU with
another one holds up all others at every step. Source: docs/policy.md, rule C3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import PLACEMENT, VARIABLE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import Node
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

THREADS = "LLAMA_ARG_THREADS"
# The first release whose model process takes its thread count from the environment.
SETTABLE = "llama_server"
# Where all CPUs would compute, one that is left free costs nothing from this many on, and up to 15 % of fewer.
SPARE_FROM = 8
# Where all layers of a model are on cards, threads only poll. On an H100 beside 16 CPUs two of them took 1.7 CPUs and
# sixteen 9; the two made as many tokens/s or more (docs/performance.md).
POLLING = 2
# Two threads of a core are faster than one there (llama.cpp pull request 25237), elsewhere they are not.
_POWER, _POWER_THREADS = ("ppc64le", "ppc64"), 2
_COLLAPSE = (
    "two models with 4 threads each on 4 CPUs made 0.3 and 1.3 tokens/s where it was measured, with 2 each both made 17"
)
_THROTTLED = (
    "the kernel stops all of them for the rest of each period; others measured 0.27 tokens/s in place of 12 (ollama"
    " issue 17916)"
)


@dataclass(frozen=True)
class Room:
    """What the compute threads of all models of an instance share.

    ``cpus`` are logical CPUs, ``cores`` the physical ones that compute, ``most`` the threads that these take, and
    ``threads`` how many of them are planned, which leaves the server's own threads room and stays within ``quota``, the
    CPU time that the instance may use, in CPUs. ``text`` says where the number comes from.
    """

    cpus: CpuSet
    cores: int
    most: int
    threads: int
    quota: float | None
    text: str


def room_of(planning: Planning, cpus: CpuSet | None, node: Node | None) -> Room | None:
    """The room for compute threads on these CPUs; None where the physical cores could not be read."""
    machine = planning.machine
    if cpus is None or not machine.siblings:
        return None
    where = "the instance's CPUs" if planning.count > 1 else node.label if node else "the host"
    fast = cpus & (machine.performance() or CpuSet())
    own = fast or cpus
    cores = max(1, machine.cores_in(own))
    count, text = _counted(planning, own, cores, where, hybrid=bool(fast))
    threads = count
    if not planning.gpus and _settable(planning) and count == len(cpus):
        threads, text = _spared(count, text)
    quotas = [machine.quota / planning.count] if machine.quota is not None else []
    quotas += [machine.instance_quota] if planning.count > 1 and machine.instance_quota is not None else []
    quota = min(quotas, default=None)
    if quota is not None and quota < threads:
        threads, text = _under_quota(planning, quota, text)
    return Room(cpus, cores, count, threads, quota, text)


def _counted(planning: Planning, own: CpuSet, cores: int, where: str, *, hybrid: bool) -> tuple[int, str]:
    """The most threads that compute on these CPUs, and a reason."""
    machine = planning.machine
    if hybrid:
        reason = (
            f"{cores} performance cores on {where}; one efficiency core among them would hold all others up at every"
            " step"
        )
        return cores, reason
    if machine.architecture in _POWER and len(own) > cores and not undivided(planning):
        count = sum(min(_POWER_THREADS, len(core & own)) for core in machine.siblings)
        reason = f"{count} threads on {cores} physical cores on {where}, two to a core, as POWER is fastest with"
        return count, reason
    siblings = ", which SMT siblings share" if len(own) > cores else ""
    return cores, f"{cores} physical cores on {where}; generation waits for memory{siblings}"


def _spared(count: int, text: str) -> tuple[int, str]:
    """Threads and reason where each CPU of the set would compute."""
    if count < SPARE_FROM:
        return count, f"{text}; each of them computes, since of fewer than {SPARE_FROM} one left free costs up to 15 %"
    return count - 1, f"{count - 1} of {text}; one CPU stays free for the server's own threads, which costs nothing"


def _under_quota(planning: Planning, quota: float, text: str) -> tuple[int, str]:
    """Threads and reason within the CPU time that the instance may use."""
    each = f" to each of {planning.count} instances" if planning.count > 1 else ""
    reason = f"the CPU quota allows {quota:g}{each} of {text.split(';', maxsplit=1)[0]}"
    if not planning.gpus:
        reason += f", which leaves the server's own threads {quota % 1:.2g} CPUs of time"
    return max(1, math.floor(quota)), reason


def each_of(planning: Planning, room: Room | None, loaded: int, *, on_cards: bool = False) -> int | None:
    """The compute threads of each of so many models; None where neither operator nor host say a number.

    ``on_cards``: all layers of every model are on cards.
    """
    option: int | None = planning.policy.num_threads
    return option if option is not None or room is None else _rule(planning, room, loaded, on_cards=on_cards)


def _rule(planning: Planning, room: Room, loaded: int, *, on_cards: bool) -> int:
    if undivided(planning):
        return min(room.threads, POLLING) if on_cards and _settable(planning) else room.threads
    return max(1, room.threads // loaded)


def undivided(planning: Planning) -> bool:
    """Whether each model has all threads, however many models are loaded: beside GPUs, where threads mostly poll, and
    where the release takes no number.
    """
    return bool(planning.gpus) or not _settable(planning)


def at_once(planning: Planning, room: Room | None, loaded: int) -> int:
    """How many threads really compute at the same time where all models answer, at least 1."""
    each = each_of(planning, room, loaded) or 1
    if planning.gpus or room is None:
        return each
    return min(max(room.threads, each), each * loaded)


def _settable(planning: Planning) -> bool:
    return planning.release is None or planning.acts(THREADS)


def announce(planning: Planning, room: Room | None, loaded: int, *, on_cards: bool, bound: bool) -> None:
    """Decide on the threads of each of so many models, and on the variable that carries the number."""
    option, each = planning.policy.num_threads, each_of(planning, room, loaded, on_cards=on_cards)
    source, reason = POLICY, "the host's physical cores could not be read" if room is None else room.text
    rule = None if room is None else _rule(planning, room, loaded, on_cards=on_cards)
    if room is not None and planning.gpus:
        reason = _beside_cards(planning, room, reason, on_cards=on_cards)
    elif room is not None and rule != room.threads:
        reason = f"{loaded} models may answer at once and share {room.threads} compute threads: {reason}"
    if option is not None:
        source = OPERATOR
        said = f"ollama_num_threads is {option}"
        reason = f"{said}: {reason}" if option == rule else f"{said}; the rule would give {rule}: {reason}"
    planning.record(PLACEMENT, "compute_threads", each, source, reason)
    if each is not None:
        _variable(planning, each, source, bound=bound)
    if room is not None and each is not None:
        _check(planning, room, loaded, each)


def _beside_cards(planning: Planning, room: Room, reason: str, *, on_cards: bool) -> str:
    if on_cards and _settable(planning):
        return (
            f"all layers of the reference models fit the cards, where threads only poll: {POLLING} are as fast as"
            f" {room.threads} and leave the other CPUs alone"
        )
    if not planning.policy.reference_models:
        return f"{reason}; they poll while the cards compute, and name ollama_reference_models to have fewer"
    return f"{reason}; layers that do not fit the cards are computed by them"


def _variable(planning: Planning, threads: int, source: str, *, bound: bool) -> None:
    acts, value, since = planning.acts(THREADS), str(threads), planning.since(SETTABLE)
    reason = (
        f"the model process takes its {threads} compute threads from this variable, and its default counts the whole"
        " host"
    )
    if not acts and planning.release is None:
        reason = f"acts from {since} on; the installed release is unknown, and an earlier one ignores it"
    if _settable(planning):
        planning.record(VARIABLE, THREADS, value, source, reason)
    else:
        reason = f"{planning.release_text} does not read it: it acts from {since} on"
        planning.record(VARIABLE, THREADS, None, CONTRACT, reason)
    if not acts and (bound or planning.policy.num_threads is not None or threads < _default(planning)):
        _warn(planning, threads, bound=bound)


def _warn(planning: Planning, threads: int, *, bound: bool) -> None:
    since = planning.since(SETTABLE)
    known = planning.release_text if planning.release else f"a release before {since}"
    why = f"{known} takes no thread count from its environment"
    if planning.release is not None and planning.policy.derive_threads and planning.policy.models:
        planning.warn(
            "threads-by-model",
            f"{why}; ollama_derive_threads makes a model with num_thread {threads} of each of ollama_models, and those"
            " without it start one thread per physical core of the host",
            "let clients ask for the models whose tag ends in -threads",
        )
        return
    planning.warn(
        "threads-not-settable",
        f"{why} and starts one thread per physical core of the"
        f" host{', so the binding cannot be matched by the unit' if bound else ''}",
        f"set ollama_derive_threads, which makes a model with num_thread {threads} of each of ollama_models; or put"
        f" PARAMETER num_thread {threads} into the models' Modelfiles or num_thread: {threads} into the requests'"
        f" options, or upgrade to Ollama {since} or later",
    )


def _default(planning: Planning) -> int:
    """The threads that an older release starts for each model: one for each core of the host; 0 beside GPUs."""
    machine = planning.machine
    cpus = machine.performance() or machine.online
    return 0 if planning.gpus or cpus is None else machine.cores_in(cpus)


def _check(planning: Planning, room: Room, loaded: int, each: int) -> None:
    """Warn of threads that do not fit. Beside GPUs those of one model count: the others' poll."""
    option, models, logical = planning.policy.num_threads, 1 if planning.gpus else loaded, len(room.cpus)
    if option is not None and option > logical:
        planning.error(
            f"ollama_num_threads: {option} is not allowed; the service may use {logical} logical CPUs ({room.cpus}) on"
            f" {room.cores} physical cores; allowed is auto, or a whole number from 1 to {logical}"
        )
        return
    total, remedy = models * each, _remedy(planning, room, models, each)
    several = f"{models} models with {each} threads each, which may answer at once, are "
    what = f"{several if models > 1 else ''}{total} compute threads"
    if total > logical:
        planning.warn(
            "threads-oversubscribed",
            f"{what} on {logical} logical CPUs; they wait for each other by spinning, and {_COLLAPSE}",
            remedy,
        )
    elif room.quota is not None and total > max(1.0, room.quota):
        planning.warn("threads-throttled", f"{what} under a quota of {room.quota:g} CPUs: {_THROTTLED}", remedy)
    elif total > room.most and not planning.is_measured("num_threads"):
        planning.warn(
            "threads-oversubscribed",
            f"{what} that share {room.cores} physical cores",
            f"{remedy}; SMT siblings add no memory bandwidth",
        )
    if room.quota is not None and room.quota < 1 and not planning.gpus:
        planning.warn(
            "quota-below-one-cpu",
            f"a quota of {room.quota:g} CPUs is less than one compute thread takes, so that the kernel stops it for"
            f" {1 - room.quota:.0%} of each period",
            "raise the quota (CPUQuota=, or the container's limit) to at least one CPU for each instance",
        )


def _remedy(planning: Planning, room: Room, models: int, each: int) -> str:
    """Numbers that fit: of threads for these models, and of models for these threads."""
    share = 1 if planning.own_loaded_models else planning.count
    fewer = f"ollama_num_threads: {max(1, room.threads // models)}"
    if models == 1:
        return f"set {fewer}, or leave it on auto"
    if not _settable(planning):
        fewer = f"put PARAMETER num_thread {max(1, room.threads // models)} into the models' Modelfiles"
    most = max(1, room.threads // each)
    less = f"ollama_max_loaded_models: {most * share}, which leaves each model its {each} threads"
    if room.threads < models:
        return f"set {less}"
    return f"{'' if not _settable(planning) else 'set '}{fewer} for {models} models, or {less}"
