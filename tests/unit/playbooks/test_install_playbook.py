# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook site and the role install Ollama: what stops them, and what a dry run says before the first time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, installed, play

pytestmark = installed
HOST = f"[ollama]\nnode1 {LOCAL} ansible_become=false ollama_install=true ollama_install_source=/no/such/folder\n"
ROLE = """
- hosts: ollama
  gather_facts: false
  tasks:
    - name: Take it away
      ansible.builtin.include_role:
        name: inference.ollama.ollama_install
      vars:
        ollama_install_state: absent
    - name: Install it
      ansible.builtin.include_role:
        name: inference.ollama.ollama_install
"""
# The playbook reads the host that the tests run on, and changes nothing there.
bare = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("systemctl") or shutil.which("ollama") is not None,
    reason="not root on a host with systemd and without Ollama",
)


def test_all_that_is_wrong_is_refused_at_once(tmp_path):
    """Of the installation and of the tuning, in one message, before anything changes."""
    variables = {"ollama_staging_root": f"{tmp_path}/staged", "ollama_num_threads": -4, "ollama_install_parts": ["gpu"]}
    wrong = ["-e", json.dumps(variables)]
    status, output = play(tmp_path / "run", HOST, [], "inference.ollama.site", *wrong)
    assert status != 0
    for sentence in (
        "ollama_install: nothing can be installed with ollama_staging_root",
        "ollama_install_parts: there is no archive gpu",
        "ollama_num_threads: ",
    ):
        assert sentence in output
    assert "changed=0" in output
    assert not (tmp_path / "staged").exists()


@bare
def test_a_dry_run_goes_to_the_end_before_the_first_installation(tmp_path):
    """It says what would be unpacked, and changes nothing; where there is nothing to take away that is no change."""
    archive = tmp_path / "archives" / "ollama-linux-amd64.tar.zst"
    archive.parent.mkdir()
    archive.write_bytes(b"not looked into")
    sums = f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    (archive.parent / "sha256sum.txt").write_text(sums, encoding="utf-8")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "play.yml").write_text(ROLE, encoding="utf-8")
    places = {"ollama_install_folder": f"{tmp_path}/programs", "ollama_state_folder": f"{tmp_path}/state"}
    variables = {**places, "ollama_install_source": str(archive.parent), "ollama_version": "auto"}
    status, output = play(folder, HOST, [], "play.yml", "--check", "-e", json.dumps(variables))
    assert status == 0, output
    assert "node1: no role has installed an Ollama here, so nothing is taken away" in output
    assert f"release 0.32.15 would be unpacked into {tmp_path}/programs/releases/0.32.15" in output
    assert "node1: would be: " in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archives", "run"]
