# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runners beside as many busy programs as there are CPUs keep their speed, and the host obeys."""

from __future__ import annotations

import pytest

# What tests/lab/neighbours.py has measured: one runner with a thread for each CPU, and two at once.
RUNNERS = {"one": 1, "two": 2}
SHARE = 0.8
# Of what one runner does by itself, two together; each has half of the threads, and a context of its own to read.
SHARE_OF_TWO = 0.6


@pytest.fixture(scope="module", params=RUNNERS)
def measured(request, recorded):
    return recorded(request.param)


def test_every_model_has_a_real_runner(recorded):
    """Each is a process of its own, started as Ollama starts it."""
    for name, count in RUNNERS.items():
        argvs = recorded(name)["argv"]
        assert [argv[0] for argv in argvs] == ["/usr/local/lib/ollama/llama-server"] * count


def test_runner_keeps_its_speed_beside_busy_programs(measured):
    """The median of what each round kept of the speed that it had alone, a moment before."""
    assert measured["of_alone"]["protected"]["median"] >= SHARE, measured


def test_runner_is_in_the_slice_of_the_role(measured):
    """And in that of other services where the unit names none, which is what the speed is compared with."""
    for each in measured["rounds"]:
        assert each["protected"]["group"].split("/")[1] == "ollama.slice"
        assert each["stock"]["group"].split("/")[1] == "system.slice"


def test_neighbours_were_busy(measured):
    """As many programs as CPUs computed or waited for a CPU all the time, and each computed for a part of it."""
    for each in measured["rounds"]:
        for name in ("protected", "stock"):
            seen = each[name]["neighbours"]
            assert seen["programs"] >= 1
            assert seen["wanted"] > 0.8, each
            assert seen["computed"] > 0.005, each


def test_two_runners_at_once_do_not_stop_each_other(recorded):
    """Their threads together are no more than the CPUs, so two answer about as fast together as one alone."""
    assert recorded("two")["rate"]["alone"] >= SHARE_OF_TWO * recorded("one")["rate"]["alone"]


def test_host_can_be_administered_while_all_is_busy(measured):
    """sshd greets and systemd answers within seconds, and a package installs, beside runners and busy programs."""
    seen = measured["answers"]
    assert seen["computing"], "the runners were done before"
    assert seen["sshd"] < 10
    assert seen["systemctl"] < 5
    assert seen["dpkg"] < 60
