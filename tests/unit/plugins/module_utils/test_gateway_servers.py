# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a HAProxy: what its answers say, which ones are meant, and what is set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._gateway.servers import (
    change,
    look,
    rows,
    stranded,
    wait,
)
from ansible_collections.inference.ollama.tests.unit.support.haproxy import Fake

FLEET = [
    ("servers", "a:ollama", "ready", 0, 0, ""),
    ("servers", "a:1", "ready", 1, 0, ""),
    ("servers", "b:ollama", "down", 0, 0, ""),
    ("model-1", "a:ollama", "ready", 2, 1, "servers/a:ollama"),
    ("model-1", "b:ollama", "down", 0, 0, "servers/b:ollama"),
    ("model-2", "a:ollama", "ready", 0, 0, "servers/a:ollama"),
]


def outcome(ask):
    """The rows, or why there are none."""
    try:
        return rows(ask)
    except OllamaError as error:
        return str(error)


def test_streams_are_summed_over_all_backends():
    """A server is one, however many models it is asked for."""
    found = look(Fake(FLEET), [])
    assert found.servers == [
        {"name": "a:ollama", "state": "ready", "sessions": 2, "queued": 1},
        {"name": "a:1", "state": "ready", "sessions": 1, "queued": 0},
        {"name": "b:ollama", "state": "down", "sessions": 0, "queued": 0},
    ]
    assert found.problems == []


def test_a_pattern_means_the_servers_of_one_host():
    """Never those of a host whose name begins the same, nor of an address with colons."""
    more = [*FLEET, ("servers", "aa:ollama", "ready", 0, 0, ""), ("servers", "a:b:ollama", "ready", 0, 0, "")]
    assert [each["name"] for each in look(Fake(more), ["a:*"]).servers] == ["a:ollama", "a:1"]
    assert [each["name"] for each in look(Fake(more), ["a:b:*"]).servers] == ["a:b:ollama"]


def test_a_host_that_the_gateway_has_not_is_named():
    """There is nothing to drain, which is no failure: a new host is as this one."""
    fake = Fake(FLEET)
    found = look(fake, ["z:*"], "drained")
    assert (found.servers, found.settled, found.problems) == ([], True, ["no server of z is known to the gateway"])
    assert (change(fake, ["z:*"], "drained"), fake.said) == ([], [])


def test_a_name_that_is_not_there_is_refused_before_anything_is_set():
    """With the names that are there."""
    fake = Fake(FLEET)
    with pytest.raises(OllamaError, match="the gateway has no a:olama; it has a:ollama, a:1, b:ollama"):
        change(fake, ["a:1", "a:olama"], "drained")
    assert fake.said == []


def test_a_drain_sets_what_has_checks_of_its_own():
    """Servers of other backends track those."""
    fake = Fake(FLEET)
    assert change(fake, ["a:*"], "drained")
    assert fake.said == ["set server servers/a:ollama state drain", "set server servers/a:1 state drain"]
    assert {row.state for row in rows(fake) if row.name == "a:ollama"} == {"drained"}
    assert not change(fake, ["a:*"], "drained")
    assert len(fake.said) == 2


def test_a_server_that_is_down_is_drained_too():
    """It would take requests as soon as it answers again."""
    fake = Fake(FLEET)
    assert change(fake, ["b:ollama"], "drained")
    assert fake.said == ["set server servers/b:ollama state drain"]


def test_nothing_is_set_where_it_is_asked_what_would_be():
    """It says that it would change."""
    fake = Fake(FLEET)
    assert change(fake, ["a:*"], "drained", pretend=True)
    assert fake.said == []


@pytest.mark.parametrize("state", ["drained", "ready"])
def test_maintenance_is_left_as_it_is(state):
    """Whoever set it may not want it to come back; both settle without it."""
    fake = Fake([("servers", "a:ollama", "maint", 0, 0, "")])
    assert not change(fake, ["a:ollama"], state)
    found = look(fake, ["a:ollama"], state)
    assert (fake.said, found.settled) == ([], True)
    assert found.problems == ["a:ollama is in maintenance, which is somebody's own, and stays so"]


