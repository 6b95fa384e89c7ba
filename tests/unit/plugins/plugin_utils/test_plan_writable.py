# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a confined server may write, and that its own store and home are always among it."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.writable import FOLDERS
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_dropin
from ansible_collections.inference.ollama.plugins.plugin_utils._sandbox import hidden
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    decision,
    instances,
    plan,
    workstation,
    xeon,
)

CLOSED = {"ProtectSystem", "ReadWritePaths"}


def host(home="/usr/share/ollama", machine=None, **unit):
    """A host without a card whose service's user has this home."""
    made = machine or xeon()
    made["software"]["ollama"]["unit"].update(user="ollama", home=home, home_unknown=None, **unit)
    return made


def service(machine, **options):
    return instances(plan(machine, **options))[0]["directives"]


def settings(made, name="ollama"):
    """The [Service] lines of a rendered drop-in as unit_files_info has them."""
    lines = render_dropin(made, name).partition("[Service]")[2].splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return [
        {"section": "Service", "directive": key, "value": value.replace("%%", "%"), "file": "/u", "line": number}
        for number, (key, _equals, value) in enumerate(pairs, 1)
    ]


@pytest.mark.parametrize("home", ["/usr/share/ollama", "/home/ollama", "/root", "/var/lib/ollama", "/srv/a b"])
@pytest.mark.parametrize("store", [None, "/srv/models", "/home/models", "/usr/models", "/mnt/my models"])
def test_the_tuned_unit_reaches_its_store_and_its_home(home, store):
    """The rules by which other people's units are judged find no line of ours in the way."""
    made = plan(host(home), **({"models_path": store} if store else {}))
    said = settings(made)
    assert {entry["directive"] for entry in said} >= CLOSED
    for folder in (f"{home}/.ollama", store or f"{home}/.ollama/models"):
        assert hidden(said, folder) is None
    assert hidden(said, "/usr/local/lib") is not None


def test_several_servers_reach_the_store_that_they_share():
    """Each has a drop-in of its own."""
    made = plan(host(), instances="per_numa_node", models_path="/srv/models")
    assert len(made["instances"]) == 2
    for each in made["instances"]:
        assert hidden(settings(made, each["name"]), "/srv/models") is None


def test_a_server_reaches_a_store_of_its_own():
    """A variable of an operator's own is as good as the option."""
    made = plan(host(), environment={"HF_HOME": "/data/hf"}, models_path="/data/models")
    assert decision(made, "ReadWritePaths")["value"] == ["-/usr/share/ollama", "-/data/models", "-/data/hf"]


def test_where_links_of_the_home_lead_is_writable_too():
    """A link within a writable folder is not followed by systemd; one into the homes of people keeps these open."""
    assert "-/disk" in service(host(home_links=["/disk"]))["ReadWritePaths"]
    assert "ProtectHome" not in service(host(home_links=["/home/models"]))


@pytest.mark.parametrize(
    ("machine", "options", "path"),
    [
        (host("/home/ollama"), {}, "/home/ollama"),
        (host("/root"), {}, "/root"),
        (host("/var/home/o"), {}, "/var/home/o"),
        (host(), {"models_path": "/home/m"}, "/home/m"),
        (host(), {"binary_path": "/home/x/bin/ollama"}, "/home/x/bin/ollama"),
        (host(), {"environment": {"LD_LIBRARY_PATH": "/opt/a:/home/x/lib"}}, "/home/x/lib"),
    ],
)
def test_the_homes_of_people_stay_open_where_something_of_the_server_lies(machine, options, path):
    """The reason names the first path of it."""
    made = plan(machine, **options)
    found = decision(made, "ProtectHome")
    assert (found["value"], found["reason"]) == (None, f"not set: {path} lies there")
    assert decision(made, "ProtectSystem")["value"] == "strict"
    assert service(host())["ProtectHome"] == "true"


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (xeon(), "nobody has read where the home"),
        (host(None), "nobody has read where the home"),
        (host("/"), "the home of the service's user is /"),
        (host("/srv/%h"), "/srv/%h is not a path that this can be decided for"),
        (host(wrapped_command="/opt/start.sh serve"), "nobody knows where /opt/start.sh serve writes"),
    ],
)
def test_nothing_is_closed_where_the_folders_are_not_known(machine, why):
    """A server that is kept from its key does not start; the word of the operator does not change that."""
    for options in ({}, {"hardening": True}):
        made = plan(machine, **options)
        for name in (*CLOSED, "ProtectHome"):
            assert decision(made, name)["value"] is None
            assert decision(made, name)["reason"].startswith(f"not set: {why}")


def test_the_reader_says_why_a_home_is_not_known():
    """Its sentence becomes the reason."""
    machine = host(None)
    machine["software"]["ollama"]["unit"]["home_unknown"] = "DynamicUser= makes it"
    assert decision(plan(machine), "ProtectSystem")["reason"].startswith("not set: DynamicUser= makes it")


def test_a_card_needs_the_operators_word():
    """As with the other strict directives."""
    machine = host(machine=workstation(card()))
    assert not CLOSED & set(service(machine))
    assert set(service(machine, hardening=True)) >= CLOSED


def test_folders_of_variables_are_writable_and_temporary_ones_need_no_line():
    """/tmp is the service's own."""
    found = service(host(), environment={"TMPDIR": "/var/tmp/o", "HF_HOME": "/srv/cache/"})
    assert found["ReadWritePaths"][-1] == "-/srv/cache"
    assert not any("/var/tmp" in path for path in found["ReadWritePaths"])
    assert len(set(FOLDERS)) == len(FOLDERS)


def test_a_home_that_the_unit_names_wins_over_the_account():
    """systemd gives the server HOME as Environment= has it."""
    made = make_plan(host(), {}, "0.34.1", found_unit({"HOME": "/var/lib/llm"}))
    assert decision(made, "ReadWritePaths")["value"][0] == "-/var/lib/llm"


def test_lines_of_other_files_add_to_ours():
    """What another file lets the server write to neither replaces our line nor is refused."""
    found = found_unit({}, {"ReadWritePaths": "/srv/logs"})
    made = make_plan(host(), {}, "0.34.1", found)
    assert decision(made, "ReadWritePaths")["value"][0] == "-/usr/share/ollama"


def test_a_file_that_is_given_up_says_nothing_of_folders():
    """The next run does not find it any more, and would plan something else."""
    found = found_unit({"OLLAMA_MODELS": "/srv/models"})
    kept = make_plan(host(), {"adopt": "keep"}, "0.34.1", found)
    assert "-/srv/models" in decision(kept, "ReadWritePaths")["value"]
    given_up = make_plan(host(), {"adopt": "replace"}, "0.34.1", found)
    assert given_up["decisions"] == make_plan(host(), {"adopt": "replace"}, "0.34.1", found_unit({}))["decisions"]
