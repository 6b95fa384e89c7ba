# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired state of a host, from its topology, the role's variables and what was found on it (_desired.py)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import FIREWALLD_FILE, HEADER, PROGRAMS_FOLDER
from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER as FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils._desired import Run, desired_state
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import extra_paths
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import questions
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import key_errors
from ansible_collections.inference.ollama.tests.unit.support.containers import container, held
from ansible_collections.inference.ollama.tests.unit.support.found import FILE, found_unit
from ansible_collections.inference.ollama.tests.unit.support.measured import record_of
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

ROLE = Path(__file__).resolve().parents[4] / "roles/ollama"
DEFAULTS = {
    name.removeprefix("ollama_"): value
    for name, value in yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8")).items()
}
DROPIN = f"{FOLDER}/ollama.service.d/override.conf"
OTHER = f"{FOLDER}/ollama.service.d/override-found.conf"
SLICE = f"{FOLDER}/ollama.slice.d/override.conf"
TEMPLATE = f"{FOLDER}/ollama@.service"
FIREWALL = ["/etc/inference.ollama/firewall.nft", "/etc/systemd/system/inference-ollama-firewall.service"]
SYSCTL, TMPFILES, SECRETS = "/etc/sysctl.d/90-ollama.conf", "/etc/tmpfiles.d/ollama.conf", "/etc/ollama/secrets.env"
VARIABLES = "/etc/inference.ollama/variables.json"
BOOT = f"{FOLDER}/default.target.wants"
TWO = [{"name": "a"}, {"name": "b"}]
UNITS = ["ollama@a.service", "ollama@b.service"]


def found(**said):
    """What unit_files_info returns of a host on which Ollama was just installed, runs, and starts at boot."""
    return {
        "files": [f"{FOLDER}/ollama.service"],
        "headed": [],
        "digests": {},
        "different": [],
        "boot_links": [f"{BOOT}/ollama.service"],
        "active": ["ollama.service"],
        "unfinished": False,
        "store_problem": None,
        "problems": [],
        **said,
    }


def desired(host=None, topology=None, *, check_mode=False, preflight=True, **options):
    return desired_state(
        topology or xeon(),
        {**DEFAULTS, "api_key": False, **options},
        host or found(),
        Run("gpu1", check_mode, preflight),
    )


def digest(text, mode="0644"):
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "mode": mode}


def after(state, **said):
    """What is found on a host after a run has written ``state``."""
    units = [unit["unit"] for unit in state["units"]]
    # The role here has no programs, whose SHA-256 is empty then.
    files = {
        file["path"]: digest(file["content"]) if "content" in file else {"sha256": "", "mode": "0644"}
        for file in state["files"]
    }
    return found(
        files=sorted(files),
        headed=sorted(file["path"] for file in state["unit_files"]),
        **{
            "digests": files,
            "boot_links": [f"{BOOT}/{unit}" for unit in units],
            "active": units,
            **said,
        },
    )


def without(topology, *keys):
    """The topology of a host where some of what is known of Ollama is not."""
    topology["software"]["ollama"].update(dict.fromkeys(keys))
    return topology


# What a run does.


GUARDED = {
    "instances": [{"name": "a", "host": "0.0.0.0:1"}, {"name": "b"}],
    "exposure": "firewall",
    "exposure_networks": ["10.0.0.0/8"],
}


def test_rules_are_written_loaded_and_taken_away_with_the_address():
    """They are files of the change as any other; what an earlier run has loaded is stopped by its unit."""
    first = desired(**GUARDED)
    assert set(FIREWALL) < {file["path"] for file in first["files"]}
    assert first["firewall"]["unit"] == FIREWALL[1].rpartition("/")[2]
    again = desired(after(first), **GUARDED)
    assert (again["pending"], again["firewall"], again["probe"]) == (False, None, first["probe"])
    closed = desired(after(first), other_variables="accept")
    assert (closed["firewall"], closed["probe"]) == (None, None)
    assert "inference-ollama-firewall.service" in closed["stop"]
    assert set(FIREWALL) < set(closed["absent"])
    unseen = found(missing=[{"directive": None, "value": "/usr/sbin/nft", "file": None, "line": None}])
    assert "install the package nftables" in desired(unseen, **GUARDED)["refusals"][0]


@pytest.mark.parametrize(("options", "programs"), [(GUARDED, ["/usr/sbin/nft"]), ({}, [])])
def test_the_program_of_the_rules_is_asked_for_where_there_are_some(options, programs):
    """A host without it is refused before anything changes."""
    asked = questions(xeon(), {**DEFAULTS, **options}, {})
    assert asked["programs"] == programs
    assert ("/etc/inference.ollama" in asked["writes"]) is bool(programs)


def test_a_fresh_host_gets_its_dropin_and_a_restart():
    """One file for it and one for its slice; nothing is removed but what may be left of an earlier plan."""
    state = desired()
    assert [file["path"] for file in state["files"]] == [SLICE, DROPIN]
    assert all(file["content"].startswith(HEADER) for file in state["files"])
    assert (state["changes"], state["restart"], state["start"], state["stop"]) == (
        [SLICE, DROPIN],
        ["ollama.service"],
        ["ollama.service"],
        [],
    )
    assert state["absent"] == [TMPFILES, SYSCTL, *FIREWALL, SECRETS]
    assert (state["pending"], state["live"], state["installed"]) == (True, True, True)
    assert state["units"] == [{"unit": "ollama.service", "url": "http://127.0.0.1:11434"}]


