# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether compute threads share their CPUs with others, and whether a quota stops them.

Neither is a decision of the plan, and what was counted includes what is over: a finding never fails a host. Sources:
docs/policy.md, rule C3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._verify.placement import threads_of

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Quota
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

OVERSUBSCRIBED, THROTTLED = "oversubscribed", "throttled"
# Of the time that a thread was ready, the share without a CPU. Measured with compute threads that spin on 2 to 32 CPUs:
# at most 0.01 of each undisturbed, 0.09 with nine tenths of the speed left, 0.3 to 0.8 of the worst where it collapsed.
MOST_WAITING = 0.2
# Involuntary switches in a second of CPU time, for kernels that do not count the wait: 11 to 26 of a thread that is
# alone on its CPU, 60 to 290 with a busy program on each. One program among many threads does not show here.
MOST_SWITCHES = 50
# What a runner counts before it has computed for so long is its start.
_LEAST_SECONDS = 1.0
# Shares of the periods in which a quota was used up, and of the quota's own time for which it then stopped the group.
# Two threads under a quota of 2 CPUs are as fast as without one: 7 % of the periods, 0.1 % of the time.
MOST_PERIODS, MOST_STOPPED = 0.01, 0.1


def check_oversubscribed(subject: Subject) -> Check | None:
    """How long and how often the threads of runners on CPUs had to leave them to others."""
    if subject.planned["gpus"]:
        return None
    planned = f"≤ {MOST_WAITING:.0%}, {MOST_SWITCHES} switches"
    missing = subject.no_runner(OVERSUBSCRIBED, planned)
    if missing is not None:
        return missing
    found = []
    for runner in subject.observed.runners:
        place = runner.file("task")
        if runner.switches is None or runner.cpu_seconds is None:
            return subject.unread(OVERSUBSCRIBED, planned, place, place, runner.file(""))
        rate = runner.switches / max(_LEAST_SECONDS, runner.cpu_seconds)
        waiting = None if runner.wait is None else runner.wait[0] / max(_LEAST_SECONDS, sum(runner.wait))
        found.append((max((waiting or 0) / MOST_WAITING, rate / MOST_SWITCHES), waiting, rate, place))
    worst, waiting, rate, place = max(found, key=lambda each: each[0])
    seen = f"{'' if waiting is None else f'waits {waiting:.0%}, '}{rate:.0f} switches"
    evidence = (
        f"{place}, since the runner was started: how long the worst thread was ready without a CPU (schedstat), and"
        " nonvoluntary_ctxt_switches of all in a second of CPU time"
    )
    if worst <= 1:
        return subject.passes(OVERSUBSCRIBED, planned, seen, evidence)
    return subject.unknown(OVERSUBSCRIBED, planned, seen, evidence, _who(subject))


def _who(subject: Subject) -> str:
    """What the threads share their CPUs with, and what to do about it."""
    runners, server = subject.observed.runners, subject.observed.server
    counts = [threads_of(subject, runner)[0] for runner in runners]
    known = [count for count in counts if count is not None]
    cpus = server.cpus if server else None
    if cpus is not None and len(known) == len(counts) and sum(known) > len(cpus):
        return (
            f"{len(runners)} runner(s) have {sum(known)} compute threads on {len(cpus)} CPUs ({cpus}), and those that"
            " share one wait for each other by spinning: plan fewer models (ollama_max_loaded_models) or threads"
            " (ollama_num_threads), and take num_thread out of requests and Modelfiles"
        )
    return (
        "other programs run on the server's CPUs, and compute threads wait for those that share one: top shows which;"
        " move them to other CPUs, give the servers' slice a greater weight (ollama_cpu_weight), or plan fewer threads"
        " (ollama_num_threads)"
    )


def check_throttled(subject: Subject) -> Check:
    """How long the quotas of the service and of the groups above it have stopped it."""
    planned = f"at most {MOST_STOPPED:.0%}"
    missing = subject.no_server(THROTTLED, planned)
    server, quotas = subject.observed.server, subject.observed.quotas
    if missing is not None or server is None or quotas is None:
        return missing or subject.unread(THROTTLED, planned, "cpu.stat of its control groups", "cpu.", "/cgroup")
    if not quotas:
        return subject.passes(THROTTLED, planned, "no quota", server.file("cgroup"))
    worst = max(quotas, key=_stopped)
    evidence = f"cpu.stat of the control group {worst.group}, the time that it was stopped since it was made"
    often = worst.throttled / worst.periods if worst.periods else 0.0
    seen = (
        f"{_stopped(worst):.1%}, in {worst.throttled} of {worst.periods} periods ({often:.0%}), under a quota of"
        f" {worst.cpus:g} CPUs"
    )
    if often <= MOST_PERIODS or _stopped(worst) <= MOST_STOPPED:
        return subject.passes(THROTTLED, planned, seen, evidence)
    whole = max(1, int(worst.cpus))
    remedy = (
        f"raise the quota of {worst.group} (CPUQuota=, or the container's limit), or let the threads of all models"
        f" together be at most {whole} (ollama_num_threads, ollama_max_loaded_models)"
    )
    return subject.unknown(THROTTLED, planned, seen, evidence, remedy)


def _stopped(quota: Quota) -> float:
    """The time that a group was stopped as a share of what its quota allowed."""
    allowed = quota.periods * quota.period_usec * quota.cpus
    return quota.throttled_usec / allowed if allowed else 0.0
