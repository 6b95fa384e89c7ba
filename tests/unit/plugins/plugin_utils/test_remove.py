# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook remove takes away, puts back and leaves."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    FIREWALL_FILE,
    FIREWALL_UNIT,
    WATCH_SERVICE,
    WATCH_TIMER,
    Places,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._remove import NOTHING, removal

UNITS = "/etc/systemd/system"
UNIT, DROPIN = f"{UNITS}/ollama.service", f"{UNITS}/ollama.service.d/override.conf"
RENAMED, TEMPLATE = f"{UNITS}/ollama.service.d/override-found.conf", f"{UNITS}/ollama@.service"
LINK, BOOT = f"{UNITS}/multi-user.target.wants/ollama@b.service", f"{UNITS}/multi-user.target.wants/ollama.service"
VARIABLES, STATE = "/etc/inference.ollama/variables.json", "/var/lib/inference.ollama"
STORE = {"path": "/srv/models", "there": True, "models": 1, "size_bytes": 5 << 30}


def found(*headed, files=(), active=("ollama.service",), links=(), **changes):
    """What unit_files_info says of a host with these files of the role."""
    return {
        "headed": list(headed),
        "files": sorted({UNIT, *headed, *files}),
        "active": list(active),
        "boot_links": list(links),
        "found_unit": {"path": UNIT},
        "unfinished": False,
        "unwritable": {},
        "user_id": 0,
        **changes,
    }


def account(**changes):
    """That of the service, which somebody else has made."""
    known = {"user": "ollama", "uid": 998, "home": "/usr/share/ollama", "group": "ollama", "gid": 997}
    return {**known, "made": False, "group_made": False, **changes}


def remains(**changes):
    """What remains_info says of a tuned host."""
    return {
        "files": [VARIABLES],
        "units": [],
        "boot_links": [],
        "copies": [],
        "base_unit_installed": False,
        "folders": {"/etc/inference.ollama": ["variables.json"]},
        "state_folder": {"path": STATE, "there": True},
        "program": {"path": "/usr/local/bin/ollama", "target": None, "found": None},
        "install": {"folder": "/opt/ollama", "releases": [], "current": None, "parts": [], "others": []},
        "store": dict(STORE),
        "moving": None,
        "link": None,
        "metrics": None,
        "account": account(),
        "problems": [],
        **changes,
    }


NOTHING_LEFT = {"files": [], "folders": {}, "state_folder": {"path": STATE, "there": False}}
INSTALLED = {
    "account": account(made=True, group_made=True),
    "base_unit_installed": True,
    "program": {"path": "/usr/local/bin/ollama", "target": "/opt/ollama/current/bin/ollama", "found": None},
    "install": {
        "folder": "/opt/ollama",
        "releases": ["0.32.15"],
        "current": "releases/0.32.15",
        "parts": ["/opt/ollama/current", "/opt/ollama/releases"],
        "others": [],
    },
}


def test_a_tuned_host_runs_as_before():
    """Its drop-in and the variables go as one change, the server starts again, and then the folders go."""
    made = removal(found(DROPIN), remains())
    assert (made["absent"], made["plain"], made["back"]) == ([DROPIN, VARIABLES], [], {})
    assert (made["stop"], made["start"], made["account"]) == ([], ["ollama.service"], None)
    assert made["folders"] == ["/etc/inference.ollama", STATE]
    assert made["empty_folders"] == [f"{UNITS}/ollama.service.d"]
    assert made["leaves"] == [
        "/srv/models stays: 1 model (5.0 GiB), which ollama_remove_models: true removes",
        "account ollama stays: no role has made it",
        f"{UNIT} stays: no role has written it",
        "packages stay, such as zstd: others may use them",
    ]


def test_a_second_run_has_nothing_to_do():
    """Nor has a run on a host that no role has seen."""
    made = removal(found(), remains(**NOTHING_LEFT))
    assert (made["pending"], made["absent"], made["folders"], made["start"]) == (False, [], [], [])


def test_a_server_that_did_not_run_is_not_started():
    """Its files go all the same."""
    made = removal(found(DROPIN, active=()), remains())
    assert (made["start"], made["pending"]) == ([], True)


def test_a_drop_in_that_was_renamed_has_its_name_again():
    """Where the role's own was in its place; another one of such a name stays as it is."""
    assert removal(found(DROPIN, files=[RENAMED]), remains())["back"] == {RENAMED: DROPIN}
    assert removal(found(files=[RENAMED]), remains())["back"] == {}


def test_several_servers_and_their_template_go():
    """Those that run and those that start at boot are stopped; the one of before starts."""
    made = removal(found(TEMPLATE, DROPIN, active=["ollama@a.service"], links=[LINK]), remains())
    assert made["stop"] == ["ollama@a.service", "ollama@b.service"]
    assert {TEMPLATE, LINK} <= set(made["absent"])
    assert made["start"] == ["ollama.service"]


