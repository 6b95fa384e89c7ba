# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would make a change fail, in sentences (_preflight.py), and that a run says all of it at once."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER as FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils._desired import Run, desired_state
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import (
    DEFAULTS,
    TWO,
    desired,
    digest,
    found,
)
from ansible_collections.inference.ollama.tests.unit.support.containers import container, held
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

DROPIN = f"{FOLDER}/ollama.service.d/override.conf"


def unit(*lines, **more):
    """found_unit with these lines of [Service]."""
    pairs = [line.split("=", 1) for line in ["ExecStart=/usr/local/bin/ollama serve", *lines]]
    settings = [
        {"section": "Service", "directive": n, "value": v, "secret": False, "file": "/u", "line": i}
        for i, (n, v) in enumerate(pairs, 1)
    ]
    empty = {"dropins": [], "masked": False, "variables": {}, "environment_files": [], "problems": []}
    return {"path": "/u", "settings": settings, **empty, **more}


def listener(port=11434, address="0.0.0.0", **more):
    return {"address": address, "port": port, "pid": 9, "program": "nginx", "unit": "nginx.service", **more}


def refusals(seen, *, check_mode=True, **options):
    return desired_state(xeon(), {**DEFAULTS, "api_key": False, **options}, seen, Run("gpu1", check_mode))["refusals"]


