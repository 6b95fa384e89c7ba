# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads of runs of site in a clone, which uses the callback brief."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

pytestmark = installed
DROPIN = "etc/systemd/system/ollama.service.d/override.conf"
HOSTS = ("node1", "node2", "node3", "node4")


class Run(NamedTuple):
    """The exit status and the lines of a run."""

    status: int
    lines: list[str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Four hosts, two at a time, of which the second cannot be written; then the first alone, which is as planned."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "node2" / DROPIN).mkdir(parents=True)
    hosts = "\n".join(f"{host} {LOCAL} ollama_version=0.34.1 ollama_staging_root={folder}/{host}" for host in HOSTS)

    def site(name, *options, callback="inference.ollama.brief"):
        (folder / name).mkdir()
        given = (
            ROOT / "playbooks/site.yml",
            "-e",
            "ollama_serial=2",
            "-e",
            f"ollama_plan_folder={folder}/plans",
            *options,
        )
        status, output = play(folder / name, f"[ollama]\n{hosts}", [], *given, callback=callback)
        return Run(status, output.splitlines())

    return {
        "failed": site("failed"),
        "steady": site("steady", "--limit", "node1"),
        "default": site("default", "--limit", "node1", callback="ansible.builtin.default"),
    }


def test_a_host_that_did_not_change_fits_ten_lines(runs):
    """The whole run, its recap too."""
    status, lines = runs["steady"]
    assert status == 0
    assert len(lines) <= 10, lines
    assert [line for line in lines if line.startswith("node1: unchanged; ")]
    assert sum(line.startswith("PLAY ") for line in lines) == 2
    assert not [line for line in lines if line.startswith(("TASK", "ok:", "skipping:", "included:"))]


def test_it_is_short_by_the_default_callback_too(runs):
    """Which shows each task, and of the plays that had nothing to do that no host matched."""
    status, lines = runs["default"]
    assert status == 0
    assert len(lines) <= 50, lines
    assert sum(line.startswith("skipping: [") for line in lines) <= 6


def test_a_run_that_fails_ends_with_how_it_leaves_the_hosts(runs):
    """It reports that once, with the reason and without the results of modules."""
    status, lines = runs["failed"]
    assert status != 0
    last = lines[lines.index("4 hosts: 1 changed, 1 failed, 2 untouched") :]
    assert last[1:4] == [
        "changed, and its API answers: node1",
        "failed before a file was changed: node2",
        "    node2: Write the files, and remove those that are no longer",
    ]
    assert "neither a file nor a link, so it is left as it is; move it away" in " ".join(" ".join(last).split())
    assert last[-1] == "never reached, and not changed: node3, node4"
    assert sum("4 hosts: " in line for line in lines) == 1
    assert "changed: [node1] Write the files, and remove those that are no longer planned" in lines
    assert not [line for line in lines if "Origin: " in line or "msg:" in line]


def test_a_plan_is_printed_once_for_hosts_that_are_alike(runs):
    """Whichever of them Ansible hears of first; each line fits 80 columns."""
    _status, lines = runs["failed"]
    first, second = [number for number, line in enumerate(lines) if re.match("node[12]: Ollama 0.34.1", line)]
    host = lines[first].partition(":")[0]
    assert lines[first].endswith("Ollama 0.34.1")
    assert lines[second].endswith(f"Ollama 0.34.1; all else as printed for {host}")
    assert second - first > 100
    assert max(map(len, lines[first:second])) <= 80
