# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that let networks in by zones of firewalld: which come, which go, and whose they are (_firewalld.py)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._firewalld import recorded
from ansible_collections.inference.ollama.plugins.module_utils._places import FIREWALLD_FILE, UNITS_FOLDER, Places
from ansible_collections.inference.ollama.plugins.plugin_utils import _firewalld as firewalld
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, xeon

OPTIONS = {"host": "0.0.0.0", "exposure": "firewall", "exposure_networks": ["10.20.0.0/16", "fd00:20::/32"]}
V4, V6 = (
    f'rule family="{family}" source address="{network}" port port="11434" protocol="tcp" accept'
    for family, network in (("ipv4", "10.20.0.0/16"), ("ipv6", "fd00:20::/32"))
)
GUARDED, OPEN = plan(xeon(), **OPTIONS), plan(xeon())


def zone(name="public", rules=(), permanent=None, **said):
    return {
        "name": name,
        "default": name == "public",
        "active": True,
        "target": "default",
        "rules": list(rules),
        "permanent_rules": list(rules if permanent is None else permanent),
        **said,
    }


def read(*zones, recorded_rules=(), **said):
    """What firewalld_info says of a host with firewalld."""
    return {
        "schema": 1,
        "running": True,
        "zones": list(zones),
        "recorded": [{"zone": name, "rule": rule} for name, rule in recorded_rules],
        "problems": [],
        "module": True,
        **said,
    }


def decided(made, found, **options):
    return firewalld.zone_rules(made, {"firewalld": found}, **options)


def rows(steps):
    return [(row["zone"], row["rule"], row["state"]) for row in steps]


def test_each_network_and_port_has_a_rule_in_each_zone_that_packets_come_by():
    """A zone that accepts everything needs none, nor does one that is not in use."""
    found = read(zone(), zone("work", active=False), zone("docker", target="ACCEPT"), zone("dmz"))
    made = decided(GUARDED, found)
    assert rows(made.opened) == [(name, rule, "enabled") for name in ("public", "dmz") for rule in (V4, V6)]
    assert (made.closed, made.absent, made.errors) == ([], [], [])
    assert recorded(made.files[FIREWALLD_FILE]) == [{"zone": row["zone"], "rule": row["rule"]} for row in made.opened]
    two = [{"name": "a", "host": "0.0.0.0:1"}, {"name": "b", "host": "0.0.0.0:2"}]
    both = plan(xeon(), **{**OPTIONS, "host": "auto", "instances": two, "exposure_networks": ["192.0.2.9"]})
    assert firewalld.rich_rules(both) == [
        f'rule family="ipv4" source address="192.0.2.9/32" port port="{port}" protocol="tcp" accept' for port in (1, 2)
    ]


def test_a_second_run_does_nothing_and_a_lost_rule_comes_back():
    """A rule counts only where it is there now and after the next start."""
    ours = [("public", V4), ("public", V6)]
    same = decided(GUARDED, read(zone(rules=[V6, V4]), recorded_rules=ours))
    assert (same.steps, same.absent) == (None, [])
    lost = decided(GUARDED, read(zone(rules=[V4, V6], permanent=[V6]), recorded_rules=ours))
    assert rows(lost.opened) == [("public", V4, "enabled")]
    assert lost.files == same.files


def test_what_is_no_longer_planned_goes_and_what_others_wrote_stays():
    """Only what is recorded is ever taken away."""
    found = read(zone(rules=[V4, V6]), recorded_rules=[("public", V6), ("gone", V4)])
    made = decided(OPEN, found)
    assert rows(made.closed) == [("public", V6, "disabled")]
    assert (made.files, made.absent) == ({}, [FIREWALLD_FILE])
    kept = decided(GUARDED, read(zone(rules=[V4])))
    assert recorded(kept.files[FIREWALLD_FILE]) == [{"zone": "public", "rule": V6}]


def test_a_folder_to_render_into_changes_no_zone():
    """The record is a file as any other."""
    made = decided(GUARDED, read(zone()), live=False)
    assert (made.steps, list(made.files)) == (None, [FIREWALLD_FILE])


@pytest.mark.parametrize("made", [GUARDED, OPEN])
def test_without_firewalld_nothing_happens_and_the_record_stays(made):
    """Rules that cannot be taken away now are taken away once it runs; the collection is never asked for."""
    assert firewalld.zone_rules(made, {}) == firewalld.ZoneRules({}, [], [], [], [])
    none = decided(made, read(running=False, module=False))
    assert none == firewalld.ZoneRules({}, [], [], [], [])
    stopped = decided(made, read(running=False, recorded_rules=[("public", V4)]))
    assert recorded(stopped.files[FIREWALLD_FILE]) == [{"zone": "public", "rule": V4}]
    assert (stopped.steps, stopped.absent, stopped.errors) == (None, [], [])


