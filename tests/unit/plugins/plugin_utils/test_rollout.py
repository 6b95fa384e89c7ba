# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change goes through a fleet: batches, gateways, and what gateways have answered."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._rollout import (
    drain_of,
    gateway_report,
    gateway_turns,
    gateways_of,
    serial_errors,
)

GROUPS = {"all": ["a", "b", "g1", "g2"], "ollama_gateways": ["g1", "g2"]}


def answer(gateway="g1", **fields):
    """What a gateway says of one server."""
    server = {"name": "a:1", "state": "drained", "sessions": 0, "queued": 0, **fields.pop("server", {})}
    return {"item": gateway, "servers": [server], "settled": True, "stranded": [], "problems": [], **fields}


@pytest.mark.parametrize("value", [1, "1", "25%", "100%", [1, "25%"], [1, 5, "10%"], 300])
def test_sizes_of_batches_that_ansible_takes(value):
    """Numbers and shares, alone and in a list."""
    assert serial_errors(value) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-1, "-1"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ("all", "'all'"),
        ("0%", "'0%'"),
        ("101%", "'101%'"),
        ("1,25%", "'1,25%'"),
        ([], "[]"),
        ([1, "x"], "'x'"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_other_sizes_are_refused(value, shown):
    """Ansible takes 0 for all hosts at once, and ends in a traceback on words."""
    (line,) = serial_errors(value)
    assert line.startswith(f"ollama_serial: {shown} is not allowed; allowed is a number of hosts from 1")


@pytest.mark.parametrize("value", [None, "", "auto", "AUTO"])
def test_auto_is_the_group(value):
    """Without the group there is no gateway."""
    assert gateways_of(value, GROUPS) == (["g1", "g2"], [])
    assert gateways_of(value, {"all": ["a"]}) == ([], [])


def test_gateways_are_named_once_and_known():
    """An empty list drains nowhere."""
    assert gateways_of([], GROUPS) == ([], [])
    assert gateways_of(["g1", "localhost", "g1"], GROUPS) == (["g1", "localhost"], [])
    (line,) = gateways_of(["g1", "gw"], GROUPS)[1]
    assert line.startswith("ollama_gateways: 'gw' is no host of the inventory")


def test_a_value_of_another_form_is_left_to_whoever_judges_variables():
    """It is refused once."""
    assert gateways_of("g1", GROUPS) == ([], [])


@pytest.mark.parametrize(
    ("units", "live", "interrupts"),
    [([], True, False), (["ollama.service"], True, True), (["ollama.service"], False, False)],
)
def test_what_restarts_nothing_needs_no_drain(units, live, interrupts):
    """Neither does what is rendered into a folder, for which no gateway is asked."""
    made = drain_of("a", ["g1"], units, live=live)
    assert made == {"gateways": ["g1"] if live else [], "gateway_servers": ["a:*"], "interrupts": interrupts}


def test_each_gateway_is_asked_once_for_all_hosts():
    """Hosts without a change are made ready; where one is to be drained the gateway is needed."""
    both, one = ["g1", "g2"], ["g1"]
    hosts = {
        "a": {"__ollama": {"gateways": both, "pending": False}},
        "b": {"__ollama": {"gateways": one, "pending": True, "interrupts": True}},
        "c": {"__ollama": {"gateways": both, "pending": True, "interrupts": False}},
        "g1": {},
    }
    assert gateway_turns(hosts) == [
        {"gateway": "g1", "servers": ["a:*"], "needed": True},
        {"gateway": "g2", "servers": ["a:*"], "needed": False},
    ]


def test_a_gateway_that_is_down_fails_a_drain():
    """With what Ansible or the module said."""
    results = [
        {"item": "g1", "unreachable": True, "msg": "No route to host."},
        {"item": "g2", "failed": True, "msg": "socket: none"},
        {"item": "g3", "skipped": True},
    ]
    assert gateway_report(results, "drained")["failed"] == [
        "gateway g1 cannot be reached: No route to host",
        "gateway g2 cannot drain a server: socket: none",
    ]


def test_a_gateway_at_which_nothing_is_to_be_drained_may_be_down():
    """It is named."""
    for needed, key in ((True, "failed"), (False, "said")):
        result = {"item": {"gateway": "g1", "needed": needed}, "unreachable": True}
        assert gateway_report([result])[key] == ["gateway g1 cannot be reached: it did not say why"]


def test_a_gateway_that_does_not_run_keeps_nobody_from_anything():
    """As one that is set up after its servers: it is named, and the run goes on."""
    result = {"failed": True, "absent": True, "msg": "socket: /s cannot be used", "item": "g1"}
    words = "gateway g1 does not run, so no request comes through it: socket: /s cannot be used"
    assert gateway_report([result], "drained") == {"failed": [], "said": [words]}


def test_requests_that_are_left_are_named_or_fail():
    """By the operator's word; how many of which server."""
    late = answer(settled=False, server={"sessions": 2, "queued": 1})
    words = "gateway g1: requests were left after ollama_drain_timeout, and the change cuts them: 3 of a:1"
    assert gateway_report([late], "drained") == {"failed": [], "said": [words]}
    assert gateway_report([late], "drained", late_fails=True) == {"failed": [words], "said": []}
    assert gateway_report([late]) == {"failed": [], "said": []}


def test_the_last_server_of_a_backend_is_not_drained():
    """The sentence says what to do about it."""
    (line,) = gateway_report([answer(stranded=["servers"])])["failed"]
    assert line.startswith("gateway g1: no other server of the backend servers takes requests")
    assert "ollama_serial" in line


def test_a_host_that_gets_no_requests_again_fails():
    """The next host would be drained beside it."""
    down = answer(settled=False, server={"state": "down"})
    assert gateway_report([down], "ready")["failed"] == [
        "gateway g1 sends no requests: a:1 is down, though the server answers on its own host"
    ]


def test_a_host_that_a_gateway_does_not_have_is_named():
    """A host that is new has no server there yet."""
    new = answer(problems=["no server of a is known to the gateway"])
    assert gateway_report([new], "ready") == {
        "failed": [],
        "said": ["gateway g1: no server of a is known to the gateway"],
    }
