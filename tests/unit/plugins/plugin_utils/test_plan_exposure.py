# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses beyond loopback: refused without a word on what guards them (_plan/exposure.py, rule S1)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

WORDS = ["gateway", "trusted_network"]
TWO = [{"name": "a", "host": "127.0.0.1:1"}, {"name": "b", "host": "10.0.0.7:2"}]


def refusals(**options):
    with pytest.raises(PlanError) as error:
        plan(xeon(), **options)
    return error.value.lines


def exposure(made):
    return next((each for each in made["decisions"] if each["kind"] == "exposure"), None)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("0.0.0.0", "0.0.0.0:11434 is every address of the host"),
        (":8080", "0.0.0.0:8080 is every address of the host"),
        ("::", "[::]:11434 is every address of the host"),
        ("10.0.0.7", "10.0.0.7:11434 can be reached by other hosts"),
        ("gpu-1.example.org", "gpu-1.example.org:11434 is a name by which other hosts may reach the server"),
    ],
)
def test_an_address_beyond_loopback_is_refused_with_the_reason_and_every_way_on(host, says):
    """One sentence names the place, why it matters, and each word that lets the run go on."""
    (line,) = refusals(host=host)
    assert line.startswith(f"ollama_host: {says}, and no Ollama release checks a key")
    for word in ("ollama_exposure: gateway", "firewall with ollama_exposure_networks", "trusted_network", "127.0.0.1:"):
        assert word in line


@pytest.mark.parametrize("word", WORDS)
def test_one_word_more_lets_it_work(word):
    """The plan is that of before, and says what guards the address."""
    made = plan(xeon(), host="0.0.0.0", exposure=word)
    assert made["instances"][0]["host"] == "0.0.0.0"
    assert (exposure(made)["value"], exposure(made)["source"]) == (word, "operator")
    assert exposure(made)["reason"].startswith("0.0.0.0:11434 is every address of the host; ")


@pytest.mark.parametrize("host", ["auto", "localhost", "127.0.0.53", "[::1]:8080", "::ffff:127.0.0.1"])
def test_loopback_needs_no_word_and_gets_no_decision(host):
    """Nobody else reaches it, whatever is declared."""
    options = {} if host == "auto" else {"host": host}
    assert exposure(plan(xeon(), **options)) is None
    assert exposure(plan(xeon(), exposure="gateway", **options)) is None


def test_one_instance_of_several_is_enough_to_be_refused():
    """The sentence names the exposed one alone."""
    (line,) = refusals(instances=TWO)
    assert line.startswith("ollama_instances: 10.0.0.7:2 can be reached by other hosts")
    assert "127.0.0.1:1 " not in line
    assert exposure(plan(xeon(), instances=TWO, exposure="gateway"))["reason"].startswith("10.0.0.7:2 can be reached")


@pytest.mark.parametrize(
    ("networks", "says"),
    [
        (["10.0.0.1/8"], "10.0.0.0/8"),
        (["0.0.0.0/0"], "everybody"),
        (["::/0"], "everybody"),
        (["office"], "'office'"),
        ([10], "10"),
        ("10.0.0.0/8", "a list of networks"),
        ([{"a": 1}], "a list of networks"),
    ],
)
def test_networks_that_are_none_are_refused_with_what_was_meant(networks, says):
    """A slip in a network would let the wrong hosts in."""
    line = refusals(host="0.0.0.0", exposure="firewall", exposure_networks=networks)[0]
    assert says in line
    assert line.startswith("ollama_exposure_networks: ")


def test_a_firewall_needs_networks_and_networks_a_firewall():
    """Each alone would not do what it looks like."""
    assert (
        "ollama_exposure_networks: with ollama_exposure: firewall" in refusals(host="0.0.0.0", exposure="firewall")[0]
    )
    (line,) = refusals(host="0.0.0.0", exposure="trusted_network", exposure_networks=["10.0.0.0/8"])
    assert line.startswith("ollama_exposure_networks: nothing keeps other networks out with ollama_exposure: trusted_")