def test_a_missing_collection_is_refused_where_a_rule_would_come_or_go():
    """With the command that installs it."""
    (sentence,) = decided(GUARDED, read(zone(), module=False)).errors
    assert sentence.endswith("ansible-galaxy collection install ansible.posix")
    ours = [("public", V4), ("public", V6)]
    assert decided(GUARDED, read(zone(rules=[V4, V6]), recorded_rules=ours, module=False)).errors == []


def test_what_cannot_be_read_is_refused():
    """Nobody knows then who reaches the server."""
    found = read(running=None, problems=["firewall-cmd --state did not answer"])
    assert "lets these networks in cannot be read: firewall-cmd" in decided(GUARDED, found).errors[0]
    assert "an earlier run has added to firewalld" in decided(OPEN, found).errors[0]


def test_all_goes_with_the_roles():
    """Of a firewalld that does not run the rules are named, with the command."""
    found = read(zone(rules=[V4]), recorded_rules=[("public", V4)])
    assert rows(firewalld.removed(found).closed) == [("public", V4, "disabled")]
    assert firewalld.removed({**found, "module": False}).errors
    assert firewalld.removed({**found, "recorded": None, "problems": ["x"]}).errors == ["x"]
    assert firewalld.removed(read(problems=["x"])).errors == []
    assert firewalld.left_rules(found) == []
    (left,) = firewalld.left_rules({**found, "running": False})
    assert "firewall-offline-cmd --zone=public --remove-rich-rule=" in left


def test_a_restored_record_has_its_rules_again():
    """What only the change had goes, what it took comes back."""
    now = read(zone(rules=[V6]), recorded_rules=[("public", V4)])
    back = firewalld.restored(now, read(recorded_rules=[("public", V6)]))
    assert rows(back["rules"]) == [("public", V4, "enabled"), ("public", V6, "disabled")]
    assert firewalld.restored({**now, "module": False}, read())["refusals"]
    assert firewalld.restored({**now, "problems": ["x"]}, read()) == {"rules": [], "refusals": ["x"]}
    # Where there were never any, a firewalld that does not answer is in nobody's way.
    assert firewalld.restored(read(problems=["x"]), read()) == {"rules": [], "refusals": []}


@pytest.mark.parametrize(
    ("options", "found", "asked"),
    [
        ({"exposure": "firewall"}, {}, True),
        ({"exposure": "none"}, {"digests": {FIREWALLD_FILE: {}}}, True),
        ({"exposure": "none"}, {"digests": {}}, False),
        ({"exposure": "firewall", "staging_root": "/tmp/x"}, {}, False),
        ({"exposure": "firewall", "topology_root": "/tmp/x"}, {}, False),
        ({"exposure": "firewall"}, {"failed": True}, False),
    ],
)
def test_firewalld_is_asked_only_where_it_matters(options, found, asked):
    """A host without an exposed server is read no slower."""
    assert firewalld.is_asked({"topology_root": "/", **options}, found) is asked


def test_the_record_is_restored_with_the_other_files():
    """It is a place of the collection."""
    assert Places(UNITS_FOLDER).has(FIREWALLD_FILE)


NAMES = st.sampled_from(["public", "dmz", "docker"])
RULES = st.lists(st.sampled_from([V4, V6, 'rule service name="ssh" accept']), unique=True)
ZONES = st.lists(
    st.builds(zone, NAMES, RULES, RULES, active=st.booleans(), target=st.sampled_from(["default", "ACCEPT"])),
    unique_by=lambda each: each["name"],
)


@given(ZONES, st.lists(st.tuples(NAMES, st.sampled_from([V4, V6])), unique=True), st.booleans())
def test_a_run_reaches_what_is_planned_and_the_next_one_finds_nothing_to_do(zones, ours, exposed):
    """Whatever the zones have, no rule of others goes, and the record leads to a host without ours."""
    made = GUARDED if exposed else OPEN
    first = decided(made, read(*zones, recorded_rules=ours))
    assert {(row["zone"], row["rule"]) for row in first.closed} <= set(ours)
    for each in zones:
        for kind in ("rules", "permanent_rules"):
            gone = {row["rule"] for row in first.closed if row["zone"] == each["name"]}
            come = [
                row["rule"] for row in first.opened if row["zone"] == each["name"] and row["rule"] not in each[kind]
            ]
            each[kind] = [rule for rule in each[kind] if rule not in gone] + come
    kept = [(row["zone"], row["rule"]) for row in json.loads(first.files.get(FIREWALLD_FILE, '{"rules": []}'))["rules"]]
    second = decided(made, read(*zones, recorded_rules=kept))
    assert (second.steps, second.files, second.absent) == (None, first.files, [])
