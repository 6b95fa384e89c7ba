# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and units beside the servers: what a plan asks for, what is left of another one, what starts."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    METRICS,
    METRICS_ARCHIVE,
    METRICS_CACHE,
    METRICS_SERVICE,
    METRICS_TIMER,
    READINESS,
    READINESS_ARCHIVE,
    RESUME_SERVICE,
    UNITS_FOLDER,
    WATCH_SERVICE,
    WATCH_TIMER,
    Places,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import (
    extra_paths,
    extras_of,
    metrics_left,
    servers_of,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._found import lost_settings
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import conflicts
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import beside, directives, order
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import dropin
from ansible_collections.inference.ollama.tests.unit.support.plans import card, xeon

TIMER, RESUME = f"{UNITS_FOLDER}/{WATCH_TIMER}", f"{UNITS_FOLDER}/{RESUME_SERVICE}"
LINK = f"{UNITS_FOLDER}/timers.target.wants/{WATCH_TIMER}"
NOTHING = {"digests": {}, "boot_links": [], "active": []}


def plan_of(states=None, gpus=1, **options):
    topology = xeon()
    topology["gpus"] = [card(number, pci_bus_id=f"0000:0{number}:00.0") for number in range(1, gpus + 1)]
    topology["kernel"] = {**topology["kernel"], "sleep_states": states}
    return make_plan(topology, options)


def extras(plan, repairs=2, **more):
    return extras_of(plan, {"gpu_watch_repairs": repairs, **more}, host="gpu 1%")


METERED = {
    "metrics": True,
    "metrics_interval": 30,
    "metrics_folder": "/srv/text file",
    "state_folder": "/var/lib/inference.ollama",
    "dropin_name": "override.conf",
}


def test_a_server_with_cards_waits_for_them():
    """Its drop-in names each card once, the unit, and the bound; the program comes along."""
    plan = plan_of(gpus=2)
    (words,) = directives(plan, "ollama")["ExecStartPre"]
    assert words[:2] == ["-+/bin/sh", READINESS]
    assert words[2:] == [
        "wait",
        "--unit",
        "ollama.service",
        "--seconds",
        "30",
        "nvidia@0000:01:00.0",
        "nvidia@0000:02:00.0",
    ]
    found = extras(plan)
    assert ([*found.texts], [*found.programs], found.enabled) == ([READINESS], [READINESS_ARCHIVE], ())
    assert order(plan, "ollama")["Wants"] == "nvidia-persistenced.service"


def test_a_server_waits_for_its_cards_and_its_secrets():
    """Both commands stand in the drop-in and in the view of the plan, and the program of the first comes along."""
    secrets = {"secret_environment": ["HOUSE_WORD"], "secrets_method": "credentials"}
    test = ["/usr/bin/test", "-r", "/run/credentials/ollama.service/ollama.env"]
    plan = plan_of(**secrets)
    commands = directives(plan, "ollama")["ExecStartPre"]
    (wait,) = (command for command in commands if command != test)
    assert len(commands) == 2
    assert wait[:3] == ["-+/bin/sh", READINESS, "wait"]
    lines = [line for entry in dropin(plan, "ollama") for line in entry["lines"] if line.startswith("ExecStartPre=")]
    assert lines == [f"ExecStartPre={' '.join(command)}" for command in commands]
    assert READINESS in extras(plan).texts
    without_cards = plan_of(gpus=0, **secrets)
    assert directives(without_cards, "ollama")["ExecStartPre"] == [test]
    assert extras(without_cards).texts == {}


def test_nothing_waits_where_there_is_no_card_or_no_time():
    """Then nothing lies beside the servers, and what lay there goes."""
    for plan in (plan_of(gpus=0), plan_of(gpu_wait=0)):
        assert "ExecStartPre" not in directives(plan, "ollama")
        found = extras(plan)
        assert (found.texts, found.programs) == ({}, {})
        there = {**NOTHING, "digests": dict.fromkeys(extra_paths()), "boot_links": [LINK], "active": [WATCH_TIMER]}
        assert found.unwanted("", there) == [*extra_paths(), LINK]
        assert (found.ended(there), found.due([], there)) == ([WATCH_TIMER], [])


@pytest.mark.parametrize(
    ("states", "option", "wanted"),
    [
        (["freeze", "mem"], None, True),
        (["mem", "disk"], False, False),
        (["freeze"], None, False),
        ([], None, False),
        (None, None, False),
        (None, True, True),
    ],
)
def test_a_host_that_can_sleep_gets_the_unit_for_it(states, option, wanted):
    """Unless the operator says otherwise; a sleep that leaves the power on takes no card away."""
    plan = plan_of(states, gpu_resume="auto" if option is None else option)
    assert (beside(plan)["gpu_resume"] is not None) is wanted
    assert (RESUME in extras(plan).texts) is wanted


def test_the_watch_is_started_again_where_its_seconds_change():
    """The timer starts now and at boot; a new interval counts from now on; nothing is due where it runs as planned."""
    found = extras(plan_of(gpu_watch=True, gpu_watch_interval=60))
    assert "OnUnitInactiveSec=60\n" in found.texts[TIMER]
    service = found.texts[f"{UNITS_FOLDER}/{WATCH_SERVICE}"]
    assert "--repairs 2 --server ollama.service http://127.0.0.1:11434 nvidia@0000:01:00.0\n" in service
    there = {"digests": {TIMER: {}}, "boot_links": [LINK], "active": [WATCH_TIMER, "ollama.service"]}
    assert found.due([TIMER], NOTHING) == [{"name": WATCH_TIMER, "state": "restarted", "new": True}]
    assert found.due([], {**there, "active": []}) == [{"name": WATCH_TIMER, "state": "started", "new": False}]
    assert found.due([], there) == []
    assert servers_of(there) == ["ollama.service"]
    assert servers_of({"active": None}) is None


def test_metrics_are_written_for_node_exporter():
    """With or without cards: the units, the shell text and the program, whose words systemd reads as they are."""
    found = extras(plan_of(gpus=0), **METERED, verify_accept=["LimitNOFILE", "x y"])
    service, timer = (found.texts[f"{UNITS_FOLDER}/{unit}"] for unit in (METRICS_SERVICE, METRICS_TIMER))
    assert f'ExecStart=/bin/sh {METRICS} --host "gpu 1%%" --folder "/srv/text file" --state-folder ' in service
    assert '--dropin-name override.conf --interval 30 --seconds 45 --accept LimitNOFILE --accept "x y"\n' in service
    assert 'ReadWritePaths="/srv/text file"\n' in service
    assert "OnUnitInactiveSec=30\n" in timer
    assert METRICS_ARCHIVE in found.texts[METRICS]
    assert found.programs == {METRICS_ARCHIVE: METRICS_ARCHIVE}
    assert (found.enabled, found.running) == ((METRICS_TIMER,), (METRICS_TIMER,))
    assert METRICS not in extras(plan_of(gpus=0)).texts


@pytest.mark.parametrize(("vendor", "lines"), [(None, "PrivateDevices=yes"), ("nvidia", "DeviceAllow=char-nvidia* rw")])
def test_the_metrics_reach_no_more_devices_than_they_need(vendor, lines):
    """NVIDIA's tool opens its devices; without cards there are none."""
    text = extras(plan_of(gpus=1 if vendor else 0), **METERED).texts[f"{UNITS_FOLDER}/{METRICS_SERVICE}"]
    assert lines in text.splitlines()
    assert ("PrivateDevices=yes" in text) == (vendor is None)


@pytest.mark.parametrize(
    ("before", "now", "left"),
    [
        ({}, METERED, []),
        ({"metrics": False, "metrics_folder": "/a"}, METERED, []),
        (METERED, METERED, []),
        (METERED, {"metrics": False}, ["/srv/text file/inference_ollama.prom", METRICS_CACHE]),
        ({**METERED, "metrics_folder": "/a/"}, METERED, ["/a/inference_ollama.prom"]),
        ({**METERED, "metrics_folder": None}, METERED, []),
    ],
)
def test_metrics_that_nothing_writes_any_more_go(before, now, left):
    """node_exporter would show them for ever."""
    assert metrics_left(before, now) == left


def test_a_host_without_cards_is_not_watched():
    """A warning names it, and nothing is installed there."""
    plan = plan_of(gpus=0, gpu_watch=True, gpu_resume=True)
    assert "nothing-to-watch" in [warning["code"] for warning in plan["warnings"]]
    assert beside(plan) == {"gpu_watch": None, "gpu_resume": None}


def test_every_path_may_be_written_and_restored():
    """The transaction takes no others, and never those of the guard."""
    places = Places(UNITS_FOLDER)
    assert all(places.has(path) for path in (*extra_paths(), LINK))
    assert not places.has(f"{UNITS_FOLDER}/inference-ollama-guard.timer")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_reads_the_units(tmp_path):
    """systemd says nothing of them but that their program is not installed here."""
    found = extras(plan_of(["mem"], gpu_watch=True), **{**METERED, "metrics_folder": "/srv/text"})
    units = {path: text for path, text in found.texts.items() if path.startswith(UNITS_FOLDER)}
    for path, text in units.items():
        (tmp_path / path.rpartition("/")[2]).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(path) for path in sorted(tmp_path.iterdir()))],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if "inference-ollama" in line] == []


def test_the_shell_finds_a_python(tmp_path):
    """The text beside the program runs it, with every word as it was given."""
    program = tmp_path / "program.py"
    program.write_text("import sys\nprint(sys.argv[1:])\n", encoding="utf-8")
    text = extras(plan_of()).texts[READINESS].replace(READINESS_ARCHIVE, str(program))
    script = tmp_path / "readiness"
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(["/bin/sh", str(script), "wait", "a b"], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "['wait', 'a b']\n"


def test_a_command_of_another_file_runs_beside_those_of_the_plan():
    """It is neither named as lost, as long as its file stays, nor as one that wins over the role's drop-in."""
    path = "/etc/systemd/system/ollama.service.d/zz.conf"
    entry = {"section": "Service", "directive": "ExecStartPre", "value": "/bin/true", "file": path, "line": 2}
    found = {"variables": {}, "settings": [entry], "dropins": [path]}
    plan = plan_of()
    assert directives(plan, "ollama")["ExecStartPre"]
    assert list(lost_settings(plan, found, [])) == []
    assert any("ExecStartPre" in sentence for sentence in lost_settings(plan, found, [path]))
    assert conflicts(found, plan, "override.conf") == []