def test_only_what_is_drained_is_made_ready():
    """What is down comes by its health check."""
    fake = Fake([("servers", "a:1", "drained", 0, 0, ""), ("servers", "b:1", "down", 0, 0, "")])
    assert change(fake, ["a:1", "b:1"], "ready")
    assert fake.said == ["set server servers/a:1 state ready"]
    assert not look(fake, ["a:1", "b:1"], "ready").settled
    assert look(fake, ["a:1"], "ready").settled


def test_a_slow_start_takes_requests():
    """Its weight grows, and it is no longer waited for."""
    assert look(Fake([("servers", "a:1", "starting", 0, 0, "")]), [], "ready").settled


def test_a_drain_is_settled_without_streams_and_without_a_queue():
    """Whether the server answers or not."""
    assert not look(Fake([("servers", "a:1", "drained", 1, 0, "")]), ["a:1"], "drained").settled
    assert not look(Fake([("servers", "a:1", "drained", 0, 1, "")]), ["a:1"], "drained").settled
    assert look(Fake([("servers", "a:1", "drained", 0, 0, "")]), ["a:1"], "drained").settled


def test_backends_that_nobody_else_serves_are_stranded():
    """Those with other servers, none of which takes requests; one with this server alone has no other choice."""
    fake = Fake(FLEET)
    assert stranded(fake, change(fake, ["a:*"], "drained")) == ["servers", "model-1"]
    assert stranded(fake, change(fake, ["a:*"], "drained")) == []


def test_a_server_that_takes_no_requests_strands_nobody():
    """Whatever is the matter with it is to be repaired by the change."""
    fake = Fake([("servers", "a:1", "down", 0, 0, ""), ("servers", "b:1", "down", 0, 0, "")])
    assert stranded(fake, change(fake, ["a:1"], "drained")) == []


def test_waiting_ends_with_the_time():
    """What is left is in the answer."""
    found = wait(Fake([("servers", "a:1", "drained", 3, 0, "")]), ["a:1"], "drained", 0.01)
    assert (found.settled, found.servers[0]["sessions"]) == (False, 3)


def test_waiting_ends_with_the_last_stream():
    """It is looked at again."""
    fake = Fake([("servers", "a:1", "drained", 1, 0, "")])

    def ask(command):
        answer = fake(command)
        if command == "show stat":
            fake.rows[0][3] = 0
        return answer

    assert wait(ask, ["a:1"], "drained", 60).settled


def test_what_haproxy_says_to_a_command_is_an_error():
    """It says nothing where it has done it."""
    fake = Fake(FLEET)

    def ask(command):
        return "Permission denied\n\n" if command.startswith("set") else fake(command)

    with pytest.raises(OllamaError, match="servers/a:1 could not be set to drained: Permission denied"):
        change(ask, ["a:1"], "drained")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("show servers state", ""),
        ("show servers state", "2\n# be_name\n"),
        ("show servers state", "1\n# be_name srv_name\nservers a:1\n"),
        ("show servers state", "1\n# be_name srv_name srv_admin_state srv_op_state\nservers a:1 x 2\n"),
        ("show stat", ""),
        ("show stat", "# pxname,svname\nservers,a:1\n"),
        ("show stat", "# pxname,svname,qcur,scur,tracked,type\nservers,a:1,x,0,,2\n"),
        ("show stat", "# pxname,svname,qcur,scur,tracked,type\nservers,a:1\n"),
    ],
)
def test_an_answer_of_another_form_is_an_error(command, answer):
    """In a sentence, unless it has no servers at all."""
    fake = Fake(FLEET)

    def ask(asked):
        return answer if asked == command else fake(asked)

    assert outcome(ask) == [] or "show s" in outcome(ask)


@given(state=st.text(max_size=200), stat=st.text(max_size=200))
def test_garbage_never_ends_in_a_traceback(state, stat):
    """Neither is anything set by it."""
    found = outcome(lambda command: state if command == "show servers state" else stat)
    assert found == [] or found.startswith("socket: ")
