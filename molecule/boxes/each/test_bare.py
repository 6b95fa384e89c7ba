# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare host gets a proven server, keeps it whatever happens to an upgrade, and is bare again in the end."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.on(job="bare")

CURRENT = "/opt/ollama/current"
# What systemd writes by itself, and the copies that the tools for accounts keep of their files.
OTHERS = (
    "/var/lib/systemd/",
    "/etc/passwd-",
    "/etc/shadow-",
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/subuid-",
    "/etc/subgid-",
)
# What stops each upgrade, and the words that say so.
STOPPED = {
    "killed": ["bringing the release ended without a result"],
    "full": ["are free there", "/opt/ollama/downloads"],
    "checksum": ["SHA-256", "ollama-linux-"],
}


@pytest.fixture(scope="module")
def after(recorded):
    """What is installed after a step, by its name."""
    return lambda name: recorded(f"bare-{name}-after")


def current(installed):
    """The release that the link leads to; None without one."""
    link = installed["files"].get(CURRENT)
    return link and link[-1].rpartition("/")[2]


def releases(installed, *, whole=True):
    """The releases by name; those that are not whole begin with a dot."""
    folder = "/opt/ollama/releases"
    names = (os.path.basename(path) for path in installed["files"] if os.path.dirname(path) == folder)
    return sorted(name for name in names if not (whole and name.startswith(".")))


def run_of(installed):
    """By what a restart of the server is seen."""
    return installed["service"]["InvocationID"], installed["service"]["MainPID"]


def lasting(installed):
    """What programs of the system do not write by themselves."""
    return {path: facts for path, facts in installed["files"].items() if not path.startswith(OTHERS)}


def test_the_host_is_bare(after):
    """Nothing of what is tested below was there before."""
    assert after("before")["version"] is None
    assert [path for path in after("before")["files"] if "ollama" in path] == []


def test_a_dry_run_goes_to_the_end_and_changes_nothing(recorded, after):
    """It shows the unit, which it cannot start, and downloads no archive."""
    dry = recorded("bare-dry")
    assert (dry["rc"], dry["changed"] > 0) == (0, True)
    assert "ollama.service would be started" in dry["output"]
    assert lasting(after("dry")) == lasting(after("before"))
    assert after("dry")["accounts"] == after("before")["accounts"]
    asked = [request for request in after("dry")["requests"] if request["method"] == "GET"]
    assert [request["path"] for request in asked if not request["path"].endswith(".txt")] == []


def test_a_bare_host_has_a_proven_server_after_one_run(recorded, after):
    """The release answers, starts at boot, and its processes were compared with the plan."""
    first = after("first")
    assert (first["version"], current(first), releases(first)) == ("0.32.15", "0.32.15", ["0.32.15"])
    assert first["service"]["UnitFileState"] == "enabled"
    assert "verified" in recorded("bare-first")["output"]


def test_a_download_that_is_cut_off_goes_on_where_it_was(after):
    """The second request asks for the rest alone, and nothing is asked for twice."""
    asked = [request for request in after("first")["requests"] if request["method"] == "GET"]
    begun, rest = (request for request in asked if ".tar.zst" in request["path"])
    assert rest["range"] == f"bytes={begun['bytes']}-"
    assert rest["status"] == 206


def test_a_second_run_changes_nothing_and_asks_for_nothing(recorded, after):
    """Neither a file nor the server, and no archive or checksum of the mirror."""
    first, second = after("first"), after("second")
    assert recorded("bare-second")["changed"] == 0
    assert lasting(second) == lasting(first)
    assert second["requests"] == first["requests"]
    assert run_of(second) == run_of(first)


@pytest.mark.parametrize("name", STOPPED)
def test_where_an_upgrade_is_stopped_the_old_release_runs_on(recorded, last_lines, after, name):
    """Without a restart, with its links, with nothing that is not whole under a release's name, and with a reason."""
    found = after(name)
    assert (found["version"], current(found), releases(found)) == ("0.32.15", "0.32.15", ["0.32.15"])
    assert run_of(found) == run_of(after("first"))
    lines = last_lines(f"bare-{name}")
    assert [words for words in STOPPED[name] if words not in lines] == []
    assert "Traceback" not in recorded(f"bare-{name}")["output"]


def test_a_run_that_is_killed_after_the_switch_leaves_the_old_server_running(after):
    """The link leads to the new release, and the process is that of the old one."""
    found = after("switched")
    assert (found["version"], current(found)) == ("0.32.15", "0.33.0")
    assert run_of(found) == run_of(after("first"))


def test_the_next_run_finishes_it_and_keeps_the_old_release(recorded, after):
    """Nothing is downloaded again, the server is another process, and nothing that is not whole is left."""
    found = after("finished")
    assert recorded("bare-finished")["rc"] == 0
    assert (found["version"], current(found)) == ("0.33.0", "0.33.0")
    assert releases(found, whole=False) == ["0.32.15", "0.33.0"]
    assert found["requests"] == after("switched")["requests"]
    assert run_of(found) != run_of(after("first"))


def test_a_release_whose_server_fails_its_proof_is_taken_back(last_lines, after):
    """The release of before runs again, by the same files."""
    found = after("refused")
    assert (found["version"], current(found)) == ("0.33.0", "0.33.0")
    before = {path: facts for path, facts in after("finished")["files"].items() if path.startswith("/etc/")}
    assert {path: found["files"].get(path) for path in before} == before
    assert "are back as they were" in last_lines("bare-refused")


def test_what_was_unpacked_halfway_is_there_after_the_kill(after):
    """So it was killed in the middle of it, and what the next run finds is what a loss of power leaves."""
    assert releases(after("killed"), whole=False) == [".0.33.0.partial", "0.32.15"]


def test_removal_leaves_the_host_as_it_was(after):
    """No file, no account, no service."""
    before, removed = after("before"), after("removed")
    assert lasting(removed) == lasting(before)
    assert removed["accounts"] == before["accounts"]
    assert removed["version"] is None