@pytest.mark.parametrize(
    ("mask", "several", "said"),
    [
        (f"{FOLDER}/ollama@.service", True, "run systemctl unmask ollama@.service"),
        (f"{FOLDER}/ollama@a.service", True, "run systemctl unmask ollama@a.service"),
        ("/run/systemd/system/ollama.service", False, "run systemctl unmask --runtime ollama.service"),
        (f"{FOLDER}/ollama.service", True, "run systemctl unmask ollama.service"),
        (f"{FOLDER}/ollama.slice", False, "run systemctl unmask ollama.slice"),
        (DROPIN, False, "choose another name in ollama_dropin_name"),
        ("/run/systemd/system/ollama.service.d/override.conf", False, "masks the drop-in"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_mask_is_never_replaced(mask, several, said, check_mode):
    """Whoever masks a unit or a drop-in wants it away; what takes it off is named, and a dry run says it too."""
    (line,) = refusals(found(masks=[mask]), check_mode=check_mode, instances=TWO if several else "auto")
    assert said in line
    assert mask in line


@pytest.mark.parametrize(
    "mask", [f"{FOLDER}/ollama@.service", f"{FOLDER}/other.slice", f"{FOLDER}/ollama.service.d/x.conf"]
)
def test_a_mask_of_what_the_plan_does_not_need_is_left_alone(mask):
    """One server has no use for the template."""
    assert refusals(found(masks=[mask])) == []


def test_a_link_in_the_place_of_our_file_is_not_replaced():
    """The file that it leads to is somebody's."""
    (line,) = refusals(found(links={DROPIN: "/srv/git/x.conf", f"{FOLDER}/ollama.service": "/usr/lib/x"}))
    assert line.startswith(f"{DROPIN} is a link to /srv/git/x.conf")


def test_a_folder_that_cannot_be_written_matters_where_something_is_to_change():
    """Each cause once, with the files that it keeps from being written; a folder for nothing does not count."""
    reason = f"{FOLDER} is on a file system that is mounted read-only"
    host = found(unwritable={FOLDER: reason, "/etc/ollama": "x", "/var/lib/inference.ollama": "y is full of rights"})
    first, second = refusals(host)
    assert f"cannot be written: {reason}" in first
    assert "ollama_staging_root renders it" in first
    assert second == "/var/lib/inference.ollama/states cannot be written: y is full of rights"


def test_a_host_that_has_the_files_already_needs_to_write_none():
    """An image whose units were rendered by the role is read-only, and right."""
    state = desired()
    files = {file["path"]: file for file in state["files"]}
    host = found(files=sorted(files), unwritable={FOLDER: "read-only"})
    host["digests"] = {path: digest(file["content"]) for path, file in files.items()}
    host["headed"] = sorted(files)
    assert refusals(host) == []


@pytest.mark.parametrize(
    ("row", "host", "refused"),
    [
        (listener(), "auto", True),
        (listener(address="127.0.0.1"), "auto", True),
        (listener(address="10.0.0.1"), "auto", False),
        (listener(address="::"), "auto", True),
        (listener(address="10.0.0.1"), "0.0.0.0:11434", True),
        (listener(port=11435), "auto", False),
        (listener(unit="ollama.service", program="ollama"), "auto", False),
        (listener(unit="user@1000.service/ollama.service"), "auto", True),
        (listener(unit="ollama-gpu@0.service"), "auto", True),
        (listener(unit=None, pid=None, program=None), "auto", False),
        (listener(), "localhost", True),
    ],
)
def test_a_port_that_another_program_holds_is_refused_with_its_holder(row, host, refused):
    """Before anything is written; what this run restarts holds its own port, and other addresses do not matter."""
    lines = refusals(found(listeners=[row]), **({} if host == "auto" else {"host": host, "exposure": "gateway"}))
    assert bool(lines) is refused
    assert not refused or f"held by {row['program']} (PID 9, {row['unit']})" in lines[0]


def test_a_port_that_a_container_holds_is_refused_by_the_name_of_the_container():
    """Once, and not by that of the engine's process; the sentence says how the role takes it over."""
    proxy = listener(unit="docker.service", program="docker-proxy")
    (line,) = refusals(found(listeners=[proxy], containers=held(container())))
    assert "is held by the docker container ollama, which listens on 127.0.0.1" in line
    assert "run the playbook inference.ollama.lint" in line


def test_a_port_of_a_stopped_service_may_be_anybody_s():
    """Where no server of ours runs, a holder without a name is another program."""
    (line,) = refusals(found(active=[], listeners=[listener(unit=None, pid=None, program=None)]))
    assert "held by another program" in line


def test_a_server_with_a_network_of_its_own_has_its_own_ports():
    """What listens on the host does not matter to it."""
    host = found(listeners=[listener()], found_unit=unit("PrivateNetwork=yes"))
    assert not any("is held by" in line for line in refusals(host))


@pytest.mark.parametrize(
    ("optional", "path", "refused"),
    [(False, "/etc/o.env", True), (True, "/etc/o.env", False), (False, "/etc/ollama/secrets.env", False)],
)
def test_an_environment_file_that_is_missing_is_refused(optional, path, refused):
    """systemd does not start the service without it, unless a dash says so or the role makes it."""
    entry = {"path": path, "optional": optional, "problem": "it does not exist"}
    host = found(found_unit=unit(environment_files=[entry]))
    assert any("EnvironmentFile= of ollama.service names it" in line for line in refusals(host)) is refused


def test_a_store_that_the_unit_hides_is_refused_with_the_directive():
    """Whatever the bare user may do, the service cannot; a link is followed."""
    host = found(found_unit=unit("ProtectHome=yes"), store_real="/home/models")
    (line,) = refusals(host, models_path="/srv/models")
    assert line.startswith("ollama_models_path: '/srv/models', which is /home/models, is out of the service's reach")
    assert "ProtectHome=yes (/u:2) hides it" in line
    assert refusals(found(found_unit=unit("ProtectHome=yes")), models_path="/srv/models") == []


def test_an_ollama_under_another_manager_is_named():
    """Whoever installs a second one beside it would have two servers and one port."""
    machine = xeon()
    machine["software"]["ollama"] = None
    host = found(
        other_managers=[{"manager": "snap", "path": "/snap/bin/ollama"}], listeners=[listener(program="ollama")]
    )
    (line,) = desired(host, machine)["refusals"]
    assert desired(host, machine, check_mode=True)["refusals"] == [line]
    for part in ("/snap/bin/ollama: snap starts it", "port 11434 is held by ollama (PID 9", "Install Ollama first"):
        assert part in line


def test_several_instances_are_refused_by_the_line_that_one_alone_can_have():
    """In preflight, with everything else that is wrong."""
    lines = refusals(found(found_unit=unit("PIDFile=/run/x"), masks=[f"{FOLDER}/ollama@.service"]), instances=TWO)
    assert len(lines) == 2
    assert lines[0].startswith("ollama_instances: /u:2: PIDFile= cannot hold for several instances")


def test_the_template_has_the_lines_of_the_installed_unit():
    """A wrapper, too; and no drop-in of others is left behind, so none is warned of."""
    machine = xeon()
    machine["software"]["ollama"]["unit"]["dropins"] = [f"{FOLDER}/ollama.service.d/zz.conf"]
    state = desired(found(found_unit=unit("User=llm", "StateDirectory=o")), machine, instances=TWO)
    text = next(file["content"] for file in state["files"] if file["path"].endswith("ollama@.service"))
    assert {"User=llm", "StateDirectory=o", "ExecStart=/usr/local/bin/ollama serve"} <= set(text.splitlines())
    assert "dropins-left-behind" not in [warning["code"] for warning in state["plan"]["warnings"]]


def lacking(directive, value="/no/such"):
    """An entry of missing."""
    return {"directive": directive, "value": value, "file": directive and "/u", "line": directive and 3}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            lacking("ExecStart", "/usr/local/bin/ollama"),
            "/usr/local/bin/ollama: ExecStart= of ollama.service (/u:3) starts it, and there is no such program",
        ),
        (lacking("ExecStartPre"), "/no/such: ExecStartPre= of ollama.service (/u:3) starts it"),
        (lacking("WorkingDirectory"), "make the folder, or write a dash before its name"),
        (lacking("ReadWritePaths"), "/no/such: ReadWritePaths= of ollama.service (/u:3) names it, and it does not"),
        (lacking("User", "bob"), "User=bob of ollama.service (/u:3): there is no such user on this host"),
        (lacking("SupplementaryGroups", "g"), "SupplementaryGroups=g of ollama.service (/u:3): there is no such group"),
        (lacking(None), "ollama_binary_path: '/no/such' is no program of this host"),
    ],
)
def test_what_keeps_a_service_from_starting_is_refused(entry, said, check_mode):
    """Before it is stopped, with the line that names it and what to do; a dry run says the same."""
    (line,) = refusals(found(missing=[entry]), check_mode=check_mode)
    assert said in line


def test_a_command_that_the_plan_replaces_may_be_missing():
    """The unit's own program is not started then; what runs before it is."""
    seen = found(missing=[lacking("ExecStart"), lacking("ExecStartPre")])
    (line,) = refusals(seen, binary_path="/opt/ollama/bin/ollama")
    assert "ExecStartPre=" in line
