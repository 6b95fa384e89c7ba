# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of an installation, on the target and on the controller (plugin_utils/_install/ask.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._install import local
from ansible_collections.inference.ollama.plugins.plugin_utils._install.ask import Local, installation
from ansible_collections.inference.ollama.tests.unit.plugins.action import test_desired_state
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.installs import (
    BASE,
    LINKS,
    SHA256,
    by_script,
    info,
    installed,
    source,
)
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

act = test_desired_state.act  # a fixture
GIVEN = {"install": True, "command_timeout": 5, "state_folder": "/var/lib/inference.ollama", "models_path": ""}
BARE = xeon(software={"systemd": 252, "numactl": None, "ollama": None})


def decided(*answers, states=(), **options):
    """What is decided where install_info answers so, one after the other; and what was asked."""
    asked, replies = [], list(answers)

    def read(name, args):
        asked.append((name, args))
        if name == "install_info":
            return replies.pop(0)
        return {
            "snapshot": {"targets": list(states)},
            "unit_files_info": {"found_unit": found_unit({}, {"Nice": "3"})},
        }[name]

    return installation(read, {**GIVEN, **options}, BARE, Local(local.find, local.text)), asked


@pytest.mark.parametrize("options", [{"install": False}, {"install": "no"}, {"install_state": "absent"}])
def test_where_nothing_is_installed_nothing_is_asked(options):
    """A host that others have set up costs no more than before."""
    assert decided(**options) == (None, [])


def test_a_bare_host_is_asked_twice():
    """First what is there, then how large the archives of the release are, and which checksums it has."""
    found, asked = decided({"install": info(sources=[])}, {"install": info()}, states=["releases/0.31.0"])
    assert [name for name, _args in asked] == ["install_info", "install_info", "snapshot"]
    assert asked[0][1]["archives"] == []
    assert [archive["name"] for archive in asked[1][1]["archives"]] == [BASE]
    assert (found["refusals"], found["keep"]) == ([], ["0.31.0", "0.32.15"])


def test_a_release_that_is_there_is_asked_for_nowhere():
    """A second run needs no network."""
    found, asked = decided({"install": installed()})
    assert [name for name, _args in asked] == ["install_info", "snapshot"]
    assert found["changed_links"] == []


def test_the_latest_release_is_asked_for_by_word():
    """At the vendor's page, and what it says is installed."""
    answers = [{"install": info(latest="0.40.2", sources=[])}, {"install": info()}]
    found, asked = decided(*answers, install_version="latest")
    assert asked[0][1]["latest"] == {"url": "https://github.com/ollama/ollama/releases/latest"}
    assert found["version"] == "0.40.2"
    assert decided({"install": installed()})[1][0][1]["latest"] is None


def test_what_somebody_else_has_installed_is_read_with_its_unit():
    """What that says beyond the base unit stays in force."""
    found, asked = decided({"install": by_script(sources=[])}, {"install": info()}, install_adopt=True)
    assert "unit_files_info" in [name for name, _args in asked]
    assert found["refusals"] == []


def test_archives_on_the_controller(tmp_path):
    """By their size and the checksums beside them; a file that is not there is refused by name."""
    folder = tmp_path / "v0.32.15"
    folder.mkdir()
    found, asked = decided({"install": info(sources=[])}, install_source=str(tmp_path))
    assert [name for name, _args in asked] == ["install_info", "snapshot"]
    assert f"{BASE} is not available from {tmp_path}" in found["refusals"][0]
    (folder / BASE).write_bytes(b"12345")
    found, _asked = decided({"install": info(sources=[])}, install_source=str(tmp_path))
    assert "nothing says what" in found["refusals"][0]
    (folder / "sha256sum.txt").write_text(f"{SHA256}  ./{BASE}\n", encoding="utf-8")
    found, _asked = decided({"install": info(sources=[])}, install_source=str(tmp_path))
    assert found["refusals"] == []
    assert found["stage"]["copies"][0]["src"] == str(folder / BASE)
    assert found["stage"]["archives"][0]["sha256"] == SHA256


def test_wrong_variables_are_left_to_who_refuses_them():
    """Nothing is asked with them."""
    assert decided(install_version="0.32", install_keep=-1) == ({"decided": False}, [])


def test_a_reader_that_fails_ends_it():
    """With its own words."""
    with pytest.raises(OllamaError, match="no such module"):
        decided({"failed": True, "msg": "no such module"})


@pytest.fixture(name="run")
def _run(act):
    """Run the action desired_state on a host without Ollama, with these answers of install_info."""

    def run(*answers, **variables):
        replies = {
            "topology": BARE,
            "snapshot": {"targets": []},
            "install_info": answers[-1],
        }
        return act(answers=replies, ollama_install=True, **variables)

    return run


def test_desired_state_plans_for_the_release_that_will_be_there(run):
    """The links come with the files, and the reader of units knows the unit that will be there."""
    result, asked = run({"install": info()})
    assert (result["plan"]["release"], result["links"], result["pending"]) == ("0.32.15", LINKS, True)
    assert result["install"]["stage"]["needed"] is True
    planned = [args for name, args in asked if name == "unit_files_info"][-1]["planned"]
    assert "/etc/systemd/system/ollama.service" in planned


@pytest.mark.parametrize(("coming", "release"), [(True, "0.32.15"), (False, "0.34.1")])
def test_a_plan_is_for_the_release_that_is_to_come(run, coming, release):
    """Where it is asked for as such, and it says so; neither archives nor kept states are looked at."""
    result, asked = run(
        {"install": info(sources=[])},
        args={"preflight": False, "coming": coming},
        ollama_version="auto" if coming else release,
    )
    assert (result["refusals"], result["plan"]["release"]) == ([], release)
    names = [name for name, _args in asked]
    assert (names.count("install_info"), names.count("snapshot")) == (int(coming), 0)
    said = (result["install"] or {}).get("coming")
    words = "planned for release 0.32.15, which ollama_install is to install; none that a role has installed is in use"
    assert said == (words if coming else None)
    assert decided({"install": installed()})[0]["coming"] is None
    assert "; 0.31.2 is in use" in decided({"install": installed("0.31.2")}, {"install": info()})[0]["coming"]


def test_all_refusals_come_in_one_message(run):
    """Those of the installation beside those of the plan and of the role; none says to install Ollama first."""
    lacking = {"install": info(sources=[source(sha256=None)])}
    result, _asked = run(lacking, ollama_num_threads=-4, ollama_states_kept=0)
    assert [line.partition(":")[0] for line in result["msg"].splitlines()] == [
        "ollama_num_threads",
        "ollama_states_kept",
        "ollama_install_checksums",
    ]
    result, _asked = run({"install": info()}, ollama_install_version="newest", ollama_install_keep=-1)
    assert [line.partition(":")[0] for line in result["msg"].splitlines()] == [
        "ollama_install_version",
        "ollama_install_keep",
    ]