def test_units_beside_the_servers_go_the_timer_first():
    """With their links."""
    units = [f"{UNITS}/inference-ollama-watch.service", f"{UNITS}/inference-ollama-watch.timer"]
    link = f"{UNITS}/timers.target.wants/inference-ollama-watch.timer"
    made = removal(found(), remains(units=units, boot_links=[link]))
    assert made["stop"] == ["inference-ollama-watch.timer", "inference-ollama-watch.service"]
    assert {*units, link} <= {*made["absent"], *made["plain"]}


def test_metrics_go_with_what_writes_them():
    """Prometheus would read them for ever."""
    path = "/var/lib/prometheus/node-exporter/inference_ollama.prom"
    assert path in removal(found(), remains(metrics=path))["folders"]
    assert path not in removal(found(), remains(metrics=path), only_installed=True)["folders"]


def test_rules_of_the_firewall_go_with_the_unit_that_loads_them():
    """Stopping it stops the servers that ask for it, so none listens without rules; the one of before starts then."""
    made = removal(found(DROPIN), remains(files=[VARIABLES, FIREWALL_FILE], units=[f"{UNITS}/{FIREWALL_UNIT}"]))
    assert (made["stop"], made["start"]) == ([FIREWALL_UNIT], ["ollama.service"])
    assert {FIREWALL_FILE, f"{UNITS}/{FIREWALL_UNIT}"} <= set(made["absent"])


def test_several_servers_units_beside_them_and_a_taken_over_ollama_go_in_one_run():
    """What runs is stopped, timers first and servers last, and the Ollama of before comes back under its name."""
    timer, copy = f"{UNITS}/{WATCH_TIMER}", f"{UNIT}.20261102T000000Z~"
    units = [timer, f"{UNITS}/{WATCH_SERVICE}", f"{UNITS}/{FIREWALL_UNIT}"]
    host = found(TEMPLATE, DROPIN, active=["ollama@a.service"], links=[LINK])
    made = removal(
        host, remains(**{**INSTALLED, "copies": [copy], "units": units, "files": [VARIABLES, FIREWALL_FILE]})
    )
    assert made["stop"] == [WATCH_TIMER, FIREWALL_UNIT, WATCH_SERVICE, "ollama@a.service", "ollama@b.service"]
    assert (made["back"], made["start"], made["account"]) == ({copy: UNIT}, ["ollama.service"], None)
    assert {UNIT, TEMPLATE, DROPIN, LINK, FIREWALL_FILE, *units} <= set(made["absent"])


def test_an_installed_server_goes_with_its_releases():
    """Unit, links and releases; its account where the models go too."""
    host = found(DROPIN, links=[BOOT])
    made = removal(host, remains(**INSTALLED))
    assert {UNIT, BOOT} <= set(made["absent"])
    assert "/usr/local/bin/ollama" in [*made["absent"], *made["plain"]]
    assert (made["stop"], made["start"], made["account"]) == (["ollama.service"], [], None)
    assert {"/opt/ollama", "/opt/ollama/releases"} <= set(made["folders"])
    assert "account ollama stays: the models belong to it" in made["leaves"]
    gone = removal(host, remains(**INSTALLED), models=True)
    assert gone["account"] == "ollama"
    assert gone["group"] == {"group": "ollama", "gid": 997, "group_made": True}
    assert {"/srv/models/blobs", "/srv/models/manifests"} <= set(gone["folders"])
    assert "/srv/models" not in gone["folders"]


def test_an_ollama_that_was_taken_over_comes_back():
    """Its unit from the copy, its program under its name; its account stays."""
    copies = [f"{UNIT}.20261101T000000Z~", f"{UNIT}.20261102T000000Z~"]
    program = {**INSTALLED["program"], "found": "/usr/local/bin/ollama.found"}
    made = removal(found(DROPIN), remains(**{**INSTALLED, "copies": copies, "program": program}), models=True)
    assert made["back"] == {copies[1]: UNIT, program["found"]: program["path"]}
    assert (made["stop"], made["start"], made["account"]) == ([], ["ollama.service"], None)
    assert f"{copies[0]} stays: a copy of a file of somebody else" in made["leaves"]
    assert "account ollama stays: the service runs as it" in made["leaves"]


def test_an_account_goes_only_where_the_role_has_made_it():
    """Not that of an operator, not one with models, and not one that is no system account; with them or without."""
    host = found(DROPIN, found_unit={"path": UNIT})
    theirs = removal(host, remains(**{**INSTALLED, "account": account()}), models=True)
    assert (theirs["account"], theirs["group"]) == (None, None)
    assert "account ollama stays: no role has made it" in theirs["leaves"]
    person = account(made=True, uid=1000)
    assert removal(host, remains(**{**INSTALLED, "account": person}), models=True)["account"] is None
    empty = {**STORE, "there": False, "models": 0, "size_bytes": 0}
    assert removal(host, remains(**{**INSTALLED, "store": empty}))["account"] == "ollama"


