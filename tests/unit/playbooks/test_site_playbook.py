# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/site.yml on a fleet of folders: what a run costs that has nothing to do, and what is refused before all."""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play

pytestmark = installed
HOSTS = [f"node{number}" for number in range(1, 6)]
DROPIN = "etc/systemd/system/ollama.service.d/override.conf"


def run(tmp_path, name, *options, **variables):
    """The exit status and the output of a run that renders each host's files into a folder of its own."""
    own = {host: " ".join(f"{key}={value}" for key, value in variables.get(host, {}).items()) for host in HOSTS}
    lines = [
        f"{host} {LOCAL} ollama_version=0.34.1 ollama_staging_root={tmp_path}/{host} {own[host]}" for host in HOSTS
    ]
    folder = tmp_path / name
    folder.mkdir()
    return play(
        folder, "[ollama]\n" + "\n".join(lines), [], ROOT / "playbooks/site.yml", "-e", "ollama_serial=5", *options
    )


def test_a_run_with_nothing_to_do_is_short(tmp_path):
    """Under ten lines a host, at most 15 tasks and one module call, and one line a host that sums it up."""
    status, output = run(tmp_path, "first")
    assert status == 0, output
    texts = {(tmp_path / host / DROPIN).read_text(encoding="utf-8") for host in HOSTS}
    assert len(texts) == 1
    status, output = run(tmp_path, "second")
    assert status == 0, output
    assert len(output.splitlines()) < 10 * len(HOSTS), output
    assert len(re.findall("^TASK ", output, flags=re.MULTILINE)) <= 15
    for host in HOSTS:
        assert re.search(rf"{host} +: ok=\d+ +changed=0 +unreachable=0 +failed=0", output)
        assert len(re.findall(rf"{host}: unchanged; \d+ settings", output)) == 1
    status, output = run(tmp_path, "third", "-vvv", "--limit", "node1")
    calls = re.findall(r"Using module file \S+/modules/(\w+)\.py", output)
    assert calls == ["unit_files_info"]


def test_nothing_changes_where_one_host_is_refused(tmp_path):
    """Three wrong numbers of one host give three lines, and no host is written to."""
    wrong = {"ollama_start_timeout": 0, "ollama_states_kept": 0, "ollama_verify_timeout": 0}
    status, output = run(tmp_path, "refused", node4=wrong)
    assert status != 0
    for name in wrong:
        assert f"{name}: 0 is not allowed" in output
    assert [host for host in HOSTS if (tmp_path / host).exists()] == []


BEFORE = """
- hosts: node1
  gather_facts: false
  tasks:
    - include_role: {name: inference.ollama.ollama}
- hosts: ollama
  gather_facts: false
  tasks:
    - set_fact: {read: 1, behind: 1, limited: 1, ran: 1, restarted: 1, started: 1, stopped: 1, of_hosts: 1}
- import_playbook: SITE
  vars: {ollama_hosts: node2}
"""


def test_hosts_that_another_play_has_read_are_none_of_its_own(tmp_path):
    """Where the role has changed one before in the same run, only hosts of ollama_hosts come."""
    (tmp_path / "before.yml").write_text(BEFORE.replace("SITE", str(ROOT / "playbooks/site.yml")), encoding="utf-8")
    hosts = [f"{host} {LOCAL} ollama_version=0.34.1 ollama_staging_root={tmp_path}/{host}" for host in HOSTS[:2]]
    status, output = play(tmp_path, "\n".join(["[ollama]", *hosts, ""]), [], "before.yml")
    assert status == 0, output
    assert re.search(r"node2: 3 files changed", output), output
    assert len(re.findall(r"node1: (?:3 files changed|unchanged)", output)) == 1