@pytest.mark.parametrize(
    "options", [{}, {"instances": TWO}, {"numa_balancing": False, "transparent_hugepage": "always"}]
)
def test_a_second_run_does_nothing(options):
    """Whatever the first one has written, runs or has set."""
    first = desired(**options)
    topology = xeon()
    topology["kernel"] = {**topology["kernel"], "numa_balancing": False, "transparent_hugepage": "always"}
    state = desired(after(first), topology, **options)
    assert state["pending"] is False
    assert [state[key] for key in ("changes", "restart", "start", "stop", "kernel")] == [[], [], [], [], []]


def test_a_changed_setting_restarts_the_service():
    """The drop-in that is found is not the one that is planned."""
    state = desired(after(desired()), keep_alive="7m")
    assert (state["changes"], state["restart"]) == ([DROPIN], ["ollama.service"])


def test_a_changed_mode_is_a_change():
    """file_transaction writes it again, and the unit may have read another text."""
    first = desired()
    digests = after(first)["digests"]
    text = first["files"][1]["content"]
    state = desired(after(first, digests={**digests, DROPIN: digest(text, "0600")}))
    assert state["changes"] == [DROPIN]
    assert desired(after(first, digests={**digests, DROPIN: None}))["changes"] == [DROPIN]


def test_a_changed_key_restarts_every_service():
    """Each of them reads the file of secrets; one that is as it should be restarts none."""
    first = desired(api_key=True, instances=TWO)
    assert SECRETS not in first["absent"]
    state = desired(after(first, different=[SECRETS]), api_key=True, instances=TWO)
    assert (state["changes"], state["restart"]) == ([SECRETS], UNITS)
    assert desired(after(first), api_key=True, instances=TWO)["restart"] == []


def test_a_key_that_was_taken_away_restarts_every_service():
    """The file goes, and so must the variable in the processes."""
    first = desired(api_key=True, instances=TWO)
    kept = after(first)
    kept["digests"] = {**kept["digests"], SECRETS: digest("x", "0600")}
    state = desired(kept, instances=TWO)
    assert SECRETS in state["absent"]
    assert SECRETS in state["changes"]
    assert state["restart"] == UNITS


def test_an_unfinished_change_restarts_every_service():
    """Nobody knows which of them the run that was killed had restarted."""
    state = desired(after(desired(instances=TWO), unfinished=True), instances=TWO)
    assert (state["changes"], state["restart"], state["pending"]) == ([], UNITS, True)


@pytest.mark.parametrize("said", [{"active": []}, {"boot_links": []}, {"active": None}])
def test_a_service_that_was_stopped_or_disabled_is_started(said):
    """No file differs, and nothing is restarted; where systemd does not answer, the role asks it itself."""
    state = desired(after(desired(), **said))
    assert (state["start"], state["restart"], state["pending"]) == (["ollama.service"], [], True)


def test_from_one_server_to_two():
    """The template and two drop-ins come, the former drop-in goes, and its service stops."""
    first = desired()
    state = desired(after(first), instances=TWO)
    assert [file["path"] for file in state["files"]] == [
        TEMPLATE,
        SLICE,
        *(f"{FOLDER}/{unit}.d/override.conf" for unit in UNITS),
    ]
    assert (state["stop"], state["restart"], state["start"]) == (["ollama.service"], UNITS, UNITS)
    assert (state["absent"][0], state["empty_folders"], state["stale"]) == (
        DROPIN,
        [f"{FOLDER}/ollama.service.d"],
        [DROPIN],
    )


def test_from_two_servers_back_to_one():
    """Template, drop-ins and the links by which the two start at boot go."""
    first = desired(instances=TWO)
    state = desired(after(first))
    links = [f"{BOOT}/{unit}" for unit in UNITS]
    assert set(state["absent"]) >= {TEMPLATE, *links, *(f"{FOLDER}/{unit}.d/override.conf" for unit in UNITS)}
    assert (state["stop"], state["restart"]) == (UNITS, ["ollama.service"])


def test_links_of_somebody_elses_template_stay():
    """What the role has not written it does not remove."""
    state = desired(found(boot_links=[f"{BOOT}/ollama@theirs.service", f"{BOOT}/ollama.service"]))
    assert (state["stop"], [path for path in state["absent"] if "theirs" in path]) == ([], [])


def test_a_service_that_is_not_planned_is_stopped_once():
    """Then it neither runs nor starts at boot, and there is nothing to do."""
    first = desired(instances=TWO)
    assert desired(after(first), instances=TWO)["stop"] == []
    assert desired(after(first, active=[*UNITS, "ollama.service"]), instances=TWO)["stop"] == ["ollama.service"]
    assert desired(after(first, active=None), instances=TWO)["stop"] == ["ollama.service"]


def test_what_somebody_wrote_by_hand_is_kept_beside_it():
    """A file of the role's name without its header goes on being read under another name, which sorts before."""
    theirs = found(files=[DROPIN], digests={DROPIN: digest("x")})
    state = desired(theirs)
    assert (state["kept"], state["backup"]) == ({DROPIN: OTHER}, [SLICE])
    assert state["changes"] == [OTHER, SLICE, DROPIN]
    assert f"{DROPIN} stays as {OTHER}, which systemd reads before it" in state["notices"]
    assert OTHER < DROPIN
    second = desired({**after(state), "files": sorted([DROPIN, OTHER, SLICE])})
    assert (second["kept"], second["backup"], second["changes"], second["pending"]) == ({}, [], [], False)
    assert OTHER not in second["absent"]


def test_the_drop_in_of_a_slice_is_kept_in_the_same_way():
    """Whoever wrote it by hand finds it again, and is shown that the weight can be set by one file alone."""
    state = desired(found(files=[SLICE], digests={SLICE: digest("x")}))
    assert state["kept"] == {SLICE: SLICE.replace(".conf", "-found.conf")}


