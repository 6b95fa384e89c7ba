# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed on a host, and how it becomes a part of the change."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._desired import Run, desired_state
from ansible_collections.inference.ollama.plugins.plugin_utils._install.applied import questions_with, topology_with
from ansible_collections.inference.ollama.plugins.plugin_utils._install.decide import kept_releases
from ansible_collections.inference.ollama.plugins.plugin_utils._install.unit import FOUND, UNIT, found_dropin
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import questions
from ansible_collections.inference.ollama.tests.unit.plugins.plugin_utils.test_desired import DEFAULTS, digest, found
from ansible_collections.inference.ollama.tests.unit.support.installs import (
    BASE,
    FOLDER,
    LINKS,
    PROGRAM,
    SHA256,
    by_script,
    decided,
    info,
    installed,
    source,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon


def bare(**facts):
    """A topology of a host without Ollama."""
    return xeon(software={"systemd": 252, "numactl": None, "ollama": None}, **facts)


def test_a_bare_host_gets_everything():
    """The release from the vendor, an account in the groups of GPUs, two links and a unit with a PATH of its own."""
    found = decided(topology=bare())
    assert (found["refusals"], found["notices"], found["version"]) == ([], [], "0.32.15")
    url = f"https://github.com/ollama/ollama/releases/download/v0.32.15/{BASE}"
    assert found["stage"]["archives"] == [{"name": BASE, "url": url, "path": None, "sha256": SHA256}]
    assert found["stage"]["checksums"] == {"url": url.replace(BASE, "sha256sum.txt")}
    assert found["stage"]["needed"] is True
    assert found["links"] == LINKS
    assert found["changed_links"] == list(LINKS)
    assert (found["kept"], found["backup"], found["unit"]) == ({}, [], None)
    account = found["account"]
    assert (account["user"], account["group"], account["home"]) == ("ollama", "ollama", "/usr/share/ollama")
    assert (account["there"], account["missing_groups"]) == (False, ["render", "video"])
    lines = found["texts"][UNIT].splitlines()
    assert lines[0].startswith("# Managed by Ansible, role inference.ollama.ollama_install:")
    assert f"ExecStart={PROGRAM} serve" in lines
    assert 'Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' in lines
    assert f"RequiresMountsFor={FOLDER} /usr/share/ollama" in lines


def test_the_same_release_again_is_no_change():
    """Nothing is fetched, and no link leads elsewhere."""
    found = decided(installed())
    assert found["refusals"] == []
    assert (found["changed_links"], found["kept"], found["backup"]) == ([], {}, [])
    assert found["stage"]["needed"] is False
    assert found["account"]["missing_groups"] == []


@pytest.mark.parametrize(("there", "wanted"), [("0.31.2", "0.32.15"), ("0.32.15", "0.31.2")])
def test_another_release_moves_one_link(there, wanted):
    """Up as down; the program's link leads through it."""
    found = decided(installed(there, sources=[source()]), release=wanted)
    assert (found["refusals"], found["before"]) == ([], there)
    assert found["changed_links"] == [f"{FOLDER}/current"]
    assert found["links"][f"{FOLDER}/current"] == f"releases/{wanted}"


def test_a_release_without_a_part_is_completed():
    """It is unpacked again, and the unit changes with it, so that the service restarts; what is there beyond stays."""
    amd = {"vendor": "amd", "name": "x"}
    rocm = "ollama-linux-amd64-rocm.tar.zst"
    host = installed(sources=[source(), source(rocm)])
    found = decided(host, parts=["rocm"])
    assert (found["refusals"], found["stage"]["needed"], found["changed_links"]) == ([], True, [])
    assert found["notices"] == [f"release 0.32.15 was unpacked without {rocm}, and is unpacked again with it"]
    assert [archive["name"] for archive in found["stage"]["archives"]] == [BASE, rocm]
    assert "# The release has the parts rocm too." in found["texts"][UNIT].splitlines()
    assert decided(installed(), topology=xeon(gpus=[amd]))["stage"]["needed"] is True
    whole = installed(releases=[{"version": "0.32.15", "complete": True, "archives": [{"name": BASE}, {"name": rocm}]}])
    assert [decided(whole, parts=parts)["stage"]["needed"] for parts in (["rocm"], [])] == [False, False]
    assert decided(whole, parts=["rocm"])["notices"] == []


@pytest.mark.parametrize(
    ("there", "says", "links"),
    [
        ("0.31.2", "0.31.2 is in use", [f"{FOLDER}/current"]),
        ("0.33.0", "0.33.0 is in use", [f"{FOLDER}/current"]),
        ("0.32.15", "0.32.15 is in use", []),
        (None, "none is in use", list(LINKS)),
    ],
)
def test_the_latest_release_is_named(there, says, links):
    """What the word means today, beside the release that it takes the place of: older, newer, the same, or none."""
    host = {**(installed(there, sources=[source()]) if there else info()), "latest": "0.32.15"}
    found = decided(host, release="latest")
    assert (found["refusals"], found["version"], found["changed_links"]) == ([], "0.32.15", links)
    assert found["notices"] == [f"ollama_install_version: the latest release is 0.32.15, and {says}"]


def test_folders_above_a_store_are_roots():
    """But for those in the home of the service, where it has to write; the home itself comes with the account."""
    store = {"there": False, "parents": ["/srv/a", "/srv/a/b"]}
    above = decided(info(store=store), models_path="/srv/a/b/models")
    assert above["store_parents"] == [{"path": path, "owner": "root"} for path in store["parents"]]
    store = {"there": False, "parents": ["/usr/share/ollama", "/usr/share/ollama/.ollama"]}
    within = decided(info(store=store), models_path="/usr/share/ollama/.ollama/models")
    assert within["store_parents"] == [{"path": "/usr/share/ollama/.ollama", "owner": "ollama"}]
    assert within["store_there"] is False


def test_a_first_installation_that_fails_says_what_it_leaves():
    """Its release, its account and its store; where another release runs again there is nothing to say."""
    made = decided(info(store={"there": False, "parents": []}), models_path="/srv/models")["leaves"]
    assert [line.partition(" stays")[0] for line in made[:-1]] == [
        f"{FOLDER}/releases/0.32.15",
        "account ollama",
        "/srv/models",
    ]
    assert decided(installed("0.31.2", sources=[source()]))["leaves"] == []
    assert decided(by_script(), adopt=True)["leaves"] == []


def test_an_ollama_of_somebody_else_is_taken_over_on_demand():
    """Its program is kept, its unit copied, and what that said beyond ours stays in force."""
    settings = [
        {"section": section, "directive": name, "value": value, "secret": False, "file": UNIT, "line": line}
        for line, (section, name, value) in enumerate(
            [
                ("Unit", "After", "network-online.target"),
                ("Unit", "After", "zfs.target"),
                ("Service", "ExecStart", "/usr/local/bin/ollama serve"),
                ("Service", "User", "ollama"),
                ("Service", "Environment", '"PATH=/root/bin:/usr/bin"'),
                ("Service", "Environment", "OLLAMA_HOST=10.0.0.1:11434"),
                ("Service", "LimitNOFILE", "65536"),
                ("Install", "WantedBy", "default.target"),
            ],
            1,
        )
    ]
    found = decided(by_script(), {"path": UNIT, "settings": settings}, adopt=True)
    assert found["refusals"] == []
    assert found["kept"] == {PROGRAM: f"{PROGRAM}.found"}
    assert found["backup"] == [UNIT]
    assert found["texts"][FOUND].splitlines()[1:] == [
        "[Unit]",
        "After=zfs.target",
        "",
        "[Service]",
        "Environment=OLLAMA_HOST=10.0.0.1:11434",
        "LimitNOFILE=65536",
    ]
    assert "is taken over" in found["notices"][0]


def test_settings_of_other_files_and_secrets_are_not_copied():
    """They stay where they are, or are named."""
    row = {"section": "Service", "line": 3, "secret": False, "value": "1"}
    settings = [
        {**row, "directive": "Nice", "file": "/etc/systemd/system/ollama.service.d/a.conf"},
        {**row, "directive": "Environment", "file": UNIT, "secret": True, "value": None},
    ]
    assert found_dropin(settings, UNIT) == (None, [f"Environment= ({UNIT}:3)"])


def test_the_change_of_a_bare_host_is_planned_whole():
    """The plan is of the release and the unit that will be there, in a dry run too, and starts the service."""
    topology, install = bare(), decided(topology=bare())
    options = {**DEFAULTS, "api_key": False}
    after = topology_with(topology, install)
    asked = questions_with(questions(after, options, {}), install)
    assert asked["planned"] == install["texts"]
    assert {FOLDER, "/usr/local/bin"} <= set(asked["writes"])
    state = found(files=[], boot_links=[], active=[], missing=[{"directive": "User", "value": "ollama"}])
    for check_mode in (False, True):
        made = desired_state(after, options, state, Run("gpu1", check_mode, install=install))
        assert made["refusals"] == []
        assert made["plan"]["release"] == "0.32.15"
        assert made["live"]
        assert made["pending"]
        assert made["links"] == LINKS
        assert {UNIT, *LINKS} <= set(made["changes"])
        assert UNIT in {file["path"] for file in made["files"]}
        loadable = ([], ["ollama.service"]) if check_mode else (["ollama.service"], [])
        assert (made["start"], made["not_loadable"]) == loadable


def test_the_same_release_and_files_change_nothing():
    """A second run has nothing to do; another release restarts every server."""
    install, options = decided(installed()), {**DEFAULTS, "api_key": False}
    first = desired_state(topology_with(xeon(), install), options, found(), Run("gpu1", install=install))
    files = {file["path"]: digest(file["content"]) for file in first["files"]}
    state = found(files=sorted(files), headed=[path for path in files if path != UNIT], digests=files)
    again = desired_state(topology_with(xeon(), install), options, state, Run("gpu1", install=install))
    assert (again["changes"], again["pending"], again["restart"]) == ([], False, [])
    install = decided(installed("0.31.2", sources=[source()]))
    other = desired_state(topology_with(xeon(), install), options, state, Run("gpu1", install=install))
    assert other["restart"] == ["ollama.service"]


def test_refusals_of_both_come_together_and_once():
    """What is wrong with the installation, beside what is wrong with the plan."""
    install = decided(by_script())
    options = {**DEFAULTS, "api_key": False, "num_threads": -4}
    made = desired_state(topology_with(xeon(), install), options, found(), Run("gpu1", install=install))
    assert [line.partition(":")[0] for line in made["refusals"]] == ["ollama_num_threads", "ollama_install"]


def test_wrong_variables_of_the_installation_alone():
    """No sentence says that Ollama has to be installed first."""
    made = desired_state(
        bare(), {**DEFAULTS, "api_key": False}, found(), Run("gpu1", install={"decided": False, "refusals": ["a", "a"]})
    )
    assert made["refusals"] == ["a"]


def test_releases_that_stay():
    """That which will run, those of kept states, and the newest others."""
    rows = [{"version": version} for version in ("0.9.3", "0.31.0-rc1", "0.31.0", "0.30.2", "odd", "0.32.15")]
    stay = kept_releases({"releases": rows}, {"version": "0.32.15"}, 2, ["releases/0.9.3", "/dev/null"])
    assert stay == ["0.31.0", "0.31.0-rc1", "0.32.15", "0.9.3"]


@pytest.mark.parametrize(
    ("system", "install"),
    [
        ({"id": "debian", "id_like": []}, ["apt-get", "--yes", "--no-install-recommends", "install", "zstd"]),
        ({"id": "linuxmint", "id_like": ["ubuntu", "debian"]}, ["apt-get", "--yes", "--no-install-recommends"]),
        ({"id": "rocky", "id_like": ["rhel", "centos", "fedora"]}, ["dnf", "--assumeyes", "install", "zstd"]),
        ({"id": "opensuse-leap", "id_like": ["suse"]}, ["zypper", "--non-interactive", "install"]),
        ({"id": "arch", "id_like": []}, ["pacman", "--sync", "--noconfirm", "--needed", "zstd"]),
    ],
)
def test_what_archives_are_unpacked_with_is_installed(system, install):
    """By the distribution, where neither the program nor Python has it."""
    host = info(os={**system, "name": "x", "version_id": "1"}, zstd={"program": None, "python": False})
    found = decided(host)
    assert found["refusals"] == []
    assert found["stage"]["install"][: len(install)] == install
    assert decided()["stage"]["install"] == []


def test_archives_on_the_controller_are_copied():
    """From there to the folder of downloads, with the checksum that is known."""
    local = {BASE: {"path": f"/srv/ollama/{BASE}", "bytes": 5, "sha256": SHA256, "problem": None}}
    found = decided(local=local, source="/srv/ollama/")
    dest = f"{FOLDER}/downloads/{BASE}"
    assert found["refusals"] == []
    assert found["stage"]["copies"] == [{"src": f"/srv/ollama/{BASE}", "dest": dest}]
    assert found["stage"]["archives"] == [{"name": BASE, "url": None, "path": dest, "sha256": SHA256}]
    assert found["stage"]["checksums"] is None
