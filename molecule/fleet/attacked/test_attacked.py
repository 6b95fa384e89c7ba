# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of 10,000 requests came through that should not, and clients were served meanwhile."""

from __future__ import annotations

import pytest

stranger = pytest.mark.on(group="strangers")
KINDS = {"keyless", "wrong key", "two keys", "forged host", "path", "method", "smuggled", "oversized", "slow", "model"}


def test_nothing_marked_reached_a_server(recorded):
    """The canary of each server keeps what should not have come."""
    for received in recorded("received"):
        assert (received["marked"], received["first"]) == (0, [])
        assert received["requests"] > 0


def test_servers_were_asked_for_nothing_but_what_clients_and_the_gateway_ask(recorded):
    """By path: prompts, what the gateway's checks read, and what the collection reads of the host itself."""
    known = {
        "POST /api/generate",
        "GET /api/version",
        "GET /api/ps",
        "GET /api/tags",
        "POST /api/show",
        "HEAD /",
        "GET /",
    }
    for received in recorded("received"):
        assert set(received["paths"]) <= known


@stranger
def test_every_request_was_answered_as_expected(recorded):
    """With the status of its kind, or by closing the connection."""
    found = recorded("attack")
    assert found["requests"] == 10000
    assert found["unexpected_first"] == []
    assert set(found["kinds"]) == KINDS


@stranger
def test_kinds_have_their_own_status(recorded):
    """Who is not known gets 401, another Host 421, a path of administrators 403, a request that does not end 408."""
    kinds = recorded("attack")["kinds"]
    for kind, status in {
        "keyless": "401",
        "wrong key": "401",
        "forged host": "421",
        "path": "403",
        "model": "403",
        "slow": "408",
    }.items():
        assert kinds[kind].get(status, 0) > 0.3 * sum(kinds[kind].values()), (kind, kinds[kind])


@stranger
def test_slow_requests_were_ended(recorded):
    assert recorded("attack")["slow_longest_s"] < 25


@stranger
def test_attacker_himself_was_answered_where_he_asked_well(recorded):
    """With a key that is good; before, while and after he attacked."""
    good = recorded("attack")["good"]
    assert good["failed"] == []
    assert good["answered"] >= 5


@stranger
def test_clients_were_served_meanwhile(recorded):
    """From another address, on a new connection each time."""
    found = recorded("beside-attack")
    assert found["failures"] == []
    assert found["whole"] == found["streams"] >= 100


@pytest.mark.on(position=[0])
def test_full_queue_answers_503_in_its_time(recorded):
    """At once where no place to wait is left, and when the time to wait is over; the others come whole."""
    found = recorded("full")
    assert set(found["statuses"]) == {"200", "503"}
    assert found["whole"] == found["statuses"]["200"] >= 20
    refused = [each["ended"] - each["began"] for each in found["failures"]]
    assert max(refused) < 4 + 4, "the queue's time is 4 s"
    assert min(refused) < 4
    assert all(each["retry_after"] >= 1 for each in found["failures"])


@stranger
def test_no_server_can_be_reached_but_through_the_gateway(host):
    """Not from a host that belongs to nobody, at any port that a server listens at."""
    for address, port in servers(host):
        assert not reached(host, address, port), (address, port)


@pytest.mark.on(group="ollama_gateways")
def test_gateway_reaches_every_server(host):
    """By the same way of asking, so that the answers above are worth something."""
    for address, port in servers(host):
        assert reached(host, address, port), (address, port)


def test_servers_do_not_reach_each_other(host):
    own = host.ansible.get_variables()["ansible_host"]
    for address, port in servers(host):
        assert reached(host, address, port) == (address == own)


def servers(host):
    """Addresses and ports at which servers listen."""
    runner = host.backend.ansible_runner
    for name in runner.get_hosts("ollama"):
        variables = runner.get_variables(name)
        for number, _instance in enumerate(variables.get("ollama_instances", [None])):
            yield variables["ansible_host"], 11434 + number


def reached(host, address, port):
    asked = f"import socket; socket.create_connection(('{address}', {port}), timeout=1.5)"
    return host.run("python3 -c %s", asked).rc == 0
