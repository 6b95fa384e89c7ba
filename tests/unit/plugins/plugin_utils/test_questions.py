# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of a host about its models (_questions.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._questions import (
    answer_to,
    first_questions,
    models_question,
    questions,
)
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import DEFAULTS, found
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.measured import record_of
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon


def host(**unit):
    """A machine whose installed unit has these fields; without any there is no unit."""
    machine = xeon()
    ollama = {**machine["software"]["ollama"], "unit": {"name": "ollama.service", "dropins": [], **unit}}
    return {**machine, "software": {**machine["software"], "ollama": ollama if unit else None}}


def asked(machine, found_, **options):
    """The store that is asked for; None where the module looks for it by itself."""
    question = models_question(machine, {**DEFAULTS, "reference_models": "auto", **options}, found_)
    return question.get("stores")


@pytest.mark.parametrize(
    ("machine", "unit", "options", "store"),
    [
        (host(user="ollama"), None, {}, ["~ollama/.ollama/models"]),
        (host(user=None), None, {}, ["~root/.ollama/models"]),
        (host(), None, {}, None),
        (host(user="ollama"), None, {"models_path": "/srv/m"}, ["/srv/m"]),
        (host(user="ollama"), {"OLLAMA_MODELS": "/data"}, {"adopt": "keep"}, ["/data"]),
        (host(user="ollama"), {"OLLAMA_MODELS": "/data"}, {"adopt": "replace"}, ["~ollama/.ollama/models"]),
        (host(user="ollama"), {"HOME": "/var/lib/ollama"}, {}, ["/var/lib/ollama/.ollama/models"]),
        (host(user="ollama"), {"HOME": "relative"}, {}, ["~ollama/.ollama/models"]),
        (host(user="ollama"), None, {"num_threads": -4, "models_path": "/srv/m"}, ["/srv/m"]),
    ],
)
def test_the_store_is_the_one_that_the_server_uses(machine, unit, options, store):
    """The plan's, or what is in the home of the service's user."""
    there = found() if unit is None else found(found_unit=found_unit(unit))
    assert asked(machine, there, **options) == store


def test_nothing_is_asked_where_no_model_has_to_be_known():
    """Numbers, files and captured machines ask for no store."""
    for options in ({}, {"reference_models": ["/srv/a"]}, {"reference_models": "auto", "topology_root": "/srv/tree"}):
        assert models_question(xeon(), {**DEFAULTS, **options}, found()) is None


def test_a_release_that_converts_models_asks_for_the_store():
    """Where the run may change the host, since it tells of the room for the copies."""
    machine = host(user="ollama")
    options = {**DEFAULTS, "version": "0.40.1"}
    assert models_question(machine, options, found()) == {"stores": ["~ollama/.ollama/models"]}
    assert models_question(machine, options, found(), preflight=False) is None
    assert models_question(machine, {**options, "staging_root": "/srv/staging"}, found()) is None
    assert models_question(host(), options, found()) is None
    assert models_question(machine, {**options, "num_threads": -4}, found()) is None


def test_a_record_of_the_hosts_hardware_asks_for_its_model():
    """The named model alone; where all are read anyway, no names are given."""
    machine = host(user="ollama")
    record = record_of(machine, {"num_parallel": 2})
    store = {"stores": ["~ollama/.ollama/models"]}
    options = {**DEFAULTS, "measured": [record]}
    assert models_question(machine, options, found()) == {**store, "names": ["llama3.1:8b"]}
    assert models_question(machine, options, found(), preflight=False) == {**store, "names": ["llama3.1:8b"]}
    assert models_question(machine, {**options, "reference_models": "auto"}, found()) == store
    assert models_question(host(), options, found()) == {"names": ["llama3.1:8b"]}
    for other in ({"objective": "latency"}, {"topology_root": "/srv/tree"}, {"num_threads": -4}):
        assert models_question(machine, {**options, **other}, found()) is None


def test_names_of_models_keep_no_port_from_being_looked_at():
    """Whether a port is free does not depend on models."""
    named = {**DEFAULTS, "reference_models": ["llama3.1"]}
    assert questions(xeon(), named, {})["ports"] == questions(xeon(), DEFAULTS, {})["ports"] == [11434]


@pytest.mark.parametrize(
    "options", [{}, {"host": "[::1]:9000"}, {"staging_root": "/x"}, {"models_path": "/srv/models"}]
)
@pytest.mark.parametrize("preflight", [True, False])
def test_the_first_questions_are_those_of_a_host_with_a_unit(options, preflight):
    """So that a host in its usual state is asked once; of the listeners found those count that are asked for."""
    given = {**DEFAULTS, **options}
    first = first_questions(given, {"/s": "x"}, preflight=preflight)
    asked = questions(xeon(), given, {"/s": "x"}, preflight=preflight)
    assert set(asked["ports"]) <= set(first["ports"])
    rows = [{"port": port} for port in (9000, 9001, 11434, 11435)]
    found = {"listeners": rows, "found_unit": None, "files": []}
    answer = answer_to(asked, first, found)
    assert answer == {**found, "listeners": [row for row in rows if row["port"] in asked["ports"]]}


@pytest.mark.parametrize("other", [{"ports": [80]}, {"services": False}, {"planned": {"/x": "y"}}, {"store": "/other"}])
def test_other_questions_are_not_answered_by_the_first(other):
    """Whatever they ask more or less."""
    first = first_questions(DEFAULTS, {})
    asked = questions(xeon(), DEFAULTS, {})
    assert answer_to({**asked, **other}, first, {"listeners": [], "found_unit": None}) is None


def test_an_own_address_that_may_be_kept_has_its_listeners():
    """As the module adds its ports to those that are asked for."""
    unit = {"variables": {"OLLAMA_HOST": {"value": "0.0.0.0:8200"}}}
    found = {"listeners": [{"port": 8200}, {"port": 8201}], "found_unit": unit}
    asked = questions(xeon(), DEFAULTS, {})
    assert answer_to(asked, first_questions(DEFAULTS, {}), found)["listeners"] == [{"port": 8200}]


@pytest.mark.parametrize("host", [5, None, "", ":99999", "65535", "x://"])
def test_a_wrong_address_asks_for_ports_that_there_are(host):
    """What is wrong with it is refused once the host is read."""
    ports = first_questions({**DEFAULTS, "host": host}, {})["ports"]
    assert all(0 < port <= 65535 for port in ports)