def test_a_name_that_is_taken_is_refused():
    """Two files of somebody else's cannot have one name; the same content twice is what a killed run leaves."""
    digests = {DROPIN: digest("x"), OTHER: digest("y")}
    (line,) = desired(found(files=[DROPIN, OTHER], digests=digests))["refusals"]
    assert line.startswith(f"ollama_dropin_name: 'override.conf' would take the place of {DROPIN}, which would stay as")
    assert desired(found(files=[DROPIN, OTHER], digests={DROPIN: digest("x"), OTHER: digest("x")}))["refusals"] == []


def test_a_file_of_the_same_name_in_another_folder_is_refused():
    """systemd reads one file of a name, so that ours would hide it, or it ours."""
    vendor = "/usr/lib/systemd/system/ollama.service.d/override.conf"
    unit = {**found_unit({}), "dropins": [vendor]}
    (line,) = desired(found(found_unit=unit))["refusals"]
    assert line.startswith(f"ollama_dropin_name: 'override.conf' is the name of {vendor} too")
    assert desired(found(found_unit=unit), dropin_name="zz.conf")["refusals"] == []
    assert desired(found(found_unit=unit), instances=TWO)["refusals"] == []


@pytest.mark.parametrize("run", [{}, {"check_mode": True}, {"preflight": False}])
def test_an_address_or_a_store_that_would_change_is_refused_in_every_run(run):
    """A dry run and the playbook plan say so too."""
    theirs = found(files=[DROPIN], digests={DROPIN: digest("x")}, found_unit=found_unit({"OLLAMA_HOST": "0.0.0.0"}))
    assert desired(theirs, **run)["refusals"][0].startswith("ollama_adopt: auto changes neither")
    assert desired(theirs, **run, adopt="keep", exposure="gateway")["refusals"] == []


def test_a_file_that_would_win_is_refused_before_anything_changes():
    """The plan shows it as a warning, so that verify can still say what the running server has."""
    unit = found_unit({"OLLAMA_KEEP_ALIVE": "24h"}, file=FILE)
    (line,) = desired(found(found_unit=unit), keep_alive="1h")["refusals"]
    assert line.startswith(f"ollama_keep_alive: the plan sets OLLAMA_KEEP_ALIVE to 1h, and {FILE}:2 sets it to 24h")
    assert desired(found(found_unit=unit), keep_alive="1h", preflight=False)["refusals"] == []


def test_what_is_given_up_is_named_with_what_keeps_it():
    """Each setting of the replaced file, and each that the plan sets otherwise; what stays the same is not."""
    variables = {"OLLAMA_HOST": "127.0.0.1", "OLLAMA_KEEP_ALIVE": "24h", "HTTPS_PROXY": None}
    variables["OLLAMA_FLASH_ATTENTION"] = "1"
    unit = found_unit(variables, {"LimitNOFILE": "9", "Nice": "5", "Restart": "always"})
    theirs = found(files=[DROPIN], digests={DROPIN: digest("x")}, found_unit=unit)
    state = desired(theirs, adopt="replace")
    assert (state["kept"], state["backup"]) == ({}, [SLICE, DROPIN])
    assert state["notices"] == [
        f"was OLLAMA_KEEP_ALIVE=24h in {DROPIN}:3; not kept; ollama_keep_alive keeps it",
        f"was HTTPS_PROXY (its value is not shown) in {DROPIN}:4; not kept; ollama_environment.HTTPS_PROXY keeps it",
        f"was LimitNOFILE=9 in {DROPIN}:6; not kept; ollama_limit_nofile keeps it",
        f"was Nice=5 in {DROPIN}:7; not kept",
    ]
    assert desired(found(), adopt="replace")["notices"] == []


def test_what_was_kept_goes_once_it_is_given_up():
    """The file that an earlier run has kept is removed with a copy."""
    unit = {**found_unit({"OLLAMA_KEEP_ALIVE": "24h"}, file=OTHER), "dropins": [OTHER]}
    host = after(desired(), found_unit=unit)
    host.update(files=[*host["files"], OTHER], digests={**host["digests"], OTHER: digest("x")})
    state = desired(host, adopt="replace")
    assert (OTHER in state["absent"], state["backup"], state["changes"]) == (True, [OTHER], [OTHER])
    assert len(state["notices"]) == 1


def test_a_new_weight_restarts_nothing():
    """systemd gives it to the running slice when it reads its files again."""
    state = desired(after(desired()), cpu_weight=300)
    assert (state["changes"], state["restart"], state["start"], state["stop"]) == ([SLICE], [], [], [])
    assert state["pending"] is True


def test_a_new_slice_restarts_the_service_and_takes_the_former_drop_in_away():
    """A service changes its slice when it starts; the slice itself is never stopped, which would end all in it."""
    state = desired(after(desired()), slice="llm.slice")
    assert state["changes"] == [f"{FOLDER}/llm.slice.d/override.conf", DROPIN, SLICE]
    assert (state["restart"], state["stop"]) == (["ollama.service"], [])
    assert (state["stale"], state["empty_folders"]) == ([SLICE], [f"{FOLDER}/ollama.slice.d"])


def test_without_a_slice_its_drop_in_goes():
    """What is not planned any more is removed, and the service goes back to where its unit puts it."""
    state = desired(after(desired()), slice="none")
    assert (state["changes"], state["restart"], state["stop"]) == ([DROPIN, SLICE], ["ollama.service"], [])


