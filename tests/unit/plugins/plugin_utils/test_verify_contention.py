# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings on threads that share their CPUs, and on quotas that stop them (_verify/contention.py)."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_verify_running import (
    BOUND,
    GPU,
    MODEL,
    changed,
    check,
    journal,
    processes,
    seen_on,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import instances

QUOTA = {
    "group": "/system.slice/ollama.service",
    "quota_cpus": 4.0,
    "period_usec": 100000,
    "nr_periods": 4567,
    "nr_throttled": 3115,
    "throttled_usec": 1_500_000_000,
}


@pytest.mark.parametrize(
    ("switches", "seconds", "verdict", "seen"),
    [
        (0, 0.0, "pass", "0 switches"),
        (500, 20.0, "pass", "25 switches"),
        (1000, 20.0, "pass", "50 switches"),
        (1020, 20.0, "unknown", "51 switches"),
        (5800, 20.0, "unknown", "290 switches"),
        (40, 0.1, "pass", "40 switches"),
        (60, 0.1, "unknown", "60 switches"),
        (None, 20.0, "unknown", None),
        (10, None, "unknown", None),
    ],
)
def test_threads_that_leave_their_cpu_for_others(switches, seconds, verdict, seen):
    """Many switches in a second of CPU time are a finding that fails nothing; a start of less than a second counts as
    one."""
    counted = {"involuntary_switches": switches, "cpu_seconds": seconds, "longest_wait": None}
    row = check(changed(runner=counted), "oversubscribed")
    assert (row["verdict"], row["seen"]) == (verdict, seen)
    assert row["planned"] == "≤ 20%, 50 switches"


@pytest.mark.parametrize(
    ("waited", "ran", "verdict", "seen"),
    [
        (0.01, 20.0, "pass", "waits 0%, 20 switches"),
        (2.0, 8.0, "pass", "waits 20%, 20 switches"),
        (3.2, 6.8, "unknown", "waits 32%, 20 switches"),
        (8.0, 2.0, "unknown", "waits 80%, 20 switches"),
        (0.1, 0.05, "pass", "waits 10%, 20 switches"),
    ],
)
def test_a_thread_that_waits_for_its_cpu(waited, ran, verdict, seen):
    """One busy program among many threads shows in the wait of one thread, not in the switches of all."""
    wait = {"cpu_seconds": ran, "wait_seconds": waited}
    row = check(changed(runner={"longest_wait": wait}), "oversubscribed")
    assert (row["verdict"], row["seen"]) == (verdict, seen)


def test_the_cause_is_too_many_threads_or_another_program():
    """Whoever has more threads than CPUs is named first."""
    crowded = {"involuntary_switches": 5800}
    row = check(changed(runner=crowded), "oversubscribed")
    assert "other programs run on the server's CPUs" in row["remedy"]
    argv = ["llama-server", "--model", MODEL, "-t", "42"]
    row = check(changed(runner={**crowded, "command_line": argv}), "oversubscribed")
    assert "1 runner(s) have 42 compute threads on 28 CPUs (14-27,42-55)" in row["remedy"]


def test_the_worst_runner_counts():
    """One that is alone on its CPUs does not excuse another one."""
    server, runner = copy.deepcopy(processes(instances(BOUND)[0]))
    crowded = {**runner, "pid": 901, "involuntary_switches": 5800}
    found = seen_on(processes=[server, runner, crowded])
    assert check(found, "oversubscribed")["evidence"].startswith("/proc/901/task")
    crowded["involuntary_switches"] = None
    assert check(seen_on(processes=[server, runner, crowded]), "oversubscribed")["verdict"] == "unknown"


def test_beside_a_card_threads_poll():
    """Their switches say nothing there; a quota stops the thread that feeds the card all the same."""
    settings = [row["setting"] for row in seen_on(GPU)["checks"]]
    assert "oversubscribed" not in settings
    assert "throttled" in settings


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "unknown"),
        ({"nr_throttled": 45}, "pass"),
        ({"throttled_usec": 100_000_000}, "pass"),
        ({"nr_periods": 0, "nr_throttled": 0, "throttled_usec": 0}, "pass"),
        ({"nr_periods": None}, "unknown"),
        ({"throttled_usec": None}, "unknown"),
        ({"period_usec": 0}, "unknown"),
        ({"quota_cpus": 0}, "unknown"),
    ],
)
def test_a_quota_that_stops_the_service(changes, verdict):
    """It is a finding where it stops the service often and for long: a quota that is just used up costs nothing."""
    row = check(seen_on(cpu_quotas=[{**QUOTA, **changes}]), "throttled")
    assert row["verdict"] == verdict


def test_the_quota_that_stops_longest_is_named():
    """With its group, its figures, and how many threads it bears."""
    easy = {**QUOTA, "group": "/", "quota_cpus": 16.0, "throttled_usec": 0}
    row = check(seen_on(cpu_quotas=[easy, QUOTA]), "throttled")
    assert row["seen"] == "82.1%, in 3115 of 4567 periods (68%), under a quota of 4 CPUs"
    assert "/system.slice/ollama.service" in row["evidence"]
    assert "together be at most 4 (ollama_num_threads" in row["remedy"]


def test_no_quota_passes_and_an_unread_one_does_not():
    """Nothing passes unseen."""
    assert check(seen_on(cpu_quotas=[]), "throttled")["seen"] == "no quota"
    row = check(seen_on(cpu_quotas=None, problems=["/proc/812/cgroup: cannot be read (x)"]), "throttled")
    assert row["verdict"] == "unknown"
    assert "/proc/812/cgroup" in row["evidence"]


@pytest.mark.parametrize(
    ("argv", "verdict", "place"),
    [
        (["-t", "14"], "pass", "/proc/900/cmdline"),
        (["--threads", "28"], "unknown", "/proc/900/cmdline"),
        (["-t", "0"], "pass", "the log of"),
        (["-t", "-1"], "pass", "the log of"),
        (["-t", "many"], "pass", "the log of"),
        ([], "pass", "the log of"),
    ],
)
def test_threads_on_the_command_line_are_what_the_runner_has(argv, verdict, place):
    """They come before the variable and the log; a text that is not a positive number leaves it to the log."""
    row = check(changed(runner={"command_line": ["llama-server", "--model", MODEL, *argv]}), "compute_threads")
    assert row["verdict"] == verdict
    assert row["evidence"].startswith(place)


def test_threads_on_the_command_line_need_no_log():
    """They are what a client asked for, which says nothing of the plan, and the cause is named."""
    argv = ["llama-server", "--model", MODEL, "-t", "28"]
    row = check(changed(runner={"command_line": argv}, journal=journal(starts=[])), "compute_threads")
    assert (row["verdict"], row["planned"], row["seen"]) == ("unknown", "14", "28")
    assert "its command line comes before LLAMA_ARG_THREADS" in row["remedy"]
    assert "PARAMETER num_thread 14" in row["remedy"]