def test_an_installation_is_taken_away_by_the_same_rule():
    """With the settings of its unit; a second run finds nothing, and goes on with the models where they are to go."""
    host = found(DROPIN, links=[BOOT])
    made = removal(host, remains(**INSTALLED), only_installed=True)
    assert made == removal(host, remains(**INSTALLED))
    bare, gone = found(found_unit=None, active=(), files=()), {**NOTHING_LEFT, "account": INSTALLED["account"]}
    again = removal(bare, remains(**gone), only_installed=True)
    assert (again["pending"], again["leaves"]) == (False, [NOTHING])
    models = removal(bare, remains(**gone), models=True, only_installed=True)
    assert (models["account"], "/srv/models/blobs" in models["folders"]) == ("ollama", True)


def test_what_no_role_has_installed_is_not_taken_away():
    """Nor its settings and its models; what a first installation that failed has left beside it goes."""
    theirs = removal(found(DROPIN), remains(), models=True, only_installed=True)
    assert (theirs["pending"], theirs["absent"], theirs["folders"], theirs["leaves"]) == (False, [], [], [NOTHING])
    left = {**INSTALLED["install"], "current": None, "parts": ["/opt/ollama/releases"]}
    beside = removal(found(DROPIN), remains(install=left), models=True, only_installed=True)
    assert (beside["pending"], beside["absent"], beside["start"]) == (True, [], [])
    assert beside["folders"] == ["/opt/ollama/releases", "/opt/ollama"]


def test_what_others_put_beside_releases_stays():
    """The folder with it, and the settings of the kernel until the next boot."""
    install = {**INSTALLED["install"], "others": ["/opt/ollama/notes"]}
    made = removal(found(), remains(**{**INSTALLED, "install": install, "files": ["/etc/sysctl.d/90-ollama.conf"]}))
    assert "/opt/ollama" not in made["folders"]
    assert "/opt/ollama/notes stays: no role has written it" in made["leaves"]
    assert "settings of the kernel stay as they are until the next boot" in made["leaves"]


def test_the_link_of_a_store_that_moved_goes():
    """The store itself stays."""
    assert "/srv/old" in removal(found(), remains(link="/srv/old"))["folders"]


@pytest.mark.parametrize(
    ("host", "beside", "sentence"),
    [
        ({"user_id": 1000}, {}, "removing needs root"),
        ({"unfinished": True}, {}, "was begun and never confirmed"),
        ({"unwritable": {UNITS: "read-only"}}, {}, f"{UNITS}: nothing can be removed there (read-only)"),
        ({}, {"moving": {"source": "/a", "target": "/b"}}, "the models move from /a to /b"),
        ({}, {"problems": ["/a: unreadable"]}, "/a: unreadable"),
    ],
)
def test_what_cannot_be_removed_is_refused_before_anything_changes(host, beside, sentence):
    """In a sentence each, and all at once."""
    made = removal(found(DROPIN, **host), remains(**beside))
    assert list(made) == ["refusals"]
    assert [text for text in made["refusals"] if sentence in text]


CONTAINER = "/etc/containers/systemd/ollama.container"
DOCKER = "/etc/inference.ollama/containers/ollama.service.json"


def test_a_container_goes_with_its_unit_and_an_earlier_unit_comes_back():
    """systemctl cannot disable what a generator has made; the unit that gave its place has its name again."""
    generated = {"path": "/run/systemd/generator/ollama.service"}
    there = {**found(CONTAINER, DROPIN), "files": [CONTAINER, DROPIN], "found_unit": generated}
    made = removal(there, remains())
    assert (made["stop"], made["generated"], made["start"]) == (["ollama.service"], ["ollama.service"], [])
    assert {CONTAINER, DROPIN} <= set(made["absent"])
    assert any(line.startswith("/var/lib/ollama stays") for line in made["leaves"])
    copy = f"{UNIT}.20261128T000000"
    back = removal(there, remains(copies=[copy]))
    assert (back["back"], back["start"]) == ({copy: UNIT}, ["ollama.service"])


def test_a_container_of_docker_goes_with_the_unit_that_the_role_wrote_for_it():
    """Nothing of it starts again, unless there was a unit before; Docker keeps a container that has stopped."""
    there = {**found(DOCKER, UNIT, DROPIN), "found_unit": {"path": UNIT}}
    made = removal(there, remains())
    assert (made["stop"], made["generated"], made["start"]) == (["ollama.service"], [], [])
    assert [command[-2:] for command in made["containers"]] == [["--force", "ollama"]]
    assert {DOCKER, UNIT, DROPIN} <= set(made["absent"])
    copy = f"{UNIT}.20261128T000000"
    back = removal(there, remains(copies=[copy]))
    assert (back["back"], back["start"]) == ({copy: UNIT}, ["ollama.service"])


def test_a_unit_that_gave_its_place_may_have_its_name_again():
    """The transaction that renames the copy refuses every path that is not one of the collection's."""
    assert Places("/etc/systemd/system").has(f"{UNIT}.20261128T000000Z~")
    assert not Places("/etc/systemd/system").has(f"{UNIT}.20261128T000000Z~.conf")
    assert not Places("/etc/systemd/system").has(f"{UNIT}~")
