# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting by a clock that stands still but for the pauses: no longer than it makes sense."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Answer
from ansible_collections.inference.ollama.plugins.module_utils._service.wait import (
    MOST_RESTARTS,
    PAUSE_SECONDS,
    Asked,
    Clock,
    wait,
)

ONE, TWO = ("a.service", "http://a:1/"), ("b.service", "http://b:2")
READY = {"version": "0.34.1"}


class Host:
    """Servers that answer from some moment on, and what systemd says of their units at each moment."""

    def __init__(self, ready=None, shown=None, whose=None):
        self.time, self.ready, self.shown = 100.0, ready or {}, shown or {}
        self.whose = whose or (lambda _unit, _url: Answer(own=True))
        self.asked, self.watched = [], []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    def fetch(self, url):
        self.asked.append((self.time - 100, url))
        address = url.removesuffix("/api/version").rstrip("/")
        if self.time - 100 >= self.ready.get(address, 1 << 20):
            return READY, None
        return None, f"{url}: it cannot be reached (refused)"

    def run(self, argv):
        self.watched.append(argv[2])
        output = self.shown.get(argv[2], "ActiveState=activating\nNRestarts=0\n")
        return Outcome(output(self.time - 100) if callable(output) else output, None if output else "systemctl failed")

    def waited(self, *units, seconds=60):
        wait(units, seconds, Asked(self.run, self.fetch, self.whose), Clock(self.now, self.sleep))
        return self.time - 100


def test_what_answers_at_once_is_not_waited_for():
    """One question, no pause, and systemd is not asked."""
    host = Host({"http://a:1": 0})
    assert host.waited(ONE) == 0
    assert (host.asked, host.watched) == ([(0, "http://a:1/api/version")], [])


def test_what_answers_later_is_waited_for_as_long_as_it_takes():
    """Each server is asked until it has answered, and no longer."""
    host = Host({"http://a:1": 1, "http://b:2": 3})
    assert host.waited(ONE, TWO) == 3
    assert sum(url.startswith("http://a") for _time, url in host.asked) == 1 + 1 / PAUSE_SECONDS
    assert sum(url.startswith("http://b") for _time, url in host.asked) == 1 + 3 / PAUSE_SECONDS


def test_nothing_to_wait_for():
    """No units, no time."""
    assert Host().waited() == 0


@pytest.mark.parametrize(("seconds", "spent"), [(0.1, 0), (PAUSE_SECONDS, PAUSE_SECONDS), (2.3, 2)])
def test_the_time_is_never_exceeded(seconds, spent):
    """A pause that would end after it is not made."""
    assert Host().waited(ONE, seconds=seconds) == spent


def test_a_unit_that_has_failed_is_given_up():
    """systemd starts it no more; the others are waited for."""
    host = Host({"http://b:2": 5}, {"a.service": lambda time: f"ActiveState={'failed' if time >= 1 else 'active'}\n"})
    assert host.waited(ONE) == 1
    host.time = 100.0
    assert host.waited(ONE, TWO) == 5


@pytest.mark.parametrize("before", [0, 7])
def test_a_server_that_ends_again_and_again_is_given_up(before):
    """After three restarts while it was waited for; those of earlier days do not count."""
    host = Host(shown={"a.service": lambda time: f"NRestarts={before + int(time / 2)}\nActiveState=activating\n"})
    assert host.waited(ONE) == 2 * MOST_RESTARTS


@pytest.mark.parametrize("shown", ["", "NRestarts=many\nActiveState=?\n", "NRestarts=\u0663\u0663\n", "x\n\n=\n"])
def test_a_systemd_that_tells_nothing_is_no_reason_to_give_up(shown):
    """The server may answer all the same."""
    assert Host({"http://a:1": 4}, {"a.service": shown}).waited(ONE) == 4


@pytest.mark.parametrize("answer", [None, [], {}, "version", {"error": "x"}])
def test_another_server_on_that_port_is_no_answer(answer):
    """Only what tells its release is Ollama."""
    host = Host()
    host.fetch = lambda _url: (answer, None)
    assert host.waited(ONE, seconds=2) == 2


def test_another_process_that_answers_is_waited_through():
    """Until the unit's own answers, or to the end; what cannot be known is taken for its own."""
    host = Host({"http://a:1": 0})
    host.whose = lambda _unit, _url: Answer(own=host.time >= 103)
    assert host.waited(ONE) == 3
    assert Host({"http://a:1": 0}, whose=lambda _unit, _url: Answer(own=False)).waited(ONE, seconds=5) == 5
    assert Host({"http://a:1": 0}, whose=lambda _unit, _url: Answer(own=None)).waited(ONE) == 0


def test_a_unit_in_a_place_that_only_systemd_knows_is_waited_for_no_longer():
    """Its control group and main process are asked for before an answer counts as somebody else's."""
    shown = {"a.service": "ActiveState=active\nNRestarts=0\nControlGroup=/x.slice/a.service\nMainPID=7\n"}
    host = Host({"http://a:1": 0}, shown)
    host.whose = lambda unit, _url: Answer(own=(unit.control_group, unit.main_pid) == ("/x.slice/a.service", 7))
    assert (host.waited(ONE), host.watched) == (0, ["a.service"])


def test_a_failed_unit_whose_port_another_process_has_is_given_up():
    """The other one answers, and the unit never will."""
    host = Host({"http://a:1": 0}, {"a.service": "ActiveState=failed\n"}, lambda _unit, _url: Answer(own=False))
    assert host.waited(ONE) == 0