@pytest.mark.parametrize("path", [f"{FOLDER}/ollama.slice", f"{FOLDER}/ollama.slice.d/50-CPUWeight.conf"])
def test_settings_of_somebody_else_for_the_slice_stay_and_are_named(path):
    """A file for the slice that the role has not written is neither changed nor removed, and the run says so."""
    state = desired(found(files=[path], digests={path: digest("x")}))
    assert path not in [*state["changes"], *state["absent"], *state["backup"]]
    assert [path in notice and SLICE in notice for notice in state["notices"]] == [True]
    assert desired(found(files=[path], digests={path: digest("x")}), slice="none")["notices"] == []


def test_the_kernel_is_set_where_it_has_another_value():
    """Now by its program, at the next boot by the file, and what it had is kept."""
    topology = xeon()
    topology["kernel"] = {**topology["kernel"], "numa_balancing": True}
    state = desired(topology=topology, numa_balancing=False)
    assert {file["path"]: file["content"].splitlines()[-1] for file in state["files"]}[SYSCTL] == (
        "kernel.numa_balancing = 0"
    )
    assert state["kernel"] == [{"path": SYSCTL, "argv": ["/usr/lib/systemd/systemd-sysctl", SYSCTL]}]
    assert state["kernel_files"] == ["/proc/sys/kernel/numa_balancing"]
    assert SYSCTL not in state["absent"]
    topology["kernel"]["numa_balancing"] = False
    assert desired(topology=topology, numa_balancing=False)["kernel"] == []


def test_a_staging_folder_gets_the_files_and_nothing_else_happens():
    """On a host that has no Ollama as well; no service is touched."""
    state = desired(topology=without(xeon(), "unit", "binary"), staging_root="/mnt/image/")
    assert [file["path"] for file in state["files"]] == [f"/mnt/image{SLICE}", f"/mnt/image{DROPIN}"]
    assert (state["live"], state["restart"], state["start"], state["stop"], state["kernel"]) == (
        False,
        [],
        [],
        [],
        [],
    )
    assert f"/mnt/image{SECRETS}" in state["absent"]


def test_a_dry_run_does_not_ask_systemd_for_a_template_that_is_not_there():
    """The units would not be found; a real run writes the template first."""
    dry = desired(after(desired()), check_mode=True, instances=TWO)
    assert (dry["restart"], dry["start"], dry["not_loadable"]) == ([], [], UNITS)
    real = desired(after(desired()), instances=TWO)
    assert (real["restart"], real["start"], real["not_loadable"]) == (UNITS, UNITS, [])


def test_the_state_is_data():
    """It is registered, and shown with -vvv."""
    state = desired(instances=TWO, api_key=True)
    assert json.loads(json.dumps(state)) == state


@given(st.permutations(["a", "b", "c"]), st.integers(1, 3), st.integers(1, 3))
def test_any_plan_follows_any_other(names, before, then):
    """What the last run wrote is written again or goes, what ran runs on or stops, and a third run does nothing."""
    old = desired(instances=[{"name": name} for name in names[:before]])
    new = desired(after(old), instances=[{"name": name} for name in names[-then:]])
    planned = {unit["unit"] for unit in new["units"]}
    assert {file["path"] for file in old["unit_files"]} <= {
        *new["absent"],
        *(file["path"] for file in new["files"]),
    }
    assert set(new["stop"]) == {unit["unit"] for unit in old["units"]} - planned
    assert set(new["restart"]) >= planned - {unit["unit"] for unit in old["units"]}
    assert not desired(after(new), instances=[{"name": name} for name in names[-then:]])["pending"]


# What is refused.


def refused(*arguments, **options):
    state = desired(*arguments, **options)
    assert set(state) == {"refusals"}
    return state["refusals"]


def test_three_wrong_numbers_give_three_lines():
    """Each with its name, its value and what is allowed."""
    lines = refused(start_timeout=0, verify_timeout="many", states_kept=101)
    assert lines == [
        "ollama_start_timeout: 0 is not allowed; allowed is a whole number from 1 to 3600",
        "ollama_verify_timeout: 'many' is not allowed; allowed is a whole number from 1 to 86400",
        "ollama_states_kept: 101 is not allowed; allowed is a whole number from 1 to 100",
    ]


def test_everything_that_is_wrong_is_named_at_once():
    """Options of the plan and of the role, a malformed release, and the host itself."""
    host = found(store_problem="user ollama cannot read, write and enter it")
    lines = refused(
        host,
        without(xeon(), "unit"),
        version="newest",
        num_threads=-4,
        max_queue=0,
        states_kept=0,
        state_folder="here",
        models_path="/nowhere",
        topology_root="/captured",
    )
    for name in ("version", "num_threads", "max_queue", "states_kept", "state_folder", "models_path", "topology_root"):
        assert len([line for line in lines if line.startswith(f"ollama_{name}: ")]) == 1, name
    assert lines[-1].startswith("ollama.service was not found on gpu1")
    assert len(lines) == 8


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((), {"staging_root": "image"}, ["ollama_staging_root: 'image'", "absolute path"]),
        ((), {"topology_root": "/x"}, ["ollama_topology_root: '/x'", "ollama_staging_root"]),
        ((), {"verify_accept": ["LimitMemlock", "unit"]}, ["no check 'LimitMemlock'", "LimitMEMLOCK"]),
        (
            (found(files=[TEMPLATE]),),
            {"instances": TWO},
            ["ollama_instances", TEMPLATE, "Move it away", "single"],
        ),
        (
            (found(store_problem="no"),),
            {"models_path": "/srv/models"},
            ["ollama_models_path: '/srv/models'", "user root", "directory"],
        ),
        (
            (None, {**without(xeon(), "version"), "problems": ["ollama --version did not answer within 5 s"]}),
            {},
            ["ollama_version", "--version did not answer within 5 s", "ollama_command_timeout"],
        ),
        ((), {"numa_node": 7}, ["ollama_numa_node: 7"]),
    ],
)
def test_what_is_refused(arguments, options, words, check_mode):
    """In one line that names the variable, what is wrong and what to do; in a dry run too."""
    (line,) = refused(*arguments, check_mode=check_mode, **options)
    assert [word for word in words if word not in line] == []


