# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that let known networks alone in, and what connections say of them (_firewall.py, _verify/reach.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    FIREWALL_FILE,
    FIREWALL_UNIT,
    NFT,
    UNITS_FOLDER,
    Places,
)
from ansible_collections.inference.ollama.plugins.plugin_utils import _firewall as firewall
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import order
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.reach import check_exposure
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

NETWORKS = ["10.20.0.0/16", "fd00:20::/32"]
TWO = [{"name": "a", "host": "0.0.0.0:11434"}, {"name": "b", "host": "127.0.0.1:11500"}]


def guarded(**options):
    return plan(xeon(), **{"host": "0.0.0.0", "exposure": "firewall", "exposure_networks": NETWORKS, **options})


def test_the_rules_replace_those_of_before_and_touch_no_other_table():
    """One file is loaded as a whole: the table is made where it is not there, emptied, and written."""
    lines = firewall.firewall_files(guarded())[FIREWALL_FILE].splitlines()
    assert lines[2:5] == [
        "table inet inference_ollama",
        "delete table inet inference_ollama",
        "table inet inference_ollama {",
    ]
    assert not any("flush" in line for line in lines)
    assert '    iifname != "lo" tcp dport { 11434 } jump servers' in lines
    assert lines[-5:-1] == [
        "    ip saddr { 10.20.0.0/16 } accept",
        "    ip6 saddr { fd00:20::/32 } accept",
        "    reject with tcp reset",
        "  }",
    ]


def test_a_gateway_with_its_addresses_is_let_in_by_the_same_rules():
    """It alone, and proven so; without addresses nothing is written, and the reason says that nothing proves it."""
    made = guarded(exposure="gateway", exposure_networks=["10.20.0.7"])
    assert "    ip saddr { 10.20.0.7/32 } accept" in firewall.firewall_files(made)[FIREWALL_FILE].splitlines()
    assert firewall.clients(made)[0] == ["10.20.0.7"]
    assert order(made, "ollama")["Requires"] == FIREWALL_UNIT
    assert [each["reason"].rpartition("; ")[2] for each in made["decisions"] if each["setting"] == "exposure"] == [
        "rules of the host let the gateway's addresses alone in"
    ]
    bare = guarded(exposure="gateway", exposure_networks=[])
    assert (firewall.firewall_files(bare), firewall.probe(bare)) == ({}, None)
    assert "Requires" not in order(bare, "ollama")
    assert any("nothing proves" in each["reason"] for each in bare["decisions"])


def test_what_is_added_first_takes_nothing_away():
    """The ports of before stay closed until their servers have moved."""
    loaded = firewall.loading(guarded(), [FIREWALL_FILE], live=True)
    assert "delete" not in loaded["transition"]
    assert loaded["rules"].endswith(loaded["transition"])
    assert (loaded["program"], loaded["unit"]) == (NFT, FIREWALL_UNIT)


@pytest.mark.parametrize(
    ("options", "changes", "live"),
    [
        ({}, [], True),
        ({}, [FIREWALL_FILE], False),
        ({"exposure": "gateway", "exposure_networks": []}, [FIREWALL_FILE], True),
        ({"host": "127.0.0.1"}, [FIREWALL_FILE], True),
    ],
)
def test_nothing_is_loaded_where_nothing_of_it_changes(options, changes, live):
    """A second run, a folder to render into, and a host without rules load none."""
    assert firewall.loading(guarded(**options), changes, live=live) is None


def test_a_server_that_other_hosts_reach_starts_after_the_rules_and_no_other():
    """systemd itself keeps the order, at every boot too."""
    made = guarded(host="auto", instances=TWO)
    assert order(made, "a")["Requires"] == FIREWALL_UNIT
    assert FIREWALL_UNIT in order(made, "a")["After"].split()
    assert "Requires" not in order(made, "b")
    assert firewall.ports(made) == [11434]


def test_networks_within_others_are_written_once():
    """A set of nftables refuses one that lies in another."""
    text = firewall.firewall_files(guarded(exposure_networks=["10.0.0.0/8", "10.20.0.0/16"]))[FIREWALL_FILE]
    assert "ip saddr { 10.0.0.0/8 } accept" in text
    assert "ip6 saddr" not in text


def test_both_files_are_places_that_are_restored():
    """A state that is gone back to has its rules again."""
    assert all(Places(UNITS_FOLDER).has(path) for path in firewall.PATHS)
    assert f"ExecReload={NFT} -f {FIREWALL_FILE}" in firewall.firewall_files(guarded())[firewall.PATHS[1]]


def test_clients_of_a_proof_are_of_every_network_and_of_none():
    """A stranger lies in no network that is let in, whatever those are."""
    made = guarded(exposure_networks=["198.51.100.0/24", "192.0.2.9", "fd00::/8"])
    assert firewall.clients(made) == (
        ["192.0.2.9", "198.51.100.1", "fd00::1"],
        ["203.0.113.7", "2001:db8:ffff::7"],
    )
    assert firewall.probe(made)["ports"] == [11434]
    assert firewall.probe(plan(xeon())) is None


def verdict(found, **options):
    (check,) = check_exposure(guarded(**options), found)
    return check


def connections(**other):
    reached = {"10.20.0.1": True, "fd00:20::1": True, "198.51.100.7": False, "2001:db8:ffff::7": False, **other}
    rows = [{"address": each, "port": 11434, "connected": connected} for each, connected in reached.items()]
    return {"schema": 1, "loaded": True, "connections": rows, "problems": []}


def test_connections_prove_the_rules():
    """The evidence names who was let in and who was not."""
    check = verdict(connections())
    assert (check.setting, check.verdict) == ("exposure", "pass")
    assert "10.20.0.1, fd00:20::1 (allowed) and 198.51.100.7, 2001:db8:ffff::7 (not)" in check.evidence


@pytest.mark.parametrize(
    ("found", "expected", "says"),
    [
        (connections(**{"198.51.100.7": True}), "fail", "198.51.100.7 is let in to port 11434"),
        (connections(**{"10.20.0.1": False}), "fail", "10.20.0.1 is kept out of port 11434"),
        (connections(**{"10.20.0.1": None}), "unknown", "10.20.0.1 to port 11434"),
        ({"schema": 1, "loaded": False, "connections": [], "problems": []}, "fail", "there is no table"),
        ({"schema": 1, "loaded": None, "connections": 3, "problems": ["nft: no"]}, "unknown", "nft: no"),
        (None, "unknown", "not tried"),
    ],
)
def test_what_was_not_seen_is_no_proof(found, expected, says):
    """A wrong connection fails, one that was not tried is unknown."""
    check = verdict(found)
    assert check.verdict == expected
    assert says in f"{check.seen} {check.evidence}"


def test_a_plan_without_rules_has_no_such_check():
    """There is nothing to try."""
    assert list(check_exposure(plan(xeon()), None)) == []