def test_a_host_without_ollama_is_refused_and_a_dry_run_goes_on():
    """It says what a real run would refuse."""
    bare = {**xeon(), "software": None}
    assert refused(topology=bare)[0].startswith("ollama.service was not found on gpu1")
    state = desired(topology=bare, check_mode=True)
    assert state["notices"][0].startswith("ollama.service was not found on gpu1")
    assert (state["live"], state["pending"]) == (False, True)


def test_without_preflight_only_what_cannot_be_planned_is_refused():
    """A plan of any machine can be shown."""
    bare = {**xeon(), "software": None}
    assert desired(topology=bare, preflight=False, topology_root="/captured")["installed"] is False
    assert refused(preflight=False, num_threads=-4)[0].startswith("ollama_num_threads: -4")


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("preflight", [False, True])
@pytest.mark.parametrize("adopt", [{}, {"adopt": "keep"}, {"adopt": "replace"}])
def test_a_failed_driver_is_refused_in_every_mode(check_mode, preflight, adopt):
    """A run, a dry run and a plan say the cause and the remedy; hiding the cards on purpose is the way past it."""
    card = {"vendor": "nvidia", "name": "Card", "pci_bus_id": "0000:04:00.0", "driver": "nvidia", "answers": None}
    error = "Failed to initialize NVML: Driver/library version mismatch"
    topology = xeon(gpus=[card], drivers={"nvidia": {"driver": "570.124.04", "cuda": None, "error": error}})
    modes = {"check_mode": check_mode, "preflight": preflight, **adopt}
    (refusal,) = desired(topology=topology, **modes)["refusals"]
    assert error in refusal
    assert "reboot" in refusal
    assert not desired(topology=topology, cuda_visible_devices="none", **modes)["refusals"]


def test_an_unread_release_is_no_reason_where_one_is_named():
    """Nor on a staging folder, nor without a program to ask."""
    for options in ({"version": "0.34.1"}, {"staging_root": "/mnt/image"}):
        assert desired(topology=without(xeon(), "version"), **options)["refusals"] == []
    assert desired(topology=without(xeon(), "version", "binary"))["refusals"] == []


@pytest.mark.parametrize(("key", "wrong"), [("", 0), ("sk-abc", 0), ("a\nb", 1), ("a\x7f", 1), ("\t", 1)])
def test_a_key_that_no_line_can_hold_is_refused_and_not_shown(key, wrong):
    """A line break in it would be a second variable."""
    lines = key_errors(key)
    assert len(lines) == wrong
    assert all(line.startswith("ollama_api_key: ") and "a\nb" not in line for line in lines)


# What is asked of the host.


def test_what_is_asked_of_a_host():
    """Its files, its services, an unfinished change, and the store as its user."""
    topology = xeon()
    topology["software"]["ollama"]["unit"]["user"] = "ollama"
    asked = questions(topology, {**DEFAULTS, "models_path": "/srv/models"}, {SECRETS: "x"})
    assert asked == {
        "folder": FOLDER,
        "header": HEADER,
        "paths": [
            *(SECRETS, TMPFILES, SYSCTL, VARIABLES, "/var/lib/inference.ollama/store.json"),
            *(*extra_paths(), *FIREWALL, FIREWALLD_FILE),
        ],
        "variables": VARIABLES,
        "secrets": {SECRETS: "x"},
        "services": True,
        "containers": True,
        "state_folder": "/var/lib/inference.ollama",
        "store": "/srv/models",
        "store_user": "ollama",
        "writes": [
            *("/etc/ollama", "/etc/sysctl.d", FOLDER, "/etc/tmpfiles.d"),
            *(PROGRAMS_FOLDER, "/var/lib/inference.ollama"),
        ],
        "programs": [],
        "folders": [],
        "ports": [11434],
        "command_timeout": 5,
    }


def test_the_folder_of_metrics_is_asked_for_and_refused_where_it_is_not_there():
    """Nobody would read what is written there; without metrics nobody asks."""
    folder = "/var/lib/prometheus/node-exporter"
    assert questions(xeon(), {**DEFAULTS, "metrics": True}, {})["folders"] == [folder]
    assert questions(xeon(), {**DEFAULTS, "metrics": True, "staging_root": "/mnt"}, {})["folders"] == []
    (line,) = desired(found(missing_folders=[folder]), metrics=True)["refusals"]
    assert line.startswith(f"ollama_metrics_folder: {folder} is not there")


def test_metrics_come_and_go():
    """Their timer is started and enabled; once they are not wanted it is stopped, and no file of theirs stays."""
    first = desired(found(variables=None), metrics=True)
    assert [each["name"] for each in first["beside"]] == ["inference-ollama-metrics.timer"]
    assert first["metrics_left"] == []
    link = f"{FOLDER}/timers.target.wants/inference-ollama-metrics.timer"
    host = kept(first, active=["ollama.service", "inference-ollama-metrics.timer"])
    host["boot_links"].append(link)
    assert not desired(host, metrics=True)["pending"]
    second = desired(host, other_variables="accept")
    assert second["stop"] == ["inference-ollama-metrics.timer"]
    assert second["metrics_left"][0] == "/var/lib/prometheus/node-exporter/inference_ollama.prom"
    assert {link, f"{FOLDER}/inference-ollama-metrics.service"} <= {*second["absent"]}


@pytest.mark.parametrize("path", ["", None, "models", "auto"])
def test_a_store_that_is_refused_or_not_named_is_not_tried(path):
    """The plan says what is wrong with it."""
    assert questions(xeon(), {**DEFAULTS, "models_path": path}, {})["store"] is None


def test_without_preflight_a_host_is_asked_for_its_files_alone():
    """The playbooks plan and verify work for users who may not read the snapshots."""
    asked = questions(xeon(), {**DEFAULTS, "models_path": "/srv"}, {}, preflight=False)
    assert (asked["folder"], asked["services"], asked["state_folder"], asked["store"]) == (FOLDER, False, None, None)


def test_a_staging_folder_is_asked_for_its_files_alone():
    """Services and store are those of another host."""
    asked = questions(xeon(), {**DEFAULTS, "staging_root": "/mnt/image/", "models_path": "/srv"}, {})
    assert (asked["folder"], asked["services"], asked["state_folder"], asked["store"]) == (
        f"/mnt/image{FOLDER}",
        False,
        None,
        None,
    )
    assert asked["paths"][0] == f"/mnt/image{SECRETS}"


# The variables that a host was made with.


def kept(state, **said):
    """What is found after a run, with the variables that it kept on the host."""
    texts = {file["path"]: file.get("content") for file in state["files"]}
    return after(state, variables=texts[VARIABLES], **said)


def made(**options):
    """A host that was made with these options."""
    return kept(desired(found(variables=None), **options))


def test_the_variables_are_kept_for_every_user_to_read():
    """In the transaction of the other files; of the key there is only that there is one."""
    state = desired(found(variables=None), api_key=True, keep_alive="24h")
    record = json.loads(state["files"][-1]["content"])
    assert (state["files"][-1]["path"], VARIABLES in state["changes"]) == (VARIABLES, True)
    assert record["variables"]["ollama_api_key"] is True
    assert record["variables"]["ollama_keep_alive"] == "24h"
    assert set(record["files"]) == {SLICE, DROPIN}


def test_a_second_run_with_the_same_variables_changes_nothing():
    """Nor does one that says the same in another type."""
    state = desired(made(num_threads="14", keep_alive="5m"), num_threads=14, keep_alive="5m")
    assert (state["pending"], state["origins"][DROPIN]) == (False, ORIGIN_SAME)


ORIGIN_SAME = "made with the same variables, for another release, other hardware or by another role"


def test_a_changed_value_is_applied_and_explained():
    """It names both values; nothing is refused, since nothing is removed."""
    state = desired(made(keep_alive="5m"), keep_alive="24h", environment={"OLLAMA_DEBUG": "1"})
    assert (state["refusals"], state["changes"]) == ([], [DROPIN, VARIABLES])
    assert state["origins"][DROPIN] == (
        "made with other variables: ollama_keep_alive is 24h here and was 5m on the host; ollama_environment has"
        " OLLAMA_DEBUG here and not on the host"
    )


def test_a_hand_edit_differs_from_other_variables():
    """By the digest that was kept of the file."""
    host = made(keep_alive="5m")
    host["digests"][DROPIN] = digest("x")
    assert desired(host, keep_alive="5m")["origins"][DROPIN] == "changed by hand since the role wrote it"
    del host["digests"][DROPIN]
    origin = desired(host, keep_alive="6m")["origins"][DROPIN]
    assert origin.startswith("removed or hidden by hand since the role wrote it, and made with other variables: ")


LEFT_OUT = [
    ({"api_key": True}, {}, "api_key", SECRETS),
    ({"instances": TWO}, {}, "instances", UNITS[0]),
    ({"instances": "single", "dropin_name": "tuning.conf"}, {}, "dropin_name", "tuning.conf"),
    ({"slice": "ai.slice"}, {}, "slice", "ai.slice.d/override.conf"),
    ({"transparent_hugepage": "always"}, {}, "transparent_hugepage", TMPFILES),
    ({"numa_balancing": False}, {}, "numa_balancing", SYSCTL),
]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("before", "now", "option", "lost"), LEFT_OUT)
def test_what_other_variables_made_is_not_removed_for_want_of_them(before, now, option, lost, check_mode):
    """The refusal names the variable, what would be lost and the one word that removes it."""
    host = made(**before)
    if option == "api_key":
        host["digests"][SECRETS] = digest("KEY", "0600")
    (refusal,) = desired(host, check_mode=check_mode, **now)["refusals"]
    assert refusal.startswith("ollama_other_variables: gpu1 was made with other variables: ")
    assert f"ollama_{option} is " in refusal
    assert lost in refusal
    assert refusal.endswith("ollama_other_variables: accept")
    state = desired(host, check_mode=check_mode, other_variables="accept", **now)
    assert (state["refusals"], state["pending"]) == ([], True)
    assert desired(host, preflight=False, **now)["refusals"] == []


def test_secrets_are_not_removed_for_want_of_their_variable():
    """The refusal says which names would be lost, though the file stays for the key's sake."""
    host = made(api_key=True, secret_environment=["A_TOKEN", "B_TOKEN"])
    (refusal,) = desired(host, api_key=True)["refusals"]
    assert "ollama_secret_environment has A_TOKEN on the host and not here, has B_TOKEN on the host" in refusal
    assert f"This run would remove A_TOKEN of {SECRETS}, B_TOKEN of {SECRETS}. Set ollama_secret_environment" in refusal
    assert desired(host, api_key=True, other_variables="accept")["refusals"] == []
    assert desired(host, api_key=True, secret_environment=["B_TOKEN"])["refusals"] == []


@pytest.mark.parametrize("options", [{"api_key": True}, {"secret_environment": ["A_TOKEN"]}])
def test_secrets_keep_their_file_and_a_changed_one_restarts(options):
    """Whichever variable they are of."""
    state = desired(found(different=[SECRETS]), **options)
    assert SECRETS not in state["absent"]
    assert state["restart"] == ["ollama.service"]
    assert SECRETS in desired()["absent"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"instances": TWO}, {"instances": TWO[:1]}),
        ({"instances": TWO}, {"instances": "single"}),
        ({"dropin_name": "tuning.conf"}, {"dropin_name": "other.conf"}),
        ({"slice": "ai.slice"}, {"slice": "none"}),
        ({"keep_alive": "24h"}, {}),
    ],
)
def test_what_a_variable_says_is_done(before, now):
    """A value that is named is meant, and so is a default where nothing is removed."""
    state = desired(made(**before), **now)
    assert (state["refusals"], state["pending"]) == ([], True)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "variables": [], "files": {}}', "[" * 9999]
)
def test_damaged_variables_are_none(text):
    """The next run writes them as they should be."""
    state = desired(made(api_key=True) | {"variables": text})
    assert (state["refusals"], state["origins"], VARIABLES in state["changes"]) == ([], {}, True)


def test_a_host_has_one_set_of_variables_in_a_run():
    """A second use with others is refused, whatever they are; with the same ones it changes nothing."""
    first = desired(dropin_name="a.conf")
    again = Run("gpu1", earlier=first["earlier"])

    def second(run=again, **options):
        return desired_state(xeon(), {**DEFAULTS, "api_key": False, **options}, after(first), run)

    (refusal,) = second(dropin_name="b.conf")["refusals"]
    assert "ollama_dropin_name is b.conf here and was a.conf before" in refusal
    assert second(dropin_name="a.conf")["pending"] is False
    assert second(dropin_name="b.conf", other_variables="accept")["refusals"] == []
    assert second(dropin_name="b.conf", staging_root="/image")["refusals"] == []
    assert second(Run("gpu1", preflight=False, earlier=first["earlier"]), dropin_name="b.conf")["refusals"] == []


def test_what_was_measured_may_change_between_two_uses_of_a_run():
    """A search applies one point after the other; each use has its own, and no other variable may differ."""
    first = desired(found(variables=None), measured=[record_of(xeon(), {"num_parallel": 2}, value=None)])
    again = Run("gpu1", earlier=first["earlier"])
    options = {**DEFAULTS, "api_key": False, "measured": [record_of(xeon(), {"num_parallel": 3})]}
    second = desired_state(xeon(), options, kept(first), again)
    assert (second["refusals"], second["restart"]) == ([], ["ollama.service"])
    assert len(desired_state(xeon(), {**options, "keep_alive": "2h"}, kept(first), again)["refusals"]) == 1


def test_a_host_keeps_the_record_that_its_plan_took():
    """Records for other hosts change nothing on it, and the record explains what differs later."""
    record, other = record_of(xeon(), {"num_parallel": 3}), record_of(xeon(), {"num_parallel": 4}, hardware="0" * 16)
    state = desired(found(variables=None), measured=[record])
    assert json.loads(state["files"][-1]["content"])["variables"]["ollama_measured"] == [record]
    assert desired(kept(state), measured=[other, record])["pending"] is False
    later = desired(kept(state), measured=[{**record, "settings": {"num_parallel": 2}}])
    assert (later["refusals"], later["notices"]) == ([], [])
    assert later["origins"][DROPIN] == (
        "made with other variables: ollama_measured has num_parallel 2, measured for llama3.1:8b on node-17"
        " here and had num_parallel 3, measured for llama3.1:8b on node-17 on the host"
    )
    assert desired(kept(state))["origins"][DROPIN].startswith(
        "made with other variables: ollama_measured has no record that counts here and had num_parallel 3, measured for"
    )


def test_a_host_whose_record_is_gone_goes_back_to_the_rules_with_a_notice():
    """It says what counted, and why it does not any more; several servers that were measured go without a refusal."""
    record = record_of(xeon(), {"num_parallel": 3, "instances": "per_numa_node"})
    state = desired(found(variables=None), measured=[record])
    before = kept(state, active=["ollama@node0.service", "ollama@node1.service"])
    without_any = desired(before)
    assert (without_any["refusals"], without_any["plan"]["measured"]) == ([], None)
    assert without_any["stop"] == ["ollama@node0.service", "ollama@node1.service"]
    lost = (
        "instances per_numa_node, num_parallel 3, measured for llama3.1:8b on node-17, no longer counts, and the rules"
    )
    why = "ollama_measured has no such record any more, or other variables say what it said"
    assert without_any["notices"] == [f"{lost} decide again: {why}"]
    (notice,) = desired(before, measured=[{**record, "release": "0.33.0"}])["notices"]
    assert notice.startswith(f"{lost} decide again: ollama_measured: llama3.1:8b on node-17 was measured with")
    again = desired(kept(without_any))
    assert (again["pending"], again["notices"]) == (False, [])


@pytest.mark.parametrize("value", [None, 7, "x", [7], [{}], [{"settings": 7, "host": 1}], [{"settings": {"a": {}}}]])
def test_a_damaged_record_on_a_host_stops_nothing(value):
    """Somebody may have edited the file."""
    host_ = made()
    text = json.loads(host_["variables"])
    text["variables"]["ollama_measured"] = value
    state = desired({**host_, "variables": json.dumps(text)})
    assert state["refusals"] == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_forgotten_become_is_refused_alone(check_mode):
    """What cannot be found out without the rights is not guessed at."""
    host = found(user_id=1000, store_problem="runuser: may not be used by non-root users")
    (refusal,) = desired(host, check_mode=check_mode)["refusals"]
    assert refusal.startswith("become: ")
    assert desired(host, preflight=False)["refusals"] == []
    assert desired(host, staging_root="/image")["refusals"] != [refusal]


def test_what_a_search_may_change_is_returned():
    """Only where one is asked for."""
    options, asked = {**DEFAULTS, "api_key": False}, {"knobs": ["flash_attention"]}
    made = desired_state(xeon(), options, found(), Run("gpu1", search=asked))
    assert made["space"]["start"] == {"flash_attention": True}
    assert desired()["space"] is None


# Containers of Podman.

CONTAINER = "/etc/containers/systemd/ollama.container"
PODMAN = {"deployment": "podman", "image": f"docker.io/ollama/ollama:0.34.1@sha256:{'0' * 64}"}
ENGINE = {
    "program": "/usr/bin/podman",
    "version": "5.4.2",
    "generator": "/x",
    "image_there": False,
    "problems": [],
    "cgroup_version": 2,
    "controllers": ["cpuset"],
    "cdi": {},
}


def bare(**said):
    """What is found on a host that has Podman and no Ollama."""
    return found(files=[], boot_links=[], active=[], found_unit=None, engine=ENGINE, **said)


def test_a_host_without_ollama_gets_a_container():
    """Nothing has to be installed: the files are written, the image is fetched, systemd needs no links."""
    host = without(xeon(), "unit", "binary", "version")
    made = desired(bare(), host, **PODMAN)
    assert made["refusals"] == []
    assert [file["path"] for file in made["unit_files"]] == [SLICE, CONTAINER, DROPIN]
    assert made["engine"]["argv"][:4] == ["/usr/bin/podman", "--remote=false", "pull", "--quiet"]
    assert made["engine"]["argv"][4] == PODMAN["image"].replace(":0.34.1", "")
    assert (made["restart"], made["start"], made["enable"]) == (["ollama.service"], ["ollama.service"], False)
    assert made["store"] == "/var/lib/ollama/.ollama/models"
    dry = desired(bare(), host, check_mode=True, **PODMAN)
    assert (dry["restart"], dry["start"], dry["not_loadable"]) == ([], [], ["ollama.service"])
    again = desired(after(made, boot_links=[], engine={**ENGINE, "image_there": True}), host, **PODMAN)
    assert (again["pending"], again["engine"]) == (False, None)


def test_an_installed_unit_gives_its_place_to_the_container_and_is_kept():
    """systemd would read it first; a copy stays, and the run reports it."""
    unit = f"{FOLDER}/ollama.service"
    made = desired(found(engine=ENGINE, missing=[{"directive": "ExecStart", "value": "/gone"}]), **PODMAN)
    assert made["refusals"] == []
    assert unit in made["absent"]
    assert unit in made["backup"]
    assert any(unit in notice for notice in made["notices"])


def test_a_host_without_an_engine_and_one_with_a_container_are_refused():
    """Before anything is written; what a unit sets reaches no container."""
    assert (
        "install the package podman"
        in desired(bare() | {"engine": {**ENGINE, "program": None}}, **PODMAN)["refusals"][0]
    )
    host = xeon()
    host["software"]["ollama"]["unit"]["path"] = "/run/systemd/generator/ollama.service"
    made = desired(found(headed=[CONTAINER], files=[CONTAINER]), host)
    assert any(line.startswith("ollama_deployment: 'systemd'") for line in made["refusals"])


def test_a_container_that_is_no_longer_planned_is_stopped_and_not_disabled():
    """systemctl disables no unit that a generator has made."""
    ours = "/etc/containers/systemd/ollama@a.container"
    runs = {"active": ["ollama.service", "ollama@a.service"], "engine": ENGINE}
    made = desired(found(headed=[ours], files=[ours], digests={ours: digest("")}, **runs), **PODMAN)
    assert (made["stop"], made["generated"]) == (["ollama@a.service"], ["ollama@a.service"])


def test_a_container_of_docker_becomes_one_of_podman():
    """Unit, link and container of Docker go, and it is stopped while systemd knows how."""
    unit, link = f"{FOLDER}/ollama.service", f"{FOLDER}/multi-user.target.wants/ollama.service"
    file = "/etc/inference.ollama/containers/ollama.service.json"
    host = xeon()
    host["software"]["ollama"]["unit"]["path"] = unit
    ours = [unit, file, DROPIN]
    runs = {"engine": ENGINE, "active": ["ollama.service"], "boot_links": [link], "found_unit": None}
    runs["containers"] = held(container(ours=True, main_pid=None))
    made = desired(found(headed=ours, files=ours, digests={path: digest("") for path in ours}, **runs), host, **PODMAN)
    assert made["refusals"] == []
    assert sorted(set(made["absent"]) & {unit, file, link}) == sorted([unit, file, link])
    assert [path for path in made["absent"] if made["absent"].count(path) > 1] == []
    assert not any(unit in notice for notice in made["notices"])
    assert (made["ended"], made["stop"], made["restart"]) == (["ollama.service"], [], ["ollama.service"])
    assert [command[-1] for command in made["containers"]["gone"]] == ["ollama"]
